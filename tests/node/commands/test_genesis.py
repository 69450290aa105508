"""`washnode genesis`: three shops, each in a folder of its own, begin one chain together."""

import json
from pathlib import Path

import pytest

from chain.crypto import hash_bytes
from node.ceremony.gathering import chain_words
from node.keys.store import KeyStore
from tests.make import signer
from tests.node.commands.table import (
    SHOPS,
    Table,
    add,
    begin,
    collect,
    draft,
    edit,
    facts,
    finalize,
    genesis,
    refused,
    run,
    seat,
    sign,
)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return seat(tmp_path)


def test_three_shops_begin_one_chain(table: Table) -> None:
    collected = collect(table)
    mine = [table.file(f"{shop}.add.json") for shop in SHOPS]
    verified = [genesis("verify", table.file("genesis.json"), "--mine", one) for one in mine]
    signed = sign(table, *SHOPS)
    final = finalize(table)
    folders = [
        facts("init", table.data(one), "--genesis", table.file("final.json")) for one in SHOPS
    ]

    ids = {one["chain_id"] for one in (collected, *verified, *signed, final, *folders)}
    words = {tuple(one["words"]) for one in (collected, *verified, *signed, final, *folders)}
    assert len(ids) == 1
    assert words == {tuple(chain_words(bytes.fromhex(final["chain_id"])))}
    assert [one["mine_is_unchanged"] for one in verified] == [True] * 3
    assert [one["name"] for one in collected["members"] if "operator" in one["roles"]] == [
        one["name"] for one in collected["members"] if one["validator"]
    ]
    assert collected["quorum"] == {"rule": "byzantine", "needed": 2, "validators": 2}
    assert [(one["is_validator"], one["key"]) for one in folders] == [
        (True, "validator"),
        (True, "validator"),
        (False, "shop"),
    ]
    assert final["next"] == f"washnode init DIR --genesis {table.file('final.json')}"


def test_what_the_draft_says_is_in_the_chain(table: Table) -> None:
    draft(table, "--quorum", "crash", "--param", "block_interval_ms=500", "--force")
    add(table, "ann", "--balance", "CNY=100.00")
    add(table, "ben")

    out = table.file("genesis.json")
    made = genesis("collect", table.file("draft.json"), *table.files("add"), "--out", out)

    assert made["quorum"] == {"rule": "crash", "needed": 2, "validators": 2}
    assert made["params"] == {"block_interval_ms": 500}
    assert [(one["symbol"], one["decimals"], one["policy"]) for one in made["assets"]] == [
        ("CNY", 2, "to_members")
    ]
    assert {one["name"]: one["balances"] for one in made["members"]} == {
        "Ann": {"CNY": 10_000},
        "Ben": {},
    }


def test_people_are_shown_who_takes_part_and_eight_words_last(table: Table) -> None:
    collect(table)

    done = run(
        "genesis", "verify", table.file("genesis.json"), "--mine", table.file("cat.add.json")
    )

    lines = done.stdout.splitlines()
    assert lines[0] == "chain      wash-hz"
    members = [line.split("'")[1] for line in lines if line.startswith("member")]
    assert sorted(members) == ["Ann", "Ben", "Cat"]
    assert len(lines[-1].split()) == 8
    assert "Your entry is in it, unchanged." in done.stderr


def test_members_whom_nobody_can_dial_are_told_so(table: Table) -> None:
    words = ("--name", "wash-hz", "--out", table.file("draft.json"))
    genesis("init", *words)
    for shop in ("ann", "ben"):
        add(table, shop, "--url", "")

    done = run(
        "genesis",
        "collect",
        table.file("draft.json"),
        *table.files("add"),
        "-q",
        "--out",
        table.file("x.json"),
    )

    assert (done.exit_code, "can be dialled" in done.stderr) == (0, True)


def test_nothing_secret_is_in_any_file(table: Table) -> None:
    begin(table)
    seeds = [hash_bytes("person", one.encode()).hex() for one in (*SHOPS, "ann's node")]

    texts = [path.read_text("utf-8") for path in table.folder.glob("*.json")]

    assert len(texts) == 9
    assert [seed for seed in seeds for text in texts if seed in text] == []


