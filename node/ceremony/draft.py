"""The draft of a chain: all that its genesis says but who takes part."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from chain.crypto import hash_bytes
from chain.genesis import Genesis, GenesisAsset, ParamsModel, parse_genesis
from chain.types import SAFE_INT_MAX
from node.ceremony.form import ASSETS_MAX, VERSION, Form, PlainName, Version, read_form, refuse

_KIND: Literal["washnode genesis draft"] = "washnode genesis draft"
_NOBODY = ("00" * 32,)  # a genesis has a validator; a draft's stand-in has this one


class Draft(Form):
    """What members agree on first. `time_ms` is the time of height 0, ms UTC."""

    kind: Literal["washnode genesis draft"]
    version: Version
    name: PlainName
    time_ms: Annotated[int, Field(ge=0, le=SAFE_INT_MAX)]
    quorum: Literal["byzantine", "crash"]
    params: ParamsModel
    assets: Annotated[tuple[GenesisAsset, ...], Field(max_length=ASSETS_MAX)]


def make_draft(
    name: str,
    time_ms: int,
    *,
    assets: Sequence[GenesisAsset] = (),
    quorum: str = "byzantine",
    params: Mapping[str, int] | None = None,
) -> Draft:
    """Return a draft, checked as one that came as a file; raises GenesisError."""
    said: dict[str, Any] = {
        "kind": _KIND,
        "version": VERSION,
        "name": name,
        "time_ms": time_ms,
        "quorum": quorum,
        "params": dict(params or {}),
        "assets": [one.model_dump() for one in assets],
    }
    return parse_draft(json.dumps(said).encode())


def parse_draft(data: bytes) -> Draft:
    """Return the draft in a JSON file, or raise GenesisError that says what is wrong with it."""
    draft = read_form(Draft, data)
    check_draft(draft)
    return draft


def check_draft(draft: Draft) -> None:
    """Raise GenesisError unless a chain of members can begin as a draft says."""
    params = genesis_with(draft).chain_params()
    if params.dev:
        refuse("params.dev is 1: a chain that members sign is no development chain; leave it out")
    if params.heartbeat_ms == 0:
        refuse(
            "params.heartbeat_ms is 0: the clock of such a chain is moved by hand, which a chain "
            "that members sign can not have; leave it out"
        )


def genesis_with(draft: Draft, **members: Any) -> Genesis:
    """Return the genesis of a draft with `validators` and `accounts`, or raise GenesisError."""
    made = Genesis(
        name=draft.name,
        time_ms=draft.time_ms,
        quorum=draft.quorum,
        params=draft.params,
        assets=draft.assets,
        **{"validators": _NOBODY, **members},
    )
    return parse_genesis(made.model_dump_json().encode())


def draft_hash(draft: Draft) -> bytes:
    """Return the 32 bytes that tie a member's entry to this draft.

    They come from the id that the chain would have with nobody in it, so whatever counts for the
    chain's id counts here.
    """
    return hash_bytes("genesis-draft", genesis_with(draft).chain_id())
