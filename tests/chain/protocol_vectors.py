"""Golden bytes of docs/protocol.md, part one: values, hashes, transactions, receipts, blocks."""

from typing import Any

from chain import changes, readiness
from chain import transaction as tx
from chain.block import (
    PRECOMMIT,
    PREVOTE,
    Block,
    Evidence,
    Header,
    block_id,
    commit_hash,
    encode_block,
    list_hash,
    make_commit,
    vote_bytes,
)
from chain.codec import Value, encode, encode_value, to_json, to_value
from chain.crypto import Signer, hash_bytes
from chain.executed import event_topic
from chain.governance import proposal_id
from chain.merkle import leaf_hash, root
from chain.params import ChainParams, params_hash
from chain.receipt import Event, Receipt, encode_receipt
from chain.validators import ValidatorSet

NOON = 1_750_000_000_000  # ms UTC
SAFE = 2**53 - 1
CHAIN = bytes([0xC4]) * 32
CONTRACT, ASSET, BLOCK = (bytes([number]) * 32 for number in (0xC0, 0xA5, 0xB1))
ALICE, BOB, SHOP, GUARD = (Signer(bytes([number]) * 32) for number in (1, 2, 3, 4))
TAGS = (
    "tx", "witness", "asset", "call", "instance", "firing", "block", "commit", "evidence",
    "skipped", "validators", "params", "genesis", "topic", "proposal", "code", "recovery",
    "snapshot", "snapshot-chunk", "vehicle-secret", "vehicle-handle", "vehicle-mark",
)  # fmt: skip


def shown(value: Value) -> Any:
    """Return a value as JSON: bytes as {"bin": hex}, integers beyond 2^53-1 as {"int": digits}."""
    match value:
        case bytes():
            return {"bin": value.hex()}
        case list() | tuple():
            return [shown(item) for item in value]
        case int() if not isinstance(value, bool) and abs(value) > SAFE:
            return {"int": str(value)}
        case _:
            return value


INTEGERS = (
    0, 1, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, SAFE, 2**64 - 1,
    -1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**63),
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, False, True, *INTEGERS, "", "wash", "洗车", "x" * 31, "x" * 32, "x" * 256, b"", b"\0",
    bytes(32), bytes(255), bytes(256), [], [1, "a", None], [[], [[b"k"]]], [0] * 15, [0] * 16,
)  # fmt: skip
REFUSED = (
    ("", "nothing"),
    ("c1", "a byte that MessagePack never uses"),
    ("cc01", "1 in two bytes; one is enough"),
    ("cd0080", "128 in three bytes; two are enough"),
    ("d001", "1 as a signed integer; positive ones are unsigned"),
    ("d3ffffffffffffffff", "-1 in nine bytes; one is enough"),
    ("d90161", "text of one byte with a length of its own"),
    ("c5000161", "one byte with a length in two bytes"),
    ("dc000100", "an array of one with a length in two bytes"),
    ("80", "a map"),
    ("8100c0", "a map"),
    ("ca3f800000", "a float"),
    ("cb3ff0000000000000", "a float"),
    ("d40100", "an extension type"),
    ("d6ff00000000", "a timestamp"),
    ("a1ff", "text that is no UTF-8"),
    ("a3eda080", "text with half a surrogate pair"),
    ("0000", "a second value behind the first"),
    ("9101c0", "a second value behind the first"),
    ("92c0", "an array that ends too early"),
    ("91" * 33 + "c0", "33 arrays inside one another"),
)


def codec_vectors() -> dict[str, Any]:
    """Return values with their only bytes, and bytes that are no value's."""
    return {
        "values": [{"value": shown(v), "bytes": encode_value(v).hex()} for v in VALUES],
        "refused": [{"bytes": data, "why": why} for data, why in REFUSED],
    }


def hash_vectors() -> dict[str, Any]:
    """Return the tagged hashes of nothing and of three bytes, and list roots."""
    lists = [[], [b"a"], [b"a", b"b"], [b"a", b"b", b"c"], [b"a", b"b", b"c", b"d", b"e"]]
    return {
        "tags": [
            {
                "tag": t,
                "of_nothing": hash_bytes(t, b"").hex(),
                "of_abc": hash_bytes(t, b"abc").hex(),
            }
            for t in TAGS
        ],
        "leaf_of_a": leaf_hash(b"a").hex(),
        "lists": [{"items": [i.hex() for i in one], "root": root(one).hex()} for one in lists],
    }


