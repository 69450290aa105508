"""`washnode contract deploy`: a source becomes a contract on the chain."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from node.commands.common import command
from node.commands.contract_source import binding_options, build_source, read_pairs, read_typed
from node.commands.output import EXIT_USAGE, confirm, fail, finish, say, warn
from node.commands.signing import Signing, signing_options
from node.commands.words import t

_NEW = "new:"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SOURCE = click.Path(dir_okay=False, path_type=Path)


@command(node=True)
@click.argument("source", metavar="FILE.wash", type=_SOURCE)
@binding_options
@click.option("--name", metavar="NAME", help="Propose to install it under this name.")
@signing_options
def deploy(
    *,
    source: Path,
    assets: tuple[str, ...],
    links: tuple[str, ...],
    arguments: tuple[str, ...],
    name: str | None,
    signing: Signing,
) -> None:
    """Compile a contract, put it on the chain and give the node its ABI.

    Every asset and link of the code is bound: --asset money=CNY, --link register=shops. Points
    that the contract itself issues are a new asset: --asset points=new:PTS. Operators propose a
    name with --name.
    """
    from node.commands.connect import session

    built = build_source(source)
    _check_name(name)
    bound = _bound("--asset", read_pairs("--asset", assets), built.abi.assets)
    linked = _bound("--link", read_pairs("--link", links), built.abi.links)
    with session(signing.tier) as talk_to:
        _check_free(talk_to, name)
        action = {
            "type": "deploy",
            "code": built.compiled.container_bytes.hex(),
            "links": list(linked.values()),
            "arguments": _read_init(talk_to, built, arguments),
        }
        options = _sender(talk_to, signing)
        final = _send(talk_to, built, action, bound, options)
        contract = final.event("chain.deployed")["contract"]
        say(t("{name} is {contract}", name=built.abi.name, contract=contract))
        installed = None
        if name is not None:
            installed = _install(talk_to, name, contract, options)
    given = _give_abi(contract, built)
    facts = {
        "contract": contract,
        "code_id": built.program.code_id.hex(),
        "tx_id": final.tx_id,
        "gas_used": final.receipt.get("gas_used"),
        "abi_given": given,
        "installed": installed,
    }
    reference = name if installed else contract
    first = next(iter(built.abi.functions), "")
    following = f"washnode contract simulate {reference}.{first}"
    finish(facts, contract, next_command=following)


def _check_name(name: str | None) -> None:
    if name is not None and _NAME.fullmatch(name) is None:
        fix = t("it has 1 to 32 of a-z, 0-9 and -, a letter first")
        fail(t("{name!r} is no name for a contract", name=name[:64]), EXIT_USAGE, fix=fix)


def _check_free(talk_to: Any, name: str | None) -> None:
    """Ask before a name goes over from one contract to another."""
    from node.client import NotFound

    if name is None:
        return
    try:
        holder = talk_to.ask("contract_get", contract=name)["contract"]
    except NotFound:
        return
    confirm(
        t("{name} is {contract} now. Give the name to the new one?", name=name, contract=holder)
    )


def _bound(option: str, given: dict[str, str], slots: tuple[str, ...]) -> dict[str, str]:
    """Return what each slot is bound to, in the code's order, or end the command."""
    unknown = [name for name in given if name not in slots]
    if unknown:
        known = ", ".join(slots) or t("none")
        seen = t("the code has no {name} for {option}", name=unknown[0], option=option)
        fail(seen, EXIT_USAGE, fix=t("there are {known}", known=known))
    missing = [slot for slot in slots if slot not in given]
    if missing:
        fix = t("give {option} {name}=...", option=option, name=missing[0])
        fail(t("{names} is not bound", names=", ".join(missing)), EXIT_USAGE, fix=fix)
    return {slot: given[slot] for slot in slots}


