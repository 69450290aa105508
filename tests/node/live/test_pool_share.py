"""Whoever sends a thousand transactions makes nobody wait who sends one."""

from chain.transaction import (
    ReceivedTransaction,
    Transaction,
    Transfer,
    read_transaction,
    sign_transaction,
)
from node.live.pool import SHARE_MAX, Pool
from tests.make import account, signer, word

GAS = 10_000


def paid(name: str, nonce: int, sponsor: str | None = None) -> ReceivedTransaction:
    body = Transaction(
        version=1,
        chain_id=word("chain"),
        account=account(name),
        key=None,
        nonce=nonce,
        valid_until=10_000,
        gas_limit=GAS,
        sponsor=None if sponsor is None else account(sponsor),
        actions=(Transfer(word("money"), account("bob"), 1),),
        client_ref=None,
    )
    helper = None if sponsor is None else signer(sponsor)
    return read_transaction(sign_transaction(body, signer(name), helper))


def filled(*transactions: ReceivedTransaction) -> Pool:
    pool = Pool()
    for tx in transactions:
        pool.add(tx)
    return pool


def test_one_senders_many_leave_room_for_anothers_first() -> None:
    many = [paid("alice", nonce) for nonce in range(SHARE_MAX + 10)]
    late = paid("carol", 0)

    offered = filled(*many, late).offer(0, (SHARE_MAX + 1) * GAS)

    assert [one.tx_id for one in offered] == [*[one.tx_id for one in many[:SHARE_MAX]], late.tx_id]


def test_the_rest_follows_where_there_is_room() -> None:
    many = [paid("alice", nonce) for nonce in range(SHARE_MAX + 2)]
    late = paid("carol", 0)

    offered = filled(*many, late).offer(0, 10**9)

    assert [one.tx_id for one in offered] == [
        *[one.tx_id for one in many[:SHARE_MAX]],
        late.tx_id,
        *[one.tx_id for one in many[SHARE_MAX:]],
    ]


def test_who_is_sponsored_counts_for_the_sponsor() -> None:
    many = [paid("alice", nonce, "shop") for nonce in range(SHARE_MAX)]
    one_more, own = paid("carol", 0, "shop"), paid("shop", 0)
    late = paid("dave", 0)

    offered = filled(*many, one_more, own, late).offer(0, (SHARE_MAX + 1) * GAS)

    assert [one.tx_id for one in offered][SHARE_MAX:] == [late.tx_id]
