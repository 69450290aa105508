"""A part of the examples: what waits while a line is down, what expired, what is signed again."""

from typing import Any

from chain.transaction import read_transaction
from tests.node.rpc.story import Json, Teller, acct


async def about_the_outbox(teller: Teller) -> None:
    """Let two gifts expire unsent, sign one again, drop the other."""
    gift: Json = {"type": "transfer", "asset": "CNY", "to": acct("bob"), "amount": 100}
    again, dropped = [await _expired(teller, name, gift) for name in ("carol", "dave")]
    waiting = await teller.ask("tx_submit", {"tx": await teller.signed("erin", gift)})
    await teller.show("outbox_list", "two are over, one waits", tier="shop")
    renewal: Json = {"tx_id": again, "tx": await teller.signed("carol", gift)}
    await teller.show("outbox_renew", "by its sender", renewal, tier="shop")
    await teller.refuse("outbox_renew", "once is enough", renewal, tier="shop")
    await teller.show("outbox_drop", "nobody means it any more", {"tx_id": dropped}, tier="shop")
    still: Json = {"tx_id": waiting["tx_id"]}
    await teller.refuse("outbox_drop", "of what waits", still, tier="shop")
    teller.make_block()


async def _expired(teller: Teller, name: str, action: Json) -> str:
    node = teller.node
    given: Json = {"account": acct(name), "actions": [action], "valid_until": node.block_time() + 1}
    built: Any = await teller.ask("tx_build", given)
    made = await teller.ask("tx_assemble", teller.sign(name, built))
    tx = read_transaction(bytes.fromhex(made["tx"]))
    node.outbox.add(tx.tx_id, tx.data)
    teller.make_block()
    teller.make_block()
    await node.unsent.take()
    return str(made["tx_id"])
