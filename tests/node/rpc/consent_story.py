"""A part of the examples: Sparkle writes something about alice, and Harbour wants to read it."""

from chain.crypto import sha256
from chain.ids import decode_id, encode_id
from chain.types import DAY_MS
from node.demo.accounts import account_of, signer_of
from node.vault.sealing import Place, Wrapped, blob_name, keys_hash, seal_details, wrap_key
from node.vault.statements import Deal, Deed, sign_statement
from tests.node.rpc.story import MORNING, Json, Teller, acct, call_action

KEY = sha256(b"the key of alice's notes")
DETAILS = {"note": "scratch at the left door, shown to the customer"}
NOTES = 4
UNTIL = MORNING + 30 * DAY_MS
PLACE = Place(account_of("alice"), NOTES, 0)
BLOB = seal_details(DETAILS, PLACE, key=KEY, nonce=sha256(b"a nonce")[:24])
NAME = blob_name(account_of("alice"), BLOB)


async def about_consent(teller: Teller) -> None:
    """Let details be kept, asked for, given, read, and erased."""
    vault = teller.node.vault
    vault.chance = lambda length: sha256(b"a salt")[:length]
    blob = encode_id("blb", NAME)
    await _write(teller, blob)
    asked = {"reader": acct("harbour"), "blob": blob, "purpose": "CLAIM"}
    await teller.show("consent_check", "before anybody asked", asked)
    await _ask_and_give(teller, blob)
    await teller.show("consent_check", "with a consent", asked)
    reading = {"blob": blob, "purpose": "CLAIM"}
    auth = statement(teller, "harbour", Deal(Deed.READ, NAME, 3))
    await teller.show("blob_get", "under a consent", {**reading, "auth": auth})
    await teller.refuse("blob_get", "with a used statement", {**reading, "auth": auth})
    auth = statement(teller, "bob", Deal(Deed.READ, NAME, 3))
    await teller.refuse("blob_get", "without a consent", {**reading, "auth": auth})
    log = {"auth": statement(teller, "alice", Deal(Deed.LOG))}
    await teller.show("consent_accessLog", "who read what of hers", log)
    await _views(teller, blob)
    await teller.do("alice", call_action("consent", "erase", {"blob": blob}))
    erasing = {"blob": blob, "auth": statement(teller, "alice", Deal(Deed.ERASE, NAME))}
    await teller.show("blob_erase", "at once, on this node", erasing)
    await teller.show("consent_check", "after the erasure", asked)
    await _at_a_gateway(teller)


async def _at_a_gateway(teller: Teller) -> None:
    """Let this node keep what another shop wrote, whose own node nobody can reach."""
    place = Place(account_of("dave"), NOTES, 0)
    blob = seal_details(DETAILS, place, key=KEY, nonce=sha256(b"another")[:24])
    name = encode_id("blb", blob_name(account_of("dave"), blob))
    entry = {
        "owner": acct("dave"), "content": sha256(blob).hex(), "size": len(blob), "kind": "NOTES",
        "epoch": 0, "keys": keys_hash([]).hex(), "holder": acct("harbour"),
    }  # fmt: skip
    await teller.do("harbour", call_action("consent", "register", entry))
    naming = call_action("consent", "add_holder", {"blob": name, "holder": acct("sparkle")})
    who = {"account": acct("harbour"), "sponsor": acct("sparkle")}
    built = await teller.ask("tx_build", {**who, "actions": [naming]})
    signature = signer_of("harbour").sign(bytes.fromhex(built["sign_bytes"])).hex()
    offered = {"body": built["body"], "signature": signature}
    await teller.show("blob_host", "for another shop", offered)
    wrong = {**offered, "signature": "00" * 64}
    await teller.refuse("blob_host", "what the shop did not sign", wrong)
    teller.make_block()
    await teller.show("blob_missing", "what is to be brought", {"blobs": [name]})


