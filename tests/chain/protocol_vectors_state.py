"""Golden bytes of docs/protocol.md, part two: state, tree, nonces, timers, genesis, contracts."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from chain import (
    accounts,
    changes,
    features,
    governance,
    ledger,
    pots,
    readiness,
    roles,
    rules,
    timers,
)
from chain import transaction as tx
from chain.block import block_id
from chain.codec import encode, encode_value, to_json
from chain.errors import InvalidTransactionError
from chain.genesis import genesis_asset_id, nothing, parse_genesis
from chain.nonces import take_nonce
from chain.params import ChainParams, write_params
from chain.state import VALIDATORS_KEY, Space, State
from chain.tree import prove_key, update_tree
from chain.validators import ValidatorSet
from contracts.instances import Instance
from contracts.vm import container as box
from contracts.vm.container import Kind, Scalar
from contracts.vm.opcodes import Op
from contracts.vm.program import load_program
from contracts.vm.values import KeyForm, RowForm
from node.storage.genesis_block import genesis_block
from tests.chain.protocol_vectors import (
    ALICE,
    ASSET,
    BLOCK,
    BOB,
    CHAIN,
    CONTRACT,
    ENTRY,
    GUARD,
    NOON,
    SAFE,
    SHOP,
    body_of,
)

A, B, S, G = (one.public_key for one in (ALICE, BOB, SHOP, GUARD))
PARAMS = ChainParams()
Prepare = Callable[[State], Any]


def fresh() -> State:
    """Return an empty state."""
    return State(nothing())


def pairs(state: State) -> list[list[str | None]]:
    """Return a state's keys and values as hex, sorted."""
    changes = state.changes()
    return [[key.hex(), None if v is None else v.hex()] for key, v in sorted(changes.items())]


def after(*steps: Prepare) -> list[list[str | None]]:
    """Return what a fresh state holds after some steps."""
    state = fresh()
    for step in steps:
        step(state)
    return pairs(state)


def make_member(state: State) -> None:
    """Let the shop send and sponsor."""
    roles.set_role(state, S, roles.Role.MEMBER, held=True)


def use_quota(state: State) -> None:
    """Let Alice send what the shop co-signs."""
    action = tx.Call(CONTRACT, "confirm", (BLOCK,), 0)
    data = tx.sign_transaction(body_of(action, nonce=0, sponsor=S), ALICE, SHOP)
    rules.admit_transaction(state, tx.read_transaction(data), PARAMS, NOON)


def open_pot(state: State) -> None:
    """Open a pot of 6,800 for Alice, until the day after noon."""
    pot = pots.Pot(6_800, NOON + 86_400_000, NOON + 172_800_000, 0, A, ASSET)
    pots.open_pot(state, pots.pot_key(CONTRACT, b"\0" + BLOCK), pot)


def state_cases() -> list[tuple[str, tuple[Prepare, ...]]]:
    """Return what each case shows and how it comes about."""
    two_thirds = (roles.Role.OPERATOR, (A, B, G))
    issue = tx.IssueAsset("CNY", 2, 1, S, (CONTRACT, ASSET))
    own = tx.asset_id(A, "CNY")
    guardians = tx.SetGuardians((G, S), 2)
    clock = (NOON, PARAMS)
    spend: Prepare = lambda s: accounts.spend_limit(s, A, ENTRY, NOON, (ASSET, 500))  # noqa: E731

    def operators(state: State) -> None:
        for account in two_thirds[1]:
            roles.set_role(state, account, two_thirds[0], held=True)

    return [
        ("an account with a second, limited key", (lambda s: accounts.add_key(s, A, ENTRY),)),
        ("guardians", (lambda s: accounts.set_guardians(s, A, guardians),)),
        (
            "a recovery that both guardians approved",
            (
                lambda s: accounts.set_guardians(s, A, guardians),
                lambda s: accounts.approve_recovery(s, G, A, B, clock),
                lambda s: accounts.approve_recovery(s, S, A, B, clock),
            ),
        ),
        ("what a limited key has spent", (spend,)),
        ("nonces 0 and 5 of a key", (
            lambda s: take_nonce(s, A, A, 0), lambda s: take_nonce(s, A, A, 5))),
        ("an asset, some of it minted", (
            lambda s: ledger.issue_asset(s, A, issue),
            lambda s: ledger.mint(s, S, own, B, 6_800))),
        ("a member, then three operators", (make_member, operators)),
        ("one transaction on a sponsor's quota", (make_member, use_quota)),
        ("an open pot", (open_pot,)),
        ("an open pot whose owner called once without a sponsor", (
            open_pot, lambda s: pots.use_allowance(s, A, CONTRACT, NOON, (5, 50)))),
        *later_cases(operators),
    ]  # fmt: skip


