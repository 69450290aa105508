"""A rehearsal among validators, without processes: who is given what, what is a difference."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chain.transaction import Call, ReceivedTransaction, Transaction, read_transaction
from node.devnet.rehearsal import TOGETHER_MAX, share
from node.rehearse.agreement import Agreement, Kept, find_difference
from node.rehearse.genesis import among, make_genesis
from node.rehearse.plan import Planner
from node.rehearse.policies import PRESETS
from node.rehearse.rows import Row
from node.rehearse.tally import ShopTally, Tally
from node.rehearse.wallets import Wallet, signer_of

ROOTS = (b"a" * 32, b"b" * 32)
SHOP = b"s" * 32


def step(number: int, function: str) -> ReceivedTransaction:
    wallet = Wallet(signer_of("customer", 0), bytes(32), number)
    body: Transaction = wallet.body(0, 5_000, Call(bytes(32), function, (), 0))
    return read_transaction(wallet.sign(body))


def tally(**figures: int) -> Tally:
    return Tally({}, {SHOP: ShopTally(**figures)}, {SHOP: "Sparkle"})


def kept(name: str = "node1", **changes: Any) -> Kept:
    said = {
        "name": name, "tally": tally(bookings=1, payouts=500), "state_roots": ROOTS,
        "transactions": 9, "is_settled": True,
    }  # fmt: skip
    return Kept(**{**said, **changes})


def difference(*found: Kept) -> str | None:
    return find_difference(tally(bookings=1, payouts=500), found, 9)


@given(
    st.lists(st.sampled_from(["request", "cancel", "start"]), max_size=40),
    st.integers(1, 5),
    st.integers(0, 9),
)
def test_each_step_is_given_once_and_no_kind_before_another_is_everywhere(
    names: list[str], count: int, turn: int
) -> None:
    group = [step(number, name) for number, name in enumerate(names)]

    waves = list(share(group, count, turn))

    assert all(len(shares) == count for shares in waves)
    given_ = [sorted(one.body.nonce for part in shares for one in part) for shares in waves]
    assert [nonce for wave in given_ for nonce in wave] == list(range(len(group)))
    if len(group) > TOGETHER_MAX:
        for shares in waves:
            sizes = [len(part) for part in shares]
            assert max(sizes) - min(sizes) <= 1
            functions = {one.body.actions[0] for part in shares for one in part}
            assert len(functions) == 1
    else:  # whoever has several kinds has all of them, in order
        assert all(
            sum(map(bool, shares)) == 1 or len({a.body.actions for p in shares for a in p}) == 1
            for shares in waves
        )


def test_the_chain_among_validators_is_the_same_but_for_who_decides_and_its_clock() -> None:
    row = Row(1, "b", "s", "c", 0, 0, 0, 100, "CNY", "p", "no_show", 0)
    alone = make_genesis(Planner({"p": PRESETS["fair"]}).add_all([row]))

    made = among(alone, (b"\2" * 32, b"\1" * 32))

    assert made.validators == ("01" * 32, "02" * 32)
    assert (made.clock, made.accounts, made.assets) == ("driven", alone.accounts, alone.assets)
    assert made.chain_id() != alone.model_copy(update={"validators": made.validators}).chain_id()


def test_validators_that_agree_differ_in_nothing() -> None:
    assert difference(kept(), kept("node2")) is None
    assert Agreement(2, len(ROOTS), ROOTS[-1]).heights == 2


def test_a_difference_says_where_it_is() -> None:
    other = (ROOTS[0], b"c" * 32)
    said = [
        difference(kept(), kept("node2", state_roots=other)),
        difference(kept(), kept("node2", state_roots=ROOTS[:1])),
        difference(kept(), kept("node2", tally=tally(bookings=1, payouts=499))),
        difference(kept(tally=Tally({}))),
        difference(kept(tally=Tally({}, {SHOP: ShopTally(1, payouts=500)}, {SHOP: "Shine"}))),
        difference(kept(transactions=8)),
        difference(kept(), kept("node2", is_settled=False)),
    ]

    assert said == [
        f"height 2: the state root of node1 is {ROOTS[1].hex()}, that of node2 is {other[1].hex()}",
        "node1 has 2 heights, node2 has 1",
        "node2: shop 'Sparkle': payouts is 499, alone it is 500",
        "node1: shop 'Sparkle': bookings is 0, alone it is 1",
        "node1: shop 'Shine': bookings is 1, alone it is 0",
        "node1: 8 transactions in its blocks, 9 were sent",
        "node2: money does not add up, or a pot is not empty at the end",
    ]


def test_other_reasons_for_refused_rows_are_a_difference() -> None:
    alone = tally(bookings=1, payouts=500)
    alone.reasons["policy_unknown"] = 2

    assert find_difference(alone, [kept()], 9) == (
        "node1: rows were refused for {}, alone for {'policy_unknown': 2}"
    )
