"""`washnode passport`: a vehicle's records in one file, and its check without a network."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import group
from node.commands.output import (
    EXIT_ERROR,
    EXIT_NOT_FOUND,
    EXIT_UNHEALTHY,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_text,
    say,
)
from node.commands.words import lang, t

if TYPE_CHECKING:
    from node.client.vehicles import VehicleFile
    from node.passport.anchor import Anchor
    from node.passport.report import Check, Report

VEHICLES_NAME = "vehicles"  # in the data folder
TERMINAL = "-"
_OUT = click.Path(dir_okay=False, path_type=Path)
_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
_HASH_DIGITS = 64
_MARKS = {True: ("✓", "ok", "green"), False: ("✗", "NO", "red"), None: ("–", "--", "yellow")}  # noqa: RUF001


@group()
def passport() -> None:
    """Show a vehicle's service records in one file, checked without a network."""


@passport.command(node=True)
@click.argument("vehicle", metavar="VEHICLE|SECRET_FILE")
@click.option("--out", type=_OUT, metavar="FILE", help="Default: the vehicle's id, .passport.")
@click.option(
    "--keep-back",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="N",
    help="Leave out what record N says, not that there is one. May be given again.",
)
@click.option("--vin", metavar="VIN", help="Say which car it is: the number on its frame.")
@click.option(
    "--qr",
    metavar="FILE.svg|-",
    help="Make a QR code too: an SVG file, or - for the terminal.",
)
@click.option(
    "--record",
    type=click.IntRange(min=1),
    metavar="N",
    help="The QR code holds record N itself, if that fits.",
)
@click.option(
    "--url",
    metavar="URL",
    help="Where the file will be found: the QR code holds this and the file's hash.",
)
def export(
    *,
    vehicle: str,
    out: Path | None,
    keep_back: tuple[int, ...],
    vin: str | None,
    qr: str | None,
    record: int | None,
    url: str | None,
) -> None:
    """Write the passport of a vehicle, from what a node proves.

    VEHICLE is the name of a file in the data folder's vehicles/, or the id in one. The secrets in
    it go into the passport, and not to the node.
    """
    from node.client.passports import fetch_passport
    from node.commands.connect import session
    from node.passport.build import with_vin
    from node.passport.form import write_passport

    file = find_vehicle(vehicle)
    if (record or url) and not qr:
        fail(t("--record and --url are for a QR code"), EXIT_USAGE, fix=t("give --qr"))
    if qr and not (record or url):
        fail(t("what shall the QR code hold?"), EXIT_USAGE, fix=t("give --record N or --url URL"))
    with session() as talk_to:
        _check_chain(file, talk_to.ask("node_info")["chain_id"])
        made = fetch_passport(
            talk_to.wash.rpc, file.vehicle_id, file.secret_bytes(), set(keep_back).__contains__
        )
        if vin is not None:
            made = with_vin(made, file.salt_bytes(), vin)
        data = write_passport(made)
        facts = _describe(data, file.chain_id)
        text = None if qr is None else _code_text(talk_to, facts, record, url)
    path = out or Path(f"{file.vehicle}.passport")
    _write_new(path, data)
    checkpoint = f"{facts['height']}:{facts['validators_hash']}"
    if qr is not None and text is not None:
        draw_code(text, qr)
    say(t("Whoever has this file can read the records entered with its secrets: change the secret "
          "after showing it (records.rotate)."))  # fmt: skip
    following = f"washnode passport verify {path} --genesis {file.chain_id} --checkpoint "
    shown = {"file": str(path), **facts, "code": text}
    finish(shown, t("{path}: {count} records, {bytes} bytes", path=path, count=facts["records"],
                    bytes=facts["bytes"]), next_command=following + checkpoint)  # fmt: skip


