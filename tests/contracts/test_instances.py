"""Deploying: who may, what is bound to what, and what calls between contracts may cost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.errors import BadContractError, MalformedBytesError, RoleError, UnknownIdError
from chain.receipt import Receipt
from chain.transaction import Call, Deploy, instance_id
from contracts.actions import DEPLOY_GAS_PER_BYTE
from contracts.instances import LINK_DEPTH_MAX, Library
from contracts.vm.traps import TrapKind
from tests.make import BOX, MONEY, TestChain, account, compiled, genesis, word

REGISTER = """
from wash import *

class Register(Contract):
    total: uint

    @action
    def note(self, amount: uint):
        self.total += amount

    @action
    def refuse(self, amount: uint):
        require(amount < 0, "never")

    @view
    def sum(self) -> uint:
        return self.total

    @action
    def who(self) -> uint:
        return self.total
"""
DESK = """
from wash import *

class Books(Link):
    @view(gas={view_gas})
    def {view}(self) -> {returns}: ...
    @action(gas=2_000)
    def note(self, amount: {amount}): ...
    @action(gas=2_000)
    def refuse(self, amount: uint): ...

class Desk(Contract):
    books: Books
    seen: uint
    Seen = Event(total=uint)

    @action
    def work(self, amount: uint):
        self.books.note(amount)
        self.seen = self.books.{view}()
        emit(self.Seen, self.seen)

    @action
    def fail_there(self):
        self.seen = 1
        self.books.refuse(1)
"""
CHAIN = """
from wash import *

class Next(Link):
    @view(gas=20_000)
    def sum(self) -> uint: ...

class Relay(Contract):
    next: Next

    @view
    def sum(self) -> uint:
        return self.next.sum()
"""


def desk(
    view: str = "sum", returns: str = "uint", amount: str = "uint", view_gas: int = 1_000
) -> str:
    return DESK.format(view=view, returns=returns, amount=amount, view_gas=view_gas)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    made = TestChain(tmp_path, genesis(roles={"dora": ("member", "deployer")}))
    yield made
    made.close()


def deploy(chain: TestChain, action: Deploy, name: str = "olga", gas: int = 400_000) -> Receipt:
    return chain.do(name, action, gas_limit=gas)


@pytest.mark.parametrize(("name", "code"), [("olga", 0), ("dora", 0), ("alice", RoleError.code)])
def test_operators_and_deployers_deploy(chain: TestChain, name: str, code: int) -> None:
    receipt = deploy(chain, Deploy(compiled(REGISTER), (), (), ()), name)

    assert receipt.error == code


def test_on_a_development_chain_anybody_deploys(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"dev": 1}))

    receipt = deploy(chain, Deploy(compiled(REGISTER), (), (), ()), "alice")
    chain.close()

    assert receipt.ok


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (Deploy(b"", (), (), ()), MalformedBytesError.code),
        (Deploy(compiled(BOX)[:-1], (MONEY,), (), ()), MalformedBytesError.code),
        (Deploy(compiled(BOX), (), (), ()), BadContractError.code),
        (Deploy(compiled(BOX), (MONEY, MONEY), (), ()), BadContractError.code),
        (Deploy(compiled(BOX), (word("no asset"),), (), ()), UnknownIdError.code),
        (Deploy(compiled(BOX), (MONEY,), (word("no link"),), ()), BadContractError.code),
        (Deploy(compiled(BOX), (MONEY,), (), (1,)), MalformedBytesError.code),
        (Deploy(compiled(desk()), (), (word("no contract"),), ()), UnknownIdError.code),
    ],
)
def test_a_deployment_that_fits_nothing_is_refused(
    chain: TestChain, action: Deploy, code: int
) -> None:
    receipt = deploy(chain, action)

    assert (receipt.ok, receipt.error) == (False, code)


def test_a_deployment_without_gas_is_not_even_read(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(Library, "deploy", lambda *arguments: asked.append(arguments))
    action = Deploy(compiled(BOX), (MONEY,), (), ())

    receipt = deploy(chain, action, gas=4_000)

    assert (receipt.trap, asked) == (TrapKind.GAS, [])


def test_a_linked_contract_is_called_with_the_caller_and_gas_of_the_declaration(
    chain: TestChain,
) -> None:
    books = chain.deploy(REGISTER, assets=())
    front = chain.deploy(desk(), assets=(), links=(books,))

    worked = chain.do("alice", Call(front, "work", (3,), 0), Call(front, "work", (4,), 0))
    failed = chain.call("alice", front, "fail_there")

    assert [event.values for event in worked.events] == [(3,), (7,)]
    assert (failed.ok, failed.trap, failed.error) == (False, TrapKind.LINK, 0)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (desk(view="missing"), "missing"),
        (desk(view="who"), "who"),  # an action is no view
        (desk(returns="u8"), "types differ"),
        (desk(amount="u8"), "types differ"),
        (desk(view_gas=10), "worst case"),
    ],
)
def test_a_link_that_does_not_fit_is_refused(chain: TestChain, source: str, words: str) -> None:
    books = chain.deploy(REGISTER, assets=())
    action = Deploy(compiled(source), (), (books,), ())

    receipt = deploy(chain, action)
    with pytest.raises(BadContractError, match=words):
        Library().deploy(chain.state(), word("new"), account("olga"), (action.code, (), (books,)))

    assert (receipt.ok, receipt.error) == (False, BadContractError.code)


def test_links_nest_so_deep_and_no_deeper(chain: TestChain) -> None:
    last = chain.deploy(REGISTER, assets=())
    codes = []
    for number in range(LINK_DEPTH_MAX):
        source = CHAIN.replace("20_000", str(20_000 - 1_000 * (LINK_DEPTH_MAX - number)))
        tx = chain.sign("olga", Deploy(compiled(source), (), (last,), ()), gas_limit=400_000)
        codes.append(chain.run(tx).receipts[-1].error)
        last = instance_id(tx.tx_id, 0)

    assert codes == [0] * (LINK_DEPTH_MAX - 1) + [BadContractError.code]


def test_a_contract_links_only_to_what_was_there_before_so_no_calls_go_round(
    chain: TestChain,
) -> None:
    own = instance_id(word("a transaction that names itself"), 0)

    receipt = deploy(chain, Deploy(compiled(CHAIN), (), (own,), ()))

    assert receipt.error == UnknownIdError.code


WALK = """
from wash import *

