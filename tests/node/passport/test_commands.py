"""`washnode passport`: a file written from a node, and checked where there is no network at all."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chain.crypto import sha256
from chain.ids import encode_id
from node.cli import main
from node.client.vehicles import VehicleFile, write_vehicle
from node.commands import connect
from node.commands.passport import draw_code
from tests.make import word
from tests.node.passport.door import Door
from tests.node.passport.garage import SALT, VIN, Garage, four

# Refuses every socket, also those of the local machine, before anything of ours is imported.
NO_NETWORK = """
import sys

def refuse(event, _arguments):
    if event.startswith("socket."):
        raise OSError("there is no network")

sys.addaudithook(refuse)
from node.cli import main
main()
"""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    start, keys = four()
    garage = Garage(tmp_path_factory.mktemp("garage"), start, keys)
    garage.register()
    garage.attach(garage.wash(), 0)
    garage.rotate(1)
    garage.attach(garage.wash(), 0)
    yield Door(garage)
    garage.chain.close()


@pytest.fixture
def home(tmp_path: Path, door: Door, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The owner's data folder, and the node for whoever asks one."""
    monkeypatch.setattr(connect, "make_client", lambda *_: door)
    folder = tmp_path / "data" / "vehicles"
    folder.mkdir(parents=True)
    write_vehicle(folder / "car.json", car(door))
    return tmp_path


def car(door: Door, **changes: Any) -> VehicleFile:
    said = {
        "version": 1,
        "chain_id": door.garage.chain.ledger.chain_id.hex(),
        "vehicle": encode_id("veh", door.garage.vehicle),
        "secrets": [one.hex() for one in door.garage.secrets],
        "vin_salt": SALT.hex(),
    }
    return VehicleFile(**{**said, **changes})


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["passport", *map(str, words)])


def export(home: Path, *words: object) -> dict[str, Any]:
    """Export to car.passport; return what a program is told."""
    out = home / "car.passport"
    where = ("--data", home / "data", "--rpc", "http://127.0.0.1:1", "--json")
    done = run("export", "car", "--out", out, *where, *words)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def anchor_words(told: dict[str, Any]) -> list[str]:
    checkpoint = f"{told['height']}:{told['validators_hash']}"
    return ["--genesis", told["chain_id"], "--checkpoint", checkpoint]


def test_a_passport_is_written_from_a_node_and_checked_without_one(home: Path) -> None:
    told = export(home)
    file = home / "car.passport"

    done = run("verify", file, *anchor_words(told))
    hashed = run("verify", file, *anchor_words(told), "--hash", told["sha256"], "--json")

    assert told["sha256"] == sha256(file.read_bytes()).hex()
    assert told["next"].endswith(" ".join(anchor_words(told)))
    assert done.exit_code == 0, done.output
    assert "✓ record 1 is whole" in done.output
    assert "A visit that was never entered for this vehicle can not show." in done.output
    assert done.output.rstrip().endswith("good: everything holds")
    assert hashed.exit_code == 0
    assert json.loads(hashed.stdout)["checks"][0]["code"] == "hash"


def test_a_passport_says_which_car_it_is_if_the_owner_does(home: Path, door: Door) -> None:
    told = export(home, "--vin", VIN.lower())
    bare = home / "bare.json"
    write_vehicle(bare, car(door, vin_salt=None))
    where = ("--data", home / "data", "--rpc", "http://127.0.0.1:1", "--out", home / "x")

    done = run("verify", home / "car.passport", *anchor_words(told))
    wrong = run("export", "car", *where, "--vin", VIN[:-1] + "2")
    unsalted = run("export", bare, *where, "--vin", VIN)

    assert f"the number on its frame is {VIN}" in done.output
    assert (wrong.exit_code, unsalted.exit_code) == (3, 4)


def test_the_vehicle_is_found_by_path_and_by_id_too(home: Path, door: Door) -> None:
    file = home / "data" / "vehicles" / "car.json"
    where = ("--data", home / "data", "--rpc", "http://127.0.0.1:1")

    for number, name in enumerate((file, car(door).vehicle)):
        out = home / f"{number}.passport"
        assert run("export", name, "--out", out, *where).exit_code == 0
    missing = run("export", "bike", *where)
    again = run("export", "car", "--out", home / "0.passport", *where)

    assert (home / "0.passport").read_bytes() == (home / "1.passport").read_bytes()
    assert (missing.exit_code, again.exit_code) == (3, 1)
    assert "take another name" in again.output


