"""`washnode tx`: send, try, show, await and explain transactions."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from node.commands.common import group
from node.commands.events import event_line
from node.commands.output import (
    EXIT_ERROR,
    EXIT_PENDING,
    EXIT_REJECTED,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_facts,
    print_table,
    print_text,
    show_money,
)
from node.commands.signing import Signing, check_trial, force_option, signing_options
from node.commands.words import lang, t

ACTIONS_BYTES_MAX = 1024 * 1024
_HEX_MAX = 4 * 1024 * 1024
_HEX_DIGITS = frozenset("0123456789abcdef")
_MALFORMED = frozenset({1001, -32602})  # no such bytes; bytes that say what can not be
_F = TypeVar("_F", bound=Callable[..., object])


@group()
def tx() -> None:
    """Send, try, show and explain transactions."""


def _actions(command: _F) -> _F:
    file = click.Path(dir_okay=False, path_type=Path, allow_dash=True)
    for option in (
        click.option(
            "--actions", "file", type=file, metavar="FILE", help="JSON list of actions; - is stdin."
        ),
        click.argument("words", metavar="[NAME=VALUE]...", nargs=-1),
        click.argument("action", required=False),
    ):
        command = option(command)
    return command


@tx.command(node=True)
@_actions
@signing_options
@force_option
@click.option("--no-wait", is_flag=True, help="Do not wait for the outcome.")
def send(
    *,
    action: str | None,
    words: tuple[str, ...],
    file: Path | None,
    no_wait: bool,
    force: bool,
    signing: Signing,
) -> None:
    """Sign actions, send them as one transaction and wait for the outcome.

    What a trial run says would fail is not sent. ACTION is an action's type: transfer asset=CNY
    to=bob amount=12.34. Names of keys of this machine, and of the demo's people, stand for
    accounts. A wrong type is answered with the list.
    """
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        actions = read_actions(talk_to, action, words, file)
        send_actions(talk_to, actions, signing, wait=not no_wait, force=force)


@tx.command(node=True)
@_actions
@signing_options
def simulate(
    *, action: str | None, words: tuple[str, ...], file: Path | None, signing: Signing
) -> None:
    """Show what a transaction would do now, without sending it."""
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        actions = read_actions(talk_to, action, words, file)
        who = signing.identity(talk_to)
        outcome = talk_to.wash.simulate(
            actions, key=who.signer, account=who.account, sponsor=signing.payer(talk_to)
        )
    finish(outcome, lambda: _show_simulated(outcome))


def read_actions(
    talk_to: Any, action: str | None, words: tuple[str, ...], file: Path | None
) -> list[dict[str, Any]]:
    """Return the actions that the words or the file tell."""
    if (action is None) == (file is None):
        fail(t("give an ACTION or --actions FILE"), EXIT_USAGE)
    if file is not None:
        return _read_file(file)
    from node.commands.values import Reader, say_missing
    from node.rpc.forms.actions import ACTION_SCHEMA

    kinds = {one["properties"]["type"]["const"]: one for one in ACTION_SCHEMA["oneOf"]}
    if action is None or action not in kinds:
        fix = t("there are {known}", known=", ".join(kinds))
        fail(t("no action {action!r}", action=action), EXIT_USAGE, fix=fix)
    schemas = {name: one for name, one in kinds[action]["properties"].items() if name != "type"}
    asset = next((word.partition("=")[2] for word in words if word.startswith("asset=")), None)
    reader = Reader(talk_to.find_account, decimals=talk_to.decimals(asset), now_ms=talk_to.now_ms)
    values = reader.read(words, schemas, action)
    missing = [name for name in kinds[action]["required"] if name not in {"type", *values}]
    if missing:
        fail(say_missing(missing), EXIT_USAGE, fix=t("write name=value"))
    return [{"type": action, **values}]


def _read_file(file: Path) -> list[dict[str, Any]]:
    from node.commands.values import read_json_text

    if str(file) == "-":
        text = sys.stdin.read(ACTIONS_BYTES_MAX + 1)
    else:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(ACTIONS_BYTES_MAX + 1)
    if len(text) > ACTIONS_BYTES_MAX:
        fail(t("{file} is too long for one transaction", file=file), EXIT_USAGE)
    actions = read_json_text(str(file), text)
    if not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
        fail(t("{file} is no JSON list of actions", file=file), EXIT_USAGE)
    return actions


def send_actions(
    talk_to: Any, actions: list[dict[str, Any]], signing: Signing, *, wait: bool, force: bool
) -> None:
    """Sign and send; print the outcome, or that it waits.

    What a trial run refuses is sent only with `force`: own transactions that still wait may be
    what it lacks.
    """
    who, sponsor = signing.identity(talk_to), signing.payer(talk_to)
    options = {"key": who.signer, "account": who.account, "sponsor": sponsor}
    if not force:
        check_trial(talk_to, actions, options)
    if not wait:
        body = talk_to.wash.build(actions, **options)
        signed = talk_to.wash.sign(body, key=who.signer, sponsor=sponsor)
        pending = talk_to.wash.submit(signed)
        facts = {
            "tx_id": pending.tx_id,
            "status": "pending",
            "valid_until": pending.valid_until,
        }
        finish(facts, next_command=f"washnode tx wait {pending.tx_id}")
        return
    final = talk_to.wash.send(actions, **options)
    print_receipt(final.receipt)


def print_receipt(receipt: Mapping[str, Any]) -> None:
    """Print the outcome of a transaction."""
    finish(
        {"status": "final" if receipt.get("ok") else "failed", "receipt": dict(receipt)},
        lambda: show_receipt(receipt),
        next_command=f"washnode tx explain {receipt.get('id')}",
    )


def show_receipt(receipt: Mapping[str, Any]) -> None:
    """Show a receipt to a person: the facts, the error, the events."""
    error = receipt.get("error")
    facts = {
        "transaction": receipt.get("id"),
        "status": receipt.get("status"),
        "height": receipt.get("height"),
        "gas used": receipt.get("gas_used"),
    }
    print_facts(facts)
    if isinstance(error, dict):
        text = error.get("zh") if lang() == "zh" else None
        print_text(f"{error.get('code')} {error.get('name')}: {text or error.get('message')}")
    for event in receipt.get("events") or []:
        print_text(f"  {event_line(event)}")


def _short(value: object) -> str:
    if isinstance(value, dict) and "amount" in value:
        return show_money(value).replace(" ", "")
    return str(value)


def _show_simulated(outcome: Mapping[str, Any]) -> None:
    print_text(t("It would succeed, for {gas} gas.", gas=outcome.get("gas_used")))
    for event in outcome.get("events") or []:
        print_text(f"  {event_line(event)}")
    for change in outcome.get("changes") or []:
        currency = (change.get("after") or {}).get("currency")
        money = {**change, "change": {"amount": change.get("change"), "currency": currency}}
        print_text("  " + " ".join(f"{name}={_short(value)}" for name, value in money.items()))


@tx.command(node=True)
@click.argument("tx_id", metavar="ID")
def show(*, tx_id: str) -> None:
    """Show what became of a transaction."""
    from node.commands.connect import session

    with session() as talk_to:
        answer = talk_to.ask("tx_get", tx_id=tx_id)
    _end_with(answer)


@tx.command("list", node=True)
@click.option("--account", metavar="NAME", help="Only what this account sent or sponsored.")
@click.option("--contract", metavar="CONTRACT", help="Only calls of this contract.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, metavar="N")
@click.option("--cursor", metavar="TEXT", help="Go on where an earlier list ended.")
def list_command(
    *, account: str | None, contract: str | None, limit: int, cursor: str | None
) -> None:
    """List final transactions, newest first."""
    from node.commands.connect import session

    with session() as talk_to:
        page = talk_to.ask(
            "tx_list",
            account=None if account is None else talk_to.need_account(account),
            contract=contract,
            limit=limit,
            cursor=cursor,
        )
    columns = (t("transaction"), t("height"), t("actions"), t("outcome"))
    rows = [
        (one["tx_id"], one["height"], ", ".join(one["actions"]), _outcome(one))
        for one in page["items"]
    ]
    following = page.get("next_cursor")
    command = None
    if following:
        same = [("--account", account), ("--contract", contract)]
        same += [("--limit", str(limit)), ("--cursor", following)]
        command = "washnode tx list " + " ".join(f"{name} {value}" for name, value in same if value)
    finish(page, lambda: print_table(columns, rows), next_command=command)


def _outcome(listed: Mapping[str, Any]) -> str:
    error = listed.get("error")
    return str(error.get("name")) if isinstance(error, dict) else t("ok")


@tx.command(node=True)
@click.argument("tx_id", metavar="ID")
@click.option("--timeout", default="30s", show_default=True, metavar="TIME", help="Wait so long.")
def wait(*, tx_id: str, timeout: str) -> None:
    """Wait for the outcome of a transaction.

    Exit code 0 if it succeeded, 6 if it failed, 7 if it still waits when the time is over.
    """
    from node.commands.connect import session
    from node.commands.values import need_duration

    timeout_s = need_duration(timeout) / 1_000
    with session() as talk_to:
        final = talk_to.wash.wait(tx_id, timeout_s=timeout_s, check=False)
    _end_with({"tx_id": final.tx_id, "status": final.receipt["status"], "receipt": final.receipt})


def _end_with(answer: Mapping[str, Any]) -> None:
    """Print a transaction's status; the exit code is that of its outcome."""
    word = answer.get("status")
    if word == "unknown":
        from node.commands.output import EXIT_NOT_FOUND

        seen = t("transaction {tx_id} is not known here", tx_id=answer.get("tx_id"))
        raise CommandError(seen, EXIT_NOT_FOUND, fix=t("look at the id, or ask another node"))
    receipt = answer.get("receipt")

    def show_it() -> None:
        if isinstance(receipt, dict):
            show_receipt(receipt)
        else:
            print_facts({name: answer[name] for name in ("tx_id", "status") if name in answer})
            if "error" in answer:
                print_text(str(answer["error"].get("message")))

    following = {"pending": "wait", "final": "explain", "failed": "explain"}.get(str(word))
    if word == "failed" and not isinstance(receipt, dict):
        following = None
    command = f"washnode tx {following} {answer.get('tx_id')}" if following else None
    finish(answer, show_it, next_command=command)
    codes = {"final": 0, "pending": EXIT_PENDING, "failed": EXIT_REJECTED, "expired": EXIT_REJECTED}
    sys.exit(codes.get(str(word), EXIT_ERROR))


