"""Beginning a chain together: what members sign is what begins, and every change is found."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import GenesisError
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel, parse_genesis
from node.ceremony.draft import Draft, draft_hash, make_draft, parse_draft
from node.ceremony.entry import Entry, Wishes, entry_hash, make_entry, parse_entry
from node.ceremony.form import FILE_BYTES_MAX, CeremonyError
from node.ceremony.gathering import (
    Collected,
    chain_words,
    check_mine,
    check_words,
    collect,
    parse_collected,
)
from node.ceremony.signing import (
    Peer,
    finalize,
    parse_any,
    parse_final,
    parse_signature,
    peers_of,
    sign_genesis,
)
from node.keys.phrase import spell_words
from tests.make import START_MS, account, signer, word

URL = "wss://ann.example/p2p"
COIN = GenesisAsset(symbol="CNY", issuer=account("ann").hex(), policy="to_members")
DRAFT = make_draft("wash-hz", START_MS, assets=[COIN], params={"block_interval_ms": 500})


def entry(who: str, draft: Draft = DRAFT, **wishes: Any) -> Entry:
    """Return somebody's entry; ann issues, operates and has a validator, as ben has."""
    usual: dict[str, Any] = {"name": who.title()}
    if who == "ann":
        usual |= {"is_operator": True, "url": URL, "balances": {"CNY": 100}}
    validator = None if who == "cat" else signer(f"{who}'s node")
    return make_entry(draft, Wishes(**{**usual, **wishes}), signer(who), validator)


def entries() -> list[Entry]:
    return [entry(name) for name in ("ann", "ben", "cat")]


@pytest.fixture(scope="module")
def found() -> Collected:
    return collect(DRAFT, entries())


def changed(form: Any, **fields: Any) -> bytes:
    """Return a file with some of its fields replaced, as somebody with an editor would."""
    said = json.loads(form.text())
    return json.dumps({**said, **fields}).encode()


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(GenesisError) as caught:
        act()
    return str(caught.value)


def test_members_make_the_genesis_that_their_entries_say(found: Collected) -> None:
    def member(name: str, *roles: str, **balances: int) -> GenesisAccount:
        said = {"account": account(name).hex(), "roles": ["member", *roles], "balances": balances}
        return GenesisAccount.model_validate_json(json.dumps(said))

    expected = Genesis(
        name="wash-hz",
        time_ms=START_MS,
        validators=tuple(
            sorted(signer(f"{one}'s node").public_key.hex() for one in ("ann", "ben"))
        ),
        params=ParamsModel(block_interval_ms=500),
        assets=(COIN,),
        accounts=tuple(
            sorted(
                [member("ann", "operator", CNY=100), member("ben"), member("cat")],
                key=lambda one: one.account,
            )
        ),
    )

    assert found.genesis() == expected
    assert parse_genesis(expected.model_dump_json().encode()).chain_id() == expected.chain_id()


def test_the_order_of_the_entries_makes_no_difference(found: Collected) -> None:
    assert collect(DRAFT, reversed(entries())) == found


def test_all_signatures_make_it_final_and_files_are_read_as_they_were_written(
    found: Collected,
) -> None:
    signatures = [sign_genesis(found, signer(name)) for name in ("cat", "ann", "ben")]

    final = finalize(found, [parse_signature(one.text().encode()) for one in signatures])

    assert parse_draft(DRAFT.text().encode()) == DRAFT
    assert [parse_entry(one.text().encode()) for one in entries()] == entries()
    assert parse_any(found.text().encode()) == parse_collected(found.text().encode()) == found
    assert parse_any(final.text().encode()) == parse_final(final.text().encode()) == final
    assert final.genesis() == found.genesis()


