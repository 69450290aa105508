"""Contracts over the API: lists, ABIs, views, and how they answer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.errors import UnknownIdError
from chain.ids import encode_id
from chain.types import HOUR_MS
from contracts.lang.compiler import compile_contract
from node.abi import BadAbiError
from node.catalog import abi
from node.rpc.contract_views import serve_views
from node.rpc.errors import ContractRefusedError, InvalidParamsError
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import contract as methods
from node.rpc.methods import contract_pending as pending
from node.rpc.registry import collect
from tests.contracts.standard.setting import HELD, RULES, TOTAL
from tests.make import BOX, MONEY, TestChain, account, word
from tests.node.rpc.shop import POLICY, SLOT, Reader, Shop

ALICE, BOB = (encode_id("acct", account(name)) for name in ("alice", "bob"))
CNY = {"currency": "CNY", "asset": encode_id("ast", MONEY)}


@pytest.fixture
def reader(chain: TestChain, tmp_path: Path) -> Reader:
    return Reader(chain, tmp_path / "abis")


@pytest.fixture
def shop(chain: TestChain) -> Shop:
    return Shop(chain)


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, **CNY}


# What there is ----------------------------------------------------------------------------------


def test_installed_contracts_come_first_by_name_and_pages_join(
    reader: Reader, shop: Shop, chain: TestChain
) -> None:
    boxes = sorted(chain.deploy() for _ in range(3))

    whole = methods.contract_list(reader.call)
    pages = [methods.contract_list(reader.call, limit=2)]
    while pages[-1]["next_cursor"] is not None:
        cursor = pages[-1]["next_cursor"]
        pages.append(methods.contract_list(reader.call, limit=2, cursor=cursor))

    expected = [shop.booking, shop.register, *sorted([shop.loyalty, shop.prepaid, *boxes])]
    names = ["booking", "shops", *[None] * 5]
    assert [one["contract"] for one in whole["items"]] == [encode_id("ctr", c) for c in expected]
    assert [one["name"] for one in whole["items"]] == names
    assert whole["next_cursor"] is None
    assert [len(page["items"]) for page in pages] == [2, 2, 2, 1]
    assert [one for page in pages for one in page["items"]] == whole["items"]


def test_a_list_that_ends_with_a_page_says_so(reader: Reader, shop: Shop) -> None:
    page = methods.contract_list(reader.call, limit=4)

    expected = [shop.booking, shop.register, *sorted([shop.loyalty, shop.prepaid])]
    assert [one["contract"] for one in page["items"]] == [encode_id("ctr", c) for c in expected]
    assert page["next_cursor"] is None


def test_a_contract_is_shown_with_its_bindings_costs_and_abi(reader: Reader, shop: Shop) -> None:
    found = methods.contract_get(reader.call, contract="booking")

    assert (found["name"], found["code_name"]) == ("booking", "BookingRules")
    assert found["assets"] == [{"slot": "money", **{k: CNY[k] for k in ("asset", "currency")}}]
    assert found["links"] == [
        {"slot": slot, "contract": encode_id("ctr", contract), "name": name}
        for slot, contract, name in (
            ("register", shop.register, "shops"),
            ("loyalty", shop.loyalty, None),
            ("prepaid", shop.prepaid, None),
        )
    ]
    assert found["gas"]["request"] > found["gas"]["booking"] > 0
    assert (found["abi_source"], found["abi"]) == ("author", abi("booking"))
    assert found == methods.contract_get(reader.call, contract=found["contract"])


def test_a_name_means_the_newest_contract_that_has_it(reader: Reader, chain: TestChain) -> None:
    old, new = (chain.deploy(installed="box") for _ in range(2))

    found = methods.contract_get(reader.call, contract="box")
    superseded = methods.contract_get(reader.call, contract=encode_id("ctr", old))

    assert (found["contract"], found["name"]) == (encode_id("ctr", new), "box")
    assert superseded["name"] is None


def test_an_unknown_name_is_answered_with_those_near_it(reader: Reader, shop: Shop) -> None:
    assert shop.booking

    with pytest.raises(
        UnknownIdError, match="no contract is called 'bokking'; did you mean booking"
    ):
        methods.contract_get(reader.call, contract="bokking")


def test_an_abi_is_made_from_the_code_until_the_author_s_is_given(
    reader: Reader, chain: TestChain, tmp_path: Path
) -> None:
    box = encode_id("ctr", chain.deploy())
    before = methods.contract_get(reader.call, contract=box)
    document = compile_contract(BOX).abi

    methods.contract_putAbi(reader.call, contract=box, abi=document)

    after = methods.contract_get(reader.call, contract=box)
    restarted = methods.contract_get(Reader(chain, tmp_path / "abis").call, contract=box)
    params = [one["params"] for one in before["abi"]["actions"] if one["name"] == "pay"]
    assert [one["name"] for one in params[0]] == ["a0", "a1", "a2"]
    assert (before["abi_source"], after["abi_source"]) == ("code", "author")
    assert after["abi"] == restarted["abi"] == document


def test_an_abi_of_another_hash_is_not_taken(reader: Reader, chain: TestChain) -> None:
    box = encode_id("ctr", chain.deploy())
    document = {**compile_contract(BOX).abi, "doc": "Gives money away."}

    with pytest.raises(BadAbiError, match="ABI has hash"):
        methods.contract_putAbi(reader.call, contract=box, abi=document)


def test_a_spoilt_file_is_no_abi(reader: Reader, chain: TestChain, tmp_path: Path) -> None:
    box = encode_id("ctr", chain.deploy())
    methods.contract_putAbi(reader.call, contract=box, abi=compile_contract(BOX).abi)
    (file,) = (tmp_path / "abis").glob("*.json")
    file.write_text(file.read_text().replace("amount", "amused"))

    found = methods.contract_get(Reader(chain, tmp_path / "abis").call, contract=box)

    assert found["abi_source"] == "code"


# Views ------------------------------------------------------------------------------------------


def test_a_view_answers_with_names_amounts_and_ids(reader: Reader, shop: Shop) -> None:
    booking = encode_id("bkg", shop.book())

    found = methods.contract_read(
        reader.call, contract="booking", view="booking", args={"id": booking}
    )

    assert {name: found[name] for name in ("customer", "shop", "state", "total", "start")} == {
        "customer": ALICE, "shop": BOB, "state": "ACCEPTED", "total": money(TOTAL), "start": SLOT,
    }  # fmt: skip
    assert json.loads(json.dumps(found)) == found


def test_a_record_inside_a_record_is_an_object_both_ways(reader: Reader, shop: Shop) -> None:
    assert shop.booking
    read = methods.contract_read

    rules = read(reader.call, contract="booking", view="policy", args={"id": POLICY.hex()})
    tiers = read(reader.call, contract="booking", view="policy_tiers", args={"id": POLICY.hex()})
    again = read(
        reader.call, contract="booking", view="policy_id", args={"p": rules, "tiers": tiers}
    )

    assert rules["no_show"]["bp"] == RULES.no_show.fee_bp
    assert again == POLICY.hex()


def test_a_view_can_be_asked_about_a_later_time(reader: Reader, shop: Shop) -> None:
    args = {"id": encode_id("bkg", shop.book())}

    fees = [
        methods.contract_read(
            reader.call, contract="booking", view="cancel_fee", args=args, time=time
        )
        for time in (None, SLOT - HOUR_MS)
    ]

    assert fees == [money(0), money(4_000)]
    with pytest.raises(InvalidParamsError, match="expected a time of the newest block"):
        methods.contract_read(reader.call, contract="booking", view="cancel_fee", args=args, time=1)


@pytest.mark.parametrize(
    ("view", "args", "expected"),
    [
        ("shops.terms", {"shop": BOB, "service": 1, "cell": 1}, (3000, "wrong_cell")),
        ("booking.policy", {"id": word("no rules").hex()}, (5002, None)),
    ],
)
def test_a_view_s_refusal_has_the_code_and_name_of_its_reason(
    reader: Reader, shop: Shop, view: str, args: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    contract, _dot, name = view.partition(".")
    assert shop.booking

    with pytest.raises(ContractRefusedError) as caught:
        methods.contract_read(reader.call, contract=contract, view=name, args=args)

    outcome = caught.value.outcome
    assert (outcome["code"], outcome.get("reason")) == expected


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({}, "args.id"),
        ({"id": "bkg1qq"}, "args.id"),
        ({"id": ALICE}, "args.id"),
        ({"id": None, "more": 1}, "args.more"),
    ],
)
def test_a_wrong_argument_is_named(
    reader: Reader, shop: Shop, args: dict[str, Any], field: str
) -> None:
    assert shop.booking

    with pytest.raises(InvalidParamsError) as caught:
        methods.contract_read(reader.call, contract="booking", view="booking", args=args)

    assert caught.value.field == field


def test_a_view_that_never_ends_is_stopped_by_its_gas(reader: Reader, chain: TestChain) -> None:
    spinner = chain.deploy(
        """