@passport.command()
@click.argument("file", type=_IN, metavar="FILE")
@click.option("--genesis", metavar="HASH", help="The network: its chain's id.")
@click.option(
    "--checkpoint",
    metavar="HEIGHT:VALIDATORS_HASH",
    help="Who the validators of a height were; from somebody you trust, not from the file's owner.",
)
@click.option("--contract", metavar="ID", help="For a slip: the network's contract for records.")
@click.option("--hash", "expected", metavar="HASH", help="The file's hash, from its QR code.")
def verify(
    *,
    file: Path,
    genesis: str | None,
    checkpoint: str | None,
    contract: str | None,
    expected: str | None,
) -> None:
    """Check a passport, or the text of a record's QR code, with nothing but this program.

    Without --genesis and --checkpoint a good file is `consistent, network unknown`: anybody can
    make a chain of his own. Exit code 0: all is good; 8: consistent; 1: something is not.
    """
    from node.passport.report import Verdict

    data = _read(file)
    anchor = _read_anchor(genesis, checkpoint)
    report = _check_hash(_look(data, anchor, contract), data, expected)
    facts = {
        "verdict": report.verdict.value,
        "ok": report.verdict is Verdict.GOOD,
        "checks": [_check_json(one) for one in report.checks],
        "facts": report.facts,
    }
    finish(facts, lambda: _show(report))
    if report.verdict is not Verdict.GOOD:
        sys.exit(EXIT_ERROR if report.verdict is Verdict.BAD else EXIT_UNHEALTHY)


def find_vehicle(name: str) -> "VehicleFile":
    """Return a vehicle's file: by its path, its name in the data folder, or the vehicle's id."""
    from node.client.vehicles import VEHICLE_PREFIX, read_vehicle
    from node.commands.connect import data_folder

    folder = data_folder() / VEHICLES_NAME
    for path in (Path(name), folder / f"{name}.json"):
        if path.is_file():
            return read_vehicle(path)
    if name.startswith(f"{VEHICLE_PREFIX}1"):
        for path in sorted(folder.glob("*.json")):
            found = read_vehicle(path)
            if found.vehicle == name:
                return found
    seen = t("no file of a vehicle {name!r}, here or in {folder}", name=name[:100], folder=folder)
    raise CommandError(seen, EXIT_NOT_FOUND)


def _check_chain(file: "VehicleFile", chain_id: str) -> None:
    if file.chain_id != chain_id:
        seen = t("the vehicle is of chain {mine}, the node of {other}", mine=file.chain_id[:16],
                 other=chain_id[:16])  # fmt: skip
        fail(seen, EXIT_USAGE, fix=t("name a node of its chain with --rpc"))


def _describe(data: bytes, chain_id: str) -> dict[str, Any]:
    """Return what a new file is, after checking it as a stranger's."""
    from chain.crypto import sha256
    from node.passport.anchor import Anchor
    from node.passport.form import read_passport
    from node.passport.report import Verdict
    from node.passport.verify import verify_passport

    report = verify_passport(data, Anchor(bytes.fromhex(chain_id)))
    if report.verdict is Verdict.BAD:
        wrong = next(one for one in report.checks if one.ok is False)
        fail(t("the node's answer does not hold: {why}", why=wrong.said(lang())))
    records = report.facts["records"]
    return {
        "vehicle": report.facts["vehicle"]["id"],
        "records": len(records),
        "bytes": len(data),
        "sha256": sha256(data).hex(),
        "chain_id": chain_id,
        "height": report.facts["height"],
        "time_ms": report.facts["time_ms"],
        "validators_hash": read_passport(data).head.header.validators_hash.hex(),
        "contract": report.facts["contract"],
        "record_ids": [one["record"] for one in records],
    }


def _code_text(talk_to: Any, facts: dict[str, Any], record: int | None, url: str | None) -> str:
    """Return what the QR code holds: the record, or the file's address where that is too long."""
    from node.client.passports import fetch_slip
    from node.passport.slip import TEXT_LENGTH_MAX, slip_text

    if record is not None:
        if record > len(facts["record_ids"]):
            seen = t("the vehicle has {count} records", count=len(facts["record_ids"]))
            fail(seen, EXIT_NOT_FOUND)
        wanted = facts["record_ids"][record - 1]
        text = slip_text(fetch_slip(talk_to.wash.rpc, facts["contract"], wanted))
        if len(text) <= TEXT_LENGTH_MAX:
            return text
        if url is None:
            seen = t("the record takes {count} letters, a QR code {most}", count=len(text),
                     most=TEXT_LENGTH_MAX)  # fmt: skip
            fail(seen, fix=t("give --url, where the file will be found"))
        say(t("The record is too long for a QR code; it holds the file's address."))
    return f"{url}#sha256={facts['sha256']}"


def draw_code(text: str, where: str) -> None:
    """Draw a QR code into an SVG file, or with `-` to standard error: results go elsewhere."""
    import segno

    code = segno.make(text, error="l", micro=False)
    if where == TERMINAL:
        code.terminal(out=sys.stderr, compact=True)
        return
    code.save(where, kind="svg", scale=4, xmldecl=False)


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        fail(t("{path} is there already", path=path), fix=t("take another name with --out"))


