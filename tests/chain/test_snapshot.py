"""The form of snapshots: the same entries give the same chunks, and a changed byte is refused."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chain.snapshot
from chain.codec import encode_value
from chain.errors import SnapshotError
from chain.snapshot import (
    SNAPSHOT_VERSION,
    SnapshotManifest,
    check_chunk,
    decode_manifest,
    describe_chunk,
    encode_manifest,
    read_entries,
    snapshot_id,
    write_chunks,
)
from chain.state import QUEUE_PREFIX
from tests.consensus.light_chain import LightChain

LIGHT = LightChain("ann ben cid", 3)
KEYS = st.binary(min_size=1, max_size=40).filter(lambda key: key < QUEUE_PREFIX)
STATES = st.dictionaries(KEYS, st.binary(max_size=200), min_size=1, max_size=30)


def manifest_of(chunks: list[bytes]) -> SnapshotManifest:
    one = LIGHT.candidate(3)
    infos = tuple(describe_chunk(data) for data in chunks)
    return SnapshotManifest(
        SNAPSHOT_VERSION, one.header, one.commit, one.validators, one.next_validators, infos
    )


def cut(state: dict[bytes, bytes], size_bytes: int = 300) -> list[bytes]:
    with patch.object(chain.snapshot, "CHUNK_BYTES", size_bytes):
        return list(write_chunks(sorted(state.items())))


def put_together(manifest: SnapshotManifest, chunks: list[bytes]) -> dict[bytes, bytes]:
    state: dict[bytes, bytes] = {}
    last = b""
    for index, data in enumerate(chunks):
        entries = check_chunk(manifest, index, data, last)
        last = entries[-1][0]
        state.update(entries)
    return state


@given(state=STATES)
def test_chunks_give_back_all_entries_and_are_bounded(state: dict[bytes, bytes]) -> None:
    chunks = cut(state)
    manifest = manifest_of(chunks)

    assert put_together(manifest, chunks) == state
    assert (manifest.entries, manifest.size_bytes) == (len(state), sum(map(len, chunks)))
    assert all(len(data) <= 300 or len(read_entries(data)) == 1 for data in chunks)
    assert decode_manifest(encode_manifest(manifest)) == manifest


def test_the_queue_is_no_part_of_a_snapshot() -> None:
    state = {b"\x01a": b"1", QUEUE_PREFIX + b"due": b"pot", b"\xf1": b"none"}

    assert put_together(manifest_of(cut(state)), cut(state)) == {b"\x01a": b"1"}


@given(state=STATES, data=st.data())
def test_a_changed_byte_of_a_chunk_is_refused(
    state: dict[bytes, bytes], data: st.DataObject
) -> None:
    chunks = cut(state)
    manifest = manifest_of(chunks)
    index = data.draw(st.integers(0, len(chunks) - 1))
    at = data.draw(st.integers(0, len(chunks[index]) - 1))
    bent = bytearray(chunks[index])
    bent[at] ^= data.draw(st.integers(1, 255))
    chunks[index] = bytes(bent)

    with pytest.raises(SnapshotError):
        put_together(manifest, chunks)


@given(junk=st.binary(max_size=300))
def test_junk_is_refused_as_a_manifest_and_as_a_chunk(junk: bytes) -> None:
    with pytest.raises(SnapshotError):
        decode_manifest(junk)
    with pytest.raises(SnapshotError):
        check_chunk(manifest_of(cut({b"k": b"v"})), 0, junk)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [b"a"],
        [b"a", b"1", b"a", b"2"],
        [b"b", b"1", b"a", b"2"],
        [b"", b"1"],
        [QUEUE_PREFIX, b"1"],
        [b"a", "text"],
        [1, b"1"],
    ],
)
def test_entries_stand_in_order_and_are_leaves(items: list[bytes]) -> None:
    with pytest.raises(SnapshotError):
        read_entries(encode_value(items))


def test_chunks_of_one_snapshot_do_not_change_places() -> None:
    chunks = cut({bytes([number]) * 4: bytes(200) for number in range(1, 6)})
    manifest = manifest_of(chunks)

    assert len(chunks) == 5
    with pytest.raises(SnapshotError, match="chunk 1 is damaged, or of another snapshot"):
        check_chunk(manifest, 1, chunks[2], b"\x01")
    with pytest.raises(SnapshotError, match="chunk 5 of 5"):
        check_chunk(manifest, 5, chunks[0])
    with pytest.raises(SnapshotError, match="does not go on behind the one before it"):
        check_chunk(manifest, 1, chunks[1], b"\x03")


def test_the_id_of_a_snapshot_is_the_same_whoever_signed_the_block() -> None:
    chunks = cut({b"k": b"v"})
    manifest = manifest_of(chunks)
    few = LIGHT.candidate(3, ["ann", "ben", "cid"][1:])
    other = SnapshotManifest(
        SNAPSHOT_VERSION, few.header, few.commit, few.validators, few.next_validators,
        manifest.chunks,
    )  # fmt: skip

    assert other != manifest
    assert snapshot_id(other) == snapshot_id(manifest)
    assert snapshot_id(manifest_of(cut({b"k": b"w"}))) != snapshot_id(manifest)
