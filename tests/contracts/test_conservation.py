"""Money is conserved whatever people and contracts do."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.ledger import get_supply
from chain.state import Space
from chain.transaction import Burn, Call, Mint, Transfer
from chain.types import DAY_MS, HOUR_MS
from tests.make import MONEY, RICH, TestChain, account, signer, word

people = st.sampled_from(["alice", "bob", "sam", "olga"])
amounts = st.integers(0, 5) | st.integers(RICH - 1, RICH + 1)
names = st.sampled_from(["x", "y"]).map(word)
accounts = people.map(account)
until = st.integers(1, 6)
NOTHING = st.just(0)


def box_call(function: str, *arguments: Any, funds: Any = NOTHING) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(function), st.tuples(*arguments), funds)


acts = st.one_of(
    st.builds(Transfer, st.just(MONEY), accounts, amounts),
    st.builds(Mint, st.just(MONEY), accounts, amounts),
    st.builds(Burn, st.just(MONEY), amounts),
    box_call("put", names, until, accounts, funds=amounts),
    box_call("add", names, funds=amounts),
    box_call("keep", funds=amounts),
    box_call("pay", names, accounts, amounts),
    box_call("move", names, names, amounts),
    box_call("extend", names, until),
    box_call("close", names, accounts),
    box_call("plan_pay", accounts, until),
    box_call("put", accounts, until, accounts, funds=amounts),
    box_call("set_broken", st.integers(0, 1)),
)
blocks = st.lists(
    st.lists(st.tuples(people, st.lists(acts, min_size=1, max_size=3)), max_size=4), max_size=6
)


@settings(max_examples=40)
@given(blocks)
def test_money_is_conserved_whatever_is_done(
    plan: list[list[tuple[str, list[Any]]]],
) -> None:
    with TemporaryDirectory() as folder:
        chain = TestChain(Path(folder))
        box, start = chain.deploy(), chain.now + 5_000
        for hour, txs in enumerate(plan):
            signed = [
                chain.sign(
                    name,
                    *[_action(box, start, act) for act in done],
                    sponsor=signer("bob"),
                    valid_until=start + hour * HOUR_MS + 1,
                )
                for name, done in txs
            ]
            assert chain.run(*signed, at=start + hour * HOUR_MS).refused == ()
        sums = [total(chain), get_supply(chain.state(), MONEY)]
        chain.idle(start + 200 * DAY_MS)
        held = sum(int.from_bytes(value[:8], "big") for value in space(chain, Space.POT))
        sums += [total(chain), get_supply(chain.state(), MONEY)]
        queue = space(chain, Space.QUEUE)
        chain.close()

    assert (len(set(sums)), held, queue) == (1, 0, [])


def _action(box: bytes, start: int, act: Any) -> Any:
    if not isinstance(act, tuple):
        return act
    function, arguments, funds = act
    late = {"put": 1, "extend": 1, "plan_pay": 1}.get(function)
    values = list(arguments)
    if late is not None:
        values[late] = start + values[late] * HOUR_MS
    return Call(box, function, tuple(values), funds)


def space(chain: TestChain, wanted: Space) -> list[bytes]:
    found = chain.ledger.store.iterate(bytes([wanted]), bytes([wanted + 1]))
    return [value for _, value in found]


def total(chain: TestChain) -> int:
    """Return all of the money, in balances and pots."""
    values = space(chain, Space.BALANCE) + space(chain, Space.POT)
    return sum(int.from_bytes(value[:8], "big") for value in values)
