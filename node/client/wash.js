/**
 * The JavaScript client of a node, one file without dependencies, for browsers, Node and Deno.
 *
 *     import { Wash, Key } from "./wash.js";
 *     const wash = new Wash("http://127.0.0.1:8787", { key: new Key(seed) });
 *     const final = await wash.call("booking.request", { shop, service: 1, ... }, { funds: 6800 });
 *
 * It trusts the node with answers, never with signatures: transactions are put together and signed
 * here, keys stay here. It brings its own SHA-2 and Ed25519, because browsers keep crypto.subtle
 * from pages of a plain http:// address in a shop's own network. Nothing in JavaScript takes
 * the same time for every key: do not sign where a stranger can measure the time of many signings.
 *
 * A page opened from a disk can not import files; put this text and your own after it into one
 * <script type="module">, and "null" (the origin of such a page) into the node's
 * rpc.allowed_origins. Amounts are integers of minor units, times ms since 1970.
 *
 * @module
 */

// ------------------------------------------------------------------------------------- errors

/** What goes wrong. `code`, `name`, `zh` and `retry` are the node's; `reason` a contract's word. */
class WashError extends Error {
  /**
   * @param {number} code
   * @param {string} name such as NOT_FOUND; this client's own are NODE_UNREACHABLE, BAD_ANSWER,
   *   STILL_PENDING (code -32000)
   * @param {string} message
   * @param {Record<string, any>} [data] what the node told besides
   */
  constructor(code, name, message, data = {}) {
    super(message);
    this.name = name;
    this.code = code;
    this.data = data;
    this.zh = String(data.zh ?? "");
    this.retry = String(data.retry ?? "never");
    this.reason = String(data.reason ?? "");
    /** @type {Final | null} the outcome, if it was refused inside a block */
    this.final = null;
  }
}

const TRANSPORT = -32000;
const CODES = { params: -32602, notReady: -32001, rate: -32002, notFound: 6001, expired: 1006 };
const STATUS_CODES = new Map([
  [401, [-32003, "UNAUTHENTICATED"]], [403, [-32004, "FORBIDDEN"]],
  [413, [CODES.params, "INVALID_PARAMS"]], [429, [CODES.rate, "RATE_LIMITED"]],
  [503, [CODES.notReady, "NOT_READY"]],
]);

const unreachable = (text) => new WashError(TRANSPORT, "NODE_UNREACHABLE", text, { retry: "same" });
const badAnswer = (text) => new WashError(TRANSPORT, "BAD_ANSWER", text);
const isLost = (error) => error.name === "NODE_UNREACHABLE" || error.code === CODES.notReady;
const seen = (value) => {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  if (value === null || typeof value !== "object") return String(value).slice(0, 60);
  return Array.isArray(value) ? "an array" : "an object";
};

function refuse(field, text) {
  const message = field ? `${field}: ${text}` : text;
  throw new WashError(CODES.params, "INVALID_PARAMS", message, { field });
}

const malformed = (text) => new WashError(1001, "MALFORMED_BYTES", text);

function readError(error, final = null) {
  if (typeof error?.code !== "number" || typeof error.message !== "string") {
    return badAnswer(`an error without a code and a message: ${seen(error)}`);
  }
  const data = { ...error, ...error.data };
  delete data.data;
  const found = new WashError(error.code, String(data.name ?? "ERROR"), error.message, data);
  found.final = final;
  return found;
}

// ------------------------------------------------------------------------------ bytes and text

const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HALF_PAIR = /\p{Surrogate}/u;

/** @param {Uint8Array} bytes @returns {string} lower-case hex */
const toHex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");

/** @param {string} text lower-case hex @returns {Uint8Array} */
function fromHex(text) {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/.test(text)) {
    throw malformed(`${seen(text)} is no lower-case hex`);
  }
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {...(Uint8Array | number[])} parts @returns {Uint8Array} */
function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const isBytes = (value, low, high = low) =>
  value instanceof Uint8Array && value.length >= low && value.length <= high;
const isEqual = (a, b) => a.length === b.length && a.every((one, place) => one === b[place]);
const isObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !isBytes(value, 0, Infinity);
const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));

