"""From nothing to a shop that trades, in a real network; and what can go wrong on the way."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.ids import encode_id
from chain.types import HOUR_MS, MINUTE_MS
from node.client import Wash
from node.demo.accounts import account_of, signer_of
from node.joining.code import parse_code
from node.joining.furnishing import POLICY, calling
from node.keys.phrase import read_phrase, write_phrase
from node.keys.store import KeyStore
from node.staff.book import StaffBook
from tests.e2e.gateway import PIN, ROOT, GatewayNet, command, facts

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
PRICE = 3_800
A_MINUTE_S = 60.0  # with keys, admission, a node's start and all that the chain is told


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayNet]:
    made = GatewayNet(tmp_path_factory.mktemp("joining"))
    try:
        asyncio.run(made.begin())
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def quiet(net: GatewayNet) -> Iterator[None]:
    """Stop the nodes of a test's shops after it."""
    yield
    net.stop_shops()


def error_of(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout)["error"]
    return found


def book(url: str, shop: str) -> str:
    """Let alice book the shop's first service through its own node; returns the state."""
    with Wash(url) as wash:
        now = int(wash.rpc("node_health")["time_ms"])
        start = now - now % HOUR_MS + 24 * HOUR_MS
        request = calling(
            "booking.request",
            shop=shop, service=1, version=1, start=start, end=start + 30 * MINUTE_MS, cell=0,
            total=PRICE, policy=POLICY.hex(),
        )  # fmt: skip
        actions = [{**request, "funds": PRICE}]
        done = wash.send(actions, account=account_of("alice"), key=signer_of("alice"))
        booking = done.event("booking.Requested")["id"]
        state: str = wash.read("booking.booking", id=booking)["state"]
        return state


def test_a_shop_trades_after_one_command(net: GatewayNet) -> None:
    code = net.admit("--note", "Ms Li, by phone")

    began = time.monotonic()
    joined = facts(*net.setting_up("Crystal", "--code", code), data=net.data("Crystal"))
    seconds = time.monotonic() - began
    sys.stderr.write(f"from the code to an open shop: {seconds:.1f} s\n")

    assert (joined["trading"], seconds < A_MINUTE_S) == (True, True), seconds
    assert joined["next"] == "washnode service install"
    assert book(joined["url"], joined["shop"]) == "ACCEPTED"
    with Wash(joined["url"]) as wash:
        assert wash.rpc("staff_login", name="owner", pin=PIN)["duty"] == "owner"
    listed = facts("admit", "list", data=net.gate.folder)["codes"]
    (line,) = [one for one in listed if one["account"] == joined["shop"]]
    assert (line["state"], line["note"], line["shop_name"]) == (
        "admitted", "Ms Li, by phone", "Crystal",
    )  # fmt: skip


def test_a_chain_with_one_operator_has_an_issuer_by_that_word_alone(net: GatewayNet) -> None:
    words = (
        f"issuer={encode_id('acct', account_of('alice'))}",
        f"custody={'00' * 32}",
        "limit=1000000.00",
        "daily=20000.00",
    )

    done = facts("call", "money.register", *words, "--from", "operator", data=net.gate.folder)

    assert done["status"] == "final", done


def test_a_shops_keys_are_sealed_and_its_card_has_the_account(net: GatewayNet) -> None:
    data = net.data("Sealed")
    facts(*net.setting_up("Sealed"), data=data)
    keys, card = KeyStore(data / "keys"), (net.folder / "Sealed" / "card.html").read_text("utf-8")

    words = " ".join(part.partition("</li>")[0] for part in card.split("<li>")[1:])
    secret = (data / "unlock.secret").read_text("ascii").strip()

    assert [(one.name, one.is_sealed) for one in keys.list()] == [("node", True), ("shop", True)]
    assert keys.export("shop", secret) == read_phrase(words)
    book = StaffBook(data / "staff")
    (owner,) = book.all()
    opened = book.open(owner.id, PIN)
    assert opened is not None
    assert (owner.name, owner.key) == ("Owner", opened.public_key.hex())
    assert book.open(owner.id, secret) is None


