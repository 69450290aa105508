"""Actions and transactions as JSON: `{"type": "transfer", "asset": "ast1...", ...}` and back.

Reading needs to know what a name or a symbol means and how a contract's arguments look; a `Lookup`
tells, so this module serves the node and clients alike. What `show_action` gives, `read_actions`
reads as the same action.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol

from pydantic import Field, WithJsonSchema

from chain.codec import DEPTH_MAX, INT_MAX, INT_MIN, decode, encode
from chain.errors import MalformedBytesError
from chain.ids import decode_id, encode_id
from chain.ledger import Policy
from chain.roles import Role
from chain.transaction import Action, Change, ReceivedTransaction, Transaction
from chain.types import ACTIONS_MAX, ARGUMENTS_MAX, SAFE_INT_MAX, TX_BYTES_MAX
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.wire_forms import (
    Form,
    Json,
    Place,
    Special,
    array_form,
    form_of,
    hex_form,
    id_form,
    int_form,
    name_form,
    read_text,
)

NAME_BYTES_MAX = 90
_DIGITS_MAX = 20
_BYTES = hex_form(0, TX_BYTES_MAX)
_SAFE_INT = int_form(-SAFE_INT_MAX, SAFE_INT_MAX)


class ArgumentCodec(Protocol):
    """JSON forms of the arguments of one contract's actions and of its deployment ("init")."""

    def read_arguments(
        self, function: str, arguments: Mapping[str, Json], path: str
    ) -> tuple[Any, ...]:
        """Return canonical values in declared order; raises InvalidParamsError with the path."""
        ...

    def show_arguments(self, function: str, values: Sequence[Any]) -> dict[str, Json] | None:
        """Return the arguments by name, or None if they do not fit what is declared."""
        ...


class Lookup(Protocol):
    """What the chain, or a client's copy of the little that is needed, knows."""

    def find_asset(self, text: str) -> bytes:
        """Return the asset of a symbol or "ast1..."; raises UnknownIdError."""
        ...

    def symbol_of(self, asset: bytes) -> str | None:
        """Return an asset's symbol, or None if the asset is unknown."""
        ...

    def find_contract(self, text: str) -> bytes:
        """Return the contract of a registered name or "ctr1..."; raises UnknownIdError."""
        ...

    def codec_of(self, contract: bytes) -> ArgumentCodec | None:
        """Return the codec of a contract, or None if the contract is unknown."""
        ...

    def codec_of_code(self, code: bytes) -> ArgumentCodec | None:
        """Return the codec of container bytes, or None if nothing is known of them."""
        ...

    def funds_asset(self, contract: bytes, function: str) -> bytes | None:
        """Return the asset that a function takes, or None if it takes none or is unknown."""
        ...


class IdsOnly:
    """The lookup of somebody who knows nothing but ids: names and symbols are refused."""

    def find_asset(self, text: str) -> bytes:
        """Return the asset that an id names."""
        return decode_id(text, "ast")

    def symbol_of(self, asset: bytes) -> str | None:  # noqa: ARG002
        """Know no asset."""
        return None

    def find_contract(self, text: str) -> bytes:
        """Return the contract that an id names."""
        return decode_id(text, "ctr")

    def codec_of(self, contract: bytes) -> ArgumentCodec | None:  # noqa: ARG002
        """Know no contract."""
        return None

    def codec_of_code(self, code: bytes) -> ArgumentCodec | None:  # noqa: ARG002
        """Know no code."""
        return None

    def funds_asset(self, contract: bytes, function: str) -> bytes | None:  # noqa: ARG002
        """Know no function."""
        return None


def _reference_form(prefix: str, what: str, find: str) -> Form:
    """Return the form of an id that may be given as a name; it is shown as an id."""

    def read(value: Json, place: Place) -> bytes:
        text = read_text(value, place, NAME_BYTES_MAX)
        try:
            found: bytes = getattr(place.lookup, find)(text)
        except MalformedBytesError as error:
            raise InvalidParamsError(place.path, str(error)) from error
        return found

    schema = {"type": "string", "maxLength": NAME_BYTES_MAX, "description": what}
    return Form(read, lambda value, _place: encode_id(prefix, value), schema)


def money_json(lookup: Lookup, asset: bytes | None, amount: int) -> Json:
    """Return an amount with its currency, or the bare number if the asset is unknown."""
    symbol = None if asset is None else lookup.symbol_of(asset)
    if asset is None or symbol is None:
        return amount
    return {"amount": amount, "currency": symbol, "asset": encode_id("ast", asset)}


