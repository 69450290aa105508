"""The desk of a gateway: makes join codes, and lets the shops in that bring one.

The gateway has a key of an account with the admitter's role (or an operator's). A code is a line in
its book. The first account to bring a code has it: that is on the disk before the chain hears of
it, so whatever stops in between, the same shop can ask again and nobody else can.
"""

import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chain.codec import encode
from chain.crypto import Signer
from chain.errors import WashError
from chain.governance import contract_by_name
from chain.ids import encode_id
from chain.params import read_params
from chain.roles import Role, has_role
from chain.transaction import (
    TX_VERSION,
    Action,
    Admit,
    Call,
    SignedTransaction,
    Transaction,
    read_transaction,
    signing_bytes,
)
from chain.types import HOUR_MS, MINUTE_MS
from contracts.execution import transaction_gas
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
from node.joining.records import NAME_LENGTH_MAX, Record, RecordBook, Use, hash_secret
from node.joining.request import JoinRequest, check_request
from node.live.outcomes import TxStatus
from node.live.simulation import as_received, simulate_freely
from node.live.views import look

VALID_FOR_DEFAULT_MS = 72 * HOUR_MS
VALID_FOR_MAX_MS = 31 * 24 * HOUR_MS
WAIT_MS = 20_000  # for the chain; who is told `pending` asks again
GUESSES_MAX = 30  # a minute, of all strangers together
_VALID_MS = 2 * MINUTE_MS
_REGISTER = "shops"

_log = logging.getLogger("washnode.admissions")


@dataclass(frozen=True, slots=True)
class Admitter:
    """The account that lets shops in, and the key that signs for it here."""

    account: bytes
    signer: Signer


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
        return code, record

    def revoke(self, number: str) -> Record:
        """Take back a code that nobody used. Raises UnknownCodeError, UsedCodeError."""
        record = self.book.read(number)
        if record is None:
            raise UnknownCodeError
        if record.use is not None:
            raise UsedCodeError(bytes.fromhex(record.use.account), record.use.at_ms)
        if record.revoked_at is None:
            record = record.model_copy(update={"revoked_at": self.node.clock.now_ms()})
            self.book.put(record)
            _log.info("took back join code %s", record.number)
        return record

    async def redeem(self, request: JoinRequest) -> Admission:
        """Let the shop in that brings a code; asked again it gives the same answer.

        Raises JoinCodeError, UnknownCodeError, OverCodeError, UsedCodeError, RevokedCodeError,
        BadSignatureError, NoAdmissionsError, AdmissionError, GuessingError.
        """
        if not request.code.is_of(self.node.ledger.chain_id):
            raise JoinCodeError("this code is for another network")
        record = self.book.find(request.code)
        if record is None:
            raise self._unknown()
        check_request(self.node.ledger.chain_id, request)
        check_name(request.name)
        return await self._admit(self._claim(record, request))

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

    def _claim(self, record: Record, request: JoinRequest) -> Record:
        """Return the record with this shop as its user."""
        now = self.node.clock.now_ms()
        use = record.use
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
        body = self._build(use)
        body, outcome = simulate_freely(self.node, body, read_params(self.node.state()))
        receipt = outcome.receipt
        if receipt is None or not receipt.ok:
            reason = outcome.error if receipt is None else f"error {receipt.error} of the chain"
            raise AdmissionError(f"the chain would refuse it: {reason}")
        gas = max(receipt.gas_used * 3 // 2, transaction_gas(as_received(body)))
        body = replace(body, gas_limit=min(gas, body.gas_limit))
        signature = self.identity.signer.sign(signing_bytes(body))
        data = encode(SignedTransaction(body, signature, None))
        tx_id = read_transaction(data).tx_id
        update = {"use": use.model_copy(update={"tx_id": tx_id.hex()})}
        self.book.put(record.model_copy(update=update))
        self.node.submit(data)
        return tx_id

    def _build(self, use: Use) -> Transaction:
        account, node_key = bytes.fromhex(use.account), bytes.fromhex(use.node_key)
        register = contract_by_name(self.node.state(), _REGISTER)
        if register is None:
            raise NoAdmissionsError("the operators have installed no register of shops yet")
        actions: list[Action] = [Admit(account), Admit(node_key)]
        if not self._is_shop(register, account):
            actions.append(Call(register, "admit", (account, use.name), 0))
        params, who = read_params(self.node.state()), self.identity
        key = who.signer.public_key
        return Transaction(
            version=TX_VERSION,
            chain_id=self.node.ledger.chain_id,
            account=who.account,
            key=None if key == who.account else key,
            nonce=self.node.next_nonce(who.account, key),
            valid_until=self.node.block_time() + min(_VALID_MS, params.valid_for_max_ms),
            gas_limit=params.transaction_gas_max,
            sponsor=None,
            actions=tuple(actions),
            client_ref=None,
        )

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


def check_name(name: str) -> None:
    """Raise JoinCodeError unless a shop can be called so."""
    if not 0 < len(name) <= NAME_LENGTH_MAX or name != name.strip() or not name.isprintable():
        raise JoinCodeError(f"a shop's name has 1 to {NAME_LENGTH_MAX} letters on one line")