def test_setting_up_and_joining_may_be_two_steps(net: GatewayNet) -> None:
    data = net.data("Slow")
    set_up = facts(*net.setting_up("Slow"), data=data)
    without = command("join", "--json", data=data)
    again = command(*net.setting_up("Slow"), "--json", data=data)

    joined = facts("join", net.admit(), data=data)
    once_more = facts("join", data=data)

    assert set_up["next"] == "washnode join CODE"
    assert (without.returncode, error_of(without)["message"]) == (2, "which join code?")
    assert (again.returncode, error_of(again)["fix"]) == (2, "to go on: washnode join")
    assert joined["shop"] == once_more["shop"] == set_up["shop"]
    assert joined["trading"] is once_more["trading"] is True
    assert json.loads((data / "shop.json").read_text("utf-8"))["code"] == ""


def test_a_shop_whose_computer_is_lost_comes_back_with_the_words_of_its_newest_key(
    net: GatewayNet,
) -> None:
    before = facts(*net.setting_up("Lost", "--code", net.admit()), data=net.data("Lost"))
    booking = book(before["url"], before["shop"])
    opener = net.data("Lost") / "unlock.secret"
    facts("key", "rotate", "shop", "--passphrase-file", opener, data=net.data("Lost"))
    net.stop_shops()
    newest = KeyStore(net.data("Lost") / "keys").export("shop", opener.read_text("ascii").strip())
    card = (net.folder / "Lost" / "card.html").read_text("utf-8")
    words = net.folder / "words.txt"
    found = (part.partition("</li>")[0] for part in card.split("<li>")[1:])
    words.write_text(" ".join(found), encoding="utf-8")
    given = net.setting_up("Found", "--code", net.admit(), "--recover", "--words-file", words)
    given[given.index("Found")] = "Lost"  # the shop's name; the folder is the new computer's
    given = [*given[: given.index("--card")], *given[given.index("--card") + 2 :]]

    replaced = command(*given, "--json", data=net.data("Found"))
    words.write_text(" ".join(write_phrase(newest, "en")), encoding="utf-8")
    after = facts(*given, data=net.data("Found"))

    assert "a key that was replaced" in error_of(replaced)["message"]

    with Wash(after["url"]) as wash:
        standing = wash.read("shops.standing", shop=after["shop"])
        services = wash.rpc("shop_services", shop=after["shop"])["data"]["items"]
        duty = wash.rpc("staff_login", name="owner", pin=PIN)["duty"]
    assert (booking, after["shop"], after["card"]) == ("ACCEPTED", before["shop"], None)
    assert (standing["sells"], duty) == (True, "owner")
    assert [(one["service"], one["version"]) for one in services] == [(1, 1)]  # prices stay


def test_words_of_no_shop_use_up_no_code(net: GatewayNet) -> None:
    words, code = net.folder / "nobody.txt", net.admit()
    words.write_text(" ".join(write_phrase(bytes(range(32)), "en")), encoding="utf-8")
    given = net.setting_up("Ghost", "--code", code, "--recover", "--words-file", words)
    (net.folder / "Ghost" / "card.html").unlink(missing_ok=True)

    done = command(*given, "--json", data=net.data("Ghost"))
    newest = facts("admit", "list", data=net.gate.folder)["codes"][-1]

    assert (done.returncode, error_of(done)["exit_code"]) == (3, 3)
    assert "knows no shop" in error_of(done)["message"]
    assert (newest["state"], newest["account"]) == ("open", None)


def test_a_code_lets_in_one_shop_only(net: GatewayNet) -> None:
    code = net.admit()
    facts(*net.setting_up("First", "--code", code), data=net.data("First"))

    late = command(*net.setting_up("Late", "--code", code), "--json", data=net.data("Late"))
    helped = facts("join", net.admit("--name", "Late"), data=net.data("Late"))

    assert (late.returncode, error_of(late)["name"]) == (6, "JOIN_CODE_USED")
    assert helped["trading"] is True