def test_nodes_that_can_be_dialled_are_known_by_their_keys() -> None:
    url = "ws://127.0.0.1:9000/p2p"
    gathered = collect(DRAFT, [entry("ann"), entry("ben"), entry("cat", url=url)])
    ann, cat = signer("ann's node").public_key.hex(), account("cat").hex()

    assert {*peers_of(gathered)} == {Peer(URL, ann), Peer(url, cat)}
    assert peers_of(gathered, [ann]) == (Peer(url, cat),)
    assert peers_of(gathered, [account("ann").hex(), cat]) == ()


# Words --------------------------------------------------------------------------------------------


def test_eight_words_stand_for_a_chain() -> None:
    words = chain_words(word("chain"))

    assert words == ["roast", "nation", "vintage", "demand", "bounce", "doll", "country", "three"]
    assert chain_words(word("other")) != words
    check_words(word("chain"), " ".join(words).upper())


def test_words_are_eleven_bits_each() -> None:
    first, last = "abandon", "zoo"

    assert spell_words(bytes(11)) == [first] * 8
    assert spell_words(b"\xff" * 11) == [last] * 8
    assert spell_words(bytes(10) + b"\x01") == [first] * 7 + ["ability"]
    assert spell_words(b"\x00\x20" + bytes(9)) == ["ability"] + [first] * 7


def test_other_words_are_another_chain() -> None:
    words = chain_words(word("chain"))
    wrong = " ".join([*words[:2], "zoo", *words[3:]])

    assert refusal(lambda: check_words(word("chain"), wrong)).startswith(
        "word 3 is 'vintage' here and 'zoo' there: the two files are not the same chain"
    )
    assert refusal(lambda: check_words(word("chain"), "zoo")).startswith("1 words, a chain has 8")


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"dev": 1}, "params.dev is 1"),
        ({"heartbeat_ms": 0}, "params.heartbeat_ms is 0: the clock of such a chain is moved"),
        ({"dev": 2}, "genesis, params"),
        ({"block_interval_ms": 0}, "genesis, params"),
        ({"colour": 1}, "params.colour: Extra inputs"),
    ],
)
def test_members_begin_no_chain_with_such_parameters(params: dict[str, int], text: str) -> None:
    said = json.loads(DRAFT.text())

    assert text in refusal(lambda: make_draft("wash-hz", START_MS, params=params))
    assert text in refusal(lambda: parse_draft(changed(DRAFT, params={**said["params"], **params})))
    found = collect(DRAFT, entries())
    other = {**said, "params": {**said["params"], **params}}
    assert text in refusal(lambda: parse_collected(changed(found, draft=other)))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "wash-sh"},
        {"time_ms": START_MS + 1},
        {"quorum": "crash"},
        {"params": {"block_interval_ms": 501}},
        {"assets": []},
        {"assets": [{"symbol": "CNY", "issuer": account("ben").hex(), "policy": "to_members"}]},
    ],
)
def test_an_entry_is_good_for_its_draft_only(fields: dict[str, Any]) -> None:
    other = parse_draft(changed(DRAFT, **fields))

    assert draft_hash(other) != draft_hash(DRAFT)
    for one in entries():
        assert "is for draft" in refusal(lambda one=one: collect(other, [one]))  # type: ignore[misc]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Bea"},
        {"url": "wss://other.example/p2p"},
        {"roles": ["member", "operator"]},
        {"account": account("cat").hex()},
        {"draft": word("draft").hex()},
        {"balances": {"CNY": 5}},
        {"signature": "00" * 64},
    ],
)
def test_an_entry_that_was_changed_is_refused(fields: dict[str, Any], found: Collected) -> None:
    ben = entry("ben")
    said = [json.loads(one.text()) for one in found.members]
    members = [{**one, **fields} if one["name"] == "Ben" else one for one in said]

    assert "is not as its key signed it" in refusal(lambda: parse_entry(changed(ben, **fields)))
    assert "is not as its key signed it" in refusal(
        lambda: parse_collected(changed(found, members=members))
    )