def later_cases(operators: Prepare) -> list[tuple[str, tuple[Prepare, ...]]]:
    """Return the cases of what falls due, what operators decide, and what there is one of."""
    change = changes.GrantRole(B, roles.Role.ADMITTER)
    start = genesis_block(parse_genesis(genesis_text().encode())).block.header
    occasion = governance.Occasion(CHAIN, 12, NOON)
    place = timers.timer_key(CONTRACT, b"\x05" + BLOCK)
    return [
        ("a timer due at noon", (lambda s: timers.schedule(s, place, NOON),)),
        ("a retry and three timers of a contract that nobody installed", (
            lambda s: timers.set_retry(s, CONTRACT, NOON),
            lambda s: timers.count_pending(s, CONTRACT, 3))),
        ("a dead letter", (lambda s: s.put(
            bytes([Space.DEAD_LETTER]) + place[1:], encode_value([NOON, 12, 1, 4])),)),
        ("a proposal with one vote of three", (
            operators,
            lambda s: governance.propose(s, A, change, tx.call_id(BLOCK, 0), occasion))),
        ("a feature that waits for its height", (
            lambda s: features.write_features(s, (features.Feature("night-prices", 50_000),)),)),
        ("a block that candidates may sign", (
            lambda s: readiness.note_anchor(s, replace(start, height=1_230)),)),
        ("a contract that the operators installed", (
            lambda s: governance.install_contract(s, "booking", CONTRACT),)),
        ("an instance", (lambda s: s.put(
            bytes([Space.INSTANCE]) + CONTRACT, encode(Instance(BLOCK, A, (ASSET,), (S,)))),)),
        ("parameters", (lambda s: write_params(s, PARAMS),)),
        ("validators", (lambda s: s.put(
            VALIDATORS_KEY, encode(ValidatorSet(tuple(sorted((A, B)))))),)),
        ("a halt", (lambda s: timers.note_halt(s, PARAMS, NOON, NOON + 3_600_000),)),
    ]  # fmt: skip


def state_vectors() -> dict[str, Any]:
    """Return the keys and values that each act leaves in an empty state."""
    return {"cases": [{"what": what, "pairs": after(*steps)} for what, steps in state_cases()]}


