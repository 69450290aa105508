"""Passports over JSON-RPC: the client's own, which keeps the secrets, and the node's methods."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import sha256
from chain.ids import encode_id
from chain.transaction import Transfer
from node import catalog
from node.client.errors import InvalidParams, NotFound, Unauthenticated
from node.client.passports import fetch_passport, fetch_slip
from node.client.vehicles import (
    VehicleFile,
    VehicleFileError,
    new_vehicle,
    read_vehicle,
    write_vehicle,
)
from node.passport.build import NoPassportError
from node.passport.form import write_passport
from node.passport.report import Verdict
from node.passport.slip import verify_slip
from node.passport.verify import verify_passport
from tests.make import MONEY, account, word
from tests.node.passport.door import Door
from tests.node.passport.garage import SALT, VIN, Garage, four

GIFT = Transfer(MONEY, account("bob"), 1)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Two records, with a change of secret between them."""
    start, keys = four()
    garage = Garage(tmp_path_factory.mktemp("garage"), start, keys)
    garage.register()
    garage.attach(garage.wash(), 0)
    garage.rotate(1)
    garage.attach(garage.wash(), 0)
    yield Door(garage)
    garage.chain.close()


def vehicle_text(door: Door) -> str:
    return encode_id("veh", door.garage.vehicle)


def test_the_client_makes_the_same_file_and_tells_the_node_no_secret(door: Door) -> None:
    garage = door.garage
    door.asked.clear()

    made = fetch_passport(door.rpc, garage.vehicle, garage.secrets)

    said = json.dumps(door.asked)
    assert write_passport(made) == garage.file(is_named=False)
    assert not any(one.hex() in said for one in garage.secrets)
    assert {method for method, _ in door.asked} == {"chain_getProofs", "chain_getGenesis"}


def test_contents_that_are_kept_back_are_not_asked_for(door: Door) -> None:
    garage = door.garage

    made = fetch_passport(door.rpc, garage.vehicle, garage.secrets, lambda number: number == 2)

    assert write_passport(made) == garage.file(back=(2,), is_named=False)


