"""A rehearsal from file to table: `washnode rehearse`."""

import gc
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain.crypto import Signer, verify_signature
from node.rehearse.agreement import Agreement
from node.rehearse.chain import RehearsalChain, tally_for_rehearsal
from node.rehearse.genesis import make_genesis
from node.rehearse.plan import Plan
from node.rehearse.tally import Tally
from node.rehearse.wallets import SigningLine
from node.storage.seal import seal_folder
from node.terminal import escape_controls

_RATE_ROUNDS = 7
_RATE_CHECKS = 300
_MESSAGE_BYTES = 300  # about the size of what a booking's transaction signs


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a rehearsal.

    `signature_rate` is one core's Ed25519 checks a second, measured before and after: the mean.
    `agreement` is what several validators agreed on, None where there was one.
    """

    tally: Tally
    transactions: int
    blocks: int
    timers_fired: int
    seconds: float
    signature_rate: int
    conserved: bool
    agreement: Agreement | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the result as `--json` prints it."""
        said = {
            **table_json(self.tally),
            "transactions": self.transactions,
            "blocks": self.blocks,
            "timers_fired": self.timers_fired,
            "seconds": round(self.seconds, 3),
            "signature_rate": self.signature_rate,
            "conserved": self.conserved,
        }
        if self.agreement is not None:
            said["validators"] = self.agreement.validators
            said["heights"] = self.agreement.heights
            said["state_root"] = self.agreement.state_root.hex()
        return said


def table_json(tally: Tally) -> dict[str, Any]:
    """Return the table: shops sorted by id, their total, and why rows were refused."""
    return {
        "shops": [{"shop_id": name, **figures.as_dict()} for name, figures in tally.table()],
        "total": tally.total().as_dict(),
        "rejected_reasons": dict(sorted(tally.reasons.items())),
    }


def measure_signature_rate() -> int:
    """Return how many Ed25519 signatures one core checks a second now: a median of rounds."""
    signer = Signer(bytes(32))
    message = bytes(_MESSAGE_BYTES)
    signature = signer.sign(message)
    rates: list[float] = []
    for _ in range(_RATE_ROUNDS):
        start = time.perf_counter()
        for _ in range(_RATE_CHECKS):
            verify_signature(signer.public_key, message, signature)
        rates.append(_RATE_CHECKS / (time.perf_counter() - start))
    return round(sorted(rates)[_RATE_ROUNDS // 2])


def rehearse(
    plan: Plan, keep: Path | None = None, on_progress: Callable[[int, int], None] | None = None
) -> Result:
    """Carry out a plan on a throw-away chain; `keep` leaves the chain in that folder.

    `on_progress` is told (steps done, steps in all).
    """
    progress = on_progress or (lambda _done, _all: None)
    if keep is not None:
        return _rehearse(plan, keep, progress, sealed=True)
    with tempfile.TemporaryDirectory(prefix="washnode-") as temporary:
        return _rehearse(plan, Path(temporary), progress, sealed=False)


def _rehearse(
    plan: Plan, folder: Path, on_progress: Callable[[int, int], None], *, sealed: bool
) -> Result:
    rate = measure_signature_rate()
    gc.freeze()  # the plan stays: no need to look through it again and again
    started = time.perf_counter()
    line = SigningLine()
    genesis = make_genesis(plan)
    (folder / "genesis.json").write_text(genesis.model_dump_json(indent=1), encoding="utf-8")
    chain = RehearsalChain(folder, genesis, tally_for_rehearsal())
    try:
        chain.play(plan, line, on_progress)
        chain.check_bookings(len(plan.bookings))
        result = Result(
            tally=chain.tally,
            transactions=chain.transactions,
            blocks=chain.ledger.height,
            timers_fired=chain.timers_fired,
            seconds=time.perf_counter() - started,
            signature_rate=(rate + measure_signature_rate()) // 2,
            conserved=chain.check_end(),
        )
        if sealed:
            chain.ledger.store.compact()
    finally:
        line.close()
        chain.close()
    if sealed:
        head = chain.ledger.head
        seal_folder(folder, head.chain_id, head.height, chain.ledger.head_id)
    return result


def dump_json(value: dict[str, Any], *, ascii_only: bool = False) -> str:
    """Return a result's JSON text; what a terminal could obey is escaped, or all but ASCII."""
    return escape_controls(json.dumps(value, ensure_ascii=ascii_only))
