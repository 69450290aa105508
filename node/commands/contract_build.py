"""`washnode contract build|abi|disasm`: what becomes of a source."""

import json
from pathlib import Path
from typing import Any

import click

from node.commands.common import command
from node.commands.contract_source import CONTAINER_SUFFIX, SOURCE_SUFFIX, build_source
from node.commands.output import (
    EXIT_ERROR,
    fail,
    finish,
    print_facts,
    print_lines,
    print_table,
    print_text,
)
from node.commands.words import t

_CODE_SPACE = "14"  # the first byte of a code's key in the state
_SOURCE = click.Path(dir_okay=False, path_type=Path)


@command()
@click.argument("source", metavar="FILE.wash", type=_SOURCE)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to write; default beside the source.",
)
def build(*, source: Path, folder: Path | None) -> None:
    """Compile a contract: NAME.container is deployed, NAME.abi.json is for clients.

    Prints what each function costs at most, which is known before anything runs.
    """
    built = build_source(source)
    target = folder or source.parent
    target.mkdir(parents=True, exist_ok=True)
    code, document = built.compiled.container_bytes, built.compiled.abi
    container = target / f"{source.stem}{CONTAINER_SUFFIX}"
    abi_file = target / f"{source.stem}.abi.json"
    container.write_bytes(code)
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    abi_file.write_bytes(text.encode() + b"\n")
    gas = built.gas()
    facts = {
        "name": built.abi.name,
        "code_id": built.program.code_id.hex(),
        "bytes": len(code),
        "container": str(container),
        "abi": str(abi_file),
    }

    def show_it() -> None:
        print_facts(facts)
        print_text("")
        kinds = {one.name: one.kind.name.lower() for one in built.abi.functions.values()}
        rows = [(name, kinds.get(name, "init"), cost) for name, cost in gas.items()]
        print_table((t("function"), t("kind"), t("gas at most")), rows)

    finish({**facts, "gas": gas}, show_it, next_command=f"washnode contract test {source}")


@command(node=True)
@click.argument("target", metavar="FILE|CONTRACT")
def abi(*, target: str) -> None:
    """Print the ABI of a source, of a container, or of a contract on the chain."""
    if target.endswith(SOURCE_SUFFIX):
        document = build_source(Path(target)).compiled.abi
    elif target.endswith(CONTAINER_SUFFIX):
        from node.abi_of_code import derived_document

        document = derived_document(_read_container(Path(target)))
    else:
        from node.commands.connect import session

        with session() as talk_to:
            document = talk_to.ask("contract_get", contract=target)["abi"]
    finish({"abi": document}, json.dumps(document, indent=2, ensure_ascii=False))


@command(node=True)
@click.argument("target", metavar="FILE|CONTRACT")
def disasm(*, target: str) -> None:
    """Show the machine code of a source, of a container, or of a contract on the chain."""
    from contracts.lang.disasm import disassemble

    if target.endswith(SOURCE_SUFFIX):
        container = build_source(Path(target)).compiled.container
    elif target.endswith(CONTAINER_SUFFIX):
        container = _read_container(Path(target))
    else:
        container = _fetch_container(target)
    listing = disassemble(container)
    finish({"name": container.name, "listing": listing}, lambda: print_lines(listing.rstrip("\n")))


def _read_container(path: Path) -> Any:
    from contracts.vm.container import CONTAINER_BYTES_MAX, decode_container
    from contracts.vm.verifier import verify_bytes

    with path.open("rb") as file:
        data = file.read(CONTAINER_BYTES_MAX + 1)
    verify_bytes(data)  # what is listed by number must be there
    return decode_container(data)


def _fetch_container(reference: str) -> Any:
    """Return the code of a contract on the chain, checked against its id."""
    from contracts.vm.container import code_id, decode_container
    from node.commands.connect import session

    with session() as talk_to:
        code = talk_to.ask("contract_get", contract=reference)["code_id"]
        answer = talk_to.ask("chain_getProof", kind="state", key=_CODE_SPACE + code)
    data = bytes.fromhex(answer.get("value") or "")
    if code_id(data).hex() != code:
        fail(t("the node's code for {contract} is another", contract=reference), EXIT_ERROR)
    return decode_container(data)
