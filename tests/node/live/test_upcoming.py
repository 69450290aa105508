"""Rules that come into force: announced in time, and never crossed by a program without them."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain import features
from chain.changes import SetFeature
from chain.errors import StoreError, UnknownFeatureError
from chain.features import Feature
from chain.transaction import Propose
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.commands.faults import describe_error
from node.commands.status import judge, worst_of
from node.commands.words import set_lang
from node.live import upcoming
from node.live.upcoming import Upcoming, expect, find_lacking, find_upcoming, say_lacking, say_when
from node.rpc.methods.node import node_health
from node.rpc.registry import Call
from node.storage.folder import keep_before
from node.storage.repair import repair
from node.verify import verify_data
from tests.make import TestChain, genesis
from tests.node.monitoring.scraped import parse
from tests.node.rpc.door import TestNode, open_door


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    made = TestChain(tmp_path, genesis(params={"dev": 1}))
    yield made
    made.close()


def vote_for(chain: TestChain, name: str, activation: int) -> None:
    chain.do("olga", Propose(SetFeature(name, activation)))


def test_the_time_of_a_height_follows_from_the_pace_of_the_week_before(chain: TestChain) -> None:
    for _ in range(3):  # an old, slow time
        chain.run(at=chain.now + 6 * DAY_MS)
    for _ in range(8):
        chain.run(at=chain.now + 20 * HOUR_MS)
    head = chain.head

    told = expect(chain.ledger.store, head.height, 12)

    # Of the last week there are the eight quick blocks above the last slow one.
    assert told == head.time_ms + 12 * 20 * HOUR_MS


def test_of_a_chain_that_has_only_begun_nobody_can_tell(chain: TestChain) -> None:
    chain.run()

    assert expect(chain.ledger.store, chain.head.height, 5) is None


def test_what_is_lacking_is_told_with_height_time_and_command(chain: TestChain) -> None:
    chain.run()
    vote_for(chain, "night-prices", 40)

    (one,) = find_lacking(chain)

    assert one == Upcoming(Feature("night-prices", 40), False, 38, chain.now + 38_000)
    assert say_lacking(one, chain.now) == (
        "the operators put feature night-prices into force from height 40 on, in about a minute or "
        "two (2024-10-04 00:00 UTC), and this program does not know it: the node stops before that "
        "height"
    )


@pytest.mark.parametrize(
    ("left_ms", "words"),
    [
        (14 * DAY_MS, "in about 14 days (1970-01-15 00:00 UTC)"),
        (2 * DAY_MS - 1, "in about 47 hours (1970-01-02 23:59 UTC)"),
        (5 * MINUTE_MS, "in about 5 minutes (1970-01-01 00:05 UTC)"),
        (0, "in about a minute or two (1970-01-01 00:00 UTC)"),
        (None, "in 7 blocks"),
    ],
)
def test_the_wait_is_told_in_the_unit_that_fits(left_ms: int | None, words: str) -> None:
    assert say_when(Upcoming(Feature("x", 9), False, 7, left_ms), 0) == words


def test_a_rule_that_the_program_has_is_upcoming_and_not_lacking(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote_for(chain, "night-prices", 40)
    vote_for(chain, "holidays", 30)
    monkeypatch.setattr(upcoming, "KNOWN_FEATURES", frozenset({"night-prices"}))

    told = [(one.feature.name, one.is_known) for one in find_upcoming(chain)]

    assert told == [("holidays", False), ("night-prices", True)]
    assert [one.feature.name for one in find_lacking(chain)] == ["holidays"]


# A node ----------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path, dev=True) as node:
        yield node


def decide(made: TestNode, activation: int) -> None:
    made.now_ms += DAY_MS - 1_000
    made.send("olga", Propose(SetFeature("night-prices", activation)))
    made.block()


def let_pass(made: TestNode, days: int) -> None:
    for _ in range(days):
        made.now_ms += DAY_MS - 1_000
        made.pay_in_block()


def test_the_log_tells_it_at_the_vote_and_daily_in_the_last_two_weeks(
    made: TestNode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "washnode.governance")
    let_pass(made, 3)
    decide(made, 24)
    let_pass(made, 18)

    found = [one for one in caplog.records if one.name == "washnode.governance"]
    heights = made.node.ledger.height

    # At height 4 there are 20 days left; from height 10 on it is two weeks and less.
    assert heights == 22
    assert [one.levelno for one in found] == [logging.WARNING] * (1 + 11) + [logging.ERROR] * 2
    assert "in about 20 days" in found[0].getMessage()
    assert "in about 14 days" in found[1].getMessage()
    assert "run python -m pip install --upgrade washnode" in found[1].getMessage()


async def test_console_and_metrics_tell_it_too(made: TestNode) -> None:
    let_pass(made, 3)
    async with open_door(made) as door:
        before = await _scrape(door)
        decide(made, 14)
        early, soon_text = await _scrape(door), _lights(made)
        let_pass(made, 8)
        late, late_text = await _scrape(door), _lights(made)

    labels = {"feature": "night-prices", "known": "0"}
    assert before.value("wash_upgrade_due_seconds") == float("inf")
    assert early.value("wash_feature_activation_height", **labels) == 14
    assert early.value("wash_upgrade_due_seconds") == 10 * 86_400
    assert late.value("wash_upgrade_due_seconds") == 2 * 86_400
    assert (soon_text[0], late_text[0]) == ("yellow", "red")
    assert "python -m pip install --upgrade washnode" in soon_text[1]


async def _scrape(door: Any) -> Any:
    async with door.client.get("/metrics") as response:
        return parse(await response.text())


def _lights(made: TestNode) -> tuple[str, str]:
    set_lang("en")
    health = node_health(Call(made.node, "public"))
    lights = [one for one in judge(health) if "night-prices" in one[1]]
    return worst_of(lights), f"{lights[0][1]}; {lights[0][2]}"


async def test_a_node_that_lacks_a_rule_stops_before_its_height_and_does_not_start_again(
    made: TestNode,
) -> None:
    decide(made, 11)
    let_pass(made, 8)
    with pytest.raises(UnknownFeatureError) as stopped:
        let_pass(made, 1)
    height = made.node.ledger.height
    with pytest.raises(UnknownFeatureError) as refused:
        made.node.reopen(lambda: None)

    ending = describe_error(refused.value)
    assert height == 10  # the last block by the old rules is kept
    assert str(stopped.value) == str(refused.value)
    assert ending.fix == (
        "upgrade it: python -m pip install --upgrade washnode, then start the node again"
    )
    assert ending.code == 4006


def test_what_lies_behind_such_a_height_is_not_judged_by_the_rules_of_before(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        known = frozenset({"night-prices"})
        patch.setattr(features.check_features, "__defaults__", (known,))
        vote_for(chain, "night-prices", 11)
        for _ in range(12):
            chain.run()
    chain.close()

    with pytest.raises(UnknownFeatureError):
        verify_data(chain.folder, chain.genesis)
    keep_before(chain.folder)
    with pytest.raises(UnknownFeatureError):
        repair(chain.folder, chain.genesis, StoreError("asked for"))


def test_a_program_that_has_the_rule_goes_on(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = frozenset({"night-prices"})
    monkeypatch.setattr(features.check_features, "__defaults__", (known,))
    monkeypatch.setattr(features.unknown_features, "__defaults__", (known,))
    decide(made, 11)
    let_pass(made, 13)

    assert made.node.ledger.height == 14
