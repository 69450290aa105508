"""Whom to pay when a shop asks for its money: the desk is told by a code, the chain a fingerprint.

`payouts.json` beside the keys of staff has the texts. The salts follow from the shop's own key, so
that cash is fetched with another computer too; a bank account is then to be named anew.
"""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from chain.crypto import Signer, hash_bytes
from chain.errors import StoreError
from node.files import put_whole
from node.staff.errors import StaffError
from node.storage.disk import disk_faults

LIST = "payouts.json"
KEPT_MAX = 64  # twice as many as a holder's open requests
NUMBERS = 256
SALT_BYTES = 16
TEXT_LENGTH_MAX = 120


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom to pay, "" for cash at the desk, and what keeps the fingerprint from being guessed."""

    salt: str
    text: str

    @property
    def print(self) -> str:
        """The fingerprint that stands in the request."""
        return hash_bytes("payout", bytes.fromhex(self.salt) + self.text.encode()).hex()

    def code(self, request: str) -> str:
        """Return what the desk scans to pay a request."""
        return f"WASHOUT1:{request}:{self.salt}:{self.text.encode().hex()}".upper()


class PayoutBook:
    """The payees of the newest requests of the shop whose node this is."""

    def __init__(self, folder: Path) -> None:
        """Read what is in a folder; a damaged list is begun anew, cash needs none."""
        self._path = folder / LIST
        self._kept: list[Payee] = []
        try:
            with disk_faults(folder):
                text = self._path.read_text("utf-8") if self._path.exists() else "[]"
            self._kept = [Payee(**one) for one in json.loads(text)]
        except (StoreError, ValueError, TypeError):
            self._kept = []

    def next(self, shop: Signer, text: str, taken: Collection[str]) -> Payee:
        """Return the payee for another request: with a fingerprint that none has and none had."""
        used = {one.print for one in self._kept} | set(taken)
        made = (Payee(_salt(shop, number), text) for number in range(NUMBERS))
        found = next((one for one in made if one.print not in used), None)
        if found is None:
            told = f"more than {NUMBERS} requests to the same payee; name it in other words"
            raise StaffError(told)
        return found

    def keep(self, payee: Payee, waiting: Collection[str] = ()) -> None:
        """Remember a payee; the oldest makes room whose request does not wait to be paid."""
        kept = [*self._kept, payee]
        over = [one for one in kept[:-1] if one.print not in waiting][
            : max(0, len(kept) - KEPT_MAX)
        ]
        self._kept = [one for one in kept if one not in over]
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps([asdict(one) for one in self._kept], ensure_ascii=False, indent=1) + "\n"
        put_whole(self._path, text, replace=True, is_private=True)

    def find(self, shop: Signer, fingerprint: str) -> Payee | None:
        """Return whom a request is to be paid to; None: only another computer knows."""
        cash = (Payee(_salt(shop, number), "") for number in range(NUMBERS))
        known = next((one for one in self._kept if one.print == fingerprint), None)
        return known or next((one for one in cash if one.print == fingerprint), None)


def _salt(shop: Signer, number: int) -> str:
    signed = shop.sign(b"washnode salt of payout %d" % number)  # told to nobody
    return hash_bytes("payout-salt", signed)[:SALT_BYTES].hex()


def check_payee(text: str) -> str:
    """Return whom to pay on one line, "" for cash. Raises StaffError."""
    plain = " ".join(text.split())
    if len(plain) > TEXT_LENGTH_MAX or (plain and not plain.isprintable()):
        told = f"whom to pay is one line of at most {TEXT_LENGTH_MAX} letters"
        raise StaffError(told)
    return plain
