"""Backups by themselves: one a day while the shop is closed, into the folder of the settings."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chain.types import HOUR_MS
from node.config import Config
from node.files import put_whole
from node.live.opening import is_open_time, names_hours
from node.rpc.methods.admin_copy import admin_backup
from node.rpc.registry import Call
from node.storage.backup import (
    BackupError,
    Made,
    create_backup,
    last_backup,
    note_backup,
    read_manifest,
)
from node.storage.copying import CopiedHead

LOOK_S = 60.0
STOP_S = 0.2  # a stop of the node waits so long for the thread that saves
KEPT = 7  # in one folder; older ones that this node made by itself go
AGE_MS = 20 * HOUR_MS  # an evening that is a little earlier than yesterday's is one all the same
LATE_MS = 36 * HOUR_MS  # at any hour then: this computer is off at night
RETRY_MS = HOUR_MS
MADE_NAME = "nightly.json"  # in the data folder: what was made by itself
REMEMBERED_MAX = 8 * KEPT  # also of disks that are elsewhere now
_NIGHT = range(3, 5)  # local hours of a node without opening hours

_log = logging.getLogger("washnode.backup")


def is_due(last_ms: int | None, begun_ms: int, now_ms: int, *, is_quiet: bool) -> bool:
    """Tell whether a backup is to be made now; the first one at the first quiet moment."""
    age_ms = now_ms - (begun_ms if last_ms is None else last_ms)
    if age_ms >= LATE_MS or age_ms <= -LATE_MS:  # the clock was wrong then, or is now
        return True
    return is_quiet and (last_ms is None or age_ms >= AGE_MS)


class _MadeHere(BaseModel):
    """A backup that this node made by itself; the time tells it from another one of its name."""

    model_config = ConfigDict(frozen=True, strict=True)
    folder: Annotated[str, Field(max_length=4_096)]
    made_at_ms: int


_LIST = TypeAdapter(list[_MadeHere])


class Nightly:
    """Makes the backups of one node while it runs; its trouble is told and tried again."""

    def __init__(self, node: Any, config: Config) -> None:
        assert config.store.backup_to, "without a folder there is nothing to do"
        self._node, self._config = node, config
        self._target = Path(config.store.backup_to).absolute()
        self._begun_ms = node.clock.now_ms()
        self._retry_ms = 0
        self._is_over = False
        self.thread: Thread | None = None  # which saves, while it does

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                await self.look()
        finally:
            self._is_over = True

    async def look(self) -> Made | None:
        """Make a backup if one is due; returns it. What fails is tried again an hour later."""
        now_ms = self._node.clock.now_ms()
        last = last_backup(self._config.data_dir)
        last_ms = None if last is None else last.made_at_ms
        if now_ms < self._retry_ms:
            return None
        if not is_due(last_ms, self._begun_ms, now_ms, is_quiet=self._is_quiet(now_ms)):
            return None
        try:
            made = await self._make(now_ms)
        except Exception as error:  # noqa: BLE001 - told; the node goes on without a backup
            self._retry_ms = now_ms + RETRY_MS
            _log.warning("no backup could be made, in an hour it is tried again: %s", error)
            return None
        _log.info("backed up", extra={"folder": str(made.folder)})
        return made

    def _is_quiet(self, now_ms: int) -> bool:
        zone = self._config.pages.zone
        if names_hours(self._node):
            return not is_open_time(self._node, now_ms, zone, margin_ms=0)
        try:
            place = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            place = ZoneInfo("UTC")
        return datetime.fromtimestamp(now_ms // 1_000, UTC).astimezone(place).hour in _NIGHT

    async def _make(self, now_ms: int) -> Made:
        loop = asyncio.get_running_loop()

        def copy_chain(folder: Path) -> CopiedHead:
            copying = asyncio.run_coroutine_threadsafe(self._copy(folder), loop)
            while not wait([copying], STOP_S).done:
                if self._is_over:
                    copying.cancel()
                    raise BackupError("the node stops")
            return copying.result()

        def save() -> Made:
            # Made anew it would lie on the disk that is to be saved; a share that is down answers
            # such a question after a minute.
            if not self._target.is_dir():
                text = f"{self._target} is not there; is its disk plugged in?"
                raise BackupError(text)
            data = self._config.data_dir
            made = create_backup(
                data,
                self._config.genesis_path,
                self._target,
                copy_chain,
                now_ms=now_ms,
                program=self._node.version,
            )
            note_backup(data, made)
            _drop_old(data, made)
            return made

        return await self._beside(save)

    async def _beside(self, work: Callable[[], Made]) -> Made:
        """Do some work in a thread of its own, for which a stop of the node does not wait.

        What it leaves unfinished the next backup takes away.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Made] = loop.create_future()

        def tell(made: Made | None, error: BaseException | None) -> None:
            if outcome.done():
                return
            if made is not None:
                outcome.set_result(made)
            elif error is not None:
                outcome.set_exception(error)

        def run() -> None:
            made, error = None, None
            try:
                made = work()
            except BaseException as caught:  # noqa: BLE001 - it is told to who waits
                error = caught
            with suppress(RuntimeError):  # nobody waits: the node has stopped
                loop.call_soon_threadsafe(tell, made, error)

        self.thread = Thread(target=run, name="backup", daemon=True)
        self.thread.start()
        return await outcome

    async def _copy(self, folder: Path) -> CopiedHead:
        said = await admin_backup(Call(self._node, "admin"), path=str(folder))
        return CopiedHead(
            chain_id=bytes.fromhex(said["chain_id"]),
            height=said["height"],
            head_id=bytes.fromhex(said["head_id"]),
            head_time_ms=said["head_time_ms"],
        )


def _drop_old(data: Path, made: Made) -> None:
    """Take away the oldest of what this node made by itself beside this one.

    Others' backups of the same chain may lie there, and some that people made: those stay.
    """
    fresh = _MadeHere(folder=str(made.folder), made_at_ms=made.manifest.made_at_ms)
    known = [*_made_here(data), fresh]
    beside = [one for one in known if Path(one.folder).parent == made.folder.parent]
    old = beside[:-KEPT]
    for one in old:
        with suppress(OSError, BackupError):
            if read_manifest(Path(one.folder)).made_at_ms == one.made_at_ms:
                shutil.rmtree(one.folder)
    rest = [one for one in known if one not in old][-REMEMBERED_MAX:]
    text = _LIST.dump_json(rest, indent=1).decode() + "\n"
    put_whole(data / MADE_NAME, text, replace=True, is_private=True)


def _made_here(data: Path) -> list[_MadeHere]:
    """Return what this node made by itself, the oldest first; a list that is lost is begun anew."""
    try:
        return _LIST.validate_json((data / MADE_NAME).read_bytes())
    except (OSError, ValidationError):
        return []
