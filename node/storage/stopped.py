"""What can be told of a stopped chain without changing any of its files."""

import shutil
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from chain.errors import StoreError
from chain.store import Store
from chain.tables import THROW_AWAY
from node.storage.folder import held, link_files, read_height


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stopped chain: how its last run ended, its newest block's height and time (ms)."""

    is_clean: bool
    height: int
    head_time_ms: int
    came_to: int | None


def look_at_stopped(chain: Path) -> Stopped:
    """Look at the stopped chain in a folder; raises StoreError if it can not be read.

    A start that was cut off is left to the next start to settle.
    """
    place = Path(tempfile.mkdtemp(prefix=f"{chain.name}.look-", dir=chain.parent))
    try:
        with held(chain):
            link_files(chain, place / "chain")
        with closing(Store(str(place / "chain"), THROW_AWAY, create=False)) as store:
            height = store.head_height()
            time_ms = store.header(height).time_ms
            return Stopped(not store.was_dirty, height, time_ms, read_height(chain))
    except OSError as error:
        text = f"{chain}: {error.strerror or error}"
        raise StoreError(text) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(place)
