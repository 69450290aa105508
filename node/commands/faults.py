"""How a command ends when something goes wrong: one line that says what to do, an exit code."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches

import click

from chain.errors import UnknownFeatureError, WashError
from node.commands.output import (
    EXIT_ERROR,
    EXIT_KEY,
    EXIT_NOT_FOUND,
    EXIT_PENDING,
    EXIT_REJECTED,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    CommandError,
)
from node.commands.words import t
from node.terminal import discard_output

_BY_CODE = {
    6001: EXIT_NOT_FOUND,
    1020: EXIT_KEY,
    -32003: EXIT_KEY,
    -32004: EXIT_KEY,
    -32001: EXIT_UNREACHABLE,
    -32601: EXIT_USAGE,
    -32602: EXIT_USAGE,
}
_BY_NAME = {"NODE_UNREACHABLE": EXIT_UNREACHABLE, "STILL_PENDING": EXIT_PENDING}
_CHAIN_CODES = range(1001, 6000)  # what the ledger and the contracts refuse with
# How the HTTP library words a connection that was not made: only the last part tells anything.
_CONNECT_FAULT = re.compile(r"Cannot connect to host \S+ ssl:\S+ \[(.*)\]")
_AFTER_COMMAND = frozenset({"--json", "--yes", "-y", "--quiet", "-q", "--rpc", "--data"})
_REFUSED_FAULT = re.compile(r"Connect call failed \(.*\)|.*Connection refused.*")


def describe_error(error: WashError) -> CommandError:
    """Return how a command ends with a typed error.

    A client's errors bear the node's `name` and Chinese text; the others are of this machine.
    """
    name = getattr(error, "name", None)
    is_answer = hasattr(error, "data") and isinstance(name, str)
    exit_code = _BY_NAME.get(name or "") if is_answer else None
    if exit_code is None:
        exit_code = _BY_CODE.get(error.code, EXIT_ERROR)
    if exit_code == EXIT_ERROR and is_answer and error.code in _CHAIN_CODES:
        exit_code = EXIT_REJECTED
    if type(error).__name__ == "ConfigError":
        exit_code = EXIT_USAGE
    text = str(error)
    if exit_code == EXIT_UNREACHABLE:
        text = _say_unreachable(text)
    return CommandError(
        text,
        exit_code,
        fix=_fix(error, exit_code, is_answer=is_answer),
        code=error.code,
        name=name if is_answer else None,
        zh=str(getattr(error, "zh", "")) if is_answer else "",
    )


def _say_unreachable(text: str) -> str:
    """Return why nobody answers without what the program is made of; the fix says the rest."""
    text = text.removesuffix("; is the node running?")
    found = _CONNECT_FAULT.search(text)
    if found is None:
        return text
    why = t("nothing listens there") if _REFUSED_FAULT.fullmatch(found[1]) else found[1]
    address, no_answer, rest = text[: found.start()].partition(" gave no answer: ")
    if not no_answer or rest:
        return text[: found.start()] + why + text[found.end() :]
    return t("{address} gave no answer: {why}", address=address, why=why)


def _fix(error: WashError, exit_code: int, *, is_answer: bool) -> str:
    if exit_code == EXIT_UNREACHABLE:
        return t("start one with `washnode run` or `washnode dev`, or name it with --rpc URL")
    if exit_code == EXIT_PENDING:
        tx_id = getattr(error, "tx_id", "ID")
        return t("ask again: washnode tx wait {tx_id}", tx_id=tx_id)
    if exit_code == EXIT_KEY and is_answer:
        return t("give the node's tokens.json with --token-file FILE")
    if isinstance(error, UnknownFeatureError):
        from node.live.upcoming import UPGRADE_COMMAND

        return t("upgrade it: {command}, then start the node again", command=UPGRADE_COMMAND)
    final = getattr(error, "final", None)
    if final is not None:  # refused inside a block: there is a receipt
        return t("nothing else happened: washnode tx show {tx_id}", tx_id=final.tx_id)
    return ""


def describe_os_error(error: OSError) -> CommandError:
    """Return how a command ends when the machine refuses."""
    what = error.args[0] if error.args else ""
    if isinstance(what, bytes):  # LevelDB words its faults in bytes
        return CommandError(what.decode(errors="replace"))
    if isinstance(what, list) and what:  # copying a folder lists them
        return CommandError(str(what[0][-1]))
    if error.filename is not None and error.strerror:
        return CommandError(f"{error.filename}: {error.strerror}")
    return CommandError(error.strerror or str(error))


def _describe_usage(error: click.UsageError) -> CommandError:
    text = error.format_message().rstrip(".")
    path = error.ctx.command_path if error.ctx is not None else "washnode"
    said = _say_usage(error, text)
    fix = "" if "; " in said else t("see {command} --help", command=path)
    return CommandError(said, EXIT_USAGE, fix=fix)


def _say_usage(error: click.UsageError, text: str) -> str:
    if isinstance(error, click.MissingParameter) and error.param is not None:
        name = error.param.human_readable_name
        return t("{name} is missing", name=name)
    if isinstance(error, click.exceptions.NoSuchCommand):
        return _say_no_command(error)
    if isinstance(error, click.NoSuchOption) and error.option_name in _AFTER_COMMAND:
        name = error.option_name
        return t("no such option {name} here; write it behind the command", name=name)
    if isinstance(error, click.NoSuchOption):
        near = ", ".join(error.possibilities or ())
        if near:
            return t("no such option {name}; is it {near}?", name=error.option_name, near=near)
        return t("no such option {name}", name=error.option_name)
    return text


def _say_no_command(error: click.exceptions.NoSuchCommand) -> str:
    context = error.ctx
    group = None if context is None else context.command
    known = group.list_commands(context) if context and isinstance(group, click.Group) else []
    near = get_close_matches(error.command_name, known, 1)
    if near:
        return t("no such command {name}; is it {near}?", name=error.command_name, near=near[0])
    return t("no such command {name}", name=error.command_name)


@contextmanager
def ending_in_one_line() -> Iterator[None]:
    """Turn whatever a person can mend into a CommandError."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise _describe_usage(error) from error
    except click.Abort as error:  # Ctrl-C, or the end of what is typed, at a question
        raise CommandError(t("cancelled"), EXIT_USAGE) from error
    except WashError as error:
        raise describe_error(error) from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # nobody reads any more: click ends quietly
        if error.errno == errno.ENOSPC:
            discard_output()
        raise describe_os_error(error) from error
