"""`washnode recovery`: how a chain goes on whose quorum of validators is lost for good."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import group
from node.commands.db import DATA_OPTION
from node.commands.output import (
    EXIT_KEY,
    EXIT_REJECTED,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_text,
    say,
    talk,
    warn,
)
from node.commands.words import t

if TYPE_CHECKING:
    from chain.recovery import RecoveryPlan
    from chain.validators import ValidatorSet
    from node.keys.store import KeyInfo
    from node.storage.ledger import ChainLedger
    from node.storage.plans import When

_HEX_LENGTH = 64  # of a public key
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group()
def recovery() -> None:
    """Let a chain go on whose quorum of validators is lost for good.

    More than two thirds of the operators sign a plan: which block is the newest, and who decides
    the blocks above it. Every node is given the plan while it is stopped.
    """


@dataclass(frozen=True, slots=True)
class _Place:
    """The newest block of a chain, and who should decide the next one."""

    chain_id: bytes
    height: int
    head_id: bytes
    validators: "ValidatorSet"


@recovery.command(node=True)
@click.option(
    "--validator",
    multiple=True,
    required=True,
    metavar="KEY",
    help="Who decides from then on: a public key, or a key's name here. Once for each.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Default: recovery-HEIGHT.json.",
)
def plan(*, validator: tuple[str, ...], out: Path | None) -> None:
    """Write a plan for the operators to sign, about a node's newest block.

    Take the node that has the newest block of all. It may run, or be stopped and named by --data.
    """
    from chain.recovery import RecoveryPlan, write_plan
    from chain.validators import VALIDATORS_MAX, ValidatorSet

    keys = sorted(map(_validator_key, validator))
    if len({*keys}) < len(keys):
        fail(t("a validator is named twice"), EXIT_USAGE, fix=t("name each one once"))
    if len(keys) > VALIDATORS_MAX:
        fail(t("at most {count} validators decide", count=VALIDATORS_MAX), EXIT_USAGE)
    place = _find_place()
    after = ValidatorSet(tuple(keys), place.validators.rule, place.validators.epoch + 1)
    made = RecoveryPlan(place.chain_id, place.height, place.head_id, after)
    file = out or Path(f"recovery-{place.height}.json")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(write_plan(made))
    except FileExistsError:
        fail(t("{file} is there already", file=file), EXIT_USAGE, fix=t("name another by --out"))
    following = f"washnode recovery sign {file} --from NAME"
    finish({"file": str(file), **_facts(made)}, _showing(made), next_command=following)


def _validator_key(name: str) -> bytes:
    """Return the public key that a word stands for."""
    if len(name) == _HEX_LENGTH:
        try:
            return bytes.fromhex(name)
        except ValueError:
            fix = t("give 64 hex digits: washnode key show NAME")
            fail(t("{name!r} is no public key", name=name), EXIT_USAGE, fix=fix)
    from node.commands.connect import data_folder

    return _find_key(data_folder(), name).public_key


def _find_place() -> _Place:
    """Return the head of the node that is meant: one that runs, or the chain of a folder."""
    from node.commands.connect import find_running

    data = talk().data
    if data is None or talk().rpc or find_running(data) is not None:
        return _ask_node()
    from chain.recovery import next_validators

    with _opened(data) as ledger:
        validators = next_validators(ledger.state(), ledger.head)
        return _Place(ledger.chain_id, ledger.height, ledger.head_id, validators)


def _ask_node() -> _Place:
    from chain.validators import QuorumRule, ValidatorSet
    from node.commands.connect import session

    with session() as talk_to:
        chain_id = bytes.fromhex(talk_to.ask("node_info")["chain_id"])
        answer = talk_to.wash.rpc("chain_getValidators")
    at, data = answer["at"], answer["data"]
    keys = tuple([bytes.fromhex(key) for key in data["keys"]])
    validators = ValidatorSet(keys, QuorumRule[data["rule"].upper()], data["epoch"])
    return _Place(chain_id, at["height"], bytes.fromhex(at["hash"]), validators)


@contextmanager
def _opened(data: Path | None) -> Iterator["ChainLedger"]:
    """Open the chain of a stopped node, as a start does, with the plans that it has."""
    from node.commands.db import find_chain
    from node.storage.ledger import ChainLedger
    from node.storage.plans import read_plans

    chain, genesis = find_chain(data)
    ledger = ChainLedger(chain, genesis, plans=read_plans(chain.parent))
    try:
        for reason in ledger.refused_plans:
            warn(t("a plan that was loaded counts for nothing: {reason}", reason=reason))
        yield ledger
    finally:
        ledger.close()


@recovery.command()
@click.argument("file", type=_FILE)
@click.option(
    "--from", "name", required=True, metavar="NAME", help="The operator: a key's name, or acct1..."
)
@DATA_OPTION
@click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Has the key's passphrase.",
)
def sign(*, file: Path, name: str, data: Path | None, passphrase_file: Path | None) -> None:
    """Add an operator's signature to a plan.

    Look at it first: whoever signs says that this block is the newest that counts.
    """
    from chain.recovery import sign_plan
    from node.commands.connect import DATA_DEFAULT, KEYS_NAME
    from node.commands.passphrase import ask_for_key
    from node.keys.store import KeyStore
    from node.storage.plans import put_plan_file, read_plan_file

    unsigned, folder = read_plan_file(file), data or DATA_DEFAULT
    info = _find_key(folder, name)
    say(t("Signing as {account}.", account=info.account_text))
    signer = KeyStore(folder / KEYS_NAME).unlock(info.name, ask_for_key(info, passphrase_file))
    signed = sign_plan(unsigned, info.account, signer)
    if signed != unsigned:
        put_plan_file(file, signed)
    following = f"washnode recovery load {file} --data DIR"
    finish({"file": str(file), **_facts(signed)}, _showing(signed), next_command=following)


def _find_key(data: Path, name: str) -> "KeyInfo":
    """Return a key of a data folder, by its name or by the account that it signs for."""
    from node.commands.connect import KEYS_NAME
    from node.keys.store import KeyStore

    store = KeyStore(data / KEYS_NAME)
    if not name.startswith("acct1"):
        return store.show(name)
    found = [info for info in store.list() if info.account_text == name]
    if not found:
        seen = t("no key of {name} in {folder}", name=name, folder=store.folder)
        fail(seen, EXIT_KEY, fix=t("see washnode key list, or name the folder with --data"))
    return found[0]


@recovery.command()
@click.argument("file", type=_FILE)
def show(*, file: Path) -> None:
    """Show what a plan says, and who signed it.

    Whether they are operators is known to the chain: see `recovery load`.
    """
    from node.storage.plans import read_plan_file

    found = read_plan_file(file)
    finish(_facts(found), _showing(found))


@recovery.command()
@click.argument("file", type=_FILE)
@DATA_OPTION
def load(*, file: Path, data: Path | None) -> None:
    """Check a plan against the chain of a stopped node, and give it to the node.

    The next start goes on by it. A plan about a block that is not there yet is kept until it is.
    """
    from chain.errors import RecoveryPlanError
    from node.commands.run import find_config
    from node.storage.plans import keep_plan, read_plan_file

    found, folder = read_plan_file(file), find_config(None, data, {}).data_dir
    try:
        when = _check(found, folder, data)
        kept = keep_plan(folder, found)
    except RecoveryPlanError as error:
        fix = t("nothing was loaded; see washnode recovery show {file}", file=file)
        raise CommandError(str(error), EXIT_REJECTED, fix=fix, code=error.code) from error
    facts = {"kept": str(kept), "when": when.value, **_facts(found)}
    following = f"washnode run --data {folder}"
    finish(facts, _say_when(when, found.height), next_command=following)


def _check(found: "RecoveryPlan", folder: Path, data: Path | None) -> "When":
    """Return where the chain in a data folder stands to a plan; refuses one that is no good."""
    from node.commands.run import find_config, read_genesis
    from node.storage.plans import When, check_chain, check_fit

    if (folder / "chain").exists():
        with _opened(data) as ledger:
            return check_fit(found, ledger)
    check_chain(found, read_genesis(find_config(None, data, {})).chain_id())
    return When.LATER  # a node that was never started


def _say_when(when: "When", height: int) -> str:
    match when.value:
        case "now":
            return t("The next start goes on from height {height} by this plan.", height=height)
        case "before":
            return t("The chain went on from height {height} by this plan.", height=height)
        case _:
            return t(
                "The chain is not at height {height} yet: who signed is checked once it is.",
                height=height,
            )


# What it says -------------------------------------------------------------------------------------


def _facts(found: "RecoveryPlan") -> dict[str, Any]:
    from chain.crypto import verify_signature
    from chain.ids import encode_id
    from chain.recovery import plan_hash

    message = plan_hash(found)
    signatures = [
        {
            "operator": encode_id("acct", one.operator),
            "key": one.key.hex(),
            "good": verify_signature(one.key, message, one.signature),
        }
        for one in found.signatures
    ]
    return {
        "chain_id": found.chain_id.hex(),
        "height": found.height,
        "head_id": found.head_id.hex(),
        "epoch": found.validators.epoch,
        "rule": found.validators.rule_name,
        "validators": [key.hex() for key in found.validators.keys],
        "plan_hash": message.hex(),
        "signatures": signatures,
    }


def _showing(found: "RecoveryPlan") -> Callable[[], None]:
    def show_it() -> None:
        facts = _facts(found)
        for name in ("chain_id", "height", "head_id", "epoch", "rule", "plan_hash"):
            print_text(f"{name.replace('_', ' '):<10}  {facts[name]}")
        for key in facts["validators"]:
            print_text(f"{'validator':<10}  {key}")
        for one in facts["signatures"]:
            mark = "" if one["good"] else "  " + t("BAD: it is not of this plan")
            print_text(f"{'signed by':<10}  {one['operator']}{mark}")

    return show_it