ENTRY = tx.AccountKey(
    key=BOB.public_key,
    scopes=(tx.Scope(CONTRACT, ("check_in", "confirm")), tx.Scope(ASSET, ())),
    limits=(tx.SpendingLimit(ASSET, 20_000, 86_400_000),),
    expires_at=NOON + 86_400_000,
)
ACTIONS: tuple[tx.Action, ...] = (
    tx.Transfer(ASSET, BOB.public_key, 6_800),
    tx.IssueAsset("CNY", 2, 2, None, (CONTRACT,)),
    tx.Mint(ASSET, BOB.public_key, SAFE),
    tx.Burn(ASSET, 1),
    tx.AllowContracts(ASSET, (CONTRACT,)),
    tx.Call(CONTRACT, "request", (SHOP.public_key, 1, True, "洗车", b"\x01\x02", None), 6_800),
    tx.Deploy(b"container", (ASSET,), (CONTRACT,), (0,)),
    tx.AddKey(ENTRY),
    tx.RemoveKey(BOB.public_key),
    tx.SetGuardians((GUARD.public_key, SHOP.public_key), 2),
    tx.ApproveRecovery(ALICE.public_key, BOB.public_key),
    tx.CancelRecovery(),
    tx.FinishRecovery(ALICE.public_key),
    tx.Propose(changes.GrantRole(BOB.public_key, 3)),
    tx.Propose(changes.RevokeRole(BOB.public_key, 3)),
    tx.Propose(changes.SetParam("sponsor_daily_max", 5_000)),
    tx.Propose(changes.InstallContract("booking", CONTRACT)),
    tx.Propose(changes.SetValidator(BOB.public_key, 0)),
    tx.Propose(
        changes.SetValidator(
            BOB.public_key, 1, readiness.prove_readiness(BOB, CHAIN, (1_230, BLOCK))
        )
    ),
    tx.Propose(changes.SetFeature("night-prices", 50_000)),
    tx.Propose(tx.IssueAsset("EUR", 2, 1, SHOP.public_key, ())),
    tx.Propose(tx.AllowContracts(ASSET, (CONTRACT,))),
    tx.Propose(changes.UpgradeContract(CONTRACT, BLOCK, (ASSET,), (CONTRACT,), 1_767_225_600_000)),
    tx.Propose(changes.WithdrawUpgrade(CONTRACT, BLOCK)),
    tx.Propose(changes.SetIssuer(ASSET, CONTRACT)),
    tx.Vote(BLOCK),
    tx.Admit(BOB.public_key),
    tx.Oppose(BLOCK),
)


def body_of(*actions: tx.Action, nonce: int = 7, sponsor: bytes | None = None) -> tx.Transaction:
    """Return an unsigned transaction of Alice."""
    return tx.Transaction(
        version=1,
        chain_id=CHAIN,
        account=ALICE.public_key,
        key=None,
        nonce=nonce,
        valid_until=NOON + 600_000,
        gas_limit=20_000,
        sponsor=sponsor,
        actions=actions,
        client_ref=None if sponsor is None else bytes(range(16)),
    )


def signed_case(name: str, body: tx.Transaction, sponsor: Signer | None) -> dict[str, Any]:
    """Return everything that follows from a body and its keys."""
    data = tx.sign_transaction(body, ALICE, sponsor)
    received = tx.read_transaction(data)
    return {
        "name": name,
        "body": to_json(body),
        "body_bytes": received.body_bytes.hex(),
        "signing_bytes": tx.signing_bytes(body).hex(),
        "sponsor_bytes": None if sponsor is None else tx.sponsor_bytes(body).hex(),
        "signature": received.signature.hex(),
        "cosignature": None if received.cosignature is None else to_json(received.cosignature),
        "signed_bytes": data.hex(),
        "tx_id": received.tx_id.hex(),
        "witness_id": received.witness_id.hex(),
    }


def transaction_vectors() -> dict[str, Any]:
    """Return keys, every action, two whole transactions and the ids that follow from them."""
    plain, sponsored = body_of(ACTIONS[0]), body_of(ACTIONS[5], ACTIONS[0], sponsor=SHOP.public_key)
    origin = tx.tx_id(plain)
    people = (("alice", 1, ALICE), ("bob", 2, BOB), ("shop", 3, SHOP), ("guard", 4, GUARD))
    return {
        "keys": [
            {"name": name, "seed": (bytes([seed]) * 32).hex(), "key": signer.public_key.hex()}
            for name, seed, signer in people
        ],
        "actions": [
            {
                "type": type(one).__name__,
                "fields": to_json(one),
                "bytes": encode_value(to_value(body_of(one))[8][0]).hex(),
            }
            for one in ACTIONS
        ],
        "transactions": [
            signed_case("a transfer", plain, None),
            signed_case("a call and a transfer, co-signed by a shop", sponsored, SHOP),
        ],
        "ids": {
            "origin": origin.hex(),
            "call_id_0": tx.call_id(origin, 0).hex(),
            "call_id_15": tx.call_id(origin, 15).hex(),
            "instance_id_0": tx.instance_id(origin, 0).hex(),
            "proposal_id_0": proposal_id(tx.call_id(origin, 0)).hex(),
            "asset_id_alice_CNY": tx.asset_id(ALICE.public_key, "CNY").hex(),
            "asset_id_genesis_CNY": tx.asset_id(bytes(32), "CNY").hex(),
            "firing_timer_height_9_sequence_4": tx.event_receipt_id(0, 9, 4).hex(),
            "firing_fallback_height_9_sequence_4": tx.event_receipt_id(1, 9, 4).hex(),
        },
    }


