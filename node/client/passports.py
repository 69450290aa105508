"""Fetching from a node what a passport or slip is made of; the vehicle's secrets stay here.

The node is asked for handles, and trusted with nothing: what it answers is checked like a file of a
stranger before it is handed on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chain.block import Commit, Header
from chain.codec import decode
from chain.errors import MalformedBytesError
from chain.genesis import read_beginning
from chain.tree_part import TreePart
from chain.validators import QuorumRule, ValidatorSet
from consensus import Candidate
from node.client.errors import BadAnswer, NotFound
from node.passport.anchor import find_steps
from node.passport.build import NoPassportError, Shown, collect, with_beginning
from node.passport.form import Passport
from node.passport.slip import FINISHED, write_slip
from node.rpc.params import PROVEN_KEYS_MAX

Ask = Callable[..., Any]  # method, parameters by name
HEADS_MAX = 20  # a chain that moves on between two questions makes them be asked again
PAGES_MAX = 1_000


def fetch_passport(
    ask: Ask,
    vehicle: bytes,
    secrets: Sequence[bytes],
    keeps_back: Callable[[int], bool] = lambda _number: False,
) -> Passport:
    """Return a vehicle's passport at the newest block; raises NoPassportError or BadAnswer.

    `keeps_back` tells of a record's number, from 1, whether its contents stay out.
    """
    try:
        collecting = collect(vehicle, tuple(secrets), keeps_back)
        keys = next(collecting)
        while True:
            try:
                keys = collecting.send(_prove(ask, keys))
            except StopIteration as done:
                return _lead_to(ask, done.value)
    except (MalformedBytesError, ValueError, KeyError, TypeError) as error:
        text = f"no proof of a vehicle's records: {error}"
        raise BadAnswer(text) from error


def fetch_slip(ask: Ask, contract: str, record: str) -> bytes:
    """Return the slip of a finished record; raises NotFound if it is not finished."""
    event = _find_end(ask, contract, record)
    height, origin = event["height"], event["origin"]["id"]
    block = ask("chain_getBlock", height=height, detail="ids")
    index = block["receipt_ids"].index(origin)
    proof = ask("chain_getProof", kind="receipt", height=height, index=index)
    try:
        leaf, path = bytes.fromhex(proof["leaf"]), map(bytes.fromhex, proof["path"])
        place = int(proof["index"]), int(proof["size"])
        return write_slip(read_candidate(proof), leaf, place, list(path))
    except (MalformedBytesError, ValueError, KeyError, TypeError) as error:
        text = f"no proof of a receipt: {error}"
        raise BadAnswer(text) from error


def read_candidate(proof: Mapping[str, Any]) -> Candidate:
    """Return the block that a proof of `chain_getProof` is about."""
    header = decode(Header, bytes.fromhex(proof["header"]))
    commit = decode(Commit, bytes.fromhex(proof["commit"]))
    validators = _read_set(proof, proof["validators"])
    following = proof.get("next_validators")
    after = validators if following is None else _read_set(proof, following)
    return Candidate(header, commit, validators, after)


def _read_set(proof: Mapping[str, Any], keys: Sequence[str]) -> ValidatorSet:
    rule = QuorumRule[str(proof["rule"]).upper()]
    return ValidatorSet(tuple([bytes.fromhex(key) for key in keys]), rule, int(proof["epoch"]))


def _prove(ask: Ask, keys: Sequence[bytes]) -> Shown:
    """Return what the newest block holds at keys, all of them under one header."""
    parts = [keys[at : at + PROVEN_KEYS_MAX] for at in range(0, len(keys), PROVEN_KEYS_MAX)]
    for _ in range(HEADS_MAX):
        answers = [ask("chain_getProofs", keys=[key.hex() for key in part]) for part in parts]
        if len({one["proof"]["header"] for one in answers}) == 1:
            return _join(keys, answers)
    raise NoPassportError("the chain moves on faster than its node answers; try again")


def _join(keys: Sequence[bytes], answers: Sequence[Mapping[str, Any]]) -> Shown:
    values = [value for one in answers for value in one["values"]]
    pieces = [
        tuple(dict.fromkeys(bytes.fromhex(piece) for one in answers for piece in one[name]))
        for name in ("nodes", "tails")
    ]
    held = [None if value is None else bytes.fromhex(value) for value in values]
    shown = dict(zip(keys, held, strict=True))
    return Shown(read_candidate(answers[0]["proof"]), shown, TreePart(pieces[0], pieces[1]))


def _lead_to(ask: Ask, passport: Passport) -> Passport:
    data = ask("chain_getGenesis")["bytes"]
    if data is None:
        return passport
    genesis = bytes.fromhex(data)

    def fetch(height: int) -> Candidate | None:
        try:
            return read_candidate(ask("chain_getProof", kind="block", height=height))
        except NotFound:  # a node that began from a snapshot
            return None

    return with_beginning(
        passport, genesis, find_steps(read_beginning(genesis), passport.head, fetch)
    )


def _find_end(ask: Ask, contract: str, record: str) -> Mapping[str, Any]:
    wish = {"type": f"{contract}.{FINISHED}", "values": {"record": record}}
    after = "earliest"
    for _ in range(PAGES_MAX):
        page = ask("events_query", filter=wish, after=after, limit=1)
        if page["items"]:
            found: Mapping[str, Any] = page["items"][0]
            return found
        if page["next"] is None:
            break
        after = page["next"]
    text = f"record {record[:16]} is not finished"
    raise NoPassportError(text)
