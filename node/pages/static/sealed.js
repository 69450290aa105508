// Details about a customer that a shop's node keeps sealed: opened here, their keys wrapped anew for who may read.
// The forms are those of the node: a blob under XChaCha20-Poly1305, its key in a sealed box of libsodium.
import { wash } from "./app.js";
import { ask } from "./lists.js";
import { seedFor } from "./wallet.js";
import { Key, decodeId, encodeId, fromHex, sha256, sha512, taggedHash, toHex } from "./wash.js";

const P = 2n ** 255n - 19n;
const UTF8 = new TextEncoder();

export const DEED = { READ: 2, ERASE: 3, PUT_KEYS: 4, LOG: 5 };
const NONE = new Uint8Array(32);
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const mod = (n) => ((n %= P) < 0n ? n + P : n);
const toNumber = (bytes) => bytes.reduceRight((sum, one) => (sum << 8n) | BigInt(one), 0n);
const toBytes = (n) => Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));

function inverse(n) {
  let [result, exponent] = [1n, P - 2n];
  for (let base = mod(n); exponent; exponent >>= 1n, base = (base * base) % P) if (exponent & 1n) result = (result * base) % P;
  return result;
}

/** X25519 (RFC 7748): the ladder of Montgomery. */
function multiply(scalar, point) {
  const k = toNumber(scalar), x1 = toNumber(point) & ((1n << 255n) - 1n);
  let [x2, z2, x3, z3] = [1n, 0n, x1, 1n];
  for (let t = 254n; t >= 0n; t--) {
    const bit = (k >> t) & 1n;
    if (bit) [x2, z2, x3, z3] = [x3, z3, x2, z2];
    const a = mod(x2 + z2), b = mod(x2 - z2), aa = mod(a * a), bb = mod(b * b), e = mod(aa - bb), da = mod((x3 - z3) * a), cb = mod((x3 + z3) * b);
    [x3, z3] = [mod((da + cb) ** 2n), mod(x1 * mod((da - cb) ** 2n))];
    [x2, z2] = [mod(aa * bb), mod(e * (aa + 121665n * e))];
    if (bit) [x2, z2, x3, z3] = [x3, z3, x2, z2];
  }
  return toBytes(mod(x2 * inverse(z2)));
}

const BASE = toBytes(9n);
function clamp(bytes) {
  const out = bytes.slice(0, 32);
  out[0] &= 248;
  out[31] = (out[31] & 127) | 64;
  return out;
}

/** The X25519 key that belongs to an Ed25519 one: u = (1 + y) / (1 - y). */
function boxKey(publicKey) {
  const y = toNumber(publicKey) & ((1n << 255n) - 1n);
  return toBytes(mod((1n + y) * inverse(1n - y)));
}

async function boxNonce(sender, recipient) {
  const { blake2b } = await import("./vendor/noble-hashes/blake2.js");
  return blake2b(join(sender, recipient), { dkLen: 24 });
}

async function boxCipher(shared, nonce) {
  if (shared.every((one) => one === 0)) throw new Error("a key that anybody could open");
  const { hsalsa, xsalsa20poly1305 } = await import("./vendor/noble-ciphers/salsa.js");
  const words = (bytes) => new Uint32Array(bytes.slice().buffer), key = new Uint32Array(8);
  hsalsa(words(UTF8.encode("expand 32-byte k")), words(shared), new Uint32Array(4), key);
  return xsalsa20poly1305(new Uint8Array(key.buffer), nonce);
}

async function sealBox(publicKey, message) {
  const ephemeral = clamp(crypto.getRandomValues(new Uint8Array(32))), recipient = boxKey(publicKey), sender = multiply(ephemeral, BASE);
  const cipher = await boxCipher(multiply(ephemeral, recipient), await boxNonce(sender, recipient));
  return join(sender, cipher.encrypt(message));
}

async function openBox(seed, sealed) {
  const secret = clamp(sha512(seed)), sender = sealed.slice(0, 32), recipient = multiply(secret, BASE);
  const cipher = await boxCipher(multiply(secret, sender), await boxNonce(sender, recipient));
  return cipher.decrypt(sealed.slice(32));
}

const number = (value, width) => Uint8Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * (width - 1 - i))) & 255n));

/** This customer's dealings with details, as the account at one shop. */
export class Details {
  #info;

  constructor(shop, seed) {
    this.shop = shop;
    this.seed = seed;
    this.key = new Key(seed);
    this.account = this.key.account;
  }

  static async at(shop) {
    return new Details(shop, await seedFor(shop));
  }

  /** A statement for one deed on this node, good for two minutes and once. */
  async sign(deed, { blob = NONE, purpose = 0, digest = NONE } = {}) {
    this.#info ??= (await ask(["node_info", {}]))[0];
    const { time_ms: at } = await wash.rpc("node_health"), nonce = crypto.getRandomValues(new Uint8Array(16));
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
    const { keys: theirs } = await wash.account(reader);
    const free = theirs.find((one) => one.scopes === null && !one.limits.length && one.expires_at === null);
    const made = [];
    for (const blob of free ? blobs : []) {
      const { key } = await this.open(blob).catch(() => ({ key: null })); // one that is not kept here
      if (key) made.push({ blob, account: reader, sealed: toHex(await sealBox(fromHex(free.key), key)) });
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

