"""`washnode setup`: a shop's computer from nothing: keys, recovery card, then the network."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.commands.common import command, data_option
from node.commands.output import EXIT_KEY, EXIT_USAGE, fail, finish, is_terminal, say, talk
from node.commands.words import LANG_VARIABLE, lang, set_lang, t
from node.keys.unattended import Way, has_keyring

PIN_MIN, PIN_MAX = 6, 12
_COLUMNS = 4
_PIN_VARIABLE, _PORT_VARIABLE = "WASH_PIN", "WASH_RPC_PORT"


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What was said on the command line; what was not is asked, or is the default."""

    name: str | None
    owner: str | None
    code: str | None
    pin_file: Path | None
    unlock: str | None
    card: Path | None
    service: str | None
    price: str | None
    minutes: int
    bays: int
    port: int
    zone: str | None
    recover: bool
    words_file: Path | None


@command(params=[data_option()])
@click.option("--name", help="The shop's name.")
@click.option("--owner", help="Your own name, for the PIN; it stays on this computer.")
@click.option("--code", help="The join code of an operator; without one: washnode join, later.")
@click.option(
    "--pin-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Has the owner's PIN, 6 to 12 digits. Default: WASH_PIN.",
)
@click.option(
    "--unlock",
    type=click.Choice(["keyring", "file"]),
    help="What opens the keys at a start: the system's keyring, or a file for this user only.",
)
@click.option(
    "--card",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the recovery card into an HTML file, to print and then delete.",
)
@click.option("--service", help="What the shop offers first. Default: Car wash.")
@click.option("--price", metavar="AMOUNT", help="Its price. Default: 38.00.")
@click.option(
    "--minutes",
    type=click.IntRange(5, 1_440),
    default=30,
    show_default=True,
    help="How long it takes.",
)
@click.option(
    "--bays",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many bays there are.",
)
@click.option("--zone", metavar="ZONE", help="Time zone of the hours. Default: this computer's.")
@click.option(
    "--recover",
    is_flag=True,
    help="Bring a shop back onto a new computer from the words of its recovery card.",
)
@click.option(
    "--words-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Has the 24 words, with --recover.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8787,
    show_default=True,
    help="The node's port on this computer.",
)
def setup(**given: Any) -> None:
    """Make this computer a shop's: asks what it has to know, makes the keys, joins the network.

    At a terminal it asks; elsewhere the options say all. The recovery card is the only copy of the
    shop's account besides this computer; with it and a new join code --recover brings the shop back
    after this one is lost.
    """
    from node.commands.connect import data_folder
    from node.commands.join import show_joined
    from node.commands.joining import Joining

    wishes, folder = _Wishes(**given), data_folder()
    _check_free(folder, is_recovered=wishes.recover)
    _choose_lang()
    _check_port(wishes.port)
    if wishes.words_file is not None and not wishes.recover:
        fail(t("--words-file goes with --recover"), EXIT_USAGE)
    seed = _read_seed(wishes.words_file) if wishes.recover else None
    plan, owner, pin = _ask(wishes)
    if seed is None and not is_terminal() and wishes.card is None:
        fail(t("where to with the recovery card?"), EXIT_USAGE, fix=t("give --card FILE"))
    facts = _make(folder, plan, (owner, pin), wishes.card, seed)
    if not plan.code:
        finish(facts, t("Set up in {folder}.", folder=folder), next_command="washnode join CODE")
        return
    facts |= Joining.at(folder, None).run()
    finish(facts, lambda: show_joined(facts), next_command="washnode service install")


def _check_free(folder: Path, *, is_recovered: bool) -> None:
    from node.commands.coming_back import forget_words
    from node.joining.plan import read_plan

    plan = read_plan(folder)
    if plan is not None and is_recovered and plan.service is None and plan.admitted_at is None:
        forget_words(folder)  # no gateway let them in; the card has them
        return
    if plan is not None:
        seen = t("a shop is set up in {folder} already", folder=folder)
        fail(seen, EXIT_USAGE, fix=t("to go on: washnode join"))
    if (folder / "genesis.json").exists():
        seen = t("{folder} has the data of another node", folder=folder)
        fail(seen, EXIT_USAGE, fix=t("take a new folder; nothing is written over"))


