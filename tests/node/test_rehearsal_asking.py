"""What a rehearsal makes of validators' answers: refused steps, other heights, none in time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.transaction import Call, ReceivedTransaction, read_transaction
from node.client import WashRpcError
from node.devnet import rehearsal
from node.devnet.rehearsal import ValidatorsChain
from node.rehearse.errors import RehearsalError
from node.rehearse.genesis import make_genesis
from node.rehearse.plan import Plan
from node.rehearse.wallets import Wallet, signer_of

AT = 1_000


class Answers:
    """A validator that has every block at once; `height` is where it says that it is."""

    def __init__(self, height: int) -> None:
        self.height, self.waiting, self.now_ms = height, 0, 0
        self.taken: list[list[str]] = []
        self.refusal: str | None = None
        self.head_time_ms: int | None = None

    async def rpc(self, method: str, **params: Any) -> Any:
        if method == "tx_submitBatch":
            self.taken.append(params["txs"])
            if self.refusal is not None:
                return [{"error": {"message": self.refusal}} for _ in params["txs"]]
            return [{"status": "pending"} for _ in params["txs"]]
        if params["time_ms"] > self.now_ms:
            self.now_ms, self.waiting = params["time_ms"], 0
        head = self.now_ms if self.head_time_ms is None else self.head_time_ms
        return {
            "height": self.height, "head_time_ms": head, "waiting": self.waiting,
            "next_work_ms": 7_000,
        }  # fmt: skip

    async def close(self) -> None:
        pass


@pytest.fixture
def answers() -> list[Answers]:
    return [Answers(3), Answers(3)]


@pytest.fixture
def chain(tmp_path: Path, answers: list[Answers]) -> Iterator[ValidatorsChain]:
    made = ValidatorsChain(tmp_path / "validators", make_genesis(Plan()), 2)
    made._clients = answers  # type: ignore[assignment]
    yield made
    made.close()


def steps(count: int) -> list[ReceivedTransaction]:
    wallet = Wallet(signer_of("customer", 0), bytes(32))
    call = Call(bytes(32), "request", (), 0)
    return [read_transaction(wallet.sign(wallet.body(0, 5_000, call))) for _ in range(count)]


def test_a_moment_is_over_when_all_have_its_block(
    chain: ValidatorsChain, answers: list[Answers]
) -> None:
    for one in answers:
        one.waiting = 5  # as what came over the network would

    chain.make_block(steps(5), AT)

    assert [len(items) for one in answers for items in one.taken] == [3, 2]
    assert (chain.now, chain.next_due_ms(), chain.sent) == (AT, 7_000, 5)


def test_a_step_that_a_validator_refuses_ends_it(
    chain: ValidatorsChain, answers: list[Answers]
) -> None:
    answers[0].refusal = "this nonce was used"

    with pytest.raises(RehearsalError, match=r"^node1 refused a step: this nonce was used$"):
        chain.make_block(steps(1), AT)


def test_one_block_at_two_heights_ends_it(chain: ValidatorsChain, answers: list[Answers]) -> None:
    answers[1].height = 4

    with pytest.raises(RehearsalError, match=r"time 1000 at different heights: \[3, 4\]"):
        chain.make_block([], AT)


def test_validators_that_do_not_come_on_end_it(
    chain: ValidatorsChain, answers: list[Answers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "PATIENCE_S", 0.05)
    answers[1].head_time_ms = 0

    with pytest.raises(RehearsalError, match=r"got stuck after block time 0: .*admin_set_clock"):
        chain.make_block([], AT)


def test_an_error_that_a_validator_answers_ends_it(
    chain: ValidatorsChain, answers: list[Answers], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_method: str, **_params: Any) -> Any:
        raise WashRpcError("not on this chain")

    monkeypatch.setattr(answers[0], "rpc", refuse)

    with pytest.raises(RehearsalError, match=r"^node1 answers admin_set_clock with: "):
        chain.make_block([], AT)
