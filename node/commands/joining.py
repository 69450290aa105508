"""The way of a shop into a network, step by step; every step that is done is not done again.

1. the genesis file comes from a gateway and must be the one that the code means
2. a gateway lets the shop in: the code is used up, for this shop's keys only
3. the node starts and takes the chain from its peers
4. the shop says its hours, its first service and that it is open, through its own node
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.errors import GenesisError
from chain.genesis import parse_genesis
from chain.ids import encode_id
from node.client import NodeUnreachable, Refused, StillPending, Wash, WashRpcError
from node.commands.background import ensure_running
from node.commands.coming_back import act_for, find_shop
from node.commands.connect import CONFIG_NAME, KEYS_NAME, find_running, make_client
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_PENDING,
    EXIT_REJECTED,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    CommandError,
    fail,
    say,
)
from node.commands.words import t
from node.files import put_whole
from node.joining import furnishing
from node.joining.code import JoinCode, parse_code
from node.joining.plan import NODE_KEY, SHOP_KEY, ShopPlan, read_plan, write_plan
from node.joining.request import JoinRequest, sign_request
from node.joining.settings import settings_of
from node.keys.acting import ActingKey
from node.keys.store import KeyStore
from node.keys.unattended import find_secret
from node.live.clock import read_wall_ms
from node.staff.book import FOLDER, Member, StaffBook

PATIENCE_S = 120.0  # for a gateway that says pending, and for the chain to come
_ASK_S = 30.0
_PAUSE_S = 0.2
_TELL_S = 5.0
# Refusals of one gateway that another may not have; the rest are the code's own.
_ELSEWHERE = {
    "JOIN_CODE_UNKNOWN", "NO_ADMISSIONS", "ADMISSION", "METHOD_NOT_FOUND", "NOT_READY",
}  # fmt: skip


@dataclass
class Joining:
    """One shop on its way in, in its data folder."""

    folder: Path
    plan: ShopPlan
    connect: Callable[[str, float], Wash] = lambda url, wait: make_client(url, None, wait)
    _silent: list[str] = field(default_factory=list)  # gateways that did not answer last

    @classmethod
    def at(cls, folder: Path, code: str | None) -> "Joining":
        """Go on in a folder that was set up, with a code if one is given."""
        plan = read_plan(folder)
        if plan is None:
            seen = t("no shop is set up in {folder}", folder=folder)
            first = t("first: washnode setup")
            fix = first if code is None else t("first: washnode setup --code {code}", code=code)
            fail(seen, EXIT_NOT_FOUND, fix=fix)
        made = cls(folder, plan)
        if code is not None and plan.admitted_at is None:
            made._put(code=parse_code(code).text())
        return made

    def _put(self, **changes: Any) -> None:
        self.plan = self.plan.model_copy(update=changes)
        write_plan(self.folder, self.plan)

    def run(self) -> dict[str, Any]:
        """Take every step that is left; returns what there is then."""
        if self.plan.admitted_at is None:
            self._come_in()
        if find_running(self.folder) is None:
            say(t("Starting the node ..."))
        running = ensure_running(self.folder)
        with closing(self.connect(running.url, _ASK_S)) as wash:
            height = self._catch_up(wash)
            if not self.plan.trading:
                say(t("Opening the shop ..."))
                self._furnish(wash)
                self._put(trading=True, code="")
        return {
            "shop": self._account(),
            "name": self.plan.name,
            "url": running.url,
            "counter": f"{running.url}/shop",
            "data": str(self.folder),
            "height": height,
            "trading": True,
        }

    # 1 and 2: genesis and admission -----------------------------------------------------------

    def _come_in(self) -> None:
        if not self.plan.code:
            fail(t("which join code?"), EXIT_USAGE, fix=t("give it: washnode join CODE"))
        code = parse_code(self.plan.code)
        chain_id = self._begin(code)
        if self.plan.service is None:
            self._check_known(code)
        answer = self._redeem(code, self._request(code, chain_id))
        if not answer["peers"]:
            raise CommandError(
                t("the gateway names no node to take the chain from"),
                fix=t("tell who made the code: its [p2p] url is missing"),
            )
        self._write_config(answer, code)
        self._put(admitted_at=answer["height"], peers=answer["peers"])
        say(t("Let in at height {height}.", height=answer["height"]))

    def _begin(self, code: JoinCode) -> bytes:
        """Have the genesis file that the code means; returns the chain's id."""
        path = self.folder / "genesis.json"
        if path.exists():
            chain_id = parse_genesis(path.read_bytes()).chain_id()
            if not code.is_of(chain_id):
                seen = t("{folder} belongs to another network", folder=self.folder)
                fail(seen, EXIT_USAGE, fix=t("take a new folder; nothing is written over"))
            return chain_id
        for _gateway, wash in self._gateways(code):
            text = str(wash.rpc("join_network").get("genesis", ""))
            try:
                chain_id = parse_genesis(text.encode()).chain_id()
            except GenesisError:
                chain_id = b""
            if not code.is_of(chain_id):
                raise CommandError(
                    t("the gateway is of another network than the code"),
                    EXIT_REJECTED,
                    fix=t("tell who made the code"),
                )
            put_whole(path, text)
            return chain_id
        raise AssertionError("some gateway answered, or the loop has raised")

    def _check_known(self, code: JoinCode) -> None:
        """Find the shop that comes back; end the command where it is none: it would be a new one.

        The words are of a key. Where the shop's key was replaced, its account is not called so.
        """
        for _gateway, wash in self._gateways(code):
            with suppress(WashRpcError):
                account = find_shop(wash, KeyStore(self.folder / KEYS_NAME).show(SHOP_KEY))
                if account != self._account():
                    act_for(self.folder, account, find_secret(self.plan.unlock, self.folder))
                    say(t("This key is one of the shop {account}.", account=account))
            return

    def _gateways(self, code: JoinCode) -> Iterator[tuple[str, Wash]]:
        """Yield a client for each gateway that answers at all; raises if none does."""
        faults = self._silent = []
        for gateway in code.gateways:
            with closing(self.connect(gateway, _ASK_S)) as wash:
                try:
                    wash.rpc("rpc_version")
                except NodeUnreachable as error:
                    faults.append(f"{gateway}: {error}")
                    continue
                yield gateway, wash
        if len(faults) == len(code.gateways):
            raise self._unreachable()

    def _unreachable(self) -> CommandError:
        return CommandError(
            t("no gateway with this code answers: {faults}", faults="; ".join(self._silent)),
            EXIT_UNREACHABLE,
            fix=t("the code is still good; go on later: washnode join"),
        )

    def _request(self, code: JoinCode, chain_id: bytes) -> JoinRequest:
        store = KeyStore(self.folder / KEYS_NAME)
        secret = find_secret(self.plan.unlock, self.folder)
        shop = ActingKey(store.export(SHOP_KEY, secret), store.show(SHOP_KEY).account)
        node = store.unlock(NODE_KEY, secret)
        return sign_request(chain_id, code, self.plan.name, shop=shop, node=node)

    def _redeem(self, code: JoinCode, request: JoinRequest) -> dict[str, Any]:
        """Bring the code to the gateways, the first one first, until the chain has let us in."""
        params = {
            "code": code.text(),
            "account": self._account(),
            "node_key": request.node_key.hex(),
            "name": request.name,
            "signature": request.signature.hex(),
            "node_signature": request.node_signature.hex(),
        }
        last: WashRpcError | None = None
        for gateway, wash in self._gateways(code):
            say(t("Asking {gateway} ...", gateway=gateway))
            try:
                return self._ask_until_final(wash, params)
            except WashRpcError as error:
                if error.name not in _ELSEWHERE and not isinstance(error, NodeUnreachable):
                    raise
                last = error
        if self._silent:
            raise self._unreachable()
        assert last is not None, "a gateway answered, or the loop has raised"
        raise last

    def _ask_until_final(self, wash: Wash, params: dict[str, Any]) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while True:
            answer: dict[str, Any] = wash.rpc("join_redeem", **params)
            if answer["status"] == "final":
                return answer
            if time.monotonic() > end:
                raise CommandError(
                    t("the network has not answered yet"),
                    EXIT_PENDING,
                    fix=t("the code is used for this shop; go on later: washnode join"),
                )
            time.sleep(_PAUSE_S)

    def _write_config(self, answer: dict[str, Any], code: JoinCode) -> None:
        path = self.folder / CONFIG_NAME
        if path.exists():  # a person may have changed it
            return
        peers, checkpoints = answer["peers"], answer["checkpoints"]
        put_whole(path, settings_of(self.plan, peers, checkpoints, code.gateways))

    # 3: the chain -----------------------------------------------------------------------------

    def _catch_up(self, wash: Wash) -> int:
        """Wait until the own node has the block that let it in."""
        assert self.plan.admitted_at is not None, "it was let in before"
        end, shown, told = time.monotonic() + PATIENCE_S, -1, 0.0
        while True:
            health = wash.rpc("node_health")
            height = int(health["height"])
            if height >= self.plan.admitted_at and not health["syncing"]:
                return height
            if health["syncing"] and time.monotonic() > told + _TELL_S:
                told = time.monotonic()
                say(t("Catching up, at height {height} ...", height=height))
            if height > shown:  # as long as it comes nearer there is no reason to give up
                end, shown = time.monotonic() + PATIENCE_S, height
            if time.monotonic() > end:
                raise CommandError(
                    t("the node has {peers} peers and stays at height {height}",
                      peers=health["peers"], height=height),
                    EXIT_PENDING,
                    fix=t("see washnode doctor; then go on: washnode join"),
                )  # fmt: skip
            time.sleep(_PAUSE_S)

    # 4: the shop ------------------------------------------------------------------------------

    def _furnish(self, wash: Wash) -> None:
        store, plan = KeyStore(self.folder / KEYS_NAME), self.plan
        signer = store.unlock(SHOP_KEY, find_secret(plan.unlock, self.folder))
        who = {"account": self._account(), "key": signer}
        shop = self._account()
        if not wash.read("shops.standing", shop=shop)["open_days"]:
            self._send(wash, furnishing.opening_times(plan, read_wall_ms()), who)
        owner = next(iter(StaffBook(self.folder / FOLDER).all()), None)
        if owner is None:
            fail(t("the owner's key is gone"), EXIT_NOT_FOUND, fix=t("first: washnode setup"))
        if not wash.read("shops.duty", shop=shop, key=owner.key):
            self._send(wash, self._others(wash, owner), who)
        if not wash.read("shops.standing", shop=shop)["sells"]:
            fail(t("the operators do not let the shop sell now"), EXIT_REJECTED)

    def _others(self, wash: Wash, owner: Member) -> list[dict[str, Any]]:
        """Return what a shop says after its hours: service, owner, that it is open."""
        listed = wash.rpc("contract_list", limit=200)["data"]["items"]
        installed = {one["name"] for one in listed}
        device = KeyStore(self.folder / KEYS_NAME).show(NODE_KEY).public_key.hex()
        actions = []
        if self.plan.service is not None:
            if "booking" in installed:
                actions.append(furnishing.rules())
            actions.append(furnishing.offering(self.plan.service))
        actions += furnishing.owner(owner.key, device, installed, owner.until_ms)
        return [*actions, furnishing.calling("shops.open_shop")]

    def _send(self, wash: Wash, actions: list[dict[str, Any]], who: dict[str, Any]) -> None:
        try:
            wash.send(actions, **who)
        except StillPending as error:
            raise CommandError(
                t("the network has not answered yet"),
                EXIT_PENDING,
                fix=t("go on later: washnode join"),
            ) from error
        except Refused as error:
            raise CommandError(
                error.message, EXIT_REJECTED, code=error.code, name=error.name, zh=error.zh
            ) from error

    def _account(self) -> str:
        return encode_id("acct", KeyStore(self.folder / KEYS_NAME).show(SHOP_KEY).account)
