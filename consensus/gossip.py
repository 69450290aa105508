"""What is told again and again so that a single lost message stalls nobody."""

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL
from consensus.certificates import InvalidMessageError, make_bitmap, read_bitmap
from consensus.height import HeightCore
from consensus.messages import Message, Status
from consensus.votes import Tally


def status_of(core: HeightCore) -> Status:
    """Return where this node is."""
    validators, round_number = core.validators, core.round
    bitmaps = [
        make_bitmap(validators, _voters(core.book.tally(round_number, kind)))
        for kind in (PREVOTE, PRECOMMIT)
    ]
    return Status(
        core.height,
        round_number,
        core.step,
        core.head.block_id,
        bitmaps[0],
        bitmaps[1],
        core.valid_round,
        round_number in core.proposals,
    )


def _voters(tally: Tally | None) -> dict[bytes, object]:
    return {} if tally is None else dict(tally.voters)


def told_again(core: HeightCore) -> list[Message]:
    """Return what a validator repeats while its height goes on.

    Its own votes of this round, its last precommit, its own proposal, why it is in this round, and
    the polkas that hold it.
    """
    again: list[Message] = []
    proposal = core.signed.get((core.round, PROPOSAL))
    if core.round_certificate is not None:
        again.append(core.round_certificate)
    held = sorted({core.locked_round, core.valid_round} & core.polkas.keys())
    again += [core.polkas[one] for one in held]
    if proposal is not None:
        again.append(core.proposal_message(proposal))
    for place in ((core.round - 1, PRECOMMIT), (core.round, PREVOTE), (core.round, PRECOMMIT)):
        vote = core.signed.get(place)
        if vote is not None:
            again.append(vote)
    return again


def answer_to(core: HeightCore, status: Status) -> list[Message]:
    """Return what a peer at our height lacks of what is here."""
    if status.height != core.height or status.round > core.round:
        return []
    lacking: list[Message] = []
    if core.round_certificate is not None and status.round < core.round_certificate.round:
        lacking.append(core.round_certificate)
    if status.polka_round < core.valid_round and core.valid_round in core.polkas:
        lacking.append(core.polkas[core.valid_round])
    heard = core.proposals.get(status.round)
    if heard is not None and not status.has_proposal:
        lacking.append(core.proposal_message(heard.vote))
    for kind, bitmap in ((PREVOTE, status.prevotes), (PRECOMMIT, status.precommits)):
        tally = core.book.tally(status.round, kind)
        try:
            known = read_bitmap(core.validators, bitmap)
        except InvalidMessageError:
            continue
        if tally is not None:
            lacking += [tally.voters[key] for key in sorted(tally.voters) if key not in known]
    return lacking
