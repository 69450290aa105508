"""A chain that is made beside the one in use, and takes its place at a height far above.

It is made in `chain.fetched.restoring`, is whole as `chain.fetched`, and the chain that it replaces
is `chain.old` for a moment. Whatever instant the machine stops at, one of the two is opened by the
next start, and what was taken in is still there.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from chain.errors import StoreError
from chain.genesis import Genesis
from chain.snapshot import SnapshotManifest
from chain.state import State
from chain.store import Store
from chain.tables import THROW_AWAY
from chain.validators import ValidatorSet, read_validators
from node.files import move_over
from node.storage.folder import beside, holds_database, real, sync_folder
from node.storage.snapshot import Restoring, find_begun


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole chain that waits to take another's place."""

    height: int
    validators: ValidatorSet  # of the block after it


def begin_fetching(chain: Path, genesis: Genesis, manifest: SnapshotManifest) -> Restoring:
    """Begin to make the chain that shall replace the one in folder `chain`, or go on with it.

    Raises SnapshotError, StoreError; see `Restoring`.
    """
    fetched = beside(chain, "fetched")
    shutil.rmtree(fetched, ignore_errors=True)  # a whole one that was of no use
    return Restoring(fetched, genesis, manifest)


def begun_snapshot(chain: Path) -> bytes | None:
    """Return the id of the snapshot of which `begin_fetching` would go on, or None."""
    return find_begun(beside(chain, "fetched"))


def find_fetched(chain: Path) -> Fetched | None:
    """Return the whole chain that a stop kept from taking the place of `chain`, or None."""
    fetched = beside(chain, "fetched")
    if not holds_database(fetched):
        return None
    try:
        with Store(str(fetched), THROW_AWAY, create=False) as store:
            return Fetched(store.head_height(), read_validators(State(store)))
    except StoreError:
        return None


def put_in_place(chain: Path) -> None:
    """Let the fetched chain take the place of `chain`, which is closed; raises OSError.

    If that fails, or a stop comes between, the chain is as it was.
    """
    place = real(chain)
    fetched, old = beside(chain, "fetched"), beside(chain, "old")
    shutil.rmtree(old, ignore_errors=True)
    move_over(place, old)
    try:
        move_over(fetched, place)
    except OSError:
        move_over(old, place)
        raise
    sync_folder(place.parent)
    shutil.rmtree(old, ignore_errors=True)


def tidy(chain: Path) -> None:
    """Remove what a replaced chain left, and a whole one that is of no use any more."""
    shutil.rmtree(beside(chain, "fetched"), ignore_errors=True)
    if holds_database(real(chain)):
        shutil.rmtree(beside(chain, "old"), ignore_errors=True)
