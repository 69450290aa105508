"""Golden transactions: from JSON to the bytes that are signed and sent, for every kind of action.

Whoever writes a client in another language compares with tests/vectors/transactions/actions.json;
`python -m tests.node.rpc.action_vectors` writes it anew when the bytes change on purpose.
"""

import json
from pathlib import Path
from typing import Any

from chain.codec import encode
from chain.crypto import Signer, hash_bytes
from chain.ids import encode_id
from chain.transaction import sign_transaction, signing_bytes, sponsor_bytes, tx_id
from node import catalog
from node.abi_of_code import read_abi
from node.rpc.forms.abi_arguments import AbiArguments
from node.rpc.forms.abi_values import Codec
from node.rpc.forms.actions import IdsOnly, read_body

FILE = Path(__file__).resolve().parents[2] / "vectors" / "transactions" / "actions.json"
BOOKING = hash_bytes("vector", b"booking")
SAFE = 2**53 - 1
START = 1_767_607_200_000


def seed(name: str) -> bytes:
    return hash_bytes("vector-seed", name.encode())


def key(name: str) -> str:
    return Signer(seed(name)).public_key.hex()


def acct(name: str) -> str:
    return encode_id("acct", Signer(seed(name)).public_key)


def word(text: str) -> str:
    return hash_bytes("vector", text.encode()).hex()


def named(prefix: str, text: str) -> str:
    return encode_id(prefix, hash_bytes("vector", text.encode()))


class VectorLookup(IdsOnly):
    """Knows one contract: bookings under a fixed id."""

    def codec_of(self, contract: bytes) -> AbiArguments | None:
        if contract != BOOKING:
            return None
        abi = read_abi(catalog.abi("booking"), catalog.program("booking").container)
        return AbiArguments(abi, Codec(abi.enums))


CNY, BOX = named("ast", "CNY"), named("ctr", "box")
BOOKINGS, BOOKED = named("ctr", "booking"), named("bkg", "a booking")
ORDER = {
    "shop": acct("shop"), "service": 3, "version": 1, "start": START, "end": START + 1_800_000,
    "cell": 0, "total": 6800, "policy": word("policy"),
}  # fmt: skip
EDGE_NUMBERS = [0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, SAFE]
NEGATIVES = [-1, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -SAFE]
TEXTS = ["", "a" * 31, "b" * 32, "c" * 255, "d" * 256, "汽车 🚗 é", '"\\\n\u0000']
BYTES = [{"hex": ""}, {"hex": "00"}, {"hex": "ff" * 255}, {"hex": "ab" * 256}]


def call(contract: str, function: str, arguments: Any, funds: int = 0) -> dict[str, Any]:
    return {
        "type": "call", "contract": contract, "function": function, "arguments": arguments,
        "funds": funds,
    }  # fmt: skip


def propose(change: str, **values: Any) -> dict[str, Any]:
    return {"type": "propose", "change": {"type": change, **values}}


def limited_key() -> dict[str, Any]:
    return {
        "type": "add_key", "key": key("phone"),
        "scopes": [{"contract": BOOKINGS, "functions": ["request", "cancel_booking"]},
                   {"contract": BOX, "functions": []}],
        "limits": [{"asset": CNY, "amount": 50_000, "window_ms": 86_400_000}],
        "expires_at": START,
    }  # fmt: skip


