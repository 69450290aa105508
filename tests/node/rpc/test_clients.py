"""Behind a proxy: who is who, and that nobody is believed who is not in the settings."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from node.rpc.door.clients import UNREADABLE, Clients
from tests.node.rpc.door import TOKENS, Door, TestNode, open_door, request

HERE, PROXY = ["127.0.0.1", "::1"], ["127.0.0.1", "10.1.0.0/16", "2001:db8::/32"]
FAR = "203.0.113.9"


def asked(remote: str, *forwarded: str, proto: tuple[str, ...] = ()) -> Any:
    """Return a request from an address, with headers as they came."""
    headers = CIMultiDict([("X-Forwarded-For", one) for one in forwarded])
    headers.extend([("X-Forwarded-Proto", one) for one in proto])
    return SimpleNamespace(remote=remote, headers=headers)


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "client"),
    [
        ([], FAR, ("127.0.0.1",), FAR),  # anybody can write it
        ([], "127.0.0.1", (FAR,), "127.0.0.1"),
        (HERE, FAR, ("127.0.0.1",), FAR),
        (HERE, "10.1.2.3", ("127.0.0.1",), "10.1.2.3"),
        (HERE, "127.0.0.1", (FAR,), FAR),
        (HERE, "::ffff:127.0.0.1", (FAR,), FAR),
        (HERE, "127.0.0.1", ("127.0.0.1, " + FAR,), FAR),  # what stands before is FAR's own word
        (HERE, "127.0.0.1", ("127.0.0.1", FAR), FAR),  # two headers are one
        (HERE, "127.0.0.1", (FAR + ", 127.0.0.1",), FAR),  # a proxy behind a proxy
        (PROXY, "127.0.0.1", (f"1.2.3.4, {FAR}, 10.1.9.9",), FAR),
        (PROXY, "10.1.2.3", ("2001:db8::7, 2001:db9::1",), "2001:db9::1"),
        (HERE, "127.0.0.1", ("127.0.0.1",), "127.0.0.1"),  # somebody here, by the proxy here
        (HERE, "127.0.0.1", (FAR + ":5123",), FAR),
        (HERE, "127.0.0.1", ("[2001:db9::1]:5123",), "2001:db9::1"),
        (HERE, "127.0.0.1", ("unknown",), UNREADABLE),
        (HERE, "127.0.0.1", ("",), UNREADABLE),
        (HERE, "127.0.0.1", ("127.0.0.1, evil\u0000",), UNREADABLE),
        (HERE, "127.0.0.1", (FAR + ", 127.0.0.1" * 4_000,), UNREADABLE),
        (HERE, "127.0.0.1", (), "127.0.0.1"),
        (HERE, "", (FAR,), ""),
    ],
)
def test_the_client_is_the_last_that_no_trusted_proxy_is(
    trusted: list[str], remote: str, forwarded: tuple[str, ...], client: str
) -> None:
    assert Clients(trusted).address(asked(remote, *forwarded)) == client


@pytest.mark.parametrize(
    ("trusted", "came", "here", "near"),
    [
        (HERE, asked("127.0.0.1"), True, True),
        (HERE, asked("127.0.0.1", FAR), False, False),
        (HERE, asked("127.0.0.1", FAR, proto=("http",)), False, False),
        (HERE, asked("127.0.0.1", FAR, proto=("https",)), False, True),
        (HERE, asked("127.0.0.1", FAR, proto=("https", "http")), False, False),
        (HERE, asked(FAR, "127.0.0.1", proto=("https",)), False, False),
        ([], asked(FAR, "127.0.0.1", proto=("https",)), False, False),
        ([], asked("127.0.0.1", FAR), True, True),  # a proxy that nobody named, as ever
        (PROXY, asked("10.1.2.3", "127.0.0.1", proto=("https",)), False, False),  # its own machine
        (PROXY, asked("10.1.2.3", FAR, proto=("https",)), False, False),  # in clear from there
        (HERE, asked("127.0.0.1", "nobody", proto=("https",)), False, True),
    ],
)
def test_here_is_this_machine_and_near_is_also_https_through_a_proxy_on_it(
    trusted: list[str], came: Any, *, here: bool, near: bool
) -> None:
    clients = Clients(trusted)

    assert (clients.is_here(came), clients.is_near(came)) == (here, near)


def test_a_proxy_that_nobody_named_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    clients = Clients()
    with caplog.at_level(logging.WARNING, "washnode.rpc"):
        for remote in (FAR, "127.0.0.1", "127.0.0.1"):
            clients.address(asked(remote, "198.51.100.1"))

    (told,) = caplog.messages
    assert "name it in rpc.trusted_proxies" in told


# At the door ------------------------------------------------------------------------------------


async def status(door: Door, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with door.client.get(path, headers=named) as response:
        return response.status


async def test_who_comes_by_a_trusted_proxy_is_far(tmp_path: Path) -> None:
    bearer = {"Authorization": f"Bearer {TOKENS.admin}"}
    call = request("only_admin", 1)
    with TestNode(tmp_path) as made:
        async with open_door(made, trusted_proxies=("127.0.0.1",)) as door:
            far = [
                (await door.post(call, **bearer, X_Forwarded_For=FAR))[0],
                await status(door, "/metrics", X_Forwarded_For=FAR),
                await status(door, "/metrics", X_Forwarded_For=f"127.0.0.1, {FAR}"),
            ]
            here = [(await door.post(call, **bearer))[0], await status(door, "/metrics")]

    assert (far, here) == ([403, 401, 401], [200, 200])


async def test_a_header_that_nobody_trusts_changes_nothing(tmp_path: Path) -> None:
    with TestNode(tmp_path) as made:
        async with open_door(made) as door:
            found = await status(door, "/metrics", X_Forwarded_For=FAR)

    assert found == 200


async def test_each_client_behind_a_trusted_proxy_has_a_limit_of_its_own(tmp_path: Path) -> None:
    with TestNode(tmp_path) as made:
        async with open_door(made, requests_per_second=1, trusted_proxies=("127.0.0.1",)) as door:
            greedy = [await _ask(door, FAR) for _ in range(4)]
            spoofing = await _ask(door, f"198.51.100.7, {FAR}")
            other = await _ask(door, "198.51.100.7")

    assert (greedy[:2], greedy[-1], spoofing, other) == ([200, 200], 429, 429, 200)


async def _ask(door: Door, client: str) -> int:
    return (await door.post(request("echo", 1, text="x"), X_Forwarded_For=client))[0]
