"""What `tx_explain` says, for tests: without ids, and never in the words of machines."""

import json
import re
from typing import Any

from tests.node.rpc.asking import Asker

JARGON = re.compile(
    r"hash|\bgas\b|nonce|escrow|smart contract|\bblock|wallet|settle|哈希|区块|合约|钱包|托管",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return a text with its ids taken out."""
    return re.sub(r"(acct|ast|bkg|crd|ctr|fbk|veh)1\w+…\w{4}", r"\1", text)


async def told(asker: Asker, tx_id: str, **how: Any) -> str:
    """Return the sentence; checks that nothing in the answer is jargon."""
    answer = await asker.ask("tx_explain", tx_id=tx_id, **how)
    assert JARGON.search(json.dumps(answer, ensure_ascii=False)) is None
    return masked(answer["sentence"])
