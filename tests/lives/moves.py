"""What people do next: calls that fit where things stand, and calls that do not."""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from chain.changes import SetIssuer
from chain.transaction import AccountKey, AddKey, Call, Propose
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.rehearse.plan import policy_id, policy_words
from node.rehearse.policies import PRESETS
from tests.lives.draw import VISITS, Drawer, Pools
from tests.lives.plans import PLANS, PROGRAM, SOON
from tests.lives.world import (
    ARBITER,
    CUSTOMERS,
    MONEY,
    OPERATOR,
    PEOPLE,
    RICH,
    SHOPS,
    STAFF,
    LivesWorld,
)
from tests.make import account, signer

_POLICIES = ("walkin", "flexible", "fair", "standard")
_QUARTER = 15 * MINUTE_MS
_TRIES = 25
ID_BYTES = 32


@dataclass(slots=True)
class Move:
    """One call: by whom, of what, with what."""

    who: str
    contract: str
    function: str
    arguments: tuple[Any, ...]
    funds: int = 0
    sponsor: str | None = None
    key: str | None = None


@dataclass
class Lives:
    """People who act at random; `done` counts outcomes by contract and function."""

    world: LivesWorld
    random: Random
    pools: Pools = field(default_factory=Pools)
    done: dict[str, Counter[str]] = field(default_factory=dict)

    agenda: list[tuple[int, int, str, bytes, tuple[str, ...]]] = field(default_factory=list)
    owners: dict[bytes, str] = field(default_factory=dict)  # who brought an id or a hash up
    _turn: int = 0

    def __post_init__(self) -> None:
        self._drawer = Drawer(self.random, self.world, self.pools)
        self._abis = self.world.abis
        self._objects: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self._looks: dict[str, list[tuple[str, str]]] = {}
        for name, abi in self._abis.items():
            for one in abi["actions"]:
                for prefix in _first_prefixes(one):
                    self._objects.setdefault(prefix, []).append((name, one))
            for one in abi["views"]:
                if len(one["params"]) == 1:
                    for prefix in _first_prefixes(one):
                        self._looks.setdefault(prefix, []).append((name, one["name"]))

    # Setting the stage --------------------------------------------------------------------------

    def settle_in(self) -> None:
        """Hand the money over, admit the shops, give them hours, services, points and cards."""
        self.world.do(OPERATOR, Propose(SetIssuer(MONEY, self.world.contracts["money"])))
        issuer, limit = account(OPERATOR), 10**12
        self.make(Move(OPERATOR, "money", "register", (issuer, bytes(32), limit, limit)))
        owed = RICH * (len(CUSTOMERS) + len(SHOPS))
        self.make(Move(OPERATOR, "money", "take_over", (issuer, owed)))
        self.make(Move(OPERATOR, "money", "attest", (1, owed, 2 * owed, bytes(32))))
        for preset in _POLICIES:
            self.make(Move(OPERATOR, "booking", "publish_policy", policy_words(PRESETS[preset])))
        for shop, staff in zip(SHOPS, STAFF, strict=True):
            self.make(Move(OPERATOR, "shops", "admit", (account(shop), shop)))
            self.make(Move(shop, "shops", "set_settings", (True, True, 0, 2, 1)))
            for weekday in range(6):
                hours = (weekday, 8 * HOUR_MS, 20 * HOUR_MS)
                self.make(Move(shop, "shops", "set_hours", hours))
            for number, preset in enumerate(_POLICIES, 1):
                price, length = 3_000 * number, HOUR_MS
                self._offer_service(shop, number, price, length, policy_id(PRESETS[preset]))
            self.make(Move(shop, "shops", "open_shop", ()))
            self._give_staff_key(shop, staff)
            self.make(Move(shop, "loyalty", "set_program", PROGRAM))
            for _ in range(4):
                self.make(self._publish_offer(shop))

    def _offer_service(self, shop: str, number: int, price: int, length: int, rules: bytes) -> None:
        abi = _function(self._abis["shops"], "set_service")
        wished = {
            "service": number, "price": price, "duration": length, "cell": 0, "policy": rules,
        }  # fmt: skip
        self.make(Move(shop, "shops", "set_service", self._filled("shops", abi, wished)))

    def _give_staff_key(self, shop: str, staff: str) -> None:
        entry = AccountKey(signer(staff).public_key, None, (), None)
        self.world.do(shop, AddKey(entry))
        abi = _function(self._abis["shops"], "set_staff")
        wished = {
            "key": signer(staff).public_key,
            "duty": 3,
            "scopes": 31,
            "until": self.world.now + 900 * DAY_MS,
        }
        self.make(Move(shop, "shops", "set_staff", self._filled("shops", abi, wished)))

    def _filled(
        self, name: str, function: dict[str, Any], wished: dict[str, Any]
    ) -> tuple[Any, ...]:
        """Return arguments: what is wished by name, else drawn."""
        found: list[Any] = []
        for param in function["params"]:
            if param["name"] in wished:
                found.append(wished[param["name"]])
            else:
                found += self._drawer.arguments(self._abis[name], [param])
        return tuple(found)

    # Acting -------------------------------------------------------------------------------------

    def make(self, move: Move) -> str:
        """Carry a move out and remember what it made."""
        outcome = self.world.call(
            move.who, move.contract, move.function, move.arguments,
            funds=move.funds, sponsor=move.sponsor, key=move.key,
        )  # fmt: skip
        self.done.setdefault(f"{move.contract}.{move.function}", Counter())[outcome] += 1
        if outcome == "ok":
            self._remember(move)
        return outcome

    def _remember(self, move: Move) -> None:
        function = _function(self._abis[move.contract], move.function)
        returns = function["returns"] or {}
        prefix = (returns.get("meaning") or {}).get("id")
        if prefix is not None:
            self.pools.add(prefix, self.world.last_id)
            self._plan(prefix, self.world.last_id)
        names = _flat_names(self._abis[move.contract], function["params"])
        for name, value in zip(names, move.arguments, strict=True):
            if isinstance(value, bytes) and len(value) == ID_BYTES:
                self.pools.add(f"#{name}", value)
                self.owners.setdefault(value, move.who)
        if prefix is None:
            for kind in _first_prefixes(function)[:1]:
                self.pools.add(kind, move.arguments[0])

    def _plan(self, prefix: str, thing: bytes) -> None:
        """Put what ought to happen with a new thing on the agenda; people may forget it."""
        at = self.world.now
        if prefix in SOON and self.random.random() < 0.3:
            self._turn += 1
            heapq.heappush(self.agenda, (at + MINUTE_MS, self._turn, prefix, thing, SOON[prefix]))
        if prefix == "bkg":
            at = self._named("booking", "booking", self._need("booking", "booking", thing))["start"]
        for after, functions in PLANS.get(prefix, ()):
            if self.random.random() < 0.9:
                at += after + self.random.randrange(MINUTE_MS)
                self._turn += 1
                heapq.heappush(self.agenda, (at, self._turn, prefix, thing, functions))

    def _need(self, contract: str, view: str, thing: bytes) -> list[Any]:
        found = self.world.read(contract, view, thing)
        assert found is not None, (contract, view)
        return found

    def step(self) -> str:
        """Let some time pass and somebody do something."""
        until = self.world.now + self._pause()
        if self.agenda and self.agenda[0][0] <= until and self.random.random() < 0.97:
            at, _turn, prefix, thing, functions = heapq.heappop(self.agenda)
            self._pass_until(at)
            known = self._objects[prefix]
            wanted = [one for one in known if one[1]["name"] in functions]
            return self.make(self._likely(lambda: self._go_on(prefix, thing, wanted or known)))
        self._pass_until(until)
        chance = self.random.random()
        if chance < 0.2:
            return self.make(self._request())
        if chance < 0.26:
            return self.make(self._buy())
        if chance < 0.42:
            return self.make(self._begin_use())
        if chance < 0.8 and self.pools.prefixes():
            return self.make(self._likely(self._go_on_with_any))
        return self.make(self._likely(self._anything))

    def _likely(self, draw: Callable[[], Move]) -> Move:
        """Draw until a move would go through; now and then take the first whatever it is."""
        move = draw()
        if self.random.random() < 0.9:
            for _ in range(_TRIES):
                if self.world.would_pass(move.who, self._call(move), move.sponsor, move.key):
                    break
                move = draw()
        return move

    def _call(self, move: Move) -> Call:
        contract = self.world.contracts[move.contract]
        return Call(contract, move.function, move.arguments, move.funds)

    def _pause(self) -> int:
        random = self.random
        if random.random() < 0.03:
            return random.choice((DAY_MS, 3 * DAY_MS, 8 * DAY_MS))
        return random.choice((0, 0, MINUTE_MS, 5 * MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS))

    def _pass_until(self, time_ms: int) -> None:
        if time_ms > self.world.now:
            self.world.pass_until(time_ms)

    def _request(self) -> Move:
        random, world = self.random, self.world
        shop, number = random.choice(SHOPS), random.randint(1, len(_POLICIES))
        found = world.read("shops", "service", account(shop), number)
        if not found:
            return self._anything()
        service = self._named("shops", "service", found)
        start = world.now - world.now % _QUARTER + random.choice((1, 2, 4, 24, 96, 300)) * _QUARTER
        end = start + service["duration"]
        held = world.read("booking", "hold", service["policy"], service["price"], start, end)
        arguments = (
            account(shop), number, service["version"], start, end, service["cell"],
            service["price"], service["policy"],
        )  # fmt: skip
        funds = held[0] if held else 0
        if random.random() < 0.05:
            funds += 1
        return Move(random.choice(CUSTOMERS), "booking", "request", arguments, funds)

    def _buy(self) -> Move:
        offer = self.pools.any(self.random, "off")
        found = None if offer is None else self.world.read("prepaid", "offer", offer)
        if not found:
            return self._publish_offer()
        price = self._named("prepaid", "offer", found)["price"]
        return Move(self.random.choice(CUSTOMERS), "prepaid", "buy", (offer,), price)

    def _publish_offer(self, shop: str | None = None) -> Move:
        random, kind = self.random, self.random.randint(1, 4)
        units = {1: random.randint(1, 20), 2: 0, 3: 30, 4: random.randint(1, 5)}[kind]
        price = random.choice((10_000, 30_000, 79_800))
        line = [(1, 1, units, price if kind != 2 else 3_000)]
        if kind == 4:
            line = [(1, 1, units, price // 2), (2, 1, units, price - price // 2)]
        line += [(0, 0, 0, 0)] * (4 - len(line))
        flat = [one for part in line for one in part]
        bonus = price // 3 if kind == 2 else 0
        arguments = (
            random.randint(1, 6), kind, price, bonus, DAY_MS, random.random() < 0.7, bytes(32),
            "card", *flat,
        )  # fmt: skip
        return Move(shop or random.choice(SHOPS), "prepaid", "publish_offer", arguments)

    def _begin_use(self) -> Move:
        card = self.pools.any(self.random, "crd")
        found = None if card is None else self.world.read("prepaid", "card", card)
        if not found:
            return self._buy()
        seen = self._named("prepaid", "card", found)
        holder, shop = self.world.name(seen["holder"]), self.world.name(seen["shop"])
        amount = 3_000 if seen["kind"] == 2 else 0
        sponsor = shop if self.random.random() < 0.6 else None
        return Move(holder, "prepaid", "begin_use", (card, 0, amount), 0, sponsor)

    def _go_on_with_any(self) -> Move:
        """Do something with a thing that is there."""
        random = self.random
        prefix = random.choice([one for one in self.pools.prefixes() if one in self._objects])
        thing = self.pools.any(random, prefix)
        assert thing is not None, prefix
        return self._go_on(prefix, thing, self._objects[prefix])

    def _go_on(
        self, prefix: str, thing: bytes, functions: list[tuple[str, dict[str, Any]]]
    ) -> Move:
        """Do something with a thing, mostly by somebody whom it concerns."""
        random = self.random
        contract, function = self._pick(functions)
        concerned, money = self._look_at(prefix, thing)
        who = random.choice(concerned) if random.random() < 0.93 else random.choice(PEOPLE)
        rest = self._drawer.arguments(self._abis[contract], function["params"][1:])
        others: list[str | None] = [one for one in concerned if one != who]
        return Move(
            who, contract, function["name"], (thing, *rest),
            self._funds(function, money),
            random.choice(others or [None]) if random.random() < 0.5 else None,
            self._staff_key(who),
        )  # fmt: skip

    def _anything(self) -> Move:
        random = self.random
        everything = [(name, one) for name, abi in self._abis.items() for one in abi["actions"]]
        contract, function = self._pick(everything)
        who = random.choice((*SHOPS, *SHOPS, *CUSTOMERS, OPERATOR, OPERATOR, ARBITER))
        arguments = tuple(self._drawer.arguments(self._abis[contract], function["params"]))
        owners = [self.owners[one] for one in arguments if one in self.owners]
        if owners and random.random() < 0.7:
            who = random.choice(owners)
        sponsor = random.choice((*SHOPS, *CUSTOMERS)) if random.random() < 0.3 else None
        funds = self._funds(function, [10_000])
        if sponsor == who:
            sponsor = None
        return Move(
            who, contract, function["name"], arguments, funds, sponsor, self._staff_key(who)
        )

    def _pick(self, functions: list[tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
        """Return one of some functions, rather one that has not gone through often."""
        often = [self.done.get(f"{name}.{one['name']}", Counter())["ok"] for name, one in functions]
        weights = [1_000 // (1 + count) + 1 for count in often]
        return self.random.choices(functions, weights)[0]

    def _staff_key(self, who: str) -> str | None:
        return f"{who}-staff" if who in SHOPS and self.random.random() < 0.4 else None

    def _funds(self, function: dict[str, Any], money: list[int]) -> int:
        if not function.get("payable"):
            return 0
        return self.random.choice([*money, sum(money), 0, 1_000])

    # Looking ------------------------------------------------------------------------------------

    def _look_at(self, prefix: str, thing: bytes) -> tuple[list[str], list[int]]:
        """Return the people and the amounts in the records of a thing."""
        people, money = [], [0]
        for name, view in self._looks.get(prefix, ()):
            found = self.world.read(name, view, thing)
            shown = self._named(name, view, found) if found else {}
            people += [
                self.world.names[one]
                for one in shown.values()
                if isinstance(one, bytes) and one in self.world.names
            ]
            money += [one for one in shown.values() if type(one) is int and one < 10**8]
        if thing in self.owners:
            people.append(self.owners[thing])
        return people * 4 + [OPERATOR, ARBITER], money

    def _named(self, contract: str, view: str, values: list[Any]) -> dict[str, Any]:
        abi = self._abis[contract]
        kind = next(one for one in abi["views"] if one["name"] == view)["returns"]["type"]
        names = list(_flat_names(abi, abi["records"].get(kind, [{"name": view, "type": kind}])))
        return dict(zip(names, values, strict=True))


def _flat_names(abi: dict[str, Any], fields: list[dict[str, Any]]) -> list[str]:
    found = []
    for one in fields:
        parts = abi["records"].get(one["type"])
        if parts is None:
            found.append(one["name"])
        else:
            found += [f"{one['name']}.{part}" for part in _flat_names(abi, parts)]
    return found


def _function(abi: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in abi["actions"] if one["name"] == name)


def _first_prefixes(function: dict[str, Any]) -> list[str]:
    """Return the kinds of ids that a function takes first."""
    params = function["params"]
    if not params:
        return []
    if params[0]["name"] in VISITS:
        return ["bkg", "use"]
    prefix: str | None = (params[0].get("meaning") or {}).get("id")
    return [] if prefix is None else [prefix]
