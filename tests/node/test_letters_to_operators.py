"""Letters to operators come from the gateway where they were written, and answers go back there."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain.ids import encode_id
from chain.roles import Role as ChainRole
from chain.roles import set_role
from node.letters.form import Between, Role, letter_name, seal_letter
from node.letters.operators import TRIES_MAX, OperatorsCarrier, operators_of
from node.letters.service import CLOSED, About, Kind
from node.rpc.methods.letter import parse_about
from tests.make import memory_state
from tests.node.test_letters import ALICE, KEYS, SHOP
from tests.node.test_letters_kept import NOTHING, TEXT, VISIT, Told

OPERATOR = SHOP.public_key  # whom the message is for
ASKED = seal_letter("Why?", Between(ALICE.public_key, OPERATOR, Role.MESSAGE), KEYS)
ANSWER = seal_letter("So.", Between(ALICE.public_key, OPERATOR, Role.ANSWER), KEYS)
OTHER = seal_letter("Pay here", Between(ALICE.public_key, OPERATOR, Role.MESSAGE), KEYS)
MESSAGE = About(Kind.MESSAGE, bytes([7]) * 32)
OPEN = 1


def is_operator(account: bytes) -> bool:
    return account == OPERATOR


class Side:
    """One of two nodes that both know the chain, and how the other one asks it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.letters = Told(folder)
        self.asked: list[str] = []
        self.lie: bytes | None = None  # what it says instead of what it has

    def say(self, *, is_answered: bool = False, stage: int = OPEN) -> None:
        """Let the chain name the letters of a message."""
        self.letters.told["feedback"] = {
            "sender": ALICE.public_key,
            "receiver": OPERATOR,
            "message": letter_name(ASKED),
            "answer": letter_name(ANSWER) if is_answered else NOTHING,
            "stage": stage,
        }

    def kept(self) -> list[bytes]:
        return self.letters.store.names(MESSAGE.key())

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Answer as the methods of this name do."""
        self.asked.append(method)
        about = parse_about(params["about"])
        if method == "letter_put":
            self.letters.put(about, bytes.fromhex(params["content"]))
            return {}
        found = [(one.name.hex(), letter) for one, letter in self.letters.get(about)]
        shown = [(name, letter if self.lie is None else self.lie) for name, letter in found]
        return {
            "letters": [
                {"name": name, "content": None if letter is None else letter.hex()}
                for name, letter in shown
            ]
        }


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[tuple[Side, Side]]:
    here, there = Side(tmp_path / "here"), Side(tmp_path / "there")
    for one in (here, there):
        one.say()
    yield here, there
    for one in (here, there):
        one.letters.store.close()


async def test_a_message_is_fetched_and_its_answer_brought_back(sides: tuple[Side, Side]) -> None:
    here, there = sides
    carrier = OperatorsCarrier(here.letters, is_operator, there.ask)
    there.letters.put(MESSAGE, ASKED)
    carrier.want(MESSAGE)
    await carrier.carry_all()
    fetched = here.kept()
    for one in sides:
        one.say(is_answered=True)
    here.letters.put(MESSAGE, ANSWER)  # which is new, so it goes there by itself
    await carrier.carry_all()

    both = sorted([letter_name(ASKED), letter_name(ANSWER)])
    assert fetched == [letter_name(ASKED)]
    assert here.kept() == there.kept() == both


async def test_what_the_chain_does_not_name_is_not_believed(sides: tuple[Side, Side]) -> None:
    here, there = sides
    there.lie = OTHER
    carrier = OperatorsCarrier(here.letters, is_operator, there.ask)
    carrier.want(MESSAGE)
    for _ in range(TRIES_MAX + 3):
        await carrier.carry_all()

    assert (here.kept(), len(there.asked)) == ([], TRIES_MAX)


async def test_two_that_lack_a_letter_do_not_ask_each_other_for_ever(
    sides: tuple[Side, Side],
) -> None:
    here, there = sides
    first = OperatorsCarrier(here.letters, is_operator, there.ask)
    second = OperatorsCarrier(there.letters, is_operator, here.ask)
    for one in (first, second):
        one.want(MESSAGE)
    for _ in range(2 * TRIES_MAX):
        await first.carry_all()
        await second.carry_all()
    silent = [len(here.asked), len(there.asked)]
    here.letters.put(MESSAGE, ASKED)  # the sender's phone finds a line at last
    here.letters.put(MESSAGE, ASKED)
    for _ in range(2 * TRIES_MAX):
        await first.carry_all()
        await second.carry_all()

    assert silent == [TRIES_MAX, TRIES_MAX]
    assert there.kept() == [letter_name(ASKED)]
    assert (len(here.asked), len(there.asked)) == (TRIES_MAX + 1, TRIES_MAX + 2)


async def test_who_reads_here_has_a_missing_letter_asked_for_anew(
    sides: tuple[Side, Side],
) -> None:
    here, there = sides
    carrier = OperatorsCarrier(here.letters, is_operator, there.ask)
    here.letters.get(MESSAGE)  # anybody may ask that
    await carrier.carry_all()
    by_a_stranger = list(there.asked)
    there.letters.put(MESSAGE, ASKED)
    here.letters.want(MESSAGE)
    await carrier.carry_all()

    assert (by_a_stranger, here.kept()) == ([], [letter_name(ASKED)])


async def test_letters_of_others_and_reviews_and_closed_messages_are_left_alone(
    sides: tuple[Side, Side],
) -> None:
    here, there = sides
    here.letters.say(TEXT)
    carriers = [
        OperatorsCarrier(here.letters, lambda _account: False, there.ask),
        OperatorsCarrier(here.letters, is_operator, there.ask),
    ]
    carriers[0].want(MESSAGE)
    carriers[1].want(VISIT)
    here.say(stage=CLOSED)
    carriers[1].want(MESSAGE)
    del here.letters.told["feedback"]
    carriers[1].want(MESSAGE)  # no such message any more
    for one in carriers:
        await one.carry_all()

    assert there.asked == []


def test_a_gateway_carries_for_all_operators_and_another_node_for_its_logins() -> None:
    state = memory_state()
    colleague, shop = bytes([3]) * 32, bytes([4]) * 32
    for one in (OPERATOR, colleague):
        set_role(state, one, ChainRole.OPERATOR, held=True)
    logins = [SimpleNamespace(account=encode_id("acct", one)) for one in (OPERATOR, shop)]
    book = SimpleNamespace(all=lambda: logins)
    node = SimpleNamespace(state=lambda: state, operators=SimpleNamespace(book=book))
    nobody = SimpleNamespace(state=lambda: state, operators=None)
    accounts = (OPERATOR, colleague, shop)

    def told(node: Any, *, is_gateway: bool) -> list[bool]:
        return [operators_of(node, is_gateway=is_gateway)(one) for one in accounts]

    assert told(node, is_gateway=True) == told(nobody, is_gateway=True) == [True, True, False]
    assert told(node, is_gateway=False) == [True, False, False]
    assert told(nobody, is_gateway=False) == [False, False, False]