def test_more_keys_than_one_answer_takes_are_asked_for_in_parts_of_one_block(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    garage = door.garage
    monkeypatch.setattr("node.client.passports.PROVEN_KEYS_MAX", 5)
    moves = iter([True, False, True])

    def ask(method: str, **params: Any) -> Any:
        answer = door.rpc(method, **params)
        if method == "chain_getProofs" and len(params["keys"]) == 5 and next(moves, False):
            assert garage.chain.do("alice", GIFT).ok
        return answer

    made = fetch_passport(ask, garage.vehicle, garage.secrets)

    assert verify_passport(write_passport(made), garage.anchor()).verdict is Verdict.GOOD


def test_a_chain_that_never_rests_has_no_passport(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.client.passports.PROVEN_KEYS_MAX", 1)

    def ask(method: str, **params: Any) -> Any:
        assert door.garage.chain.do("alice", GIFT).ok
        return door.rpc(method, **params)

    with pytest.raises(NoPassportError, match="moves on"):
        fetch_passport(ask, door.garage.vehicle, door.garage.secrets)


def test_wrong_secrets_and_unknown_vehicles_have_no_passport(door: Door) -> None:
    garage = door.garage

    for vehicle, secrets in (
        (word("other"), garage.secrets),
        (garage.vehicle, garage.secrets[:1]),
        (garage.vehicle, [word("wrong"), garage.secrets[1]]),
        (garage.vehicle, [*garage.secrets, word("more")]),
    ):
        with pytest.raises(NoPassportError):
            fetch_passport(door.rpc, vehicle, secrets)


def test_a_slip_is_found_by_its_record(door: Door) -> None:
    garage = door.garage
    keeper = encode_id("ctr", garage.records)
    record = word("visit 1")

    data = fetch_slip(door.rpc, keeper, record.hex())
    container = catalog.program("records").container
    report = verify_slip(data, garage.anchor(), container, garage.records)

    assert report.verdict is Verdict.GOOD
    assert report.facts["record"]["record"] == record.hex()
    with pytest.raises(NoPassportError):
        fetch_slip(door.rpc, keeper, word("nothing").hex())


def test_the_methods_make_and_check_the_same_file(door: Door) -> None:
    garage = door.garage
    anchor = garage.anchor()
    secrets = [one.hex() for one in garage.secrets]

    given = {"vehicle": vehicle_text(door), "secrets": secrets, "keep_back": [1]}
    made = door.rpc("passport_build", **given, vin={"salt": SALT.hex(), "number": VIN})
    data = base64.b64decode(made["file"])
    checkpoint = {"height": made["height"], "validators_hash": made["validators_hash"]}
    whole = {"genesis": made["chain_id"], "checkpoint": checkpoint}
    report = door.rpc("passport_verify", file=made["file"], **whole)
    alone = door.rpc("passport_verify", file=made["file"])
    changed = base64.b64encode(data[:-1] + bytes([data[-1] ^ 1])).decode()
    bad = door.rpc("passport_verify", file=changed, **whole)

    assert data == garage.file(back=(1,))
    assert made["sha256"] == sha256(data).hex()
    assert (report["ok"], report["verdict"]) == (True, "good")
    assert report["facts"] == verify_passport(data, anchor).facts
    assert report["checks"][-1] == {
        "code": "nothing_else",
        "ok": True,
        "text": "nothing in the file is unproven",
        "zh": "文件中没有未经证明的内容",
    }
    assert (alone["ok"], alone["verdict"]) == (False, "consistent, network unknown")
    assert (bad["ok"], bad["verdict"], bad["facts"]) == (False, "bad", {})


def test_the_methods_refuse_what_is_no_vehicle_secret_or_file(door: Door) -> None:
    vehicle, secrets = vehicle_text(door), [one.hex() for one in door.garage.secrets]

    unknown: tuple[dict[str, Any], ...] = (
        {"secrets": secrets[:1]},
        {"secrets": secrets, "vin": {"salt": SALT.hex(), "number": VIN[:-1] + "2"}},
        {"secrets": secrets, "vin": {"salt": SALT.hex(), "number": "none"}},
    )
    for params in unknown:
        with pytest.raises(NotFound):
            door.rpc("passport_build", vehicle=vehicle, **params)
    wrong: tuple[dict[str, Any], ...] = (
        {"vehicle": "veh1", "secrets": secrets},
        {"vehicle": encode_id("acct", bytes(32)), "secrets": secrets},
        {"vehicle": vehicle, "secrets": []},
        {"vehicle": vehicle, "secrets": ["00"]},
    )
    for params in wrong:
        with pytest.raises(InvalidParams):
            door.rpc("passport_build", **params)
    for file in ("*", "AAA", "A" * 200_000):
        with pytest.raises(InvalidParams):
            door.rpc("passport_verify", file=file)
    door.tier = "public"
    with pytest.raises(Unauthenticated):
        door.rpc("passport_build", vehicle=vehicle, secrets=secrets)
    door.tier = "shop"


def test_a_vehicles_file_is_its_owners_only(tmp_path: Path) -> None:
    path, file = tmp_path / "car.json", new_vehicle(word("chain"))
    write_vehicle(path, file)
    more = file.with_new_secret()
    write_vehicle(path, more, replace=True)

    with pytest.raises(FileExistsError):
        write_vehicle(path, file)
    assert read_vehicle(path) == more
    assert more.secrets[:1] == file.secrets
    assert more.commitment() != file.commitment()
    assert file.vin_commitment("WVWZZZ1JZXW000001") != bytes(32)
    path.chmod(0o644)
    with pytest.raises(VehicleFileError, match="chmod 600"):
        read_vehicle(path)


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"secrets": []}, {"secrets": ["xx"]}, {"vehicle": "acct1"}, {"more": 1}],
)
def test_a_file_that_is_no_vehicles_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "car.json"
    file = new_vehicle(word("chain")).model_dump() | change
    path.write_text(json.dumps(file), encoding="utf-8")
    path.chmod(0o600)

    with pytest.raises(VehicleFileError, match="no file of a vehicle"):
        read_vehicle(path)


def test_the_secrets_do_not_show_in_what_a_file_is_called() -> None:
    file = new_vehicle(word("chain"))
    wrong = {**file.model_dump(), "secrets": [*file.secrets, "wrong"]}

    with pytest.raises(ValueError, match="secrets") as caught:
        VehicleFile(**wrong)

    assert file.secrets[0] not in str(caught.value)