// -------------------------------------------------------------------------------------- hashes

const MASK64 = (1n << 64n) - 1n;
const PRIMES = [];
for (let n = 2; PRIMES.length < 80; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);

/** The first 64 bits behind the point of a prime's root: the constants of SHA-2. */
function fractionOfRoot(prime, degree) {
  const wide = BigInt(prime) << (64n * degree);
  for (let x = 1n << 70n; ; ) {
    const next = ((degree - 1n) * x + wide / x ** (degree - 1n)) / degree;
    if (next >= x) return x & MASK64;
    x = next;
  }
}

const ROUNDS512 = PRIMES.map((prime) => fractionOfRoot(prime, 3n));
const START512 = PRIMES.slice(0, 8).map((prime) => fractionOfRoot(prime, 2n));
const ROUNDS256 = Int32Array.from(ROUNDS512.slice(0, 64), (one) => Number(one >> 32n));
const START256 = Int32Array.from(START512, (one) => Number(one >> 32n));

/** The message, a 1 bit, zeros, and its length in bits at the end of a whole block. */
function padded(data, blockBytes) {
  const size = Math.ceil((data.length + 1 + blockBytes / 8) / blockBytes) * blockBytes;
  const whole = new Uint8Array(size);
  whole.set(data);
  whole[data.length] = 0x80;
  new DataView(whole.buffer).setBigUint64(size - 8, BigInt(data.length) * 8n);
  return new DataView(whole.buffer);
}

/** @param {Uint8Array} data @returns {Uint8Array} SHA-256 (FIPS 180-4) */
function sha256(data) {
  const view = padded(data, 64);
  const state = Int32Array.from(START256);
  const w = new Int32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3))
        + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS256[i] + w[i]) | 0;
      const t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((one, i) => { state[i] += one; });
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((one, i) => out.setInt32(4 * i, one));
  return new Uint8Array(out.buffer);
}

/** @param {Uint8Array} data @returns {Uint8Array} SHA-512 (FIPS 180-4) */
function sha512(data) {
  const view = padded(data, 128);
  const state = BigUint64Array.from(START512);
  const w = new BigUint64Array(80); // cuts to 64 bits by itself
  const turn = (x, n) => (x >> n) | (x << (64n - n));
  for (let at = 0; at < view.byteLength; at += 128) {
    for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(at + 8 * i);
    for (let i = 16; i < 80; i++) {
      const x = w[i - 15], y = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + ((turn(x, 1n) ^ turn(x, 8n) ^ (x >> 7n)) & MASK64)
        + ((turn(y, 19n) ^ turn(y, 61n) ^ (y >> 6n)) & MASK64);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i++) {
      const s1 = (turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n)) & MASK64;
      const t1 = h + s1 + ((e & f) ^ (~e & g)) + ROUNDS512[i] + w[i];
      const s0 = (turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n)) & MASK64;
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK64, c, b, a, (t1 + t2) & MASK64];
    }
    [a, b, c, d, e, f, g, h].forEach((one, i) => { state[i] += one; });
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((one, i) => out.setBigUint64(8 * i, one));
  return new Uint8Array(out.buffer);
}

/** @param {string} tag @param {Uint8Array} data @returns {Uint8Array} the protocol's H(tag, data) */
function taggedHash(tag, data) {
  const prefix = sha256(UTF8.encode(`washnode/${tag}`));
  return sha256(concat(prefix, prefix, data));
}

/** @param {Uint8Array[]} items @returns {Uint8Array} the list root (RFC 6962, section 2.1) */
function listRoot(items) {
  if (!items.length) return sha256(new Uint8Array());
  let level = items.map((item) => sha256(concat([0], item)));
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(i + 1 < level.length ? sha256(concat([1], level[i], level[i + 1])) : level[i]);
    }
    level = above;
  }
  return level[0];
}

// ------------------------------------------------------------------------------------- Ed25519

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (n, m = P) => ((n %= m) < 0n ? n + m : n);

