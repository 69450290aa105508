"""Blocks, parameters, supply and search, as clients see them."""

from typing import Any

from chain.changes import SetParam, SetValidator
from chain.ids import encode_id
from chain.transaction import Mint, Propose, Transfer
from chain.validators import ValidatorSet
from tests import make
from tests.make import MONEY, RICH, TestChain, account, word
from tests.node.rpc.reading import Reader, text_of

GIFT = Transfer(MONEY, account("bob"), 5)
ASSET = encode_id("ast", MONEY)


async def test_the_head_is_the_newest_block_with_its_certificate(chain: TestChain) -> None:
    chain.run()
    executed = chain.run(chain.sign("alice", GIFT))

    head = await Reader(chain).ask("chain_head")

    header = executed.block.header
    certificate = head.pop("certificate")
    shown = head.pop("header")
    assert head == {"bytes": len(executed.block.transactions[0]), "transaction_count": 1,
                    "receipt_count": 1}  # fmt: skip
    assert certificate["signers"] == [make.VALIDATOR.public_key.hex()]
    assert shown == {
        "hash": executed.block_id.hex(),
        **{
            name: value.hex() if isinstance(value, bytes) else value
            for name in type(header).__dataclass_fields__
            for value in [getattr(header, name)]
        },
    }


async def test_a_block_is_found_by_height_and_by_id_in_as_much_detail_as_asked(
    chain: TestChain,
) -> None:
    tx = chain.sign("alice", GIFT)
    executed = chain.run(tx)
    chain.run()
    reader = Reader(chain)

    plain = await reader.ask("chain_getBlock", height=1, detail="header")
    ids = await reader.ask("chain_getBlock", hash=executed.block_id.hex())
    full = await reader.ask("chain_getBlock", height=1, detail="full")
    first = await reader.ask("chain_getBlock", height=0, detail="full")

    tx_id = tx.tx_id.hex()
    assert ids == {**plain, "tx_ids": [tx_id], "receipt_ids": [tx_id]}
    assert [one["tx_id"] for one in full["transactions"]] == [tx_id]
    assert full["transactions"][0]["actions"][0]["type"] == "transfer"
    assert [(one["id"], one["ok"], one["code"]) for one in full["receipts"]] == [(tx_id, True, 0)]
    assert (first["certificate"], first["transactions"], first["receipts"]) == (None, [], [])


async def test_a_block_that_is_not_there_is_not_found_and_says_what_was_searched(
    chain: TestChain,
) -> None:
    reader = Reader(chain)

    answers = [
        await reader.answer("chain_getBlock", height=1),
        await reader.answer("chain_getBlock", hash="00" * 32),
    ]

    told = [(one["error"]["code"], one["error"]["data"]["searched"]) for one in answers]
    assert told == [(6001, [0, 0])] * 2


async def test_a_block_is_asked_for_in_one_way(chain: TestChain) -> None:
    reader = Reader(chain)

    codes = [
        (await reader.refusal("chain_getBlock"))[0],
        (await reader.refusal("chain_getBlock", height=0, hash="00" * 32))[0],
    ]

    assert codes == [-32602, -32602]


async def test_blocks_are_listed_page_by_page_while_the_chain_grows(chain: TestChain) -> None:
    for _ in range(4):
        chain.run(chain.sign("alice", GIFT))
    reader = Reader(chain)

    first = await reader.ask("chain_listBlocks", limit=2)
    chain.run()
    second = await reader.ask("chain_listBlocks", limit=2, cursor=first["next_cursor"])
    last = await reader.ask("chain_listBlocks", limit=2, cursor=second["next_cursor"])

    heights = [[one["height"] for one in page["items"]] for page in (first, second, last)]
    assert heights == [[4, 3], [2, 1], [0]]
    assert last["next_cursor"] is None
    assert [one["transactions"] for one in (*first["items"], *last["items"])] == [1, 1, 0]


async def test_parameters_and_validators_are_those_that_the_header_commits_to(
    chain: TestChain,
) -> None:
    chain.do("olga", Propose(SetParam("sponsor_daily_max", 7)))
    reader = Reader(chain)

    params = await reader.ask("chain_getParams")
    validators = await reader.ask("chain_getValidators")

    assert params["hash"] == chain.head.params_hash.hex()
    assert params["values"]["sponsor_daily_max"] == 7
    assert validators == {
        "hash": chain.head.next_validators_hash.hex(),
        "quorum": 1,
        "rule": "byzantine",
        "epoch": 0,
        "keys": [make.VALIDATOR.public_key.hex()],
    }