@tx.command(node=True)
@click.argument("data", metavar="HEX")
@click.option("--body", is_flag=True, help="These are the bytes of an unsigned transaction.")
def decode(*, data: str, body: bool) -> None:
    """Show what a transaction's bytes say; HEX may be - for standard input."""
    from node.client import WashRpcError
    from node.commands.connect import session
    from node.commands.output import print_json

    text = sys.stdin.read(_HEX_MAX) if data == "-" else data
    digits = "".join(text.split()).lower().removeprefix("0x")
    if not digits or len(digits) % 2 or not set(digits) <= _HEX_DIGITS:
        fix = t("give the bytes as hex digits, two a byte; - reads standard input")
        fail(t("{text!r} is not hex", text=text.strip()[:40]), EXIT_USAGE, fix=fix)
    with session() as talk_to:
        try:
            answer = talk_to.ask("tx_decode", **{"body" if body else "tx": digits})
        except WashRpcError as error:
            if error.code not in _MALFORMED:
                raise
            _fail_malformed(len(digits) // 2, body=body)
    finish(answer, lambda: print_json(answer))


def _fail_malformed(length: int, *, body: bool) -> NoReturn:
    if body:
        fix = t("a signed transaction goes without --body")
        fail(
            t("these {count} bytes are no unsigned transaction", count=length), EXIT_USAGE, fix=fix
        )
    fix = t("an unsigned transaction goes with --body")
    fail(t("these {count} bytes are no signed transaction", count=length), EXIT_USAGE, fix=fix)


@tx.command(node=True)
@click.argument("tx_id", metavar="ID")
@click.option("--as", "reader", metavar="NAME", help="Who reads: is called you in the text.")
def explain(*, tx_id: str, reader: str | None) -> None:
    """Tell in plain words what a transaction did."""
    from node.commands.connect import session

    with session() as talk_to:
        account = None if reader is None else talk_to.need_account(reader)
        answer = talk_to.ask("tx_explain", tx_id=tx_id, lang=lang(), account=account)

    def show_it() -> None:
        print_text(str(answer.get("sentence")))
        for step in answer.get("steps") or []:
            print_text(f"  - {step if isinstance(step, str) else _step(step)}")

    finish(answer, show_it)


def _step(step: Mapping[str, Any]) -> str:
    return str(step.get("text") or step.get("sentence") or step)
