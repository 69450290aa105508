"""How two nodes come to trust a connection: hellos, keys, proofs. No sockets, clock or chance.

The dialler speaks first; each side says more only after it has checked what it heard:

    dialler   Hello                          what it speaks, which chain, which key
    listener  Hello
    dialler   header, sealed Proof           "I hold this key", and what it is
    listener  header, sealed Proof

So a stranger who does not know the chain hears nothing, and one who has no key hears a hello. Both
sides derive two keys, one for each direction, from X25519 of the ephemeral keys and the hash of
both hellos (the transcript). The proof is an Ed25519 signature over transcript and side: it can not
be used in another session, nor sent back. It is the encrypted form of SIGMA (Krawczyk 2003), with
the keys of both parties under the signature.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Annotated

from chain.codec import AtMost, decode, encode, wire
from chain.crypto import (
    STREAM_HEADER_BYTES,
    Signer,
    StreamOpener,
    StreamSealer,
    exchange_key,
    hash_bytes,
    shared_secret,
    verify_signature,
)
from chain.errors import MalformedBytesError
from chain.types import U16, Hash, Height, PublicKey, Signature
from p2p.errors import (
    BadAddressError,
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
)
from p2p.urls import URL_BYTES_MAX, check_url

PROTOCOL_VERSION = 1
CHANCE_BYTES = 64  # half for the ephemeral secret, half for the random bytes of the hello
SOFTWARE_BYTES_MAX = 64
HANDSHAKE_FRAME_BYTES_MAX = 1_024  # a hello has about 140, a proof at most 460


class NodeRole(StrEnum):
    """What a node says it is; whether it really is a validator stands on the chain."""

    VALIDATOR = "validator"
    FULL = "full"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class About:
    """What a node tells of itself: program, role, the URL it can be dialled at or "", its head."""

    software: str
    role: NodeRole
    url: str
    head_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerInfo:
    """What is known of a peer once the handshake is done; only `node_key` is proven."""

    node_key: bytes
    software: str
    role: NodeRole
    url: str
    head_height: int
    is_dialer: bool  # the peer dialled this node
    session_id: bytes  # the same on both sides, another for each session


@wire()
@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame of each side, in the clear."""

    version: U16
    chain_id: Hash
    node_key: PublicKey
    ephemeral_key: PublicKey
    random: Hash  # 32 bytes that were never used before
    is_dialer: bool


@wire()
@dataclass(frozen=True, slots=True)
class Proof:
    """The second frame of each side, sealed."""

    signature: Signature
    software: Annotated[str, AtMost(SOFTWARE_BYTES_MAX)]
    role: Annotated[str, AtMost(16)]
    url: Annotated[str, AtMost(URL_BYTES_MAX)]
    head_height: Height


def proof_message(transcript: bytes, *, is_dialer: bool) -> bytes:
    """Return the 32 bytes that a side signs: tagged hash of transcript and side."""
    return hash_bytes("p2p/proof", transcript + bytes([is_dialer]))


def stream_key(secret: bytes, transcript: bytes, *, is_dialer: bool) -> bytes:
    """Return the 32-byte key of the stream that a side sends."""
    return hash_bytes("p2p/key", secret + transcript + bytes([is_dialer]))


@dataclass(frozen=True, slots=True)
class Agreed:
    """The outcome of a handshake: who the peer is, and the two streams."""

    peer: PeerInfo
    sealer: StreamSealer
    opener: StreamOpener


class _Step(Enum):
    HELLO = "a hello"
    PROOF = "a proof"
    DONE = "no more of the handshake"


