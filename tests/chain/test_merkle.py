"""Merkle trees over lists, against the definitions of RFC 6962 written out as recursion."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from chain import merkle

HASHES = st.binary(min_size=32, max_size=32)
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.binary(max_size=40), HASHES
)


def leaves_of(count: int) -> list[bytes]:
    return [number.to_bytes(2, "big") for number in range(count)]


def split_of(size: int) -> int:
    """Return the largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = split_of(len(leaves))
    left, right = root_by_definition(leaves[:split]), root_by_definition(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


def inclusion_by_definition(leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = split_of(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return [*inclusion_by_definition(left, index), root_by_definition(right)]
    return [*inclusion_by_definition(right, index - split), root_by_definition(left)]


def consistency_by_definition(leaves: list[bytes], size_a: int, *, whole: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2, SUBPROOF."""
    if size_a == len(leaves):
        return [] if whole else [root_by_definition(leaves)]
    split = split_of(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if size_a <= split:
        inside = consistency_by_definition(left, size_a, whole=whole)
        return [*inside, root_by_definition(right)]
    inside = consistency_by_definition(right, size_a - split, whole=False)
    return [*inside, root_by_definition(left)]


@given(st.lists(st.binary(max_size=70), max_size=70))
def test_the_root_is_the_one_of_the_definition(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == root_by_definition(leaves)


def test_every_inclusion_path_is_the_one_of_the_definition_and_verifies() -> None:
    for size in range(1, 35):
        leaves = leaves_of(size)
        root = merkle.root(leaves)

        paths = [merkle.inclusion_path(leaves, index) for index in range(size)]

        assert paths == [inclusion_by_definition(leaves, index) for index in range(size)]
        assert all(
            merkle.verify_inclusion(merkle.leaf_hash(leaves[index]), index, size, path, root)
            for index, path in enumerate(paths)
        )


def test_every_consistency_path_is_the_one_of_the_definition_and_verifies() -> None:
    for size in range(1, 35):
        leaves = leaves_of(size)
        roots = [merkle.root(leaves[:count]) for count in range(size + 1)]

        paths = [merkle.consistency_path(leaves, size_a) for size_a in range(1, size + 1)]

        assert paths == [
            consistency_by_definition(leaves, size_a, whole=True) for size_a in range(1, size + 1)
        ]
        assert all(
            merkle.verify_consistency(size_a, size, roots[size_a], roots[size], path)
            for size_a, path in enumerate(paths, start=1)
        )


@given(st.integers(1, 40), st.data())
def test_a_path_proves_one_leaf_at_one_index(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index, claimed_index = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    leaf = data.draw(st.sampled_from(leaves))
    path, root = merkle.inclusion_path(leaves, index), merkle.root(leaves)

    verdict = merkle.verify_inclusion(merkle.leaf_hash(leaf), claimed_index, size, path, root)

    assert verdict == (claimed_index == index and leaf == leaves[index])


@given(st.integers(2, 40), st.data())
def test_a_changed_path_is_refused(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    path, root = merkle.inclusion_path(leaves, index), merkle.root(leaves)
    place = data.draw(st.integers(0, len(path) - 1))
    kind = data.draw(st.sampled_from(["flip", "drop", "double", "short", "swap for a text"]))
    changed: list[object] = list(path)
    if kind == "drop":
        del changed[place]
    elif kind == "double":
        changed.insert(place, path[place])
    else:
        flipped = bytes([path[place][0] ^ 1]) + path[place][1:]
        changed[place] = {"flip": flipped, "short": path[place][1:]}.get(kind, "text")

    leaf = merkle.leaf_hash(leaves[index])

    assert not merkle.verify_inclusion(leaf, index, size, changed, root)  # type: ignore[arg-type]


@given(ANYTHING, ANYTHING, ANYTHING, st.one_of(ANYTHING, st.lists(ANYTHING)), ANYTHING)
def test_nonsense_is_refused_and_never_raises(
    first: object, second: object, third: object, path: object, last: object
) -> None:
    inclusion = merkle.verify_inclusion(first, second, third, path, last)  # type: ignore[arg-type]
    consistency = merkle.verify_consistency(second, third, first, last, path)  # type: ignore[arg-type]

    trivially_true = type(third) is int and third > 0 and type(second) is int and path == []
    assert not inclusion or (trivially_true and first == last)
    assert not consistency or (trivially_true and second == third and first == last)


def test_huge_and_negative_numbers_are_refused() -> None:
    leaf = merkle.leaf_hash(b"")
    numbers = [-1, 2**63, 2**64 - 1, 10**30]

    verdicts = [merkle.verify_inclusion(leaf, number, 1, [], leaf) for number in numbers]
    verdicts += [merkle.verify_inclusion(leaf, 0, number, [leaf] * 70, leaf) for number in numbers]
    verdicts += [merkle.verify_consistency(1, number, leaf, leaf, []) for number in numbers]

    assert verdicts == [False] * 12


def test_consistency_with_an_empty_tree_is_refused() -> None:
    root = merkle.root([b"a"])

    verdicts = [
        merkle.verify_consistency(0, 1, merkle.EMPTY_ROOT, root, []),
        merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, []),
    ]

    assert verdicts == [False, False]


def test_a_path_beyond_the_list_is_an_index_error() -> None:
    refused = []

    for build, position in [
        (merkle.inclusion_path, 2),
        (merkle.inclusion_path, -1),
        (merkle.consistency_path, 0),
        (merkle.consistency_path, 3),
    ]:
        try:
            build([b"a", b"b"], position)
        except IndexError as error:
            refused.append(str(error))

    assert refused == [
        "leaf 2 of a tree of 2: give an index below its size",
        "leaf -1 of a tree of 2: give an index below its size",
        "size 0 of a tree of 2: give a size from 1 to its size",
        "size 3 of a tree of 2: give a size from 1 to its size",
    ]