def test_nobody_brings_the_validator_of_another() -> None:
    ann, cat = entry("ann"), entry("cat")
    stolen = cat.model_copy(
        update={"validator": ann.validator, "validator_signature": ann.validator_signature}
    )
    signed = stolen.model_copy(update={"signature": signer("cat").sign(entry_hash(stolen)).hex()})

    assert "as its validator's key signed it" in refusal(lambda: collect(DRAFT, [ann, signed]))
    for fields in ({"validator_signature": None}, {"validator": None}):
        text = refusal(lambda fields=fields: parse_entry(changed(ann, **fields)))  # type: ignore[misc]
        assert "signed it" in text or "not both" in text


def test_members_differ_in_all_by_which_they_are_told_apart() -> None:
    ann = entry("ann")
    node = signer("ann's node")
    cases = {
        "same key": entry("ann", name="Other", url=""),
        "same validator's key": make_entry(DRAFT, Wishes(name="Ben"), signer("ben"), node),
        "same name": entry("ben", name="ANN"),
        "same address": entry("ben", url=URL),
    }

    for text, other in cases.items():
        told = refusal(lambda other=other: collect(DRAFT, [ann, other]))  # type: ignore[misc]
        assert text in told
        assert str(ann) in told
        assert str(other) in told


def test_a_chain_has_members_who_can_run_it() -> None:
    bare = make_draft("wash-hz", START_MS)

    def of(name: str, **wishes: Any) -> Entry:
        return entry(name, bare, balances={}, **wishes)

    assert refusal(lambda: collect(bare, [])).startswith("0 entries")
    assert "nobody brings a validator" in refusal(
        lambda: collect(bare, [of("cat", is_operator=True)])
    )
    assert "nobody is an operator" in refusal(lambda: collect(bare, [of("ben")]))
    ben = entry("ben", is_operator=True)
    assert "issues CNY and is no member" in refusal(lambda: collect(DRAFT, [ben]))
    assert collect(bare, [of("ben", is_operator=True)]).genesis().validator_set().quorum == 1


def test_only_an_issuer_begins_with_money() -> None:
    assert "does not issue it" in refusal(lambda: entry("ben", balances={"CNY": 5}))
    assert "does not issue it" in refusal(lambda: entry("ann", balances={"USD": 5}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " Ben"),
        ("name", "Ben\n"),
        ("name", "Ben\u200b"),
        ("name", "x" * 65),
        ("url", "https://ben.example/p2p"),
        ("url", "wss://ben.example/"),
        ("url", "wss://ben.example/p2p?x=1"),
        ("url", "wss://u:p@ben.example/p2p"),
        ("url", "wss:///p2p"),
        ("url", "wss://Ben.example:443/p2p"),
        ("url", "wss://ben.example:99999/p2p"),
        ("url", "wss://" + "b" * 260 + "/p2p"),
        ("url", "wss://b en.example/p2p"),
    ],
)
def test_names_show_all_that_they_hold_and_addresses_are_those_of_nodes(
    field: str, value: str
) -> None:
    wishes: dict[str, Any] = {field: value}

    assert refusal(lambda: entry("ben", **wishes)).startswith(f"{field}: ")


def test_own_entries_are_found_again(found: Collected) -> None:
    check_mine(found, entry("ben"))

    text = refusal(lambda: check_mine(found, entry("ben", url="wss://ben.example/p2p")))
    assert "is not the one in it: url differs" in text
    assert "is not in it" in refusal(lambda: check_mine(found, entry("dan")))


def test_whoever_did_not_sign_is_named(found: Collected) -> None:
    signatures = {name: sign_genesis(found, signer(name)) for name in ("ann", "ben", "cat")}
    ann, ben, cat = (signatures[name] for name in ("ann", "ben", "cat"))

    text = refusal(lambda: finalize(found, [ann]))
    assert text.startswith("not signed by ")
    assert all(str(entry(name)) in text for name in ("ben", "cat"))
    assert str(entry("ann")) not in text
    bad = ben.model_copy(update={"signature": cat.signature})
    assert f"the signature of {entry('ben')} is bad" in refusal(
        lambda: finalize(found, [ann, bad, cat])
    )
    foreign = ben.model_copy(update={"account": account("dan").hex()})
    assert "signed and is no member" in refusal(lambda: finalize(found, [ann, foreign, cat]))
    assert "is no member of this chain" in refusal(lambda: sign_genesis(found, signer("dan")))


