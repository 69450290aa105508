"""The state tree against a naive recursive one, and its proofs against a forger."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import tree
from chain.errors import MalformedBytesError
from chain.tree_record import EMPTY_TREE_ROOT

Pairs = list[tuple[bytes, bytes]]


class Records:
    """A store of records in memory."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}

    def get_node(self, path: bytes, /) -> bytes | None:
        return self.records.get(path)

    def apply(self, changes: Mapping[bytes, bytes | None]) -> bytes:
        """Update the tree, write its records, return the root."""
        update = tree.update_tree(self, changes)
        for path, record in update.nodes.items():
            if record is None:
                self.records.pop(path, None)
            else:
                self.records[path] = record
        return update.root


def grown(state: Mapping[bytes, bytes | None]) -> tuple[Records, bytes]:
    records = Records()
    return records, records.apply(state)


def naive_root(state: Mapping[bytes, bytes]) -> bytes:
    """Hash the tree of a whole state, straight from its definition."""
    pairs = [(tree.hash_key(key), sha256(value).digest()) for key, value in state.items()]
    if not pairs:
        return bytes(32)
    return naive_node(pairs, 0)


def naive_node(pairs: Pairs, depth: int) -> bytes:
    if len(pairs) == 1:
        return sha256(b"\x00" + pairs[0][0] + pairs[0][1]).digest()
    inner, leaf, hashes = 0, 0, b""
    for nibble in range(16):
        inside = [pair for pair in pairs if int(pair[0].hex()[depth], 16) == nibble]
        if inside:
            hashes += naive_node(inside, depth + 1)
        inner += (len(inside) > 1) << nibble
        leaf += (len(inside) == 1) << nibble
    return sha256(b"\x01" + inner.to_bytes(2, "big") + leaf.to_bytes(2, "big") + hashes).digest()


@contextmanager
def hashing_with(hash_key: Callable[[bytes], bytes]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "hash_key", hash_key)
        yield


def crowded(key: bytes) -> bytes:
    """Place keys so that they share long runs of nibbles: the key itself, then zeros."""
    return key.ljust(32, b"\x00")


# Keys of few different bytes: with `crowded` they share anything from 0 to 63 nibbles.
CROWDED_KEYS = st.one_of(
    st.binary(min_size=1, max_size=2).map(lambda tail: (b"\x11" * 32)[: 32 - len(tail)] + tail),
    st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11]), min_size=32, max_size=32).map(bytes),
)
VALUES = st.binary(max_size=3)
BATCHES = st.lists(st.dictionaries(CROWDED_KEYS, st.none() | VALUES, max_size=12), max_size=6)


def numbered(count: int, *, seed: int = 1) -> dict[bytes, bytes]:
    rng = Random(seed)
    return {rng.randbytes(5): rng.randbytes(4) for _ in range(count)}


def assert_matches(records: Records, state: Mapping[bytes, bytes]) -> None:
    """Demand the very records and root of a tree that was grown in one go."""
    fresh, root = grown(state)
    assert records.records == fresh.records
    assert tree.tree_root(records) == root == naive_root(state)


@given(BATCHES)
def test_any_history_over_crowded_keys_gives_the_tree_of_what_is_left(
    batches: list[dict[bytes, bytes | None]],
) -> None:
    with hashing_with(crowded):
        records, state = Records(), dict[bytes, bytes]()
        for batch in batches:
            root = records.apply(batch)

            for key, value in batch.items():
                if value is None:
                    state.pop(key, None)
                else:
                    state[key] = value
            assert root == naive_root(state)
            assert_matches(records, state)


@given(st.integers(1, 300), st.integers(1, 60), st.randoms(use_true_random=False))
def test_order_and_batches_do_not_matter(count: int, size: int, rng: Random) -> None:
    state = numbered(count)
    order = rng.sample(sorted(state), count)
    records = Records()

    for start in range(0, count, size):
        records.apply({key: state[key] for key in order[start : start + size]})

    assert_matches(records, state)


@given(st.integers(1, 300), st.integers(0, 300), st.randoms(use_true_random=False))
def test_deletes_take_back_what_inserts_did(kept: int, added: int, rng: Random) -> None:
    state, extra = numbered(kept), numbered(added, seed=2)
    records, _ = grown({**state, **extra})
    order = rng.sample(sorted(extra), added)
    middle = added // 2

    records.apply(dict.fromkeys(order[:middle]))
    records.apply(dict.fromkeys(order[middle:]))

    assert_matches(records, state)