function power(base, exponent) {
  let result = 1n;
  for (; exponent; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result;
}

const inverse = (n) => power(n, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);

// Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z; this sum holds for any two of them.
const NEUTRAL = [0n, 1n, 1n, 0n];
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = ((y1 + x1) * (y2 + x2)) % P;
  const c = (((2n * t1 * t2) % P) * D) % P, d = (2n * z1 * z2) % P;
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function readNumber(bytes) {
  let n = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) n = (n << 8n) | BigInt(bytes[i]);
  return n;
}

const writeNumber = (n) => Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));

function writePoint([x, y, z]) {
  const over = inverse(z);
  return writeNumber(mod(y * over) | ((mod(x * over) & 1n) << 255n));
}

/** The point of 32 canonical bytes, or null. */
function readPoint(bytes) {
  const whole = readNumber(bytes), sign = whole >> 255n, y = whole & ((1n << 255n) - 1n);
  if (y >= P) return null;
  const square = mod((y * y - 1n) * inverse(mod(D * y * y + 1n)));
  let x = power(square, (P + 3n) / 8n);
  if ((x * x) % P !== square) x = (x * ROOT_OF_MINUS_1) % P;
  if ((x * x) % P !== square || (x === 0n && sign)) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, (x * y) % P];
}

function isSmall(point) {
  for (let i = 0; i < 3; i++) point = add(point, point);
  return point[0] === 0n;
}

const multiplesOf = (point) => {
  const row = [NEUTRAL];
  for (let i = 1; i < 16; i++) row.push(add(row[i - 1], point));
  return row;
};
const digitsOf = (n) => Array.from({ length: 64 }, (_, i) => Number((n >> BigInt(4 * i)) & 15n));

let baseTable = null; // row i holds the multiples of 16^i times the base point; made when needed
function timesBase(n) {
  if (!baseTable) {
    let point = readPoint(writeNumber(mod(4n * inverse(5n))));
    baseTable = [];
    for (let i = 0; i < 64; i++) {
      baseTable.push(multiplesOf(point));
      point = add(baseTable[i][15], point);
    }
  }
  return digitsOf(n).reduce((sum, digit, i) => (digit ? add(sum, baseTable[i][digit]) : sum), NEUTRAL);
}

function times(n, point) {
  const row = multiplesOf(point);
  return digitsOf(n).reduceRight((sum, digit) => {
    for (let i = 0; i < 4; i++) sum = add(sum, sum);
    return digit ? add(sum, row[digit]) : sum;
  }, NEUTRAL);
}

const challenge = (...parts) => mod(readNumber(sha512(concat(...parts))), ORDER);

