"""docs/contracts.md: its table is current and its contracts compile and work."""

import re
from pathlib import Path

from contracts.lang.builtin_names import BUILTIN_NAMES
from contracts.lang.compiler import compile_contract
from contracts.lang.reference import opcode_table, replace_table
from contracts.vm.program import load_program
from tests.contracts.lang_host import ALICE, SHOP, MemoryHost, call

PAGE = Path(__file__).parent.parent.parent / "docs" / "contracts.md"
DAY = 86_400_000


def contracts_on_the_page() -> list[str]:
    blocks: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [block for block in blocks if block.startswith("from wash import *")]


def test_the_instruction_table_is_current() -> None:
    text = PAGE.read_text()

    assert opcode_table() in text
    assert replace_table(text) == text


def test_every_contract_of_the_page_compiles_and_verifies() -> None:
    names = [
        load_program(compile_contract(source).container_bytes).container.name
        for source in contracts_on_the_page()
    ]

    assert names == ["Deposits", "Deposits", "RainGuarantee"]


def test_the_steps_of_the_tutorial_are_parts_of_the_whole() -> None:
    steps: list[str] = re.findall(r"```python\n(    .*?)```", PAGE.read_text(), re.DOTALL)
    whole = contracts_on_the_page()[1]

    pieces = [piece.strip() for step in steps for piece in step.split("\n\n")]
    assert (len(steps), [piece for piece in pieces if piece not in whole]) == (3, [])


def test_the_tutorial_contract_splits_a_late_cancellation() -> None:
    program = load_program(compile_contract(contracts_on_the_page()[1]).container_bytes)
    host = MemoryHost(now=DAY, paid=1_000)

    (deposit,) = call(program, "open", SHOP, 3 * DAY, host=host)
    host.enter(now=2 * DAY + 1)
    call(program, "cancel", deposit, host=host)

    assert host.log[1:3] == [("paid", SHOP, 250), ("paid", ALICE, 750)]
    assert (host.state, host.pots, host.timers) == ({}, {}, {})


def test_every_name_of_the_language_stands_on_the_page() -> None:
    words = re.findall(r"[A-Za-z_0-9]+", PAGE.read_text())

    assert sorted(BUILTIN_NAMES - set(words)) == []
