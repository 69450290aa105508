"""The demo's set-up: the same ids everywhere, once, and resumed where it was cut short."""

from dataclasses import replace
from pathlib import Path

import pytest

from chain.genesis import parse_genesis
from chain.governance import contract_by_name
from chain.ids import encode_id
from chain.ledger import get_balance
from chain.roles import Role, has_role
from chain.transaction import Transaction, Transfer, read_transaction
from node.demo.accounts import (
    ACCOUNTS,
    CUSTOMERS,
    FUNDS_EACH,
    UnknownNameError,
    account_of,
    name_of,
    sign_body,
)
from node.demo.catalogue import SHOPS, shop_of
from node.demo.genesis import GENESIS_TIME_MS, MONEY, demo_genesis
from node.demo.world import DemoSetupError, build_world, demo_places, demo_setup, has_world
from node.driver import Driver
from node.live.node import Node
from node.storage.ledger import ChainLedger
from tests import make
from tests.node.demo.setting import open_demo


def test_every_machine_has_the_same_chain() -> None:
    genesis = demo_genesis()

    again = parse_genesis(genesis.model_dump_json().encode())

    assert genesis.chain_id().hex() == (
        "9ec0e82bf842fe4672d95d77cf7fd14b1122e2edd22671008c73a9cffd68ef68"
    )
    assert again.chain_id() == genesis.chain_id()
    assert encode_id("acct", account_of("alice")) == (
        "acct17xt4vq029e6n4l7ndlzta6wawlxls2tmnjzugdykjduf59906fxsm4wxnt"
    )


def test_ten_members_have_ten_thousand_each(node: Node) -> None:
    state = node.state()

    funds = {one.name: get_balance(state, one.account, MONEY) for one in ACCOUNTS}
    members = [one.name for one in ACCOUNTS if has_role(state, one.account, Role.MEMBER)]

    assert funds == dict.fromkeys(members, FUNDS_EACH)
    assert len(members) == 10
    assert [name_of(account_of(name)) for name in CUSTOMERS] == list(CUSTOMERS)


def test_the_contracts_are_installed_where_a_fresh_chain_has_them(node: Node) -> None:
    places = demo_places()

    found = [contract_by_name(node.state(), name) for name in ("shops", "booking")]

    assert found == [places.register, places.booking]
    assert node.ledger.head.time_ms < GENESIS_TIME_MS + 60_000
    assert all(
        receipt.ok
        for height in range(1, node.ledger.height + 1)
        for receipt in node.ledger.store.receipts(height)
    )


def test_setting_up_twice_changes_nothing(node: Node) -> None:
    head = node.ledger.head_id

    places = build_world(node.driver)

    assert places == demo_places()
    assert node.ledger.head_id == head


@pytest.mark.parametrize("blocks", [1, 3, 4])
def test_a_set_up_that_was_cut_short_goes_on(tmp_path: Path, blocks: int) -> None:
    whole, cut = (open_demo(tmp_path / name, with_world=False) for name in ("a", "b"))
    build_world(whole.driver)
    for at_ms, signed in demo_setup().blocks[:blocks]:
        cut.driver.submit([read_transaction(data) for data in signed])
        cut.driver.make_block(at_ms)

    build_world(cut.driver)

    assert has_world(cut.driver)
    assert cut.ledger.head_id == whole.ledger.head_id
    for one in (whole, cut):
        one.close()


def test_a_nonce_that_is_gone_names_the_folder(tmp_path: Path) -> None:
    node = open_demo(tmp_path, with_world=False)
    at_ms, signed = demo_setup().blocks[0]
    body = read_transaction(signed[0]).body
    node.driver.submit([read_transaction(make_other(body))])
    node.driver.make_block(at_ms)

    with pytest.raises(DemoSetupError, match="take a new folder"):
        build_world(node.driver)

    node.close()


def make_other(body: Transaction) -> bytes:
    other = replace(body, actions=(Transfer(MONEY, account_of("bob"), 1),))
    return sign_body(other, "operator")


def test_another_chain_is_left_alone(chain: make.TestChain) -> None:
    ledger: ChainLedger = chain.ledger
    driver = Driver(ledger, None, None, b"")  # type: ignore[arg-type]

    with pytest.raises(DemoSetupError, match="is not the demo's"):
        build_world(driver)

    assert not has_world(driver)


def test_an_unknown_shop_is_told_with_those_there_are() -> None:
    names = [shop.account for shop in SHOPS]

    with pytest.raises(UnknownNameError) as caught:
        shop_of("tunnel")

    assert str(caught.value) == f"no shop 'tunnel'; there are {', '.join(names)}"