/** A key pair, made of a 32-byte secret seed. */
class Key {
  #secret;
  #prefix;
  /** @param {Uint8Array | string} seed 32 bytes, or their 64 hex digits */
  constructor(seed) {
    const isText = typeof seed === "string";
    // The seed is a secret, so no message repeats it.
    if (isText ? !/^[0-9a-f]{64}$/.test(seed) : !isBytes(seed, 32)) {
      throw malformed("a seed is 32 bytes, or 64 lower-case hex digits");
    }
    const wide = sha512(isText ? fromHex(seed) : seed);
    wide[0] &= 248;
    wide[31] = (wide[31] & 127) | 64;
    this.#secret = readNumber(wide.subarray(0, 32));
    this.#prefix = wide.slice(32);
    /** @type {Uint8Array} */
    this.publicKey = writePoint(timesBase(this.#secret));
    /** @type {string} the account that this key is the first key of */
    this.account = encodeId("acct", this.publicKey);
  }

  /** @returns {{ key: Key, seed: Uint8Array }} a new key; whoever has the seed has the account */
  static generate() {
    const seed = randomBytes(32);
    return { key: new Key(seed), seed };
  }

  /** @param {Uint8Array} message @returns {Uint8Array} the signature (RFC 8032), 64 bytes */
  sign(message) {
    const nonce = challenge(this.#prefix, message);
    const point = writePoint(timesBase(nonce));
    const rest = challenge(point, this.publicKey, message) * this.#secret;
    return concat(point, writeNumber(mod(nonce + rest, ORDER)));
  }
}

/**
 * Tell whether a signature is good, by the protocol's strict rules: no keys or points of small
 * order, no encoding but the canonical one, no factor of eight that excuses a difference.
 *
 * @param {Uint8Array} publicKey @param {Uint8Array} message @param {Uint8Array} signature
 * @returns {boolean}
 */
function verify(publicKey, message, signature) {
  if (!isBytes(publicKey, 32) || !isBytes(signature, 64)) return false;
  const s = readNumber(signature.subarray(32)), a = readPoint(publicKey);
  if (s >= ORDER || !a || isSmall(a)) return false;
  const k = challenge(signature.subarray(0, 32), publicKey, message);
  const point = add(timesBase(s), times(k, [mod(-a[0]), a[1], 1n, mod(-a[3])]));
  return !isSmall(point) && isEqual(writePoint(point), signature.subarray(0, 32));
}

// -------------------------------------------------------------------------- canonical values

/** @typedef {null | boolean | number | bigint | string | Uint8Array | Value[]} Value */

const DEPTH_MAX = 32;

function writeHead(out, code, width, n) {
  out.push(code);
  for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) out.push(Number((BigInt(n) >> BigInt(shift)) & 255n));
}

function writeInteger(out, n) {
  if (n >= 128n || n < -32n) {
    const [code, bits] = n < 0n ? [0xd0, (n + 1n).toString(2).length] : [0xcc, n.toString(2).length];
    const step = [8, 16, 32, 64].findIndex((most) => bits <= most); // the sign takes the place of a bit
    if (step < 0) throw malformed(`integer ${n} does not fit in 64 bits`);
    writeHead(out, code + step, 1 << step, n);
  } else out.push(Number(n & 255n));
}

function writeSized(out, codes, length) {
  const step = [256, 65536, 2 ** 32].findIndex((end) => length < end);
  writeHead(out, codes[step], 1 << step, length);
}

function writeValue(out, value, depth) {
  if (value === null) out.push(0xc0);
  else if (typeof value === "boolean") out.push(value ? 0xc3 : 0xc2);
  else if (typeof value === "bigint" || Number.isSafeInteger(value)) writeInteger(out, BigInt(value));
  else if (typeof value === "string") {
    if (HALF_PAIR.test(value)) throw malformed("text with half of a surrogate pair");
    const bytes = UTF8.encode(value);
    if (bytes.length < 32) out.push(0xa0 | bytes.length);
    else writeSized(out, [0xd9, 0xda, 0xdb], bytes.length);
    for (const one of bytes) out.push(one);
  } else if (value instanceof Uint8Array) {
    writeSized(out, [0xc4, 0xc5, 0xc6], value.length);
    for (const one of value) out.push(one);
  } else if (Array.isArray(value)) {
    if (depth >= DEPTH_MAX) throw malformed(`arrays nest deeper than ${DEPTH_MAX}`);
    if (value.length < 16) out.push(0x90 | value.length);
    else if (value.length < 65536) writeHead(out, 0xdc, 2, value.length);
    else writeHead(out, 0xdd, 4, value.length);
    for (const one of value) writeValue(out, one, depth + 1);
  } else throw malformed("only null, booleans, integers, text, bytes and arrays have canonical bytes");
}

/** @param {Value} value @returns {Uint8Array} its canonical bytes */
function encode(value) {
  /** @type {number[]} */
  const out = [];
  writeValue(out, value, 0);
  return Uint8Array.from(out);
}

/**
 * @param {Uint8Array} data
 * @returns {Value} the value whose canonical bytes these are; integers beyond 2^53-1 are bigint
 */
function decode(data) {
  let at = 0;
  const take = (count) => {
    if (count > data.length - at) throw malformed(`${data.length} bytes end inside a value`);
    at += count;
    return data.slice(at - count, at);
  };
  const number = (width) => take(width).reduce((n, one) => (n << 8n) | BigInt(one), 0n);
  const integer = (n) => (n > Number.MAX_SAFE_INTEGER || n < Number.MIN_SAFE_INTEGER ? n : Number(n));
  const text = (length) => {
    try {
      return STRICT_UTF8.decode(take(length));
    } catch (error) {
      throw error instanceof WashError ? error : malformed("text that is no UTF-8");
    }
  };
  const array = (length, depth) => {
    if (depth >= DEPTH_MAX) throw malformed(`arrays nest deeper than ${DEPTH_MAX}`);
    const items = [];
    for (let i = 0; i < length; i++) items.push(read(depth + 1));
    return items;
  };
  const read = (depth) => {
    const [code] = take(1);
    if (code < 0x80 || code >= 0xe0) return code < 0x80 ? code : code - 256;
    if (code >= 0x90 && code < 0xa0) return array(code & 15, depth);
    if (code >= 0xa0 && code < 0xc0) return text(code & 31);
    if (code === 0xc0) return null;
    if (code === 0xc2 || code === 0xc3) return code === 0xc3;
    if (code >= 0xc4 && code <= 0xc6) return take(Number(number(1 << (code - 0xc4))));
    if (code >= 0xcc && code <= 0xcf) return integer(number(1 << (code - 0xcc)));
    if (code >= 0xd0 && code <= 0xd3) {
      const width = 1 << (code - 0xd0);
      return integer(BigInt.asIntN(8 * width, number(width)));
    }
    if (code >= 0xd9 && code <= 0xdb) return text(Number(number(1 << (code - 0xd9))));
    if (code === 0xdc || code === 0xdd) return array(Number(number(code === 0xdc ? 2 : 4)), depth);
    throw malformed(`byte ${code.toString(16)}: only nil, bool, int, bin, str and array are allowed`);
  };
  const value = read(0);
  if (at !== data.length) throw malformed(`${data.length - at} bytes behind the value`);
  if (!isEqual(encode(value), data)) throw malformed("not the shortest encoding of this value");
  return value;
}

// ----------------------------------------------------------------------------------------- ids

const LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32M = 0x2bc830a3;

function remainder(prefix, words) {
  const codes = [...prefix].map((letter) => letter.charCodeAt(0));
  let rest = 1;
  for (const word of [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...words]) {
    const top = rest >>> 25;
    rest = ((rest & 0x1ffffff) << 5) ^ word;
    GENERATOR.forEach((one, place) => { if ((top >> place) & 1) rest ^= one; });
  }
  return rest;
}

function regroup(groups, from, to) {
  const out = [];
  let held = 0, bits = 0;
  for (const one of groups) {
    held = ((held << from) | one) & 0xffff;
    for (bits += from; bits >= to; out.push((held >> bits) & ((1 << to) - 1))) bits -= to;
  }
  if (from > to && bits) out.push((held << (to - bits)) & ((1 << to) - 1));
  return out;
}

/** @param {string} prefix such as "acct" @param {Uint8Array} value 32 bytes @returns {string} */
function encodeId(prefix, value) {
  if (!isBytes(value, 32) || !/^[a-z]{1,10}$/.test(prefix)) throw malformed("an id is a prefix and 32 bytes");
  const words = regroup(value, 8, 5);
  const rest = remainder(prefix, [...words, 0, 0, 0, 0, 0, 0]) ^ BECH32M;
  const check = [25, 20, 15, 10, 5, 0].map((shift) => (rest >>> shift) & 31);
  return `${prefix}1${[...words, ...check].map((word) => LETTERS[word]).join("")}`;
}

/** @param {string} text @param {string} prefix @returns {Uint8Array} the 32 bytes of an id */
function decodeId(text, prefix) {
  const fail = (why) => { throw malformed(`id ${seen(text).slice(0, 92)} ${why}`); };
  if (typeof text !== "string" || text.length > 90) fail("is no text of at most 90 letters");
  const small = text.toLowerCase();
  if (text !== small && text !== text.toUpperCase()) fail("mixes small and capital letters");
  const one = small.lastIndexOf("1");
  const words = [...small.slice(one + 1)].map((letter) => LETTERS.indexOf(letter));
  if (one < 1 || words.length < 6 || words.includes(-1)) fail("has letters that no id has, or too few");
  if (remainder(small.slice(0, one), words) !== BECH32M) fail("has a wrong checksum: a letter is mistyped");
  if (small.slice(0, one) !== prefix) fail(`is not of the kind ${prefix}1...`);
  const value = Uint8Array.from(regroup(words.slice(0, -6), 5, 8));
  if (value.length !== 32 || encodeId(prefix, value) !== small) fail("holds no 32 whole bytes");
  return value;
}

// ------------------------------------------------------------- JSON forms of what is signed

// A form reads JSON to canonical values and shows them; both refuse what does not fit. Its place
// is { path, book, before }, before being the values of the fields above it in the same object.

const SAFE = Number.MAX_SAFE_INTEGER;
const TX_BYTES_MAX = 65_536;
const below = (place, name, before = {}) => ({ ...place, path: place.path ? `${place.path}.${name}` : name, before });
const item = (place, number) => ({ ...place, path: `${place.path}[${number}]` });
const expect = (place, what, value) => refuse(place.path, `expected ${what}, found ${seen(value)}`);
const isText = (value, bytesMax) =>
  typeof value === "string" && !HALF_PAIR.test(value) && UTF8.encode(value).length <= bytesMax;
/** Find a text in the book or as an id; what is wrong with it is said of its place. */
const look = (place, find) => {
  try {
    return find();
  } catch (error) {
    return refuse(place.path, error.message);
  }
};

function same(fits, what) {
  const check = (value, place) => (fits(value) ? value : expect(place, what, value));
  return { read: check, show: check };
}

const integer = (low, high) =>
  same((value) => Number.isSafeInteger(value) && value >= low && value <= high, `an integer ${low}..${high}`);
const text = (most) => same((value) => isText(value, most), `text of at most ${most} bytes`);
const hex = (low, high = low) => {
  const what = low === high ? `${low} bytes in lower-case hex` : `at most ${high} bytes in lower-case hex`;
  const fits = (value) => typeof value === "string" && /^(?:[0-9a-f]{2})*$/.test(value)
    && value.length >= 2 * low && value.length <= 2 * high;
  return {
    read: (value, place) => (fits(value) ? fromHex(value) : expect(place, what, value)),
    show: (value, place) => (isBytes(value, low, high) ? toHex(value) : expect(place, what, value)),
  };
};
const id = (prefix, find) => ({
  read: (value, place) => look(place, () => (find ? place.book[find](value) : decodeId(value, prefix))),
  show: (value, place) => look(place, () => encodeId(prefix, value)),
});
const optional = (form) => ({
  read: (value, place) => (value === null ? null : form.read(value, place)),
  show: (value, place) => (value === null ? null : form.show(value, place)),
});
const array = (form, most, least = 0) => {
  const each = (way) => (values, place) =>
    Array.isArray(values) && values.length <= most && values.length >= least
      ? values.map((one, i) => form[way](one, item(place, i)))
      : expect(place, `an array of ${least} to ${most}`, Array.isArray(values) ? values.length : values);
  return { read: each("read"), show: each("show") };
};
/** A number by its name; a number without a name stays one. */
const named = (names) => ({
  read: (value, place) =>
    names.includes(value) ? names.indexOf(value)
      : Number.isInteger(value) && !(value in names) ? value : expect(place, `one of ${names.join(", ")}`, value),
  show: (value) => names[value] ?? value,
});

/** An object; its fields are [name, form] or [name, form, the JSON that a missing one means]. */
function record(...fields) {
  const known = fields.map(([name]) => name);
  return {
    read(value, place) {
      if (!isObject(value)) expect(place, "an object", value);
      const extra = Object.keys(value).find((name) => !known.includes(name));
      if (extra !== undefined) refuse(below(place, extra.slice(0, 60)).path, `is no member here; there are: ${known.join(", ")}`);
      const before = {};
      return fields.map(([name, form, ...missing]) => {
        const inner = below(place, name, before);
        if (!Object.hasOwn(value, name) && !missing.length) refuse(inner.path, "is missing");
        before[name] = form.read(Object.hasOwn(value, name) ? value[name] : missing[0], inner);
        return before[name];
      });
    },
    show(values, place) {
      if (!Array.isArray(values) || values.length !== fields.length) expect(place, `an array of ${fields.length}`, values);
      const before = Object.fromEntries(known.map((name, i) => [name, values[i]]));
      return Object.fromEntries(fields.map(([name, form], i) => [name, form.show(values[i], below(place, name, before))]));
    },
  };
}

/** Objects with a `type`; the members are { type: [tag, form] }, with true after it where the
 * fields are one record inside. */
function union(members) {
  return {
    read(value, place) {
      const { type, ...rest } = isObject(value) ? value : {};
      const [tag, form, isInside] = Object.hasOwn(members, String(type)) ? members[type]
        : expect(below(place, "type"), `one of ${Object.keys(members).join(", ")}`, type);
      const fields = form.read(rest, place);
      return isInside ? [tag, fields] : [tag, ...fields];
    },
    show(values, place) {
      const [type, [, form, isInside]] = Object.entries(members).find(([, [tag]]) => tag === values?.[0])
        ?? expect(place, "a tagged array", values);
      return { type, ...form.show(isInside ? values[1] : values.slice(1), place) };
    },
  };
}

const fundsAsset = ({ book, before }) => before.asset ?? book.interfaceOf(before.contract)?.fundsAsset(before.function);
const count = integer(0, SAFE);
const money = {
  read(value, place) {
    if (!isObject(value)) return count.read(value, place);
    const { amount, ...rest } = value;
    for (const [name, given] of Object.entries(rest)) {
      if (name !== "currency" && name !== "asset") expect(place, "{amount, currency, asset}", value);
      const inner = below(place, name), found = look(inner, () => place.book.findAsset(given));
      if (!isEqual(found, fundsAsset(place) ?? [])) expect(inner, "the asset that is moved", given);
    }
    return count.read(amount, below(place, "amount"));
  },
  show(value, place) {
    const amount = count.show(value, place), asset = fundsAsset(place);
    const currency = asset ? place.book.symbolOf(asset) : undefined;
    return currency === undefined ? amount : { amount, currency, asset: encodeId("ast", asset) };
  },
};

function readPlain(value, place) {
  if (value === null || typeof value === "boolean" || Number.isSafeInteger(value) || isText(value, TX_BYTES_MAX)) return value;
  if (Array.isArray(value)) return value.map((one, i) => readPlain(one, item(place, i)));
  const [name] = isObject(value) && Object.keys(value).length === 1 ? Object.keys(value) : [];
  if (name === "hex") return hex(0, TX_BYTES_MAX).read(value.hex, below(place, "hex"));
  if (name === "integer" && /^-?[1-9][0-9]{0,19}$/.test(value.integer)) return BigInt(value.integer);
  return expect(place, 'null, a boolean, an integer, text, {"hex"}, {"integer"} or an array of such', value);
}

function showPlain(value) {
  if (value instanceof Uint8Array) return { hex: toHex(value) };
  if (typeof value === "bigint") return { integer: String(value) };
  return Array.isArray(value) ? value.map(showPlain) : value;
}

const plainArguments = array({ read: readPlain, show: showPlain }, 64);
const callArguments = {
  read(value, place) {
    if (!isObject(value)) return plainArguments.read(value, place);
    const found = "contract" in place.before ? place.book.interfaceOf(place.before.contract) : undefined;
    if (!found) refuse(place.path, "nothing is known of this contract; give an array of canonical values");
    return found.readArguments(place.before.function, value, place);
  },
  show(value, place) {
    const found = "contract" in place.before ? place.book.interfaceOf(place.before.contract) : undefined;
    return found?.showArguments(place.before.function, value, place) ?? plainArguments.show(value, place);
  },
};

const HASH = hex(32), TIME = count, ACCOUNT = id("acct");
const ASSET = id("ast", "findAsset"), CONTRACT = id("ctr", "findContract");
const ROLE = named(["member", "operator", "deployer", "admitter", "arbiter", "observer"]);
const ROLE_CHANGE = record(["account", ACCOUNT], ["role", ROLE]);
const MOVE = record(["asset", ASSET], ["to", ACCOUNT], ["amount", money]);
const SCOPE = record(["contract", CONTRACT], ["functions", array(text(48), 32)]);
const LIMIT = record(["asset", ASSET], ["amount", money], ["window_ms", TIME]);
const CHANGE = union({
  grant_role: [20, ROLE_CHANGE],
  revoke_role: [21, ROLE_CHANGE],
  set_param: [22, record(["name", text(64)], ["value", count])],
  install_contract: [23, record(["name", text(64)], ["contract", CONTRACT])],
  set_validator: [24, record(["key", HASH], ["power", integer(0, 1)])],
});
// What would mean "everything" when forgotten (a key's scopes, a scope's functions) must be said.
const ACTION = union({
  transfer: [1, MOVE],
  issue_asset: [2, record(["symbol", text(12)], ["decimals", integer(0, 18)],
    ["policy", named(["open", "to_members", "contracts_only"])], ["issuer", optional(ACCOUNT), null],
    ["contracts", array(CONTRACT, 64), []])],
  mint: [3, MOVE],
  burn: [4, record(["asset", ASSET], ["amount", money])],
  allow_contracts: [5, record(["asset", ASSET], ["contracts", array(CONTRACT, 64)])],
  call: [6, record(["contract", CONTRACT], ["function", text(48)], ["arguments", callArguments, []],
    ["funds", money, 0])],
  deploy: [7, record(["code", hex(0, TX_BYTES_MAX)], ["assets", array(ASSET, 8), []],
    ["links", array(CONTRACT, 8), []], ["arguments", callArguments, []])],
  add_key: [8, record(["key", HASH], ["scopes", optional(array(SCOPE, 16))], ["limits", array(LIMIT, 4), []],
    ["expires_at", optional(TIME), null]), true],
  remove_key: [9, record(["key", HASH])],
  set_guardians: [10, record(["guardians", array(ACCOUNT, 16)], ["threshold", integer(0, 16)])],
  approve_recovery: [11, record(["account", ACCOUNT], ["new_key", HASH])],
  cancel_recovery: [12, record()],
  finish_recovery: [13, record(["account", ACCOUNT])],
  propose: [14, record(["change", CHANGE])],
  vote: [15, record(["proposal", HASH])],
  admit: [16, record(["account", ACCOUNT])],
});
const TRANSACTION = record(
  ["version", integer(0, 65_535)], ["chain_id", HASH], ["account", ACCOUNT], ["key", optional(HASH)],
  ["nonce", count], ["valid_until", TIME], ["gas_limit", count], ["sponsor", optional(ACCOUNT)],
  ["actions", array(ACTION, 16, 1)], ["client_ref", optional(hex(16))],
);

// -------------------------------------------------------------------------- contracts' interfaces

const RANGES = {
  u8: [0, 255], u16: [0, 65_535], u32: [0, 2 ** 32 - 1], uint: [0, SAFE], sint: [-SAFE, SAFE],
};
const ADDRESS = {
  read: (value, place) => look(place, () => decodeId(value, String(value).startsWith("ctr") ? "ctr" : "acct")),
  show: (value, place) => look(place, () => encodeId("acct", value)),
};
const BOOL = same((value) => typeof value === "boolean", "true or false");

/** The functions of one contract, by its ABI: how their arguments are written. */
class Interface {
  #functions = new Map();
  #document;
  /** @param {any} document the ABI @param {Record<string, {asset: Uint8Array, symbol: string}>} [assets] */
  constructor(document, assets = {}) {
    this.assets = assets;
    this.#document = document;
    try {
      for (const one of document.actions) this.#functions.set(one.name, one);
    } catch {
      throw badAnswer(`no ABI: ${seen(document)}`);
    }
  }

  /** The asset that an action takes, if any. */
  fundsAsset(name) {
    return this.assets[this.#functions.get(name)?.payable]?.asset;
  }

  readArguments(name, given, place) {
    const found = this.#functions.get(name);
    const field = place.path.replace(/arguments$/, "function");
    if (!found) refuse(field, `the contract has no action ${seen(name)}; there are: ${[...this.#functions.keys()].join(", ")}`);
    return this.#fields(found.params).flatMap((one) => one).length || !given ? this.#read(this.#fields(found.params), given, place)
      : this.#read([], given, place);
  }
}
