"""A Windows PC is kept awake while its shop is open, by the hours of the register."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.awake import CONTINUOUS, SYSTEM_REQUIRED, keep_awake
from node.commands.serving import _awake
from node.config import Config
from node.demo.accounts import signer_of
from node.live.opening import MARGIN_MS, is_open_time
from tests.node.rpc.asking import Asker, acct

AWAKE = CONTINUOUS | SYSTEM_REQUIRED
SHANGHAI = "Asia/Shanghai"
_HOURS = {5: (20 * HOUR_MS, DAY_MS), 6: (0, 0)}  # of Saturday and Sunday


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return what Windows would be told."""
    import ctypes  # noqa: PLC0415 - only to be changed

    heard: list[int] = []

    class Kernel:
        SetThreadExecutionState = staticmethod(heard.append)

    class Libraries:
        kernel32 = Kernel

    monkeypatch.setattr(ctypes, "windll", Libraries, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    return heard


async def looked_at(answers: list[Any]) -> None:
    """Run until each answer was given once; the last one goes on for ever."""
    left = iter(answers)

    def is_wanted() -> bool:
        answer = next(left, None)
        if answer is None:
            raise asyncio.CancelledError
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    with suppress(asyncio.CancelledError):
        await keep_awake(is_wanted, 0)


async def test_it_is_asked_for_while_the_shop_is_open_and_given_back(told: list[int]) -> None:
    await looked_at([False, True, True, False, False, True])

    assert told == [AWAKE, CONTINUOUS, AWAKE, CONTINUOUS]


async def test_where_nobody_can_tell_the_machine_stays_awake(told: list[int]) -> None:
    await looked_at([False, ValueError("the disk")])

    assert told == [AWAKE, CONTINUOUS]


async def test_a_stop_gives_it_back(told: list[int]) -> None:
    task = asyncio.ensure_future(keep_awake(lambda: True))
    await asyncio.sleep(0)  # it begins, and waits for the next look
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert told == [AWAKE, CONTINUOUS]


def test_only_windows_is_asked(told: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    node: Any = None
    on_windows = _awake(node, Config())
    monkeypatch.setattr(sys, "platform", "linux")

    assert (len(on_windows), _awake(node, Config()), told) == (1, [], [])


# The hours --------------------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Asker]:
    made = Asker(tmp_path, "shop")
    yield made
    made.node.close()


def local(day: datetime, hour: int, minute: int = 0) -> int:
    return int(day.replace(hour=hour, minute=minute).timestamp()) * 1_000


async def set_hours(shop: Asker, weekday: int, opens: int, closes: int) -> None:
    given = {"weekday": weekday, "opens": opens, "closes": closes}
    await shop.do("sparkle", _call("set_hours", given))


def _call(function: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"type": "call", "contract": "shops", "function": function, "arguments": given}


async def test_hours_are_those_of_the_register_with_half_an_hour_around(shop: Asker) -> None:
    for weekday in range(7):
        opens, closes = _HOURS.get(weekday, (8 * HOUR_MS, 18 * HOUR_MS))
        await set_hours(shop, weekday, opens, closes)
    holiday = datetime(2030, 1, 8, tzinfo=ZoneInfo(SHANGHAI))
    shop.wall.now_ms = local(holiday, 3) - 5 * DAY_MS
    shop.make_block()
    number = holiday.toordinal() - datetime(1970, 1, 1, tzinfo=ZoneInfo(SHANGHAI)).toordinal()
    await shop.do("sparkle", _call("announce_closure", {"day": number}))
    monday, tuesday, sunday = (holiday.replace(day=day) for day in (7, 8, 13))
    half = MARGIN_MS // MINUTE_MS
    times = {
        "before": local(monday, 7, 60 - half - 1), "near": local(monday, 7, 60 - half),
        "noon": local(monday, 12), "after": local(monday, 18, half - 1),
        "night": local(monday, 18, half), "holiday": local(tuesday, 12),
        "past midnight": local(sunday, 0, half - 1), "Sunday": local(sunday, 12),
    }  # fmt: skip

    found = {name: is_open_time(shop.node, at, SHANGHAI) for name, at in times.items()}

    open_at = {"near", "noon", "after", "past midnight"}
    assert found == {name: name in open_at for name in times}


async def test_a_node_that_is_no_shops_and_a_shop_without_hours_are_open(shop: Asker) -> None:
    night = local(datetime(2030, 1, 7, tzinfo=ZoneInfo(SHANGHAI)), 3)
    for weekday in range(7):
        await set_hours(shop, weekday, 0, 0)
    found = [is_open_time(shop.node, night, "No/Where")]
    shop.node.sponsor = signer_of("alice")
    found.append(is_open_time(shop.node, night, SHANGHAI))
    shop.node.sponsor = None
    found.append(is_open_time(shop.node, night, SHANGHAI))

    assert (found, acct("alice") != acct("sparkle")) == ([True] * 3, True)
