"""`washnode genesis`: several shops begin one chain, and no computer has to be trusted for it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from node.commands.common import group
from node.commands.db import DATA_OPTION
from node.commands.genesis_show import genesis_facts, showing
from node.commands.output import EXIT_KEY, EXIT_USAGE, fail, finish, print_facts, say, warn
from node.commands.words import t

if TYPE_CHECKING:
    from chain.crypto import Signer
    from chain.genesis import GenesisAsset
    from node.ceremony.draft import Draft
    from node.ceremony.form import Form
    from node.keys.store import KeyStore

_READ = click.Path(exists=True, dir_okay=False, path_type=Path)
_WRITTEN = click.Path(dir_okay=False, path_type=Path)
_VALUE_DIGITS_MAX = 16
_T = TypeVar("_T")

_force = click.option("--force", is_flag=True, help="Write over a file that is there.")
_passphrase = click.option(
    "--passphrase-file", type=_WRITTEN, metavar="FILE", help="Has the passphrase of the keys."
)


def _out(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--out",
        type=_WRITTEN,
        metavar="FILE",
        default=None if "NAME" in default else Path(default),
        help=f"Default: {default}.",
    )


@group()
def genesis() -> None:
    """Begin a chain together with other shops.

    One makes a draft, every member adds an entry, one collects them. All compare eight words and
    sign; then it is final, and `washnode init --genesis` makes each member's data folder of it.
    """


@genesis.command()
@click.option("--name", required=True, help="The chain's name.")
@click.option(
    "--issuer",
    "issuers",
    multiple=True,
    metavar="KEY/SYMBOL",
    help="Who issues an asset: acct1... or a key's name here, and its symbol. Once for each.",
)
@click.option(
    "--quorum",
    type=click.Choice(["byzantine", "crash"]),
    default="byzantine",
    show_default=True,
    help="Against what: traitors, or only crashes of validators who trust each other.",
)
@click.option(
    "--param", "params", multiple=True, metavar="NAME=N", help="A chain parameter. Once for each."
)
@_out("draft.json")
@_force
@DATA_OPTION
def init(
    *,
    name: str,
    issuers: tuple[str, ...],
    quorum: str,
    params: tuple[str, ...],
    out: Path,
    force: bool,
    data: Path | None,
) -> None:
    """Write the draft of a chain, which every member gets."""
    from node.ceremony.draft import draft_hash, make_draft
    from node.live.clock import Clock

    made = make_draft(
        name,
        Clock().now_ms(),
        assets=[_asset(one, data) for one in issuers],
        quorum=quorum,
        params=dict(map(_param, params)),
    )
    _write(out, made, force=force)
    facts = {"file": str(out), "name": made.name, "draft": draft_hash(made).hex()}
    following = f"washnode genesis add {out} --key NAME --name SHOP"
    finish(facts, next_command=following)


def _asset(text: str, data: Path | None) -> "GenesisAsset":
    from pydantic import ValidationError

    from chain.genesis import GenesisAsset
    from chain.ids import decode_id

    who, slash, symbol = text.rpartition("/")
    if not slash or not who:
        fail(t("--issuer {text} has no symbol", text=text), EXIT_USAGE, fix=t("write KEY/SYMBOL"))
    account = decode_id(who, "acct") if who.startswith("acct1") else _account_of(who, data)
    try:
        return GenesisAsset(symbol=symbol, issuer=account.hex(), policy="to_members")
    except ValidationError:
        fix = t("a symbol has 1 to 12 letters, digits, dots, _ and -")
        fail(t("{symbol!r} is no symbol", symbol=symbol[:32]), EXIT_USAGE, fix=fix)


def _param(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not (value.isascii() and value.isdecimal() and len(value) <= _VALUE_DIGITS_MAX):
        fix = t("write NAME=N with a whole number")
        fail(t("--param {text} is no parameter", text=text[:64]), EXIT_USAGE, fix=fix)
    return name, int(value)


@genesis.command()
@click.argument("draft", type=_READ, default="draft.json")
@click.option("--key", required=True, metavar="NAME", help="Your key: its account is the member.")
@click.option("--name", required=True, metavar="SHOP", help="Your shop's name.")
@click.option(
    "--validator", metavar="NAME", help="The key of your node, if it decides on blocks as well."
)
@click.option("--operator", is_flag=True, help="Decide with the other operators about the chain.")
@click.option(
    "--url", default="", metavar="URL", help="Where your node is dialled: wss://shop.example/p2p"
)
@click.option(
    "--balance",
    "balances",
    multiple=True,
    metavar="SYMBOL=AMOUNT",
    help="What you begin with, of an asset that you issue. Once for each.",
)
@_out("NAME.add.json")
@_force
@_passphrase
@DATA_OPTION
def add(
    *,
    draft: Path,
    key: str,
    name: str,
    validator: str | None,
    operator: bool,
    url: str,
    balances: tuple[str, ...],
    out: Path | None,
    force: bool,
    passphrase_file: Path | None,
    data: Path | None,
) -> None:
    """Write your entry for a draft, signed by your key.

    Nothing in it is secret. It is good for this draft only.
    """
    from node.ceremony.draft import parse_draft
    from node.ceremony.entry import Wishes, make_entry

    found = read_checked(draft, parse_draft)
    wishes = Wishes(
        name=name,
        url=url,
        is_operator=operator,
        balances=dict(_balance(found, b) for b in balances),
    )
    _account_of(key, data)
    signer = _unlock(key, data, passphrase_file)
    node = validator and (signer if validator == key else _unlock(validator, data, passphrase_file))
    made = make_entry(found, wishes, signer, node or None)
    file = out or Path(f"{key}.add.json")
    _write(file, made, force=force)
    facts = {
        "file": str(file),
        "member": str(made),
        "validator": made.validator,
        "url": url or None,
    }
    following = f"washnode genesis collect {draft} *.add.json"
    finish(facts, lambda: print_facts(facts), next_command=following)


def _balance(draft: "Draft", text: str) -> tuple[str, int]:
    from node.commands.values import need_money

    symbol, _, amount = text.partition("=")
    decimals = next((one.decimals for one in draft.assets if one.symbol == symbol), None)
    if decimals is None:
        fix = t("name one of the draft's")
        fail(t("{symbol!r} is no asset of the draft", symbol=symbol[:32]), EXIT_USAGE, fix=fix)
    return symbol, need_money(amount, decimals)


@genesis.command()
@click.argument("draft", type=_READ)
@click.argument("entries", nargs=-1, required=True, type=_READ)
@_out("genesis.json")
@_force
def collect(*, draft: Path, entries: tuple[Path, ...], out: Path, force: bool) -> None:
    """Make the genesis of a draft and the entries of all members.

    Whoever does this needs no trust: everybody checks the result.
    """
    from node.ceremony.draft import parse_draft
    from node.ceremony.entry import parse_entry
    from node.ceremony.gathering import collect as collect_entries

    made = collect_entries(
        read_checked(draft, parse_draft), [read_checked(one, parse_entry) for one in entries]
    )
    _write(out, made, force=force)
    if len(made.members) > 1 and not any(one.url for one in made.members):
        warn(t("no member's node can be dialled: let one of them add --url"))
    facts = {"file": str(out), **genesis_facts(made)}
    following = f"washnode genesis verify {out} --mine NAME.add.json"
    finish(facts, showing(facts), next_command=following)


@genesis.command()
@click.argument("file", type=_READ)
@click.option("--mine", type=_READ, metavar="FILE", help="Your entry: is it in it, unchanged?")
@click.option("--words", "heard", metavar="WORDS", help="The words that another member reads.")
def verify(*, file: Path, mine: Path | None, heard: str | None) -> None:
    """Check a genesis, show what it says, and eight words to read aloud.

    Every member does so on a computer of its own, and all compare the words by voice.
    """
    from node.ceremony.entry import parse_entry
    from node.ceremony.gathering import check_mine, check_words
    from node.ceremony.signing import FinalGenesis, parse_any
    from node.live.clock import Clock

    found = read_checked(file, parse_any)
    if mine is not None:
        check_mine(found, read_checked(mine, parse_entry))
    if heard is not None:
        check_words(found.genesis().chain_id(), heard)
    is_final = isinstance(found, FinalGenesis)
    facts = {
        "file": str(file),
        **genesis_facts(found),
        "mine_is_unchanged": None if mine is None else True,
        "is_signed_by_all": is_final,
    }
    if found.draft.time_ms > Clock().now_ms():
        warn(t("the chain begins later than now: is a clock wrong?"))
    if is_final:
        following = f"washnode init DIR --genesis {file}"
    else:
        following = f"washnode genesis sign {file} --key NAME"
    finish(facts, showing(facts), next_command=following)
    if mine is not None:
        say(t("Your entry is in it, unchanged."))


@genesis.command()
@click.argument("file", type=_READ)
@click.option("--key", required=True, metavar="NAME", help="The key of your entry.")
@_out("NAME.sig.json")
@_force
@_passphrase
@DATA_OPTION
def sign(
    *,
    file: Path,
    key: str,
    out: Path | None,
    force: bool,
    passphrase_file: Path | None,
    data: Path | None,
) -> None:
    """Sign a genesis, after all members have compared its words.

    Look at it first with `genesis verify`: whoever signs begins this chain and no other.
    """
    from node.ceremony.gathering import chain_words, parse_collected
    from node.ceremony.signing import sign_genesis

    found = read_checked(file, parse_collected)
    words = chain_words(found.genesis().chain_id())
    say(t("Signing the chain with the words: {words}", words=" ".join(words)))
    made = sign_genesis(found, _unlock(key, data, passphrase_file))
    target = out or Path(f"{key}.sig.json")
    _write(target, made, force=force)
    facts = {"file": str(target), "chain_id": made.chain_id, "words": words}
    following = f"washnode genesis finalize {file} *.sig.json"
    finish(facts, lambda: print_facts({**facts, "words": " ".join(words)}), next_command=following)


@genesis.command()
@click.argument("file", type=_READ)
@click.argument("signatures", nargs=-1, required=True, type=_READ)
@_out("final.json")
@_force
def finalize(*, file: Path, signatures: tuple[Path, ...], out: Path, force: bool) -> None:
    """Put the signatures of all members to their genesis, and make it final."""
    from node.ceremony.gathering import chain_words, parse_collected
    from node.ceremony.signing import finalize as finalize_genesis
    from node.ceremony.signing import parse_signature

    found = read_checked(file, parse_collected)
    made = finalize_genesis(found, [read_checked(one, parse_signature) for one in signatures])
    _write(out, made, force=force)
    chain_id = made.genesis().chain_id()
    words = chain_words(chain_id)
    signed = [str(one) for one in made.members]
    facts = {"file": str(out), "chain_id": chain_id.hex(), "words": words, "signed_by": signed}
    shown = {**facts, "words": " ".join(words), "signed_by": ", ".join(signed)}
    following = f"washnode init DIR --genesis {out}"
    finish(facts, lambda: print_facts(shown), next_command=following)


# Files and keys -----------------------------------------------------------------------------------


def read_checked(path: Path, parse: Callable[[bytes], _T]) -> _T:
    """Return what a file holds; a refusal names the file."""
    from chain.errors import GenesisError
    from node.ceremony.form import FILE_BYTES_MAX, CeremonyError

    with path.open("rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    try:
        return parse(data)
    except GenesisError as error:
        text = f"{path}: {error}"
        raise CeremonyError(text) from error


def _write(path: Path, form: "Form", *, force: bool) -> None:
    from node.files import put_whole

    try:
        put_whole(path, form.text(), replace=force)
    except FileExistsError:
        fix = t("name another by --out, or write over it with --force")
        fail(t("{file} is there already", file=path), EXIT_USAGE, fix=fix)


def _account_of(name: str, data: Path | None) -> bytes:
    """Return the account of a key, which on a chain that begins is the key itself."""
    info = _keys(data).show(name)
    if info.account != info.public_key:
        fix = t("a new chain knows an account by its first key: washnode key new NAME")
        fail(t("key {name} was rotated on another chain", name=name), EXIT_KEY, fix=fix)
    return info.account


def _unlock(name: str, data: Path | None, passphrase_file: Path | None) -> "Signer":
    from node.commands.passphrase import ask_for_key

    store = _keys(data)
    return store.unlock(name, ask_for_key(store.show(name), passphrase_file))


def _keys(data: Path | None) -> "KeyStore":
    from node.commands.connect import DATA_DEFAULT, KEYS_NAME
    from node.keys.store import KeyStore

    return KeyStore((data or DATA_DEFAULT) / KEYS_NAME)
