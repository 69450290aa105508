"""Standard contracts put on a chain in a few blocks, by one operator, all at once."""

from collections.abc import Iterator
from dataclasses import dataclass

from chain.changes import InstallContract
from chain.ledger import Policy
from chain.transaction import (
    Action,
    Deploy,
    IssueAsset,
    Propose,
    asset_id,
    instance_id,
    read_transaction,
)
from node import catalog
from node.demo.accounts import Signing, account_of, make_body, sign_body
from node.standard import POINTS_SYMBOLS, Binding, bindings

DEPLOY_GAS = 450_000
SMALL_GAS = 60_000


@dataclass
class StandardSet:
    """The transactions in order, and where each contract will be."""

    signed: list[bytes]
    places: dict[str, bytes]


def needed(*names: str) -> Iterator[Binding]:
    """Yield what some contracts are and link to, each behind those that it links to."""
    by_name = {one.name: one for one in bindings()}
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += by_name[name].links.values()
    yield from (one for one in bindings() if one.name in wanted)


def standard_set(chain_id: bytes, now_ms: int, money: bytes, *names: str) -> StandardSet:
    """Return the operator's first transactions of a chain: what these contracts need."""
    made = StandardSet([], {})
    operator = account_of("operator")

    def sign(nonce: int, gas: int, *actions: Action) -> bytes:
        body = make_body("operator", Signing(chain_id, now_ms, nonce, gas), *actions)
        return sign_body(body, "operator")

    for binding in needed(*names):
        nonce = len(made.signed)
        points = {slot: POINTS_SYMBOLS[slot] for slot in binding.issued}
        assets = tuple(
            asset_id(operator, points[slot]) if slot in points else money for slot in binding.assets
        )
        links = tuple(made.places[name] for name in binding.links.values())
        arguments = tuple(binding.arguments.values())
        action = Deploy(catalog.container_bytes(binding.name), assets, links, arguments)
        # The asset comes first, and bears the contract's id, which follows from what is signed.
        deploy = sign(nonce + bool(points), DEPLOY_GAS, action)
        contract = made.places[binding.name] = instance_id(read_transaction(deploy).tx_id, 0)
        issues = [
            IssueAsset(symbol, 0, Policy.CONTRACTS_ONLY, contract, (contract,))
            for symbol in points.values()
        ]
        made.signed += [sign(nonce, SMALL_GAS, *issues)] if issues else []
        made.signed.append(deploy)
    names_of = [Propose(InstallContract(name, at)) for name, at in made.places.items()]
    made.signed.append(sign(len(made.signed), 400_000, *names_of))
    return made
