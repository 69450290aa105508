"""The synchronous client: the same, also where an event loop runs already."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from node.client import AsyncWash, NotFound, Refused, Wash
from node.client.loop_thread import LoopThread
from node.client.wash import Dev, Events
from tests.node.client.fake_node import ALICE, ALICE_TEXT, SHOP_TEXT, FakeNode, RpcFault, running

PAY = {"type": "transfer", "asset": "CNY", "to": SHOP_TEXT, "amount": 680}


@pytest.fixture
def node() -> Iterator[FakeNode]:
    """A fake node that serves from a thread of its own, as a real one does from its process."""
    fake, thread = FakeNode(), LoopThread("fake-node")
    server = running(fake)
    thread.run(_enter(server))
    yield fake
    thread.close(_leave(server))


async def _enter(server: object) -> None:
    await server.__aenter__()  # type: ignore[attr-defined]


async def _leave(server: object) -> None:
    await server.__aexit__(None, None, None)  # type: ignore[attr-defined]


def test_everything_the_asynchronous_client_does_is_there() -> None:
    def public(cls: type) -> set[str]:
        return {name for name in vars(cls) if not name.startswith("_")}

    assert public(Wash) == public(AsyncWash)
    assert public(Dev) == public(type(AsyncWash().dev))


def test_a_script_reads_sends_and_listens(node: FakeNode) -> None:
    node.emit(3)

    with Wash(node.url, key=ALICE) as wash:
        head, balance = wash.head(), wash.balance()
        view = wash.read("booking.preview", booking="b")
        final = wash.send([PAY])
        called = wash.call("booking.request", funds=5, shop=SHOP_TEXT, start=1)
        signed = wash.sign(wash.build([PAY]))
        pending = wash.submit(signed)
        again = wash.submit_and_wait(signed)
        waited = wash.wait(signed.tx_id)
        trial, words = wash.simulate([PAY]), wash.explain(final.tx_id)
        mined, account = wash.dev.mine(3), wash.account(ALICE_TEXT)
        both = wash.batch([("chain_head", {}), ("node_info", {})])
        with wash.events(after="earliest") as events:
            numbers = [next(events)["n"] for _ in range(3)]
            position = events.position

    assert (head, balance, view["view"]) == ({"height": 7}, 680, "preview")
    assert final.ok
    assert called.ok
    assert pending.tx_id == again.tx_id == waited.tx_id == signed.tx_id
    assert (trial["ok"], words["sentence"]) == (True, "explained in en")
    assert (mined, account["account"], len(both)) == ({"blocks": 3}, ALICE_TEXT, 2)
    assert (numbers, position) == ([0, 1, 2], "2-0")


async def test_it_works_inside_a_running_loop_as_in_a_notebook(node: FakeNode) -> None:
    assert asyncio.get_running_loop().is_running()

    with Wash(node.url) as wash:
        head = wash.head()

    assert head == {"height": 7}


def test_errors_come_through_as_they_are(node: FakeNode) -> None:
    node.faults["tx_submit"] = [RpcFault(2001, "INSUFFICIENT_FUNDS")]

    with Wash(node.url, key=ALICE) as wash:
        with pytest.raises(Refused):
            wash.send([PAY])
        node.faults["chain_head"] = [RpcFault(6001, "NOT_FOUND")]
        with pytest.raises(NotFound):
            wash.head()


def test_threads_may_share_one(node: FakeNode) -> None:
    with Wash(node.url, key=ALICE) as wash:
        threads = [threading.Thread(target=wash.send, args=([PAY],)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(tx.body.nonce for tx in node.taken.values()) == list(range(8))


def test_closing_from_another_thread_ends_a_loop_over_events(node: FakeNode) -> None:
    with Wash(node.url) as wash:
        events = wash.events()
        events.__enter__()
        timer = threading.Timer(0.05, events.close)
        timer.start()
        seen = list(events)
        timer.join()

    assert seen == []
    assert isinstance(events, Events)


def test_closing_twice_is_fine_and_a_closed_client_says_so(node: FakeNode) -> None:
    wash = Wash(node.url)
    wash.head()
    wash.close()
    wash.close()

    with pytest.raises(RuntimeError, match="closed"):
        wash.head()


def test_a_forgotten_client_ends_its_thread(node: FakeNode) -> None:
    others = set(threading.enumerate())  # clients of other tests may live on meanwhile
    wash = Wash(node.url)
    wash.head()
    own = set(threading.enumerate()) - others

    del wash
    gc.collect()

    assert [thread.name for thread in own] == ["washnode-client"]
    assert own & set(threading.enumerate()) == set()


def test_importing_the_client_loads_no_network_code() -> None:
    code = "import sys, node.client; print('aiohttp' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"


def test_closing_ends_what_another_thread_waits_for(node: FakeNode) -> None:
    node.is_settling = False
    ended: list[str] = []

    def wait(wash: Wash) -> None:
        try:
            wash.send([PAY])
        except (RuntimeError, CancelledError) as error:
            ended.append(type(error).__name__)

    wash = Wash(node.url, key=ALICE)
    thread = threading.Thread(target=wait, args=(wash,))
    thread.start()
    wash.rpc("chain_head")
    wash.close()
    thread.join(10)

    assert len(ended) == 1


def test_time_is_moved_from_plain_code_too(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"snapshot": "s-1", "items": [{"name": "alice"}]}
    names = ["accounts", "faucet", "increaseTime", "setTime", "halt", "snapshot", "revert", "seed"]
    for name in names:
        monkeypatch.setattr(FakeNode, f"dev_{name}", lambda _self, _params: told, raising=False)

    with Wash(node.url) as wash:
        dev = wash.dev
        people, snapshot = dev.accounts(), dev.snapshot()
        rest = [dev.faucet(ALICE_TEXT, 1), dev.tick(2), dev.set_time(3), dev.halt(4), dev.seed()]
        rest.append(dev.revert(snapshot))

    assert (people, snapshot) == ([{"name": "alice"}], "s-1")
    assert rest == [told] * 6
    assert sorted({method for method, _ in node.calls}) == sorted(f"dev_{name}" for name in names)