def test_the_last_delete_leaves_an_empty_store() -> None:
    state = numbered(50)
    records, _ = grown(state)

    root = records.apply(dict.fromkeys(state))

    assert (root, records.records) == (EMPTY_TREE_ROOT, {})


def test_a_lone_leaf_is_the_root_and_has_a_record() -> None:
    tail = sha256(b"key").digest() + sha256(b"value").digest()

    records, root = grown({b"key": b"value"})

    assert root == tree.tree_root(records) == sha256(b"\x00" + tail).digest()
    nibble = tail[0] >> 4
    assert records.records == {b"": bytes(2) + (1 << nibble).to_bytes(2, "big") + root + tail}


def test_two_keys_are_one_inner_node_of_documented_bytes() -> None:
    low, high = b"\x0f" + bytes(31), b"\xf0" + bytes(31)
    value_hash = sha256(b"v").digest()
    leaves = [sha256(b"\x00" + key + value_hash).digest() for key in (low, high)]
    hashed = b"\x00\x00" + b"\x80\x01" + leaves[0] + leaves[1]

    with hashing_with(crowded):
        records, root = grown({high: b"v", low: b"v"})

    assert records.records == {b"": hashed + low + value_hash + high + value_hash}
    assert root == sha256(b"\x01" + hashed).digest()


def test_deleting_absent_keys_changes_nothing() -> None:
    records, root = grown(numbered(100))

    update = tree.update_tree(records, dict.fromkeys(numbered(100, seed=2)))
    nothing = tree.update_tree(records, {})
    on_empty = tree.update_tree(Records(), {b"key": None})

    assert update == nothing == tree.TreeUpdate(root, {})
    assert on_empty == tree.TreeUpdate(EMPTY_TREE_ROOT, {})


def test_an_update_leaves_the_store_to_its_caller() -> None:
    records, root = grown(numbered(30))
    before = dict(records.records)

    update = tree.update_tree(records, numbered(30, seed=2))

    assert records.records == before
    assert update.root != root


def test_keys_that_differ_in_the_last_nibble_reach_the_deepest_node() -> None:
    near, far = bytes(31) + b"\x01", bytes(32)

    with hashing_with(crowded):
        records, root = grown({near: b"a", far: b"b"})
        proof = tree.prove_key(records, near)

        assert sorted(map(len, records.records)) == list(range(64))
        assert root == naive_root({near: b"a", far: b"b"})
        assert len(proof.nodes) == 64
        assert tree.verify_proof(root, near, b"a", proof)


def test_a_missing_record_is_a_broken_tree_that_names_its_path() -> None:
    state = numbered(300)
    records, _ = grown(state)
    path = next(path for path in records.records if len(path) == 1)
    del records.records[path]
    key = next(key for key in state if sha256(key).hexdigest().startswith(path.decode()))

    for attempt in (
        lambda: tree.update_tree(records, {key: b"new"}),
        lambda: tree.update_tree(records, dict.fromkeys(state, b"new")),
        lambda: tree.prove_key(records, key),
    ):
        with pytest.raises(tree.BrokenTreeError) as caught:
            attempt()

        assert caught.value.path == path


@given(st.integers(1, 300))
def test_every_key_has_a_proof_of_its_value_and_of_no_other(count: int) -> None:
    state = numbered(count)
    records, root = grown(state)

    for key, value in state.items():
        proof = tree.prove_key(records, key)

        verdicts = [
            tree.verify_proof(root, key, claim, proof) for claim in (value, value + b"!", None)
        ]
        assert verdicts == [True, False, False]


@given(st.integers(0, 300))
def test_every_absent_key_has_a_proof_of_absence_and_of_nothing_else(count: int) -> None:
    records, root = grown(numbered(count))

    for key in numbered(60, seed=2):
        proof = tree.prove_key(records, key)

        verdicts = [tree.verify_proof(root, key, claim, proof) for claim in (None, b"", b"value")]
        assert verdicts == [True, False, False]


