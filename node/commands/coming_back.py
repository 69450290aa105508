"""A shop that comes back with its recovery card: whose key it is, and acting for that account."""

from dataclasses import replace
from pathlib import Path

from chain.ids import decode_id
from node.client import Wash, WashRpcError
from node.commands.connect import KEYS_NAME
from node.commands.output import EXIT_NOT_FOUND, EXIT_USAGE, CommandError
from node.commands.words import t
from node.joining.plan import PLAN_NAME, SHOP_KEY
from node.keys.store import KeyInfo, KeyStore
from node.staff.book import FOLDER, StaffBook

_NEVER: set[object] = {0, ""}  # how the register says that it knows no such shop


def find_shop(wash: Wash, key: KeyInfo) -> str:
    """Return the account of the shop that has a key, or end the command with what to do."""
    try:
        found = wash.rpc("join_shop_of_key", key=key.public_key.hex())
    except WashRpcError as error:
        if error.name != "METHOD_NOT_FOUND":
            raise
        found = _of_first_key(wash, key)  # a gateway of before keys were looked for
    shops = found["shops"]
    if len(shops) == 1:
        return str(shops[0])
    if shops:
        seen = t("these words are the key of several shops: {shops}", shops=", ".join(shops))
        fix = t("take a card that is of this shop alone, or ask who made the code")
        raise CommandError(seen, EXIT_USAGE, fix=fix)
    if found["replaced"]:
        raise CommandError(
            t("this card is of a key that was replaced: the network takes it for nothing any more"),
            EXIT_NOT_FOUND,
            fix=t(
                "take the words that were written down when it was replaced, and set up again with "
                "--recover; without them only its guardians bring it back: washnode key guardian"
            ),
        )
    raise CommandError(
        t("the network knows no shop with the key of these words"),
        EXIT_NOT_FOUND,
        fix=t(
            "take the newest words: a key that was replaced brings nothing back; then set up again "
            "with --recover, or ask who made the code"
        ),
    )


def _of_first_key(wash: Wash, key: KeyInfo) -> dict[str, object]:
    standing = wash.read("shops.standing", shop=key.account_text)
    return {"shops": [] if standing["status"] in _NEVER else [key.account_text], "replaced": False}


def forget_words(folder: Path) -> None:
    """Take away the key of words that brought no shop back, so that others can be tried."""
    (folder / KEYS_NAME / f"{SHOP_KEY}.json").unlink(missing_ok=True)
    (folder / PLAN_NAME).unlink(missing_ok=True)


def act_for(folder: Path, account: str, secret: str | None) -> None:
    """Let the shop's key and its people here act for the account that the chain told of."""
    for_whom = decode_id(account, "acct")
    KeyStore(folder / KEYS_NAME).act_for(SHOP_KEY, secret, for_whom)
    book = StaffBook(folder / FOLDER)
    for one in book.all():
        book.put(replace(one, account=account))
