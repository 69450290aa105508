"""Parts of a state tree show what single proofs show, and nothing that was changed."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import tree
from chain.errors import MalformedBytesError
from chain.tree_part import PartReader, TreePart, prove_keys
from tests.chain.test_tree import grown

states = st.dictionaries(st.binary(max_size=3), st.binary(max_size=3), max_size=40)
keys = st.lists(st.binary(max_size=3), max_size=12)


@given(states, keys, st.binary(max_size=3))
def test_a_part_shows_what_the_single_proofs_show(
    state: dict[bytes, bytes], asked: list[bytes], other: bytes
) -> None:
    records, root = grown({**state})
    reader = PartReader(root, prove_keys(records, asked))

    shown = [
        reader.shows(key, None if key not in state else sha256(state[key]).digest())
        for key in asked
    ]
    false = [reader.shows(key, sha256(other).digest()) for key in asked if state.get(key) != other]
    false += [reader.shows(key, None) for key in asked if key in state]

    single = [
        tree.verify_proof(root, key, state.get(key), tree.prove_key(records, key)) for key in asked
    ]
    assert shown == single == [True] * len(asked)
    assert not any(false)


@given(states, keys, keys)
def test_what_was_needed_shows_the_same_and_nothing_less_does(
    state: dict[bytes, bytes], asked: list[bytes], more: list[bytes]
) -> None:
    records, root = grown({**state})
    whole = PartReader(root, prove_keys(records, asked + more))
    facts = [(key, sha256(state[key]).digest() if key in state else None) for key in asked]
    assert all(whole.shows(*fact) for fact in facts)

    part = whole.needed()

    assert all(PartReader(root, part).shows(*fact) for fact in facts)
    for number in range(len(part.nodes) + len(part.tails)):
        nodes, tails = list(part.nodes), list(part.tails)
        if number < len(nodes):
            del nodes[number]
        else:
            del tails[number - len(nodes)]
        lesser = PartReader(root, TreePart(tuple(nodes), tuple(tails)))
        assert not all(lesser.shows(*fact) for fact in facts)


def test_pieces_that_no_tree_has_are_refused() -> None:
    records, root = grown({bytes([number]): b"" for number in range(40)})
    part = prove_keys(records, [b"a", b"b"])

    for wrong in (
        TreePart((*part.nodes, b"\x00"), part.tails),
        TreePart((*part.nodes, b"\x00\x01\x00\x01" + bytes(32)), part.tails),
        TreePart(part.nodes, (*part.tails, bytes(63))),
        TreePart((*part.nodes, part.nodes[0]), part.tails),
    ):
        with pytest.raises(MalformedBytesError):
            PartReader(root, wrong)


def test_a_part_under_another_root_shows_nothing() -> None:
    records, _ = grown({b"a": b"1", b"b": b"2"})
    part = prove_keys(records, [b"a", b"c"])

    reader = PartReader(sha256(b"other").digest(), part)

    assert not reader.shows(b"a", sha256(b"1").digest())
    assert not reader.shows(b"c", None)
