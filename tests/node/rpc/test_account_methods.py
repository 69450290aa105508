"""Accounts, assets and histories, as clients see them."""

import pytest

from chain.accounts import read_account
from chain.ids import encode_id
from chain.transaction import (
    AccountKey,
    AddKey,
    Admit,
    ApproveRecovery,
    IssueAsset,
    Scope,
    SetGuardians,
    SpendingLimit,
    Transfer,
)
from chain.types import DAY_MS
from node.rpc.reading import history
from tests.make import MONEY, RICH, START_MS, TestChain, account, signer, word
from tests.node.rpc.reading import Reader, text_of

ASSET = encode_id("ast", MONEY)
GIFT = Transfer(MONEY, account("bob"), 5)


async def test_an_account_that_was_never_used_has_its_first_key_alone(chain: TestChain) -> None:
    nobody = word("nobody")

    shown = await Reader(chain).ask("account_get", account=encode_id("acct", nobody))

    assert shown == {
        "account": encode_id("acct", nobody),
        "known": False,
        "keys": [
            {"key": nobody.hex(), "scopes": None, "limits": [], "expires_at": None,
             "next_nonce": 0}
        ],
        "guardians": [],
        "threshold": 0,
        "recovery": None,
        "roles": [],
        "balances": [],
        "sponsor_quota": None,
        "allowances": [],
    }  # fmt: skip