def receipt_vectors() -> dict[str, Any]:
    """Return receipts of each kind and topics of each kind of value."""
    moved = Event(bytes(32), 0, (ASSET, ALICE.public_key, BOB.public_key, 6_800))
    noted = Event(CONTRACT, 2, (BLOCK, 3, True, b"ok"))
    receipts = (
        Receipt(2, BLOCK, True, 0, 0, 1_642, (moved,)),
        Receipt(2, BLOCK, False, 0, 2_001, 1_600, ()),
        Receipt(2, BLOCK, False, 1, 4, 2_200, ()),
        Receipt(0, BLOCK, True, 0, 0, 3_000, (noted,)),
        Receipt(1, BLOCK, True, 0, 0, 800, ()),
    )
    topics: tuple[tuple[bytes, int, int | None, object], ...] = (
        (CONTRACT, 2, None, None),
        (CONTRACT, 2, 0, BLOCK),
        (CONTRACT, 2, 1, 3),
        (CONTRACT, 2, 1, -3),
        (CONTRACT, 2, 2, True),
        (bytes(32), 0, 1, ALICE.public_key),
    )
    return {
        "receipts": [
            {"receipt": to_json(one), "bytes": encode_receipt(one).hex()} for one in receipts
        ],
        "root": root([encode_receipt(one) for one in receipts]).hex(),
        "topics": [
            {
                "contract": contract.hex(),
                "event": number,
                "field": field,
                "value": value.hex() if isinstance(value, bytes) else value,
                "topic": event_topic(contract, number, field, value).hex(),
            }
            for contract, number, field, value in topics
        ],
    }


def header_of(commit: Any, evidence: tuple[Evidence, ...], validators: ValidatorSet) -> Header:
    """Return a header whose roots are filler, but whose hashes of the body are true."""
    return Header(
        version=1,
        chain_id=CHAIN,
        height=10,
        time_ms=NOON,
        parent_id=BLOCK,
        proposer=ALICE.public_key,
        last_commit_hash=commit_hash(commit),
        evidence_hash=list_hash("evidence", tuple([encode(one) for one in evidence])),
        skipped_hash=list_hash("skipped", (CONTRACT,)),
        last_round=commit.round,
        tx_root=root([tx.read_transaction(signed_transfer()).witness_id]),
        receipt_root=root([]),
        state_root=bytes(32),
        validators_hash=validators.set_hash(),
        next_validators_hash=validators.set_hash(),
        last_validators_change_height=0,
        params_hash=params_hash(ChainParams()),
        gas_used=1_642,
    )


def signed_transfer() -> bytes:
    """Return the first signed transaction of the vectors."""
    return tx.sign_transaction(body_of(ACTIONS[0]), ALICE)


def block_vectors() -> dict[str, Any]:
    """Return votes, a certificate, a header and a whole block of three validators."""
    signers = sorted((ALICE, BOB, SHOP), key=lambda one: one.public_key)
    validators = ValidatorSet(tuple(one.public_key for one in signers))
    vote = vote_bytes(PRECOMMIT, CHAIN, (9, 1), BLOCK)
    signatures = {one.public_key: one.sign(vote) for one in (signers[0], signers[2])}
    commit = make_commit(validators, (9, 1), BLOCK, signatures)
    evidence = (Evidence((b"one", b"other")),)
    header = header_of(commit, evidence, validators)
    block = Block(header, commit, evidence, (CONTRACT,), (signed_transfer(),))
    empty = {tag: list_hash(tag, ()).hex() for tag in ("evidence", "skipped")}
    return {
        "validators": {
            "keys": [key.hex() for key in validators.keys],
            "bytes": encode(validators).hex(),
            "hash": validators.set_hash().hex(),
            "quorums": [[n, 2 * n // 3 + 1] for n in (1, 2, 3, 4, 5, 6, 7, 10, 100, 128)],
        },
        "params": {
            "fields": to_json(ChainParams()),
            "bytes": encode(ChainParams()).hex(),
            "hash": params_hash(ChainParams()).hex(),
        },
        "prevote_for_none": vote_bytes(PREVOTE, CHAIN, (9, 0), bytes(32)).hex(),
        "precommit": {"bytes": vote.hex(), "signatures": [s.hex() for s in signatures.values()]},
        "commit": {
            "fields": to_json(commit),
            "bytes": encode(commit).hex(),
            "hash": commit_hash(commit).hex(),
            "hash_of_none": commit_hash(None).hex(),
        },
        "empty_lists": empty,
        "header": {
            "fields": to_json(header),
            "bytes": encode(header).hex(),
            "id": block_id(header).hex(),
        },
        "block_bytes": encode_block(block).hex(),
    }
