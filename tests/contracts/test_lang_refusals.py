"""What the compiler refuses, and what it says then."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.lang.compiler import compile_contract
from contracts.lang.errors import ContractSyntaxError
from tests.contracts.lang_host import call_view

ROOT = Path(__file__).parent.parent.parent
HEAD = """from wash import *
ONE = 1
class State(Enum):
    OPEN = 1
class Pair(Record):
    left: uint
    right: uint
class Shops(Link):
    @action(gas=10)
    def note(self, shop: Hash): ...
class C(Contract):
    money: Asset
    shops: Shops
    count: uint
    pairs: Map[uint, Pair]
    cells: Map[tuple[uint, u8], u16]
    pots: Pots[uint, money]
    Done = Event(id=uint)
    @timer
    def on_end(self, id: uint):
        pass
    def _put(self):
        self.count = 1
    def _pair(self, p: Pair) -> Pair:
        return p
"""
FIRST_LINE = HEAD.count("\n") + 3

BODIES = [
    ("x = 1 / 2", "Div is not part of the contract language: there are no fractions"),
    ("x = 1.5", "1.5 is not an integer"),
    ("x = 2 ** 3", "Pow is not part"),
    ("x = [1]", "List is not part"),
    ("x = 1 < 2 < 3", "comparisons do not chain"),
    ("assert True", 'use require(condition, "error_name")'),
    ("x = f'{1}'", "JoinedStr is not part"),
    ("x = y", "y is not known; state is written self.y"),
    ("if self.count > 1:\n    x = 1\nx += 1", "x may have no value here"),
    ("x = 1\nx = True", "x = True"),
    ("x = caller() == b'a'", "address and bytes do not compare"),
    ("x = self.pairs[1] == self.pairs[2]", "records are compared field by field"),
    ("x = self.pairs[1].middle", "Pair has no field middle; it has left, right"),
    ("x = Pair(middle=1)", "Pair has no such field left: middle"),
    ("x = Pair(1, 2)", "name the fields: Pair(left=...)"),
    ("self.pairs[1].left = 2", "load the record into a local"),
    ("x = self.pairs", "self.pairs has a key or methods"),
    ("x = self.nothing", "self.nothing is not declared"),
    ("self.cells[1] = 2", "1 values, 2 are declared"),
    ("ONE = 2", "ONE already has a meaning"),
    ("return 1", "this function returns nothing"),
    ("while True:\n    pass", "the first line of a while is bounded(n)"),
    ("while True:\n    bounded(5000)", "a loop's bound is a constant of 1..4096"),
    ("for i in range(self.count):\n    pass", "range takes constants"),
    ("for i in range(3):\n    i = 2", "i already has a meaning"),
    ("for i in range(300):\n    i = 2", "i belongs to its loop"),
    ("for i in self.cells.keys(limit=3):\n    pass", "only views walk over keys"),
    ("break", "there is no loop around this"),
    ('fail("x")\ny = 1', "this line is never reached"),
    ("require(False, 'no')", "this requirement never holds"),
    ("require(True, 'not a name')", "an error is a short name in quotes"),
    ("emit(self.Done)", "missing: id"),
    ("self.pots.open(1, until=2, fallback=caller())", "only an @action(payable=money)"),
    ("self.pots.drain(1)", "pots have open, add, pay"),
    ("schedule(self._put, at=1, key=1)", "name a @timer function"),
    ("cancel_all(key=caller())", "no timer of the contract has a key like this"),
    ("self.on_end(1)", "on_end is called from outside"),
    ("x = self._put()", "this call has no result"),
    ("x = paid(1)", "1 arguments; they are"),
    ("x = frobnicate(1)", "frobnicate is not a function of the language"),
    ("x = has_role(caller(), 9)", "the role is one of MEMBER"),
    ("x = to_bytes(1, 17)", "the width is a constant of 1..16"),
    ("x = 1 // 0", "division by zero"),
    ("x = (1, 2)[2]", "index 2 of 2 values"),
    ("x = 18_446_744_073_709_551_616", "this constant does not fit in 64 bits"),
    ("x = require(True, 'a')", "stands on a line of its own"),
    ("1 + 1", "this line does nothing"),
    ("x, y = 1, 2", "assign to a local, a field of one"),
    ("x: u8 = True", "expected int, found bool"),
    ("now = 1\nx = now()", "now is a variable here"),
]


@pytest.mark.parametrize(("body", "message"), BODIES, ids=[body for body, _ in BODIES])
def test_a_body_is_refused_with_a_hint(body: str, message: str) -> None:
    if message == body.rsplit("\n", maxsplit=1)[-1]:
        message = "expected int, found bool"  # the second assignment of another type
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    source = f"{HEAD}    @action\n    def f(self):\n{lines}"

    with pytest.raises(ContractSyntaxError) as raised:
        compile_contract(source, filename="shop.wash")

    assert message in raised.value.message
    assert FIRST_LINE <= raised.value.line < FIRST_LINE + len(lines.split("\n"))
    assert str(raised.value).startswith(f"shop.wash:{raised.value.line}:")


MODULES = [
    ("x = 1", "the first line is `from wash import *`"),
    ("from os import *", "the first line is `from wash import *`"),
    ("from wash import *\nimport os", "Import is not part"),
    ("from wash import *", "0 contract classes"),
    ("from wash import *\nnaïve = 1", "names are ASCII"),
    ("from wash import *\nX = '\\N{DASH}'", "named characters are refused"),
    ("from wash import *\nX = '\\q'", "invalid escape sequence"),
    ("from wash import *\nX = " + "(" * 40, "brackets nest deeper than 32"),
    ("from wash import *\nX = " + "-" * 200 + "1", "nested deeper than 64"),
    (HEAD + "    def _a(self):\n        self._a()", "_a calls itself"),
    (
        HEAD + "    def _a(self):\n        self._b()\n    def _b(self):\n        self._a()",
        "calls itself",
    ),
    (HEAD + "    @view\n    def v(self):\n        self._put()", "a view changes nothing"),
    (HEAD + "    @view\n    def v(self):\n        self.shops.note(b'')", "a view changes nothing"),
    (
        HEAD + "    @view\n    def v(self) -> uint:\n        pass",
        "can end without returning a value",
    ),
    (
        HEAD + "    @timer\n    def t(self, a: Text[3]):\n        pass",
        "a timer's parameters are its key",
    ),
    (HEAD + "    @init\n    def t(self) -> uint:\n        return 1", "return nothing"),
    (HEAD + "    def f(self):\n        pass", "write one of @init @action"),
    (HEAD + "    @view\n    def f(self, a):\n        pass", "a needs a type"),
    (HEAD + "    @view\n    def f(self, a: int):\n        pass", "int has no width"),
    (HEAD + "    @view\n    def f(self, *a):\n        pass", "no stars"),
    (HEAD + "    count: uint", "count is already declared on line 14"),
    (HEAD + "    names: Map[Text[3], uint]", "a key has 1 to 3 parts of fixed width"),
    (HEAD + "    more: Pots[uint, gold]", "write Pots[key, asset]"),
    (HEAD + "    errors = Errors()", 'write errors = Errors("not_owner", "too_late")'),
    (HEAD + "    errors = Errors('a', 'a')", "short names in quotes, each once"),
    (HEAD + "    errors = Errors('a')\n    more = Errors('b')", "one list of errors"),
]


@pytest.mark.parametrize(("source", "message"), MODULES, ids=range(len(MODULES)))
def test_a_module_is_refused_with_a_hint(source: str, message: str) -> None:
    with pytest.raises(ContractSyntaxError) as raised:
        compile_contract(source)

    assert message in raised.value.message


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_source_makes_the_compiler_fall_over(source: bytes) -> None:
    with pytest.raises(ContractSyntaxError):
        compile_contract(b"from wash import *\n" + source)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_contract_is_compiled_or_refused(data: st.DataObject) -> None:
    source = bytearray((ROOT / "tests/contracts/corpus/points.wash").read_bytes())
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, min(len(source), start + 12)))
    source[start:end] = data.draw(
        st.sampled_from([b"", b"self", b"(", b" 1", b"or", b"x.y", b"[0]"])
    )

    try:
        compile_contract(bytes(source))
    except ContractSyntaxError as error:
        refused = error.line >= 1
    else:
        refused = True

    assert refused


@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_the_bytes_do_not_depend_on_the_hash_seed(seed: str) -> None:
    path = ROOT / "tests/contracts/corpus/deposit.wash"
    script = (
        "import sys; from contracts.lang.compiler import compile_contract; "
        "sys.stdout.write(compile_contract(open(sys.argv[1], 'rb').read()).container_bytes.hex())"
    )

    made = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        check=True, capture_output=True, text=True, cwd=ROOT, env={"PYTHONHASHSEED": seed},
    ).stdout  # fmt: skip

    assert bytes.fromhex(made) == compile_contract(path.read_bytes()).container_bytes


def test_listed_errors_have_the_first_numbers_wherever_they_are_used() -> None:
    listed = '    errors = Errors("late", "gone")\n'
    body = '        require(now() > 5, "early")\n        fail("late")\n'

    container = compile_contract(HEAD + listed + "    @action\n    def f(self):\n" + body).container

    assert container.errors == ("late", "gone", "early")


def test_facts_of_the_call_are_asked_for_once() -> None:
    source = (
        HEAD + "    @action\n    def f(self):\n" + 8 * '        require(now() > due(), "late")\n'
    )

    container = compile_contract(source).container

    code = container.functions[-1].code
    assert sum(code[i] == 40 for i in range(0, len(code), 6)) == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return days(2) - hours(1)", 169_200_000),
        ("return (5, 7)[1] + len((1, 2, 3))", 10),
        ("x = -7\nreturn x // 2 * 10 + x % 3", -38),
        ("return from_bytes(concat(b'\\x01', to_bytes(2, 2)))", 0x010002),
        ("return len(slice(sha256('abc'), 4, 9))", 5),
        ("a = 1 if now() == 1_000 and height() == 7 else 2\nreturn a", 1),
        ("t = 0\nfor i in range(5, 100):\n    t += i\nreturn t", sum(range(5, 100))),
        (
            "t = 0\nfor i in range(4):\n    if i == 2:\n        continue\n    t += i\nreturn t",
            4,
        ),
        ("return max(1, 9, 4) * 10 + min(3, 2)", 92),
        ("if caller() == origin() and this() != zero_address():\n    return 4\nreturn 5", 4),
    ],
)
def test_an_expression_has_its_value(body: str, expected: int) -> None:
    assert call_view(body) == expected