def _check_port(port: int) -> None:
    """End the command while nothing is made and no code is used, if the node could not serve."""
    from node.commands.doctor_node import check_port

    if _PORT_VARIABLE in os.environ:  # it wins over what is written down
        return
    seen = check_port("127.0.0.1", port)
    if seen.light == "red":
        fail(seen.text, EXIT_USAGE, fix=t("end what uses it, or give another: --port 8790"))


def _choose_lang() -> None:
    context = click.get_current_context()
    is_said = context.get_parameter_source("common_lang") == click.core.ParameterSource.COMMANDLINE
    if is_said or LANG_VARIABLE in os.environ or not is_terminal():
        return
    choice = click.Choice(["en", "zh"])
    chosen = click.prompt("Language / 语言", type=choice, default=str(lang()), err=True)
    set_lang("zh" if chosen == "zh" else "en")


def _ask(wishes: _Wishes) -> tuple[Any, str, str]:
    """Return the shop's plan, the owner's name and PIN."""
    from node.commands.values import need_money
    from node.joining.code import parse_code
    from node.joining.desk import check_name
    from node.joining.plan import FirstService, ShopPlan
    from node.staff.book import clean_name

    name = wishes.name or _prompt(t("The shop's name"))
    check_name(name)
    code = wishes.code if wishes.code is not None else _prompt(t("Join code (empty: later)"), "")
    code = parse_code(code).text() if code else ""
    service = None
    if not wishes.recover:
        price = wishes.price or _prompt(t("Price of a wash"), "38.00")
        service = FirstService(
            name=wishes.service or t("Car wash"), price=need_money(price), minutes=wishes.minutes
        )
    plan = ShopPlan(
        name=name,
        service=service,
        zone=_choose_zone(wishes.zone),
        bays=wishes.bays,
        port=wishes.port,
        unlock=_choose_unlock(wishes.unlock),
        code=code,
    )
    owner = clean_name(wishes.owner or _prompt(t("Your own name"), t("Owner")))
    return plan, owner, _read_pin(wishes.pin_file)


def _prompt(question: str, default: str | None = None) -> str:
    if not is_terminal():
        if default is not None:
            return default
        fail(question, EXIT_USAGE, fix=t("nobody is there to ask: give --name"))
    asked: str = click.prompt(question, default=default, show_default=bool(default), err=True)
    return asked.strip()


def _choose_zone(said: str | None) -> str:
    from node.joining.zone import is_zone, zone_here

    if said is not None and not is_zone(said):
        fail(
            t("{zone} is no time zone", zone=said),
            EXIT_USAGE,
            fix=t("write one like Asia/Shanghai"),
        )
    zone = said or zone_here()
    say(t("Opening hours are times of {zone}; --zone takes another.", zone=zone))
    return zone


def _read_seed(file: Path | None) -> bytes:
    """Return the shop's key from the words of its card; a wrong word is told with its place."""
    from node.commands.key import read_words
    from node.keys.phrase import read_phrase

    return read_phrase(read_words(file))


def _choose_unlock(said: str | None) -> Way:
    from node.commands.key_unlock import tell_trade_off

    takes_ring = has_keyring() if said is None else said == "keyring"
    way: Way = "keyring" if takes_ring else "file"
    tell_trade_off(way)
    return way


def _read_pin(file: Path | None) -> str:
    from node.commands.passphrase import read_passphrase_file

    if file is not None:
        pin = read_passphrase_file(file)
    elif _PIN_VARIABLE in os.environ:
        pin = os.environ[_PIN_VARIABLE]
    elif is_terminal():
        return _ask_pin()
    else:
        seen = t("a PIN is needed and nobody is there to ask")
        fail(seen, EXIT_USAGE, fix=t("give --pin-file FILE"))
    fault = _fault_of(pin)
    if fault is not None:
        fail(fault, EXIT_KEY)
    return pin


