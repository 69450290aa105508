"""Texts that have broken programs before, everywhere where a text can stand."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import hash_bytes
from chain.ids import encode_id
from node.demo.accounts import signer_of
from tests.node.rpc.fuzzing import DOING, VIEWS, Target, open_target

NAUGHTY = Path(__file__).parents[2] / "vectors/naughty"
TEXTS: list[str] = json.loads((NAUGHTY / "blns.json").read_text("utf-8"))
IS_FUZZING = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
NAME_BYTES_MAX = 200  # of a shop's name
ADMISSIONS_EACH = 16  # in one transaction
VIEWS_EACH = 4  # a text comes to every fourth view: all go through the same reading of arguments

Place = tuple[str | int, ...]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    with open_target(tmp_path) as made:
        yield made


def text_places(value: Any, before: Place = ()) -> Iterator[Place]:
    """Return the places of all texts in a value."""
    if isinstance(value, str):
        yield before
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from text_places(inner, (*before, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from text_places(inner, (*before, number))


def replaced(value: Any, place: Place, text: str) -> Any:
    """Return a value with another text at a place."""
    if not place:
        return text
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    known = isinstance(copied, list) or place[0] in copied
    copied[place[0]] = replaced(copied[place[0]] if known else None, place[1:], text)
    return copied


@pytest.mark.hypothesis  # so that `make fuzz` runs it longer
@pytest.mark.parametrize("method", DOING)
def test_naughty_texts_in_any_place_of_any_call_do_no_harm(target: Target, method: str) -> None:
    texts = TEXTS if IS_FUZZING else TEXTS[DOING.index(method) % 2 :: 2]
    put_everywhere(target, method, texts)


@pytest.mark.hypothesis
@pytest.mark.parametrize(("number", "view"), list(enumerate(VIEWS)))
def test_naughty_texts_in_any_place_of_any_view_do_no_harm(
    reading_target: Target, number: int, view: str
) -> None:
    texts = TEXTS if IS_FUZZING else TEXTS[number % VIEWS_EACH :: VIEWS_EACH]
    put_everywhere(reading_target, view, texts)


def put_everywhere(target: Target, method: str, texts: list[str]) -> None:
    """Ask with each text in each place of an example, or in some place where time is short."""
    shown = target.methods[method].get("examples", [])
    example: dict[str, Any] = {}
    if shown:
        example = {one["name"]: one["value"] for one in shown[0]["params"]}
    declared: list[Place] = [(one["name"],) for one in target.methods[method]["params"]]
    places = sorted({*text_places(example), *declared}, key=str)[:60] or [("",)]
    turns = len(places) if IS_FUZZING else 1

    for turn in range(turns):
        for number, text in enumerate(texts, turn):
            target.check(method, replaced(example, places[number % len(places)], text))

    target.check_alive()


def test_naughty_names_of_methods_and_members_are_refused(target: Target) -> None:
    for text in TEXTS:
        call = json.dumps({"jsonrpc": "2.0", "id": text, "method": text}).encode()
        member = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "node_info", text: 1}).encode()
        version = json.dumps({"jsonrpc": text, "id": 1, "method": "node_info"}).encode()
        told = [json.loads(target.send(one) or b"") for one in (call, member, version)]

        assert [one["error"]["code"] for one in told] == [-32601, -32600, -32600]
        assert told[0]["id"] == text


def test_names_of_shops_come_back_byte_for_byte(target: Target) -> None:
    taken = [text for text in TEXTS if len(text.encode()) <= NAME_BYTES_MAX]
    shops = {
        encode_id("acct", hash_bytes("shop", str(number).encode())): text
        for number, text in enumerate(taken)
    }
    last = target.node.ledger.height

    admit(target, shops)

    names = {shop: target.ask("shops.shop", shop=shop)["data"]["name"] for shop in shops}
    told = all_events(target, "shops.Admitted", f"{last}-")
    assert len(taken) > 450
    assert names == shops
    assert {one["values"]["shop"]: one["values"]["name"] for one in told} == shops
    target.check_alive()


def admit(target: Target, shops: dict[str, str]) -> None:
    """Let the operator admit shops by their names, and make blocks of that."""
    operator = encode_id("acct", signer_of("operator").public_key)
    calls = [
        {
            "type": "call",
            "contract": "shops",
            "function": "admit",
            "arguments": {"shop": shop, "name": name},
        }
        for shop, name in shops.items()
    ]
    for at in range(0, len(calls), ADMISSIONS_EACH):
        actions = calls[at : at + ADMISSIONS_EACH]
        built = target.ask("tx_build", account=operator, actions=actions)
        signature = signer_of("operator").sign(bytes.fromhex(built["sign_bytes"])).hex()
        signed = target.ask("tx_assemble", body=built["body"], signature=signature)
        target.ask("tx_submit", tx=signed["tx"])
    target.ask("dev_mine", count=3)
    assert len(target.node.pool) == 0


def all_events(target: Target, kind: str, after: str | None) -> list[Any]:
    """Return all events of a type after an id, page by page."""
    found = []
    while after is not None:
        page = target.ask("events_query", filter={"type": kind}, after=after, limit=200)
        found += page["items"]
        after = page["next"]
    return found


def test_names_that_are_too_long_are_refused(target: Target) -> None:
    operator = encode_id("acct", signer_of("operator").public_key)
    long = [text for text in TEXTS if len(text.encode()) > NAME_BYTES_MAX]

    codes = set()
    for text in long:
        arguments = {"shop": operator, "name": text}
        call = {"type": "call", "contract": "shops", "function": "admit", "arguments": arguments}
        told = target.check("tx_build", {"account": operator, "actions": [call]})
        codes.add(told["error"]["code"])

    assert long
    assert codes == {-32602}


def test_bytes_that_are_not_utf_8_make_a_body_no_json(target: Target) -> None:
    lines = (NAUGHTY / "utf8tests.txt").read_text("utf-8").splitlines()
    rows = [line.split(":") for line in lines if line and not line.startswith("#")]
    wrong = [bytes.fromhex(row[2]) for row in rows if row[1].strip() == "invalid hex"]
    bodies = [
        place % {b"x": data}
        for data in wrong
        for place in (
            b'{"jsonrpc":"2.0","id":1,"method":"chain_search","params":{"q":"%(x)b"}}',
            b'{"jsonrpc":"2.0","id":"%(x)b","method":"node_info"}',
            b'[{"jsonrpc":"2.0","id":1,"method":"node_info","%(x)b":1}]',
            b"%(x)b",
        )
    ]

    told = [json.loads(target.send(body) or b"") for body in bodies]

    assert len(wrong) == 145
    assert {(one["id"], one["error"]["code"]) for one in told} == {(None, -32700)}


def test_half_characters_are_no_text(target: Target) -> None:
    halves = ["\\ud800", "\\udfff", "\\udc00\\ud800", "a\\uD83D", "\\ude00b"]
    start, end = '{"jsonrpc":"2.0","id":1,"method":"chain_search","params":{"q":"', '"}}'

    told = [json.loads(target.send(f"{start}{half}{end}".encode()) or b"") for half in halves]

    assert [(one["id"], one["error"]["code"]) for one in told] == [(None, -32700)] * 5
