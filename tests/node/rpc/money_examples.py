"""The examples of the money: who issues it, what is owed for it, how it becomes cash."""

from tests.node.rpc.story import MORNING, Teller, acct, call_action

PAYEE = "5a" * 32


async def about_reserves(teller: Teller) -> None:
    """Let the issuer state its reserve, and bob ask for cash."""
    who = {"account": acct("issuer")}
    stated = {"period": 1, "liability": 10_000_000, "custody": 10_000_000, "document": PAYEE}
    await teller.do("issuer", call_action("money", "attest", stated))
    await teller.show("money.issuer", "after its statement", who)
    await teller.show("money.may_issue", "with enough in its account", who)
    await teller.show("money.reserves", "what there is, and what is owed", {})
    await teller.show("money_issuers", "whether all of it is there")
    await teller.show("money.chosen", "the numbers of this network", {})
    await teller.show("money.due_for", "asked on a Monday", {"asked_at": MORNING})
    wish = {"issuer": acct("issuer"), "payee": PAYEE}
    asked = await teller.made("bob", call_action("money", "ask", wish, 20_000))
    await teller.show("money.request", "that waits to be paid", {"id": asked})
    first = {"holder": acct("bob"), "number": 0}
    await teller.show("money_requests", "what the issuer has to pay", {"issuer": acct("issuer")})
    await teller.show("money_requests", "of a holder", {"holder": acct("bob")})
    await teller.show("money_balance", "of who asked for cash", {"account": acct("bob")})
    both = {"issuer": acct("issuer"), "holder": acct("bob")}
    await teller.refuse("money_requests", "both at once", both)
    await teller.show("money.request_of", "the first of a holder", first)
    await teller.do("bob", call_action("money", "withdraw", {"request": asked}))
