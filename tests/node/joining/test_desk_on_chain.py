"""Codes on the chain: every gateway takes them, each lets one shop in, two take one back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.changes import GrantRole
from chain.errors import WashError
from chain.governance import contract_by_name
from chain.roles import Role, has_role
from chain.transaction import Call, Propose
from chain.types import HOUR_MS
from node.demo.accounts import account_of
from node.joining.code import JoinCode, JoinCodeError
from node.joining.desk import Admission, Desk
from node.joining.errors import (
    AdmissionError,
    OverCodeError,
    RevokedCodeError,
    UnknownCodeError,
    UsedCodeError,
)
from node.joining.on_chain import CONTRACT, ChainCode, all_codes, read_code
from node.joining.records import hash_secret
from tests.node.joining.gate import GATE, Gate, Newcomer

CRYSTAL, PEARL = Newcomer("Crystal"), Newcomer("Pearl 明珠洗车")


class Gates(Gate):
    """Two gateways of one chain that knows codes; the second one's key is an admitter's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.install_codes()
        self.do("operator", Propose(GrantRole(account_of("bob"), Role.ADMITTER)))
        self.second = self.open_desk("bob", "admissions-there")

    def offer(self, desk: Desk | None = None, **more: str) -> JoinCode:
        """Return a new code of the first gateway, or of a desk, that the chain knows."""
        code, _record = (desk or self.desk).make((GATE,), 24 * HOUR_MS, **more)
        self.make_block()
        return code

    async def bring(self, desk: Desk, newcomer: Newcomer, code: JoinCode) -> Admission:
        """Let a shop bring a code to a desk; a block follows."""
        request = newcomer.request(self.node.ledger.chain_id, code)
        taken = await desk.redeem(request)
        if taken.status == "final":
            return taken
        self.make_block()
        return await desk.redeem(request)

    def take_back(self, name: str, code: JoinCode) -> None:
        """Let an operator say that a code is to be taken back."""
        contract = contract_by_name(self.node.state(), CONTRACT)
        assert contract is not None
        self.do(name, Call(contract, "take_back", (bytes.fromhex(hash_secret(code)),), 0))

    def known(self, code: JoinCode) -> ChainCode | None:
        """Return what the chain knows of a code."""
        return read_code(self.node, bytes.fromhex(hash_secret(code)))


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Gates]:
    made = Gates(tmp_path)
    yield made
    made.node.close()


async def test_another_gateway_takes_a_code_that_the_chain_knows(gates: Gates) -> None:
    code = gates.offer()

    done = await gates.bring(gates.second, CRYSTAL, code)

    known = gates.known(code)
    assert known is not None
    assert (known.shop, known.node_key) == (CRYSTAL.shop.public_key, CRYSTAL.node.public_key)
    assert (done.status, done.height) == ("final", gates.node.ledger.height)
    assert has_role(gates.node.state(), CRYSTAL.shop.public_key, Role.MEMBER)


async def test_whichever_gateway_is_asked_a_code_lets_one_shop_in(gates: Gates) -> None:
    code = gates.offer()
    done = await gates.bring(gates.second, CRYSTAL, code)

    with pytest.raises(UsedCodeError):
        await gates.bring(gates.desk, PEARL, code)
    again = await gates.bring(gates.desk, CRYSTAL, code)

    assert again == done
    assert not has_role(gates.node.state(), PEARL.shop.public_key, Role.MEMBER)


async def test_of_two_gateways_at_once_the_chain_lets_one_win(gates: Gates) -> None:
    code, chain_id = gates.offer(), gates.node.ledger.chain_id
    first, second = CRYSTAL.request(chain_id, code), PEARL.request(chain_id, code)
    await gates.second.redeem(second)
    await gates.desk.redeem(first)
    gates.make_block()

    answers = []
    for desk, request in ((gates.second, second), (gates.desk, first)):
        try:
            answers.append((await desk.redeem(request)).status)
        except (AdmissionError, UsedCodeError) as error:
            answers.append(type(error).__name__)

    members = [
        has_role(gates.node.state(), one.shop.public_key, Role.MEMBER) for one in (CRYSTAL, PEARL)
    ]
    assert sorted(answers) == ["UsedCodeError", "final"]
    assert sorted(members) == [False, True]


async def test_a_code_that_the_chain_has_not_heard_of_is_told_with_its_shop(gates: Gates) -> None:
    code = gates.make()
    gates.node.pool.clear()  # what told the chain is lost

    done = await gates.come(CRYSTAL, code)

    known = gates.known(code)
    assert known is not None
    assert (done.status, known.shop) == ("final", CRYSTAL.shop.public_key)


async def test_any_two_operators_take_back_a_code_at_every_gateway(gates: Gates) -> None:
    code = gates.offer(gates.second)
    gates.do("operator", Propose(GrantRole(account_of("carol"), Role.OPERATOR)))
    gates.take_back("operator", code)
    known = gates.known(code)
    gates.take_back("carol", code)

    for desk in (gates.desk, gates.second):
        with pytest.raises(RevokedCodeError):
            await gates.bring(desk, CRYSTAL, code)
    assert known is not None
    assert (known.voice, known.stopped_at) == (account_of("operator"), 0)


async def test_the_gateway_that_made_a_code_takes_it_back_for_all(gates: Gates) -> None:
    code = gates.offer()
    gates.desk.revoke(code.number.hex())
    gates.make_block()

    with pytest.raises(RevokedCodeError):
        await gates.bring(gates.second, CRYSTAL, code)


async def test_a_code_that_another_gateway_took_is_not_taken_back(gates: Gates) -> None:
    code = gates.offer()
    await gates.bring(gates.second, CRYSTAL, code)

    with pytest.raises(UsedCodeError):
        gates.desk.revoke(code.number.hex())


async def test_name_and_time_of_a_code_hold_at_every_gateway(gates: Gates) -> None:
    code = gates.offer(name="Crystal")
    with pytest.raises(JoinCodeError, match="another name"):
        await gates.bring(gates.second, PEARL, code)
    gates.wall.now_ms = code.expires_at
    with pytest.raises(OverCodeError):
        await gates.bring(gates.second, CRYSTAL, code)


async def test_a_guess_is_unknown_at_a_gateway_that_made_nothing(gates: Gates) -> None:
    gates.offer()
    guess = JoinCode(
        ("https://gate.example",), gates.node.ledger.chain_id[:12], b"0123456789",
        (gates.wall.now_ms + HOUR_MS) // HOUR_MS,
    )  # fmt: skip

    with pytest.raises(UnknownCodeError):
        await gates.bring(gates.second, CRYSTAL, guess)


def test_the_chain_has_no_secret_and_no_name_of_a_code(gates: Gates) -> None:
    code = gates.offer(name="Crystal", note="Ms Li")

    (known,) = all_codes(gates.node)
    block = gates.node.ledger.store.block(gates.node.ledger.height)
    data = b"".join(block.transactions)

    assert known.maker == account_of("operator")
    assert code.secret not in data
    assert b"Crystal" not in data
    assert b"Ms Li" not in data


def test_a_code_is_made_though_the_chain_takes_nothing_now(
    gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_data: bytes) -> None:
        raise WashError("the line is down")

    monkeypatch.setattr(gates.node, "submit", refuse)

    assert gates.state(gates.make()) == "open"