async def test_an_account_shows_keys_recovery_roles_and_what_is_left_of_today(
    chain: TestChain,
) -> None:
    box = chain.deploy()
    key = AccountKey(
        signer("phone").public_key,
        (Scope(box, ("put",)),),
        (SpendingLimit(MONEY, 10, DAY_MS),),
        START_MS + DAY_MS,
    )
    chain.do("alice", AddKey(key))
    chain.do("alice", SetGuardians((account("bob"),), 1))
    chain.do("bob", ApproveRecovery(account("alice"), word("new key")))
    chain.call("alice", box, "put", word("pot"), START_MS + DAY_MS, account("alice"), funds=4)
    chain.do("sam", Transfer(MONEY, account("bob"), 1), sponsor=signer("alice"))

    shown = await Reader(chain).ask("account_get", account=text_of("alice"))

    record = read_account(chain.state(), account("alice"))
    phone = [one for one in shown["keys"] if one["key"] == key.key.hex()]
    assert [one["key"] for one in shown["keys"]] == [one.key.hex() for one in record.keys]
    assert phone == [
        {
            "key": key.key.hex(),
            "scopes": [{"contract": encode_id("ctr", box), "functions": ["put"]}],
            "limits": [
                {"amount": {"amount": 10, "currency": "CNY", "asset": ASSET}, "window_ms": DAY_MS}
            ],
            "expires_at": START_MS + DAY_MS,
            "next_nonce": 0,
        }
    ]
    assert (shown["guardians"], shown["threshold"]) == ([text_of("bob")], 1)
    assert shown["recovery"]["approvals"] == [text_of("bob")]
    assert shown["roles"] == ["member"]
    assert shown["balances"] == [{"amount": RICH - 4, "currency": "CNY", "asset": ASSET}]
    assert shown["sponsor_quota"] == {"day": START_MS // DAY_MS, "used": 1, "maximum": 2_500}
    assert [one["open_pots"] for one in shown["allowances"]] == [1]


async def test_history_has_what_others_did_to_an_account_newest_first(chain: TestChain) -> None:
    box = chain.deploy(installed="boxes")
    due = START_MS + DAY_MS
    chain.call("alice", box, "put", word("pot"), due, account("bob"), funds=4)
    chain.run(chain.sign("alice", GIFT), chain.sign("olga", Transfer(MONEY, account("sam"), 1)))
    chain.do("sam", Transfer(MONEY, account("alice"), 1), sponsor=signer("bob"))
    chain.do("olga", Admit(account("bob")))
    chain.idle(due)
    reader = Reader(chain)

    items = (await reader.pages("account_history", account=text_of("bob")))[0]

    told = [
        (one["kind"], one["sender"], one["sponsor"], [event["type"] for event in one["events"]])
        for one in items
    ]
    assert told == [
        ("fallback", None, None, ["chain.pot_fallback"]),
        ("transaction", text_of("olga"), None, ["chain.admitted"]),
        ("transaction", text_of("sam"), text_of("bob"), []),
        ("transaction", text_of("alice"), None, ["chain.transferred"]),
    ]


async def test_history_in_pages_of_any_size_is_the_same(chain: TestChain) -> None:
    for _ in range(7):
        chain.run(
            chain.sign("alice", GIFT),
            chain.sign("olga", Transfer(MONEY, account("sam"), 1)),
            chain.sign("alice", GIFT, GIFT),
            chain.sign("bob", Transfer(MONEY, account("sam"), 1)),
        )
        chain.run()
    reader = Reader(chain)

    whole = await reader.pages("account_history", account=text_of("bob"), limit=200)
    parts = {
        limit: await reader.pages("account_history", account=text_of("bob"), limit=limit)
        for limit in (1, 2, 5)
    }

    assert len(whole[0]) == 21
    for limit, pages in parts.items():
        assert [one for page in pages for one in page] == whole[0]
        assert max(len(page) for page in pages) == limit
    events = [event["id"] for one in whole[0] for event in one["events"]]
    assert events[:4] == ["13-4", "13-2", "13-3", "13-0"]


async def test_a_failed_transaction_stands_in_its_sender_s_history_with_its_code(
    chain: TestChain,
) -> None:
    chain.do("alice", Transfer(MONEY, account("bob"), RICH + 1))
    reader = Reader(chain)

    sender = (await reader.pages("account_history", account=text_of("alice")))[0]
    receiver = await reader.pages("account_history", account=text_of("bob"))

    assert [(one["ok"], one["code"], one["error"]["name"]) for one in sender] == [
        (False, 2001, "INSUFFICIENT_FUNDS")
    ]
    assert receiver == [[]]


async def test_a_cursor_of_one_account_is_refused_for_another(chain: TestChain) -> None:
    chain.run(chain.sign("alice", GIFT), chain.sign("alice", GIFT))
    reader = Reader(chain)
    page = await reader.ask("account_history", account=text_of("alice"), limit=1)

    refusal = await reader.refusal(
        "account_history", account=text_of("bob"), cursor=page["next_cursor"]
    )

    assert refusal[0] == -32602


async def test_assets_are_listed_by_id_in_pages(chain: TestChain) -> None:
    for symbol in ("A", "B", "C"):
        chain.do("alice", IssueAsset(symbol, 2, 0, None, ()))
    reader = Reader(chain)

    pages = await reader.pages("asset_list", limit=2)
    one = await reader.ask("asset_get", asset="CNY")

    assert [len(page) for page in pages] == [2, 2]
    assert sorted(item["symbol"] for page in pages for item in page) == ["A", "B", "C", "CNY"]
    assert one == {
        "asset": ASSET,
        "symbol": "CNY",
        "decimals": 2,
        "issuer": text_of("olga"),
        "policy": "open",
        "contracts": [],
        "supply": 4 * RICH,
    }


async def test_an_unknown_asset_is_not_found(chain: TestChain) -> None:
    refusal = await Reader(chain).refusal("asset_get", asset="XYZ")

    assert refusal[0] == 6001


async def test_transactions_are_listed_all_by_account_and_by_contract(chain: TestChain) -> None:
    box = chain.deploy(installed="boxes")
    chain.run(chain.sign("alice", GIFT), chain.sign("bob", GIFT))
    chain.call("sam", box, "chatter", sponsor=signer("bob"))
    chain.call("alice", box, "set_broken", 1)
    reader = Reader(chain)

    everything = (await reader.pages("tx_list"))[0]
    of_bob = (await reader.pages("tx_list", account=text_of("bob")))[0]
    of_box = (await reader.pages("tx_list", contract="boxes"))[0]

    assert [one["actions"] for one in everything] == [
        ["boxes.set_broken"], ["boxes.chatter"], ["transfer"], ["transfer"], ["propose"],
        ["deploy"],
    ]  # fmt: skip
    assert of_bob == [everything[1], everything[2]]
    assert of_box == [everything[0], everything[1], everything[5]]


async def test_lists_of_transactions_in_small_pages_are_the_same(chain: TestChain) -> None:
    box = chain.deploy(installed="boxes")
    for _ in range(4):
        chain.run(chain.sign("alice", GIFT), chain.sign("alice", GIFT), chain.sign("bob", GIFT))
        chain.call("alice", box, "read_clock")
    reader = Reader(chain)

    for which in ({}, {"account": text_of("alice")}, {"contract": encode_id("ctr", box)}):
        whole = (await reader.pages("tx_list", limit=200, **which))[0]
        pages = await reader.pages("tx_list", limit=1, **which)
        assert [one for page in pages for one in page] == whole


async def test_lists_whose_work_is_cut_short_still_lead_to_the_end(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = chain.deploy(installed="boxes")
    for _ in range(4):
        chain.run(chain.sign("alice", GIFT), chain.sign("alice", GIFT), chain.sign("bob", GIFT))
        chain.call("alice", box, "read_clock")
        chain.run()
    reader = Reader(chain)
    asked = [
        ("tx_list", {}),
        ("tx_list", {"account": text_of("alice")}),
        ("tx_list", {"contract": encode_id("ctr", box)}),
        ("account_history", {"account": text_of("bob")}),
    ]

    whole = [await reader.pages(method, limit=200, **which) for method, which in asked]
    monkeypatch.setattr(history, "RECEIPTS_MAX", 2)
    monkeypatch.setattr(history, "BLOCKS_MAX", 2)
    cut = [await reader.pages(method, limit=200, **which) for method, which in asked]

    assert [len(pages) for pages in whole] == [1] * 4
    assert min(len(pages) for pages in cut) > 2
    assert [[one for page in pages for one in page] for pages in cut] == [
        pages[0] for pages in whole
    ]


async def test_a_list_is_of_an_account_or_of_a_contract(chain: TestChain) -> None:
    refusal = await Reader(chain).refusal("tx_list", account=text_of("bob"), contract="boxes")

    assert refusal[0] == -32602