def test_a_signature_is_good_for_its_file_only(found: Collected) -> None:
    renamed = collect(DRAFT, [entry("ann"), entry("ben"), entry("cat", name="Caty")])
    without = collect(DRAFT, [entry("ann"), entry("ben")])
    others = [sign_genesis(found, signer(name)) for name in ("ann", "cat")]

    same_chain = sign_genesis(renamed, signer("ben"))
    other_chain = sign_genesis(without, signer("ben"))

    assert renamed.genesis().chain_id() == found.genesis().chain_id()
    assert f"{entry('ben')} signed this chain with other names" in refusal(
        lambda: finalize(found, [*others, same_chain])
    )
    assert f"{entry('ben')} signed chain {other_chain.chain_id}" in refusal(
        lambda: finalize(found, [*others, other_chain])
    )
    lying = other_chain.model_copy(
        update={"chain_id": same_chain.chain_id, "file": found.file_hash().hex()}
    )
    assert "is bad" in refusal(lambda: finalize(found, [*others, lying]))


def test_a_final_file_is_as_all_members_signed_it(found: Collected) -> None:
    names = ("ann", "ben", "cat")
    final = finalize(found, [sign_genesis(found, signer(name)) for name in names])
    members = [json.loads(one.text()) for one in final.members]
    other = make_draft("wash-sh", START_MS, assets=[COIN])
    cases = {
        "is bad": {"signatures": list(reversed(final.signatures))},
        "2 signatures of 3 members": {"signatures": list(final.signatures[:2])},
        "3 signatures of 2 members": {"members": members[:1] + members[2:]},
        "out of order": {"members": members[::-1]},
        "is for draft": {"draft": json.loads(other.text())},
        "Extra inputs": {"genesis": {}},
    }

    for text, fields in cases.items():
        assert text in refusal(lambda fields=fields: parse_final(changed(final, **fields)))  # type: ignore[misc]


def test_one_file_is_not_taken_for_another(found: Collected) -> None:
    signature = sign_genesis(found, signer("ann"))
    files = {parse_draft: DRAFT, parse_entry: entry("ann"), parse_collected: found}

    for parse in (*files, parse_signature, parse_final):
        for form in (*files.values(), signature):
            if files.get(parse) is not form and (parse, form) != (parse_signature, signature):
                text = refusal(lambda parse=parse, form=form: parse(form.text().encode()))  # type: ignore[misc]
                assert text.startswith("kind: Input should be 'washnode genesis")


@given(st.binary(max_size=200) | st.recursive(st.none(), st.lists).map(json.dumps).map(str.encode))
def test_rubbish_is_refused_in_one_way(data: bytes) -> None:
    for parse in (parse_draft, parse_entry, parse_any, parse_signature, parse_final):
        with pytest.raises(CeremonyError):
            parse(data)


def test_a_file_that_is_too_long_is_not_read() -> None:
    assert refusal(lambda: parse_draft(bytes(FILE_BYTES_MAX + 1))).startswith("1048577 bytes")


@given(st.data())
def test_any_changed_byte_of_a_final_file_is_found_or_says_the_same(data: st.DataObject) -> None:
    found = collect(DRAFT, entries())
    final = finalize(found, [sign_genesis(found, signer(one)) for one in ("ann", "ben", "cat")])
    whole = final.text().encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))

    try:
        read = parse_final(whole[:at] + bytes([byte]) + whole[at + 1 :])
    except GenesisError:
        return
    assert read == final
