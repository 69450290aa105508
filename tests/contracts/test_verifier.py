"""The corpus of refusals: one container for every rule of the verifier, and what just passes."""

import ast
import re
from pathlib import Path

import pytest

from chain.errors import BadContractError
from contracts.vm import verifier, verifier_tables
from contracts.vm.container import (
    Container,
    encode_container,
)
from contracts.vm.opcodes import OPCODES, Op
from contracts.vm.program import load_program
from contracts.vm.verifier import verify_bytes, verify_container
from tests.fuzz.build import container
from tests.fuzz.refused import CASES, VIEW, action, nested_calls, nested_loops


@pytest.mark.parametrize("name", CASES)
def test_each_rule_refuses_its_container(name: str) -> None:
    bad, message = CASES[name]

    with pytest.raises(BadContractError, match=message):
        verify_container(bad)


def rule_patterns() -> list[str]:
    """Return the text of every rule in the verifier's sources, as a pattern."""
    patterns: list[str] = []
    for module in (verifier, verifier_tables):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            text = node.args[-1]
            if called not in {"require", "fail"} or isinstance(text, ast.Name):
                continue
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            words = [
                re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".*" for p in parts
            ]
            patterns.append("".join(words))
    return patterns


def test_no_rule_is_without_its_container() -> None:
    seen: list[str] = []
    for bad, _message in CASES.values():
        with pytest.raises(BadContractError) as caught:
            verify_container(bad)
        seen.append(str(caught.value))

    unused = [p for p in rule_patterns() if not any(re.search(p + "$", text) for text in seen)]

    assert len(rule_patterns()) > 50
    assert unused == []


def test_a_container_above_the_greatest_size_is_refused_unread() -> None:
    data = bytes(24_577)

    with pytest.raises(BadContractError, match="container of 24577 bytes, at most 24576"):
        verify_bytes(data)


@pytest.mark.parametrize(
    "good",
    [
        container(),
        nested_calls(8),
        nested_loops(8),
        action(registers="I" * 256),
        action(registers="YY", constants=(bytes(1_024), "ä" * 512)),
        action((Op.POPEN, 1, 0, 0, 0), registers="IA", asset=0),
        action((Op.NEXT, 2, 0, 1, 1), kind=VIEW, registers="IBB", constants=(7,)),
        action((Op.I2B, 1, 0, 0, 16), registers="IY"),
        action((Op.ROLE, 1, 0, 0, 15), registers="AB"),
    ],
    ids=["least", "calls", "loops", "registers", "constants", "payable", "NEXT", "width", "role"],
)
def test_what_just_keeps_the_rules_is_accepted(good: Container) -> None:
    program = load_program(encode_container(good))

    assert program.container == good


def test_the_worst_case_counts_the_block_of_an_overrun_head() -> None:
    overrun = action((Op.LOOP,), (Op.HEAD, 0, 0, 0, 3), (Op.BACK, 0, 0, 0, 1), registers="I")

    worst = [one.worst_case_gas for one in verify_container(overrun)]

    loop, head, back = (OPCODES[op].gas for op in (Op.LOOP, Op.HEAD, Op.BACK))
    assert worst == [
        loop + 4 * (head + back) + head + back
    ]  # four passes, then the trap's own block