def _read(path: Path) -> bytes:
    from node.passport.form import FILE_BYTES_MAX

    with path.open("rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def _read_anchor(genesis: str | None, checkpoint: str | None) -> "Anchor":
    from node.passport.anchor import Anchor

    chain_id = None if genesis is None else _unhex("--genesis", genesis)
    if checkpoint is None:
        return Anchor(chain_id)
    height, _, digits = checkpoint.partition(":")
    if not (height.isascii() and height.isdecimal()):
        seen = t("--checkpoint is {text!r}", text=checkpoint[:100])
        fail(seen, EXIT_USAGE, fix=t("write HEIGHT:VALIDATORS_HASH"))
    return Anchor(chain_id, int(height), _unhex("--checkpoint", digits))


def _unhex(name: str, text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(text) != _HASH_DIGITS or data.hex() != text.lower():
        seen = t("{name} is {text!r}", name=name, text=text[:100])
        fail(seen, EXIT_USAGE, fix=t("a hash has 64 hex digits"))
    return data


def _look(data: bytes, anchor: "Anchor", contract: str | None) -> "Report":
    from chain.errors import MalformedBytesError
    from chain.ids import decode_id
    from contracts.vm.container import code_id
    from node import catalog
    from node.passport.rows import NAME
    from node.passport.slip import PREFIX, is_slip, slip_bytes, verify_slip
    from node.passport.verify import verify_passport

    code = catalog.container_bytes(NAME)
    try:
        if data.startswith(PREFIX.encode()):
            data = slip_bytes(data.decode("ascii").rstrip("\r\n"))
        keeper = None if contract is None else decode_id(contract, "ctr")
    except (MalformedBytesError, UnicodeDecodeError) as error:
        raise CommandError(str(error)) from error
    if is_slip(data):
        return verify_slip(data, anchor, catalog.program(NAME).container, keeper)
    return verify_passport(data, anchor, (code_id(code),))


def _check_hash(report: "Report", data: bytes, expected: str | None) -> "Report":
    from dataclasses import replace

    from chain.crypto import sha256
    from node.passport.report import Check, Verdict

    if expected is None:
        return report
    found, wanted = sha256(data), _unhex("--hash", expected)
    if found == wanted:
        check = Check("hash", ok=True, sentence="file_hash")
        return replace(report, checks=(check, *report.checks))
    why = f"{found.hex()}, expected {wanted.hex()}"
    check = Check("hash", ok=False, sentence="failed", values={"code": "hash", "why": why})
    return replace(report, verdict=Verdict.BAD, checks=(check, *report.checks), facts={})


def _check_json(check: "Check") -> dict[str, Any]:
    return {"code": check.code, "ok": check.ok, "text": check.said(), "zh": check.said("zh")}


def _show(report: "Report") -> None:
    from node.commands.events import show_time
    from node.terminal import speaks_unicode

    column = 0 if speaks_unicode(sys.stdout) else 1
    for one in report.checks:
        mark, color = _MARKS[one.ok][column], _MARKS[one.ok][2]
        click.secho(mark, fg=color, nl=False)
        print_text(f" {one.said(lang())}")
    for row in report.facts.get("records", ()):
        if row["content"] is not None:
            print_text(_line(row, show_time))
    if "vehicle" in report.facts:
        print_text(t("As of {time}. A visit that was never entered for this vehicle can not show.",
                     time=show_time(report.facts["time_ms"])))  # fmt: skip
    print_text(_verdict_text(report))


def _line(row: dict[str, Any], show_time: Callable[[Any], str]) -> str:
    content = row["content"]
    return t("record {number}: {time}, {shop}, service {service}, {count} entries, corrections: "
             "{corrections}", number=row["number"], time=show_time(content["finished_at"]),
             shop=content["shop"], service=content["service"], count=len(content["entries"]),
             corrections=len(content["corrections"]))  # fmt: skip


def _verdict_text(report: "Report") -> str:
    from node.passport.report import Verdict

    if report.verdict is Verdict.GOOD:
        return t("good: everything holds")
    if report.verdict is Verdict.BAD:
        return t("bad: do not rely on this file")
    return t("consistent, network unknown: it may be of a chain that somebody made at home")