def _ask_pin() -> str:
    while True:
        pin: str = click.prompt(t("A PIN for the owner"), hide_input=True, err=True)
        fault = _fault_of(pin)
        if fault is not None:
            click.echo(f"{fault[:1].upper()}{fault[1:]}", err=True)
        elif click.prompt(t("Once more"), hide_input=True, err=True) == pin:
            return pin
        else:
            click.echo(t("The two differ; type it again."), err=True)


def _fault_of(pin: str) -> str | None:
    """Return what is wrong with a PIN, or None."""
    from node.staff.book import check_pin
    from node.staff.errors import StaffError

    if not (pin.isascii() and pin.isdecimal() and PIN_MIN <= len(pin) <= PIN_MAX):
        return t("a PIN has {least} to {most} digits", least=PIN_MIN, most=PIN_MAX)
    try:
        check_pin(pin)
    except StaffError:
        return t("this PIN would be tried first; take another")
    return None


def _make(
    folder: Path, plan: Any, owner: tuple[str, str], card: Path | None, seed: bytes | None
) -> dict[str, Any]:
    """Make the keys, hand out the card, and only then write the plan down.

    `seed` is the shop's key where its owner has the card already.
    """
    from node.commands.connect import KEYS_NAME
    from node.joining.plan import NODE_KEY, SHOP_KEY, write_plan
    from node.keys.phrase import write_phrase
    from node.keys.store import KeyStore
    from node.keys.unattended import keep_secret

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = keep_secret(plan.unlock, folder)
    store = KeyStore(folder / KEYS_NAME)
    there = {one.name for one in store.list()}  # of a run that was cut off
    for name in (SHOP_KEY, NODE_KEY):
        if name in there:
            continue
        if name == SHOP_KEY and seed is not None:
            store.add(name, seed, secret)
        else:
            store.create(name, secret)
    account = store.show(SHOP_KEY).account_text
    _make_owner(folder, account, *owner)
    if seed is None or card is not None:
        _hand_out(plan.name, account, write_phrase(store.export(SHOP_KEY, secret), lang()), card)
    else:
        say(t("The card's words are those of {account}.", account=account))
    write_plan(folder, plan)
    return {
        "folder": str(folder),
        "name": plan.name,
        "shop": account,
        "card": None if card is None else str(card),
        "unlock": plan.unlock,
    }


def _make_owner(folder: Path, shop: str, name: str, pin: str) -> None:
    """Let the owner work here: a key under the PIN, of which the chain is told when it is there."""
    import secrets

    from chain.crypto import Signer
    from node.live.clock import read_wall_ms
    from node.staff.book import FOLDER, Member, StaffBook, make_id
    from node.staff.deeds import OWNER
    from node.staff.service import VALID_FOR_MS

    book = StaffBook(folder / FOLDER)
    for one in book.all():  # of a run that was cut off: the PIN of this one counts
        book.remove(one.id)
    seed = secrets.token_bytes(32)
    key = Signer(seed).public_key.hex()
    until = read_wall_ms() + VALID_FOR_MS
    book.add(Member(make_id(secrets.token_bytes), name, shop, key, OWNER, until), seed, pin)


def _hand_out(name: str, account: str, words: list[str], card: Path | None) -> None:
    from node.commands.shop_card import card_page
    from node.files import put_whole

    if card is not None:
        try:
            put_whole(card, card_page(name, account, words), is_private=True)
        except FileExistsError:
            fail(t("{file} is there already", file=card), EXIT_USAGE)
        say(t("Print {file}, then delete it: it is the shop's account.", file=card))
        return
    click.echo(
        t("Recovery card: write these words on paper. They are the shop's account."), err=True
    )
    for at in range(0, len(words), _COLUMNS):
        row = [f"{at + place + 1:>2}. {word:<10}" for place, word in
               enumerate(words[at : at + _COLUMNS])]  # fmt: skip
        click.echo("  ".join(row).rstrip(), err=True)
    while not talk().yes and not click.confirm(t("Written down?"), err=True):
        pass
