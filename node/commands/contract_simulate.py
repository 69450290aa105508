"""`washnode contract simulate`: what one call would do, on a fresh world or on a node's chain."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from node.commands.common import command
from node.commands.contract_source import (
    SOURCE_SUFFIX,
    binding_options,
    build_source,
    pointing_at,
    read_pairs,
    read_typed,
)
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_REJECTED,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_facts,
    print_json,
    print_text,
)
from node.commands.words import lang, t

_DECIMALS = 2  # of the assets of a fresh world


class RefusedError(CommandError):
    """A call that a contract refused, with the line of its source."""

    def __init__(self, failure: Any) -> None:
        super().__init__(str(failure), EXIT_REJECTED, name=failure.name)
        self.place = failure.place

    def as_json(self) -> dict[str, Any]:
        """Return what a program is told: the place too."""
        said, place = super().as_json(), self.place
        if place is not None:
            said["error"] |= {"file": place.filename, "line": place.line, "source": place.text}
        return said


@command(node=True)
@click.argument("target", metavar="FILE.wash FUNCTION|CONTRACT.FUNCTION")
@click.argument("words", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--as", "caller", metavar="NAME", help="Who calls.")
@click.option("--funds", default="0", metavar="AMOUNT", help="Money to send along: 12.34, or 1234.")
@click.option("--at", "time", metavar="TIME", help="When, in a fresh world: 2026-01-06T10:00Z.")
@binding_options
def simulate(
    *,
    target: str,
    words: tuple[str, ...],
    caller: str | None,
    funds: str,
    time: str | None,
    assets: tuple[str, ...],
    links: tuple[str, ...],
    arguments: tuple[str, ...],
) -> None:
    """Show what a call would do: result, gas, events, money. Nothing is sent.

    With a source, in a fresh world in which any name is a person with money; else on the node's
    chain as it is now, for a contract that is there.
    """
    if not target.endswith(SOURCE_SUFFIX):
        if time or assets or links or arguments:
            fail(t("--at, --asset, --link and --arg go with a source"), EXIT_USAGE)
        _on_a_node(target, words, caller, funds)
        return
    if not words or "=" in words[0]:
        fail(t("which function of {file}?", file=target), EXIT_USAGE)
    bindings = read_pairs("--asset", assets), read_pairs("--link", links)
    world, built = _fresh_world(Path(target), bindings, arguments)
    if time is not None:
        world.at(_read_time(time))
    _in_memory(world, built, (words[0], words[1:]), caller or "alice", funds)


def _read_time(text: str) -> int:
    from node.commands.values import parse_time

    found = int(text) if text.isascii() and text.isdecimal() else parse_time(text)
    if found is None:
        fix = t("write it like 2026-01-06T10:00+08:00")
        fail(t("{text!r} is no time", text=text[:40]), EXIT_USAGE, fix=fix)
    return found


def _fresh_world(
    path: Path, bindings: tuple[dict[str, str], dict[str, str]], arguments: tuple[str, ...]
) -> tuple[Any, Any]:
    from node.workbench import World

    built = build_source(path)
    world = World()
    values = read_typed(*_reading(world, built), built.abi.init, arguments)
    with pointing_at(path):
        world.add(path, arguments=values, assets=bindings[0], links=bindings[1])
    return world, built


def _reading(world: Any, built: Any) -> tuple[Any, Any]:
    """Return what reads words as values of a contract in a fresh world."""
    from chain.ids import encode_id
    from node.commands.values import Reader
    from node.rpc.forms.abi_values import Codec

    def find(name: str) -> str:
        return (
            name if name.startswith(("acct1", "ctr1")) else encode_id("acct", world.account(name))
        )

    reader = Reader(find, decimals=_DECIMALS, now_ms=lambda: int(world.now))
    return reader, Codec(built.abi.enums, {})


def _in_memory(
    world: Any, built: Any, called: tuple[str, tuple[str, ...]], caller: str, funds: str
) -> None:
    from contracts.vm.container import FunctionKind
    from node.commands.values import need_money
    from node.workbench import CallFailed
    from node.workbench.stage import show_plain

    name, words = called
    callable_kinds = {FunctionKind.ACTION, FunctionKind.VIEW}
    function = built.abi.functions.get(name)
    if function is None or function.kind not in callable_kinds:
        known = [one.name for one in built.abi.functions.values() if one.kind in callable_kinds]
        seen = t("{contract} has no {name}", contract=built.abi.name, name=name)
        fail(seen, EXIT_NOT_FOUND, fix=t("there are {known}", known=", ".join(known)))
    values = read_typed(*_reading(world, built), function, words)
    try:
        if function.kind == FunctionKind.VIEW:
            world.view(name, **values)
        else:
            by_place = [values[one] for one, _kind in function.params]
            world.call(caller, name, *by_place, funds=need_money(funds, _DECIMALS))
    except CallFailed as failure:
        raise RefusedError(failure) from failure
    last = world.last
    facts = {
        "ok": True,
        "returns": show_plain(last.returns),
        "gas_used": last.gas_used,
        "worst_case_gas": last.worst_case_gas,
        "events": [{"type": one.type, "values": show_plain(one.values)} for one in last.events],
        "changes": [
            {"account": who, "asset": symbol, "change": change}
            for (who, symbol), change in last.changes.items()
        ],
        "timers": [{"at": at, "timer": timer} for at, timer in world.timers()],
    }
    finish(facts, lambda: _show(facts))


def _on_a_node(target: str, words: tuple[str, ...], caller: str | None, funds: str) -> None:
    from node.commands.call import read_arguments, split_function
    from node.commands.connect import session
    from node.commands.values import need_money

    contract, name = split_function(target)
    with session() as talk_to:
        described = talk_to.ask("contract_get", contract=contract)
        if any(one["name"] == name for one in described["abi"]["views"]):
            values, _ = read_arguments(talk_to, described, name, words, "view")
            answer = talk_to.ask("contract_read", contract=contract, view=name, args=values)
            finish({"ok": True, "returns": answer}, lambda: print_json(answer))
            return
        values, decimals = read_arguments(talk_to, described, name, words, "action")
        if caller is None:
            fail(t("who calls?"), EXIT_USAGE, fix=t("give --as NAME"))
        outcome = talk_to.ask(
            "contract_simulate",
            contract=contract,
            function=name,
            account=talk_to.need_account(caller),
            args=values,
            funds=need_money(funds, decimals),
        )
    if not outcome["ok"]:
        error = outcome["error"]
        data = error.get("data") or error
        text = data.get("zh") if lang() == "zh" else None
        raise CommandError(
            f"{name}: {text or error['message']}",
            EXIT_REJECTED,
            code=error["code"],
            name=data.get("name"),
            zh=data.get("zh", ""),
        )
    finish(outcome, lambda: _show(outcome))


def _show(outcome: Mapping[str, Any]) -> None:
    from node.commands.events import event_line

    used, worst = outcome["gas_used"], outcome["worst_case_gas"]
    print_facts(
        {t("returns"): outcome["returns"], t("gas"): used, t("the function at most"): worst}
    )
    for event in outcome["events"]:
        print_text(f"  {event_line(event)}")
    for change in outcome["changes"]:
        print_text("  " + _change_line(change))
    for timer in outcome.get("timers", []):
        print_text(f"  {timer['timer']} {timer['at']}")


def _change_line(change: Mapping[str, Any]) -> str:
    asset = change.get("asset") or (change.get("after") or {}).get("currency")
    return f"{change['account']} {change['change']:+d} {asset or ''}".rstrip()
