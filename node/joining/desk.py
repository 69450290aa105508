"""The desk of a gateway: makes join codes, and lets the shops in that bring one.

The gateway has a key of an account with the admitter's role (or an operator's). A code is a line in
its book. The first account to bring a code has it: that is on the disk before the chain hears of
it, so whatever stops in between, the same shop can ask again and nobody else can. Where the chain
knows codes, it has the last word: then other gateways take this one's, and each is spent once.
"""

import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.errors import WashError
from chain.governance import contract_by_name
from chain.ids import encode_id
from chain.roles import Role, has_role
from chain.transaction import Action, Admit, Call
from chain.types import HOUR_MS, MINUTE_MS
from node.joining.account_keys import full_keys
from node.joining.code import SECRET_BYTES, JoinCode, JoinCodeError, make_code
from node.joining.errors import (
    AdmissionError,
    GuessingError,
    NoAdmissionsError,
    OverCodeError,
    RevokedCodeError,
    UnknownCodeError,
    UsedCodeError,
)
from node.joining.on_chain import (
    ChainCode,
    find_spent,
    mark_of,
    offering,
    read_code,
    spending,
    taking_back,
)
from node.joining.records import NAME_LENGTH_MAX, Record, RecordBook, Use, hash_secret
from node.joining.request import JoinRequest, check_request
from node.joining.sending import Admitter, sign_actions
from node.live.outcomes import TxStatus
from node.live.views import look

VALID_FOR_DEFAULT_MS = 72 * HOUR_MS
VALID_FOR_MAX_MS = 31 * 24 * HOUR_MS
WAIT_MS = 20_000  # for the chain; who is told `pending` asks again
GUESSES_MAX = 30  # a minute, of all strangers together
_REGISTER = "shops"

_log = logging.getLogger("washnode.admissions")


@dataclass(frozen=True, slots=True)
class Admission:
    """Where the admission of a shop stands: `final` or `pending`."""

    status: str
    tx_id: bytes
    height: int | None


