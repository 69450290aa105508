// Sealed boxes of libsodium (X25519, XSalsa20-Poly1305) for Ed25519 keys, on any page: no Web Crypto is needed.
import { wash } from "./app.js";
import { fromHex, sha512 } from "./wash.js";

const P = 2n ** 255n - 19n;
export const UTF8 = new TextEncoder();

export function join(...parts) {
  const made = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  parts.reduce((at, one) => (made.set(one, at), at + one.length), 0);
  return made;
}
export const chance = (count) => crypto.getRandomValues(new Uint8Array(count));
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

/** A message that only the owner of an Ed25519 key opens: a sealed box of libsodium. */
export async function sealBox(publicKey, message) {
  const ephemeral = clamp(chance(32)), recipient = boxKey(publicKey), sender = multiply(ephemeral, BASE);
  const cipher = await boxCipher(multiply(ephemeral, recipient), await boxNonce(sender, recipient));
  return join(sender, cipher.encrypt(message));
}

/** What is in a sealed box for the key of a seed. */
export async function openBox(seed, sealed) {
  const secret = clamp(sha512(seed)), sender = sealed.slice(0, 32), recipient = multiply(secret, BASE);
  const cipher = await boxCipher(multiply(secret, sender), await boxNonce(sender, recipient));
  return cipher.decrypt(sealed.slice(32));
}

/** A whole number as bytes, the highest first. */
export const number = (value, width) => Uint8Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * (width - 1 - i))) & 255n));

/** The key of an account that boxes are sealed for: the first one without bounds, or null. */
export async function boxKeyOf(account) {
  const { keys } = await wash.account(account);
  const free = keys.find((one) => one.scopes === null && !one.limits.length && one.expires_at === null);
  return free ? fromHex(free.key) : null;
}

const READERS_MAX = 8;

/** The keys that letters to an operator are sealed for: the account's own, and those with which somebody logs in for it, which move no money. */
export async function operatorKeysOf(account, now) {
  const { keys } = await wash.account(account);
  const isOwn = (one) => one.scopes === null && !one.limits.length && one.expires_at === null;
  const isLogin = (one) => one.scopes === null && one.expires_at > now && one.limits.every(({ amount }) => amount.amount === 0);
  return [...keys.filter(isOwn).slice(0, 1), ...keys.filter(isLogin)].slice(0, READERS_MAX).map((one) => fromHex(one.key));
}