def test_without_an_anchor_the_exit_code_is_not_zero(home: Path) -> None:
    told = export(home)
    file, genesis, checkpoint = home / "car.passport", *[anchor_words(told)[i] for i in (1, 3)]

    codes = [
        run("verify", file).exit_code,
        run("verify", file, "--genesis", genesis).exit_code,
        run("verify", file, "--checkpoint", checkpoint).exit_code,
    ]

    assert codes == [8, 8, 8]
    assert "consistent, network unknown" in run("verify", file).output


def test_what_is_wrong_is_shown_in_its_line_and_ends_with_one(home: Path) -> None:
    told = export(home)
    file, words = home / "car.passport", anchor_words(told)
    other = word("other").hex()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.with_name("changed").write_bytes(data)

    wrong = [
        run("verify", file.with_name("changed"), *words),
        run("verify", file, "--genesis", other, *words[2:]),
        run("verify", file, *words[:2], "--checkpoint", f"3:{other}"),
        run("verify", file, *words, "--hash", other),
    ]

    assert [one.exit_code for one in wrong] == [1] * 4
    assert all("✗" in one.output and "do not rely on this file" in one.output for one in wrong)


@pytest.mark.parametrize(
    "words",
    [
        ("--genesis", "00"),
        ("--checkpoint", "7"),
        ("--checkpoint", "x:" + "00" * 32),
        ("--hash", "zz" * 32),
    ],
)
def test_slips_of_the_pen_are_told(home: Path, words: tuple[str, str]) -> None:
    export(home)

    assert run("verify", home / "car.passport", *words).exit_code == 2


def test_what_is_no_passport_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"WASH1:", "WASH1:é".encode(), b"{}", bytes(100)):
        file = tmp_path / "file"
        file.write_bytes(data)

        assert run("verify", file).exit_code == 1


def test_kept_back_contents_do_not_show(home: Path) -> None:
    told = export(home, "--keep-back", 2)

    done = run("verify", home / "car.passport", *anchor_words(told), "--json")

    records = json.loads(done.stdout)["facts"]["records"]
    assert done.exit_code == 0
    assert [one["content"] is None for one in records] == [False, True]


def test_one_record_is_shown_by_a_code_and_checked_from_its_text(home: Path, door: Door) -> None:
    told = export(home, "--record", 2, "--qr", home / "code.svg")
    text = home / "code.txt"
    text.write_text(told["code"] + "\n", encoding="ascii")
    keeper = encode_id("ctr", door.garage.records)

    good = run("verify", text, *anchor_words(told), "--contract", keeper)
    lone = run("verify", text, *anchor_words(told))
    other = run("verify", text, *anchor_words(told), "--contract", encode_id("ctr", word("x")))

    assert "<svg" in (home / "code.svg").read_text("utf-8")
    assert [one.exit_code for one in (good, lone, other)] == [0, 8, 1]


def test_a_record_that_is_too_long_for_a_code_is_named_by_address_and_hash(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.passport.slip.TEXT_LENGTH_MAX", 100)
    words = ("--record", 1, "--qr", home / "code.svg")
    where = ("--data", home / "data", "--rpc", "http://127.0.0.1:1")

    refused = run("export", "car", "--out", home / "x", *words, *where)
    told = export(home, *words, "--url", "https://wash.example/car")

    assert (refused.exit_code, (home / "x").exists()) == (1, False)
    assert told["code"] == f"https://wash.example/car#sha256={told['sha256']}"


def test_a_code_is_drawn_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    draw_code("WASH1:ABC", "-")

    assert "▄" in capsys.readouterr().err


def test_options_that_need_each_other_are_told(home: Path) -> None:
    where = ("--data", home / "data", "--rpc", "http://127.0.0.1:1")

    codes = [
        run("export", "car", *where, "--record", 1).exit_code,
        run("export", "car", *where, "--qr", "-").exit_code,
        run("export", "car", *where, "--qr", "-", "--record", 9).exit_code,
    ]

    assert codes == [2, 2, 3]


def test_a_vehicle_of_another_chain_is_not_asked_for(home: Path, door: Door) -> None:
    path = home / "other.json"
    write_vehicle(path, car(door, chain_id=word("other").hex()))

    done = run("export", path, "--data", home / "data", "--rpc", "http://127.0.0.1:1")

    assert done.exit_code == 2


def test_the_check_speaks_chinese(home: Path) -> None:
    told = export(home)

    done = run("verify", home / "car.passport", *anchor_words(told), "--lang", "zh")

    assert "第 1 条记录完整" in done.output


def test_the_check_needs_no_network(home: Path) -> None:
    told = export(home)
    words = ["passport", "verify", str(home / "car.passport"), *anchor_words(told), "--json"]

    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *words], check=False, capture_output=True, text=True
    )
    online = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, "status", "--rpc", "http://127.0.0.1:1"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "good"), done.stderr
    assert online.returncode != 0
