"""Figures of the business on the chain: reserves, co-signing, details kept, rules that come."""

from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chain.errors import WashError
from chain.ids import encode_id
from chain.params import read_params
from chain.rules import quota_used
from node.keys.acting import account_of
from node.live.node import Node
from node.live.upcoming import find_upcoming
from node.live.views import first_keys, look
from node.monitoring.gauges import Families, family, plain

ISSUERS_SHOWN_MAX = 64
MONEY_NAME = "money"  # the contract that the operators installed under this name
_ACCOUNT_BYTES = 32
_NEVER = float("inf")


class BusinessGauges(Collector):
    """What is read off the contracts, the node's own key and its stores at a scrape."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Families:
        """Yield the families; what can not be read is left out."""
        for read in (_reserves, _sponsor, _details, _rules):
            with suppress(WashError):  # the disk failed: the other figures are wanted all the more
                yield from list(read(self._node))


def _reserves(node: Node) -> Iterator[GaugeMetricFamily]:
    """What issuers of money last stated that they have, and what they owe."""
    contract = node.abis.installed(node.state(), MONEY_NAME)
    keys = (
        []
        if contract is None
        else first_keys(node, contract, "issuers", _ACCOUNT_BYTES, ISSUERS_SHOWN_MAX)
    )
    found = [(encode_id("acct", key), look(node, contract or b"", "issuer", key)) for key in keys]
    rows = [({"issuer": text}, one) for text, one in found if one is not None]
    stated = [(labels, one) for labels, one in rows if one["stated_at"]]
    text = "Money that an issuer stated to have in its account, in minor units."
    samples = [(labels, float(one["stated_custody"])) for labels, one in stated]
    yield family("reserve_attested", text, samples)
    text = "Money that an issuer owes by the chain's books, in minor units."
    yield family("reserve_liability", text, [(labels, one["liability"]) for labels, one in rows])
    now_ms = node.clock.now_ms()
    text = "Age of an issuer's last statement."
    ages = [(labels, max(0, now_ms - one["stated_at"]) / 1_000) for labels, one in stated]
    yield family("reserve_age_seconds", text, ages)


def _sponsor(node: Node) -> Iterator[GaugeMetricFamily]:
    """How many transactions of customers this node's shop may still co-sign today."""
    samples = []
    if node.sponsor is not None:
        state, account = node.state(), account_of(node.sponsor)
        left = read_params(state).sponsor_daily_max - quota_used(state, account, node.block_time())
        samples = [({"shop": encode_id("acct", account)}, float(max(0, left)))]
    text = "Transactions that this node's shop may still co-sign today, by UTC."
    yield family("sponsor_quota_left", text, samples)


def _details(node: Node) -> Iterator[GaugeMetricFamily]:
    """How many bytes of customers' sealed details lie here."""
    vault = node.vault  # its database is made when the first details come
    size = vault.store.bytes_used() if vault is not None and vault.store.is_there else 0
    yield plain("blob_bytes", "Bytes of customers' sealed details that this node keeps.", size)


def _rules(node: Node) -> Iterator[GaugeMetricFamily]:
    """Which rules come into force, and how long a program that lacks one may go on."""
    found, now_ms = find_upcoming(node), node.ledger.head.time_ms
    text = "Height from which a rule is in force that is not yet; known: this program has it."
    samples = [
        ({"feature": one.feature.name, "known": str(int(one.is_known))}, one.feature.activation)
        for one in found
    ]
    yield family("feature_activation_height", text, samples)
    lacking = [one for one in found if not one.is_known]
    left_ms = [one.left_ms(now_ms) for one in lacking]
    seconds = min([0 if left is None else left / 1_000 for left in left_ms], default=_NEVER)
    text = "Time until a rule comes into force that this program lacks; +Inf: it lacks none."
    yield plain("upgrade_due_seconds", text, seconds)