class Walk(Contract):
    rows: Map[uint, uint]

    @view
    def sum(self) -> uint:
        total = 0
        for row in self.rows.keys(limit=10):
            total += row
        return total
"""


def test_no_block_walks_over_keys_through_a_link(chain: TestChain) -> None:
    rows = chain.deploy(WALK, assets=())

    receipt = deploy(chain, Deploy(compiled(CHAIN), (), (rows,), ()))
    with pytest.raises(BadContractError, match="walks over keys"):
        Library().deploy(
            chain.state(), word("new"), account("olga"), (compiled(CHAIN), (), (rows,))
        )

    assert (receipt.ok, receipt.error) == (False, BadContractError.code)


def test_a_refused_deployment_costs_what_reading_it_cost(chain: TestChain) -> None:
    action = Deploy(compiled(BOX)[:-1], (MONEY,), (), ())

    receipt = deploy(chain, action)

    assert receipt.error == MalformedBytesError.code
    assert receipt.gas_used > DEPLOY_GAS_PER_BYTE * len(action.code)


VOUCHED = """
from wash import *

class Vouched(Contract):
    by: Address

    def _who(self) -> Address:
        return sponsor()

    @action
    def straight(self):
        self.by = sponsor()

    @action
    def inside(self):
        self.by = self._who()

    @action
    def never(self):
        if now() < 0:
            self.by = sponsor()

    @view
    def asked(self) -> Address:
        return self._who()

    @action
    def other(self):
        self.by = caller()

    @view
    def plain(self) -> Address:
        return self.by
"""
ASKING = """
from wash import *

class Vouched(Link):
    @view(gas=2_000)
    def asked(self) -> Address: ...
    @view(gas=2_000)
    def plain(self) -> Address: ...

class Asking(Contract):
    there: Vouched
    by: Address

    def _fetch(self) -> Address:
        return self.there.asked()

    @action
    def linked(self):
        self.by = self._fetch()

    @action
    def innocent(self):
        self.by = self.there.plain()
"""


def test_what_asks_who_co_signed_is_known_without_running_it(chain: TestChain) -> None:
    vouched = chain.deploy(VOUCHED, assets=())
    asking = chain.deploy(ASKING, assets=(), links=(vouched,))
    library, state = Library(), chain.state()
    functions = {vouched: ["straight", "inside", "never", "other"], asking: ["linked", "innocent"]}

    found = {
        name: library.reads_sponsor(state, contract, name)
        for contract, names in functions.items()
        for name in (*names, "nothing")
    }

    assert found == {
        "straight": True, "inside": True, "never": True, "other": False, "linked": True,
        "innocent": False, "nothing": False,
    }  # fmt: skip
