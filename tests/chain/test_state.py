"""The overlay of a block against plain dicts, and what one block changes in the money."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chain.due_window import DueWindow
from chain.state import QUEUE_PREFIX, QUEUE_STOP
from tests.make import DictReader, memory_state

keys = st.sampled_from([bytes([space, tail]) for space in (3, 17, 240) for tail in range(6)])
values = st.binary(min_size=1, max_size=2)
moves = st.lists(
    st.tuples(st.just("put"), keys, values)
    | st.tuples(st.just("delete"), keys)
    | st.tuples(st.just("mark"))
    | st.tuples(st.just("revert"))
    | st.tuples(st.just("settle")),
    max_size=60,
)


@given(st.dictionaries(keys, values), moves)
def test_an_overlay_reads_reverts_and_scans_as_copies_of_a_dict(
    start: dict[bytes, bytes], steps: list[tuple[Any, ...]]
) -> None:
    state, model = memory_state(start), dict(start)
    marks: list[tuple[int, dict[bytes, bytes]]] = []

    for name, *rest in steps:
        if name == "put":
            state.put(*rest)
            model[rest[0]] = rest[1]
        elif name == "delete":
            state.delete(*rest)
            model.pop(rest[0], None)
        elif name == "mark":
            marks.append((state.mark(), dict(model)))
        elif name == "revert" and marks:
            mark, model = marks.pop()
            state.revert(mark)
        elif name == "settle":
            state.settle()
            marks.clear()

    stop = b"\xff"
    found = state.scan(b"", stop, 1_000), state.scan(b"\x11", b"\xf0\x03", 4)
    expected = sorted(model.items())
    assert found == (expected, [one for one in expected if b"\x11" <= one[0] < b"\xf0\x03"][:4])
    assert {key: state.get(key) for key in model} == model
    assert {key: state.before(key) for key in start} == start
    after = {key: start.get(key) for key in [*start, *model]} | dict(state.changes())
    assert {key: value for key, value in after.items() if value is not None} == model


queue_keys = st.integers(0, 12_000).map(lambda n: QUEUE_PREFIX + n.to_bytes(8, "big"))


@given(
    st.integers(0, 9_000),
    st.lists(
        st.lists(st.tuples(queue_keys, st.none() | st.just(b"v")), max_size=400)
        | st.integers(1, 12_000),
        max_size=6,
    ),
)
def test_the_window_of_the_queue_answers_as_the_disk_does(filled: int, steps: list[Any]) -> None:
    disk = DictReader({QUEUE_PREFIX + n.to_bytes(8, "big"): b"v" for n in range(filled)})
    window = DueWindow(disk.scan, QUEUE_PREFIX, QUEUE_STOP)

    answers = []
    for step in steps:
        changes = dict(step) if isinstance(step, list) else _drop_first(disk, step)
        for key, value in changes.items():
            if value is None:
                disk.values.pop(key, None)
            else:
                disk.values[key] = value
        window.apply(changes.items())
        start = QUEUE_PREFIX + (filled // 2).to_bytes(8, "big")
        questions = (QUEUE_PREFIX, QUEUE_STOP, 3), (start, QUEUE_STOP, 800)
        answers += [(window.scan(*one), disk.scan(*one)) for one in questions]

    assert [one for one in answers if one[0] != one[1]] == []


def _drop_first(disk: DictReader, count: int) -> dict[bytes, bytes | None]:
    return dict.fromkeys(sorted(disk.values)[:count])
