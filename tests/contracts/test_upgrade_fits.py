"""Which code may take over: what it must keep, what it links to, and who uses it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.changes import InstallContract, SetParam, UpgradeContract
from chain.errors import BadContractError, UpgradeRefusedError, WrongStateError
from chain.state import State
from chain.transaction import Deploy, Propose
from chain.upgrades import PendingUpgrade, read_upgrades
from contracts.firing import TIMER_OVERHEAD_GAS
from contracts.instances import Library
from contracts.upgrades import check_takes_over, check_upgrade
from contracts.vm.container import (
    Container,
    EventType,
    Field,
    FunctionKind,
    NamedScalar,
    PotClass,
    code_id,
)
from contracts.vm.program import load_program
from contracts.vm.traps import TrapKind
from tests.contracts.tallies import (
    BETTER,
    DEAR,
    DESK,
    DESK_TOO,
    GONE,
    IDLE,
    LINKING,
    MONTH,
    SLOW,
    TALLY,
    TYPED,
    changed,
    decide,
    dropped,
    put_code,
    told,
    upgraded,
)
from tests.fuzz.build import HASH, TABLES, TEXT, U8, UINT, function
from tests.make import MONEY, TestChain, compiled, word


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    made = TestChain(tmp_path / "chain")
    yield made
    made.close()


def refusal(chain: TestChain, contract: bytes, source: str, links: tuple[bytes, ...] = ()) -> str:
    """Return why an upgrade is refused, or nothing."""
    wanted = PendingUpgrade(chain.now + MONTH, contract, code_id(compiled(source)), (), links)
    try:
        check_upgrade(Library(), State(chain.ledger.store), wanted)
    except (UpgradeRefusedError, BadContractError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (changed("class Tally", "class Talley"), "the code is of Talley, the contract is Tally"),
        (changed("money", "gold"), "asset 1 was money"),
        (changed('"no_rows", "too_many"', '"too_many"'), "error 1 was no_rows"),
        (changed("count=uint)", "count=u32)"), "event 1 was Counted"),
        (changed("Pots[Hash, money]", "Pots[Hash, money, days(1)]"), "pots 1 was held"),
        (changed("on_end", "on_over"), "timer 1 was on_end"),
        (changed("total", "sum_of"), "1, total,"),
        (changed("notes", "texts"), "3, notes,"),
        (changed("rows: Map[Hash,", "rows: Map[Id['x'],"), ""),
        (changed("count: uint", "count: u32"), "2, rows, may only get new parts behind"),
        (changed("since: sint", "since: sint\n    text: Text[9]\n    more: u8"), ""),
    ],
)  # fmt: skip
def test_what_was_stored_and_told_must_mean_the_same(
    chain: TestChain, source: str, why: str
) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    put_code(chain, source)

    text = refusal(chain, tally, source)

    assert why in text
    assert bool(text) == bool(why)


def test_an_error_beside_the_numbered_list_may_move(chain: TestChain) -> None:
    one = IDLE.format(name="Idle", state='    errors = Errors("a")')
    tally = chain.deploy(one, assets=(), installed="idle")
    two = IDLE.format(name="Idle", state='    errors = Errors("a", "b")')
    put_code(chain, two)

    assert refusal(chain, tally, two) == ""


# A model of all that is only appended to --------------------------------------------------------

_ROW = (NamedScalar("new", UINT),)
Mutation = tuple[str, Callable[[Container], Container]]


def _put(part: str, value: Any, place: int | None = None) -> Mutation:
    """Append to a part of a container, or put something between."""

    def change(container: Container) -> Container:
        items = getattr(container, part)
        at = len(items) if place is None else place
        changes: dict[str, Any] = {part: (*items[:at], value, *items[at:])}
        return replace(container, **changes)

    return part, change


def _take(part: str) -> Mutation:
    def change(container: Container) -> Container:
        changes: dict[str, Any] = {part: getattr(container, part)[1:]}
        return replace(container, **changes)

    return part, change


def _row(place: int, *scalars: Any) -> Mutation:
    def change(container: Container) -> Container:
        fields = list(container.fields)
        row = (*fields[place].row, *[NamedScalar(f"p{len(fields)}", one) for one in scalars])
        fields[place] = replace(fields[place], row=row)
        return replace(container, fields=tuple(fields))

    return f"row {place}", change


_ONCE = function(name="f")
_TIMER = function(name="t", kind=FunctionKind.TIMER, params=(HASH,), registers="Y")
KEEPS: list[Mutation] = [
    _put("assets", "more"), _put("links", "more"), _put("errors", "more"),
    _put("fields", Field("more", (), _ROW)), _put("pots", PotClass("more", (HASH,), 0, 0)),
    _put("events", EventType("More", ())), _put("functions", _TIMER), _put("functions", _ONCE, 0),
    _row(0, UINT, U8), _row(1, TEXT), _row(2, HASH, TEXT),
]  # fmt: skip
BREAKS: list[Mutation] = [
    *[_take(part) for part in ("assets", "links", "errors", "fields", "pots", "events")],
    _put("assets", "more", 0), _put("links", "more", 0), _put("errors", "more", 1),
    _put("fields", Field("more", (), _ROW), 1), _put("pots", PotClass("m", (HASH,), 0, 0), 0),
    _put("events", EventType("More", ()), 1), _put("functions", _TIMER, 0), _row(1, UINT),
    ("name", lambda one: replace(one, name="Other")),
    ("timer", lambda one: replace(one, functions=(_ONCE,))),
    ("key", lambda one: replace(one, fields=(replace(one.fields[0], key=(U8,)), *one.fields[1:]))),
]  # fmt: skip
OLD = replace(TABLES, functions=(_ONCE, replace(_TIMER, name="first")))


@given(st.lists(st.sampled_from(KEEPS), max_size=4), st.sampled_from(BREAKS) | st.none(), st.data())
def test_appending_fits_and_everything_else_does_not(
    keeps: list[Mutation], breaks: Mutation | None, data: st.DataObject
) -> None:
    seen = {name for name, _change in keeps}
    steps = [] if len(seen) < len(keeps) else [change for _name, change in keeps]
    if breaks is not None:
        steps.insert(data.draw(st.integers(0, len(steps))), breaks[1])
    new = OLD
    for change in steps:
        new = change(new)

    try:
        check_takes_over(OLD, new)
    except UpgradeRefusedError:
        fits = False
    else:
        fits = True

    assert fits == (breaks is None)


# Others -----------------------------------------------------------------------------------------


def sums(gas: int = 5_000) -> str:
    return DESK.format(gas=gas)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (DEAR, "Desk, which the operators installed, would not fit: link sum: its worst case"),
        (GONE, "link sum: Tally has no free view"),
        (TYPED, "link sum: its types differ"),
        (BETTER, ""),
    ],
)
def test_installed_contracts_that_use_it_must_still_fit(
    chain: TestChain, source: str, why: str
) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    chain.deploy(sums(), assets=(), links=(tally,), installed="desk")
    put_code(chain, source)

    text = refusal(chain, tally, source)

    assert why in text
    assert bool(text) == bool(why)


def test_a_guest_that_uses_it_is_not_asked_and_its_call_fails(chain: TestChain) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    desk = chain.deploy(sums(), assets=(), links=(tally,))
    before = chain.call("alice", desk, "work", word("x"))
    decided = decide(chain, tally, GONE)
    chain.run(at=chain.now + MONTH)

    after = chain.call("alice", desk, "work", word("x"))

    assert (before.ok, decided.ok, after.ok, after.trap) == (True, True, False, TrapKind.LINK)


def test_a_contract_that_comes_during_the_notice_fits_both_codes(chain: TestChain) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    decide(chain, tally, GONE)

    late = chain.do("olga", Deploy(compiled(sums()), (), (tally,), ()), gas_limit=300_000)

    assert late.error == BadContractError.code


def test_an_upgrade_that_fits_no_longer_is_dropped_and_told(chain: TestChain) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    desk = chain.deploy(sums(), assets=(), links=(tally,))
    decide(chain, tally, GONE)
    chain.do("olga", Propose(InstallContract("desk", desk)))  # now it has a say

    block = chain.run(at=chain.now + MONTH)

    assert told(block.receipts) == [dropped(tally, GONE, UpgradeRefusedError.code)]
    assert read_upgrades(chain.state()) == ()
    assert chain.call("alice", desk, "work", word("x")).ok


def test_what_uses_new_functions_waits_for_them(chain: TestChain) -> None:
    tally = chain.deploy(changed("def sum(", "def all("), installed="tally")
    idle = IDLE.format(name="Desk", state="")
    desk = chain.deploy(idle, assets=(), installed="desk")
    used = code_id(compiled(DESK_TOO))
    chain.deploy(DESK_TOO, assets=(), links=(chain.deploy(TALLY),))
    first = chain.now + 2 * MONTH

    decide(chain, tally, BETTER, at_ms=first)
    soon = chain.do("olga", Propose(UpgradeContract(desk, used, (), (tally,), 0)))
    same = chain.do("olga", Propose(UpgradeContract(desk, used, (), (tally,), first)))
    then = chain.do("olga", Propose(UpgradeContract(desk, used, (), (tally,), first + 1)))
    block = chain.run(at=first + 1)

    errors = [BadContractError.code, BadContractError.code, 0]
    assert [soon.error, same.error, then.error] == errors
    assert told(block.receipts) == [upgraded(tally, BETTER), upgraded(desk, DESK_TOO)]
    assert chain.call("alice", desk, "work", word("x")).trap == TrapKind.LINK  # no such row there


def test_links_never_lead_back(chain: TestChain) -> None:
    idle = IDLE.format(name="Idle", state="")
    lower = chain.deploy(idle, assets=(), installed="lower")
    upper = chain.deploy(LINKING, assets=(), links=(lower,), installed="upper")

    texts = [refusal(chain, lower, LINKING, (to,)) for to in (lower, upper)]
    unbound = refusal(chain, lower, LINKING)

    assert ["the links would lead back to ctr1" in one for one in texts] == [True, True]
    assert "the code has 1 more links, ['other']; 0 are given" in unbound


def test_links_of_those_above_nest_no_deeper_than_allowed(chain: TestChain) -> None:
    idle = IDLE.format(name="Idle", state="")
    lowest = chain.deploy(idle, assets=())
    stack = [chain.deploy(idle, assets=(), installed="c0")]
    for number in range(1, 4):
        one = chain.deploy(LINKING, assets=(), links=(stack[-1],), installed=f"c{number}")
        stack.append(one)

    assert "links nest 5 deep, at most 4 are allowed" in refusal(
        chain, stack[0], LINKING, (lowest,)
    )


def test_timers_of_the_new_code_fit_a_block(chain: TestChain) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    put_code(chain, SLOW)
    gas = load_program(compiled(SLOW)).by_name["on_end"].worst_case_gas + TIMER_OVERHEAD_GAS
    assert chain.do("olga", Propose(SetParam("timer_gas_share_bp", (gas - 1) // 150))).ok

    change = UpgradeContract(tally, code_id(compiled(SLOW)), (), (), 0)

    assert chain.do("olga", Propose(change)).error == WrongStateError.code


def test_an_asset_that_the_code_has_besides_is_bound(chain: TestChain) -> None:
    idle = IDLE.format(name="Idle", state="")
    two = IDLE.format(name="Idle", state="    money: Asset")
    contract = chain.deploy(idle, assets=(), installed="idle")
    code = put_code(chain, two)

    change = UpgradeContract(contract, code, (MONEY,), (), 0)
    unknown = chain.do("olga", Propose(replace(change, assets=(word("asset"),))))
    decided = chain.do("olga", Propose(change))
    chain.run(at=chain.now + MONTH)

    instance = Library().instance(chain.state(), contract)
    assert (unknown.ok, decided.ok) == (False, True)
    assert (instance.code_id, instance.assets) == (code, (MONEY,))