def _read_init(talk_to: Any, built: Any, words: tuple[str, ...]) -> list[Any]:
    """Return the deployment's arguments as canonical values: a node does not know the ABI yet."""
    from node.commands.values import Reader
    from node.rpc.forms.abi_values import Codec

    codec, function = Codec(built.abi.enums, {}), built.abi.init
    reader = Reader(talk_to.find_account, now_ms=talk_to.now_ms)
    values = read_typed(reader, codec, function, words)
    if function is None:
        return []
    canonical = codec.read_arguments(function, values)
    return [{"hex": one.hex()} if isinstance(one, bytes) else one for one in canonical]


def _sender(talk_to: Any, signing: Signing) -> dict[str, Any]:
    who = signing.identity(talk_to)
    return {"key": who.signer, "account": who.account, "sponsor": signing.payer(talk_to)}


def _send(
    talk_to: Any,
    built: Any,
    action: dict[str, Any],
    bound: Mapping[str, str],
    options: dict[str, Any],
) -> Any:
    """Deploy a contract; returns the outcome."""
    if any(one.startswith(_NEW) for one in bound.values()):
        return _deploy_with_assets(talk_to, built, action, bound, options)
    return talk_to.wash.send([{**action, "assets": list(bound.values())}], **options)


def _deploy_with_assets(
    talk_to: Any,
    built: Any,
    action: dict[str, Any],
    bound: Mapping[str, str],
    options: dict[str, Any],
) -> Any:
    """Deploy a contract together with assets that it issues itself.

    Both ids follow from what is signed: the deployment is built first, which gives the contract's
    id, then the assets are made with it as issuer, then the deployment is sent.
    """
    from chain.ids import encode_id
    from chain.transaction import asset_id, instance_id, tx_id

    wash, account = talk_to.wash, options["account"]
    new = {slot: one.removeprefix(_NEW) for slot, one in bound.items() if one.startswith(_NEW)}
    issues = [_issue(symbol, encode_id("acct", account)) for symbol in new.values()]
    first = wash.build(issues, **options)  # for its nonce and its time
    assets = [
        encode_id("ast", asset_id(account, new[slot])) if slot in new else one
        for slot, one in bound.items()
    ]
    body = wash.build(
        [{**action, "assets": assets}],
        **options,
        nonce=first.nonce,
        valid_until=first.valid_until,
        gas_limit=_most_gas(built),
    )
    issuer = encode_id("acct", instance_id(tx_id(body), 0))
    wash.send([_issue(symbol, issuer) for symbol in new.values()], **options)
    signed = wash.sign(body, key=options["key"], sponsor=options["sponsor"])
    return wash.submit_and_wait(signed)


def _issue(symbol: str, issuer: str) -> dict[str, Any]:
    return {
        "type": "issue_asset",
        "symbol": symbol,
        "decimals": 0,
        "policy": "open",
        "issuer": issuer,
    }


def _most_gas(built: Any) -> int:
    """Return the most that a deployment can cost."""
    from chain.transaction import Deploy
    from contracts.actions import fixed_gas
    from contracts.execution import BYTES_PER_GAS, SIGNATURE_GAS, TX_BASE_GAS

    code = built.compiled.container_bytes
    init = built.program.init
    transaction = TX_BASE_GAS + 2 * SIGNATURE_GAS + 2 * len(code) // BYTES_PER_GAS + SIGNATURE_GAS
    run = 0 if init is None else int(init.worst_case_gas)
    return transaction + fixed_gas(Deploy(code, (), (), ())) + run


def _install(talk_to: Any, name: str, contract: str, options: dict[str, Any]) -> bool:
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


def _give_abi(contract: str, built: Any) -> bool:
    """Give the node the ABI, if its token is here; without it the contract works all the same."""
    from node.client import Unauthenticated, WashRpcError
    from node.commands.connect import session

    try:
        with session("shop") as talk_to:
            talk_to.ask("contract_putAbi", contract=contract, abi=built.compiled.abi)
    except Unauthenticated:
        warn(t("the node has no ABI of {contract}: that needs its shop token", contract=contract))
        return False
    except WashRpcError as error:
        warn(t("the node takes no ABI: {error}", error=error))
        return False
    return True