class Nodes:
    """Tree records in memory."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}

    def get_node(self, path: bytes, /) -> bytes | None:
        return self.records.get(path)

    def take(self, nodes: dict[bytes, bytes | None]) -> None:
        for path, record in nodes.items():
            if record is None:
                self.records.pop(path, None)
            else:
                self.records[path] = record


def tree_vectors() -> dict[str, Any]:
    """Return trees after batches, every record of the last, and proofs under it."""
    nodes = Nodes()
    batches: list[dict[bytes, bytes | None]] = [
        {},
        {b"\x03a": b"1"},
        {b"\x03b": b"22", b"\x03c": b""},
        {bytes([3, number]): bytes([number]) for number in range(40)},
        {b"\x03a": None, b"\x03b": b"222", b"\x03never": None},
    ]
    steps = []
    for batch in batches:
        update = update_tree(nodes, batch)
        nodes.take(update.nodes)
        shown = [[key.hex(), None if v is None else v.hex()] for key, v in batch.items()]
        steps.append({"changes": shown, "root": update.root.hex()})
    proofs = []
    for key in (b"\x03b", b"\x03\x07", b"\x03a", b"\x03none"):
        proof = prove_key(nodes, key)
        hashed = [node.hex() for node in proof.nodes]
        proofs.append({"key": key.hex(), "nodes": hashed, "other": proof.other.hex()})
    records = {path.decode(): record.hex() for path, record in sorted(nodes.records.items())}
    return {"steps": steps, "records": records, "proofs": proofs}


def nonce_vectors() -> dict[str, Any]:
    """Return what becomes of nonces taken one after another, and the window after each."""
    state, steps = fresh(), []
    key = bytes([Space.NONCES]) + A + A
    for nonce in (0, 0, 1_024, 3, 1_025, 2_049, 769, 768, 770, 1_793, 1_794, 3_072, 3_073, 770):
        try:
            take_nonce(state, A, A, nonce)
            error = 0
        except InvalidTransactionError as refusal:
            error = refusal.code
        stored = state.get(key)
        assert stored is not None
        steps.append({"nonce": nonce, "error": error, "window": stored.hex()})
    return {"key": key.hex(), "steps": steps}


def halt_case(dues: list[int], parent: int, now: int, params: ChainParams) -> dict[str, Any]:
    """Return the halt that a block at `now` ends, what fires in it, and two clocks."""
    state = fresh()
    for number, due in enumerate(dues):
        timers.schedule(state, timers.timer_key(CONTRACT, bytes([0, number])), due)
    timers.note_halt(state, params, parent, now)
    halt = timers.read_halt(state)
    fired = [[one.due, one.kind, one.sequence] for one in timers.due_entries(state, now, 200)]
    return {
        "dues": dues,
        "parent_time_ms": parent,
        "time_ms": now,
        "heartbeat_ms": params.heartbeat_ms,
        "halt": None if halt is None else [halt.began, halt.ended, halt.over],
        "fires_now": fired,
        "deadline_now": timers.deadline_now(halt, now),
        "next_work_time": timers.next_work_time(state, now),
    }


def timer_vectors() -> dict[str, Any]:
    """Return queue keys in firing order, and halts."""
    entries = ((NOON, 0, 3), (NOON, 0, 4), (NOON, 1, 1), (NOON + 1, 0, 0))
    minute, dev = 60_000, replace(PARAMS, heartbeat_ms=0)
    cases = [
        ([], NOON, NOON + 12 * minute, PARAMS),
        ([], NOON, NOON + 12 * minute + 1, PARAMS),
        ([NOON + minute], NOON, NOON + 3 * minute, PARAMS),
        ([NOON + minute], NOON, NOON + 3 * minute + 1, PARAMS),
        ([NOON, NOON + minute, NOON + 9 * minute], NOON, NOON + 9 * minute, PARAMS),
        ([NOON - minute], NOON, NOON + 9 * minute, PARAMS),
        ([NOON + 5 * minute], NOON, NOON + 60 * minute, dev),
        ([], NOON, NOON + 60 * minute, dev),
    ]
    return {
        "queue_keys": [
            {"due": due, "kind": kind, "sequence": n, "key": timers.queue_key(due, kind, n).hex()}
            for due, kind, n in entries
        ],
        "halts": [halt_case(*case) for case in cases],
    }


GENESIS = """{
  "name": "example",
  "time_ms": 1750000000000,
  "validators": ["%(a)s", "%(b)s"],
  "params": {"heartbeat_ms": 0, "dev": 1},
  "assets": [
    {"symbol": "CNY", "issuer": "%(s)s", "policy": "contracts_only", "contracts": ["%(c)s"]}
  ],
  "accounts": [
    {"account": "%(s)s", "roles": ["operator", "member"]},
    {"account": "%(a)s", "roles": ["member"], "balances": {"CNY": 6800}}
  ]
}
"""


def genesis_text() -> str:
    """Return a genesis file."""
    return GENESIS % {"a": A.hex(), "b": B.hex(), "s": S.hex(), "c": CONTRACT.hex()}


def readiness_vectors() -> dict[str, Any]:
    """Return what a candidate signs before it is voted in, and its signature."""
    proof = readiness.prove_readiness(BOB, CHAIN, (1_230, BLOCK))
    return {
        "chain_id": CHAIN.hex(),
        "key": B.hex(),
        "height": proof.height,
        "block_id": proof.block_id.hex(),
        "sign_bytes": readiness.ready_bytes(CHAIN, B, 1_230, BLOCK).hex(),
        "signature": proof.signature.hex(),
    }


def genesis_vectors() -> dict[str, Any]:
    """Return a genesis file, its chain's id, its first block and its state."""
    text = genesis_text()
    genesis = parse_genesis(text.encode())
    first = genesis_block(genesis)
    header = first.block.header
    state = sorted((key.hex(), (value or b"").hex()) for key, value in first.changes.items())
    return {
        "file": text,
        "chain_id": genesis.chain_id().hex(),
        "asset_CNY": genesis_asset_id("CNY").hex(),
        "state": [list(pair) for pair in state],
        "header": to_json(header),
        "block_id": block_id(header).hex(),
    }