def _money_form() -> Form:
    number = int_form(0, SAFE_INT_MAX)

    def asset_at(place: Place) -> bytes | None:
        if "asset" in place.before:
            asset: bytes = place.before["asset"]
            return asset
        found: bytes | None = place.lookup.funds_asset(
            place.before["contract"], place.before["function"]
        )
        return found

    def read(value: Json, place: Place) -> int:
        if not isinstance(value, dict):
            amount: int = number.read(value, place)
            return amount
        names = {"amount", "currency", "asset"}
        if "amount" not in value or not value.keys() <= names:
            place.refuse('an amount of minor units or {"amount", "currency", "asset"}', value)
        expected = asset_at(place)
        for name in sorted(value.keys() & {"currency", "asset"}):
            below = place.below(name)
            text = read_text(value[name], below, NAME_BYTES_MAX)
            try:
                found = place.lookup.find_asset(text)
            except MalformedBytesError as error:
                raise InvalidParamsError(below.path, str(error)) from error
            if found != expected:
                below.refuse("the asset that is moved", text)
        return number.read(value["amount"], place.below("amount"))  # type: ignore[no-any-return]

    def show(value: Any, place: Place) -> Json:
        return money_json(place.lookup, asset_at(place), value)

    money = {
        "type": "object",
        "properties": {
            "amount": number.schema, "currency": {"type": "string"}, "asset": {"type": "string"},
        },
        "required": ["amount"], "additionalProperties": False,
    }  # fmt: skip
    about = "Minor units (1 = 0.01 CNY)."
    return Form(read, show, {"anyOf": [number.schema, money], "description": about})


def _read_value(value: Json, place: Place, depth: int = 0) -> Any:
    """Return a canonical value: bytes are {"hex": ...}, large numbers {"integer": "..."}."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list) and depth < DEPTH_MAX:
        return [_read_value(one, place.item(i), depth + 1) for i, one in enumerate(value)]
    return _read_single(value, place)


def _read_single(value: Json, place: Place) -> int | str | bytes:
    if isinstance(value, int):
        return _SAFE_INT.read(value, place)  # type: ignore[no-any-return]
    if isinstance(value, str):
        return read_text(value, place, TX_BYTES_MAX)
    if isinstance(value, dict) and value.keys() == {"hex"}:
        return _BYTES.read(value["hex"], place.below("hex"))  # type: ignore[no-any-return]
    if not isinstance(value, dict) or value.keys() != {"integer"}:
        place.refuse('null, a bool, an integer, text, {"hex": "..."} or an array of such', value)
    text = read_text(value["integer"], place.below("integer"), _DIGITS_MAX)
    if not re.fullmatch(r"-?[1-9][0-9]*", text) or not INT_MIN <= int(text) <= INT_MAX:
        place.below("integer").refuse("digits of an integer of 64 bits", text)
    return int(text)


def _show_value(value: Any) -> Json:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if type(value) is int and abs(value) > SAFE_INT_MAX:
        return {"integer": str(value)}
    return [_show_value(one) for one in value] if isinstance(value, list | tuple) else value


def _arguments_form() -> Form:
    def codec_at(place: Place) -> tuple[ArgumentCodec | None, str]:
        before = place.before
        if "contract" in before:
            return place.lookup.codec_of(before["contract"]), before["function"]
        return place.lookup.codec_of_code(before["code"]), "init"

    def read(value: Json, place: Place) -> tuple[Any, ...]:
        if isinstance(value, list):
            if len(value) > ARGUMENTS_MAX:
                place.refuse(f"at most {ARGUMENTS_MAX} arguments", len(value))
            return tuple([_read_value(one, place.item(i)) for i, one in enumerate(value)])
        if not isinstance(value, dict):
            place.refuse("an object of arguments by name, or an array of canonical values", value)
        codec, function = codec_at(place)
        if codec is None:
            text = (
                "nothing is known of this contract; give the arguments as an array of canonical "
                "values in declared order"
            )
            raise InvalidParamsError(place.path, text)
        return codec.read_arguments(function, value, place.path)

    def show(value: Any, place: Place) -> Json:
        codec, function = codec_at(place)
        shown = None if codec is None else codec.show_arguments(function, value)
        return [_show_value(one) for one in value] if shown is None else shown

    about = (
        "By name as the contract's ABI declares them, or an array of canonical values, bytes as "
        '{"hex": "..."}.'
    )
    schema = {
        "anyOf": [{"type": "object"}, {"type": "array", "maxItems": ARGUMENTS_MAX}],
        "description": about,
    }
    return Form(read, show, schema, is_whole=True)


_ACCOUNT = id_form("acct", "an account")
_ASSET = _reference_form("ast", 'An asset: its symbol or "ast1...".', "find_asset")
_CONTRACT = _reference_form("ctr", 'A contract: its name or "ctr1...".', "find_contract")
_SPECIAL = Special(
    forms={
        ("", "account"): _ACCOUNT,
        ("", "to"): _ACCOUNT,
        ("", "issuer"): _ACCOUNT,
        ("", "guardians"): _ACCOUNT,
        ("", "sponsor"): _ACCOUNT,
        ("", "asset"): _ASSET,
        ("", "assets"): _ASSET,
        ("", "contract"): _CONTRACT,
        ("", "contracts"): _CONTRACT,
        ("", "links"): _CONTRACT,
        ("", "role"): name_form(Role, 15),
        ("IssueAsset", "policy"): name_form(Policy, max(Policy)),
        ("", "amount"): _money_form(),
        ("", "funds"): _money_form(),
        ("", "arguments"): _arguments_form(),
    },
    # Only what is harmless when forgotten: a key's scopes, whose absence means "everything", and
    # the functions of a scope, whose absence means "all", must be said.
    defaults={
        ("IssueAsset", "issuer"): None,
        ("IssueAsset", "contracts"): (),
        ("Call", "arguments"): (),
        ("Call", "funds"): 0,
        ("Deploy", "assets"): (),
        ("Deploy", "links"): (),
        ("Deploy", "arguments"): (),
        ("SetValidator", "ready"): None,
        ("UpgradeContract", "assets"): (),
        ("UpgradeContract", "links"): (),
        ("UpgradeContract", "at_ms"): 0,
        ("AccountKey", "limits"): (),
        ("AccountKey", "expires_at"): None,
    },
)
_FORM = form_of(Action, _SPECIAL)
_ACTIONS = array_form(_FORM, ACTIONS_MAX)
_CHANGE = form_of(Change, _SPECIAL)
ACTION_SCHEMA = _FORM.schema
ACTIONS_SCHEMA = {**_ACTIONS.schema, "minItems": 1}
ActionsJson = Annotated[
    list[dict[str, Any]],
    Field(min_length=1, max_length=ACTIONS_MAX),
    WithJsonSchema(ACTIONS_SCHEMA),
]
ChangeOfChain = Annotated[dict[str, Any], WithJsonSchema(_CHANGE.schema)]
_TRANSACTION = form_of(Transaction, _SPECIAL)


def read_actions(value: Json, lookup: Lookup, path: str = "actions") -> tuple[Action, ...]:
    """Return the actions that a JSON array describes.

    Raises InvalidParamsError with the path of what is wrong (`actions[0].to`), UnknownIdError for a
    name that nothing bears.
    """
    actions: tuple[Action, ...] = _ACTIONS.read(value, Place(path, lookup))
    if not actions:
        raise InvalidParamsError(path, "a transaction has at least one action")
    return actions


def show_action(action: Action, lookup: Lookup) -> dict[str, Json]:
    """Return the JSON of one action; the inverse of `read_actions`."""
    shown: dict[str, Json] = _FORM.show(action, Place("", lookup))
    return shown


def read_change(value: Json, lookup: Lookup, path: str = "change") -> Change:
    """Return the change that JSON describes for the operators' vote; raises as `read_actions`."""
    change: Change = _CHANGE.read(value, Place(path, lookup))
    return change


