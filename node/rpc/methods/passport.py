"""`passport_*`: a vehicle's records in one file, made and checked; for developers.

`washnode passport` does both without giving a secret to a node or trusting one.
"""

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from typing_extensions import TypedDict

from chain.crypto import sha256
from chain.errors import MalformedBytesError
from chain.ids import decode_id
from chain.tree_part import prove_keys
from contracts.vm.container import code_id
from node import catalog
from node.passport.anchor import Anchor
from node.passport.build import (
    Collecting,
    NoPassportError,
    Shown,
    collect,
    with_beginning,
    with_vin,
)
from node.passport.form import Passport, write_passport
from node.passport.report import Report, Verdict
from node.passport.rows import NAME
from node.passport.verify import verify_passport
from node.rpc.errors import InvalidParamsError
from node.rpc.params import Height, Text, parse_hash
from node.rpc.reading.light_steps import candidate_at, steps_to
from node.rpc.registry import Call, Params, rpc_method
from node.storage.ledger import ChainLedger

FILE_BYTES_MAX = 3 * 1024 * 1024  # as base64 it fits in an answer
CHECKED_BYTES_MAX = 128 * 1024  # a file full of signatures then takes 0.2 s of the node's time
SECRETS_MAX = 256
_BASE64_MAX = (CHECKED_BYTES_MAX + 2) // 3 * 4
_VEHICLE_LENGTH_MAX = 90


def parse_vehicle(value: object) -> bytes:
    """Return the 32 bytes of a vehicle's id."""
    if not isinstance(value, str) or len(value) > _VEHICLE_LENGTH_MAX:
        raise ValueError("must be a vehicle's id like veh1...")
    try:
        return decode_id(value, "veh")
    except MalformedBytesError as fault:
        raise ValueError(f"{fault}; expected a vehicle's id like veh1...") from None


def parse_file(value: object) -> bytes:
    """Return the bytes of a file that is written as base64."""
    if not isinstance(value, str) or len(value) > _BASE64_MAX:
        raise ValueError(f"must be base64 of at most {CHECKED_BYTES_MAX} bytes")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64 with its padding") from None


def _text(description: str, **rest: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, **rest})


VehicleId = Annotated[
    bytes,
    PlainValidator(parse_vehicle),
    _text("A vehicle's id (bech32m).", pattern="^veh1[02-9ac-hj-np-z]{58}$"),
]
Hash = Annotated[
    bytes, PlainValidator(parse_hash), _text("64 lower-case hex digits.", pattern="^[0-9a-f]{64}$")
]
File = Annotated[
    bytes,
    PlainValidator(parse_file),
    _text(
        "A file as base64.",
        pattern="^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        maxLength=_BASE64_MAX,
    ),
]
RecordNumber = Annotated[int, Field(strict=True, ge=1, le=100_000)]


class CheckpointJson(Params):
    """Who the validators of a height were."""

    height: Height
    validators_hash: Hash


class VinJson(Params):
    """The number on a car's frame, and the salt under which its owner committed it."""

    salt: Hash
    number: Text


class PassportJson(TypedDict):
    """A passport file, and the block whose state it shows."""

    file: Annotated[str, Field(description="Its bytes as base64.")]
    bytes: int
    sha256: str
    chain_id: str
    height: int
    validators_hash: Annotated[str, Field(description="Of that block.")]


class CheckJson(TypedDict):
    """One thing that was looked at; `ok` is null where it could not be."""

    code: str
    ok: bool | None
    text: str
    zh: str


class PassportReportJson(TypedDict):
    """What a passport file shows; `facts` are empty unless every check is good."""

    ok: Annotated[bool, Field(description="Whether the verdict is good.")]
    verdict: Literal["good", "consistent, network unknown", "bad"]
    checks: list[CheckJson]
    facts: dict[str, Any]


@rpc_method(tier="shop", errors=(NoPassportError,))
def passport_build(
    call: Call,
    *,
    vehicle: VehicleId,
    secrets: Annotated[
        list[Hash],
        Field(min_length=1, max_length=SECRETS_MAX, description="All, from the first on."),
    ],
    keep_back: Annotated[
        list[RecordNumber],
        Field(max_length=SECRETS_MAX, description="Records whose contents stay out, from 1."),
    ] = [],  # noqa: B006 - pydantic copies it
    vin: VinJson | None = None,
) -> PassportJson:
    """Return the passport of a vehicle at the newest block.

    Whoever learns the secrets can read the vehicle's history: give them to your own node only.
    `washnode passport export` makes the same file and keeps them.
    """
    ledger = call.node.ledger
    collecting = collect(vehicle, tuple(secrets), set(keep_back).__contains__)
    made = _answer(ledger, collecting)
    if vin is not None:
        made = with_vin(made, vin.salt, vin.number)
    steps = steps_to(ledger, ledger.height)
    data = write_passport(with_beginning(made, ledger.genesis.canonical_bytes(), steps))
    if len(data) > FILE_BYTES_MAX:
        text = f"make a file of {len(data)} bytes; washnode passport export writes it"
        raise InvalidParamsError("secrets", text)
    return {
        "file": base64.b64encode(data).decode(),
        "bytes": len(data),
        "sha256": sha256(data).hex(),
        "chain_id": ledger.chain_id.hex(),
        "height": ledger.height,
        "validators_hash": ledger.head.validators_hash.hex(),
    }


@rpc_method()
def passport_verify(
    call: Call,  # noqa: ARG001 - the node's own chain is not asked
    *,
    file: File,
    genesis: Hash | None = None,
    checkpoint: CheckpointJson | None = None,
) -> PassportReportJson:
    """Return what a passport file shows, by the rules of `washnode passport verify`.

    A file may have 128 KiB; the command takes longer ones. The node's own chain is not asked:
    `genesis` (the chain's id) and `checkpoint` are all that is known besides the file. Without both
    the verdict is `consistent, network unknown` at best.
    """
    height = None if checkpoint is None else checkpoint.height
    validators = None if checkpoint is None else checkpoint.validators_hash
    report = verify_passport(file, Anchor(genesis, height, validators), known_codes())
    return report_json(report)


def known_codes() -> tuple[bytes, ...]:
    """Return the ids of the records contract's code that this program ships."""
    return (code_id(catalog.container_bytes(NAME)),)


def report_json(report: Report) -> PassportReportJson:
    """Return a report as JSON."""
    return {
        "ok": report.verdict is Verdict.GOOD,
        "verdict": report.verdict.value,
        "checks": [
            {"code": one.code, "ok": one.ok, "text": one.said(), "zh": one.said("zh")}
            for one in report.checks
        ],
        "facts": report.facts,
    }


def _answer(ledger: ChainLedger, collecting: Collecting) -> Passport:
    """Answer what a collection asks from the newest block, until it is done."""
    store, keys = ledger.store, next(collecting)
    if ledger.height == 0:
        raise NoPassportError("the chain has no certified block yet")
    while True:
        values = {key: store.get(key) for key in keys}
        shown = Shown(candidate_at(ledger, ledger.height), values, prove_keys(store, keys))
        try:
            keys = collecting.send(shown)
        except StopIteration as done:
            made: Passport = done.value
            return made
