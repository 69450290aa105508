"""Values of contracts as plain Python, in and out."""

from typing import Any

import pytest

from chain.errors import MalformedBytesError
from chain.ids import encode_id
from node.workbench import CallFailed, WorkbenchError, World

SOURCE = """from wash import *

class Kind(Enum):
    SMALL = 1
    LARGE = 2

class Size(Record):
    width: u8
    is_wet: bool

class Box(Record):
    kind: Kind
    size: Size
    label: Text[8]
    data: Bytes[4]
    mark: Hash
    owner: Address
    wait: Duration
    id: Id["box"]
    price: Money["money"]

class Boxes(Contract):
    money: Asset
    box: Box

    @action
    def put(self, box: Box):
        self.box = box

    @view
    def get(self) -> Box:
        return self.box
"""
INNER = """from wash import *

class Inner(Contract):
    @view
    def half(self, n: uint) -> uint:
        require(n % 2 == 0, "odd")
        return n // 2
"""
OUTER = """from wash import *

class Inner(Link):
    @view(gas=200)
    def half(self, n: uint) -> uint: ...

class Outer(Contract):
    below: Inner

    @view
    def half(self, n: uint) -> uint:
        return self.below.half(n)
"""
MARK = bytes(range(32))
BOX = {
    "kind": "LARGE", "size": {"width": 3, "is_wet": True}, "label": "wax", "data": b"\1\2",
    "mark": MARK, "owner": "alice", "wait": 7_200_000, "id": encode_id("box", MARK), "price": 680,
}  # fmt: skip


@pytest.fixture
def world() -> World:
    return World.deploy(SOURCE)


def test_values_come_back_as_they_were_given(world: World) -> None:
    world.call("alice", "put", BOX)

    assert world.view("get") == BOX


def test_values_may_be_given_in_other_words(world: World) -> None:
    other = {
        "kind": 2, "data": "0102", "mark": MARK.hex(), "wait": "2h", "id": MARK,
        "owner": encode_id("acct", world.account("alice")), "price": {"amount": 680},
    }  # fmt: skip

    world.call("alice", "put", {**BOX, **other})

    assert world.view("get") == BOX


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": "HUGE"}, "put(box).kind is 'HUGE', expected SMALL or LARGE"),
        ({"size": {"width": 3}}, "put(box).size is {'width': 3}, expected a dict with width"),
        ({"size": {"width": 256, "is_wet": True}}, "put(box).size.width is 256, expected an int"),
        ({"size": {"width": 3, "is_wet": 1}}, "put(box).size.is_wet is 1, expected True or False"),
        ({"label": 5}, "put(box).label is 5, expected text"),
        ({"data": "xy"}, "put(box).data is 'xy', expected bytes, or their hex"),
        ({"mark": "00"}, "put(box).mark is '00', expected 32 bytes"),
        ({"mark": "zz" * 32}, "put(box).mark is 'zz"),
        ({"id": "bix1"}, "put(box).id is 'bix1', expected an id box1... or 32 bytes"),
        ({"wait": "soon"}, "put(box).wait: 'soon' is no length of time"),
        ({"owner": "acct1qqq"}, "put(box).owner: "),
        ({"price": True}, "put(box).price is True, expected an int"),
    ],
)
def test_a_value_that_does_not_fit_is_named(
    world: World, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(WorkbenchError) as caught:
        world.call("alice", "put", {**BOX, **changed})

    assert str(caught.value).startswith(said)


def test_an_id_with_a_slip_in_it_is_refused(world: World) -> None:
    slipped = encode_id("box", MARK)[:-1] + "q"

    with pytest.raises(MalformedBytesError):
        world.call("alice", "put", {**BOX, "id": slipped})


def test_arguments_are_given_once_each(world: World) -> None:
    with pytest.raises(WorkbenchError, match=r"put takes \(box\); given are 1 by place and box"):
        world.call("alice", "put", BOX, box=BOX)


def test_the_machine_refuses_what_is_too_long_for_it(world: World) -> None:
    with pytest.raises(CallFailed) as caught:
        world.call("alice", "put", {**BOX, "label": "much too long"})

    assert caught.value.name == "tx_malformed"


def test_a_linked_contract_that_fails_is_pointed_at() -> None:
    world = World()
    world.add(INNER, name="inner")
    world.add(OUTER, name="outer", links={"below": "inner"})

    with pytest.raises(CallFailed) as caught:
        world.view("half", 5)

    assert world.view("half", 8) == 4
    assert str(caught.value) == (
        'half: link: the linked contract failed: odd (<contract>:6: require(n % 2 == 0, "odd"))'
    )