@given(st.sets(CROWDED_KEYS, max_size=20), st.sets(CROWDED_KEYS, max_size=20))
def test_proofs_hold_over_crowded_keys(present: set[bytes], asked: set[bytes]) -> None:
    with hashing_with(crowded):
        records, root = grown(dict.fromkeys(present, b"value"))

        for key in sorted(present | asked):
            value = b"value" if key in present else None
            proof = tree.Proof.from_value(tree.prove_key(records, key).to_value())

            assert tree.verify_proof(root, key, value, proof)
            assert not tree.verify_proof(root, key, None if value else b"value", proof)


@given(st.integers(1, 200), st.integers(0, 99), st.data())
def test_a_tampered_proof_is_refused(count: int, pick: int, data: st.DataObject) -> None:
    state = numbered(count)
    records, root = grown(state)
    key = (sorted(state) + sorted(numbered(count, seed=2)))[pick % (2 * count)]
    proof = tree.prove_key(records, key)
    parts = [*proof.nodes, proof.other]
    place = data.draw(st.integers(0, len(parts) - 1))
    part = parts[place]
    kind = data.draw(st.sampled_from(["flip", "cut", "grow", "drop", "double"]))
    if kind == "flip" and part:
        bit = data.draw(st.integers(0, len(part) * 8 - 1))
        number = int.from_bytes(part, "big") ^ 1 << bit
        parts[place] = number.to_bytes(len(part), "big")
    elif kind == "cut" and part:
        parts[place] = part[:-1]
    elif kind == "drop" and place < len(parts) - 1:
        del parts[place]
    elif kind == "double" and place < len(parts) - 1:
        parts.insert(place, part)
    else:
        parts[place] = part + b"\x00"

    forged = tree.Proof(tuple(parts[:-1]), parts[-1])

    assert forged != proof
    assert not tree.verify_proof(root, key, state.get(key), forged)


@given(st.integers(1, 100), st.integers(0, 99), st.integers(0, 99))
def test_the_proof_of_one_key_says_nothing_false_of_another(
    count: int, first: int, second: int
) -> None:
    state = numbered(count)
    records, root = grown(state)
    keys = sorted(state)
    key, other = keys[first % count], keys[second % count]
    proof = tree.prove_key(records, key)

    # A proof for a neighbour may prove another key too, but never a value that is not there.
    assert not tree.verify_proof(root, other, None, proof)
    assert not tree.verify_proof(root, other, state[other] + b"!", proof)
    shown = replace(proof, other=sha256(key).digest() + sha256(state[key]).digest())
    assert not tree.verify_proof(root, key, None, shown)


def test_nonsense_is_refused_and_never_raises() -> None:
    records, root = grown(numbered(20))
    proof = tree.prove_key(records, b"absent")
    nonsense: list[tuple[object, ...]] = [
        (None, b"absent", None, proof),
        (root[1:], b"absent", None, proof),
        (root, "absent", None, proof),
        (root, b"absent", 7, proof),
        (root, b"absent", None, None),
        (root, b"absent", None, tree.Proof([1], b"")),  # type: ignore[arg-type]
        (root, b"absent", None, tree.Proof((1,), b"")),  # type: ignore[arg-type]
        (root, b"absent", None, tree.Proof(proof.nodes, None)),  # type: ignore[arg-type]
        (root, b"absent", None, tree.Proof(proof.nodes * 65, b"")),
        (root, b"absent", None, tree.Proof((), b"")),
        (sha256(b"\x01").digest(), b"absent", None, tree.Proof((b"",), b"")),
        (sha256(b"\x01\x00").digest(), b"absent", None, tree.Proof((b"\x00",), b"")),
        (
            sha256(b"\x01" + b"\xff" * 516).digest(),
            b"absent",
            None,
            tree.Proof((b"\xff" * 516,), b""),
        ),
    ]

    verdicts = [tree.verify_proof(*arguments) for arguments in nonsense]  # type: ignore[arg-type]

    assert verdicts == [False] * len(nonsense)


@pytest.mark.parametrize(
    "value",
    [None, [], [[]], [[], b"", b""], [[1], b""], [b"", b""], [[], ""], [[b""] * 65, b""], "ab"],
)
def test_a_malformed_proof_value_is_a_typed_error(value: object) -> None:
    with pytest.raises(MalformedBytesError, match="a tree proof is"):
        tree.Proof.from_value(value)
