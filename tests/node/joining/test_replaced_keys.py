"""A shop whose key was replaced: which key brings it back, and that the old one brings nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import Signer
from chain.errors import BadSignatureError
from chain.governance import contract_by_name
from chain.ids import encode_id
from chain.transaction import AccountKey, AddKey, RemoveKey, Scope
from node.client import WashRpcError
from node.commands.coming_back import act_for, find_shop, forget_words
from node.commands.output import CommandError
from node.demo.accounts import account_of, signer_of
from node.joining.account_keys import Owners, full_keys, owners_of
from node.joining.plan import ShopPlan, read_plan, write_plan
from node.joining.request import sign_request
from node.keys.acting import ActingKey
from node.keys.store import KeyStore
from node.staff.book import Member, StaffBook
from tests.node.joining.gate import Gate, Newcomer

SHOP = account_of("sparkle")
NEW = ActingKey(bytes(31) + b"\x05", SHOP)
STAFF = Signer(bytes(31) + b"\x06")
NODE = Newcomer("Sparkle").node
PIN = "482916"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Return a gateway whose shop sparkle has a new key, and one of staff that may do little."""
    made = Gate(tmp_path)
    register = contract_by_name(made.node.state(), "shops")
    assert register is not None
    made.do(
        "sparkle",
        AddKey(AccountKey(NEW.public_key, None, (), None)),
        AddKey(AccountKey(STAFF.public_key, (Scope(register, ()),), (), None)),
        RemoveKey(SHOP),
    )
    yield made
    made.node.close()


def test_a_key_is_found_by_whose_it_is_now(gate: Gate) -> None:
    keys = {"new": NEW.public_key, "old": SHOP, "staff": STAFF.public_key, "none": NODE.public_key}

    found = {name: owners_of(gate.node, key) for name, key in keys.items()}

    other = account_of("harbour")
    assert found == {
        "new": Owners((SHOP,), was_replaced=False),
        "old": Owners((), was_replaced=True),
        "staff": Owners((), was_replaced=False),
        "none": Owners((), was_replaced=False),
    }
    assert owners_of(gate.node, other) == Owners((other,), was_replaced=False)
    assert full_keys(gate.node.state(), SHOP, gate.node.block_time()) == (NEW.public_key,)


async def test_only_a_key_that_the_shop_has_now_brings_its_computer_in(gate: Gate) -> None:
    code, chain_id = gate.make(), gate.node.ledger.chain_id
    for key in (signer_of("sparkle"), ActingKey(bytes(31) + b"\x06", SHOP)):
        stale = sign_request(chain_id, code, "Sparkle", shop=key, node=NODE)
        with pytest.raises(BadSignatureError, match="no key that acct1"):
            await gate.desk.redeem(stale)

    request = sign_request(chain_id, code, "Sparkle", shop=NEW, node=NODE)
    await gate.desk.redeem(request)
    gate.make_block()

    assert (await gate.desk.redeem(request)).status == "final"


# At the computer that comes back ----------------------------------------------------------------


class Told:
    """A gateway that answers what it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def rpc(self, _method: str, **_params: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def read(self, _view: str, **_given: Any) -> Any:
        return {"status": 0}


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ({"shops": [], "replaced": True}, "this card is of a key that was replaced"),
        ({"shops": [], "replaced": False}, "the network knows no shop with the key"),
        ({"shops": ["a", "b"], "replaced": False}, "the key of several shops: a, b"),
        (WashRpcError("?", code=-32601, name="METHOD_NOT_FOUND"), "the network knows no shop"),
    ],
)
def test_words_that_bring_nothing_back_are_told_why(tmp_path: Path, answer: Any, seen: str) -> None:
    wash: Any = Told(answer)
    info = KeyStore(tmp_path / "keys").create("shop", None)

    with pytest.raises(CommandError, match=seen) as refused:
        find_shop(wash, info)

    assert refused.value.fix


def test_key_and_people_act_for_the_account_that_the_chain_told_of(tmp_path: Path) -> None:
    store, account = KeyStore(tmp_path / "keys"), encode_id("acct", SHOP)
    own = store.add("shop", bytes(31) + b"\x05", None)
    book = StaffBook(tmp_path / "staff")
    book.add(Member("s-000000000001", "Li", own.account_text, "00" * 32, 1, 9), bytes(32), PIN)

    act_for(tmp_path, account, None)

    (owner,) = StaffBook(tmp_path / "staff").all()
    assert (store.show("shop").account_text, owner.account) == (account, account)
    assert store.unlock("shop", None).public_key == NEW.public_key


def test_words_that_no_gateway_let_in_make_room_for_others(tmp_path: Path) -> None:
    KeyStore(tmp_path / "keys").create("shop", None)
    write_plan(tmp_path, ShopPlan(name="Crystal", service=None))

    forget_words(tmp_path)

    assert (read_plan(tmp_path), KeyStore(tmp_path / "keys").list()) == (None, ())
