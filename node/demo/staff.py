"""Who works at the demo's shops, for the pages of a development chain: all with one known PIN."""

from pathlib import Path

from chain.crypto import PassphraseCost, sha256
from chain.ids import encode_id
from chain.types import DAY_MS
from node.demo.accounts import ISSUER, ISSUER_DESK, account_of, seed_of, signer_of
from node.demo.catalogue import SHOPS
from node.demo.genesis import GENESIS_TIME_MS
from node.joining.desk import Desk
from node.joining.records import FOLDER_NAME
from node.joining.sending import Admitter
from node.live.node import Node
from node.staff.book import Member
from node.staff.deeds import CASHIER
from node.staff.operators import OPERATOR
from node.staff.service import OPERATORS_FOLDER, Staffing

PRACTICE_PIN = "135790"
_QUICK = PassphraseCost(passes=1, memory_bytes=8_192)  # a PIN that everybody knows needs no guard
_UNTIL_MS = GENESIS_TIME_MS + 3_650 * DAY_MS


def enlist(node: Node, folder: Path) -> None:
    """Let the demo's staff log in at a node, the issuer's cashier and the operator as well."""
    staff = node.staff = Staffing(node, folder, _QUICK)
    people = [(s.account, one.name, one.duty) for s in SHOPS for one in (s.owner, *s.staff)]
    for employer, name, duty in (*people, (ISSUER, ISSUER_DESK, CASHIER)):
        identity = f"s-{sha256(name.encode()).hex()[:12]}"
        if staff.book.get(identity) is None:
            account, key = encode_id("acct", account_of(employer)), account_of(name).hex()
            member = Member(identity, name, account, key, duty, _UNTIL_MS)
            staff.book.add(member, seed_of(name), PRACTICE_PIN)
    _enlist_operator(node, folder)


def _enlist_operator(node: Node, folder: Path) -> None:
    """Let the demo's operator log in, and let shops in."""
    operators = node.operators = Staffing(node, folder / OPERATORS_FOLDER, _QUICK)
    name, identity = "operator", f"s-{sha256(b'operator').hex()[:12]}"
    if operators.book.get(identity) is None:
        key = account_of(name)
        member = Member(identity, name, encode_id("acct", key), key.hex(), OPERATOR, _UNTIL_MS)
        operators.book.add(member, seed_of(name), PRACTICE_PIN)
    admitter = Admitter(account_of(name), signer_of(name))
    node.desk = Desk(node, admitter, folder / FOLDER_NAME)
