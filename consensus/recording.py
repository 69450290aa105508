"""From a height to the entries of the vote log, and back after a restart."""

from chain.block import Block, block_id
from consensus.record import BodyEntry, LogEntry, StateEntry
from consensus.rounds import RoundMachine


def entries_of(machine: RoundMachine, written: dict[bytes, None]) -> tuple[LogEntry, ...]:
    """Return what the log must have: blocks that votes refer to, then the state.

    `written` are the blocks that the log has already; it is brought up to date.
    """
    signed = [
        machine.signed[place] for place in sorted(machine.signed) if place[0] >= machine.round - 1
    ]
    held = [machine.locked_value, machine.valid_value, *[vote.block_id for vote in signed]]
    entries: list[LogEntry] = []
    for value in held:
        if value in machine.bodies and value not in written:
            written[value] = None
            entries.append(BodyEntry(machine.bodies[value]))
    rounds = sorted({machine.locked_round, machine.valid_round} & machine.polkas.keys())
    state = StateEntry(
        epoch=machine.validators.epoch,
        height=machine.height,
        round=machine.round,
        signed=tuple(signed),
        locked_value=machine.locked_value,
        locked_round=machine.locked_round,
        valid_value=machine.valid_value,
        valid_round=machine.valid_round,
        polkas=tuple([machine.polkas[one] for one in rounds]),
    )
    return (*entries, state)


def restore(
    machine: RoundMachine,
    state: StateEntry,
    bodies: tuple[Block, ...],
    written: dict[bytes, None],
) -> None:
    """Go on where the record says: with the same votes, lock and valid block."""
    if state.epoch != machine.validators.epoch:
        return  # a recovery plan has made votes from before it worthless
    machine.round = machine.own_from_round = state.round
    for vote in state.signed:
        machine.signed[vote.round, vote.kind] = vote
        machine.own_from_round = min(machine.own_from_round, vote.round)
    machine.locked_value, machine.locked_round = state.locked_value, state.locked_round
    machine.valid_value, machine.valid_round = state.valid_value, state.valid_round
    for block in bodies:
        found = block_id(block.header)
        machine.bodies[found] = block
        written[found] = None
    machine.resume(state.polkas)
