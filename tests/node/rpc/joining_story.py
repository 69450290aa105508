"""A part of the examples: an operator makes a code, a new shop brings it, another is taken back."""

from chain.crypto import Signer, sha256
from chain.ids import encode_id
from node.demo.accounts import account_of, signer_of
from node.joining.code import parse_code
from node.joining.desk import Desk
from node.joining.request import sign_request
from node.joining.sending import Admitter
from tests.node.rpc.story import Json, Teller

GATE = "https://gate.wash.example"
SHOP, NODE = (Signer(sha256(name)) for name in (b"the new shop", b"its node"))


async def about_joining(teller: Teller) -> None:
    """Let a shop in."""
    node = teller.node
    assert node.folder is not None, "the story has a folder"
    await teller.refuse("admin_join_codes", "of a node that lets nobody in", tier="admin")
    operator = Admitter(account_of("operator"), signer_of("operator"))
    desk = node.desk = Desk(node, operator, node.folder / "admissions", "wss://gate.example/p2p")
    numbers = iter((b"the first.", b"the other.", b"the third.", b"the fourth"))
    desk.wait_ms = 0

    def next_secret(_length: int) -> bytes:
        return next(numbers)

    desk.chance = next_secret
    wanted: Json = {"gateways": [GATE], "name": "Crystal 水晶洗车", "note": "Ms Li, by phone"}
    made = await teller.show("admin_join_code", "for one shop", wanted, tier="admin")
    other = await teller.ask("admin_join_code", {"gateways": [GATE]}, tier="admin")
    await teller.show("join_network", "before anything is told to it")
    back = {"number": other["number"]}
    await teller.show("admin_join_revoke", "before anybody used it", back, tier="admin")
    card: Json = {"key": signer_of("sparkle").public_key.hex()}
    await teller.show("join_shop_of_key", "from the words of a card", card)
    chain_id, code = node.ledger.chain_id, parse_code(made["code"])
    request = sign_request(chain_id, code, "Crystal 水晶洗车", shop=SHOP, node=NODE)
    params: Json = {
        "code": made["code"],
        "account": encode_id("acct", SHOP.public_key),
        "node_key": NODE.public_key.hex(),
        "name": "Crystal 水晶洗车",
        "signature": request.signature.hex(),
        "node_signature": request.node_signature.hex(),
    }
    await teller.show("join_redeem", "taken, not final yet", params)
    teller.make_block()
    await teller.show("join_redeem", "asked again", params)
    request = sign_request(chain_id, code, "Crystal 水晶洗车", shop=NODE, node=SHOP)
    thief: Json = {
        **params,
        "account": encode_id("acct", NODE.public_key),
        "node_key": SHOP.public_key.hex(),
        "signature": request.signature.hex(),
        "node_signature": request.node_signature.hex(),
    }
    await teller.refuse("join_redeem", "by somebody else", thief)
    await teller.show("admin_join_codes", "what became of them", tier="admin")
    unknown: Json = {"account": encode_id("acct", account_of("operator")), "mark": "00" * 32}
    await teller.refuse("join_undo_build", "of a chain that knows no codes", unknown)
