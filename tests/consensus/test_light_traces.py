"""The light client's rule against cases that a model checker made, with our own types."""

import gzip
import json
from base64 import b64decode
from calendar import timegm
from pathlib import Path
from time import strptime
from typing import Any

import pytest

from chain.block import Commit, block_id
from chain.validators import ValidatorSet
from consensus import (
    Candidate,
    Invalid,
    NotEnoughTrust,
    Trusted,
    TrustedBlock,
    TrustOptions,
    trust_header,
    verify_next,
)
from tests.consensus.light_chain import header_of
from tests.make import word

FILE = Path(__file__).parents[1] / "vectors/consensus/tendermint_lightclient_mbt_dev.jsonl.gz"
CASES: list[dict[str, Any]] = [
    json.loads(line) for line in gzip.decompress(FILE.read_bytes()).splitlines()
]
VERDICTS = {"SUCCESS": Trusted, "NOT_ENOUGH_TRUST": NotEnoughTrust, "INVALID": Invalid}
SIGNED = 2


def milliseconds(text: str) -> int:
    return timegm(strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 1_000


def validators_of(given: dict[str, Any]) -> ValidatorSet:
    keys = [b64decode(one["pub_key"]["value"]) for one in given["validators"] or ()]
    assert {one["voting_power"] for one in given["validators"] or ()} <= {"50"}
    return ValidatorSet(tuple(sorted(keys)))


def key_by_address() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for case in (one["case"] for one in CASES):
        sets = [case["initial"]["next_validator_set"]]
        for step in case["input"]:
            sets += [step["block"]["validator_set"], step["block"]["next_validator_set"]]
        for one in (one for given in sets for one in given["validators"] or ()):
            found[one["address"]] = b64decode(one["pub_key"]["value"])
    return found


KEYS = key_by_address()


def set_hashes() -> dict[str, bytes]:
    """Return our hash of every set that the cases name by theirs."""
    found: dict[str, bytes] = {}
    for step in (step for one in CASES for step in one["case"]["input"]):
        header = step["block"]["signed_header"]["header"]
        for name in ("validators_hash", "next_validators_hash"):
            given = step["block"][name.replace("validators_hash", "validator_set")]
            ours = validators_of(given).set_hash()
            assert found.setdefault(header[name], ours) == ours
    return found


HASHES = set_hashes()


def signature_of(address: str) -> bytes:
    """Return what stands for a signature: the name of who made it."""
    return KEYS.get(address, word(address)).ljust(64, b"\0")


def is_named(key: bytes, _message: bytes, signature: bytes) -> bool:
    return signature == key.ljust(64, b"\0")


def candidate_of(block: dict[str, Any], trusted: TrustedBlock) -> Candidate:
    given = block["signed_header"]["header"]
    validators = validators_of(block["validator_set"])
    following = validators_of(block["next_validator_set"])
    height = int(given["height"])
    assert trusted.header is not None
    header = header_of(
        height,
        validators,
        time_ms=milliseconds(given["time"]),
        parent_id=block_id(trusted.header) if height == trusted.height + 1 else bytes(32),
        validators_hash=HASHES[given["validators_hash"]],
        next_validators_hash=HASHES[given["next_validators_hash"]],
        last_validators_change_height=height,
    )
    flags = block["signed_header"]["commit"]["signatures"]
    signed = sorted(
        signature_of(one["validator_address"]) for one in flags if one["block_id_flag"] == SIGNED
    )
    inside = {key.ljust(64, b"\0"): index for index, key in enumerate(validators.keys)}
    bitmap = bytearray(max(1, (len(validators.keys) + 7) // 8))
    for number, signature in enumerate(signed):
        bit = inside.get(signature, len(validators.keys) + number)
        bitmap[bit // 8] |= 1 << bit % 8
    commit = Commit(height, 0, block_id(header), bytes(bitmap), tuple(signed))
    return Candidate(header, commit, validators, following)


def initial_of(given: dict[str, Any]) -> TrustedBlock:
    header = given["signed_header"]["header"]
    following = validators_of(given["next_validator_set"])
    height = int(header["height"])
    return trust_header(
        header_of(
            height,
            following,
            time_ms=milliseconds(header["time"]),
            last_validators_change_height=height,
        ),
        following,
    )


@pytest.mark.parametrize("case", [one["case"] for one in CASES], ids=[one["name"] for one in CASES])
def test_every_case_of_the_model_gets_its_verdict(case: dict[str, Any]) -> None:
    trusted = initial_of(case["initial"])
    options = TrustOptions(int(case["initial"]["trusting_period"]) // 1_000_000)

    verdicts = []
    for step in case["input"]:
        candidate = candidate_of(step["block"], trusted)
        verdict = verify_next(trusted, candidate, milliseconds(step["now"]), options, is_named)
        verdicts.append(verdict)
        if isinstance(verdict, Trusted):
            trusted = verdict.block

    assert [type(one) for one in verdicts] == [VERDICTS[one["verdict"]] for one in case["input"]]
    assert trusted.height == max(
        [int(case["initial"]["signed_header"]["header"]["height"])]
        + [
            int(step["block"]["signed_header"]["header"]["height"])
            for step in case["input"]
            if step["verdict"] == "SUCCESS"
        ]
    )


def test_there_are_twenty_cases_with_all_three_verdicts() -> None:
    steps = [step["verdict"] for one in CASES for step in one["case"]["input"]]

    assert (len(CASES), sorted(set(steps))) == (20, sorted(VERDICTS))
