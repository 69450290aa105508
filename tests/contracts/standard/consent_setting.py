"""A world with the consent contract: an owner, a shop that writes, others who ask."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from chain.types import DAY_MS
from node.workbench import World

CONSENT = Path(__file__).parents[3] / "contracts" / "standard" / "consent.wash"
ALL_KINDS = 63
NOTES = 1 << 3
ANY = bytes(32)  # the scope of a consent to kinds instead of one blob
KEYS = sha256(b"wrapped keys").digest()


@cache
def _made() -> World:
    world = World()
    world.add(CONSENT, install=True)
    for name in ("owner", "shop", "reader", "gateway"):
        world.account(name)
    world.give_role("stranger", "member", held=False)
    return world


def new_world() -> World:
    """Return a fresh world."""
    return _made().copy()


def register(world: World, *, by: str = "shop", content: bytes = b"1", **given: Any) -> str:
    """Put a blob of the owner's on record; returns its id."""
    order = {
        "owner": "owner", "content": sha256(content).digest(), "size": 1_000, "kind": "NOTES",
        "epoch": world.view("epoch", "owner"), "keys": KEYS, "holder": "shop", **given,
    }  # fmt: skip
    found: str = world.call(by, "register", sponsor=order["holder"], **order)
    return found


def ask(world: World, *, by: str = "reader", **given: Any) -> str:
    """Ask the owner for all notes; returns the id of the question."""
    order = {
        "owner": "owner", "scope": ANY, "kinds": NOTES, "purpose": "HISTORY",
        "until": world.now + 30 * DAY_MS, **given,
    }  # fmt: skip
    found: str = world.call(by, "request", **order)
    return found


def grant(world: World, *, by: str = "owner", **given: Any) -> str:
    """Let the reader read all notes; returns the id of the consent."""
    order = {
        "reader": "reader", "scope": ANY, "kinds": NOTES, "purpose": "HISTORY", "begins": 0,
        "until": world.now + 30 * DAY_MS, "keys": KEYS, **given,
    }  # fmt: skip
    found: str = world.call(by, "grant", **order)
    return found


def may_read(world: World, blob: str, who: str = "reader", purpose: str = "HISTORY") -> bool:
    found: bool = world.view("may_read", who, blob, purpose)
    return found
