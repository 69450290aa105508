"""A world in memory: calls, money, time, refusals that point at the source."""

from pathlib import Path

import pytest

from chain.types import DAY_MS, HOUR_MS
from contracts.lang.errors import ContractSyntaxError
from node.workbench import CallFailed, Seen, SourcePlace, WorkbenchError, World
from tests.node.workbench.deposit import deposit_source, line_with

CORPUS = Path(__file__).parents[2] / "contracts" / "corpus"
STANDARD = Path(__file__).parents[3] / "contracts" / "standard"
START, NOON = "2026-01-10T10:00Z", "2026-01-10T12:00Z"


@pytest.fixture
def world(tmp_path: Path) -> World:
    path = tmp_path / "deposit.wash"
    path.write_text(deposit_source(), encoding="utf-8")
    return World.deploy(path)


def test_a_call_gives_its_result_and_tells_what_it_did(world: World) -> None:
    deposit = world.call("alice", "open", shop="shop", start=START, funds=1_000)

    opened = {"id": deposit, "shop": "shop", "amount": 1_000}
    assert world.last is not None
    assert deposit.startswith("dep1")
    assert world.view("deposit", deposit) == {
        "customer": "alice", "shop": "shop", "start": world.now + 5 * DAY_MS + 10 * HOUR_MS,
    }  # fmt: skip
    assert world.events[-1] == Seen(world.now, "deposit.Opened", opened)
    assert (world.balance("alice"), world.held()) == (999_000, 1_000)


def test_the_outcome_has_the_gas_the_events_and_the_changes_of_money(world: World) -> None:
    world.call("alice", "open", "shop", START, funds=1_000)

    last = world.last
    assert last is not None
    assert 0 < last.gas_used <= last.worst_case_gas
    assert [one.type for one in last.events] == ["deposit.Opened"]
    assert last.changes == {("alice", "CNY"): -1_000}


def test_timers_fire_on_the_way_to_a_time(world: World) -> None:
    deposit = world.call("alice", "open", "shop", START, funds=1_000)
    waiting = world.timers()

    world.at(NOON)

    closed = {"id": deposit, "to_shop": 1_000, "to_customer": 0}
    assert waiting == [(world.now, "deposit.on_no_show")]
    assert world.seen("Closed") == world.seen("deposit.Closed") == [closed]
    assert (world.balance("shop"), world.held(), world.timers()) == (1_001_000, 0, [])


def test_a_refusal_has_the_contracts_name_and_the_line_of_the_source(world: World) -> None:
    deposit = world.call("alice", "open", "shop", START, funds=1_000)

    with pytest.raises(CallFailed) as caught:
        world.call("bob", "cancel", deposit)

    text = 'require(d.customer == caller(), "not_yours")'
    place = caught.value.place
    assert isinstance(place, SourcePlace)
    assert (caught.value.name, caught.value.function) == ("not_yours", "cancel")
    assert (place.line, place.text) == (line_with(text), text)
    assert str(caught.value) == f"cancel: not_yours ({place.filename}:{place.line}: {text})"
    assert world.held() == 1_000


def test_expected_refusals_are_told_by_name(world: World) -> None:
    with world.refuses("nothing_paid"):
        world.call("alice", "open", "shop", START)
    with world.refuses("missing"):
        world.call("alice", "cancel", "00" * 32)
    with world.refuses("insufficient_funds"):
        world.call("alice", "open", "shop", START, funds=2_000_000)


def test_a_missing_or_other_refusal_is_an_assertion_that_fails(world: World) -> None:
    nothing = pytest.raises(AssertionError, match=r"^expected bad_time, but nothing failed$")
    with nothing, world.refuses("bad_time"):
        world.call("alice", "open", "shop", START, funds=1)
    other = pytest.raises(AssertionError, match=r"^expected bad_time, but open: nothing_paid \(")
    with other, world.refuses("bad_time"):
        world.call("alice", "open", "shop", START)


def test_what_is_asked_wrongly_is_said_with_what_there_is(world: World) -> None:
    for words, said in (
        (("alice", "opne"), "deposit has no action 'opne'; there are open, cancel"),
        (("alice", "shops.open"), "no contract 'shops' in this world; there are deposit"),
        (("alice", "open", "shop"), "open takes (shop, start); given are 1 by place"),
        (("alice", "open", "shop", "soon"), "open(start): 'soon' is no time; write it like"),
        (("alice", "cancel", 5), "cancel(id) is 5, expected bytes, or their hex"),
    ):
        with pytest.raises(WorkbenchError) as caught:
            world.call(*words)
        assert str(caught.value).startswith(said)


