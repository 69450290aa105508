"""`washnode rpc`: any method of a node, its parameters read by their declared types."""

from typing import Any

import click

from node.commands.common import command
from node.commands.output import EXIT_USAGE, CommandError, fail, finish, print_json
from node.commands.words import t


@command(node=True)
@click.argument("method")
@click.argument("words", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--params", metavar="JSON", help="All parameters as one JSON object.")
def rpc(*, method: str, words: tuple[str, ...], params: str | None) -> None:
    """Call any method of a node and print its result as JSON.

    Values are read as the method declares them: limit=10, account=alice (the name of a key of this
    machine, or of the demo's people), time=2026-01-06T10:00+08:00, name:=JSON for anything else.
    `washnode rpc rpc.discover` describes all methods.
    """
    from node.commands.connect import session
    from node.commands.values import Reader, read_json_text

    if params is not None and words:
        fail(t("give name=value words or --params, not both"), EXIT_USAGE)
    given: Any = read_json_text("--params", params) if params is not None else None
    if params is not None and not isinstance(given, dict):
        fail(t("--params is no JSON object"), EXIT_USAGE)
    with session() as asking:
        described = describe(asking, method)
        if given is None:
            schemas = {one["name"]: one["schema"] for one in described["params"]}
            reader = Reader(asking.find_account, shared=described["shared"], now_ms=asking.now_ms)
            given = reader.read(words, schemas, method)
    tier = described["tier"]
    with session(tier) as talk_to:
        result = talk_to.wash.rpc(method, **given)
    finish({"result": result}, lambda: print_json(result))


def describe(asking: Any, method: str) -> dict[str, Any]:
    """Return a method's parameters, shared schemas and tier; unknown ones take anything."""
    document = asking.ask("rpc.discover")
    schemas = document.get("components", {}).get("schemas", {})
    shared = {f"#/components/schemas/{name}": one for name, one in schemas.items()}
    for one in document.get("methods", []):
        if one["name"] == method:
            tags = [tag["name"] for tag in one.get("tags", [])]
            tier = next((tag for tag in tags if tag in {"public", "shop", "admin"}), "public")
            return {"params": one["params"], "shared": shared, "tier": tier}
    names = [one["name"] for one in document.get("methods", [])]
    from difflib import get_close_matches

    near = ", ".join(get_close_matches(method, names, 3))
    fix = t("is it {near}?", near=near) if near else t("see washnode rpc rpc.discover")
    raise CommandError(t("no method {method!r}", method=method), EXIT_USAGE, fix=fix)