def show_change(change: Change, lookup: Lookup) -> dict[str, Json]:
    """Return the JSON of a change; the inverse of `read_change`."""
    shown: dict[str, Json] = _CHANGE.show(change, Place("", lookup))
    return shown


def read_body(value: Json, lookup: Lookup, path: str = "body") -> Transaction:
    """Return the unsigned transaction that `body_json` shows."""
    body: Transaction = _TRANSACTION.read(value, Place(path, lookup))
    return body


def body_json(body: Transaction, lookup: Lookup) -> dict[str, Json]:
    """Return the JSON of an unsigned transaction, all fields in their order."""
    shown: dict[str, Json] = _TRANSACTION.show(body, Place("", lookup))
    return shown


def transaction_json(tx: ReceivedTransaction, lookup: Lookup) -> dict[str, Json]:
    """Return the JSON of a signed transaction with its ids, keys and size."""
    cosignature = tx.cosignature
    return {
        "tx_id": tx.tx_id.hex(),
        "witness_id": tx.witness_id.hex(),
        **body_json(tx.body, lookup),
        "signing_key": (tx.body.key or tx.body.account).hex(),
        "signature": tx.signature.hex(),
        "cosignature": None
        if cosignature is None
        else {"key": cosignature.key.hex(), "signature": cosignature.signature.hex()},
        "bytes": len(tx.data),
    }


def check_body(body: Transaction, path: str = "actions") -> bytes:
    """Return the canonical bytes of a body that was put together from JSON.

    Raises InvalidParamsError if it would not be read back as it is, for instance because arguments
    nest too deep or it is too large.
    """
    try:
        data = encode(body)
        if decode(Transaction, data) == body and len(data) <= TX_BYTES_MAX:
            return data
        text = f"{len(data)} bytes of transaction, at most {TX_BYTES_MAX} are allowed"
    except (MalformedBytesError, ValueError, OverflowError) as error:
        text = str(error)
    raise InvalidParamsError(path, text)
