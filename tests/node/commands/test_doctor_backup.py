"""`washnode doctor` about the first backup of a folder: it is due a week after the first start."""

import os
from pathlib import Path

import pytest

from chain.types import DAY_MS
from node.commands.doctor_checks import check_backup_age
from node.storage.backup import BACKUP_AGE_MS_MAX
from tests.make import START_MS

NEVER_RAN = "no backup yet: no node ran here so far"
DUE = "no backup yet; the first one is due by "
OVERDUE = "no backup was ever made; it was due by "


def test_a_first_backup_has_a_week_from_the_first_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.live.clock.read_wall_ms", lambda: START_MS)
    fix = (
        f"washnode backup create TARGET --data {tmp_path}, best onto another disk; "
        f"for a backup a day by itself: washnode backup nightly TARGET --data {tmp_path}"
    )
    never = check_backup_age(tmp_path)
    first_start = tmp_path / "tokens.json"
    first_start.touch(0o600)

    def seen_after(age_ms: int) -> tuple[str, str, str]:
        os.utime(first_start, ns=(0, (START_MS - age_ms) * 1_000_000))
        found = check_backup_age(tmp_path)
        return found.light, found.text.rstrip("0123456789-"), found.fix

    assert (never.light, never.text, never.fix) == ("yellow", NEVER_RAN, fix)
    assert [seen_after(age) for age in (-DAY_MS, 0, BACKUP_AGE_MS_MAX, BACKUP_AGE_MS_MAX + 1)] == [
        ("yellow", DUE, fix), ("yellow", DUE, fix), ("yellow", DUE, fix), ("red", OVERDUE, fix),
    ]  # fmt: skip


def test_a_shop_whose_node_makes_backups_is_told_where_and_when(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[store]\nbackup_to = "/media/usb"\n', encoding="utf-8")

    found = check_backup_age(tmp_path)

    text = "no backup yet; the first one is made once the shop is closed, into /media/usb"
    assert (found.light, found.text) == ("yellow", text)
