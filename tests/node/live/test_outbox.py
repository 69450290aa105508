"""What clients sent outlives the process, until it is final; a torn file loses its end alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.transaction import Transaction, Transfer, read_transaction, sign_transaction
from node.live import outbox
from node.live.outbox import Kept, Outbox
from node.storage.wal import frame
from tests.make import account, signer, word


def transfer_bytes(nonce: int) -> bytes:
    body = Transaction(
        version=1,
        chain_id=word("chain"),
        account=account("alice"),
        key=None,
        nonce=nonce,
        valid_until=10_000,
        gas_limit=10_000,
        sponsor=None,
        actions=(Transfer(word("money"), account("bob"), 1),),
        client_ref=None,
    )
    return sign_transaction(body, signer("alice"))


SIGNED = [transfer_bytes(nonce) for nonce in range(4)]
IDS = [read_transaction(data).tx_id for data in SIGNED]


def filled(path: Path, count: int = 3) -> None:
    box = Outbox(path)
    for tx_id, data in zip(IDS[:count], SIGNED[:count], strict=True):
        box.add(tx_id, data)
    box.close()


def found(path: Path) -> list[bytes]:
    box = Outbox(path)
    box.close()
    return list(box)


def test_what_was_added_and_not_removed_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "outbox.log"
    filled(path)
    box = Outbox(path)
    box.remove([IDS[1], IDS[3]])
    box.close()

    assert found(path) == [SIGNED[0], SIGNED[2]]


def test_the_same_twice_is_kept_once(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.log")
    for _ in range(2):
        box.add(IDS[0], SIGNED[0])
    box.close()

    assert (len(box), box.ids(), IDS[0] in box) == (1, IDS[:1], True)
    assert found(tmp_path / "outbox.log") == SIGNED[:1]


def test_without_a_file_it_lasts_as_long_as_the_process() -> None:
    box = Outbox(None)
    box.add(IDS[0], SIGNED[0])
    box.remove(IDS)

    assert list(box) == []


@given(cut=st.integers(0, 10_000))
def test_a_file_that_was_cut_loses_its_end_alone(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("box")
    path = folder / "outbox.log"
    filled(path)
    data = path.read_bytes()
    path.write_bytes(data[: cut % len(data)])

    left = found(path)

    assert left == SIGNED[: len(left)]
    assert found(path) == left


def test_a_damaged_record_costs_what_comes_after_it_and_no_start(tmp_path: Path) -> None:
    path = tmp_path / "outbox.log"
    filled(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    assert found(path) == SIGNED[:1]


def test_a_file_that_has_grown_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_GROWN_BYTES", 100)
    path = tmp_path / "outbox.log"
    box = Outbox(path)
    for tx_id, data in zip(IDS, SIGNED, strict=True):
        box.add(tx_id, data)
    before = path.stat().st_size
    box.remove(IDS[:3])
    after = path.stat().st_size
    box.close()

    assert after < before
    assert found(path) == SIGNED[3:]


def test_no_more_than_fits_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "OUTBOX_BYTES_MAX", len(SIGNED[0]) * 2)
    filled(tmp_path / "outbox.log")

    assert found(tmp_path / "outbox.log") == SIGNED[:2]


# What is over ----------------------------------------------------------------------------------


def states(path: Path) -> dict[bytes, object]:
    box = Outbox(path)
    box.close()
    return {one.tx_id: one.fate for one in (*box.over(), *box.waiting())}


def test_what_is_over_stays_with_its_reason_until_it_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "outbox.log"
    box = Outbox(path, lambda: (1_234, False))
    for tx_id, data in zip(IDS[:3], SIGNED[:3], strict=True):
        box.add(tx_id, data)
    box.end(IDS[0], "expired", 1006)
    box.end(IDS[1], "refused", -32_602, "不行")
    box.end(IDS[3], "refused")  # not kept
    box.close()
    again = Outbox(path)
    found = again.over()
    again.remove([IDS[1]])
    again.close()

    assert found == [
        Kept(IDS[0], SIGNED[0], 1_234, "expired", 1006, ""),
        Kept(IDS[1], SIGNED[1], 1_234, "refused", -32_602, "不行"),
    ]
    assert states(path) == {IDS[0]: "expired", IDS[2]: None}


@given(cut=st.integers(1, 10_000))
def test_wherever_the_plug_is_pulled_the_old_or_the_new_is_there_and_never_both(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("box") / "outbox.log"
    box = Outbox(path)
    box.add(IDS[0], SIGNED[0])
    box.end(IDS[0], "expired")
    before = path.stat().st_size
    box.renew(IDS[0], IDS[1], SIGNED[1])
    box.close()
    data = path.read_bytes()
    path.write_bytes(data[: before + cut % (len(data) - before + 1)])

    found = states(path)
    is_whole = path.stat().st_size and cut % (len(data) - before + 1) == len(data) - before

    assert found == ({IDS[1]: None} if is_whole else {IDS[0]: "expired"})


def test_under_which_id_something_was_signed_again_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "outbox.log"
    box = Outbox(path)
    box.add(IDS[0], SIGNED[0])
    box.end(IDS[0], "expired")
    box.renew(IDS[0], IDS[1], SIGNED[1])
    box.remove([IDS[1]])
    box.close()
    Outbox(path).close()  # the file is made anew each time
    again = Outbox(path)
    again.close()

    assert (again.renewed_as(IDS[0]), again.renewed_as(IDS[1]), len(again)) == (IDS[1], None, 0)


def test_only_so_many_that_are_over_are_kept_and_the_oldest_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "OVER_MAX", 2)
    path = tmp_path / "outbox.log"
    box = Outbox(path)
    for tx_id, data in zip(IDS, SIGNED, strict=True):
        box.add(tx_id, data)
        box.end(tx_id, "refused")
    box.close()

    assert list(states(path)) == IDS[2:]


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "outbox.log"
    path.write_bytes(b"".join(frame(b"+" + data) for data in SIGNED[:2]) + frame(b"-" + IDS[0]))

    assert states(path) == {IDS[1]: None}


@pytest.mark.parametrize("is_alone", [True, False])
def test_while_nobody_else_has_it_the_disk_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_alone: bool
) -> None:
    box = Outbox(tmp_path / "outbox.log", lambda: (1, is_alone))
    synced: list[int] = []
    monkeypatch.setattr("node.live.outbox.os.fsync", synced.append)
    box.add(IDS[0], SIGNED[0])
    box.close()

    assert len(synced) == is_alone
