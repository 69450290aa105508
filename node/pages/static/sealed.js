// Details about a customer that a shop's node keeps sealed: opened here, their keys wrapped anew for who may read.
// The forms are those of the node: a blob under XChaCha20-Poly1305, its key in a sealed box of libsodium.
import { wash } from "./app.js";
import { UTF8, boxKeyOf, chance, join, number, openBox, sealBox } from "./box.js";
import { ask } from "./lists.js";
import { seedFor, takenOver } from "./wallet.js";
import { Key, decodeId, encodeId, fromHex, sha256, taggedHash, toHex } from "./wash.js";

export const DEED = { READ: 2, ERASE: 3, PUT_KEYS: 4, LOG: 5 };
const NONE = new Uint8Array(32);

/** This customer's dealings with details, as the account at one shop. */
export class Details {
  #info;

  constructor(shop, seed) {
    this.shop = shop;
    this.seed = seed;
    this.key = new Key(seed);
    this.account = takenOver()[shop] ?? this.key.account;
  }

  static async at(shop) {
    return new Details(shop, await seedFor(shop));
  }

  /** A statement for one deed on this node, good for two minutes and once. */
  async sign(deed, { blob = NONE, purpose = 0, digest = NONE } = {}) {
    this.#info ??= (await ask(["node_info", {}]))[0];
    const { time_ms: at } = await wash.rpc("node_health"), nonce = chance(16);
    const account = decodeId(this.account, "acct");
    const said = taggedHash("vault-statement", join(
      fromHex(this.#info.chain_id), fromHex(this.#info.validator_key), account, [deed], blob, [purpose], number(at, 8), nonce, digest,
    ));
    return { account: this.account, key: toHex(this.key.publicKey), at, nonce: toHex(nonce), signature: toHex(this.key.sign(said)) };
  }

  /** A blob of one's own, and the key it is under. */
  async open(name) {
    const blob = decodeId(name, "blb");
    const found = await wash.rpc("blob_get", { blob: name, purpose: "SERVICE", auth: await this.sign(DEED.READ, { blob, purpose: 1 }) });
    if (!found.key) return { content: null, key: null };
    const sealed = fromHex(found.content), owner = decodeId(found.owner, "acct");
    if (toHex(sha256(join(owner, sha256(sealed)))) !== toHex(blob)) throw new Error("the node gave other bytes");
    const key = await openBox(this.seed, fromHex(found.key));
    const { xchacha20poly1305 } = await import("./vendor/noble-ciphers/chacha.js");
    const associated = join(UTF8.encode("washnode details 1"), owner, [found.kind], number(found.epoch, 4));
    const padded = xchacha20poly1305(key, sealed.slice(1, 25), associated).decrypt(sealed.slice(25));
    const content = padded.slice(0, padded.lastIndexOf(0x80));
    const isText = content[0] === 1;
    return { content: isText ? JSON.parse(new TextDecoder().decode(content.slice(1))) : content.slice(1), key };
  }

  /** Say yes: the keys of today's blobs are wrapped for the reader here, the node sees wrapped ones only. */
  async grant(client, asked, blobs, options) {
    const keys = await this.#wrapped(asked.reader, blobs);
    const parts = keys.map((one) => toHex(join(decodeId(one.blob, "blb"), decodeId(one.account, "acct"), fromHex(one.sealed)))).sort();
    const digest = taggedHash("wrapped-keys", join(...parts.map(fromHex)));
    const { reader, scope, kinds, purpose, until } = asked;
    const done = await client.call("consent.grant", { reader, scope, kinds, purpose, begins: 0, until, keys: toHex(digest) }, options);
    const consent = done.event("consent.Given").id;
    if (keys.length) {
      const auth = await this.sign(DEED.PUT_KEYS, { blob: decodeId(consent, "cns"), digest });
      await wash.rpc("consent_putKeys", { consent, keys, auth });
    }
    return done;
  }

  async #wrapped(reader, blobs) {
    const theirs = await boxKeyOf(reader);
    const made = [];
    for (const blob of theirs ? blobs : []) {
      const { key } = await this.open(blob).catch(() => ({ key: null })); // one that is not kept here
      if (key) made.push({ blob, account: reader, sealed: toHex(await sealBox(theirs, key)) });
    }
    return made;
  }

  async readings(cursor = null) {
    return wash.rpc("consent_accessLog", { auth: await this.sign(DEED.LOG), cursor, limit: 50 });
  }

  /** Destroyed on record for all who keep it, and at once on this node. */
  async erase(client, name, options) {
    const done = await client.call("consent.erase", { blob: name }, options);
    await wash.rpc("blob_erase", { blob: name, auth: await this.sign(DEED.ERASE, { blob: decodeId(name, "blb") }) }).catch(console.warn);
    return done;
  }
}

export const ids = (hex, prefix) => (hex.match(/.{64}/g) ?? []).map((one) => encodeId(prefix, fromHex(one)));
export const ANY = encodeId("blb", NONE);

