"""`washnode contract deploy`: a source becomes a contract on the chain."""

import re
from pathlib import Path
from typing import Any

import click

from node.commands.common import command
from node.commands.contract_source import binding_options, build_source, read_pairs, read_typed
from node.commands.deploying import propose_name, send_deployment
from node.commands.output import EXIT_USAGE, confirm, fail, finish, say, warn
from node.commands.signing import Signing, signing_options
from node.commands.words import t

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
        options = signing.sender(talk_to)
        final = send_deployment(talk_to, built.program, action, bound, options)
        contract = final.event("chain.deployed")["contract"]
        say(t("{name} is {contract}", name=built.abi.name, contract=contract))
        installed = None
        if name is not None:
            installed = propose_name(talk_to, name, contract, options)
    given = _give_abi(contract, built)
    facts = {
        "contract": contract,
        "code_id": built.program.code_id.hex(),
        "tx_id": final.tx_id,
        "gas_used": final.receipt.get("gas_used"),
        "abi_given": given,
        "installed": installed,
    }
    reference = str(name if installed else contract)
    finish(facts, contract, next_command=_try_it(reference, built))


def _try_it(reference: str, built: Any) -> str:
    """Return the command that tries the first function, with what is to be filled in."""
    first = next(iter(built.abi.functions.values()), None)
    called = f"{reference}.{first.name}" if first is not None else reference
    to_fill = [f"{name}=..." for name, _kind in first.params] if first is not None else []
    return " ".join(("washnode contract simulate", called, *to_fill))


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
