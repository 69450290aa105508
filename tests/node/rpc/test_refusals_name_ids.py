"""Refusals name accounts, contracts and assets as everything else does."""

from collections.abc import Callable

import pytest

from chain.accounts import authorize_key
from chain.errors import KeyScopeError, SponsorRequiredError, UnknownIdError, WashError
from chain.ids import encode_id
from chain.ledger import read_asset
from chain.transaction import Mint
from tests.make import MONEY, START_MS, TestChain, account, word

NOBODY = word("nobody")


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (
            lambda chain: chain.do("stranger", Mint(MONEY, account("bob"), 1)),
            SponsorRequiredError,
            f"{encode_id('acct', account('stranger'))} is no member; ask a shop",
        ),
        (
            lambda chain: authorize_key(chain.state(), account("alice"), NOBODY, START_MS),
            KeyScopeError,
            f"{NOBODY.hex()} is no key of account {encode_id('acct', account('alice'))}",
        ),
        (
            lambda chain: read_asset(chain.state(), NOBODY),
            UnknownIdError,
            f"no asset {encode_id('ast', NOBODY)} on this chain",
        ),
    ],
)
def test_a_refusal_names_ids_as_people_see_them(
    chain: TestChain, ask: Callable[[TestChain], object], error: type[WashError], said: str
) -> None:
    with pytest.raises(error) as caught:
        ask(chain)

    assert said in str(caught.value)