def test_time_goes_forward_only(world: World) -> None:
    world.tick("1d12h")

    with pytest.raises(WorkbenchError, match="time goes forward only"):
        world.at("2026-01-05")
    assert world.tick(5).now == world.tick("0s").now


def test_deadlines_stand_still_while_the_chain_does(world: World) -> None:
    deposit = world.call("alice", "open", "shop", START, funds=1_000)
    world.at("2026-01-09T09:00Z")

    world.halt("2h")
    world.call("alice", "cancel", deposit)

    assert world.seen("Closed") == [{"id": deposit, "to_shop": 0, "to_customer": 1_000}]


def test_a_copy_goes_its_own_way(world: World) -> None:
    deposit = world.call("alice", "open", "shop", START, funds=1_000)
    other = world.copy()

    other.call("alice", "cancel", deposit)

    assert (world.held(), other.held()) == (1_000, 0)
    assert (len(world.events), len(other.events)) == (2, 3)
    assert world.used is other.used


def test_a_contract_issues_its_own_asset() -> None:
    world = World.deploy(CORPUS / "points.wash")

    world.call("operator", "grant", "alice", day=3, amount=50, note="welcome")

    assert (world.balance("alice", "POINTS"), world.view("sum_of", "alice")) == (50, 50)
    assert world.seen("Granted") == [{"to": "alice", "amount": 50, "note": "welcome"}]
    with world.refuses("not_operator"):
        world.call("alice", "grant", "alice", 4, 50, "again")


def test_linked_contracts_are_deployed_from_the_files_beside() -> None:
    world = World.deploy(STANDARD / "booking.wash", arguments=[0, False], install=True)
    world.call("operator", "shops.admit", "sparkle", "Sparkle")

    with pytest.raises(CallFailed) as caught:
        world.call("bob", "shops.set_hours", 1, 0, DAY_MS)

    assert world.view("shops.shop", "sparkle")["name"] == "Sparkle"
    assert caught.value.place is not None
    assert caught.value.place.filename == str(STANDARD / "shops.wash")


SOURCE = """from wash import *

class Boom(Contract):
    count: uint

    @action
    def later(self, at: Time):
        schedule(self.on_time, at=at, key=1)

    @timer
    def on_time(self, key: uint):
        self.count = 1 // (key - 1)
"""


def test_a_timer_that_fails_is_raised_with_its_line_and_tried_again() -> None:
    world = World.deploy(SOURCE)
    world.call("alice", "later", "2026-01-05T01:00Z")

    with pytest.raises(CallFailed) as caught:
        world.tick("1h")

    assert str(caught.value) == ("on_time: div (<contract>:12: self.count = 1 // (key - 1))")
    assert world.timers() == [(world.now + HOUR_MS, "boom.on_time")]


def test_a_deployment_that_fails_leaves_no_contract() -> None:
    world = World()

    with pytest.raises(
        WorkbenchError, match=r"^link register: no contract register or shops here \(none\)"
    ):
        world.add((STANDARD / "booking.wash").read_text("utf-8"))
    with pytest.raises(WorkbenchError, match="the contract has no assets 'gold'; it has none"):
        world.add(SOURCE, assets={"gold": "AU"})
    with pytest.raises(ContractSyntaxError):
        world.add("nothing\n")
    with pytest.raises(WorkbenchError, match="no contract '' in this world; there are none"):
        world.view("anything")


def test_people_get_roles_and_money() -> None:
    world = World.deploy(SOURCE)
    world.give_role("carol", "arbiter")

    with pytest.raises(WorkbenchError, match="no role 'king'; there are member"):
        world.give_role("carol", "king")
    with pytest.raises(WorkbenchError, match="which asset"):
        world.give("carol", 5)
    assert len(world.account("carol")) == 32


def test_a_call_can_be_signed_by_another_key_of_the_account() -> None:
    source = """from wash import *

class Doors(Contract):
    Opened = Event(by=indexed[Address], key=Hash)

    @action
    def open(self):
        emit(self.Opened, caller(), signer())
"""
    world = World.deploy(source)

    world.call("shop", "open", signer="desk")
    world.call("shop", "open")

    assert world.seen("Opened") == [
        {"by": "shop", "key": world.account("desk")},
        {"by": "shop", "key": world.account("shop")},
    ]
