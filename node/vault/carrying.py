"""A shop's sealed details on their way to the gateway where its customers look.

A shop's node is behind a router and off at night. So it asks its gateway to be named on the chain
as one who keeps them too, and then brings them. What waits is what lies in the vault: there is no
list that a restart could lose. The gateway believes nothing, and erases by the chain as this node
does. What somebody erased meanwhile is not brought any more.
"""

import asyncio
import secrets
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chain.codec import encode
from chain.errors import WashError
from chain.executed import ExecutedBlock
from chain.ids import decode_id, encode_id
from chain.nonces import find_nonce
from chain.transaction import TX_VERSION, Call, Transaction, signing_bytes
from chain.types import MINUTE_MS
from node.carrying import Ask, Rounds, SilentError
from node.live.hearing import hears_nobody
from node.vault.errors import GoneError
from node.vault.hosting import ADD_HOLDER, GAS_EACH, TOGETHER_MAX
from node.vault.on_chain import HOLDERS_MAX, HOLDS, KEPT, Entry, event_number
from node.vault.sealing import Wrapped, keys_hash
from node.vault.service import Vault
from node.vault.statements import NONCE_BYTES, Deal, Deed, sign_statement

WAITING_MAX = 100_000
ASKED_TOGETHER = 64
LOOKED_AT = 256  # of what waits, to find as many to ask for together
PATIENCE_S = 120  # a photo, on a slow line
VALID_MS = 5 * MINUTE_MS
REFUSED_MS = 20_000
RARELY = 64  # rounds between two tries to bring what was refused often
SURVEY_S = 6 * 3600  # a gateway may have lost its disk
PAUSE_S = 0.01  # between two looks at many blobs: blocks and answers come first
_BLOB = "blb"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway as it tells of itself: for which account it keeps, and its node's key."""

    account: bytes
    node: bytes


