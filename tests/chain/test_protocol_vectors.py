"""The protocol stands still: golden bytes against the code and against plain arithmetic."""

import ast
import json
import re
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack
import pytest

from chain.codec import decode_value, encode_value
from chain.crypto import verify_signature
from chain.errors import MalformedBytesError
from tests.chain.protocol_files import DOCUMENT, FOLDER, ROOT, all_vectors, with_tables, written
from tests.chain.protocol_vectors import TAGS, VALUES

FILES = sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def tagged(tag: str, data: bytes) -> str:
    prefix = sha256(b"washnode/" + tag.encode()).digest()
    return sha256(prefix + prefix + data).hexdigest()


def test_the_golden_bytes_are_what_the_code_gives() -> None:
    made = {name: written(content) for name, content in all_vectors().items()}

    kept = {name: (FOLDER / f"{name}.json").read_text("utf-8") for name in FILES}

    assert kept == made


def test_the_tables_of_the_document_are_what_the_code_says() -> None:
    text = DOCUMENT.read_text("utf-8")

    assert with_tables(text) == text


def test_every_hash_that_the_document_quotes_is_in_a_vector_file() -> None:
    vectors = "".join((FOLDER / f"{name}.json").read_text("utf-8") for name in FILES)
    text = DOCUMENT.read_text("utf-8")

    quoted = re.findall(r"\b[0-9a-f]{16,}\b", text)

    assert [one for one in quoted if one not in vectors] == []
    assert len(quoted) > 5


def test_the_listed_tags_are_those_of_the_code_and_of_the_document() -> None:
    text = DOCUMENT.read_text("utf-8")
    used: list[str] = []
    for package in ("chain", "contracts", "consensus"):
        for path in sorted((ROOT / package).rglob("*.py")):
            used += tags_in(path)

    assert sorted({*used}) == sorted(TAGS)
    assert [tag for tag in TAGS if f"| `{tag}` |" not in text] == []


def tags_in(path: Path) -> list[str]:
    """Return the literal first arguments of hash_bytes and list_hash in a source file."""
    calls = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    return [
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in {"hash_bytes", "list_hash"}
        if call.args and isinstance(call.args[0], ast.Constant)
    ]


def test_values_have_one_encoding_and_come_back_from_it() -> None:
    encodings = [bytes.fromhex(case["bytes"]) for case in load("codec")["values"]]

    back = [decode_value(data) for data in encodings]

    assert [encode_value(value) for value in back] == encodings
    assert [encode_value(value) for value in VALUES] == encodings


@pytest.mark.parametrize(
    "case", load("codec")["refused"], ids=lambda case: case["bytes"][:20] or "-"
)
def test_bytes_that_are_no_canonical_value_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(MalformedBytesError):
        decode_value(bytes.fromhex(case["bytes"]))


def test_tagged_hashes_follow_from_sha256_alone() -> None:
    cases = load("hashes")["tags"]

    made = [{"tag": t, "of_nothing": tagged(t, b""), "of_abc": tagged(t, b"abc")} for t in TAGS]

    assert cases == made


def test_a_transaction_can_be_made_from_the_document_with_msgpack_and_sha256() -> None:
    case = load("transactions")["transactions"][0]
    transfer = [1, b"\xa5" * 32, bytes.fromhex(case["body"]["actions"][0]["to"]), 6_800]
    account = bytes.fromhex(case["body"]["account"])
    fields = [1, b"\xc4" * 32, account, None, 7, 1_750_000_600_000, 20_000, None, [transfer], None]

    body = msgpack.packb(fields, use_bin_type=True)
    signature = bytes.fromhex(case["signature"])
    whole = b"\x93" + body + b"\xc4\x40" + signature + b"\xc0"

    assert body.hex() == case["body_bytes"]
    assert (b"washnode-tx-v1\0" + body).hex() == case["signing_bytes"]
    assert whole.hex() == case["signed_bytes"]
    assert (tagged("tx", body), tagged("witness", whole)) == (case["tx_id"], case["witness_id"])
    assert verify_signature(account, b"washnode-tx-v1\0" + body, signature)


def test_a_sponsor_signs_the_body_under_a_prefix_of_its_own() -> None:
    case = load("transactions")["transactions"][1]
    body, cosignature = bytes.fromhex(case["body_bytes"]), case["cosignature"]
    key, signature = (bytes.fromhex(cosignature[name]) for name in ("key", "signature"))

    message = b"washnode-sponsor-v1\0" + body

    assert message.hex() == case["sponsor_bytes"]
    assert verify_signature(key, message, signature)
    assert not verify_signature(key, b"washnode-tx-v1\0" + body, signature)


def test_ids_follow_from_the_transaction_that_makes_them() -> None:
    ids = load("transactions")["ids"]
    origin = bytes.fromhex(ids["origin"])
    alice = bytes.fromhex(load("transactions")["keys"][0]["key"])

    made = {
        "origin": origin.hex(),
        "call_id_0": tagged("call", origin + b"\0"),
        "call_id_15": tagged("call", origin + b"\x0f"),
        "instance_id_0": tagged("instance", origin + b"\0"),
        "proposal_id_0": tagged("proposal", bytes.fromhex(tagged("call", origin + b"\0"))),
        "asset_id_alice_CNY": tagged("asset", alice + b"CNY"),
        "asset_id_genesis_CNY": tagged("asset", bytes(32) + b"CNY"),
        "firing_timer_height_9_sequence_4": tagged(
            "firing", b"\0" + bytes(7) + b"\x09" + bytes(7) + b"\x04"
        ),
        "firing_fallback_height_9_sequence_4": tagged(
            "firing", b"\1" + bytes(7) + b"\x09" + bytes(7) + b"\x04"
        ),
    }

    assert ids == made