from wash import *

class Spinner(Contract):
    \"\"\"Counts for long.\"\"\"
    total: uint

    @view
    def spin(self) -> uint:
        t = 0
        for i in range(0, 4000):
            for j in range(0, 4000):
                t += 1
        return t
""",
        assets=(),
    )

    with pytest.raises(ContractRefusedError) as caught:
        methods.contract_read(reader.call, contract=encode_id("ctr", spinner), view="spin")

    assert caught.value.outcome["code"] == 5001


def test_an_action_is_no_view(reader: Reader, shop: Shop) -> None:
    assert shop.booking

    with pytest.raises(UnknownIdError, match="has no view 'request'; there are booking, policy"):
        methods.contract_read(reader.call, contract="booking", view="request")


def test_views_of_installed_contracts_are_methods(reader: Reader, shop: Shop) -> None:
    registry = collect(methods)
    serve_views(registry, reader)
    booking = encode_id("bkg", shop.book())
    method = registry.find("booking.held_money")

    assert method is not None
    at, arguments = method.arguments({"id": booking})
    found = method.function(reader.call, **arguments)

    assert (method.read, at, found) == (True, "final", money(HELD))
    assert {"booking.cancel_fee", "shops.terms"} <= set(registry.dynamic_names())
    assert [registry.find(one) for one in ("booking.request", "nobody.booking", ".", "a.b.c")] == [
        None, None, None, None,
    ]  # fmt: skip


def test_a_view_s_own_parameter_called_at_is_written_apart(reader: Reader, shop: Shop) -> None:
    registry = collect(methods)
    serve_views(registry, reader)
    method = registry.find("shops.was_open")
    assert shop.register
    assert method is not None

    _at, arguments = method.arguments({"shop": BOB, "at_": SLOT})

    assert method.function(reader.call, **arguments) is False


# Through the door -------------------------------------------------------------------------------


async def ask(reader: Reader, method: str, **params: Any) -> Any:
    registry = collect(methods, pending)
    serve_views(registry, reader)
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    call = reader.call
    answer = await Dispatcher(registry).handle(
        json.dumps(message).encode(), replace(call, tier="shop"), batch_max=1
    )
    assert answer is not None
    return json.loads(answer)


async def test_a_read_says_at_which_block_it_was(reader: Reader, shop: Shop) -> None:
    id_text = encode_id("bkg", shop.book())

    named = await ask(reader, "booking.held_money", id=id_text, at="final")
    plain = await ask(reader, "contract_read", contract="booking", view="held_money",
                      args={"id": id_text})  # fmt: skip

    head = reader.ledger.head
    at = {"height": head.height, "hash": reader.ledger.head_id.hex(), "time": head.time_ms}
    assert named["result"] == plain["result"] == {"at": at, "data": money(HELD)}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("contract_list", {}),
        ("contract_get", {"contract": "booking"}),
        ("contract_timers", {"contract": "booking"}),
        ("contract_pots", {"contract": "booking"}),
    ],
)
async def test_every_list_is_json(
    reader: Reader, shop: Shop, method: str, params: dict[str, Any]
) -> None:
    shop.book()

    answer = await ask(reader, method, **params)

    assert answer["result"]["data"]


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("booking.held_money", {"id": 5}, -32602),
        ("booking.held_money", {}, -32602),
        ("booking.nothing", {}, -32601),
        ("contract_read", {"contract": "nobody", "view": "x"}, 6001),
        ("contract_read", {"contract": "booking", "view": "x"}, 6001),
        ("contract_putAbi", {"contract": "booking", "abi": {}}, -32602),
        ("shops.terms", {"shop": BOB, "service": 1, "cell": 1}, 3000),
    ],
)
async def test_every_fault_has_its_code(
    reader: Reader, shop: Shop, method: str, params: dict[str, Any], code: int
) -> None:
    assert shop.booking

    answer = await ask(reader, method, **params)

    assert answer["error"]["code"] == code