def statement(teller: Teller, name: str, deal: Deal) -> Json:
    """Return somebody's signed statement for one deed on the story's node."""
    node = teller.node
    nonce = sha256(f"{name} {deal.deed} {node.clock.now_ms()}".encode())[:16]
    where = node.ledger.chain_id, node.validator_key
    fresh = node.clock.now_ms(), nonce
    said = sign_statement(signer_of(name), account_of(name), where, deal, fresh)
    return {
        "account": acct(name), "key": said.key.hex(), "at": said.at_ms, "nonce": nonce.hex(),
        "signature": said.signature.hex(),
    }  # fmt: skip


def wrapped(*names: str) -> list[Wrapped]:
    """Return the key of the notes, wrapped for some people."""
    return [
        Wrapped(NAME, account_of(one), wrap_key(KEY, account_of(one), ephemeral=sha256(b"e")))
        for one in names
    ]


def shown(keys: list[Wrapped]) -> list[Json]:
    """Return wrapped keys as JSON."""
    return [
        {
            "blob": encode_id("blb", one.blob), "account": encode_id("acct", one.account),
            "sealed": one.sealed.hex(),
        }
        for one in keys
    ]  # fmt: skip


async def _write(teller: Teller, blob: str) -> None:
    keys = wrapped("alice", "sparkle")
    entry = {
        "owner": acct("alice"), "content": sha256(BLOB).hex(), "size": len(BLOB), "kind": "NOTES",
        "epoch": 0, "keys": keys_hash(keys).hex(), "holder": acct("sparkle"),
    }  # fmt: skip
    await teller.do("sparkle", call_action("consent", "register", entry))
    auth = statement(teller, "sparkle", Deal(Deed.PUT, NAME, digest=keys_hash(keys)))
    kept = {"blob": blob, "content": BLOB.hex(), "keys": shown(keys), "auth": auth}
    await teller.show("blob_put", "notes on a car", kept)
    auth = statement(teller, "sparkle", Deal(Deed.PUT, NAME, digest=keys_hash([])))
    bare = {**kept, "keys": [], "auth": auth}
    await teller.refuse("blob_put", "without the keys on record", bare)


async def _ask_and_give(teller: Teller, blob: str) -> None:
    scope = {"scope": blob, "kinds": 0, "purpose": "CLAIM", "until": UNTIL}
    ask = {"owner": acct("alice"), **scope}
    await teller.do("harbour", call_action("consent", "request", ask))
    await teller.show("consent.questions", "that wait for her", {"owner": acct("alice")})
    keys = wrapped("harbour")
    give = {"reader": acct("harbour"), **scope, "begins": 0, "keys": keys_hash(keys).hex()}
    await teller.do("alice", call_action("consent", "grant", give))
    named = {"owner": acct("alice"), "reader": acct("harbour"), "scope": blob, "purpose": "CLAIM"}
    found = await teller.show("consent.consent_id", "of these four", named)
    consent = found["data"]
    await teller.show("consent.consent", "as it stands", {"id": consent})
    await teller.show("consent.is_good", "whether it is in force", {"id": consent})
    deal = Deal(Deed.PUT_KEYS, decode_id(consent, "cns"), digest=keys_hash(keys))
    bringing = {"consent": consent, "keys": shown(keys), "auth": statement(teller, "alice", deal)}
    await teller.show("consent_putKeys", "for who may read now", bringing)


async def _views(teller: Teller, blob: str) -> None:
    who = {"owner": acct("alice")}
    asked = {"reader": acct("harbour"), "blob": blob, "purpose": "CLAIM"}
    await teller.show("consent.may_read", "for a claim", asked)
    await teller.show("consent.check_read", "and why", asked)
    await teller.refuse("consent.check_read", "for offers", {**asked, "purpose": "OFFERS"})
    await teller.show("consent.blob", "what is on record", {"id": blob})
    await teller.show("consent.holding", "who keeps it", {"blob": blob, "holder": acct("sparkle")})
    await teller.show("consent.epoch", "of her keys", who)
    await teller.show("consent.consents_of", "those she gave", {**who, "skip": 0})
    await teller.show("consent.readers", "of all her notes", {**who, "kind": "NOTES"})
    day = {"holder": acct("sparkle"), "day": MORNING // DAY_MS}
    await teller.show("consent.access_day", "not over yet", day)
