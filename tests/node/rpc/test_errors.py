"""One code for each condition, and one form for every refusal."""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import chain
import consensus
import contracts
import node
from chain.errors import (
    GenesisError,
    InsufficientFundsError,
    NonceStaleError,
    WashError,
    WrongChainError,
)
from contracts.vm.traps import TrapKind
from node.live.pool import PoolFullError
from node.rpc.error_texts import CATALOGUE, TRAP_TEXTS
from node.rpc.errors import (
    ContractRefusedError,
    InvalidParamsError,
    MethodNotFoundError,
    NotFoundError,
    error_json,
    error_text,
    outcome_error,
)
from node.rpc.reasons import reasons

COMPILED = Path(__file__).parents[3] / "contracts" / "standard" / "compiled"
HAN = range(0x4E00, 0xA000)


def subclasses(kind: type[WashError]) -> Iterator[type[WashError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def test_every_error_has_an_entry_in_the_catalogue() -> None:
    for package in (chain, contracts, consensus, node):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    kinds = {kind for kind in subclasses(WashError) if not kind.__module__.startswith("tests")}

    strangers = [kind for kind in kinds if kind.code not in CATALOGUE]

    assert strangers == []
    assert PoolFullError in kinds


def test_names_are_unique_and_texts_are_there_in_both_languages() -> None:
    names = [text.name for text in CATALOGUE.values()]
    faults = [
        code
        for code, text in CATALOGUE.items()
        if not text.en.isascii() or not any(ord(letter) in HAN for letter in text.zh)
    ]

    assert len(set(names)) == len(names)
    assert faults == []


def test_every_refusal_of_the_standard_contracts_has_its_texts() -> None:
    named = {
        name
        for file in COMPILED.glob("*.abi.json")
        for name in json.loads(file.read_text("utf-8"))["errors"].values()
    }

    assert named - set(reasons()) == set()
    assert {reason.code for reason in reasons().values()} <= set(CATALOGUE)


FACTS: list[tuple[WashError, int, str, dict[str, object]]] = [
    (
        WrongChainError(expected=b"\x01", found=b"\x02"),
        1003,
        "signed for chain 02, this is 01",
        {
            "expected": "01",
            "found": "02",
            "name": "WRONG_CHAIN",
            "zh": "交易是为另一条链签名的",
            "retry": "never",
        },
    ),
    (
        NonceStaleError(lowest=5, found=4),
        1005,
        "nonce 4 is below the window, which begins at 5",
        {"lowest": 5, "found": 4, "name": "NONCE_STALE", "zh": "序号过旧", "retry": "rebuild"},
    ),
    (
        NotFoundError("transaction 00", (3, 9)),
        6001,
        "transaction 00 was not found in blocks 3 to 9",
        {
            "what": "transaction 00",
            "searched": [3, 9],
            "name": "NOT_FOUND",
            "zh": "未找到",
            "retry": "never",
        },
    ),
    (
        InvalidParamsError("account", "is missing"),
        -32602,
        "account: is missing",
        {"field": "account", "name": "INVALID_PARAMS", "zh": "参数有误", "retry": "never"},
    ),
    (
        GenesisError(),
        1014,
        "the genesis file describes no chain",
        {"name": "BAD_GENESIS", "zh": "创世文件无效", "retry": "never"},
    ),
]


@pytest.mark.parametrize(("error", "code", "message", "data"), FACTS)
def test_an_error_is_told_with_its_facts(
    error: WashError, code: int, message: str, data: dict[str, object]
) -> None:
    told = error_json(error)

    assert told == {"code": code, "message": message, "data": data}


def test_a_refusal_has_one_code_wherever_it_is_met() -> None:
    raised = error_json(InsufficientFundsError(have=1, need=2))
    in_receipt = outcome_error(0, InsufficientFundsError.code, None)

    assert (raised["code"], raised["data"]["name"]) == (in_receipt["code"], in_receipt["name"])
    assert raised["data"]["retry"] == in_receipt["retry"]


def test_well_known_names_of_contracts_have_shared_codes() -> None:
    names = ["slot_taken", "wrong_state", "price_changed", "too_late", "not_shop", "bad_fee"]

    codes = [outcome_error(TrapKind.REQUIRE, 1, name)["code"] for name in names]

    assert codes == [3001, 3004, 3007, 3005, 3602, 3000]


def test_any_other_name_is_the_reason_of_a_plain_refusal() -> None:
    assert outcome_error(TrapKind.REQUIRE, 2, "no_soap") == {
        "code": 3000,
        "name": "CONTRACT_REFUSED",
        "message": "the contract refused: no_soap",
        "zh": "合约拒绝 (no_soap)",
        "retry": "rebuild",
        "reason": "no_soap",
    }
    assert outcome_error(TrapKind.REQUIRE, 2, None)["reason"] == "error_2"


def test_traps_are_named_after_what_happened() -> None:
    told = {kind.name: outcome_error(kind, 0, None) for kind in TrapKind if kind > 1}

    assert {name for name, outcome in told.items() if outcome["code"] == 5002} == set(TRAP_TEXTS)
    assert told["OVERFLOW"]["name"] == "VM_OVERFLOW"
    assert (told["GAS"]["code"], told["INTERNAL"]["code"]) == (5001, 5099)
    assert outcome_error(200, 0, None)["code"] == 5099


def test_a_contract_refusal_outside_a_block_is_told_like_one_inside() -> None:
    outcome = outcome_error(TrapKind.REQUIRE, 24, "slot_taken")

    told = error_json(ContractRefusedError(outcome))

    assert told == {
        "code": 3001,
        "message": "this time is taken; choose another",
        "data": {
            "name": "SLOT_TAKEN",
            "zh": "该时段已被预约，请另选时间",  # noqa: RUF001 - Chinese has its own comma
            "retry": "rebuild",
            "reason": "slot_taken",
        },
    }


def test_an_unknown_code_is_a_plain_refusal() -> None:
    assert error_text(99_999) == CATALOGUE[1000]


@pytest.mark.parametrize("name", ["a" * 65, "a" * 5_000_000])
def test_a_long_name_is_not_repeated_in_full(name: str) -> None:
    assert len(str(MethodNotFoundError(name))) < 150
