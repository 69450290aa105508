"""`washnode call` and `washnode read`: a contract's actions and views, arguments by their types."""

from collections.abc import Mapping
from typing import Any

import click

from node.commands.common import command
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_json,
)
from node.commands.signing import Signing, force_option, signing_options
from node.commands.words import t


@command(node=True)
@click.argument("function", metavar="CONTRACT.ACTION")
@click.argument("words", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--funds", default="0", metavar="AMOUNT", help="Money to send along: 12.34, or 1234.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the outcome.")
@force_option
@signing_options
def call(
    *,
    function: str,
    words: tuple[str, ...],
    funds: str,
    no_wait: bool,
    force: bool,
    signing: Signing,
) -> None:
    """Call a contract's action: booking.cancel_booking id=bkg1...

    Values are read as the contract declares them: names of keys of this machine, and of the demo's
    people, stand for accounts; times may be 2026-01-06T10:00+08:00 or, two hours from now, +2h,
    durations 2h; 12.34 is money of an asset with two decimals, 1234 as many minor units.
    """
    from node.commands.connect import session
    from node.commands.tx import send_actions

    contract, name = split_function(function)
    with session(signing.tier) as talk_to:
        described = talk_to.ask("contract_get", contract=contract)
        values, decimals = read_arguments(talk_to, described, name, words, "action")
        action = {
            "type": "call",
            "contract": described["contract"],
            "function": name,
            "arguments": values,
            "funds": _read_funds(funds, decimals),
        }
        send_actions(talk_to, [action], signing, wait=not no_wait, force=force)


@command(node=True)
@click.argument("view", metavar="CONTRACT.VIEW")
@click.argument("words", metavar="[NAME=VALUE]...", nargs=-1)
def read(*, view: str, words: tuple[str, ...]) -> None:
    """Read a contract's view: shops.service shop=sparkle service=1."""
    from node.commands.connect import session

    contract, name = split_function(view)
    with session() as talk_to:
        described = talk_to.ask("contract_get", contract=contract)
        values, _ = read_arguments(talk_to, described, name, words, "view")
        answer = talk_to.wash.rpc("contract_read", contract=contract, view=name, args=values)
    finish(answer, lambda: print_json(answer["data"]))


def split_function(text: str) -> tuple[str, str]:
    """Return the contract and the name in `booking.request`, or end the command."""
    contract, dot, name = text.rpartition(".")
    if not dot or not contract or not name:
        fix = t("write it like booking.request")
        fail(t("{text!r} names no contract", text=text[:60]), EXIT_USAGE, fix=fix)
    return contract, name


def _read_funds(text: str, decimals: int | None) -> int:
    from node.commands.values import need_money

    return need_money(text, decimals)


def read_arguments(
    talk_to: Any,
    described: Mapping[str, Any],
    name: str,
    words: tuple[str, ...],
    kind: str,
) -> tuple[dict[str, Any], int | None]:
    """Return a function's arguments, and the decimals of the contract's money.

    The decimals are None if the contract's assets do not all have the same.
    """
    from contracts.vm.container import FunctionKind
    from node.abi import parse_abi
    from node.commands.values import Reader, say_missing
    from node.rpc.forms.abi_values import Codec

    abi = parse_abi(described["abi"])
    wanted = FunctionKind.ACTION if kind == "action" else FunctionKind.VIEW
    found = abi.function(name, wanted)
    if found is None:
        known = ", ".join(one.name for one in abi.functions_of(wanted)) or t("none")
        seen = t("{contract} has no {name}", contract=described.get("code_name"), name=name)
        raise CommandError(seen, EXIT_NOT_FOUND, fix=t("there are {known}", known=known))
    codec = Codec(abi.enums, {})
    schemas = {one: codec.schema(kind_of) for one, kind_of in found.params}
    assets = [one["asset"] for one in described.get("assets") or []]
    decimals = {talk_to.decimals(asset) for asset in assets}
    only = decimals.pop() if len(decimals) == 1 else None
    reader = Reader(talk_to.find_account, decimals=only, now_ms=talk_to.now_ms)
    values = reader.read(words, schemas, name)
    missing = [one for one in schemas if one not in values]
    if missing:
        fail(say_missing(missing), EXIT_USAGE, fix=t("write name=value"))
    return values, only