def test_a_vote_is_fixed_bytes_and_a_block_id_the_hash_of_its_header() -> None:
    blocks = load("blocks")
    vote = (
        b"washnode-vote-1\0\x02"
        + b"\xc4" * 32
        + bytes(4)
        + bytes(7)
        + b"\x09"
        + bytes(3)
        + b"\x01"
        + b"\xb1" * 32
        + b"\xff" * 4
    )
    header = blocks["header"]
    plain = [bytes.fromhex(v) if isinstance(v, str) else v for v in header["fields"].values()]

    packed = msgpack.packb(plain, use_bin_type=True)

    assert blocks["precommit"]["bytes"] == vote.hex()
    assert header["bytes"] == packed.hex()
    assert header["id"] == tagged("block", packed)


def test_a_signed_vote_is_its_fields_with_a_signature_over_fixed_bytes() -> None:
    votes = load("votes")
    for case in votes["votes"]:
        fields: dict[str, Any] = {
            name: bytes.fromhex(value) if isinstance(value, str) else value
            for name, value in case["fields"].items()
        }
        message = b"".join(
            (
                b"washnode-vote-1\0",
                bytes([fields["kind"]]),
                bytes.fromhex(votes["chain_id"]),
                struct.pack(">IQI", fields["epoch"], fields["height"], fields["round"]),
                fields["block_id"],
                struct.pack(">i", fields["valid_round"]),
            )
        )

        packed = msgpack.packb(list(fields.values()), use_bin_type=True)

        assert (case["signing_bytes"], case["bytes"]) == (message.hex(), packed.hex())
        assert verify_signature(fields["validator"], message, fields["signature"])


def test_a_set_of_validators_tells_its_quorum() -> None:
    for case in load("votes")["sets"]:
        packed = bytes.fromhex(case["bytes"])

        keys, rule, epoch = msgpack.unpackb(packed)

        assert (len(keys), rule, epoch) == (4, case["rule"] == "crash", case["epoch"])
        assert case["hash"] == tagged("validators", packed)
        for count, quorum, skip in case["counts"]:
            assert quorum == (-(-2 * count // 3) if rule else 2 * count // 3 + 1)
            assert skip == count - quorum + 1


def test_operators_sign_a_plan_without_signatures() -> None:
    case = load("recovery")
    plan = msgpack.unpackb(bytes.fromhex(case["bytes"]))
    message = tagged("recovery", bytes.fromhex(case["unsigned"]))

    unsigned = msgpack.packb([*plan[:4], []], use_bin_type=True)

    assert (unsigned.hex(), case["signed_hash"]) == (case["unsigned"], message)
    assert [operator.hex() for operator, _key, _signature in plan[4]] == case["operators"]
    for _operator, key, signature in plan[4]:
        assert verify_signature(key, bytes.fromhex(message), signature)
    packed = msgpack.packb(plan[3], use_bin_type=True)
    assert (packed.hex(), case["validators_hash"]) == (
        case["validators"], tagged("validators", packed),
    )  # fmt: skip


def naive_root(leaves: list[tuple[str, bytes]], depth: int = 0) -> bytes:
    """Return the root of a subtree from (hex key hash, leaf hash), as the document defines it."""
    if len(leaves) <= 1:
        return leaves[0][1] if leaves else b""
    inner = leaf = 0
    children = []
    for nibble in range(16):
        below = [one for one in leaves if int(one[0][depth], 16) == nibble]
        if below:
            children.append(naive_root(below, depth + 1))
            inner |= (len(below) > 1) << nibble
            leaf |= (len(below) == 1) << nibble
    bitmaps = inner.to_bytes(2, "big") + leaf.to_bytes(2, "big")
    return sha256(b"\x01" + bitmaps + b"".join(children)).digest()


def test_state_roots_follow_from_the_pairs_alone() -> None:
    pairs: dict[bytes, bytes] = {}
    roots = []
    steps = load("tree")["steps"]
    for step in steps:
        for key, value in step["changes"]:
            pairs.pop(bytes.fromhex(key), None)
            if value is not None:
                pairs[bytes.fromhex(key)] = bytes.fromhex(value)
        leaves = []
        for key, value in sorted(pairs.items()):
            place = sha256(key).digest()
            leaves.append((place.hex(), sha256(b"\0" + place + sha256(value).digest()).digest()))
        roots.append((naive_root(leaves) or bytes(32)).hex())

    assert roots == [step["root"] for step in steps]


def test_the_first_block_of_a_chain_holds_the_root_of_the_genesis_state() -> None:
    genesis = load("genesis")

    leaves = []
    for key, value in genesis["state"]:
        place = sha256(bytes.fromhex(key)).digest()
        tail = place + sha256(bytes.fromhex(value)).digest()
        leaves.append((place.hex(), sha256(b"\0" + tail).digest()))

    assert genesis["header"]["state_root"] == naive_root(leaves).hex()
    assert genesis["header"]["chain_id"] == genesis["chain_id"]
