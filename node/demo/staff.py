"""Who works at the demo's shops, for the pages of a development chain: all with one known PIN."""

from pathlib import Path

from chain.crypto import PassphraseCost, sha256
from chain.ids import encode_id
from chain.types import DAY_MS
from node.demo.accounts import ISSUER, ISSUER_DESK, account_of, seed_of
from node.demo.catalogue import SHOPS
from node.demo.genesis import GENESIS_TIME_MS
from node.live.node import Node
from node.staff.book import Member
from node.staff.deeds import CASHIER
from node.staff.service import Staffing

PRACTICE_PIN = "135790"
_QUICK = PassphraseCost(passes=1, memory_bytes=8_192)  # a PIN that everybody knows needs no guard
_UNTIL_MS = GENESIS_TIME_MS + 3_650 * DAY_MS


def enlist(node: Node, folder: Path) -> None:
    """Let the demo's owners, desks and bays log in at a node, and the issuer's cashier."""
    staff = node.staff = Staffing(node, folder, _QUICK)
    people = [(s.account, one.name, one.duty) for s in SHOPS for one in (s.owner, *s.staff)]
    for employer, name, duty in (*people, (ISSUER, ISSUER_DESK, CASHIER)):
        identity = f"s-{sha256(name.encode()).hex()[:12]}"
        if staff.book.get(identity) is None:
            account, key = encode_id("acct", account_of(employer)), account_of(name).hex()
            member = Member(identity, name, account, key, duty, _UNTIL_MS)
            staff.book.add(member, seed_of(name), PRACTICE_PIN)
