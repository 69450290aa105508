"""The network of the journeys with pages: a gateway's and two shops' own, whose time goes on alone.

Browsers wait for blocks by themselves, so a thread moves the clocks on by a millisecond whenever
something waits. What a test does with the chain meanwhile, it does through `held`, between two
looks of that thread.
"""

import asyncio
import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from chain.crypto import Signer, hash_bytes
from chain.ids import decode_id, encode_id
from node.client import Wash
from node.demo.accounts import signer_of
from node.devnet.plan import PlannedNode
from node.rpc.door.access import TOKENS_NAME, load_or_make_tokens
from tests.e2e.journey_net import DAY_MS, JourneyNet, acct, calling
from tests.e2e.journey_town import NONE, POLISH, WASH, make_shops
from tests.netted import give_sponsor

GATEWAY = "node1"  # a validator that serves the pages of all shops
SHOPS = {"shop1": "Sparkle / 闪亮洗车", "shop2": "Harbour / 港湾洗车"}  # each with a node
QUIET = {"quiet1": "Corner / 街角洗车", "quiet2": "Bridge / 桥头洗车"}  # whose computers are off
ISSUER = "desk"  # owes the money of these journeys, and has its desk at the gateway
PEOPLE = (ISSUER, *SHOPS, *QUIET, "friend1", "friend2")
STAFF = {"Olga": ("owner", "739150"), "Mei": ("desk", "482916"), "Bo": ("bay", "573014")}
CASHIERS = {"Cai": ("cashier", "59302817")}
PINS = {**STAFF, **CASHIERS}
ISSUED_MAX = 10**12
LOOK_EVERY_S = 0.03
T = TypeVar("T")


class _Net(JourneyNet):
    """The journeys' network, in which one validator and the shops' nodes serve pages."""

    def equip(self, nodes: list[PlannedNode]) -> None:
        by_name = {one.name: one for one in nodes}
        give_sponsor(by_name[GATEWAY], ISSUER, ISSUER)
        for name in SHOPS:
            give_sponsor(by_name[name], "shop", name)
        for name in (GATEWAY, *SHOPS):
            with (by_name[name].folder / "config.toml").open("a", encoding="utf-8") as settings:
                settings.write(f'\n[pages]\nserve = "on"\nurl = "{by_name[GATEWAY].rpc_url}"\n')

    def let_go_on(self) -> None:
        """Move the clocks a millisecond if the gateway has anything that waits: it hears of all."""
        facts = self._admins[GATEWAY].rpc("admin_set_clock", time_ms=self.clock_ms)
        if facts["waiting"]:
            self._move(self.clock_ms + 1)