ACTIONS: dict[str, list[dict[str, Any]]] = {
    "transfer": [{"type": "transfer", "asset": CNY, "to": acct("bob"), "amount": 680}],
    "transfer of nothing": [{"type": "transfer", "asset": CNY, "to": acct("bob"), "amount": 0}],
    "transfer of all": [{"type": "transfer", "asset": CNY, "to": acct("bob"), "amount": SAFE}],
    "issue_asset": [{"type": "issue_asset", "symbol": "PTS", "decimals": 0, "policy": "open"}],
    "issue_asset for contracts": [{
        "type": "issue_asset", "symbol": "CNY-2.a_b", "decimals": 18, "policy": "contracts_only",
        "issuer": acct("issuer"), "contracts": [BOOKINGS, BOX],
    }],
    "mint": [{"type": "mint", "asset": CNY, "to": acct("bob"), "amount": 100}],
    "burn": [{"type": "burn", "asset": CNY, "amount": 100}],
    "allow_contracts": [{"type": "allow_contracts", "asset": CNY, "contracts": [BOOKINGS]}],
    "allow no contracts": [{"type": "allow_contracts", "asset": CNY, "contracts": []}],
    "call by names": [call(BOOKINGS, "request", ORDER, 6800)],
    "call by names, a percentage": [
        call(BOOKINGS, "claim_redo", {"id": BOOKED, "claim_bp": 10_000})
    ],
    "call by values: none": [call(BOX, "open_shop", [])],
    "call by values: numbers": [call(BOX, "numbers", EDGE_NUMBERS)],
    "call by values: negative numbers": [call(BOX, "numbers", NEGATIVES)],
    "call by values: beyond exact numbers": [
        call(BOX, "numbers", [{"integer": str(2**64 - 1)}, {"integer": str(-(2**63))}])
    ],
    "call by values: texts": [call(BOX, "texts", TEXTS)],
    "call by values: bytes": [call(BOX, "bytes", BYTES)],
    "call by values: the rest": [
        call(BOX, "f" * 48, [None, True, False, [], [1, [{"hex": "01"}]]])
    ],
    "call by values: sixty-four": [call(BOX, "many", list(range(64)), SAFE)],
    "deploy": [{"type": "deploy", "code": "00ff" * 20}],
    "deploy with bindings": [{
        "type": "deploy", "code": "", "assets": [CNY], "links": [BOX, BOOKINGS],
        "arguments": [86_400_000, True],
    }],
    "add_key for everything": [{"type": "add_key", "key": key("phone"), "scopes": None}],
    "add_key with bounds": [limited_key()],
    "remove_key": [{"type": "remove_key", "key": key("phone")}],
    "set_guardians": [
        {"type": "set_guardians", "guardians": [acct("bob"), acct("shop")], "threshold": 2}
    ],
    "approve_recovery": [
        {"type": "approve_recovery", "account": acct("bob"), "new_key": key("new phone")}
    ],
    "cancel_recovery": [{"type": "cancel_recovery"}],
    "finish_recovery": [{"type": "finish_recovery", "account": acct("bob")}],
    "propose grant_role": [propose("grant_role", account=acct("bob"), role="arbiter")],
    "propose revoke_role without a name": [propose("revoke_role", account=acct("bob"), role=15)],
    "propose set_param": [propose("set_param", name="timers_per_block", value=300)],
    "propose install_contract": [propose("install_contract", name="洗车", contract=BOX)],
    "propose set_validator": [propose("set_validator", key=key("validator"), power=0)],
    "propose a validator that is ready": [
        propose("set_validator", key=key("validator"), power=1, ready={
            "height": 1_230, "block_id": word("a block"), "signature": "5a" * 64})
    ],
    "propose set_feature": [propose("set_feature", name="night-prices", height=50_000)],
    "propose issue_asset": [
        propose("issue_asset", symbol="EUR", decimals=2, policy="to_members", issuer=acct("shop"),
                contracts=[BOX])
    ],
    "propose allow_contracts": [propose("allow_contracts", asset=CNY, contracts=[BOOKINGS])],
    "propose upgrade_contract": [
        propose("upgrade_contract", contract=BOX, code_id=word("code"), assets=[CNY],
                links=[BOOKINGS], at_ms=START)
    ],
    "propose upgrade_contract soon": [
        propose("upgrade_contract", contract=BOX, code_id=word("code"))
    ],
    "propose withdraw_upgrade": [propose("withdraw_upgrade", contract=BOX, code_id=word("code"))],
    "propose set_issuer": [propose("set_issuer", asset=CNY, contract=BOX)],
    "vote": [{"type": "vote", "proposal": word("proposal")}],
    "oppose": [{"type": "oppose", "proposal": word("proposal")}],
    "admit": [{"type": "admit", "account": acct("bob")}],
    "sixteen": [{"type": "burn", "asset": CNY, "amount": n} for n in range(16)],
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "version": 1, "chain_id": word("chain"), "account": acct("alice"), "key": None, "nonce": 7,
    "valid_until": START + 600_000, "gas_limit": 60_000, "sponsor": None, "client_ref": None,
}  # fmt: skip
# Fields of the body that differ from the plain ones, each with the first case's action.
BODIES: dict[str, dict[str, Any]] = {
    "a key of its own": {"key": key("phone")},
    "a sponsor": {"sponsor": acct("shop")},
    "a reference": {"client_ref": "00112233445566778899aabbccddeeff"},
    "least numbers": {"version": 0, "nonce": 0, "valid_until": 0, "gas_limit": 0},
    "greatest numbers": {
        "version": 65_535, "nonce": SAFE, "valid_until": SAFE, "gas_limit": SAFE,
    },
    "everything": {
        "key": key("phone"), "sponsor": acct("shop"), "client_ref": "f" * 32, "nonce": 1_024,
    },
}  # fmt: skip


def make_case(name: str, transaction: dict[str, Any]) -> dict[str, Any]:
    """Return a case: the JSON, who signs it, and the bytes."""
    body = read_body(transaction, VectorLookup())
    signing = "alice" if transaction["key"] is None else "phone"
    sponsor = None if transaction["sponsor"] is None else Signer(seed("shop"))
    return {
        "name": name,
        "transaction": transaction,
        "seed": seed(signing).hex(),
        "sponsor_seed": None if sponsor is None else seed("shop").hex(),
        "body": encode(body).hex(),
        "sign_bytes": signing_bytes(body).hex(),
        "sponsor_sign_bytes": sponsor_bytes(body).hex(),
        "tx_id": tx_id(body).hex(),
        "tx": sign_transaction(body, Signer(seed(signing)), sponsor).hex(),
    }


def make_vectors() -> dict[str, Any]:
    """Return the whole file."""
    first = next(iter(ACTIONS.values()))
    cases = [make_case(name, {**PLAIN, "actions": actions}) for name, actions in ACTIONS.items()]
    cases += [
        make_case(name, {**PLAIN, **changes, "actions": first}) for name, changes in BODIES.items()
    ]
    about = (
        "Arguments given by name are those of the contract under 'contract', whose ABI is "
        "contracts/standard/compiled/booking.abi.json. Missing members have their defaults."
    )
    return {"about": about, "contract": BOOKINGS, "cases": cases}


if __name__ == "__main__":
    FILE.write_text(json.dumps(make_vectors(), indent=1, ensure_ascii=True) + "\n", "utf-8")
