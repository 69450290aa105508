"""Real messages, somewhat changed: nothing that a peer sends is unforeseen, and nothing stops."""

import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import cast

import pytest

from consensus import EvidenceFound, GetBlocks, RejoinQuery, Status, WantBlock, make_evidence
from node.net.messages import AnyMessage, WantChunk, WantSnapshots, WantTransactions, pack
from p2p import Kind
from tests.hostile.liar import SOME, vote
from tests.hostile.net import Honest
from tests.node.net.linked import LinkedNet, linked

pytestmark = [pytest.mark.timeout(120)]

SAMPLE_MAX = 400  # of what was recorded
CHANGED_EACH = 12
# Bytes that are numbers, lengths and nothing in MessagePack, at their bounds.
BOUNDS = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xC0, 0xC4, 0xCC, 0xCF, 0xD3, 0xDC, 0xE0, 0xFF]


def record(net: LinkedNet, heard: dict[tuple[Kind, bytes], None]) -> None:
    """Note from now on what nodes hear of each other."""
    deliver = net.deliver

    def note(sender: bytes, to: bytes, kind: Kind, payload: bytes) -> None:
        heard[kind, payload] = None
        deliver(sender, to, kind, payload)

    net.deliver = note  # type: ignore[method-assign]


async def pay(net: LinkedNet, through: str, *seen_by: str) -> None:
    net[through].node.submit(paid := net.pay("alice", "bob"))
    await net.until(lambda: all(net.is_final(paid, name) for name in seen_by))


async def recorded(net: LinkedNet) -> list[tuple[Kind, bytes]]:
    """Let nodes decide, lose and regain one of them; return what they told each other."""
    heard: dict[tuple[Kind, bytes], None] = {}
    record(net, heard)
    for _ in range(3):
        await pay(net, "shop1", *net.names)
    await net.stop("node4")
    for _ in range(3):
        await pay(net, "node1", "node1")
    net.start("node4")
    await pay(net, "node1", *net.names)
    return list(heard)


def rare(net: LinkedNet) -> list[tuple[Kind, bytes]]:
    """Return messages that a good day does not have."""
    node = cast(Honest, net["node1"])  # as far as votes go
    one, other = vote(node), vote(node, value=SOME[::-1])
    made: list[AnyMessage] = [
        EvidenceFound(make_evidence(one, other)),
        RejoinQuery(SOME, bytes(16)),
        WantBlock(3, SOME),
        WantTransactions(3, SOME, (0, 1, 2)),
        GetBlocks(1, 100),
        Status(3, 0, 1, SOME, b"\x0f", b"\x0f", -1, has_proposal=False),
        WantSnapshots(),
        WantChunk(10_000, 0),
    ]
    return [pack(message) for message in made]


def changed(data: bytes, random: Random) -> Iterator[bytes]:
    """Yield some bytes with one or a few of them changed, left out, doubled, or cut off."""
    for _ in range(CHANGED_EACH):
        made = bytearray(data)
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            place = random.randrange(len(made))
            match random.randrange(5):
                case 0:
                    made[place] = random.choice(BOUNDS)
                case 1:
                    made[place] ^= 1 << random.randrange(8)
                case 2:
                    del made[place : place + random.choice([1, 1, 4, 32])]
                case 3:
                    made[place:place] = made[place : place + random.choice([1, 4, 32])]
                case _:
                    made = made[: place + 1]
            if not made:
                break
        yield bytes(made)


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_that_is_said_is_unforeseen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    random = Random(seed)
    async with linked(tmp_path, 4, 1) as net:
        said = await recorded(net)
        said = random.sample(said, min(len(said), SAMPLE_MAX)) + rare(net)
        node1, shop1 = net["node1"], net["shop1"]
        caplog.clear()
        for kind, payload in said:
            for data in changed(payload, random):
                node1.exchange.hear(shop1.key, kind, data)
        await pay(net, "node1", *net.names)

        faults = {name for _key, name, _text in node1.link.faults}
        errors = [one for one in caplog.records if one.levelno >= logging.ERROR]

    assert faults <= {"malformed", "bad_signature", "bad_block", "bad_transaction", "bad_proof"}
    assert [one.getMessage() for one in errors] == []
    assert node1.node.failure is None