class BrowserNet:
    """Four validators and two shops' nodes with pages; its shops are open, with people at work."""

    def __init__(self, folder: Path) -> None:
        """Start the validators; `begin` goes on."""
        self._net = _Net(folder, PEOPLE)
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._deposits = itertools.count()
        self._pulse = threading.Thread(target=self._go_on, daemon=True)
        self._fault: BaseException | None = None

    def begin(self) -> None:
        """Put the contracts on the chain, switch the shops' nodes on, and open the shops."""
        asyncio.run(self._net.begin())
        self._net.start(*SHOPS)
        furnish(self._net, {**SHOPS, **QUIET})
        let_issue(self._net)
        self._pulse.start()
        for shop in SHOPS:
            for name, (duty, pin) in STAFF.items():
                given: dict[str, Any] = {"name": name, "pin": pin, "duty": duty}
                self._net.at_node(shop).rpc("staff_add", **given, refund_max=100_000)
        with Wash(self.url(), token=self.token(), timeout_s=60) as gateway:
            for name, (duty, pin) in CASHIERS.items():
                gateway.rpc("staff_add", name=name, pin=pin, duty=duty)

    def close(self) -> None:
        """End everything."""
        self._over.set()
        if self._pulse.is_alive():
            self._pulse.join()
        self._net.close()

    def url(self, node: str = GATEWAY) -> str:
        """Return where a node's pages are."""
        return self._net.net[node].rpc_url

    def token(self, node: str = GATEWAY) -> str:
        """Return the token for programs of a shop at a node."""
        return load_or_make_tokens(self._net.net[node].folder / TOKENS_NAME).shop

    def _go_on(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            with self._lock:
                try:
                    self._net.let_go_on()
                except BaseException as error:  # noqa: BLE001 - told by the next one who asks
                    self._fault = error
                    return

    def _held(self, work: Callable[[JourneyNet], T]) -> T:
        with self._lock:
            assert self._fault is None, self._fault
            return work(self._net)

    async def held(self, work: Callable[[JourneyNet], T]) -> T:
        """Return what some work with the network brings, while nothing else moves its time."""
        return await asyncio.to_thread(self._held, work)

    async def read(self, view: str, **arguments: Any) -> Any:
        """Ask a view of a contract."""
        return await self.held(lambda net: net.plain(net.read(view, **arguments)))

    async def pay_in(self, account: str, amount: int) -> None:
        """Let the issuer put money on somebody's account, as its desk does for cash."""
        reference = hash_bytes("deposit", b"%d" % next(self._deposits)).hex()
        action = calling("money.issue", to=account, amount=amount, reference=reference)
        await self.held(lambda net: net.do(ISSUER, [stating(net), action]))

    async def state(self) -> None:
        """Let the issuer say that all it owes lies in its account, so that its desk may go on."""
        await self.held(lambda net: net.do(ISSUER, [stating(net)]))

    async def until(self, time_ms: int) -> None:
        """Let time pass until then, with all that is due."""
        await self.held(lambda net: net.until(time_ms) if time_ms > net.now else net)

    async def tick(self, duration_ms: int) -> None:
        """Let so much time pass, with all that is due in it."""
        await self.held(lambda net: net.tick(duration_ms))


def let_issue(net: JourneyNet) -> None:
    """Hand the network's money over to the rules of issuers, with one who owes all of it."""
    change = {"type": "set_issuer", "asset": "CNY", "contract": "money"}
    limits: dict[str, Any] = {"custody": NONE, "limit": ISSUED_MAX, "daily": ISSUED_MAX}
    supply = net.plain(net.read("money.reserves"))["supply"]
    register = calling("money.register", issuer=acct(ISSUER), **limits)
    take_over = calling("money.take_over", issuer=acct(ISSUER), amount=supply)
    done = net.do("operator", [register, {"type": "propose", "change": change}])
    vote = {"type": "vote", "proposal": done.event("chain.proposed")["proposal"]}
    net.do("opal", [register, take_over, vote])
    net.do("operator", [take_over])
    net.do("oscar", [vote], check=False)


def stating(net: JourneyNet) -> dict[str, Any]:
    """Return the action by which the issuer states more than it owes."""
    found = net.plain(net.read("money.issuer", account=acct(ISSUER)))
    period, owed = found["period"] + 1, found["liability"]
    given = {"liability": owed, "custody": ISSUED_MAX, "document": NONE}
    return calling("money.attest", period=period, **given)


def furnish(net: JourneyNet, shops: dict[str, str]) -> None:
    """Make shops with two services, names in both languages and a place, and open them."""
    make_shops(net, *shops, called=shops)
    profile = {
        "latitude": 3_123, "longitude": 12_147, "about": NONE, "zone": "Asia/Shanghai",
        "address": "1 Wash Road / 洗车路 1 号", "gateway": "",
    }  # fmt: skip
    actions = [calling("shops.set_profile", p=profile)]
    for service, zh, en in ((WASH, "标准洗车", "Standard wash"), (POLISH, "抛光", "Polish")):
        names: dict[str, Any] = {"name_zh": zh, "name_en": en}
        actions.append(calling("shops.describe_service", service=service, materials=NONE, **names))
    rights: dict[str, Any] = {"duty": 1, "scopes": 31, "refund_max": 0, "device": NONE}
    until = net.now + 365 * DAY_MS  # each owner works there as well
    for one in shops:
        owner = calling("shops.set_staff", key=key_of(one), until=until, **rights)
        net.do(one, [*actions, owner, calling("shops.open_shop")])


def key_of(name: str) -> str:
    """Return the public key of a person of the network."""
    return signer_of(name).public_key.hex()


def account_at(seed: str, shop: str) -> str:
    """Return the account that a phone's seed (hex) is at a shop, as its pages derive it."""
    made = hash_bytes("pages-shop-key", bytes.fromhex(seed) + decode_id(shop, "acct"))
    return encode_id("acct", Signer(made).public_key)