class Desk:
    """Admissions of one gateway, signed by `identity`."""

    def __init__(self, node: Any, identity: Admitter, folder: Path, url: str = "") -> None:
        """`folder` is where the records lie, `url` where other nodes dial this one, if they do."""
        self.node, self.identity, self.url = node, identity, url
        self.chance: Callable[[int], bytes] = secrets.token_bytes  # secrets of codes
        self.wait_ms = WAIT_MS
        self._guesses: deque[int] = deque()  # when codes came that nobody made
        self.book = RecordBook(folder)

    def make(
        self, gateways: tuple[str, ...], valid_for_ms: int, name: str = "", note: str = ""
    ) -> tuple[JoinCode, Record]:
        """Return a new code and its record. Raises NoAdmissionsError, JoinCodeError."""
        self._check_may_admit()
        if name:
            check_name(name)
        now = self.node.clock.now_ms()
        hour = -(-(now + min(valid_for_ms, VALID_FOR_MAX_MS)) // HOUR_MS)
        code = make_code(gateways, self.node.ledger.chain_id, hour, self.chance(SECRET_BYTES))
        record = Record(
            number=code.number.hex(),
            secret_hash=hash_secret(code),
            made_at=now,
            expires_at=code.expires_at,
            name=name,
            note=note,
        )
        self.book.put(record)
        _log.info("made join code %s", record.number)
        self._tell(offering(self.node, record))
        return code, record

    def _tell(self, actions: list[Call]) -> None:
        """Tell the chain of a code; what it does not take now it hears when the code comes."""
        if actions:
            try:
                self.node.submit(sign_actions(self.node, self.identity, actions)[1])
            except WashError as error:
                _log.warning("the chain was not told of a join code: %s", error)

    def revoke(self, number: str) -> Record:
        """Take back a code that nobody used. Raises UnknownCodeError, UsedCodeError."""
        record = self.book.read(number)
        if record is None:
            raise UnknownCodeError
        if record.use is not None:
            raise UsedCodeError(bytes.fromhex(record.use.account), record.use.at_ms)
        known = read_code(self.node, mark_of(record))
        if known is not None and known.shop is not None:
            raise UsedCodeError(known.shop, known.used_at)
        if record.revoked_at is None:
            record = record.model_copy(update={"revoked_at": self.node.clock.now_ms()})
            self.book.put(record)
            _log.info("took back join code %s", record.number)
            self._tell(taking_back(self.node, mark_of(record)))
        return record

    async def redeem(self, request: JoinRequest) -> Admission:
        """Let the shop in that brings a code; asked again it gives the same answer.

        Raises JoinCodeError, UnknownCodeError, OverCodeError, UsedCodeError, RevokedCodeError,
        BadSignatureError, NoAdmissionsError, AdmissionError, GuessingError.
        """
        if not request.code.is_of(self.node.ledger.chain_id):
            raise JoinCodeError("this code is for another network")
        known = read_code(self.node, bytes.fromhex(hash_secret(request.code)))
        record = self.book.find(request.code) or _adopt(known, request.code)
        if record is None:
            raise self._unknown()
        keys = full_keys(self.node.state(), request.account, self.node.block_time())
        check_request(self.node.ledger.chain_id, request, keys)
        check_name(request.name)
        if known is not None:
            _check_known(known, request, self.node.clock.now_ms())
        return await self._admit(self._claim(record, request, known))

    def _unknown(self) -> WashError:
        """Return the refusal of a code that nobody made, and count it."""
        now = self.node.clock.mono_ms()
        while self._guesses and now - self._guesses[0] > MINUTE_MS:
            self._guesses.popleft()
        if len(self._guesses) >= GUESSES_MAX:
            return GuessingError()
        self._guesses.append(now)
        _log.warning("a join code that is not of this gateway")
        return UnknownCodeError()

    def _claim(self, record: Record, request: JoinRequest, known: ChainCode | None) -> Record:
        """Return the record with this shop as its user."""
        now = self.node.clock.now_ms()
        use = record.use
        if known is not None and known.used_at:
            return self._note_spent(record, request, known)
        if use is not None:
            if (use.account, use.node_key) != (request.account.hex(), request.node_key.hex()):
                raise UsedCodeError(bytes.fromhex(use.account), use.at_ms)
            return record
        if record.revoked_at is not None:
            raise RevokedCodeError
        if now >= record.expires_at:
            raise OverCodeError(record.expires_at)
        self._check_may_admit()
        if record.name and request.name != record.name:
            raise JoinCodeError(f"this code is for the shop {record.name!r} only")
        use = Use(
            account=request.account.hex(),
            node_key=request.node_key.hex(),
            name=request.name,
            at_ms=now,
        )
        record = record.model_copy(update={"use": use})
        self.book.put(record)
        _log.info("join code %s is used by %s", record.number, encode_id("acct", request.account))
        return record

    def _note_spent(self, record: Record, request: JoinRequest, known: ChainCode) -> Record:
        """Return the record with what the chain says: this shop is in, by whichever gateway."""
        if record.use is not None and record.use.height is not None:
            return record
        spent = find_spent(self.node, known.mark)
        if spent is None:
            raise AdmissionError("the chain let this shop in, in a block that is not kept here")
        tx_id, height = spent
        use = Use(
            account=request.account.hex(),
            node_key=request.node_key.hex(),
            name=request.name,
            at_ms=known.used_at,
            tx_id=tx_id.hex(),
            height=height,
        )
        record = record.model_copy(update={"use": use})
        self.book.put(record)
        return record

    async def _admit(self, record: Record) -> Admission:
        use = record.use
        assert use is not None, record.number
        if use.height is None:
            tx_id = self._find_sent(use) or self._send(record, use)
            status = await self.node.wait(tx_id, self.wait_ms)
            if status.status in {"pending", "unknown"}:
                return Admission("pending", tx_id, None)
            record = self._settle(record, tx_id, status)
            use = record.use
            assert use is not None, record.number
        assert use.tx_id is not None, record.number
        return Admission("final", bytes.fromhex(use.tx_id), use.height)

    def _find_sent(self, use: Use) -> bytes | None:
        """Return the transaction that was sent for this use, if it can still count."""
        if use.tx_id is None:
            return None
        tx_id = bytes.fromhex(use.tx_id)
        return tx_id if self.node.status(tx_id).status in {"pending", "final"} else None

    def _send(self, record: Record, use: Use) -> bytes:
        """Sign and send the admission; raises AdmissionError if the chain would refuse it."""
        tx_id, data = sign_actions(self.node, self.identity, self._actions(record, use))
        update = {"use": use.model_copy(update={"tx_id": tx_id.hex()})}
        self.book.put(record.model_copy(update=update))
        self.node.submit(data)
        return tx_id

    def _actions(self, record: Record, use: Use) -> list[Action]:
        """Return what lets a shop in: all of it happens, or nothing."""
        account, node_key = bytes.fromhex(use.account), bytes.fromhex(use.node_key)
        register = contract_by_name(self.node.state(), _REGISTER)
        if register is None:
            raise NoAdmissionsError("the operators have installed no register of shops yet")
        actions: list[Action] = [*spending(self.node, record, use)]
        actions += [Admit(account), Admit(node_key)]
        if not self._is_shop(register, account):
            actions.append(Call(register, "admit", (account, use.name), 0))
        return actions

    def _is_shop(self, register: bytes, account: bytes) -> bool:
        found = look(self.node, register, "standing", account)
        return bool(found and found["status"])

    def _settle(self, record: Record, tx_id: bytes, status: TxStatus) -> Record:
        use = self.book.read(record.number)
        assert use is not None, record.number
        if status.status != "final":
            raise AdmissionError(f"the chain's answer was: {status.status}; ask again")
        assert use.use is not None, record.number
        done = use.use.model_copy(update={"tx_id": tx_id.hex(), "height": status.height})
        record = record.model_copy(update={"use": done})
        self.book.put(record)
        _log.info("join code %s let its shop in at height %s", record.number, status.height)
        return record

    def _check_may_admit(self) -> None:
        state, account = self.node.state(), self.identity.account
        may = has_role(state, account, Role.ADMITTER) or has_role(state, account, Role.OPERATOR)
        if not (may and has_role(state, account, Role.MEMBER)):
            shown = encode_id("acct", account)
            raise NoAdmissionsError(
                f"{shown} needs the roles member and admitter: washnode gov propose role grant"
            )


def _adopt(known: ChainCode | None, code: JoinCode) -> Record | None:
    """Return a record for a code that another gateway made and the chain knows."""
    if known is None:
        return None
    return Record(
        number=code.number.hex(),
        secret_hash=hash_secret(code),
        made_at=known.made_at,
        expires_at=known.until,
    )


def _check_known(known: ChainCode, request: JoinRequest, now_ms: int) -> None:
    """Raise what the chain would refuse a code with, in words; it refuses it whatever we say."""
    if known.used_at:
        if (known.shop, known.node_key) != (request.account, request.node_key):
            assert known.shop is not None, "it was used"
            raise UsedCodeError(known.shop, known.used_at)
        return
    if known.stopped_at:
        raise RevokedCodeError
    if now_ms >= known.until:
        raise OverCodeError(known.until)
    if not known.is_for(request.name):
        raise JoinCodeError("this code is for a shop of another name")


def check_name(name: str) -> None:
    """Raise JoinCodeError unless a shop can be called so."""
    if not 0 < len(name) <= NAME_LENGTH_MAX or name != name.strip() or not name.isprintable():
        raise JoinCodeError(f"a shop's name has 1 to {NAME_LENGTH_MAX} letters on one line")
