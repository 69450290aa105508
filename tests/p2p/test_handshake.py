"""What a handshake comes to, and everything it refuses."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chain.codec import decode, encode
from chain.crypto import (
    STREAM_HEADER_BYTES,
    Signer,
    StreamSealer,
    exchange_key,
    hash_bytes,
    shared_secret,
)
from p2p.errors import (
    BadProofError,
    ForgedFrameError,
    LowOrderKeyError,
    MalformedFrameError,
    OtherChainError,
    OtherNodeError,
    OtherVersionError,
    ReflectedHelloError,
    SelfConnectionError,
    SessionClosedError,
    SessionError,
)
from p2p.handshake import (
    HANDSHAKE_FRAME_BYTES_MAX,
    About,
    Hello,
    NodeRole,
    PeerInfo,
    Proof,
    proof_message,
    stream_key,
)
from p2p.kinds import Kind
from p2p.session import Established, Session
from tests.p2p.peers import ABOUT, CHAIN_ID, chance, key, pair, session, shake_hands

LOW_ORDER = [  # Cremers and Jackson, "Prime, Order Please!" (2019), table 1
    bytes(32),
    (1).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
]


def hello_of(name: str, **changes: object) -> Hello:
    secret, random = chance(name)[:32], chance(name)[32:]
    base = Hello(1, CHAIN_ID, key(name).public_key, exchange_key(secret), random, is_dialer=True)
    return replace(base, **changes)  # type: ignore[arg-type]


class Forger:
    """A dialler that does the handshake by hand, so that it can do it wrong."""

    def __init__(self, listener: Session, name: str = "eve", **changes: object) -> None:
        self.listener, self.name = listener, name
        hello = hello_of(name, **changes)
        listener.receive(encode(hello))
        (answer,) = listener.take_frames()
        theirs = decode(Hello, answer)
        secret = shared_secret(chance(name)[:32], theirs.ephemeral_key)
        assert secret is not None
        self.transcript = hash_bytes("p2p/transcript", encode(hello) + answer)
        self.key = stream_key(secret, self.transcript, is_dialer=True)

    def seal(self, opened: bytes) -> bytes:
        header = bytes(STREAM_HEADER_BYTES)
        return header + StreamSealer(self.key, header).seal(opened)

    def proof(self, signer: Signer | None = None, **changes: object) -> Proof:
        signed = proof_message(self.transcript, is_dialer=True)
        signature = (signer or key(self.name)).sign(signed)
        base = Proof(signature, "eve 1", "full", "", 3)
        return replace(base, **changes)  # type: ignore[arg-type]


def listener() -> Session:
    return session("bob", is_dialer=False)


def test_both_sides_learn_who_the_other_is() -> None:
    about = About("washnode 0.1.0", NodeRole.GATEWAY, "wss://gate.example/p2p", 99)
    dialer, listening = session("ann", is_dialer=True), session("bob", is_dialer=False, about=about)

    told_dialer, told_listener = shake_hands(dialer, listening)

    assert dialer.peer is not None
    session_id = dialer.peer.session_id
    bob = PeerInfo(
        node_key=key("bob").public_key,
        software=about.software,
        role=about.role,
        url=about.url,
        head_height=about.head_height,
        is_dialer=False,
        session_id=session_id,
    )
    ann = PeerInfo(
        node_key=key("ann").public_key,
        software=ABOUT.software,
        role=ABOUT.role,
        url="",
        head_height=ABOUT.head_height,
        is_dialer=True,
        session_id=session_id,
    )
    assert (told_dialer, told_listener) == ([Established(bob)], [Established(ann)])


def test_a_listener_says_nothing_before_it_heard_a_hello_of_its_chain() -> None:
    listening = listener()

    assert listening.begin() == []
    with pytest.raises(OtherChainError):
        listening.receive(encode(hello_of("eve", chain_id=bytes(32))))

    assert listening.take_frames() == []


def test_each_session_has_its_own_keys() -> None:
    first = pair()
    second = session("ann", is_dialer=True, chance=chance("again")), listener()
    shake_hands(*second)

    frame = first[0].send(Kind.VOTE, b"vote")[0]

    with pytest.raises(ForgedFrameError):
        second[1].receive(frame)


def test_a_frame_does_not_open_where_it_came_from() -> None:
    dialer, _ = pair()

    with pytest.raises(ForgedFrameError):
        dialer.receive(dialer.send(Kind.VOTE, b"vote")[0])


WRONG_HELLOS: dict[str, tuple[dict[str, object], type[SessionError]]] = {
    "version": ({"version": 2}, OtherVersionError),
    "chain": ({"chain_id": bytes(32)}, OtherChainError),
    "our key": ({"node_key": key("bob").public_key}, SelfConnectionError),
    "our random bytes": ({"random": chance("bobFalse")[32:]}, ReflectedHelloError),
    "our ephemeral key": (
        {"ephemeral_key": exchange_key(chance("bobFalse")[:32])},
        ReflectedHelloError,
    ),
    "our side": ({"is_dialer": False}, MalformedFrameError),
}


@pytest.mark.parametrize("name", WRONG_HELLOS)
def test_a_hello_that_is_refused(name: str) -> None:
    changes, refusal = WRONG_HELLOS[name]

    with pytest.raises(refusal):
        listener().receive(encode(hello_of("eve", **changes)))


@pytest.mark.parametrize("number", range(len(LOW_ORDER)))
@pytest.mark.parametrize("unused_bit", [0, 128])
def test_a_key_of_low_order_is_refused(number: int, unused_bit: int) -> None:
    low = LOW_ORDER[number][:31] + bytes([LOW_ORDER[number][31] | unused_bit])

    with pytest.raises(LowOrderKeyError):
        listener().receive(encode(hello_of("eve", ephemeral_key=low)))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x96", id="the beginning"),
        pytest.param(encode(hello_of("eve")) + b"\x00", id="a byte more"),
        pytest.param(encode(hello_of("eve"))[:-1], id="a byte less"),
        pytest.param(bytes(HANDSHAKE_FRAME_BYTES_MAX + 1), id="too long"),
    ],
)
def test_what_is_no_hello_is_refused(frame: bytes) -> None:
    with pytest.raises(MalformedFrameError):
        listener().receive(frame)


def test_a_reflected_dialer_is_refused() -> None:
    dialer = session("ann", is_dialer=True)

    with pytest.raises(ReflectedHelloError):
        dialer.receive(dialer.begin()[0])


def test_a_dialer_that_finds_another_node_goes_away() -> None:
    dialer = session("ann", is_dialer=True, expected_key=key("carl").public_key)

    with pytest.raises(OtherNodeError) as caught:
        shake_hands(dialer, listener())

    found = (caught.value.expected, caught.value.found)
    assert found == (key("carl").public_key, key("bob").public_key)


def test_a_dialer_that_finds_the_expected_node_stays() -> None:
    dialer = session("ann", is_dialer=True, expected_key=key("bob").public_key)

    shake_hands(dialer, listener())

    assert dialer.peer is not None


def test_the_forger_can_do_it_right() -> None:
    forger = Forger(listener())

    events = forger.listener.receive(forger.seal(encode(forger.proof())))

    assert [type(event) for event in events] == [Established]


def wrong_side(one: Forger) -> Proof:
    signed = proof_message(one.transcript, is_dialer=False)
    return one.proof(signature=key("eve").sign(signed))


WRONG_PROOFS: dict[str, tuple[Callable[[Forger], bytes], type[SessionError]]] = {
    "another key": (lambda one: one.seal(encode(one.proof(key("ann")))), BadProofError),
    "no signature": (lambda one: one.seal(encode(one.proof(signature=bytes(64)))), BadProofError),
    "the other side": (lambda one: one.seal(encode(wrong_side(one))), BadProofError),
    "role": (lambda one: one.seal(encode(one.proof(role="king"))), MalformedFrameError),
    "url": (lambda one: one.seal(encode(one.proof(url="http://a/p2p"))), MalformedFrameError),
    "escapes": (lambda one: one.seal(encode(one.proof(software="\x1b[2J"))), MalformedFrameError),
    "no ASCII": (lambda one: one.seal(encode(one.proof(software="é"))), MalformedFrameError),
    "a byte more": (lambda one: one.seal(encode(one.proof()) + b"\x00"), MalformedFrameError),
    "empty": (lambda one: one.seal(b""), MalformedFrameError),
    "a byte less": (lambda one: one.seal(encode(one.proof()))[:-1], ForgedFrameError),
    "a header alone": (lambda _one: bytes(24), ForgedFrameError),
    "nothing sealed": (lambda _one: bytes(100), ForgedFrameError),
    "nothing": (lambda _one: b"", MalformedFrameError),
    "too long": (
        lambda one: one.seal(bytes(HANDSHAKE_FRAME_BYTES_MAX)),
        MalformedFrameError,
    ),
    "another hello": (lambda _one: encode(hello_of("eve")), ForgedFrameError),
}


@pytest.mark.parametrize("name", WRONG_PROOFS)
def test_a_proof_that_is_refused(name: str) -> None:
    make, refusal = WRONG_PROOFS[name]
    forger = Forger(listener())

    with pytest.raises(refusal):
        forger.listener.receive(make(forger))


def test_a_replayed_handshake_fails_at_the_proof() -> None:
    first = Forger(listener())
    recorded = first.seal(encode(first.proof()))
    fresh = session("bob", is_dialer=False, chance=chance("another time"))
    Forger(fresh)

    with pytest.raises(ForgedFrameError):
        fresh.receive(recorded)


def test_someone_in_the_middle_can_not_stand_between_two_nodes() -> None:
    """Mallory knows the chain and answers both with keys of its own, under their names."""
    listening = listener()
    mallory = Forger(listening, "mallory", node_key=key("ann").public_key)

    with pytest.raises(BadProofError) as caught:
        listening.receive(mallory.seal(encode(mallory.proof())))

    assert caught.value.node_key == key("ann").public_key


def test_after_an_error_a_session_is_over() -> None:
    listening = listener()
    with pytest.raises(MalformedFrameError):
        listening.receive(b"?")

    with pytest.raises(SessionClosedError):
        listening.receive(encode(hello_of("eve")))
    with pytest.raises(SessionClosedError):
        listening.send(Kind.VOTE, b"")


def test_errors_say_whether_an_honest_node_could_cause_them() -> None:
    honest: list[type[SessionError]] = [OtherVersionError, OtherChainError, SelfConnectionError]
    hostile: list[type[SessionError]] = [ReflectedHelloError, LowOrderKeyError, BadProofError]

    assert [one.fault for one in honest + hostile] == [""] * 3 + ["bad_proof"] * 3
