"""`staff_photo`: a photo of a customer's car, sealed on the tablet for the customer alone."""

from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema
from typing_extensions import TypedDict

from chain.crypto import sha256
from chain.errors import StoreError, WashError
from chain.ids import decode_id
from chain.transaction import Call as CallAction
from contracts.vm.container import FunctionKind
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import InvalidParamsError
from node.rpc.methods.staff import SessionText
from node.rpc.methods.staff_sending import need, send_as_shop, staffing_of
from node.rpc.methods.tx import TxStatusJson, WaitMs
from node.rpc.methods.vault_params import Content, Keys, blob_text, vault_of
from node.rpc.params import parse_hash
from node.rpc.registry import Call, rpc_method
from node.staff.deeds import STEP
from node.staff.errors import NoSessionError, NoStaffError, NotYoursError
from node.vault.errors import GoneError, NoVaultError, RefusedBlobError, VaultFullError
from node.vault.sealing import blob_name, keys_hash
from node.vault.service import Vault, check_keys

PHOTO_BYTES_MAX = 1024 * 1024  # sealed; tablets make photos smaller than that
PHOTOS = 3  # the contract's number of this kind
RecordId = Annotated[
    bytes,
    PlainValidator(parse_hash),
    WithJsonSchema(
        {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "The service record."}
    ),
]
_LOST = ("failed", "expired")


class PhotoKeptJson(TypedDict):
    """A sealed photo that this node keeps, and what became of its entry on the chain."""

    blob: Annotated[str, Field(description="Its name.")]
    photo: Annotated[str, Field(description="The same as hex, for `records.photo`.")]
    sent: Annotated[TxStatusJson, Field(description="The entry by which it is on record.")]


@rpc_method(
    errors=(
        NoSessionError, NotYoursError, NoStaffError, NoVaultError, RefusedBlobError,
        VaultFullError, InvalidParamsError, StoreError, WashError,
    )
)  # fmt: skip
async def staff_photo(
    call: Call,
    *,
    session: SessionText,
    record: RecordId,
    content: Content,
    keys: Keys,
    epoch: Annotated[int, Field(ge=0, description="The customer's, as the photo was sealed.")],
    timeout_ms: WaitMs = 10_000,
) -> PhotoKeptJson:
    """Keep a photo that belongs to the record of a car which is in this shop.

    It is sealed where it is taken, under a key that is wrapped for the record's customer: neither
    this node nor the shop can look at it. `records.photo` then adds its name to the record.
    """
    staffing, vault = staffing_of(call), vault_of(call.node)
    member = staffing.session(session).member
    need(call, member, STEP, "keeping a photo")
    if len(content) > PHOTO_BYTES_MAX:
        text = f"a sealed photo has at most {PHOTO_BYTES_MAX} bytes, this one {len(content)}"
        raise InvalidParamsError("content", text)
    info = find_info(call.node, "records")
    look = find_function(info, "record", FunctionKind.VIEW)
    found = run_view(call.node, info, look, {"record": record.hex()})
    if found["shop"] != member.account or found["finished_at"]:
        text = "this car is not in the works of this shop"
        raise NotYoursError(text)
    owner = decode_id(found["customer"], "acct")
    name = blob_name(owner, content)
    check_keys(name, keys)
    shop = decode_id(member.account, "acct")
    entry = (owner, sha256(content), len(content), PHOTOS, epoch, keys_hash(keys), shop)
    register = CallAction(find_info(call.node, "consent").contract, "register", entry, 0)
    # Kept before the chain names it: a stop in between would leave a name without a photo.
    vault.keep(name, owner, content, keys)
    try:
        sent = await send_as_shop(call, staffing, member.account, (register,), timeout_ms)
    except WashError:
        _forget_unnamed(vault, name, owner)
        raise
    if sent["status"] in _LOST:
        _forget_unnamed(vault, name, owner)
    return {"blob": blob_text(name), "photo": name.hex(), "sent": sent}


def _forget_unnamed(vault: Vault, name: bytes, owner: bytes) -> None:
    """Take away a photo that is not on record; one that came twice is, and stays."""
    try:
        vault.contract.entry(name)
    except GoneError:
        vault.store.forget(name, owner)
