"""Three shops at a table: helpers for tests of `washnode genesis` and of what it leads to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from chain.crypto import hash_bytes
from node.cli import main
from node.keys.store import KeyStore

SHOPS = ("ann", "ben", "cat")
NODES = {"ann": "wss://ann.example/p2p", "ben": "ws://127.0.0.1:9000/p2p"}


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


def facts(*words: object) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def genesis(*words: object) -> dict[str, Any]:
    return facts("genesis", *words)


@dataclass(frozen=True)
class Table:
    """Where the shops sit: what they send each other, and each one's data folder beside it."""

    folder: Path

    def data(self, shop: str) -> Path:
        return self.folder / shop / "data"

    def file(self, name: str) -> Path:
        return self.folder / name

    def files(self, end: str) -> list[Path]:
        return sorted(self.folder.glob(f"*.{end}.json"))


def seat(folder: Path) -> Table:
    """Return three shops with keys: ann and ben bring validators, cat does not."""
    made = Table(folder)
    for shop in SHOPS:
        store = KeyStore(made.data(shop) / "keys")
        store.add("shop", hash_bytes("person", shop.encode()), None)
        if shop in NODES:
            store.add("validator", hash_bytes("person", f"{shop}'s node".encode()), None)
    return made


def add(table: Table, shop: str, *more: object) -> dict[str, Any]:
    words: list[object] = [table.file("draft.json"), "--key", "shop", "--name", shop.title()]
    if shop in NODES:
        words += ["--validator", "validator", "--url", NODES[shop], "--operator"]
    out = table.file(f"{shop}.add.json")
    return genesis("add", *words, "--data", table.data(shop), "--out", out, *more)


def draft(table: Table, *more: object) -> dict[str, Any]:
    words = ("--name", "wash-hz", "--issuer", "shop/CNY", "--data", table.data("ann"))
    return genesis("init", *words, "--out", table.file("draft.json"), *more)


def collect(table: Table) -> dict[str, Any]:
    draft(table)
    add(table, "ann", "--balance", "CNY=100.00")
    add(table, "ben")
    add(table, "cat")
    out = table.file("genesis.json")
    return genesis("collect", table.file("draft.json"), *table.files("add"), "--out", out)


def sign(table: Table, *shops: str) -> list[dict[str, Any]]:
    return [
        genesis(
            *("sign", table.file("genesis.json"), "--key", "shop", "--data", table.data(shop)),
            *("--out", table.file(f"{shop}.sig.json")),
        )
        for shop in shops
    ]


def finalize(table: Table) -> dict[str, Any]:
    signatures = table.files("sig")
    return genesis(
        "finalize", table.file("genesis.json"), *signatures, "--out", table.file("final.json")
    )


def begin(table: Table) -> dict[str, Any]:
    """Do all of it, up to the final file."""
    collect(table)
    sign(table, *SHOPS)
    return finalize(table)


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}), encoding="utf-8")


def refused(text: str, *words: object, exit_code: int = 1) -> None:
    done = run(*words)
    assert (done.exit_code, text in done.stderr) == (exit_code, True), done.output
    assert done.stderr.count("\n") == 1
