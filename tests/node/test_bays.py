"""Which car stands in which bay: told by one tablet, known to every other, and after a start."""

from pathlib import Path

import pytest

from node.staff.bays import LIST, BayList

SHOP, CAR, OTHER = "acct1shop", "bkg1car", "bkg1other"


def test_a_bay_has_one_car_and_a_car_one_bay(tmp_path: Path) -> None:
    bays = BayList(tmp_path)
    bays.put(SHOP, 2, CAR)
    bays.put(SHOP, 3, OTHER)
    bays.put(SHOP, 1, CAR)
    bays.put(SHOP, 3, "bkg1next")

    assert bays.of(SHOP) == {1: CAR, 3: "bkg1next"}
    assert BayList(tmp_path).of(SHOP) == bays.of(SHOP)
    assert bays.of("acct1another") == {}


@pytest.mark.parametrize("damage", ["", "[]", '{"acct1shop": 3}', '{"acct1shop": {"x": "y"}}'])
def test_a_damaged_list_is_begun_anew(tmp_path: Path, damage: str) -> None:
    (tmp_path / LIST).write_text(damage, "utf-8")

    bays = BayList(tmp_path)
    bays.put(SHOP, 1, CAR)

    assert BayList(tmp_path).of(SHOP) == {1: CAR}
