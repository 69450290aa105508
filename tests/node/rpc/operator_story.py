"""A part of the examples: an operator logs in, proposes something, and lets a shop in."""

from chain.crypto import sha256
from node.demo.accounts import account_of
from node.letters.form import Between, Role, letter_name, seal_letter
from tests.node.rpc.gateway import Gateway
from tests.node.rpc.joining_story import GATE
from tests.node.rpc.staff_story import easy_staff
from tests.node.rpc.story import Json, Teller, acct, call_action

PIN = "48291673"


async def about_operators(teller: Teller) -> None:
    """Let the operator act with a key that this node keeps."""
    node = teller.node
    assert node.folder is not None, "the story has a folder"
    node.operators = easy_staff(node, node.folder / "operators")
    wish: Json = {"name": "Olga", "pin": PIN, "account": acct("operator")}
    added = await teller.show("admin_operator_add", "a login of its own", wish, tier="admin")
    await teller.refuse("operator_login", "with another PIN", {"name": "Olga", "pin": "48291674"})
    await teller.do("operator", added["action"])
    await teller.show("admin_operator_list", "who may act here", tier="admin")
    begun = await teller.show("operator_login", "in the morning", {"name": "Olga", "pin": PIN})
    session: Json = {"session": begun["session"]}
    await teller.show("operator_who", "who is it", session)
    change = {"type": "set_param", "name": "sponsor_daily_max", "value": 2_500}
    actions = [{"type": "propose", "change": change}]
    quick: Json = {"timeout_ms": 0}
    await teller.show("operator_send", "a proposal", {**session, "actions": actions, **quick})
    teller.make_block()
    transfer = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 1}
    await teller.refuse("operator_send", "what no operator does here", {
        **session, "actions": [transfer],
    })  # fmt: skip
    made = await teller.show("operator_code", "for one shop", {**session, "gateways": [GATE]})
    await teller.show("operator_codes", "all that there are", session)
    back = {**session, "number": made["number"]}
    await teller.show("operator_code_revoke", "before anybody used it", back)
    await _answer(teller, session, bytes.fromhex(added["key"]))
    await _on_a_chain_that_knows_codes(teller)
    await teller.show("operator_logout", "in the evening", session)
    gone = {"id": added["id"]}
    await teller.show("admin_operator_remove", "she leaves", gone, tier="admin")


async def _answer(teller: Teller, session: Json, login: bytes) -> None:
    """Carol wrote to the operator, sealed for the login as well; it reads and answers."""
    carol, operator = account_of("carol"), account_of("operator")
    letter = seal_letter(
        "More shops in the north, please.",
        Between(carol, operator, Role.MESSAGE),
        (operator, login, carol),
        lambda length: sha256(b"chance")[:length],
    )
    message = {"receiver": acct("operator"), "message": letter_name(letter).hex()}
    sent = await teller.made("carol", call_action("reviews", "post_feedback", message))
    await teller.ask("letter_put", {"about": sent, "content": letter.hex()})
    said: Json = {**session, "id": sent, "text": "Two open in May.", "timeout_ms": 0}
    await teller.show("operator_answer", "to who wrote", said)
    teller.make_block()
    await teller.show("operator_letters", "all, the newest first", session)
    (shop,) = (
        await teller.ask(
            "events_query",
            {
                "filter": {"type": "reviews.FeedbackSent", "values": {"receiver": acct("sparkle")}},
                "after": "earliest",
            },
        )
    )["items"]
    other = {**said, "id": shop["values"]["id"]}
    await teller.refuse("operator_answer", "a message to a shop", other)


async def _on_a_chain_that_knows_codes(teller: Teller) -> None:
    """Take back a code: on another chain, since the demo's has no contract for it."""
    assert teller.node.folder is not None, "the story has a folder"
    gateway = Gateway(teller.node.folder / "gateway", "admin")
    await gateway.begin()
    await gateway.made()
    wish = {"account": acct("carol"), "mark": (await gateway.listed())["mark"]}
    built = await gateway.ask("join_undo_build", **wish)
    teller.keep("join_undo_build", "of whichever gateway", wish, built)
    gateway.node.close()