def test_codes_that_are_over_taken_back_or_unknown_let_nobody_in(net: GatewayNet) -> None:
    data = net.data("Nobody")
    facts(*net.setting_up("Nobody"), data=data)
    made = {name: facts("admit", "new", data=net.gate.folder) for name in ("over", "back")}
    record = net.gate.folder / "admissions" / f"{made['over']['number']}.json"
    known = json.loads(record.read_text("utf-8"))
    record.write_text(json.dumps({**known, "expires_at": 1}), encoding="utf-8")
    facts("admit", "revoke", made["back"]["number"], data=net.gate.folder)
    codes = {name: one["code"] for name, one in made.items()}
    codes["guess"] = replace(parse_code(codes["over"]), secret=b"0123456789").text()

    done = {name: command("join", one, "--json", data=data) for name, one in codes.items()}

    assert {name: (one.returncode, error_of(one)["name"]) for name, one in done.items()} == {
        "over": (6, "JOIN_CODE_OVER"),
        "back": (6, "JOIN_CODE_REVOKED"),
        "guess": (6, "JOIN_CODE_UNKNOWN"),
    }
    assert not (data / "config.toml").exists()


def test_a_mistyped_code_is_told_with_its_group(net: GatewayNet) -> None:
    code, data = net.admit(), net.data("Typist")
    facts(*net.setting_up("Typist"), data=data)
    wrong = code[:-1] + ("q" if code[-1] != "q" else "p")

    done = command("join", wrong, "--json", data=data)

    assert done.returncode != 0
    assert "group 10 of the join code" in error_of(done)["message"]


def test_a_gateway_that_is_down_costs_time_and_no_code(net: GatewayNet) -> None:
    data, gate = net.data("Patient"), net.gate
    code = net.admit()
    net.net.kill(gate.name)
    down = command(*net.setting_up("Patient", "--code", code), "--json", data=data)
    net.net.start(gate.name)

    joined = joined_after(data)

    assert (down.returncode, error_of(down)["exit_code"]) == (5, 5)
    assert "go on later: washnode join" in error_of(down)["fix"]
    assert joined["trading"] is True


@pytest.mark.whole
def test_while_one_gateway_is_down_another_takes_its_code(net: GatewayNet) -> None:
    data, gates = net.data("Elsewhere"), (net.gate.rpc_url, net.second.rpc_url)
    code = net.admit(*[word for one in gates for word in ("--gateway", one)])
    while not net.codes()[-1]["is_known"]:
        time.sleep(0.2)
    net.net.kill(net.gate.name)

    joined = facts(*net.setting_up("Elsewhere", "--code", code), data=data)

    net.net.start(net.gate.name)
    while (found := net.codes()[-1])["state"] != "admitted":
        time.sleep(0.2)
    assert joined["trading"] is True
    assert found["account"] == encode_id("acct", KeyStore(data / "keys").show("shop").account)


def joined_after(data: Path) -> dict[str, Any]:
    """Return what `join` says once the gateway answers again; a person would try again too."""
    done = command("join", "--json", data=data)
    for _ in range(20):
        if done.returncode != 5:
            break
        done = command("join", "--json", data=data)
    assert done.returncode == 0, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "said", [pytest.param("Asking ", marks=pytest.mark.whole), "Let in at height "]
)
def test_a_joining_that_was_cut_off_goes_on(net: GatewayNet, said: str) -> None:
    name = f"Cut{len(said)}"
    data = net.data(name)
    facts(*net.setting_up(name), data=data)
    words = [sys.executable, "-m", "node", "join", net.admit(), "--data", str(data)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WASH_LANG": "en"}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith(said):
                child.kill()
                break

    joined = facts("join", data=data)

    assert joined["trading"] is True
    assert book(joined["url"], joined["shop"]) == "ACCEPTED"


def test_a_folder_of_another_network_is_left_alone(net: GatewayNet, tmp_path: Path) -> None:
    genesis = (net.gate.folder / "genesis.json").read_text("utf-8")
    (tmp_path / "genesis.json").write_text(genesis, encoding="utf-8")

    done = command(*net.setting_up("Other", "--code", net.admit()), "--json", data=tmp_path)

    assert (done.returncode, error_of(done)["exit_code"]) == (2, 2)
    assert "has the data of another node" in error_of(done)["message"]
