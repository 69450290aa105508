"""What clients sent outlives the process, until it is final; a torn file loses its end alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.transaction import Transaction, Transfer, read_transaction, sign_transaction
from node.live import outbox
from node.live.outbox import Outbox
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
