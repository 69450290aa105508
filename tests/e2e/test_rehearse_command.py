"""`washnode rehearse` and `washnode verify` as their user meets them, with real processes."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node.oracle import expect_files

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "node" / "samples" / "bookings.csv.gz"
POLICIES = ROOT / "node" / "samples" / "policies.json"
HOTEL = ROOT / "tests" / "vectors" / "bookings-hotel"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "node", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "chain"
    done = run("rehearse", SAMPLE, "--policies", POLICIES, "--keep", folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def table_of(output: str) -> list[str]:
    return [line for line in output.splitlines() if "│" in line or "┃" in line]


@pytest.mark.whole
def test_the_hotel_sample_gives_every_shop_what_plain_arithmetic_gives_it() -> None:
    expected = expect_files(HOTEL / "bookings_norm.csv.gz", HOTEL / "policies.json")

    done = run(
        "rehearse", HOTEL / "bookings_norm.csv.gz", "--policies", HOTEL / "policies.json", "--json"
    )

    result = json.loads(done.stdout)
    shops = {shop.pop("shop_id"): shop for shop in result["shops"]}
    assert done.returncode == 0, done.stderr
    assert shops == expected["shops"]
    assert result["total"] == expected["totals"]
    assert result["rejected_reasons"] == {"price_not_positive": 390}
    assert result["conserved"] is True
    assert len(shops) == 309
    assert result["total"]["escrow_in"] == 637_935_719
    assert result["total"]["refunds"] == 47_295_005
    assert result["total"]["payouts"] == 590_640_714


def test_a_kept_chain_verifies_and_shows_the_same_table(kept: Path, tmp_path: Path) -> None:
    first = run("rehearse", SAMPLE, "--policies", POLICIES, "--keep", tmp_path / "again")

    second = run("verify", kept)

    assert (second.returncode, second.stderr) == (0, "")
    assert table_of(second.stdout) == table_of(first.stdout)
    assert len(table_of(second.stdout)) > 3


def test_two_rehearsals_of_one_file_make_the_same_blocks(kept: Path, tmp_path: Path) -> None:
    run("rehearse", SAMPLE, "--policies", POLICIES, "--keep", tmp_path / "again")

    seals = [json.loads((one / "seal.json").read_text()) for one in (kept, tmp_path / "again")]

    assert seals[0]["head_id"] == seals[1]["head_id"]


def test_any_flipped_byte_of_a_kept_chain_fails_and_the_height_is_named(
    kept: Path, tmp_path: Path
) -> None:
    chance = random.Random(20)
    files = sorted(path for path in kept.rglob("*") if path.is_file())
    broken = tmp_path / "broken"
    for file in files:
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(kept, broken)
        target = broken / file.relative_to(kept)
        data = bytearray(target.read_bytes())
        if not data:
            continue
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        target.write_bytes(data)

        done = run("verify", broken)

        assert done.returncode == 1, (file.name, done.stdout)
        assert done.stderr.startswith("washnode: height "), (file.name, done.stderr)


def test_a_missing_column_is_named_and_the_exit_code_is_2(tmp_path: Path) -> None:
    file = tmp_path / "bookings.csv"
    file.write_text("booking_id,shop_id\n1,2\n", encoding="utf-8")

    done = run("rehearse", file, "--policy", "fair")

    assert done.returncode == 2
    assert "created_at" in done.stderr


def test_an_unknown_preset_is_answered_with_the_ones_there_are() -> None:
    done = run("rehearse", SAMPLE, "--policy", "generous")

    assert done.returncode == 2
    assert "fair, flexible, mobile, standard, strict, walkin" in done.stderr


def test_a_folder_that_is_not_empty_is_never_written_into(kept: Path) -> None:
    before = sorted(kept.rglob("*"))

    done = run("rehearse", SAMPLE, "--policy", "fair", "--keep", kept)

    assert done.returncode == 2
    assert sorted(kept.rglob("*")) == before


def test_a_python_that_skips_assertions_is_refused() -> None:
    command = [sys.executable, "-O", "-m", "node", "rehearse", str(SAMPLE), "--policy", "fair"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    assert done.returncode == 2
    assert "without -O" in done.stderr
