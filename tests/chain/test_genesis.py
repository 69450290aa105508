"""The genesis file: what it describes, and what is refused with the place named."""

import json
from pathlib import Path
from typing import Any

import pytest

from chain.codec import Value, encode_value
from chain.errors import GenesisError, MalformedBytesError
from chain.genesis import Beginning, genesis_state, parse_genesis, read_beginning
from chain.ledger import balance_key, get_balance, get_supply, read_asset
from chain.params import read_params
from chain.roles import Role, has_role, read_operators
from chain.tree import prove_key, verify_proof
from chain.validators import QuorumRule, read_validators
from node.storage.genesis_block import genesis_block
from tests.make import MONEY, RICH, TestChain, account, genesis

FILE: dict[str, Any] = json.loads(genesis().model_dump_json())


def parse(**changes: Any) -> Any:
    return parse_genesis(json.dumps({**FILE, **changes}).encode())


def test_the_state_is_what_the_file_says() -> None:
    state = genesis_state(parse(params={"sponsor_daily_max": 9}))

    assert get_supply(state, MONEY) == 4 * RICH
    assert [get_balance(state, account(name), MONEY) for name in ("alice", "nobody")] == [RICH, 0]
    assert (read_asset(state, MONEY).symbol, read_params(state).sponsor_daily_max) == ("CNY", 9)
    assert has_role(state, account("olga"), Role.OPERATOR)
    assert read_operators(state) == [account("olga")]


def test_files_that_say_the_same_make_the_same_chain() -> None:
    turned = {key: FILE[key] for key in reversed(FILE)}
    turned["accounts"] = list(reversed(turned["accounts"]))

    same = parse_genesis(json.dumps(turned, indent=3).encode())

    assert genesis_block(same).block_id == genesis_block(parse()).block_id
    assert same.chain_id() == parse().chain_id() != parse(name="other").chain_id()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"extra": 1}, "extra"),
        ({"name": ""}, "name"),
        ({"time_ms": "1"}, "time_ms"),
        ({"validators": []}, "validators"),
        ({"validators": FILE["validators"] * 2}, "twice"),
        ({"accounts": FILE["accounts"] + FILE["accounts"][:1]}, "twice"),
        ({"assets": FILE["assets"] * 2}, "twice"),
        ({"assets": []}, "no asset here"),
        ({"params": {"block_gas": 1}}, "block_gas"),
        ({"params": {"block_gas_max": 0}}, "params"),
        ({"params": {"timer_gas_share_bp": 10_001}}, "params"),
        ({"params": {"dev": 2}}, "params"),
        ({"quorum": "most"}, "quorum"),
        ({"clock": "mine"}, "clock"),
        ({"clock": "driven", "params": {}}, "heartbeat_ms 600000"),
        ({"clock": "driven", "params": {"heartbeat_ms": 0, "dev": 1}}, "dev 1"),
        (
            {"accounts": [{**one, "balances": {"CNY": 2**53 - 1}} for one in FILE["accounts"]]},
            "more than",
        ),
    ],
)
def test_a_file_that_describes_no_chain_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GenesisError, match=words):
        parse(**changes)


def test_the_quorum_is_against_traitors_unless_the_file_says_against_crashes() -> None:
    plain, crash = parse(), parse(quorum="crash")

    rules = [one.validator_set().rule for one in (plain, parse(quorum="byzantine"), crash)]

    assert rules == [QuorumRule.BYZANTINE, QuorumRule.BYZANTINE, QuorumRule.CRASH]
    assert plain.chain_id() != crash.chain_id()
    assert read_validators(genesis_state(crash)) == crash.validator_set()


def test_only_a_driven_clock_counts_for_the_chain_id_and_is_written() -> None:
    wall, none = parse(clock="wall"), parse()
    driven = parse(clock="driven", params={"heartbeat_ms": 0})
    plain = parse(params={"heartbeat_ms": 0})

    assert wall.chain_id() == none.chain_id()
    assert wall.model_dump_json() == none.model_dump_json()
    assert "clock" not in json.loads(none.model_dump_json())
    assert driven.chain_id() != plain.chain_id()
    assert parse_genesis(driven.model_dump_json().encode()) == driven
    assert [one.is_driven for one in (wall, none, plain, driven)] == [False, False, False, True]


def test_a_light_client_reads_the_beginning_from_the_canonical_bytes() -> None:
    for one in (parse(), parse(quorum="crash"), parse(clock="driven", params={"heartbeat_ms": 0})):
        found = read_beginning(one.canonical_bytes())

        assert found == Beginning(one.chain_id(), one.validator_set(), one.time_ms)


def test_bytes_of_no_beginning_are_refused() -> None:
    said: list[Value] = [1, "test", 5, [bytes(32)], "byzantine", b"", [], []]
    wrong: tuple[list[Value], ...] = (
        [2, *said[1:]],
        said[:4],
        [*said[:2], -1, *said[3:]],
        [*said[:2], True, *said[3:]],
        [*said[:3], [], *said[4:]],
        [*said[:3], [bytes(31)], *said[4:]],
        [*said[:3], [bytes(32)] * 129, *said[4:]],
        [*said[:4], "unanimous", *said[5:]],
    )

    assert read_beginning(encode_value(said)).time_ms == 5
    for one in wrong:
        with pytest.raises(MalformedBytesError):
            read_beginning(encode_value(one))
    with pytest.raises(MalformedBytesError):
        read_beginning(b"")


def test_bytes_that_are_no_json_are_refused() -> None:
    with pytest.raises(GenesisError):
        parse_genesis(b"{")


def test_the_first_header_proves_a_balance(tmp_path: Path) -> None:
    chain = TestChain(tmp_path)
    key, value = balance_key(account("alice"), MONEY), RICH.to_bytes(8, "big")

    proof = prove_key(chain.ledger.store, key)
    root = chain.head.state_root
    chain.close()

    answers = [verify_proof(root, key, one, proof) for one in (value, bytes(8), None)]
    assert answers == [True, False, False]