async def test_supply_is_what_was_minted_and_not_burned(chain: TestChain) -> None:
    chain.do("olga", Mint(MONEY, account("bob"), 9))
    reader = Reader(chain)

    by_symbol = await reader.ask("chain_getSupply", asset="CNY")
    by_id = await reader.ask("chain_getSupply", asset=ASSET)

    amount = {"amount": 4 * RICH + 9, "currency": "CNY", "asset": ASSET}
    assert by_symbol == by_id == {"supply": amount, "decimals": 2}


async def test_a_read_of_another_state_than_the_head_is_refused(chain: TestChain) -> None:
    chain.run()
    reader = Reader(chain)

    answer = await reader.answer("chain_getParams", at=0)

    assert (answer["error"]["code"], answer["error"]["data"]["min_height"]) == (-32009, 1)


async def search(reader: Reader, text: str) -> list[tuple[str, str, str]]:
    hits: list[dict[str, Any]] = await reader.ask("chain_search", q=text)
    return [(hit["type"], hit["id"], hit["label"]) for hit in hits]


async def test_an_account_is_found_by_its_beginning_and_end_as_pages_show_it(
    chain: TestChain,
) -> None:
    chain.run()
    reader, olga = Reader(chain), text_of("olga")
    asked = [
        f"{olga[:10]}…{olga[-4:]}",
        f"{olga[:14]}...{olga[-6:]}".upper(),
        f"{olga[:10]}…qqqq",
        f"{olga[:9]}…{olga[-4:]}",
        f"{olga[:10]}…{olga[-3:]}",
    ]

    found = [await search(reader, text) for text in asked]

    mine = [("account", olga, "member, operator")]
    assert found == [mine, mine, [], [], []]


async def test_search_finds_whatever_a_text_names(chain: TestChain) -> None:
    box = chain.deploy(installed="boxes")
    tx = chain.sign("alice", GIFT)
    block = chain.run(tx).block_id.hex()
    reader = Reader(chain)
    contract, olga = encode_id("ctr", box), text_of("olga")

    found = {
        text: await search(reader, text)
        for text in ("3", "4", block, tx.tx_id.hex(), olga, contract, "Box", "cny", ASSET, "", "?")
    }

    assert found == {
        "3": [("block", "3", "block 3")],
        "4": [],
        block: [("block", block, "block 3")],
        tx.tx_id.hex(): [("transaction", tx.tx_id.hex(), "in block 3")],
        olga: [("account", olga, "member, operator")],
        contract: [("contract", contract, "boxes")],
        "Box": [("contract", contract, "boxes")],
        "cny": [("asset", ASSET, "CNY")],
        ASSET: [("asset", ASSET, "CNY")],
        "": [],
        "?": [],
    }


async def test_search_finds_an_account_by_its_key_and_none_that_was_never_used(
    chain: TestChain,
) -> None:
    reader = Reader(chain)

    known = await search(reader, account("bob").hex())
    unknown = await search(reader, encode_id("acct", word("nobody")))

    assert known == [("account", text_of("bob"), "member")]
    assert unknown == []


KEEPER = '''
from wash import *

class Keeper(Contract):
    """Tells of visits."""
    Came = Event(visit=indexed[Id["vst"]], by=indexed[Address])

    @action
    def come(self, visit: Id["vst"]):
        emit(self.Came, visit, origin())
'''


async def test_search_finds_what_a_registered_contract_gave_an_id(chain: TestChain) -> None:
    keeper = chain.deploy(KEEPER, assets=(), installed="keeper")
    visit, other = encode_id("vst", word("visit")), encode_id("vst", word("other"))
    assert chain.call("alice", keeper, "come", word("visit")).ok
    reader = Reader(chain)

    found = await search(reader, visit), await search(reader, other)

    assert found == ([("thing", visit, "keeper")], [])


async def test_certificates_of_older_validators_are_shown_with_their_keys(
    chain: TestChain,
) -> None:
    other = make.signer("other")
    sets = [ValidatorSet((make.VALIDATOR.public_key,))]
    sets.append(ValidatorSet(tuple(sorted((make.VALIDATOR.public_key, other.public_key)))))
    chain.voters.append(other)
    chain.do("olga", Propose(chain.joining(other)))
    chain.run()
    chain.do("olga", Propose(SetValidator(other.public_key, 0)))
    chain.run()
    reader = Reader(chain)

    blocks = [await reader.ask("chain_getBlock", height=height) for height in (2, 3)]
    now = await reader.ask("chain_getValidators")

    hashes = [block["header"]["validators_hash"] for block in blocks]
    assert hashes == [one.set_hash().hex() for one in sets]
    signers = [block["certificate"]["signers"] for block in blocks]
    both = [key.hex() for key in sets[1].keys]
    assert signers == [[make.VALIDATOR.public_key.hex()], both]
    assert now["keys"] == [make.VALIDATOR.public_key.hex()]
