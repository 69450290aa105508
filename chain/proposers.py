"""Who proposes: an order of the validators that follows from the committed chain alone.

A ring, begun after the last block's proposer. Whoever the chain shows as absent goes to the end of
the order, never out of it: one that was in no certificate for a while, one whose round failed, one
that signed two votes which exclude each other. So a validator that is down costs one failed round,
not one in every turn of the ring. Safety does not depend on any of it.

What is known of the validators is one record under the state root. A chain of one validator keeps
none.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from chain.block import Commit
from chain.codec import AtMost, Between, decode, encode, wire
from chain.state import PROPOSERS_KEY, State
from chain.types import Height, PublicKey
from chain.validators import VALIDATORS_MAX, ValidatorSet, read_validators

FAILURES_MAX = 6  # a demotion lasts at most 2^5 turns of the ring


@wire()
@dataclass(frozen=True, slots=True)
class Standing:
    """What the chain knows of one validator; heights are those of blocks."""

    key: PublicKey
    last_seen: Height
    failures: Annotated[int, Between(0, FAILURES_MAX)]
    demoted_until: Height
    tombstoned: bool


@wire()
@dataclass(frozen=True, slots=True)
class Proposers:
    """The record: `entries` are the validators of the last block's height, in their order.

    `validators` is that set, `previous` the last block's proposer, `order` the first of the order
    under which that block was proposed: those that could fail before it without an outage.
    """

    validators: ValidatorSet
    previous: PublicKey
    order: Annotated[tuple[PublicKey, ...], AtMost(VALIDATORS_MAX)]
    entries: Annotated[tuple[Standing, ...], AtMost(VALIDATORS_MAX)]


def read_proposers(state: State) -> Proposers | None:
    """Return the record; None on a chain that has had one validator only."""
    data = state.get(PROPOSERS_KEY)
    return None if data is None else decode(Proposers, data)


def proposer_order(state: State, height: int) -> tuple[bytes, ...]:
    """Return all validators in the order in which they propose the block at `height`.

    `state` is that after the block before it. The proposer of round r is number r modulo the count.
    """
    return _order_of(read_validators(state), read_proposers(state), height)


def _order_of(validators: ValidatorSet, record: Proposers | None, height: int) -> tuple[bytes, ...]:
    keys = validators.keys
    if record is None:
        return keys
    start = sum(key <= record.previous for key in keys) % len(keys)
    ring = keys[start:] + keys[:start]
    known = {entry.key: entry for entry in record.entries}
    last = [key for key in ring if key in known and _is_bad(known[key], height, len(keys))]
    return tuple([key for key in ring if key not in last] + last)


def _is_bad(entry: Standing, height: int, count: int) -> bool:
    is_absent = height - entry.last_seen > count + 1
    return is_absent or height < entry.demoted_until or entry.tombstoned


def convicted_validators(state: State) -> tuple[bytes, ...]:
    """Return the validators of which the chain has evidence, in order."""
    record = read_proposers(state)
    entries = () if record is None else record.entries
    return tuple([entry.key for entry in entries if entry.tombstoned])


def previous_validators(state: State) -> ValidatorSet | None:
    """Return the validators of the last block's height, or None: the same as the next ones."""
    record = read_proposers(state)
    return None if record is None else record.validators


def note_block(
    state: State, height: int, proposer: bytes, last_commit: Commit | None, parent_proposer: bytes
) -> None:
    """Take what a block at `height` shows into the record, before anything of it is executed.

    `last_commit` is the certificate of its parent that it carries, None at height 1.
    """
    validators, record = read_validators(state), read_proposers(state)
    if record is None and len(validators.keys) == 1:
        return
    order = _order_of(validators, record, height)
    known: dict[bytes, Standing] = {}
    if record is not None:
        known = {entry.key: entry for entry in record.entries}
        if last_commit is not None:
            known = _judge(record, known, height, last_commit, parent_proposer)
    entries = []
    for key in validators.keys:
        entry = known.get(key) or Standing(key, height, 0, 0, tombstoned=False)
        if key == proposer:
            entry = replace(entry, last_seen=height, failures=max(entry.failures - 1, 0))
        entries.append(entry)
    likely = order[: len(order) - validators.quorum + 1]
    write_proposers(state, Proposers(validators, proposer, likely, tuple(entries)))


def _judge(
    record: Proposers,
    known: dict[bytes, Standing],
    height: int,
    last_commit: Commit,
    parent_proposer: bytes,
) -> dict[bytes, Standing]:
    """Note who signed the parent, and whose rounds before it failed.

    More failed rounds than crashed proposers explain are an outage, and nobody's fault.
    """
    keys, signers = record.validators.keys, last_commit.signers
    count = len(keys)
    judged = dict(known)
    for index, key in enumerate(keys):
        if signers[index // 8] >> index % 8 & 1 and key in judged:
            seen = max(judged[key].last_seen, height - 1)
            judged[key] = replace(judged[key], last_seen=seen)
    if last_commit.round <= count - record.validators.quorum:
        for key in record.order[: last_commit.round]:
            if key != parent_proposer and key in judged:
                failures = min(judged[key].failures + 1, FAILURES_MAX)
                until = height + count * 2 ** (failures - 1)
                judged[key] = replace(judged[key], failures=failures, demoted_until=until)
    return judged


def write_proposers(state: State, record: Proposers) -> None:
    """Put the record into the state."""
    state.put(PROPOSERS_KEY, encode(record))


def begin_record(state: State, height: int, proposer: bytes) -> None:
    """Write a first record where there is none: the validators are about to be others."""
    if read_proposers(state) is None:
        validators = read_validators(state)
        entries = [Standing(key, height, 0, 0, tombstoned=False) for key in validators.keys]
        record = Proposers(validators, proposer, (), tuple(entries))
        write_proposers(state, record)


def tombstone(state: State, key: bytes) -> bool:
    """Note that a validator contradicted itself; false if it is none, or this was known."""
    record = read_proposers(state)
    if record is None:
        return False
    entries = list(record.entries)
    for place, entry in enumerate(entries):
        if entry.key == key and not entry.tombstoned:
            entries[place] = replace(entry, tombstoned=True)
            write_proposers(state, replace(record, entries=tuple(entries)))
            return True
    return False