def test_a_sealed_key_asks_for_its_passphrase_once(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft(table)
    word = tmp_path / "word.txt"
    word.write_text("correct horse\n", encoding="utf-8")
    facts("key", "new", "dan", "--data", tmp_path / "dan", "--passphrase-file", word)
    words = ("add", table.file("draft.json"), "--key", "dan", "--name", "Dan", "--out")
    more = ("--validator", "dan", "--data", tmp_path / "dan")
    monkeypatch.chdir(tmp_path)

    refused("a passphrase is needed", "genesis", *words, "x.json", *more, exit_code=2)
    made = genesis(*words, "dan.add.json", *more, "--passphrase-file", word)

    assert made["member"].startswith("'Dan' (acct1")
    assert not (tmp_path / "x.json").exists()


# What is refused ----------------------------------------------------------------------------------


def test_no_file_is_written_over_unless_that_is_said(table: Table) -> None:
    begin(table)
    before = {path: path.read_bytes() for path in table.folder.glob("*.json")}
    ann = ("--key", "shop", "--data", table.data("ann"))
    to = table.file
    again: list[tuple[object, ...]] = [
        ("init", "--name", "other", "--out", to("draft.json")),
        ("add", to("draft.json"), "--name", "Ann", *ann, "--out", to("ann.add.json")),
        ("collect", to("draft.json"), *table.files("add"), "--out", to("genesis.json")),
        ("sign", to("genesis.json"), *ann, "--out", to("ann.sig.json")),
        ("finalize", to("genesis.json"), *table.files("sig"), "--out", to("final.json")),
    ]

    for words in again:
        done = run("genesis", *words, "-q")
        assert (done.exit_code, "is there already" in done.stderr) == (2, True), done.output
    assert {path: path.read_bytes() for path in table.folder.glob("*.json")} == before
    for words in again[2:]:
        assert run("genesis", *words, "--force").exit_code == 0
    assert {path: path.read_bytes() for path in table.folder.glob("*.json")} == before


def test_a_draft_that_was_changed_has_no_entries(table: Table) -> None:
    collect(table)
    edit(table.file("draft.json"), name="wash-sh")

    words = ("genesis", "collect", table.file("draft.json"), *table.files("add"))
    refused("is for draft", *words, "--out", table.file("x.json"))
    assert not table.file("x.json").exists()


def test_an_entry_that_was_changed_is_named_with_its_file(table: Table) -> None:
    collect(table)
    edit(table.file("ben.add.json"), url="wss://evil.example/p2p")

    words = ("genesis", "collect", table.file("draft.json"), *table.files("add"))
    refused(f"{table.file('ben.add.json')}: the entry of 'Ben'", *words, "--force")
    edit(table.file("genesis.json"), members=[json.loads(table.file("ben.add.json").read_bytes())])
    refused("the entry of 'Ben'", "genesis", "verify", table.file("genesis.json"))


def test_two_entries_of_one_key_are_one_too_many(table: Table) -> None:
    collect(table)
    again = ("--key", "shop", "--name", "Ann again", "--data", table.data("ann"))
    out = table.file("again.add.json")
    genesis("add", table.file("draft.json"), *again, "--out", out)

    words = ("genesis", "collect", table.file("draft.json"), *table.files("add"))
    refused("have the same key", *words, "--out", table.file("x.json"))


def test_an_own_entry_that_was_replaced_is_noticed(table: Table) -> None:
    collect(table)
    other = ("--key", "shop", "--name", "Cat", "--url", "wss://cat.example/p2p")
    out = table.file("newer.json")
    genesis("add", table.file("draft.json"), *other, "--data", table.data("cat"), "--out", out)

    refused("url differs", "genesis", "verify", table.file("genesis.json"), "--mine", out)


def test_words_of_another_file_are_told(table: Table) -> None:
    words = collect(table)["words"]
    file = table.file("genesis.json")
    wrong = " ".join([*words[:7], "zoo" if words[7] != "zoo" else "abandon"])

    assert genesis("verify", file, "--words", " ".join(words))["words"] == words
    refused("word 8 is", "genesis", "verify", file, "--words", wrong)
    refused("2 words", "genesis", "verify", file, "--words", "zoo zoo")


def test_all_have_to_sign_this_very_file(table: Table) -> None:
    collect(table)
    sign(table, "ann", "ben")
    words = ("genesis", "finalize", table.file("genesis.json"))
    out = ("--out", table.file("final.json"))

    refused("not signed by 'Cat' (acct1", *words, *table.files("sig"), *out)
    sign(table, "cat")
    edit(table.file("cat.sig.json"), chain_id="00" * 32)
    refused("'Cat' (acct1", *words, *table.files("sig"), *out)
    edit(table.file("cat.sig.json"), account=signer("dan").public_key.hex())
    refused("signed and is no member", *words, *table.files("sig"), *out)
    assert not table.file("final.json").exists()


def test_a_stranger_signs_nothing(table: Table, tmp_path: Path) -> None:
    collect(table)
    KeyStore(tmp_path / "dan" / "keys").add("dan", hash_bytes("person", b"dan"), None)
    words = ("genesis", "sign", table.file("genesis.json"), "--key", "dan", "-q")

    refused("is no member of this chain", *words, "--data", tmp_path / "dan")


def test_a_chain_of_members_is_no_development_chain(table: Table) -> None:
    words = ("genesis", "init", "--name", "x", "--out", table.file("x.json"), "--param")

    refused("params.dev is 1", *words, "dev=1")
    refused("params.heartbeat_ms is 0", *words, "heartbeat_ms=0")
    refused("is no parameter", *words, "heartbeat_ms=-1", exit_code=2)
    refused("params.colour", *words, "colour=1")
    assert not table.file("x.json").exists()


def test_slips_are_told_before_anything_is_written(table: Table) -> None:
    draft(table)
    data = ("--data", table.data("ann"))
    start = ("genesis", "init", "--name", "x", "--out", table.file("x.json"), *data, "--issuer")
    entry = ("genesis", "add", table.file("draft.json"), "--key", "shop", "--name", "Ann", *data)

    refused("has no symbol", *start, "shop", exit_code=2)
    refused("is no symbol", *start, "shop/C N Y", exit_code=2)
    refused("nobody", *start, "nobody/CNY", exit_code=4)
    refused("is no asset of the draft", *entry, "--balance", "USD=1", exit_code=2)
    refused("url: ", *entry, "--url", "https://ann.example")
    assert sorted(path.name for path in table.folder.glob("*.json")) == ["draft.json"]


def test_an_account_of_a_rotated_key_begins_no_chain(table: Table) -> None:
    draft(table)
    store = KeyStore(table.data("cat") / "keys")
    store.add("new", hash_bytes("person", b"new"), None, account=signer("cat").public_key)
    words = ("genesis", "add", table.file("draft.json"), "--name", "Cat", "--key", "new")

    refused("was rotated on another chain", *words, "--data", table.data("cat"), exit_code=4)