class BlobCarrier:
    """Brings what this node's shop wrote to one gateway."""

    def __init__(self, vault: Vault, ask: Ask) -> None:
        self._vault, self._ask = vault, ask
        self._rounds = Rounds(self._carry, WAITING_MAX)
        self.want, self.carry_all = self._rounds.want, self._rounds.carry_all
        self._gateway: Gateway | None = None
        self._asked: dict[bytes, int] = {}  # what the gateway was asked to be named for; till when
        self._nonce: int | None = None  # reserved, and not used yet
        self._refused_till = 0  # when to ask again after a no
        self._there: set[bytes] = set()  # of what waits, what the gateway has
        self._lacking: set[bytes] = set()  # and what it said that it lacks
        self._turns: dict[bytes, int] = {}  # of what it lacks, how often it was its turn
        vault.on_kept.append(self.want)
        vault.node.on_commit.append(self.on_commit)

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Note what a block that was just stored put on record, or names a holder for."""
        place = self._vault.contract.place()
        if place is None:
            return
        numbers = {event_number("Registered"), event_number("HolderAdded")}
        for receipt in executed.receipts:
            for event in receipt.events:
                if event.contract == place and event.number in numbers:
                    name = event.values[0]
                    if isinstance(name, bytes) and self._vault.store.is_there:
                        self._want_own(name)

    async def run(self) -> None:
        """Carry what waits, now and whenever there is more, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._survey())
            group.create_task(self._rounds.run())

    async def _survey(self) -> None:
        while True:
            store = self._vault.store
            for name in store.names() if store.is_there else ():
                self._want_own(name)
                await asyncio.sleep(PAUSE_S)
            await asyncio.sleep(SURVEY_S)

    def _want_own(self, name: bytes) -> None:
        if self._vault.store.has(name):
            self.want(name)

    # One of them ----------------------------------------------------------------------------------

    async def _carry(self, name: bytes) -> bool:
        """Tell whether there is nothing to bring any more; else do the next step towards it."""
        vault = self._vault
        try:
            entry = vault.contract.entry(name)
        except GoneError:  # its entry is on its way
            return False
        is_own = entry.author == vault.holder != entry.owner
        if not is_own or entry.state != KEPT or not vault.store.has(name):
            return self._done(name)
        gateway = await self._find_gateway()
        holding = vault.contract.holding(name, gateway.account)
        if holding == HOLDS:
            return await self._bring(name, entry, gateway)
        if holding or gateway.account == vault.holder or not self._may_name(entry):
            return self._done(name)
        await self._ask_to_be_named(name, gateway)
        return False

    def _done(self, name: bytes) -> bool:
        self._there.discard(name)
        self._lacking.discard(name)
        self._asked.pop(name, None)
        self._turns.pop(name, None)
        return True

    def _may_name(self, entry: Entry) -> bool:
        is_late = self._vault.node.block_time() + VALID_MS >= entry.author_until
        return not is_late and entry.holders < HOLDERS_MAX

    async def _find_gateway(self) -> Gateway:
        """Return who the gateway is. Raises SilentError if it keeps nothing, or is of no use."""
        if self._gateway is None:
            try:
                found = await self._ask("node_info", {})
                if bytes.fromhex(found["chain_id"]) != self._vault.node.ledger.chain_id:
                    raise SilentError
                account = decode_id(found["sponsor"], "acct")
                self._gateway = Gateway(account, bytes.fromhex(found["validator_key"]))
            except (TypeError, KeyError, ValueError, AttributeError, WashError):
                raise SilentError from None
        return self._gateway

    async def _tell(self, method: str, params: dict[str, Any]) -> Any:
        """Return an answer, None if there is none; then who the gateway is is asked anew."""
        answer = await self._ask(method, params)
        if answer is None:
            self._gateway = None
        return answer

    # Naming ---------------------------------------------------------------------------------------

    async def _ask_to_be_named(self, name: bytes, gateway: Gateway) -> None:
        """Ask the gateway to sign as one who keeps this and others that wait, unless it was."""
        now = self._vault.node.block_time()
        self._asked = {one: till for one, till in self._asked.items() if till > now}
        if name in self._asked or now < self._refused_till:
            return
        if hears_nobody(self._vault.node):
            raise SilentError
        names = self._together(name, TOGETHER_MAX, lambda one: self._is_to_name(one, gateway))
        body = self._naming(names, gateway)
        signature = self._vault.signer.sign(signing_bytes(body))
        params = {"body": encode(body).hex(), "signature": signature.hex()}
        if await self._tell("blob_host", params) is None:
            self._refused_till = now + REFUSED_MS
        else:
            self._nonce = None
            self._asked |= dict.fromkeys(names, body.valid_until)

    def _is_to_name(self, name: bytes, gateway: Gateway) -> bool:
        vault = self._vault
        try:
            entry = vault.contract.entry(name)
        except GoneError:
            return False
        is_own = entry.author == vault.holder != entry.owner and entry.state == KEPT
        is_named = vault.contract.holding(name, gateway.account) != 0
        return is_own and not is_named and name not in self._asked and self._may_name(entry)

    def _naming(self, names: list[bytes], gateway: Gateway) -> Transaction:
        node, account, key = self._vault.node, self._vault.holder, self._vault.signer.public_key
        place = self._vault.contract.place()
        assert place is not None, "what waits is on record in the contract"
        return Transaction(
            version=TX_VERSION,
            chain_id=node.ledger.chain_id,
            account=account,
            key=None if key == account else key,
            nonce=self._reserve_nonce(),
            valid_until=node.block_time() + VALID_MS,
            gas_limit=GAS_EACH * len(names),
            sponsor=gateway.account,
            actions=tuple(Call(place, ADD_HOLDER, (one, gateway.account), 0) for one in names),
            client_ref=None,
        )

    def _reserve_nonce(self) -> int:
        """Return a nonce for what the gateway sends; one that it refused is good once more."""
        node, account, key = self._vault.node, self._vault.holder, self._vault.signer.public_key
        old = self._nonce
        if old is None or find_nonce(node.state(), account, key, old) is not False:
            old = self._nonce = node.next_nonce(account, key)
            node.pool.reserve_nonce(account, key, old)
        return old

    # Bringing -------------------------------------------------------------------------------------

    async def _bring(self, name: bytes, entry: Entry, gateway: Gateway) -> bool:
        if name not in self._there and name not in self._lacking:
            await self._ask_for(name, gateway)
        if name in self._there:
            return self._done(name)
        keys = self._first_keys(name, entry)
        blob = self._vault.store.blob(name)
        if keys is None or blob is None:
            return self._done(name)
        if not self._is_turn(name):
            return False
        node = self._vault.node
        fresh = node.clock.now_ms(), secrets.token_bytes(NONCE_BYTES)
        deal, where = Deal(Deed.PUT, name, digest=entry.keys), (node.ledger.chain_id, gateway.node)
        said = sign_statement(self._vault.signer, self._vault.holder, where, deal, fresh)
        params = {
            "blob": encode_id(_BLOB, name),
            "content": blob.hex(),
            "keys": [
                {
                    "blob": encode_id(_BLOB, one.blob),
                    "account": encode_id("acct", one.account),
                    "sealed": one.sealed.hex(),
                }
                for one in keys
            ],
            "auth": {
                "account": encode_id("acct", said.account),
                "key": said.key.hex(),
                "at": said.at_ms,
                "nonce": said.nonce.hex(),
                "signature": said.signature.hex(),
            },
        }
        return await self._tell("blob_put", params) is not None and self._done(name)

    def _is_turn(self, name: bytes) -> bool:
        """Tell whether to send bytes now: what a full gateway refuses would fill a slow line."""
        turn = self._turns[name] = self._turns.get(name, 0) + 1
        return turn % RARELY == 0 or turn & (turn - 1) == 0  # 1, 2, 4, 8, …

    def _first_keys(self, name: bytes, entry: Entry) -> list[Wrapped] | None:
        """Return the wrapped keys that the chain has on record of a blob, None if they are gone."""
        store = self._vault.store
        for found in (store.first_keys(name), store.all_keys(name)):
            if found is not None and keys_hash(found) == entry.keys:
                return found
        return None

    async def _ask_for(self, name: bytes, gateway: Gateway) -> None:
        """Learn whether the gateway has this, and others that wait."""

        def is_open(one: bytes) -> bool:
            is_known = one in self._there or one in self._lacking
            return not is_known and self._vault.contract.holding(one, gateway.account) == HOLDS

        names = self._together(name, ASKED_TOGETHER, is_open)
        params = {"blobs": [encode_id(_BLOB, one) for one in names]}
        try:
            answer = await self._tell("blob_missing", params)
            lacking = {decode_id(one, _BLOB) for one in answer["missing"]} & {*names}
        except (TypeError, KeyError, AttributeError, WashError):
            raise SilentError from None
        self._lacking |= lacking
        self._there |= {*names} - lacking

    def _together(self, name: bytes, count: int, suits: Any) -> list[bytes]:
        """Return this and others that wait, in their order, which a test suits."""
        others = (one for one in islice(self._rounds.waiting(), LOOKED_AT) if one != name)
        return [name, *islice((one for one in others if suits(one)), count - 1)]
