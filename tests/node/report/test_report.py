"""Reports of a shop: equal to a recount from raw blocks, whole, and careful with few people."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chain.errors import UnknownIdError
from chain.ledger import get_balance, get_supply
from node.demo.accounts import FUNDS_EACH, account_of
from node.demo.genesis import MONEY
from node.demo.script import contract_named
from node.report.history import History
from node.report.making import journal
from node.rpc.errors import InvalidParamsError
from node.rpc.methods.report import (
    report_day,
    report_export,
    report_period,
)
from node.rpc.methods.report_compliance import report_compliance
from node.rpc.registry import Call
from tests.node.report.life import Life, live
from tests.node.report.recount import money_in_pots, recount

SHOPS = ("sparkle", "harbour")
OFFSETS = {"sparkle": 8, "harbour": 0}
ENDS = {
    "SETTLED": "visits_settled", "DECLINED": "visits_declined", "LAPSED": "visits_lapsed",
    "CANCELLED_CUSTOMER": "visits_cancelled_by_customer",
    "CANCELLED_SHOP": "visits_cancelled_by_shop",
    "NO_SHOW_CUSTOMER": "no_shows_of_customers", "NO_SHOW_SHOP": "no_shows_of_the_shop",
    "RULED": "visits_ruled",
}  # fmt: skip


@pytest.fixture(scope="module", params=[1, 3, 4])
def life(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Life]:
    made = asyncio.run(live(tmp_path_factory.mktemp("life") / "node", request.param))
    yield made
    made.node.close()


@pytest.fixture
def call(life: Life) -> Call:
    return Call(life.node, "shop")


def span(life: Life) -> tuple[date, date]:
    """Return days that hold all that happened."""
    head = datetime.fromtimestamp(life.node.ledger.head.time_ms / 1_000, UTC).date()
    return head - timedelta(300), head + timedelta(1)


def places(life: Life) -> dict[bytes, str]:
    state = life.node.state()
    return {
        contract_named(state, name): name for name in ("booking", "prepaid", "loyalty", "shops")
    }


async def of_all(life: Life, call: Call, shop: str) -> Any:
    first, last = span(life)
    return await report_period(call, from_=first, to=last, shop=account_of(shop))


def counted(life: Life, shop: str) -> Any:
    node = life.node
    return recount(
        node.ledger.store, node.ledger.height, places(life), account_of(shop), OFFSETS[shop]
    )


def named_as_reported(total: Any) -> dict[str, int]:
    found = {}
    for name, value in total.items():
        if name.startswith("end "):
            found[ENDS[name[4:]]] = value
        elif name.startswith("voucher "):
            number = int(name[8:])
            found[{1: "vouchers_for_points", 2: "vouchers_given", 3: "vouchers_owed"}[number]] = (
                value
            )
        elif name not in {"uses earned", "refunds"}:
            found[name] = value
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("shop", SHOPS)
async def test_every_figure_equals_a_recount_from_raw_blocks(
    life: Life, call: Call, shop: str
) -> None:
    report = await of_all(life, call, shop)
    total, _by_day = counted(life, shop)

    expected = named_as_reported(total)
    # Those that the recount takes from elsewhere stand in tests of their own.
    apart = {"fees_to_shop", "cards_earned", "cards_back", "cards_left", "cards_claims"}
    figures = {name: value for name, value in report["figures"].items() if name not in apart}
    assert figures == expected
    assert len(figures) > 10


@pytest.mark.parametrize("shop", SHOPS)
async def test_every_day_and_service_equals_the_recount(life: Life, call: Call, shop: str) -> None:
    report = await of_all(life, call, shop)
    _total, by_day = counted(life, shop)

    for row in report["days"]:
        expected = named_as_reported(by_day[row["date"], row["service"]])
        assert {name: row["figures"].get(name, 0) for name in expected} == expected, row
    days = {key for key, found in by_day.items() if named_as_reported(found)}
    assert days <= {(row["date"], row["service"]) for row in report["days"]}


@pytest.mark.parametrize("shop", SHOPS)
async def test_what_is_open_is_what_lies_in_the_pots(life: Life, call: Call, shop: str) -> None:
    report = await of_all(life, call, shop)
    node, ids = life.node, set()
    history = History(node, account_of(shop), node.ledger.height)
    for block in history.blocks():
        ids |= {told.values.get("id", told.values.get("card", b"")) for told in block
                if told.values.get("shop") == account_of(shop)}  # fmt: skip
    where = {name: contract for contract, name in places(life).items()}

    closing = report["closing"]
    store = node.ledger.store
    assert closing["bookings_held"] == money_in_pots(store, where["booking"], ids)
    assert closing["cards_held"] == money_in_pots(store, where["prepaid"], ids)


@pytest.mark.parametrize("shop", SHOPS)
async def test_what_the_shop_received_is_how_much_richer_it_is(
    life: Life, call: Call, shop: str
) -> None:
    report = await of_all(life, call, shop)

    balance = get_balance(life.node.state(), account_of(shop), MONEY)
    assert report["figures"]["received"] == balance - FUNDS_EACH


@pytest.mark.parametrize("shop", SHOPS)
async def test_money_of_bookings_and_cards_is_conserved(life: Life, call: Call, shop: str) -> None:
    report = await of_all(life, call, shop)
    figures, closing = report["figures"], report["closing"]
    total, _by_day = counted(life, shop)

    get = figures.get
    assert get("put_on_hold", 0) == (
        get("paid_to_shop", 0) + get("back_to_customers", 0) + closing["bookings_held"]
    )
    assert get("cards_sold_money", 0) == (
        get("cards_paid_to_shop", 0) + get("cards_back", 0) + closing["cards_held"]
    )
    assert get("cards_sold_money", 0) == (
        get("cards_earned", 0) + get("cards_back", 0) + get("cards_claims", 0)
        + closing["cards_liability"]
    )  # fmt: skip
    assert get("cards_earned", 0) >= total["uses earned"]  # and the days of period cards
    assert closing["cards_open"] == get("cards_sold", 0) - get("cards_left", 0)
    assert closing["points_own"] == get("points_own_given", 0) - get("points_own_spent", 0) - get(
        "points_own_ended", 0
    )


async def test_compliance_follows_from_events_and_is_what_the_contract_says(
    call: Call,
) -> None:
    found = await report_compliance(call)
    one = await report_compliance(call, shop=account_of("sparkle"))

    assert [(shop["agrees"], shop["is_whole"]) for shop in found["shops"]] == [(True, True)] * 2
    assert one["shops"] == [shop for shop in found["shops"] if "Sparkle" in shop["name"]]
    owed = sum(issuer["liability"] for issuer in found["reserves"])
    assert owed == get_supply(call.node.state(), MONEY)


async def test_compliance_tells_how_it_was_at_any_height(life: Life, call: Call) -> None:
    head = life.node.ledger.height
    before = await report_compliance(call, shop=account_of("sparkle"), height=head // 2)
    start = await report_compliance(call, height=0)
    counted = recount(
        life.node.ledger.store, head // 2, places(life), account_of("sparkle"), 8
    )[0]  # fmt: skip

    assert before["shops"][0]["collected"] == counted["cards_sold_money"]
    assert (before["shops"][0]["agrees"], before["at"]["height"]) == (None, head // 2)
    assert [shop["liability"] for shop in start["shops"]] == [0, 0]
    with pytest.raises(InvalidParamsError, match="beyond this node's newest block"):
        await report_compliance(call, height=head + 1)


async def test_the_days_of_a_period_follow_each_other_and_add_up(life: Life, call: Call) -> None:
    whole = await of_all(life, call, "sparkle")
    days = sorted({row["date"] for row in whole["days"]})
    sums: dict[str, int] = {}
    closing, last = None, date.min
    for day in days[:4]:
        one = await report_day(call, date=date.fromisoformat(day), shop=account_of("sparkle"))
        if closing is not None and date.fromisoformat(day) - last == timedelta(1):
            assert one["opening"] == closing
        closing, last = one["closing"], date.fromisoformat(day)
        for name, value in one["figures"].items():
            sums[name] = sums.get(name, 0) + value
    some = await report_period(
        call, from_=date.fromisoformat(days[0]), to=date.fromisoformat(days[3]),
        shop=account_of("sparkle"),
    )  # fmt: skip

    assert sums == some["figures"]
    opening = some["opening"] or {}
    assert (opening["cards_open"], some["closing"]) == (0, closing)
    assert whole["zone"] == "Asia/Shanghai"


async def test_few_customers_are_not_counted_where_they_could_be_recognised(
    life: Life, call: Call
) -> None:
    report = await of_all(life, call, "sparkle")

    counts = [row["customers"] for row in [*report["days"], *report["services"]]]
    assert {count for count in counts if count is not None and 0 < count < 5} == set()
    assert None in counts


async def test_sums_of_the_journal_are_those_of_the_report(life: Life, call: Call) -> None:
    report = await of_all(life, call, "sparkle")
    first, last = span(life)
    told = await report_export(
        call, kind="journal", from_=first, to=last, shop=account_of("sparkle")
    )
    names = [one["name"] for one in told["columns"]]
    rows = told["rows"] or []

    def column(name: str) -> int:
        place = names.index(name)
        return sum(int(row[place] or 0) for row in rows)

    closing = report["closing"]
    changes = ("bookings_held", "cards_liability", "cards_held", "cards_open", "points_own")
    assert [column(name) for name in changes] == [closing[name] for name in changes]
    assert column("to_shop") == report["figures"]["received"]
    assert [row[0] for row in rows] == sorted(
        (row[0] for row in rows), key=lambda one: [int(part) for part in str(one).split("-")]
    )


async def test_a_long_table_comes_in_parts_of_one_moment(
    life: Life, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = span(life)
    asked: Any = {"from_": first, "to": last, "shop": account_of("sparkle")}
    whole = await report_export(call, kind="days", **asked)
    text = await report_export(call, kind="days", format="csv", **asked)
    monkeypatch.setattr("node.rpc.methods.report.ROWS_MAX", 7)
    rows: list[Any] = []
    parts: list[str] = []
    cursor = csv_cursor = None
    while True:
        page = await report_export(call, kind="days", cursor=cursor, **asked)
        part = await report_export(call, kind="days", format="csv", cursor=csv_cursor, **asked)
        rows += page["rows"] or []
        parts.append(part["text"] or "")
        cursor, csv_cursor = page["next_cursor"], part["next_cursor"]
        if cursor is None:
            break

    assert rows == whole["rows"]
    assert "".join(parts) == text["text"]
    assert len(parts) > 2


async def test_what_can_not_be_reported_is_refused_with_the_field(life: Life, call: Call) -> None:
    first, last = span(life)

    with pytest.raises(UnknownIdError, match="no shop with this account"):
        await report_day(call, date=first, shop=account_of("alice"))
    with pytest.raises(InvalidParamsError, match="co-signs for no shop"):
        await report_day(call, date=first)
    with pytest.raises(InvalidParamsError, match="must be at or after"):
        await report_period(call, from_=last, to=first, shop=account_of("sparkle"))
    with pytest.raises(InvalidParamsError, match="400 days at most"):
        await report_period(call, from_=first - timedelta(200), to=last, shop=account_of("sparkle"))


def test_a_journal_is_read_in_steps(life: Life) -> None:
    history = History(life.node, account_of("sparkle"), life.node.ledger.height)

    steps = list(journal(life.node, history, account_of("sparkle")))

    assert len(steps) == len(history) // 50 + 1
