"""A conversation with one peer: bytes of frames in, events out; messages in, frames out.

After the handshake every frame is a sealed chunk: one byte of kind, one byte that is 1 in the last
chunk of a message and else 0, then at most 64 KiB of the message. Chunks of different kinds may be
mixed, so that a vote does not wait until a large block has gone by; those of one kind are in order.
All but the last chunk are full, so that no message can be spread over more frames than it needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from chain.crypto import STREAM_EXTRA_BYTES, Signer
from p2p.errors import (
    ForgedFrameError,
    MalformedFrameError,
    MessageTooLargeError,
    SessionClosedError,
    SessionError,
)
from p2p.handshake import About, Agreed, Handshake, PeerInfo
from p2p.kinds import KIB, MIB, Kind, message_bytes_max

CHUNK_BYTES_MAX = 64 * KIB
_HEAD_BYTES = 2
FRAME_BYTES_MAX = CHUNK_BYTES_MAX + _HEAD_BYTES + STREAM_EXTRA_BYTES
# What a peer that sends the most urgent message first can have open at once is one message of each
# priority: 24 + 1 + 12 MiB and a little.
UNFINISHED_BYTES_MAX = 40 * MIB
_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Established:
    """The handshake is done."""

    peer: PeerInfo


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A whole message has come in."""

    kind: Kind
    payload: bytes


Event: TypeAlias = Established | MessageReceived


class Session:
    """One side of one connection. After an error it raises SessionClosedError for ever."""

    def __init__(
        self,
        identity: Signer,
        is_dialer: bool,  # noqa: FBT001 - reads well where it is given
        chain_id: bytes,
        about: About,
        chance: bytes,
        *,
        expected_key: bytes | None = None,
    ) -> None:
        """Begin a session; `chance` is 64 bytes of fresh randomness, used for nothing else."""
        self._handshake = Handshake(
            identity,
            is_dialer=is_dialer,
            chain_id=chain_id,
            about=about,
            chance=chance,
            expected_key=expected_key,
        )
        self._frames: list[bytes] = []
        self._agreed: Agreed | None = None
        self._has_failed = False
        self._receiving: dict[Kind, bytearray] = {}
        self._unfinished_bytes = 0
        self._sending: dict[Kind, None] = {}

    @property
    def peer(self) -> PeerInfo | None:
        """Who the peer is, once the handshake is done."""
        return self._agreed.peer if self._agreed else None

    @property
    def unfinished_bytes(self) -> int:
        """How much of messages that have not come in whole is kept."""
        return self._unfinished_bytes

    def begin(self) -> list[bytes]:
        """Return the frames to send at first."""
        return self._handshake.begin()

    def take_frames(self) -> list[bytes]:
        """Return the frames that the handshake wants to send, and forget them."""
        frames, self._frames = self._frames, []
        return frames

    def receive(self, frame: bytes) -> list[Event]:
        """Take one frame of the peer; return what it led to.

        Raises SessionError, after which the session is over.
        """
        if self._has_failed:
            text = "this session failed before"
            raise SessionClosedError(text)
        try:
            return self._receive(frame)
        except SessionError:
            self._has_failed = True
            self._receiving.clear()
            self._unfinished_bytes = 0
            raise

    def _receive(self, frame: bytes) -> list[Event]:
        if self._agreed is not None:
            return self._receive_chunk(self._agreed, frame)
        frames, agreed = self._handshake.receive(frame)
        self._frames += frames
        if agreed is None:
            return []
        self._agreed = agreed
        return [Established(agreed.peer)]

    def _receive_chunk(self, agreed: Agreed, frame: bytes) -> list[Event]:
        if len(frame) > FRAME_BYTES_MAX:
            raise MessageTooLargeError("a frame", maximum=FRAME_BYTES_MAX, found=len(frame))
        opened = agreed.opener.open(frame)
        if opened is None:
            raise ForgedFrameError(len(frame))
        kind, is_last = _read_head(opened)
        begun = self._receiving.get(kind)
        size = len(opened) - _HEAD_BYTES
        whole = size + (len(begun) if begun else 0)
        if whole > message_bytes_max(kind):
            what = f"a message of kind {kind.name}"
            raise MessageTooLargeError(what, maximum=message_bytes_max(kind), found=whole)
        if not is_last:
            self._keep(kind, opened, size)
            return []
        if begun is None:
            return [MessageReceived(kind, opened[_HEAD_BYTES:])]
        if not size:
            text = f"an empty chunk at the end of a message of kind {kind.name}"
            raise MalformedFrameError(text)
        del self._receiving[kind]
        self._unfinished_bytes -= len(begun)
        begun += memoryview(opened)[_HEAD_BYTES:]
        return [MessageReceived(kind, bytes(begun))]

    def _keep(self, kind: Kind, opened: bytes, size: int) -> None:
        if size != CHUNK_BYTES_MAX:
            text = f"a chunk of {size} bytes that is not the last, {CHUNK_BYTES_MAX} were expected"
            raise MalformedFrameError(text)
        total = self._unfinished_bytes + size
        if total > UNFINISHED_BYTES_MAX:
            what = "all unfinished messages"
            raise MessageTooLargeError(what, maximum=UNFINISHED_BYTES_MAX, found=total)
        self._unfinished_bytes = total
        self._receiving.setdefault(kind, bytearray()).extend(memoryview(opened)[_HEAD_BYTES:])

    def send(self, kind: Kind, payload: bytes) -> list[bytes]:
        """Return the sealed frames of a message, to be sent in this order."""
        return list(self.frames(kind, payload))

    def frames(self, kind: Kind, payload: bytes) -> Iterator[bytes]:
        """Return an iterator over the frames of a message, each sealed when it is asked for.

        Frames must be sent in the order in which they were asked for, whatever their kinds, and
        a message that was begun must be finished. Raises SessionClosedError before the handshake
        is done, while another message of this kind is unfinished, and MessageTooLargeError.
        """
        if self._agreed is None or self._has_failed:
            text = "no messages before the handshake is done, nor after an error"
            raise SessionClosedError(text)
        if kind in self._sending:
            text = f"a message of kind {kind.name} is unfinished; send its other frames first"
            raise SessionClosedError(text)
        if len(payload) > message_bytes_max(kind):
            what = f"a message of kind {kind.name} to send"
            raise MessageTooLargeError(what, maximum=message_bytes_max(kind), found=len(payload))
        self._sending[kind] = None
        return self._chunks(self._agreed, kind, payload)

    def _chunks(self, agreed: Agreed, kind: Kind, payload: bytes) -> Iterator[bytes]:
        last = max(0, len(payload) - 1) // CHUNK_BYTES_MAX
        for number in range(last + 1):
            start = number * CHUNK_BYTES_MAX
            head = bytes([kind, number == last])
            if number == last:
                del self._sending[kind]
            yield agreed.sealer.seal(head + payload[start : start + CHUNK_BYTES_MAX])


def _read_head(opened: bytes) -> tuple[Kind, bool]:
    if len(opened) < _HEAD_BYTES:
        text = f"a chunk of {len(opened)} bytes has no head"
        raise MalformedFrameError(text)
    kind = _KINDS.get(opened[0])
    if kind is None:
        text = f"kind {opened[0]} is not known; {min(_KINDS)} to {max(_KINDS)} are"
        raise MalformedFrameError(text)
    if opened[1] > 1:
        text = f"mark {opened[1]} of a chunk, 0 or 1 was expected"
        raise MalformedFrameError(text)
    return kind, opened[1] == 1
