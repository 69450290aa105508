"""`washnode init --genesis`: what members began becomes data folders, or nothing does."""

import json
import os
from pathlib import Path

import pytest

from chain.crypto import hash_bytes
from node.app import build_node
from node.commands.run import find_config, read_genesis, unlock_keys
from node.config_sections import P2pConfig
from node.keys.store import KeyStore
from tests.make import signer
from tests.node.commands.table import (
    NODES,
    SHOPS,
    Table,
    begin,
    edit,
    facts,
    refused,
    run,
    seat,
)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return seat(tmp_path)


def test_the_nodes_of_members_open_the_same_chain(table: Table) -> None:
    chain_id = begin(table)["chain_id"]
    seen = []
    for shop in NODES:
        facts("init", table.data(shop), "--genesis", table.file("final.json"))
        config = find_config(None, table.data(shop), {})
        validator, _, _ = unlock_keys(config, None)
        node = build_node(config, read_genesis(config), validator)
        seen.append((node.ledger.chain_id.hex(), node.ledger.height, validator.public_key))
        node.close()

    keys = [signer(f"{shop}'s node").public_key for shop in NODES]
    assert seen == [(chain_id, 0, key) for key in keys]


def test_a_node_is_told_whom_to_dial(table: Table) -> None:
    begin(table)
    told = {}
    for shop in SHOPS:
        facts("init", table.data(shop), "--genesis", table.file("final.json"))
        told[shop] = json.loads((table.data(shop) / "peers.json").read_bytes())

    peers = {
        shop: {"url": url, "key": signer(f"{shop}'s node").public_key.hex()}
        for shop, url in NODES.items()
    }
    assert told["ann"] == [peers["ben"]]
    assert told["ben"] == [peers["ann"]]
    assert sorted(told["cat"], key=str) == sorted(peers.values(), key=str)


def test_the_settings_put_a_node_in_its_place(table: Table) -> None:
    begin(table)
    found = {}
    for shop in SHOPS:
        facts("init", table.data(shop), "--genesis", table.file("final.json"))
        config = find_config(None, table.data(shop), {})
        found[shop] = (config.keys.validator, config.p2p)

    ann, ben = NODES["ann"], NODES["ben"]
    assert found["ann"] == ("validator", P2pConfig(peers=(ben,), url=ann, listen=True))
    assert found["ben"] == ("validator", P2pConfig(peers=(ann,), url=ben, listen=True, port=9000))
    name, cat = found["cat"]
    assert (name, cat.role, cat.listen, cat.url) == ("shop", "full", False, "")
    assert sorted(cat.peers) == sorted(NODES.values())


def test_a_final_file_that_does_not_hold_makes_no_folder(table: Table, tmp_path: Path) -> None:
    begin(table)
    final, folder = table.file("final.json"), tmp_path / "fresh"
    good = json.loads(final.read_bytes())

    edit(final, signatures=good["signatures"][::-1])
    refused("is bad", "init", folder, "--genesis", final)
    edit(final, signatures=good["signatures"][:2])
    refused("2 signatures of 3 members", "init", folder, "--genesis", final)
    for name in ("genesis.json", "draft.json"):
        refused("kind: Input should be", "init", folder, "--genesis", table.file(name))
    params = {**good["draft"]["params"], "dev": 1}
    edit(final, **{**good, "draft": {**good["draft"], "params": params}})
    refused("params.dev is 1", "init", folder, "--genesis", final)
    assert not folder.exists()


def test_a_folder_of_another_chain_is_left_alone(table: Table, tmp_path: Path) -> None:
    begin(table)
    final, folder = table.file("final.json"), tmp_path / "fresh"
    facts("init", folder, "--genesis", final)
    before = {path: path.read_bytes() for path in folder.iterdir()}

    again = facts("init", folder, "--genesis", final)
    (folder / "genesis.json").write_text("{}", encoding="utf-8")
    refused("genesis.json is there already", "init", folder, "--genesis", final, exit_code=2)
    (folder / "votes.log").touch()
    refused("votes.log is there already", "init", folder, "--genesis", final, exit_code=2)

    assert again["key"] is None
    assert sorted(path.name for path in before) == ["config.toml", "genesis.json", "peers.json"]
    assert (folder / "genesis.json").read_text("utf-8") == "{}"


def test_a_folder_has_one_validators_key(table: Table) -> None:
    begin(table)
    seed = hash_bytes("person", b"ben's node")
    KeyStore(table.data("ann") / "keys").add("second", seed, None)
    words = ("init", table.data("ann"), "--genesis", table.file("final.json"))

    refused("keys of several validators are here: second, validator", *words, exit_code=2)
    refused("brings name and money", *words, "--name", "x", exit_code=2)


@pytest.mark.skipif(os.name != "posix", reason="no modes of files")
def test_a_key_that_can_not_be_read_is_told(table: Table) -> None:
    begin(table)
    (table.data("ann") / "keys" / "validator.json").chmod(0o644)

    done = run("init", table.data("ann"), "--genesis", table.file("final.json"), "-q")

    assert (done.exit_code, "validator.json" in done.stderr) == (0, True), done.output
