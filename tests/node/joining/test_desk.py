"""The desk of a gateway: a code lets one shop in, once, and nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain.errors import BadSignatureError
from chain.governance import contract_by_name
from chain.roles import Role, has_role
from chain.types import HOUR_MS
from node.joining.code import JoinCodeError, parse_code
from node.joining.desk import GUESSES_MAX
from node.joining.errors import (
    AdmissionError,
    GuessingError,
    NoAdmissionsError,
    OverCodeError,
    RevokedCodeError,
    UnknownCodeError,
    UsedCodeError,
)
from node.live.views import look
from node.net.membership import Membership
from tests.node.joining.gate import GATE, Gate, Newcomer

CRYSTAL, PEARL = Newcomer("Crystal"), Newcomer("Pearl 明珠洗车")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path)
    yield made
    made.node.close()


def standing(gate: Gate, newcomer: Newcomer) -> int:
    register = contract_by_name(gate.node.state(), "shops")
    assert register is not None
    return int(look(gate.node, register, "standing", newcomer.shop.public_key)["status"])


async def test_whoever_brings_a_code_is_a_member_a_shop_and_may_read_the_chain(gate: Gate) -> None:
    code = parse_code(gate.make().text())

    done = await gate.come(CRYSTAL, code)

    state = gate.node.state()
    assert (done.status, done.height) == ("final", gate.node.ledger.height)
    assert standing(gate, CRYSTAL) == 1
    assert has_role(state, CRYSTAL.shop.public_key, Role.MEMBER)
    assert Membership(gate.node).may_read(CRYSTAL.node.public_key)
    assert not Membership(gate.node).may_read(PEARL.node.public_key)
    assert gate.state(code) == "admitted"


async def test_who_asks_again_gets_the_same_answer_and_no_second_transaction(gate: Gate) -> None:
    code = gate.make()
    first = await gate.come(CRYSTAL, code)
    height = gate.node.ledger.height

    gate.desk = gate.open_desk()
    again = await gate.come(CRYSTAL, code)

    assert again == first
    assert gate.node.ledger.height == height


async def test_a_code_lets_one_shop_in(gate: Gate) -> None:
    code = gate.make()
    await gate.come(CRYSTAL, code)

    with pytest.raises(UsedCodeError, match=r"acct1.* used this code at"):
        await gate.come(PEARL, code)
    with pytest.raises(UsedCodeError):
        gate.desk.revoke(code.number.hex())

    assert standing(gate, PEARL) == 0


async def test_who_is_first_has_the_code_before_the_chain_has_answered(gate: Gate) -> None:
    code, chain_id = gate.make(), gate.node.ledger.chain_id
    taken = await gate.desk.redeem(CRYSTAL.request(chain_id, code))

    with pytest.raises(UsedCodeError):
        await gate.desk.redeem(PEARL.request(chain_id, code))

    assert taken.status == "pending"
    assert gate.state(code) == "used"


async def test_an_admission_that_the_gateways_fall_cut_off_goes_on(gate: Gate) -> None:
    code, chain_id = gate.make(valid_for_ms=HOUR_MS), gate.node.ledger.chain_id
    await gate.desk.redeem(CRYSTAL.request(chain_id, code))
    gate.node.pool.clear()  # what was sent is lost
    gate.desk = gate.open_desk()
    gate.wall.now_ms += 3 * HOUR_MS

    done = await gate.come(CRYSTAL, code)

    assert done.status == "final"
    assert standing(gate, CRYSTAL) == 1


async def test_a_code_ends_on_the_hour(gate: Gate) -> None:
    code = gate.make(valid_for_ms=HOUR_MS)
    assert code.expires_at - gate.wall.now_ms >= HOUR_MS
    gate.wall.now_ms = code.expires_at

    with pytest.raises(OverCodeError):
        await gate.come(CRYSTAL, code)

    assert gate.state(code) == "over"


async def test_a_code_that_was_taken_back_lets_nobody_in(gate: Gate) -> None:
    code = gate.make()
    first, again = (gate.desk.revoke(code.number.hex()) for _ in range(2))

    with pytest.raises(RevokedCodeError):
        await gate.come(CRYSTAL, code)

    assert first == again
    assert gate.state(code) == "revoked"


async def test_a_guess_and_a_code_of_another_network_are_told(gate: Gate) -> None:
    code = gate.make()

    for wrong, error in (
        (replace(code, secret=b"0123456789"), UnknownCodeError),
        (replace(code, chain=bytes(12)), JoinCodeError),
    ):
        with pytest.raises(error):
            await gate.come(CRYSTAL, wrong)
    with pytest.raises(UnknownCodeError):
        gate.desk.revoke("00" * 8)
    with pytest.raises(UnknownCodeError):
        gate.desk.revoke("../../etc")


async def test_guessing_is_slowed_down_and_stops_nobody_with_a_code(gate: Gate) -> None:
    code = gate.make()
    guess = replace(code, secret=b"0123456789")
    now = [0]
    gate.node.clock.mono_ms = lambda: now[0]
    refusals = []
    for _ in range(GUESSES_MAX + 1):
        with pytest.raises((UnknownCodeError, GuessingError)) as caught:
            await gate.come(CRYSTAL, guess)
        refusals.append(caught.type)
    now[0] = 61_000
    with pytest.raises(UnknownCodeError):
        await gate.come(CRYSTAL, guess)

    done = await gate.come(CRYSTAL, code)

    assert refusals == [UnknownCodeError] * GUESSES_MAX + [GuessingError]
    assert done.status == "final"


async def test_both_keys_sign_what_is_asked(gate: Gate) -> None:
    code, chain_id = gate.make(), gate.node.ledger.chain_id
    good = CRYSTAL.request(chain_id, code)
    for wrong in (
        replace(good, account=PEARL.shop.public_key),
        replace(good, node_key=PEARL.node.public_key),
        replace(good, name="Another"),
        replace(good, signature=good.node_signature),
        replace(good, node_signature=good.signature),
    ):
        with pytest.raises(BadSignatureError):
            await gate.desk.redeem(wrong)

    assert gate.state(code) == "open"


async def test_a_code_for_one_name_is_for_that_shop_only(gate: Gate) -> None:
    code = gate.make(name="Crystal")

    with pytest.raises(JoinCodeError, match="'Crystal' only"):
        await gate.come(PEARL, code)
    await gate.come(CRYSTAL, code)

    assert gate.state(code) == "admitted"


@pytest.mark.parametrize("name", ["", " Crystal", "a\nb", "x" * 61])
async def test_a_shop_has_a_name_on_one_line(gate: Gate, name: str) -> None:
    code = gate.make()
    with pytest.raises(JoinCodeError, match="1 to 60 letters"):
        await gate.come(Newcomer(name), code)


async def test_a_shop_that_is_one_already_still_gets_its_node_in(gate: Gate) -> None:
    await gate.come(CRYSTAL, gate.make())
    moved = Newcomer("Crystal")
    code, chain_id = gate.make(), gate.node.ledger.chain_id
    request = moved.request(chain_id, code)

    await gate.desk.redeem(request)
    gate.make_block()

    assert (await gate.desk.redeem(request)).status == "final"


async def test_who_has_not_the_role_makes_and_takes_no_codes(gate: Gate) -> None:
    code = gate.make()
    gate.admitter = "alice"
    gate.desk = gate.open_desk()

    with pytest.raises(NoAdmissionsError, match="member and admitter"):
        gate.make()
    with pytest.raises(NoAdmissionsError):
        await gate.come(CRYSTAL, code)

    assert gate.state(code) == "open"


async def test_what_the_chain_would_refuse_is_not_sent(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = gate.make()
    monkeypatch.setattr(gate.desk, "_is_shop", lambda *_: False)
    await gate.come(CRYSTAL, code)

    with pytest.raises(AdmissionError, match="would refuse"):
        await gate.come(CRYSTAL, gate.make())


def test_the_folder_of_codes_has_no_secret(gate: Gate) -> None:
    code = gate.make(note="for Ms Li")

    texts = [path.read_text("utf-8") for path in (gate.folder / "admissions").iterdir()]

    assert len(texts) == 1
    assert "for Ms Li" in texts[0]
    assert code.secret.hex() not in texts[0]
    assert code.text() not in texts[0]
    assert [one.number for one in gate.desk.book.all()] == [code.number.hex()]


def test_a_code_lasts_at_most_a_month(gate: Gate) -> None:
    code = gate.make(valid_for_ms=400 * 24 * HOUR_MS)

    assert code.expires_at - gate.wall.now_ms <= 31 * 24 * HOUR_MS + HOUR_MS
    assert code.gateways == (GATE,)
