"""The runner of contracts' tests: what it finds, what it says of a failure."""

import re
import shutil
from pathlib import Path

import pytest

from node.workbench import SourcePlace, WorkbenchError
from node.workbench.runner import Report, Result, find_tests, run_tests
from tests.node.workbench.deposit import PAGE, deposit_source, line_with

STANDARD = Path(__file__).parents[3] / "contracts" / "standard"
OPEN = 'world.call("alice", "open", "shop", "2026-01-10T10:00Z", funds=1_000)'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deposit.wash").write_text(deposit_source(), encoding="utf-8")
    return tmp_path


def write(folder: Path, text: str, name: str = "test_deposit.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(path: Path, only: str = "") -> Report:
    return run_tests(find_tests(path), only=only)


def only_failure(path: Path) -> Result:
    (failed,) = run(path).failed
    return failed


def test_each_test_has_a_world_of_its_own(folder: Path) -> None:
    write(folder, f"def test_one(world):\n    {OPEN}\n    assert world.held() == 1_000\n"
                  f"def test_two(world):\n    {OPEN}\n    assert world.held() == 1_000\n"
                  "def test_alone():\n    assert 1 + 1 == 2\n")  # fmt: skip

    report = run(folder / "deposit.wash")

    assert [(one.name, one.failure) for one in report.results] == [
        ("test_one", None), ("test_two", None), ("test_alone", None),
    ]  # fmt: skip
    unused = ["cancel", "deposit", "on_no_show"]
    assert sorted(report.unused[str(folder / "deposit.wash")]) == unused


def test_a_failed_comparison_shows_both_sides_and_the_line(folder: Path) -> None:
    path = write(folder, f"def test_one(world):\n    print('seen')\n    {OPEN}\n"
                         "    assert world.held() == 999\n")  # fmt: skip

    failed = only_failure(path)

    assert failed.failure == "left:  1000\nright: 999"
    assert failed.place == SourcePlace(str(path), 4, "assert world.held() == 999")
    assert (failed.contract, failed.output) == (None, "seen\n")


def test_each_side_of_a_comparison_is_evaluated_once(folder: Path) -> None:
    path = write(folder, "seen = []\ndef test_one():\n    assert seen.append(1) == seen\n")

    assert only_failure(path).failure == "left:  None\nright: [1]"


def test_a_refusal_that_nobody_expected_has_both_lines(folder: Path) -> None:
    path = write(folder, 'def test_one(world):\n    world.call("bob", "cancel", "00" * 32)\n')

    failed = only_failure(path)

    text = "d = self.deposits[id]"
    source = str(folder / "deposit.wash")
    assert failed.contract == SourcePlace(source, line_with(text), text)
    assert failed.failure == f"cancel: missing ({failed.contract})"
    assert failed.place == SourcePlace(str(path), 2, 'world.call("bob", "cancel", "00" * 32)')


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("import nothing_of_the_kind\n", "ModuleNotFoundError: No module named"),
        ("def test_one(world:\n", "SyntaxError: '(' was never closed"),
        ("def make_world():\n    return 5\n", "test_deposit.py: make_world() gives int, not a"),
        ("def test_one():\n    raise KeyError('x')\n", "KeyError: 'x'"),
        ("def test_one():\n    assert not [1]\n", "assertion failed"),
        ("def test_one():\n    assert 1 > 2, 'odd'\n", "odd"),
    ],
)
def test_whatever_a_file_does_wrong_is_its_failure(folder: Path, text: str, failure: str) -> None:
    path = write(folder, text)

    failed = only_failure(path)

    assert failed.failure is not None
    assert failed.failure.startswith(failure)


def test_a_file_can_make_its_own_world_and_import_its_neighbours(folder: Path) -> None:
    write(folder, "START = '2026-02-01'\n", "settings_of_this_test.py")
    path = write(
        folder,
        "from pathlib import Path\nfrom node.workbench import World\n"
        "from settings_of_this_test import START\n"
        "def make_world():\n"
        "    world = World(time=START)\n"
        "    world.add(Path(__file__).with_name('deposit.wash'), assets={'money': 'EUR'})\n"
        "    return world\n"
        "def test_one(world):\n    assert world.balance('alice', 'EUR') == 1_000_000\n",
        "check.py",
    )

    report = run(path)

    assert [one.failure for one in report.results] == [None]


def test_tests_are_found_beside_contracts_in_a_folder(folder: Path) -> None:
    first = write(folder, "")
    second = write(folder, "", "deposit_test.py")
    write(folder, "raise SystemError\n", "test_other.py")
    source = folder / "deposit.wash"

    assert find_tests(folder) == [(first, source), (second, source)]
    assert find_tests(second) == [(second, source)]


def test_a_contract_without_tests_is_told_where_to_write_them(folder: Path) -> None:
    with pytest.raises(WorkbenchError, match=r"write test_deposit\.py beside deposit\.wash"):
        find_tests(folder / "deposit.wash")


def test_only_the_tests_asked_for_run(folder: Path) -> None:
    path = write(folder, "def test_one():\n    pass\ndef test_two():\n    pass\n")

    report = run(path, only="two")

    assert [one.name for one in report.results] == ["test_two"]
    assert report.unused == {}


def test_a_test_file_without_a_contract_can_not_ask_for_a_world(tmp_path: Path) -> None:
    path = write(tmp_path, "def test_one(world):\n    pass\n")

    assert only_failure(path).failure == (
        "test_deposit.py has no contract beside it and no make_world()"
    )


def test_the_tests_and_the_world_of_the_manual_work(tmp_path: Path) -> None:
    blocks: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tests,) = [block for block in blocks if block.startswith("def test_")]
    (maker,) = [block for block in blocks if "booking.wash" in block]
    for name in ("shops", "loyalty", "prepaid", "booking"):
        shutil.copy(STANDARD / f"{name}.wash", tmp_path)
    (tmp_path / "deposit.wash").write_text(deposit_source(), encoding="utf-8")
    asking = "def test_it(world):\n    assert world.view('shops.shop', 'sparkle')['name']\n"

    own = run(write(tmp_path, tests))
    made = run(write(tmp_path, maker + asking, "test_booking.py"))

    assert [one.failure for one in own.results] == [None, None, None]
    assert [one.failure for one in made.results] == [None]
