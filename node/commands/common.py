"""The shape of every command: options that all have, help in two languages, errors in one line."""

import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from node.commands.faults import ending_in_one_line
from node.commands.output import begin_talk, talk
from node.commands.words import find_lang, fold, lang, set_lang, t

HELP_NAMES = {"help_option_names": ["-h", "--help"]}
_RIDDEN = "common"  # the name of the parameter's mark that tells it from a command's own


@contextmanager
def _translated(item: Any, *names: str) -> Iterator[None]:
    before = {name: getattr(item, name) for name in names}
    for name, value in before.items():
        if isinstance(value, str):
            setattr(item, name, t(fold(inspect.cleandoc(value))))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(item, name, value)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def keep(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if value:
            setattr(talk(), name, value)
        return value

    return keep


def _option(*names: str, keep: str | None = None, **attributes: Any) -> click.Option:
    callback = None if keep is None else _keep(keep)
    own = names[0].lstrip("-").replace("-", "_")
    # A name of its own: a command may have an argument called like a common option.
    made = click.Option(
        (*names, f"common_{own}"), expose_value=False, callback=callback, **attributes
    )
    setattr(made, _RIDDEN, True)
    return made


def _everywhere() -> list[click.Option]:
    return [
        _option("--json", keep="as_json", is_flag=True, help="Print one JSON object."),
        _lang_option(),
        _option("--yes", "-y", keep="yes", is_flag=True, help="Say yes to every question."),
        _option("--quiet", "-q", keep="quiet", is_flag=True, help="Print results only."),
    ]


def _lang_option() -> click.Option:
    choice = click.Choice(["en", "zh"])
    return _option(
        "--lang", type=choice, envvar=None, help="Language; default WASH_LANG, else yours."
    )


def _of_node() -> list[click.Option]:
    folder = click.Path(file_okay=False, path_type=Path)
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    return [
        _option(
            "--rpc",
            keep="rpc",
            metavar="URL",
            envvar="WASH_RPC",
            help="The node; default WASH_RPC, else the one running in --data, else port 8787 here.",
        ),
        data_option(folder),
        _option(
            "--token-file",
            keep="token_file",
            type=file,
            metavar="FILE",
            help="A node's tokens.json, or a file with one token. Default: WASH_TOKEN.",
        ),
    ]


def data_option(folder: click.Path | None = None) -> click.Option:
    """Return the option that names the data folder."""
    return _option(
        "--data",
        keep="data",
        type=folder or click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        envvar=["WASH_DATA", "WASH_DATA_DIR"],
        help="Data folder with keys; default WASH_DATA, else washdata.",
    )


def _add_missing(params: list[click.Parameter], more: Sequence[click.Option]) -> None:
    taken = {name for param in params for name in (*param.opts, *param.secondary_opts)}
    params += [option for option in more if taken.isdisjoint(option.opts[:1])]


class _Spoken(click.Command):
    """A command whose texts are in the person's language and whose errors take one line."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the words; the outermost command learns from them how to talk first."""
        if parent is not None:
            return super().make_context(info_name, args, parent, **extra)
        set_lang(find_lang(args, os.environ))
        begin_talk(as_json="--json" in args)
        with ending_in_one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run."""
        if ctx.parent is not None:
            return super().invoke(ctx)
        with ending_in_one_line():
            return super().invoke(ctx)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence of the help."""
        if lang() == "en" or not self.help:
            return super().get_short_help_str(limit)
        # Where words have no spaces between them there is nothing to cut at.
        return t(fold(inspect.cleandoc(self.help))).partition("\n\n")[0]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help's text."""
        with _translated(self, "help"):
            super().format_help_text(ctx, formatter)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the line of usage."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=t("Usage:") + " ")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option --help."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "Show this and stop."
            setattr(option, _RIDDEN, True)
        return option

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a command's own options, then those that others have too."""
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            if isinstance(param, click.Argument):
                continue  # the line of usage and the text tell what they are
            with _translated(param, "help"):
                record = param.get_help_record(ctx)
            if record is not None:
                (common if getattr(param, _RIDDEN, False) else own).append(record)
        for title, records in ((t("Options"), own), (t("As everywhere"), common)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class WashCommand(_Spoken):
    """A command with the options that all have; `node=True` adds those that name a node."""

    def __init__(self, *args: Any, node: bool = False, **attributes: Any) -> None:
        attributes.setdefault("context_settings", HELP_NAMES)
        super().__init__(*args, **attributes)
        _add_missing(self.params, [*(_of_node() if node else ()), *_everywhere()])


class WashGroup(_Spoken, click.Group):
    """A group of such commands."""

    command_class = WashCommand
    group_class = type

    def __init__(self, *args: Any, node: bool = False, **attributes: Any) -> None:
        attributes.setdefault("context_settings", HELP_NAMES)
        super().__init__(*args, **attributes)
        can_run = attributes.get("invoke_without_command", False)
        common = [*(_of_node() if node else ()), *_everywhere()] if can_run else [_lang_option()]
        _add_missing(self.params, common)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands."""
        rows = [
            (name, command.get_short_help_str(limit=80))
            for name, command in sorted(self.commands.items())
            if not command.hidden
        ]
        if rows:
            with formatter.section(t("Commands")):
                formatter.write_dl(rows)


def command(
    name: str | None = None, **attributes: Any
) -> Callable[[Callable[..., Any]], WashCommand]:
    """Make a command of a function; see WashCommand."""
    return click.command(name, cls=WashCommand, **attributes)


def group(name: str | None = None, **attributes: Any) -> Callable[[Callable[..., Any]], WashGroup]:
    """Make a group of a function; see WashGroup."""
    return click.group(name, cls=WashGroup, **attributes)


class LazyGroup(WashGroup):
    """A group that knows its commands by name and imports the one that runs.

    `table` maps a theme to rows of (name, module, attribute, first line of help).
    """

    def __init__(
        self, *args: Any, table: dict[str, list[tuple[str, str, str, str]]], **attributes: Any
    ) -> None:
        super().__init__(*args, **attributes)
        self.table = table
        self._rows = {row[0]: row for rows in table.values() for row in rows}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands."""
        return list(self._rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, imported now, or None."""
        return self.load(cmd_name) if cmd_name in self._rows else None

    def load(self, name: str) -> click.Command:
        """Return a command that there is, imported now."""
        from importlib import import_module

        if name not in self.commands:
            _, module, attribute, _ = self._rows[name]
            loaded: click.Command = getattr(import_module(module), attribute)
            self.commands[name] = loaded
        return self.commands[name]

    def load_all(self) -> dict[str, click.Command]:
        """Return all commands, imported."""
        return {name: self.load(name) for name in self._rows}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by theme."""
        for theme, rows in self.table.items():
            with formatter.section(t(theme)):
                formatter.write_dl([(name, t(text)) for name, _, _, text in rows])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin with what was typed, without importing them."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=t(text))
            for name, _, _, text in self._rows.values()
            if name.startswith(incomplete)
        ]
