"""The instruction table: one row per opcode, from which everything else derives.

An instruction is six bytes `op u8, d u8, a u8, b u8, t u16` (big-endian). `d` is a destination
register, `a` and `b` are operand registers, `t` is an immediate. The verifier, the worst-case gas,
the disassembler and the language reference read their rules from here; the interpreter must
implement each row.

An operand is written as one of
- a register type letter: I int, B bool, Y bytes, A address; T = any one type, the same wherever T
stands
- `key:field`, `key:pot`, `key:timer`: the first of consecutive registers that hold the key of the
thing
  that `t` names; `row`: the first of consecutive registers that hold its record; `args`: likewise
  the fields of an event, the arguments of a function or of a linked function; `result`: what it
  returns
- in `t`: `target`, `loop`, `bound`, `error`, `field`, `pot`, `event`, `function`, `timer`, `link`,
  `asset`, `role`, `context`, `width`, `kind` (a storage type), or a register letter
"""

from dataclasses import dataclass
from enum import IntEnum


class Op(IntEnum):
    """Opcode numbers; a number is never reused."""

    MOV = 0
    SEL = 1
    ADD = 2
    SUB = 3
    MUL = 4
    DIV = 5
    MOD = 6
    MIN = 7
    MAX = 8
    MULDIV = 9
    CHK = 10
    LT = 11
    LE = 12
    EQ = 13
    NE = 14
    NOT = 15
    AND = 16
    OR = 17
    JMP = 18
    BRT = 19
    BRF = 20
    BRLT = 21
    BRLE = 22
    BREQ = 23
    BRNE = 24
    LOOP = 25
    HEAD = 26
    BACK = 27
    CALL = 28
    RET = 29
    REQ = 30
    FAIL = 31
    LEN = 32
    I2B = 33
    B2I = 34
    CAT = 35
    SLICE = 36
    SHA256 = 37
    A2B = 38
    B2A = 39
    CTX = 40
    GET = 41
    GETZ = 42
    HAS = 43
    PUT = 44
    DEL = 45
    NEXT = 46
    POPEN = 47
    PADD = 48
    PPAY = 49
    PMOVE = 50
    PEXT = 51
    PCLOSE = 52
    PBAL = 53
    SCHED = 54
    CANCEL = 55
    EMIT = 56
    LINK = 57
    MINT = 58
    BURN = 59
    BALANCE = 60
    ROLE = 61
    SUPPLY = 62


@dataclass(frozen=True, slots=True)
class Opcode:
    """One row: operands as the module docstring says, gas before size-dependent parts, effects."""

    op: Op
    d: str
    a: str
    b: str
    t: str
    gas: int
    effect: str
    writes: bool = False  # changes state: refused in views
    view_only: bool = False


