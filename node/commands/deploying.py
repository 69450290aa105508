"""Sending a deployment: the contract, and the assets that it will issue itself."""

from collections.abc import Mapping
from typing import Any

from node.commands.output import say, warn
from node.commands.words import t

NEW = "new:"


def send_deployment(
    talk_to: Any,
    program: Any,
    action: dict[str, Any],
    bound: Mapping[str, str],
    options: dict[str, Any],
    *,
    policy: str = "open",
) -> Any:
    """Deploy a contract whose `program` is the code of `action`; returns the outcome.

    `bound` are its assets by slot; `new:SYMBOL` is a new one of this `policy`.
    """
    assets = [
        _issue(one.removeprefix(NEW), policy) if one.startswith(NEW) else one
        for one in bound.values()
    ]
    if all(isinstance(one, str) for one in assets):
        return talk_to.wash.send([{**action, "assets": assets}], **options)
    return _deploy_with_assets(talk_to, program, action, assets, options)


def _deploy_with_assets(
    talk_to: Any,
    program: Any,
    action: dict[str, Any],
    assets: list[str | dict[str, Any]],
    options: dict[str, Any],
) -> Any:
    """Deploy a contract together with assets that it issues itself.

    Both ids follow from what is signed: the deployment is built first, which gives the contract's
    id, then the assets are made with it as issuer, then the deployment is sent.
    """
    from chain.ids import encode_id
    from chain.transaction import asset_id, instance_id, tx_id

    wash, account = talk_to.wash, options["account"]
    issues = [one for one in assets if isinstance(one, dict)]
    myself = encode_id("acct", account)
    first = wash.build([{**one, "issuer": myself} for one in issues], **options)
    ids = [
        one if isinstance(one, str) else encode_id("ast", asset_id(account, one["symbol"]))
        for one in assets
    ]
    body = wash.build(
        [{**action, "assets": ids}],
        **options,
        nonce=first.nonce,  # and its time: the assets come first, with the contract as issuer
        valid_until=first.valid_until,
        gas_limit=_most_gas(program, bytes.fromhex(action["code"])),
    )
    issuer = encode_id("acct", instance_id(tx_id(body), 0))
    wash.send([{**one, "issuer": issuer} for one in issues], **options)
    signed = wash.sign(body, key=options["key"], sponsor=options["sponsor"])
    return wash.submit_and_wait(signed)


def _issue(symbol: str, policy: str) -> dict[str, Any]:
    return {"type": "issue_asset", "symbol": symbol, "decimals": 0, "policy": policy}


def _most_gas(program: Any, code: bytes) -> int:
    """Return the most that a deployment can cost."""
    from chain.transaction import Deploy
    from contracts.actions import fixed_gas
    from contracts.execution import BYTES_PER_GAS, SIGNATURE_GAS, TX_BASE_GAS

    init = program.init
    transaction = TX_BASE_GAS + 2 * SIGNATURE_GAS + 2 * len(code) // BYTES_PER_GAS + SIGNATURE_GAS
    run = 0 if init is None else int(init.worst_case_gas)
    return transaction + fixed_gas(Deploy(code, (), (), ())) + run


def propose_name(talk_to: Any, name: str, contract: str, options: dict[str, Any]) -> bool:
    """Propose the name; tells whether it is decided, as it is where one operator is enough."""
    from node.client import Refused

    change = {"type": "install_contract", "name": name, "contract": contract}
    try:
        final = talk_to.wash.send([{"type": "propose", "change": change}], **options)
    except Refused as error:  # the contract is there all the same
        warn(t("{name} is not proposed: {error}", name=name, error=error))
        return False
    decided = any(one.get("type") == "chain.decided" for one in final.events)
    if not decided:
        say(t("{name} is proposed; the other operators vote on it", name=name))
    return decided
