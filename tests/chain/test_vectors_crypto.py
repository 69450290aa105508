"""Ed25519 against published vectors: RFC 8032's own, and Wycheproof's attacks."""

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chain.crypto import sign, verify_signature

VECTORS = Path(__file__).parents[1] / "vectors" / "ed25519"


def read_signatures() -> list[tuple[bytes, bytes, bytes, bytes]]:
    """Return (seed, key, message, signature) of every line of RFC 8032's vectors."""
    lines = gzip.decompress((VECTORS / "sign.input.gz").read_bytes()).decode().splitlines()
    return [
        (bytes.fromhex(seed_key)[:32], bytes.fromhex(key), bytes.fromhex(message), sealed[:64])
        for seed_key, key, message, sealed in (
            (fields[0], fields[1], fields[2], bytes.fromhex(fields[3]))
            for fields in (line.split(":") for line in lines)
        )
    ]


def read_attacks() -> list[tuple[int, bytes, bytes, bytes, bool]]:
    """Return (number, key, message, signature, valid) of every Wycheproof case."""
    suite: dict[str, Any] = json.loads((VECTORS / "wycheproof_ed25519_test.json").read_bytes())
    return [
        (
            case["tcId"],
            bytes.fromhex(group["publicKey"]["pk"]),
            bytes.fromhex(case["msg"]),
            bytes.fromhex(case["sig"]),
            case["result"] == "valid",
        )
        for group in suite["testGroups"]
        for case in group["tests"]
    ]


def test_signatures_are_those_of_rfc_8032() -> None:
    vectors = read_signatures()

    wrong = [
        len(message)
        for seed, key, message, signature in vectors
        if sign(seed, message) != signature or not verify_signature(key, message, signature)
    ]

    assert (len(vectors), wrong) == (1024, [])


def test_a_signature_with_one_bit_turned_is_refused() -> None:
    vectors = read_signatures()[:64]

    accepted = [
        (len(message), position)
        for number, (_seed, key, message, signature) in enumerate(vectors)
        for position in (number % 64, 63 - number % 64)
        if verify_signature(
            key,
            message,
            signature[:position] + bytes([signature[position] ^ 1]) + signature[position + 1 :],
        )
    ]

    assert accepted == []


def test_every_wycheproof_verdict_is_ours() -> None:
    cases = read_attacks()

    verdicts = [
        (number, verify_signature(key, message, signature))
        for number, key, message, signature, _valid in cases
    ]

    assert verdicts == [(number, valid) for number, _key, _message, _signature, valid in cases]
    assert sum(valid for *_rest, valid in cases) == 88


@given(key=st.binary(max_size=70), message=st.binary(max_size=70), signature=st.binary(max_size=70))
def test_bytes_of_any_length_are_refused_without_an_error(
    key: bytes, message: bytes, signature: bytes
) -> None:
    accepted = verify_signature(key, message, signature)

    assert accepted is False