class Handshake:
    """One side of one handshake. After any error it is of no more use."""

    def __init__(
        self,
        identity: Signer,
        *,
        is_dialer: bool,
        chain_id: bytes,
        about: About,
        chance: bytes,
        expected_key: bytes | None = None,
    ) -> None:
        """Begin with 64 bytes of `chance` that are used for nothing else.

        A dialler may say which node it expects to find.
        """
        assert len(chance) == CHANCE_BYTES, len(chance)
        self._identity, self._about, self._is_dialer = identity, about, is_dialer
        self._expected_key = expected_key
        self._secret, random = chance[:32], chance[32:]
        self._hello = Hello(
            PROTOCOL_VERSION,
            chain_id,
            identity.public_key,
            exchange_key(self._secret),
            random,
            is_dialer,
        )
        # The key of a stream is fresh, so its header needs no chance of its own.
        self._header = hash_bytes("p2p/header", random)[:STREAM_HEADER_BYTES]
        self._step = _Step.HELLO
        self._theirs = self._hello
        self._transcript = b""
        self._sealer: StreamSealer | None = None

    def begin(self) -> list[bytes]:
        """Return the frames to send before anything was heard: a listener has none."""
        return [encode(self._hello)] if self._is_dialer else []

    def receive(self, frame: bytes) -> tuple[list[bytes], Agreed | None]:
        """Take the peer's next frame; return the frames to send, and the outcome when done.

        Raises a SessionError of p2p.errors with what was seen.
        """
        if len(frame) > HANDSHAKE_FRAME_BYTES_MAX:
            text = f"{len(frame)} bytes, {self._step.value} was expected"
            raise MalformedFrameError(text)
        if self._step is _Step.HELLO:
            self._read_hello(frame)
            self._step = _Step.PROOF
            return ([self._make_proof()] if self._is_dialer else [encode(self._hello)]), None
        if self._step is _Step.PROOF:
            peer, opener = self._read_proof(frame)
            self._step = _Step.DONE
            frames = [] if self._is_dialer else [self._make_proof()]
            self._secret = b""  # the keys of the streams move on; nothing is left that leads back
            assert self._sealer is not None
            return frames, Agreed(peer, self._sealer, opener)
        text = "the handshake is over"
        raise SessionClosedError(text)

    def _read_hello(self, frame: bytes) -> None:
        try:
            hello = decode(Hello, frame)
        except MalformedBytesError as error:
            raise MalformedFrameError(f"a hello was expected: {error}") from error
        ours = self._hello
        if hello.version != ours.version:
            raise OtherVersionError(expected=ours.version, found=hello.version)
        if hello.chain_id != ours.chain_id:
            raise OtherChainError(expected=ours.chain_id, found=hello.chain_id)
        if hello.random == ours.random or hello.ephemeral_key == ours.ephemeral_key:
            raise ReflectedHelloError
        if hello.is_dialer == ours.is_dialer:
            text = f"both sides say that they {'dialled' if hello.is_dialer else 'were dialled'}"
            raise MalformedFrameError(text)
        if hello.node_key == ours.node_key:
            raise SelfConnectionError
        if self._expected_key is not None and hello.node_key != self._expected_key:
            raise OtherNodeError(expected=self._expected_key, found=hello.node_key)
        secret = shared_secret(self._secret, hello.ephemeral_key)
        if secret is None:
            raise LowOrderKeyError
        both = (ours, hello) if self._is_dialer else (hello, ours)
        self._transcript = hash_bytes("p2p/transcript", encode(both[0]) + encode(both[1]))
        self._theirs, self._secret = hello, secret

    def _make_proof(self) -> bytes:
        about, key = self._about, self._key(is_dialer=self._is_dialer)
        message = proof_message(self._transcript, is_dialer=self._is_dialer)
        proof = Proof(
            self._identity.sign(message),
            about.software,
            about.role.value,
            about.url,
            about.head_height,
        )
        self._sealer = StreamSealer(key, self._header)
        return self._header + self._sealer.seal(encode(proof))

    def _key(self, *, is_dialer: bool) -> bytes:
        return stream_key(self._secret, self._transcript, is_dialer=is_dialer)

    def _read_proof(self, frame: bytes) -> tuple[PeerInfo, StreamOpener]:
        header, sealed = frame[:STREAM_HEADER_BYTES], frame[STREAM_HEADER_BYTES:]
        if len(header) < STREAM_HEADER_BYTES:
            text = f"{len(frame)} bytes, a proof was expected"
            raise MalformedFrameError(text)
        opener = StreamOpener(self._key(is_dialer=not self._is_dialer), header)
        opened = opener.open(sealed)
        if opened is None:
            raise ForgedFrameError(len(frame))
        try:
            proof = decode(Proof, opened)
        except MalformedBytesError as error:
            raise MalformedFrameError(f"a proof was expected: {error}") from error
        message = proof_message(self._transcript, is_dialer=not self._is_dialer)
        node_key = self._theirs.node_key
        if not verify_signature(node_key, message, proof.signature):
            raise BadProofError(node_key)
        return self._peer_of(proof), opener

    def _peer_of(self, proof: Proof) -> PeerInfo:
        try:
            role, url = NodeRole(proof.role), proof.url and check_url(proof.url)
        except (ValueError, BadAddressError) as error:
            raise MalformedFrameError(f"what the peer tells of itself: {error}") from error
        if not (proof.software.isascii() and proof.software.isprintable()):
            text = f"the peer's program is named {proof.software!a}: not plain ASCII"
            raise MalformedFrameError(text)  # it is shown in terminals and logs
        return PeerInfo(
            node_key=self._theirs.node_key,
            software=proof.software,
            role=role,
            url=url,
            head_height=proof.head_height,
            is_dialer=not self._is_dialer,
            session_id=self._transcript,
        )
