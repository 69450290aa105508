"""What the two shops of the demo offer: services, prices, hours, bays, rules. Amounts are fen."""

from dataclasses import dataclass

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.demo.accounts import UnknownNameError
from node.rehearse.plan import hold_of, policy_id
from node.rehearse.policies import PRESETS, Policy

QUARTERS, DAYS = 0, 1  # sizes of a bay's cells
OWNER, DESK, BAY = 1, 2, 3  # duties of who works at a shop
ALL_SCOPES = 31
REFUND_MAX = 500_000
POLICIES: tuple[str, ...] = ("fair", "strict")


@dataclass(frozen=True, slots=True)
class DemoService:
    """A service as its shop offers it."""

    number: int
    name: str
    price: int
    duration_ms: int
    policy: str
    cell: int = QUARTERS

    @property
    def rules(self) -> Policy:
        """The rules of a booking of it."""
        return PRESETS[self.policy]

    @property
    def policy_id(self) -> bytes:
        """The hash of these rules on the chain."""
        return policy_id(self.rules)

    def hold(self, start_ms: int) -> int:
        """Return what a request for a slot must bring along."""
        return hold_of(self.rules, self.price, start_ms, start_ms + self.duration_ms)


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """Somebody at a tablet of a shop. `name` names the key, as names of accounts do.

    `scopes` add up what the shop trusts this key with: 1 check-in, 2 steps of the work, 4 finishing
    it, 8 giving money back, up to `refund_max`, 16 the counter.
    """

    name: str
    duty: int
    scopes: int
    refund_max: int = 0


@dataclass(frozen=True, slots=True)
class DemoShop:
    """A shop: `opens_ms` and `closes_ms` after local midnight, on `open_days` (0 = Monday).

    Latitude and longitude are in hundredths of a degree. Besides a card of washes it sells one of
    value, for `card_price` with `card_bonus` on top.
    """

    account: str
    name: str
    auto_accept: bool
    quarter_bays: int
    day_bays: int
    opens_ms: int
    closes_ms: int
    open_days: tuple[int, ...]
    latitude: int
    longitude: int
    zone: str
    address: str
    card_price: int
    card_bonus: int
    staff: tuple[DemoStaff, ...]
    services: tuple[DemoService, ...]

    @property
    def owner(self) -> DemoStaff:
        """The owner, who works with the key of the shop's account and may do everything."""
        return DemoStaff(self.account, OWNER, ALL_SCOPES, REFUND_MAX)

    def service(self, number: int) -> DemoService:
        """Return a service by its number."""
        return self.services[number - 1]


SPARKLE = DemoShop(
    account="sparkle",
    name="Sparkle Car Wash / 亮洁洗车",
    auto_accept=True,
    quarter_bays=3,
    day_bays=1,
    opens_ms=8 * HOUR_MS,
    closes_ms=20 * HOUR_MS,
    open_days=(0, 1, 2, 3, 4, 5, 6),
    latitude=3_123,
    longitude=12_147,
    zone="Asia/Shanghai",
    address="8 Liangjie Lane, Shanghai / 上海市亮洁弄 8 号",
    card_price=50_000,
    card_bonus=5_000,
    staff=(
        DemoStaff("sparkle-desk", DESK, ALL_SCOPES, 20_000),
        DemoStaff("sparkle-bay", BAY, 6),
    ),
    services=(
        DemoService(1, "Exterior wash / 外观快洗", 6_800, 30 * MINUTE_MS, "fair"),
        DemoService(2, "Full wash / 内外精洗", 12_800, HOUR_MS, "fair"),
        DemoService(3, "Wash and wax / 清洗打蜡", 26_800, 2 * HOUR_MS, "fair"),
    ),
)
HARBOUR = DemoShop(
    account="harbour",
    name="Harbour Detailing / 港湾汽车美容",
    auto_accept=False,  # it looks at every request first
    quarter_bays=3,
    day_bays=2,
    opens_ms=9 * HOUR_MS,
    closes_ms=18 * HOUR_MS,
    open_days=(0, 1, 2, 3, 4, 5),
    latitude=3_139,
    longitude=12_150,
    zone="Asia/Shanghai",
    address="21 Harbour Road, Shanghai / 上海市港湾路 21 号",
    card_price=100_000,
    card_bonus=12_000,
    staff=(
        DemoStaff("harbour-desk", DESK, ALL_SCOPES, 50_000),
        DemoStaff("harbour-bay", BAY, 6),
    ),
    services=(
        DemoService(1, "Hand wash / 手工精洗", 9_800, 45 * MINUTE_MS, "fair"),
        DemoService(2, "Interior detailing / 内饰深度清洁", 39_900, 4 * HOUR_MS, "strict"),
        DemoService(3, "Ceramic coating / 镀晶", 298_000, 2 * DAY_MS, "strict", DAYS),
    ),
)
SHOPS: tuple[DemoShop, ...] = (SPARKLE, HARBOUR)


def shop_of(account: str) -> DemoShop:
    """Return a shop by its account's name, or raise UnknownNameError."""
    for shop in SHOPS:
        if shop.account == account:
            return shop
    raise UnknownNameError("shop", account, tuple(shop.account for shop in SHOPS))