ROW = (
    Scalar(Kind.U8), Scalar(Kind.TEXT, 20), Scalar(Kind.U32), Scalar(Kind.UINT),
    Scalar(Kind.SINT), Scalar(Kind.BOOL), Scalar(Kind.ADDR), Scalar(Kind.BYTES, 4),
    Scalar(Kind.U16), Scalar(Kind.HASH),
)  # fmt: skip
ROW_VALUES = [9, "洗车".encode(), 2**32 - 1, SAFE, -1, True, A, b"\1\2", 513, BLOCK]


def example_container() -> box.Container:
    """Return a contract that keeps one number: `set(value)` and `read()`."""
    uint = Scalar(Kind.UINT)
    code = (
        [(Op.PUT, 0, 0, 0, 0), (Op.EMIT, 0, 0, 0, 0), (Op.RET, 0, 0, 0, 0)],
        [(Op.GETZ, 0, 0, 0, 0), (Op.RET, 0, 0, 0, 0)],
    )
    packed = [
        b"".join(bytes([op, d, a, b, t >> 8, t & 255]) for op, d, a, b, t in one) for one in code
    ]
    kinds = box.FunctionKind
    return box.Container(
        magic="wash",
        vm=1,
        name="Counter",
        assets=(),
        links=(),
        link_calls=(),
        fields=(box.Field("number", (), (box.NamedScalar("value", uint),)),),
        pots=(),
        events=(box.EventType("Set", (box.EventField("value", uint, indexed=True),)),),
        errors=("never",),
        functions=(
            box.Function("set", kinds.ACTION, None, (uint,), (), (), b"I", packed[0]),
            box.Function("read", kinds.VIEW, None, (), (uint,), (), b"I", packed[1]),
        ),
        abi_hash=sha256(b"{}").digest(),
        source_hash=sha256(b"").digest(),
        compiler="by hand",
    )


def contract_vectors() -> dict[str, Any]:
    """Return a container and its id, and stored forms of keys and rows."""
    container = example_container()
    data = box.encode_container(container)
    key = KeyForm(b"\x07", (Scalar(Kind.ADDR), Scalar(Kind.U16), Scalar(Kind.SINT)))
    row = RowForm(ROW)
    return {
        "container": {
            "fields": to_json(container),
            "bytes": data.hex(),
            "code_id": load_program(data).code_id.hex(),
        },
        "key": {"tag": 7, "parts": [A.hex(), 513, -2], "bytes": key.encode([A, 513, -2], 0).hex()},
        "row": {
            "kinds": [Kind(scalar.kind).name for scalar in ROW],
            "values": [v.hex() if isinstance(v, bytes) else v for v in ROW_VALUES],
            "bytes": row.encode(ROW_VALUES, 0).hex(),
        },
        "storage_key": (bytes([Space.STORAGE]) + CONTRACT + key.encode([A, 513, -2], 0)).hex(),
        "chain_id": CHAIN.hex(),
    }
