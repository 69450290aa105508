"""Sums of pots: whatever blocks do while the pots are gone through, the sum is that of all pots."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.ids import encode_id
from chain.pots import _VALUE
from chain.state import Space
from node.monitoring import escrow
from node.monitoring.escrow import EscrowGauge

ASSETS = (b"a" * 32, b"b" * 32)
Changes = dict[bytes, bytes | None]


def pot(amount: int, asset: bytes) -> bytes:
    return _VALUE.pack(amount, 1, 1, 1, bytes(32), asset, False)


class Store:
    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        found = sorted((key, row) for key, row in self.rows.items() if start <= key < stop)
        return found[:limit]


keys = st.integers(0, 11).map(lambda number: bytes([Space.POT, number]))
pots = st.builds(pot, st.integers(0, 2**53 - 1), st.sampled_from(ASSETS))
blocks = st.dictionaries(keys, st.none() | pots, max_size=4)
others = st.just({bytes([Space.POT - 1]): b"x", bytes([Space.POT + 1]): b"y"})
steps = st.lists(st.just("scrape") | blocks | others, max_size=30)


def shown(gauge: EscrowGauge) -> dict[str, float]:
    (family,) = gauge.collect()
    return {sample.labels["asset"]: sample.value for sample in family.samples}


@given(steps)
def test_the_sums_are_those_of_all_pots(done: list[Any]) -> None:
    store = Store()
    gauge = EscrowGauge(SimpleNamespace(ledger=SimpleNamespace(store=store)))  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(escrow, "POTS_READ_MAX", 3)
        for step in done:
            if step == "scrape":
                shown(gauge)
                continue
            gauge.before_store(SimpleNamespace(changes=step))  # type: ignore[arg-type]
            for key, value in step.items():
                if value is None:
                    store.rows.pop(key, None)
                else:
                    store.rows[key] = value
        while not gauge.is_complete:
            shown(gauge)
        found = shown(gauge)

    expected = dict.fromkeys([encode_id("ast", asset) for asset in ASSETS], 0.0)
    for key, value in store.rows.items():
        if key[0] == Space.POT:
            amount, *_, asset, _ = _VALUE.unpack(value)
            expected[encode_id("ast", asset)] += amount
    assert {asset: found.get(asset, 0) for asset in expected} == expected
