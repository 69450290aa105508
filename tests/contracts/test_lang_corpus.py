"""The corpus: every contract compiles to known bytes, passes the verifier, does its work."""

import json
from pathlib import Path

import pytest

from contracts.lang.compiler import compile_contract
from contracts.lang.disasm import disassemble
from contracts.vm.container import code_id
from contracts.vm.program import Program, load_program
from contracts.vm.traps import Trap, TrapKind
from tests.contracts.lang_host import ALICE, BOB, CONTRACT, SHOP, MemoryHost, call

CORPUS = Path(__file__).parent / "corpus"
SOURCES = sorted(CORPUS.glob("*.wash"))
CODE_IDS = Path(__file__).parent.parent / "vectors" / "contracts" / "code_ids.json"
DAY = 86_400_000


def load_file(name: str) -> Program:
    return load_program(compile_contract((CORPUS / name).read_bytes()).container_bytes)


def test_the_corpus_compiles_to_known_code_ids() -> None:
    known = json.loads(CODE_IDS.read_text())

    made = {
        path.name: code_id(compile_contract(path.read_bytes()).container_bytes).hex()
        for path in SOURCES
    }

    assert made == known


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_listing_names_every_function(path: Path) -> None:
    container = compile_contract(path.read_bytes()).container

    listing = disassemble(container)

    heads = [line.split()[1].rstrip(":") for line in listing.splitlines()[1:] if line[:1].strip()]
    assert heads == [function.name for function in container.functions]


def test_a_deposit_is_opened_and_cancelled_for_a_fee() -> None:
    program, host = load_file("deposit.wash"), MemoryHost(now=DAY, paid=1_000)
    host.links["owner_of"] = [SHOP]

    (deposit,) = call(program, "open", bytes(32), 3 * DAY, 3 * DAY, 2_500, host=host)
    host.enter(now=2 * DAY)
    call(program, "cancel", deposit, host=host)

    assert host.log == [
        ("link", "owner_of", [bytes(32)]),
        ("event", 0, [deposit, SHOP, 1_000]),
        ("paid", SHOP, 250),
        ("paid", ALICE, 750),
        ("event", 1, [deposit, 250, 1]),
    ]
    assert (host.pots, host.timers) == ({}, {})
    assert len(host.state) == 2  # the count and the used place stay


def test_a_deposit_of_somebody_else_is_not_cancelled() -> None:
    program, host = load_file("deposit.wash"), MemoryHost(now=DAY, paid=1_000)
    host.links["owner_of"] = [SHOP]
    (deposit,) = call(program, "open", bytes(32), 3 * DAY, 0, 2_500, host=host)
    host.enter(caller=BOB, now=2 * DAY)

    with pytest.raises(Trap) as raised:
        call(program, "cancel", deposit, host=host)

    errors = program.container.errors
    assert (raised.value.kind, errors[raised.value.error - 1]) == (TrapKind.REQUIRE, "not_yours")


def test_the_no_show_timer_takes_the_fixed_fee() -> None:
    program, host = load_file("deposit.wash"), MemoryHost(now=DAY, paid=1_001)
    host.links["owner_of"] = [SHOP]
    (deposit,) = call(program, "open", bytes(32), 3 * DAY, 0, 0, host=host)
    host.enter(caller=CONTRACT, now=4 * DAY)

    call(program, "on_no_show", deposit, host=host)

    assert host.log[2:4] == [("paid", SHOP, 250), ("paid", ALICE, 751)]


@pytest.mark.parametrize(
    ("points", "price"), [(0, 9_000), (100, 8_820), (700, 8_550), (2_000, 8_100)]
)
def test_a_package_costs_less_with_points(points: int, price: int) -> None:
    program, host = load_file("package.wash"), MemoryHost(paid=price)

    (package,) = call(program, "buy", SHOP, 3, points, host=host)
    for _ in range(3):
        call(program, "use", package, host=host)

    paid = [entry[2] for entry in host.log if entry[0] == "paid"]
    assert (len(paid), sum(paid)) == (3, price)
    assert (host.state, host.pots, host.timers) == ({}, {}, {})


def test_points_are_granted_summed_and_revoked() -> None:
    program, host = load_file("points.wash"), MemoryHost()
    host.roles[ALICE, 1] = True
    for day, amount in ((3, 10), (13, 100), (20, 7)):
        call(program, "grant", BOB, day, amount, b"note", host=host)
    call(program, "grant", SHOP, 3, 1_000, b"", host=host)

    before = call(program, "sum_of", BOB, host=host), call(program, "first_day", BOB, host=host)
    call(program, "revoke", BOB, 3, host=host)
    after = call(program, "sum_of", BOB, host=host), call(program, "first_day", BOB, host=host)

    assert (before, after) == (([17], [3]), ([7], [13]))
    assert host.log[-1] == ("burn", BOB, 10)


@pytest.mark.parametrize(
    ("number", "root"), [(0, 0), (1, 1), (15, 3), (16, 4), (10**12 + 1, 10**6)]
)
def test_a_while_loop_finds_the_integer_root(number: int, root: int) -> None:
    program = load_file("points.wash")

    returned = call(program, "root", number)

    assert returned == [root]


def test_an_index_outside_a_constant_tuple_fails_by_name() -> None:
    program = load_file("points.wash")

    inside = call(program, "weigh", 4, True)
    with pytest.raises(Trap) as raised:
        call(program, "weigh", 5, False)

    assert inside == [8 + 28]
    assert program.container.errors[raised.value.error - 1] == "index"


def test_the_source_map_names_the_line_of_a_requirement() -> None:
    source = (CORPUS / "deposit.wash").read_bytes()
    compiled = compile_contract(source)
    program, host = load_program(compiled.container_bytes), MemoryHost(now=DAY)

    with pytest.raises(Trap) as raised:
        call(program, "open", bytes(32), 3 * DAY, 0, 2_500, host=host)

    assert raised.value.place is not None
    line = source.decode().splitlines()[compiled.line_of(*raised.value.place) - 1]
    assert line.strip() == 'require(paid() > 0, "nothing_paid")'