_R = Opcode
OPCODES: dict[Op, Opcode] = {
    row.op: row
    for row in (
        _R(Op.MOV, "T", "T", "", "", 2, "d = a"),
        _R(Op.SEL, "T", "B", "T", "T", 2, "d = b if a else R[t]"),
        _R(Op.ADD, "I", "I", "I", "", 2, "d = a + b"),
        _R(Op.SUB, "I", "I", "I", "", 2, "d = a - b"),
        _R(Op.MUL, "I", "I", "I", "", 3, "d = a * b"),
        _R(Op.DIV, "I", "I", "I", "", 3, "d = a // b, floor; trap DIV if b is 0"),
        _R(Op.MOD, "I", "I", "I", "", 3, "d = a % b, sign of b; trap DIV if b is 0"),
        _R(Op.MIN, "I", "I", "I", "", 2, "d = the smaller of a and b"),
        _R(Op.MAX, "I", "I", "I", "", 2, "d = the larger of a and b"),
        _R(Op.MULDIV, "I", "I", "I", "I", 4, "d = floor(a * b / R[t]), exact between"),
        _R(Op.CHK, "", "I", "", "kind", 3, "trap RANGE unless a fits the storage type t"),
        _R(Op.LT, "B", "I", "I", "", 2, "d = a < b"),
        _R(Op.LE, "B", "I", "I", "", 2, "d = a <= b"),
        _R(Op.EQ, "B", "T", "T", "", 2, "d = a == b"),
        _R(Op.NE, "B", "T", "T", "", 2, "d = a != b"),
        _R(Op.NOT, "B", "B", "", "", 2, "d = not a"),
        _R(Op.AND, "B", "B", "B", "", 2, "d = a and b (both already known)"),
        _R(Op.OR, "B", "B", "B", "", 2, "d = a or b (both already known)"),
        _R(Op.JMP, "", "", "", "target", 2, "go to t"),
        _R(Op.BRT, "", "B", "", "target", 2, "go to t if a"),
        _R(Op.BRF, "", "B", "", "target", 2, "go to t if not a"),
        _R(Op.BRLT, "", "I", "I", "target", 2, "go to t if a < b"),
        _R(Op.BRLE, "", "I", "I", "target", 2, "go to t if a <= b"),
        _R(Op.BREQ, "", "T", "T", "target", 2, "go to t if a == b"),
        _R(Op.BRNE, "", "T", "T", "target", 2, "go to t if a != b"),
        _R(Op.LOOP, "I", "", "", "", 2, "d = 0, the trip counter of the HEAD that follows"),
        _R(Op.HEAD, "I", "", "", "bound", 2, "trap LOOP if d > t, then d = d + 1"),
        _R(Op.BACK, "", "", "", "loop", 2, "go to the HEAD at t"),
        _R(Op.CALL, "result", "args", "", "function", 8, "d.. = function t (a..)"),
        _R(Op.RET, "", "row", "", "", 4, "return a.. (what the function declares)"),
        _R(Op.REQ, "", "B", "", "error", 2, "trap REQUIRE with error t unless a"),
        _R(Op.FAIL, "", "", "", "error", 2, "trap REQUIRE with error t"),
        _R(Op.LEN, "I", "Y", "", "", 2, "d = length of a"),
        _R(Op.I2B, "Y", "I", "", "width", 4, "d = a as t big-endian bytes; trap RANGE"),
        _R(Op.B2I, "I", "Y", "", "", 4, "d = a as unsigned big-endian, at most 15 bytes; trap LENGTH"),
        _R(Op.CAT, "Y", "Y", "Y", "", 6, "d = a + b; trap LENGTH above 1,024 bytes"),
        _R(Op.SLICE, "Y", "Y", "I", "I", 6, "d = a[b : R[t]]; trap LENGTH outside 0 <= b <= R[t] <= len"),
        _R(Op.SHA256, "Y", "Y", "", "", 14, "d = SHA-256(a)"),
        _R(Op.A2B, "Y", "A", "", "", 2, "d = the 32 bytes of a"),
        _R(Op.B2A, "A", "Y", "", "", 2, "d = a as address; trap LENGTH unless 32 bytes"),
        _R(Op.CTX, "context", "", "", "context", 2, "d = a fact about the call"),
        _R(Op.GET, "row", "key:field", "", "field", 60, "d.. = record at a..; trap MISSING"),
        _R(Op.GETZ, "row", "key:field", "", "field", 60, "d.. = record at a.., or zeros"),
        _R(Op.HAS, "B", "key:field", "", "field", 50, "d = whether a record is at a.."),
        _R(Op.PUT, "row", "key:field", "", "field", 300, "record at a.. = d..; trap RANGE", writes=True),
        _R(Op.DEL, "", "key:field", "", "field", 300, "forget the record at a..", writes=True),
        _R(
            Op.NEXT, "B", "key:field", "width", "field", 200,
            "a.. = next key with the same first b parts (at or after a.. while d is false); d = found",
            view_only=True,
        ),
        _R(
            Op.POPEN, "A", "key:pot", "I", "pot", 800,
            "open pot a.. with all that is paid, until b, fallback owner d; trap POT if it exists",
            writes=True,
        ),
        _R(Op.PADD, "", "key:pot", "", "pot", 300, "put all that is paid into pot a..", writes=True),
        _R(Op.PPAY, "A", "key:pot", "I", "pot", 600, "pay b from pot a.. to d; trap AMOUNT", writes=True),
        _R(Op.PMOVE, "I", "key:pot", "key:pot", "pot", 600, "move d from pot a.. to pot b..", writes=True),
        _R(Op.PEXT, "", "key:pot", "I", "pot", 400, "let pot a.. last until b; trap POT", writes=True),
        _R(Op.PCLOSE, "A", "key:pot", "", "pot", 800, "pay the rest of pot a.. to d, close", writes=True),
        _R(Op.PBAL, "I", "key:pot", "", "pot", 60, "d = balance of pot a.., 0 if there is none"),
        _R(
            Op.SCHED, "", "key:timer", "I", "timer", 450,
            "fire timer t with key a.. at time b; an earlier one of that key is replaced",
            writes=True,
        ),
        _R(Op.CANCEL, "", "key:timer", "", "timer", 350, "forget timer t of key a..", writes=True),
        _R(Op.EMIT, "", "args", "", "event", 80, "emit event t with fields a..", writes=True),
        _R(Op.LINK, "result", "args", "", "link", 60, "d.. = linked function t (a..)"),
        _R(Op.MINT, "", "A", "I", "asset", 450, "issue b of asset t to a; trap ASSET", writes=True),
        _R(Op.BURN, "", "A", "I", "asset", 450, "take b of asset t from a; trap ASSET", writes=True),
        _R(Op.BALANCE, "I", "A", "", "asset", 60, "d = free balance of a in asset t"),
        _R(Op.ROLE, "B", "A", "", "role", 60, "d = whether a holds role t"),
        _R(Op.SUPPLY, "I", "", "", "asset", 60, "d = how much of asset t exists"),
    )
}  # fmt: skip

INSTRUCTION_BYTES = 6


class Context(IntEnum):
    """What CTX can ask; the comment gives the register type."""

    CALLER = 0  # A: who calls this function: an account, or the linking contract
    ORIGIN = 1  # A: the account of the transaction; in a timer, this contract
    SELF = 2  # A: this contract instance
    SIGNER = 3  # Y: the public key that signed, 32 bytes; in a timer, empty
    SPONSOR = 4  # A: the co-signing account, or 32 zero bytes
    NOW = 5  # I: time of the block, ms
    DEADLINE_NOW = 6  # I: the same, but standing still over a halt of the chain and its grace
    HEIGHT = 7  # I: height of the block
    PAID = 8  # I: what came with the call, minor units
    CALL_ID = 9  # Y: 32 bytes, different for every call there will ever be
    DUE = 10  # I: in a timer, when it was due, ms; elsewhere 0
    CHAIN_ID = 11  # Y: 32 bytes


CONTEXT_TYPES = "AAAYAIIIIYIY"  # register type of each Context, by number
