"""A fresh demo for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from node.live.node import Node
from tests.node.demo.setting import WallClock, open_demo


@pytest.fixture
def wall() -> WallClock:
    return WallClock()


@pytest.fixture
def node(tmp_path: Path, wall: WallClock) -> Iterator[Node]:
    made = open_demo(tmp_path, wall)
    yield made
    made.close()
