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
   *   STILL_PENDING (code -32000); with a pinned chain also WRONG_CHAIN (1003)
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
const CODES = { params: -32602, notReady: -32001, rate: -32002, notFound: 6001, expired: 1006, wrongChain: 1003 };
/** @type {Map<number, [number, string]>} */
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

/** @returns {never} */
function refuse(field, text) {
  const message = field ? `${field}: ${text}` : text;
  throw new WashError(CODES.params, "INVALID_PARAMS", message, { field });
}

const malformed = (text) => new WashError(1001, "MALFORMED_BYTES", text);

/** @param {any} error @param {Final | null} [final] */
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
  /** @type {(x: bigint, n: bigint) => bigint} */
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

/** @param {Uint8Array} secret @param {number} [place] the secret's 32 bytes, and the place as u32 @returns {Uint8Array} */
function secretAndPlace(secret, place) {
  if (secret.length !== 32) throw malformed("a vehicle's secret has 32 bytes");
  if (place === undefined) return secret;
  if (!Number.isInteger(place) || place < 0 || place >= 2 ** 32) throw malformed(`no place ${place}`);
  const out = new Uint8Array(36);
  out.set(secret);
  new DataView(out.buffer).setUint32(32, place);
  return out;
}

/** @param {Uint8Array} secret @returns {Uint8Array} what the chain is told of a vehicle's secret */
const vehicleCommitment = (secret) => taggedHash("vehicle-secret", secretAndPlace(secret));

/** @param {Uint8Array} secret @param {number} place from 0 @returns {Uint8Array} what that entry stands under */
const vehicleHandle = (secret, place) => taggedHash("vehicle-handle", secretAndPlace(secret, place));

/** @param {Uint8Array} secret @param {number} place @param {Uint8Array} record @returns {Uint8Array} the owner's mark */
const vehicleMark = (secret, place, record) =>
  taggedHash("vehicle-mark", concat(secretAndPlace(secret, place), record));

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
/** @typedef {[bigint, bigint, bigint, bigint]} Point */

/** @type {(n: bigint, m?: bigint) => bigint} */
const mod = (n, m = P) => ((n %= m) < 0n ? n + m : n);

/** @type {(base: bigint, exponent: bigint) => bigint} */
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
/** @type {Point} */
const NEUTRAL = [0n, 1n, 1n, 0n];
/** @type {(a: Point, b: Point) => Point} */
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

/** @type {(point: Point) => Uint8Array} */
function writePoint([x, y, z]) {
  const over = inverse(z);
  return writeNumber(mod(y * over) | ((mod(x * over) & 1n) << 255n));
}

/** The point of 32 canonical bytes, or null. @type {(bytes: Uint8Array) => Point | null} */
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

/** @type {(point: Point) => boolean} */
function isSmall(point) {
  for (let i = 0; i < 3; i++) point = add(point, point);
  return point[0] === 0n;
}

/** @type {(point: Point) => Point[]} */
const multiplesOf = (point) => {
  const row = [NEUTRAL];
  for (let i = 1; i < 16; i++) row.push(add(row[i - 1], point));
  return row;
};
const digitsOf = (n) => Array.from({ length: 64 }, (_, i) => Number((n >> BigInt(4 * i)) & 15n));

// Row i holds the multiples of 16^i times the base point; made when needed.
/** @type {Point[][] | null} */
let baseTable = null;
/** @type {(n: bigint) => Point} */
function timesBase(n) {
  if (!baseTable) {
    let point = /** @type {Point} */ (readPoint(writeNumber(mod(4n * inverse(5n)))));
    baseTable = Array.from({ length: 64 }, () => {
      const row = multiplesOf(point);
      point = add(row[15], point);
      return row;
    });
  }
  const table = baseTable;
  return digitsOf(n).reduce((sum, digit, i) => (digit ? add(sum, table[i][digit]) : sum), NEUTRAL);
}

/** @type {(n: bigint, point: Point) => Point} */
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

/** @typedef {null | boolean | number | bigint | string | Uint8Array | any[]} Value an array is of values */

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
  if (!isBytes(value, 32) || !/^[a-z][a-z0-9]{0,9}$/.test(prefix)) throw malformed("an id is a prefix and 32 bytes");
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
/** @type {(place: any, what: string, value: any) => never} */
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
const named = (numbers, most) => ({
  read(value, place) {
    if (typeof value === "string" && Object.hasOwn(numbers, value)) return numbers[value];
    const isNameless = Number.isInteger(value) && value >= 0 && value <= most && !Object.values(numbers).includes(value);
    return isNameless ? value : expect(place, `one of ${Object.keys(numbers).join(", ")}`, value);
  },
  show: (value, place) =>
    Object.keys(numbers).find((name) => numbers[name] === value) ?? integer(0, most).show(value, place),
});
const inOrder = (...names) => Object.fromEntries(names.map((name, number) => [name, number]));

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

const count = integer(0, SAFE);
const called = ({ book, before }) => (before.contract ? book.interfaceOf(before.contract) : undefined);
/** Money: minor units, or { amount, currency, asset } of the asset that is moved. `isSame` judges a
 * currency or asset that is stated; `show` is given an amount that fits. */
const moneyForm = (isSame, show) => ({
  read(value, place) {
    if (!isObject(value)) return count.read(value, place);
    const { amount, ...rest } = value;
    for (const [name, given] of Object.entries(rest)) {
      if (name !== "currency" && name !== "asset") expect(place, "{amount, currency, asset}", value);
      const inner = below(place, name);
      if (!isSame(name, given, place, inner)) expect(inner, "the asset that is moved", given);
    }
    return count.read(amount, below(place, "amount"));
  },
  show: (value, place) => show(count.show(value, place), place),
});
const movedAsset = (place) => place.before.asset ?? called(place)?.fundsAsset(place.before.function);
const money = moneyForm((name, given, place, inner) => {
  const wanted = movedAsset(place) ?? new Uint8Array();
  return given === place.book.symbolOf(wanted) || isEqual(look(inner, () => place.book.findAsset(given)), wanted);
}, (amount, place) => {
  const asset = movedAsset(place), currency = asset && place.book.symbolOf(asset);
  return currency === undefined ? amount : { amount, currency, asset: encodeId("ast", asset) };
});
/** Money in arguments, of an asset that the contract is bound to. */
const labelled = (label) => {
  const known = { currency: label?.symbol ?? null, asset: label ? encodeId("ast", label.asset) : null };
  return moneyForm((name, given) => given === known[name], (amount) => ({ amount, ...known }));
};

function readPlain(value, place) {
  if (value === null || typeof value === "boolean" || Number.isSafeInteger(value) || isText(value, TX_BYTES_MAX)) return value;
  if (Array.isArray(value)) return value.map((one, i) => readPlain(one, item(place, i)));
  const [name] = isObject(value) && Object.keys(value).length === 1 ? Object.keys(value) : [];
  if (name === "hex") return hex(0, TX_BYTES_MAX).read(value.hex, below(place, "hex"));
  if (name === "integer" && typeof value.integer === "string" && /^-?[1-9][0-9]{0,19}$/.test(value.integer)) return BigInt(value.integer);
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
    const found = called(place);
    if (!found) refuse(place.path, "nothing is known of this contract; give an array of canonical values");
    return found.readArguments(place.before.function, value, place);
  },
  show: (value, place) =>
    called(place)?.showArguments(place.before.function, value, place) ?? plainArguments.show(value, place),
};

const HASH = hex(32), TIME = count, ACCOUNT = id("acct");
const ASSET = id("ast", "findAsset"), CONTRACT = id("ctr", "findContract");
const ROLE = named(inOrder("member", "operator", "deployer", "admitter", "arbiter", "observer"), 15);
const ROLE_CHANGE = record(["account", ACCOUNT], ["role", ROLE]);
const MOVE = record(["asset", ASSET], ["to", ACCOUNT], ["amount", money]);
const SCOPE = record(["contract", CONTRACT], ["functions", array(text(48), 32)]);
const LIMIT = record(["asset", ASSET], ["amount", money], ["window_ms", TIME]);
const ISSUE = record(["symbol", text(12)], ["decimals", integer(0, 18)],
  ["policy", named(inOrder("open", "to_members", "contracts_only"), 2)], ["issuer", optional(ACCOUNT), null],
  ["contracts", array(CONTRACT, 64), []]);
const ALLOW = record(["asset", ASSET], ["contracts", array(CONTRACT, 64)]);
const READY = record(["height", count], ["block_id", HASH], ["signature", hex(64)]);
const CHANGE = union({
  grant_role: [20, ROLE_CHANGE],
  revoke_role: [21, ROLE_CHANGE],
  set_param: [22, record(["name", text(64)], ["value", count])],
  install_contract: [23, record(["name", text(64)], ["contract", CONTRACT])],
  set_validator: [24, record(["key", HASH], ["power", integer(0, 1)], ["ready", optional(READY), null])],
  set_feature: [25, record(["name", text(64)], ["height", count])],
  issue_asset: [2, ISSUE],
  allow_contracts: [5, ALLOW],
  upgrade_contract: [26, record(["contract", CONTRACT], ["code_id", HASH], ["assets", array(ASSET, 8), []],
    ["links", array(CONTRACT, 8), []], ["at_ms", TIME, 0])],
  withdraw_upgrade: [27, record(["contract", CONTRACT], ["code_id", HASH])],
  set_issuer: [28, record(["asset", ASSET], ["contract", CONTRACT])],
});
// What would mean "everything" when forgotten (a key's scopes, a scope's functions) must be said.
const ACTION = union({
  transfer: [1, MOVE],
  issue_asset: [2, ISSUE],
  mint: [3, MOVE],
  burn: [4, record(["asset", ASSET], ["amount", money])],
  allow_contracts: [5, ALLOW],
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
  oppose: [17, record(["proposal", HASH])],
});
const TRANSACTION = record(
  ["version", integer(0, 65_535)], ["chain_id", HASH], ["account", ACCOUNT], ["key", optional(HASH)],
  ["nonce", count], ["valid_until", TIME], ["gas_limit", count], ["sponsor", optional(ACCOUNT)],
  ["actions", array(ACTION, 16, 1)], ["client_ref", optional(hex(16))],
);
const SIGNED = record(["body", TRANSACTION], ["signature", hex(64)],
  ["cosignature", optional(record(["key", HASH], ["signature", hex(64)]))]);
const top = (book = new Book()) => ({ path: "", book, before: {} });

// ------------------------------------------------------------------------ contracts' interfaces

const ADDRESS = {
  read: (value, place) => look(place, () => decodeId(value, /^ctr/i.test(value) ? "ctr" : "acct")),
  show: (value, place) => look(place, () => encodeId("acct", value)),
};
const PLAIN_FORMS = {
  u8: integer(0, 255), u16: integer(0, 65_535), u32: integer(0, 2 ** 32 - 1), uint: count, sint: integer(-SAFE, SAFE),
  bool: same((value) => typeof value === "boolean", "true or false"), address: ADDRESS, hash: HASH,
};

/** How the arguments of one contract's actions are written, by its ABI. */
class Interface {
  #actions = new Map();
  /**
   * @param {any} document the ABI
   * @param {Record<string, { asset: Uint8Array, symbol: string }>} [assets] by their names in the code
   */
  constructor(document, assets = {}) {
    this.document = document;
    this.assets = assets;
    try {
      for (const one of document.actions) this.#actions.set(one.name, { ...one, kind: this.#record(one.params) });
    } catch (error) {
      throw badAnswer(`an ABI that is not of the published form: ${error}`);
    }
  }

  /** Entries with dotted names are parts of records inside. */
  #record(entries) {
    const kinds = new Map();
    for (const entry of entries) {
      const [head, ...tail] = entry.name.split(".");
      const part = { ...entry, name: tail.join(".") };
      kinds.set(head, tail.length ? [...(kinds.get(head) ?? []), part] : this.#type(entry));
    }
    for (const [name, kind] of kinds) if (Array.isArray(kind)) kinds.set(name, this.#record(kind));
    const fields = [...kinds].map(([name, kind]) => [name, kind.form]);
    return { form: record(...fields), parts: [...kinds.values()] };
  }

  /** @param {any} entry */
  #type({ type, meaning = {} }) {
    if (Object.hasOwn(this.document.records, type)) return this.#record(this.document.records[type]);
    const sized = /^(bytes|text)\[([0-9]{1,4})\]$/.exec(type);
    if (sized) return { form: sized[1] === "text" ? text(Number(sized[2])) : hex(0, Number(sized[2])) };
    if (meaning.enum) return { form: named(this.document.enums[meaning.enum], 255) };
    if (meaning.money) return { form: labelled(this.assets[meaning.money]) };
    if (/^[a-z][a-z0-9]{0,9}$/.test(meaning.id ?? "")) return { form: id(meaning.id) };
    if (!Object.hasOwn(PLAIN_FORMS, type)) throw new TypeError(`type ${type}`);
    return { form: PLAIN_FORMS[type] };
  }

  /** The asset that an action takes, if any. */
  fundsAsset(name) {
    return this.assets[this.#actions.get(name)?.payable]?.asset;
  }

  /** Canonical values in declared order, of arguments by name. */
  readArguments(name, given, place) {
    const found = this.#actions.get(name);
    if (found) return found.kind.form.read(given, place).flat(Infinity);
    const known = [...this.#actions.keys()].join(", ") || "none";
    return refuse(place.path.replace(/arguments$/, "function"), `the contract has no action ${seen(name)}; there are: ${known}`);
  }

  /** Arguments by name, or undefined if these values are not what is declared. */
  showArguments(name, values, place) {
    const rest = [...values];
    const nest = (kind) => (kind.parts ? kind.parts.map(nest) : rest.shift());
    try {
      const { kind } = this.#actions.get(name);
      const shown = kind.form.show(nest(kind), place);
      return rest.length ? undefined : shown;
    } catch {
      return undefined;
    }
  }
}

/** Which contracts and assets the names in actions mean. What was learnt once is kept. */
class Book {
  #names = new Map(); // a contract's name, or an asset's symbol -> its id as text
  #interfaces = new Map();
  #symbols = new Map();

  /** @param {Uint8Array} contract @param {any} abi @param {any[]} [assets] as contract_get tells @param {string} [name] */
  addContract(contract, abi, assets = [], name = undefined) {
    /** @type {Record<string, { asset: Uint8Array, symbol: string }>} */
    const labels = {};
    for (const { slot, asset, currency } of assets) {
      labels[slot] = { asset: this.addAsset(asset, currency), symbol: currency };
    }
    this.#interfaces.set(toHex(contract), new Interface(abi, labels));
    if (name !== undefined) this.#names.set(`contract ${name}`, contract);
    return contract;
  }

  /** @param {string} asset "ast1..." @param {string} symbol @param {string} [name] how it was asked for */
  addAsset(asset, symbol, name = undefined) {
    const found = decodeId(asset, "ast");
    if (typeof symbol !== "string") throw badAnswer(`no symbol of ${asset}`);
    this.#symbols.set(toHex(found), symbol);
    if (name !== undefined) this.#names.set(`asset ${name}`, found);
    return found;
  }

  findAsset(name) {
    return this.#names.get(`asset ${name}`) ?? decodeId(name, "ast");
  }

  findContract(name) {
    return this.#names.get(`contract ${name}`) ?? decodeId(name, "ctr");
  }

  symbolOf(asset) {
    return this.#symbols.get(toHex(asset));
  }

  interfaceOf(contract) {
    return this.#interfaces.get(toHex(contract));
  }
}

// -------------------------------------------------------------------------------- transactions

const SIGNING_PREFIX = UTF8.encode("washnode-tx-v1\0"), SPONSOR_PREFIX = UTF8.encode("washnode-sponsor-v1\0");

/**
 * @param {Record<string, any>} json all fields of a transaction, as the node's tx_decode shows them
 * @param {Book} [book] needed for names, symbols and arguments by name
 * @returns {Uint8Array} the body: what is signed
 */
function buildBody(json, book) {
  const body = encode(TRANSACTION.read(json, top(book)));
  if (body.length > TX_BYTES_MAX) refuse("actions", `${body.length} bytes of transaction, at most ${TX_BYTES_MAX} are allowed`);
  return body;
}

/** @param {Uint8Array} body @param {Book} [book] @returns {Record<string, any>} what `buildBody` takes */
const showBody = (body, book) => TRANSACTION.show(decode(body), top(book));

/** @param {Uint8Array} body @returns {Uint8Array} what the account's key signs */
const signingBytes = (body) => concat(SIGNING_PREFIX, body);

/** @param {Uint8Array} body @returns {Uint8Array} what the sponsor's key signs, which is never good as a sender's */
const sponsorBytes = (body) => concat(SPONSOR_PREFIX, body);

/** @param {Uint8Array} body @returns {string} */
const txId = (body) => toHex(taggedHash("tx", body));

/**
 * @param {Uint8Array} body
 * @param {Uint8Array} signature
 * @param {{ key: Uint8Array, signature: Uint8Array } | null} [cosignature] the sponsor's
 * @returns {Uint8Array} the signed transaction
 */
function assemble(body, signature, cosignature = null) {
  const fields = /** @type {any} */ (decode(body));
  TRANSACTION.show(fields, top());
  if ((fields[7] !== null) !== (cosignature !== null)) refuse("cosignature", "a sponsor is named and co-signs, or neither");
  return encode([fields, signature, cosignature && [cosignature.key, cosignature.signature]]);
}

/** @param {Uint8Array} body @param {Key} key @param {Key | null} [sponsor] @returns {Uint8Array} */
function signBody(body, key, sponsor = null) {
  return assemble(body, key.sign(signingBytes(body)),
    sponsor && { key: sponsor.publicKey, signature: sponsor.sign(sponsorBytes(body)) });
}

/**
 * @param {Uint8Array} data a signed transaction
 * @param {Book} [book]
 * @returns {Record<string, any>} its fields, ids and signatures; `good` tells whether all of those are
 */
function showTransaction(data, book) {
  const values = /** @type {any} */ (decode(data));
  const { body: shown, signature, cosignature } = SIGNED.show(values, top(book));
  const [fields, own, other] = values, body = encode(fields);
  return {
    tx_id: txId(body), witness_id: toHex(taggedHash("witness", data)), ...shown, signature, cosignature,
    good: verify(fields[3] ?? fields[2], signingBytes(body), own) && (!other || verify(other[0], sponsorBytes(body), other[1])),
  };
}

/** The id of the call (or, with "instance", of the contract deployed) at a place of a transaction.
 * @param {string} tx @param {number} [place] @param {"call" | "instance"} [kind] @returns {Uint8Array} */
const placeId = (tx, place = 0, kind = "call") => taggedHash(kind, concat(fromHex(tx), [place]));

/** @param {Uint8Array} creator @param {string} symbol @returns {Uint8Array} */
const assetId = (creator, symbol) => taggedHash("asset", concat(creator, UTF8.encode(symbol)));

// ---------------------------------------------------------------------------------- the client

/** The outcome of a transaction in a block, which nothing changes any more. */
class Final {
  /** @param {string} txId @param {any} receipt a checked one */
  constructor(txId, receipt) {
    this.txId = txId;
    /** @type {number} */
    this.height = receipt.height;
    /** @type {number} the block's, in ms since 1970 */
    this.time = receipt.time;
    /** @type {boolean} false if it was refused there; then `code` and `name` say why */
    this.ok = receipt.ok;
    /** @type {number} 0 if ok */
    this.code = receipt.code;
    /** @type {string} */
    this.name = receipt.ok ? "OK" : String(receipt.error?.name ?? "");
    /** @type {any} */
    this.receipt = receipt;
    /** @type {any[]} what happened, in order */
    this.events = Array.isArray(receipt.events) ? receipt.events : [];
  }

  /** @param {string} type such as booking.Requested @returns {Record<string, any>} the values of the first such event */
  event(type) {
    const found = this.events.find((one) => one?.type === type);
    if (found) return found.values ?? {};
    const there = this.events.map((one) => one?.type).join(", ") || "none";
    throw new WashError(CODES.notFound, "NOT_FOUND", `no event ${type} in transaction ${this.txId}; there are: ${there}`);
  }
}

/**
 * @typedef {object} Signer who sends, and who pays for the place in a block
 * @property {Key} [key] signs
 * @property {string} [account] by default the one that the key made
 * @property {Key | { key: Key, account: string } | "node" | "node_attests" | null} [sponsor] "node": the node's shop;
 *   "node_attests": the same, and it gives its word where a contract asks for it
 *
 * @typedef {Record<string, any>[]} Actions as the node's tx_build takes them
 */

const ANSWER_BYTES_MAX = 16 * 1024 * 1024; // above what a node sends with its default settings
const IN_FLIGHT_MAX = 256; // as far back as a chain remembers single nonces
const RENEWALS_MAX = 50; // of one transaction that are followed
const WAIT_MAX_MS = 20_000; // of one question; longer waits ask again
const PAUSE_MAX_MS = 2_000;
const BUILDS_MAX = 3; // of one send: another program may have taken the nonce meanwhile
const NONCE = { used: 1004, stale: 1005, tooFar: 1013 };
const POOL_FULL = 1010;
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const now = () => performance.now();
const dataOf = (answer) => (isObject(answer) && "at" in answer && "data" in answer ? answer.data : answer);
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

function split(name) {
  const [, contract, fn] = Array.isArray(name) ? [name, ...name] : /^(.+)\.([^.]+)$/.exec(name) ?? [];
  return fn ? [contract, fn] : refuse("name", `${seen(name)} is not like booking.request`);
}

function readResult(answer, id) {
  if (answer?.jsonrpc !== "2.0") throw badAnswer(`not a JSON-RPC answer: ${seen(answer)}; is this the address of a node?`);
  if (answer.error) throw readError(answer.error);
  if (answer.id !== id || !("result" in answer)) throw badAnswer(`an answer to request ${seen(answer.id)}, asked was ${id}`);
  return answer.result;
}

async function readBounded(response) {
  const parts = [], reader = response.body?.getReader();
  for (let size = 0; reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    if (size > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw badAnswer(`an answer of more than ${ANSWER_BYTES_MAX} bytes; ask for less`);
    }
  }
  try {
    return JSON.parse(STRICT_UTF8.decode(concat(...parts)));
  } catch {
    return undefined;
  }
}

/** The error in an answer with a bad HTTP status. */
function readStatus(response, answer) {
  const known = isObject(answer?.error) ? readError(answer.error) : null;
  const [code, name] = STATUS_CODES.get(response.status) ?? [TRANSPORT, "BAD_ANSWER"];
  const error = known && known.name !== "BAD_ANSWER" ? known : new WashError(code, name, `HTTP status ${response.status}`);
  const seconds = response.headers.get("Retry-After") ?? "";
  if (/^[0-9]{1,5}$/.test(seconds)) error.data.retry_after_ms ??= Number(seconds) * 1_000;
  return error;
}

/** A node, and who asks it. Nothing is opened before the first call. */
class Wash {
  #timeoutMs;
  #chainId;
  #headers;
  #signer;
  #number = 0;
  #known = new Map(); // what is asked for once, as promises
  #nonces = new Map();
  #inFlight = 0;
  #waiting = [];

  /**
   * @param {string} url such as "http://127.0.0.1:8787"
   * @param {Signer & { token?: string, chainId?: string, timeoutMs?: number, fetch?: typeof fetch, WebSocket?: any }} [options]
   *   `timeoutMs` bounds each call and, unless told otherwise, each wait for an outcome; with `chainId` (64 hex digits)
   *   nothing is signed for another chain
   */
  constructor(url, options = {}) {
    if (!/^https?:\/\/[^/]/.test(url)) refuse("url", `${seen(url)} is not like http://127.0.0.1:8787`);
    this.url = url.replace(/\/+$/, "").replace(/\/rpc$/, "");
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.WebSocket = "WebSocket" in options ? options.WebSocket : globalThis.WebSocket;
    /** What names and symbols mean to this client. */
    this.book = new Book();
    this.#signer = options;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    if (options.chainId !== undefined && !/^[0-9a-f]{64}$/.test(options.chainId)) refuse("chainId", `${seen(options.chainId)} is not 64 hex digits`);
    this.#chainId = options.chainId ?? null;
    this.#headers = options.token ? { Authorization: `Bearer ${options.token}` } : {};
  }

  // Asking ---------------------------------------------------------------------------------------

  /** Call any method. @param {string} method @param {Record<string, any>} [params] @param {number} [timeoutMs]
   * @returns {Promise<any>} */
  async rpc(method, params = {}, timeoutMs = this.#timeoutMs) {
    const request = this.request(method, params);
    return readResult(await this.#ask(request, /^(dev|admin)_/.test(method), timeoutMs), request.id);
  }

  /** Call several at once. @param {[string, Record<string, any>][]} calls
   * @returns {Promise<any[]>} each result, or the WashError in its place */
  async batch(calls) {
    if (!calls.length) return [];
    const requests = calls.map(([method, params]) => this.request(method, params));
    const once = calls.some(([method]) => /^(dev|admin)_/.test(method));
    const answers = await this.#ask(requests, once, this.#timeoutMs);
    if (!Array.isArray(answers)) return readResult(answers, null);
    return requests.map(({ id }) => {
      try {
        return readResult(answers.find((one) => one?.id === id), id);
      } catch (error) {
        return error;
      }
    });
  }

  /** @ignore */
  request(method, params = {}) {
    return { jsonrpc: "2.0", id: ++this.#number, method, params };
  }

  /** Send once more what was lost, if repeating is harmless, and wait where the node asks for it. */
  async #ask(payload, isOnce, timeoutMs) {
    for (let waits = 0, losses = 0; ; ) {
      try {
        return await this.#post(payload, timeoutMs);
      } catch (error) {
        const pauseMs = error.code === CODES.rate ? Number(error.data.retry_after_ms ?? 1_000) : 0;
        const isOver = error.code === CODES.rate ? waits++ >= 5 || pauseMs > 10_000 : isOnce || !isLost(error) || losses++ > 0;
        if (isOver) throw error;
        await sleep(pauseMs);
      }
    }
  }

  async #post(payload, timeoutMs) {
    const body = JSON.stringify(payload);
    const { response, answer } = await this.open("/rpc", {
      method: "POST", body, headers: { "Content-Type": "application/json" },
    }, timeoutMs, async (response) => ({ response, answer: await readBounded(response) }));
    if (!response.ok) throw readStatus(response, answer);
    // A whole call that is told to wait is answered by an error with status 200.
    if (isObject(answer) && answer.error?.code === CODES.rate) throw readError(answer.error);
    return answer;
  }

  /** @ignore Fetch and read within a time; `stay` gets the response, and a way to be patient again. */
  async open(path, init, timeoutMs, stay) {
    const control = new AbortController();
    let timer = setTimeout(() => control.abort(), timeoutMs);
    const again = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => control.abort(), ms);
    };
    try {
      const response = await this.fetch(this.url + path, {
        ...init, headers: { ...this.#headers, ...init.headers }, signal: control.signal,
        cache: "no-store", credentials: "omit", redirect: "error", // another place has no claim on the token
      });
      return await stay(response, again, control);
    } catch (error) {
      if (error instanceof WashError) throw error;
      throw unreachable(`${this.url} gave no answer: ${error?.message ?? error}; is the node running, and are pages of this origin in its rpc.allowed_origins?`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ask a contract's view. @param {string | [string, string]} view "booking.preview_cancel", "ctr1....view" or
   * [contract, view] @param {Record<string, any>} [args] @returns {Promise<any>} */
  async read(view, args = {}) {
    const [contract, name] = split(view);
    return dataOf(await this.rpc("contract_read", { contract, view: name, args }));
  }

  /** @returns {Promise<any>} the newest block's header */
  async head() {
    const block = dataOf(await this.rpc("chain_head"));
    return block?.header ?? block;
  }

  /** @param {string} [account] by default one's own @returns {Promise<any>} its keys, roles and balances */
  async account(account = this.#signer.account ?? this.#signer.key?.account) {
    return dataOf(await this.rpc("account_get", { account }));
  }

  /** @param {string} [account] @param {string} [asset] symbol or "ast1..." @returns {Promise<number>} minor units */
  async balance(account, asset = "CNY") {
    const { balances = [] } = await this.account(account);
    return balances.find((one) => one.currency === asset || one.asset === asset)?.amount ?? 0;
  }

  // Building -------------------------------------------------------------------------------------

  /**
   * Put a transaction together here; the node only helps with numbers: the next nonce, an end of
   * validity on its clock, a bound of gas from a trial run.
   *
   * @param {Actions} actions
   * @param {Signer & { nonce?: number, validUntil?: number, gasLimit?: number, clientRef?: string }} [options]
   * @returns {Promise<Uint8Array>} the body, for `sign`
   */
  async build(actions, options = {}) {
    const { key, account } = this.#who(options), payer = await this.#payer(options);
    const own = key.account === account ? null : toHex(key.publicKey);
    await this.#learn(actions);
    const { chain_id: chain } = await this.#once("node_info", {}, (info) => info); // a client stays on its chain
    this.#checkChain(chain);
    const fields = {
      version: 1, chain_id: chain, account, key: own, nonce: options.nonce ?? 0,
      valid_until: options.validUntil ?? 0, gas_limit: options.gasLimit ?? 0,
      sponsor: payer && payer.account, actions, client_ref: options.clientRef ?? null,
    };
    buildBody(fields, this.book); // what does not fit is said here, before the node is asked
    const asked = await this.rpc("tx_build", {
      account, actions, key: own ?? undefined, sponsor: fields.sponsor ?? undefined,
      nonce: options.nonce, valid_until: options.validUntil, gas_limit: options.gasLimit,
    });
    for (const name of ["nonce", "valid_until", "gas_limit"]) {
      if (!isCount(asked?.[name])) throw badAnswer(`${name} in the answer to tx_build: ${seen(asked?.[name])}`);
      fields[name] = asked[name];
    }
    if (options.nonce === undefined) {
      const counter = `${account} ${own}`;
      fields.nonce = Math.max(asked.nonce, this.#nonces.get(counter) ?? 0);
      this.#nonces.set(counter, fields.nonce + 1);
    }
    return buildBody(fields, this.book);
  }

  /** Sign a body, and have it co-signed by its sponsor. @param {Uint8Array} body @param {Signer} [options]
   * @returns {Promise<Uint8Array>} the signed transaction, for `submitAndWait` */
  async sign(body, options = {}) {
    this.#checkChain(showBody(body).chain_id);
    const payer = await this.#payer(options), { key } = this.#who(options);
    if (!payer || payer.key) return signBody(body, key, payer && payer.key);
    const answer = await this.rpc("tx_sponsor", { body: toHex(body), attest: payer.attest });
    const cosignature = { key: fromHex(answer?.key), signature: fromHex(answer?.signature) };
    if (!verify(cosignature.key, sponsorBytes(body), cosignature.signature)) throw badAnswer("the node's signature is over something else");
    return assemble(body, key.sign(signingBytes(body)), cosignature);
  }

  #checkChain(found) {
    if (!this.#chainId || found === this.#chainId) return;
    throw new WashError(CODES.wrongChain, "WRONG_CHAIN", `chain ${seen(found)}, but this client signs for ${this.#chainId} only`,
      { expected: this.#chainId, found });
  }

  /** @param {Signer} options @returns {{ key: Key, account: string }} */
  #who({ key = this.#signer.key, account }) {
    if (!key) refuse("key", "is needed to sign");
    return { key, account: account ?? (key === this.#signer.key ? this.#signer.account : undefined) ?? key.account };
  }

  /** @param {Signer} options @returns {Promise<{ key: Key | null, account: string, attest?: boolean } | null>} */
  async #payer({ sponsor = this.#signer.sponsor }) {
    if (!sponsor) return null;
    if (sponsor !== "node" && sponsor !== "node_attests") return sponsor instanceof Key ? { key: sponsor, account: sponsor.account } : sponsor;
    const { sponsor: account } = await this.#once("node_info", {}, (info) => info);
    if (!account) throw new WashError(CODES.notFound, "NOT_FOUND", "this node sponsors nobody");
    return { key: null, account, attest: sponsor === "node_attests" };
  }

  /** Learn what the names in some actions mean; each is asked for once. */
  async #learn(value, field = "", isCall = false) {
    if (isObject(value)) {
      for (const [name, inner] of Object.entries(value)) {
        if (name !== "arguments") await this.#learn(inner, name, value.type === "call");
      }
    } else if (Array.isArray(value)) {
      for (const one of value) await this.#learn(one, field);
    } else if (typeof value === "string") {
      const isContract = field === "contract" || field === "contracts" || field === "links";
      const isAsset = field === "asset" || field === "assets" || field === "currency";
      if (isContract && (isCall || !value.startsWith("ctr1"))) {
        await this.#once("contract_get", { contract: value }, ({ contract, abi, assets }) => {
          if (value.startsWith("ctr1") && contract !== value) throw badAnswer(`asked for ${value}, told about ${seen(contract)}`);
          this.book.addContract(decodeId(contract, "ctr"), abi, assets, value);
        });
      }
      if (isAsset && !value.startsWith("ast1")) {
        await this.#once("asset_get", { asset: value }, ({ asset, symbol }) => this.book.addAsset(asset, symbol, value));
      }
    }
  }

  /** Ask once in this client's life, unless it fails. */
  #once(method, params, use) {
    const name = JSON.stringify([method, params]);
    if (!this.#known.has(name)) {
      const asked = this.rpc(method, params).then((answer) => use(dataOf(answer) ?? {}));
      asked.catch(() => this.#known.delete(name));
      this.#known.set(name, asked);
    }
    return this.#known.get(name);
  }

  // Sending --------------------------------------------------------------------------------------

  /** What a transaction would do now; throws what it would be refused with. @param {Actions} actions
   * @param {Signer} [options] @returns {Promise<any>} */
  async simulate(actions, options = {}) {
    const body = await this.build(actions, { ...options, nonce: undefined });
    const found = dataOf(await this.rpc("tx_simulate", { body: toHex(body) }));
    this.#giveBack(decode(body));
    if (found?.ok !== true) throw readError(found?.error);
    return found;
  }

  /** Hand a signed transaction to the node. Taken is not done: see `wait`. @param {Uint8Array} signed
   * @returns {Promise<{ txId: string, validUntil: number }>} */
  async submit(signed) {
    const answer = await this.rpc("tx_submit", { tx: toHex(signed) });
    if (typeof answer?.tx_id !== "string") throw badAnswer(`to a transaction: ${seen(answer)}`);
    return { txId: answer.tx_id, validUntil: answer.valid_until };
  }

  /**
   * Send a signed transaction and return its outcome, through lost connections and restarts of the
   * node: the same bytes again do nothing twice. Throws its refusal (inside a block: unless `check`
   * is false), EXPIRED if it can not come through any more, STILL_PENDING when the time is over.
   *
   * @param {Uint8Array} signed
   * @param {{ timeoutMs?: number, check?: boolean }} [options]
   * @returns {Promise<Final>}
   */
  async submitAndWait(signed, options = {}) {
    const { tx_id: id, valid_until: validUntil } = showTransaction(signed, this.book);
    return this.#outcome(id, { ...options, signed, validUntil });
  }

  /** The outcome of a transaction that was sent; throws as `submitAndWait`. @param {string} id
   * @param {{ timeoutMs?: number, check?: boolean }} [options] @returns {Promise<Final>} */
  async wait(id, options = {}) {
    return this.#outcome(id, options);
  }

  /** @param {string} id @param {any} options @returns {Promise<Final>} */
  async #outcome(id, { timeoutMs = this.#timeoutMs, check = true, signed, validUntil }) {
    const end = now() + timeoutMs;
    const left = () => Math.max(0, Math.min(WAIT_MAX_MS, Math.floor(end - now())));
    let isNeeded = Boolean(signed), mayBeThere = !signed, trouble = null, status = "", followed = 0;
    for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        if (isNeeded) await this.submit(signed);
        mayBeThere = true;
        const ms = left();
        const answer = await this.rpc("tx_wait", { tx_id: id, timeout_ms: ms, valid_until: validUntil }, ms + 10_000);
        if (typeof answer?.renewed_as === "string" && followed < RENEWALS_MAX) {
          // The node signed the same again after its time was over: this is about that one now.
          [id, signed, validUntil, isNeeded, followed] = [answer.renewed_as, undefined, undefined, false, followed + 1];
          continue;
        }
        const final = this.#readOutcome(id, answer, check);
        if (final) return final;
        [status, trouble, isNeeded] = [answer.status, null, answer.status === "unknown" && Boolean(signed)];
      } catch (error) {
        const isOpen = isLost(error) || error.code === POOL_FULL;
        // Of bytes that came through before, a refusal of the same bytes says nothing.
        if (error.final || !mayBeThere && !isOpen || error.name === "EXPIRED" && error.data.tx_id) throw error;
        if (!isLost(error)) {
          const answer = await this.rpc("tx_get", { tx_id: id, valid_until: validUntil });
          const final = this.#readOutcome(id, answer, check);
          if (final) return final;
          if (!isOpen) throw error;
        }
        mayBeThere ||= isLost(error);
        [trouble, isNeeded] = [error, Boolean(signed)];
      }
      if (left() <= 0) {
        if (trouble && !(signed && mayBeThere)) throw trouble;
        if (!signed && status === "unknown") throw new WashError(CODES.notFound, "NOT_FOUND", `no transaction ${id} here`);
        const text = `transaction ${id} has no outcome after ${timeoutMs} ms; it may still come through`;
        throw new WashError(TRANSPORT, "STILL_PENDING", text, { tx_id: id, retry: "same" });
      }
      await sleep(Math.min(pauseMs, left()));
    }
  }

  #readOutcome(id, answer, check) {
    const { status, receipt, error, searched } = answer ?? {};
    if (status === "expired") {
      const text = `transaction ${id} is in no block and its time is over; it can be built anew`;
      throw new WashError(CODES.expired, "EXPIRED", text, { tx_id: id, searched, retry: "rebuild" });
    }
    if (status === "unknown" || status === "pending") return null;
    if (status === "failed" && !receipt) throw readError(error);
    const isWhole = receipt?.id === id && isCount(receipt.height) && isCount(receipt.time) && receipt.ok === (receipt.code === 0);
    if (!isWhole) throw badAnswer(`no receipt of transaction ${id}: ${seen(answer)}`);
    const final = new Final(id, receipt);
    if (!final.ok && check) throw readError(receipt.error, final);
    return final;
  }

  /**
   * Build, sign and send actions, and return the outcome; throws as `submitAndWait`. Many may be on
   * their way at once. `clientRef` (32 hex digits) names the sending: the node takes only one
   * transaction of an account under it.
   *
   * @param {Actions} actions
   * @param {Signer & { clientRef?: string, timeoutMs?: number, check?: boolean }} [options]
   * @returns {Promise<Final>}
   */
  async send(actions, options = {}) {
    const wanted = { ...options, nonce: undefined, clientRef: options.clientRef ?? toHex(randomBytes(16)) };
    if (this.#inFlight >= IN_FLIGHT_MAX) await new Promise((resolve) => { this.#waiting.push(resolve); });
    else this.#inFlight++;
    try {
      for (let builds = 1; ; builds++) {
        const body = await this.build(actions, wanted);
        try {
          return await this.submitAndWait(await this.sign(body, wanted), options);
        } catch (error) {
          if (error.final || isLost(error) || error.name === "STILL_PENDING") throw error;
          const counter = this.#giveBack(decode(body));
          // The nonce is another transaction's: this one is in no block, nor will be.
          if (!Object.values(NONCE).includes(error.code) || builds === BUILDS_MAX) throw error;
          if (error.code !== NONCE.used) this.#nonces.delete(counter);
        }
      }
    } finally {
      const next = this.#waiting.shift(); // hands its place on
      if (next) next();
      else this.#inFlight--;
    }
  }

  /** Give back a nonce that nothing was sent with, if it was the last one. */
  #giveBack(body) {
    const counter = `${encodeId("acct", body[2])} ${body[3] && toHex(body[3])}`;
    if (this.#nonces.get(counter) === body[4] + 1) this.#nonces.set(counter, body[4]);
    return counter;
  }

  /** Call a contract: `call("booking.request", { shop, ... }, { funds: 6800 })`; throws as `submitAndWait`.
   * @param {string | [string, string]} name @param {Record<string, any> | any[]} [args]
   * @param {Signer & { funds?: number, clientRef?: string, timeoutMs?: number, check?: boolean }} [options]
   * @returns {Promise<Final>} */
  async call(name, args = {}, { funds = 0, ...options } = {}) {
    const [contract, fn] = split(name);
    return this.send([{ type: "call", contract, function: fn, arguments: args, funds }], options);
  }

  /**
   * Events as they happen, each once and in order, across lost connections and restarts: iterate
   * with `for await`, or give `onEvent`. An event is done with when the next one is asked for (or
   * `onEvent` has returned or resolved); keep `position` to go on there another day.
   *
   * @param {Record<string, any>} [filter] any of type ("booking.Closed", "booking.*", "block"),
   *   contract, values, account, tx
   * @param {{ after?: string, window?: number, patienceMs?: number, pauseMs?: number,
   *   onEvent?: (event: any) => any }} [options] `after`: an event's id, "latest" or "earliest";
   *   `patienceMs`: how long to try a lost node again, for ever by default
   * @returns {EventStream}
   */
  events(filter = {}, options = {}) {
    return new EventStream(this, filter, options);
  }
}

// -------------------------------------------------------------------------------------- events

const SILENCE_MAX_MS = 40_000; // a node says something every 15 s
const BLOCK_END = Infinity; // a block's own id, `8124-`, stands behind all its events

function placeOf(text) {
  const found = /^([0-9]{1,15})-([0-9]{0,10})$/.exec(text ?? "");
  if (!found) throw badAnswer(`no id of an event: ${seen(text)}`);
  return [Number(found[1]), found[2] ? Number(found[2]) : BLOCK_END];
}

const isLater = (a, b) => {
  const [height, number] = placeOf(a), [height0, number0] = b ? placeOf(b) : [-1, 0];
  return height > height0 || (height === height0 && number > number0);
};

/** Made by `Wash.events`. A WebSocket; where none gets through, lines over plain HTTP. */
class EventStream {
  #wash;
  #filter;
  #after;
  #window;
  #patienceMs;
  #pauseMs;
  #events = [];
  #received; // all up to here is in #events or done with
  #current = null; // the event that is being worked on
  #unacknowledged = 0;
  #sub = "";
  /** @type {((method: string, params: any) => void) | null} */
  #send = null; // says something over the WebSocket
  /** @type {((error?: any) => void) | null} */
  #end = null; // ends the connection
  /** @type {(nothing?: any) => void} */
  #wake = () => {};
  #isRunning = false;
  #isClosed = false;
  #failure = null;

  /** @param {Wash} wash @param {Record<string, any>} filter @param {any} options */
  constructor(wash, filter, { after = "latest", window = 100, patienceMs = Infinity, pauseMs = 100, onEvent }) {
    [this.#wash, this.#filter, this.#after, this.#window] = [wash, filter, after, window];
    [this.#patienceMs, this.#pauseMs] = [patienceMs, pauseMs];
    /** @type {string | null} the id of the last event that is done with, or of a later place without one */
    this.position = after === "latest" || after === "earliest" ? null : after;
    this.#received = this.position;
    /** How often a lost connection was opened again. */
    this.reconnects = -1;
    /** Settles when the stream is over; rejects with why, if it was not closed. @type {Promise<void>} */
    this.done = onEvent ? this.#drive(onEvent) : Promise.resolve();
    this.done.catch(() => {}); // whoever wants to know asks
  }

  async #drive(onEvent) {
    try {
      for await (const event of this) await onEvent(event);
    } finally {
      this.close();
    }
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<any>>} the next event; the one before it is done with */
  async next() {
    if (this.#current) {
      [this.position, this.#current] = [this.#current, null];
      this.#unacknowledged++;
    }
    while (!this.#events.length) {
      if (this.#failure) throw this.#failure;
      if (this.#isClosed) return { done: true, value: undefined };
      this.#acknowledge();
      if (!this.#isRunning) this.#run();
      await new Promise((resolve) => { this.#wake = resolve; });
    }
    if (this.#unacknowledged >= Math.max(1, this.#window / 2)) this.#acknowledge();
    const event = this.#events.shift();
    this.#current = event.id;
    return { done: false, value: event };
  }

  /** Leaving a `for await` ends the stream. */
  async return() {
    this.close();
    return { done: true, value: undefined };
  }

  /** End the stream. */
  close() {
    this.#isClosed = true;
    this.#events = [];
    this.#end?.();
    this.#wake();
  }

  async #run() {
    this.#isRunning = true;
    let since = now(), pauseMs = this.#pauseMs, tries = 0, opened = this.reconnects;
    while (!this.#isClosed) {
      try {
        if (!this.#wash.WebSocket || tries % 3 === 2) await this.#lines();
        else await this.#socket();
      } catch (error) {
        if (this.#isClosed) break;
        if (this.reconnects > opened) [since, pauseMs, tries, opened] = [now(), this.#pauseMs, -1, this.reconnects];
        const isOver = !isLost(error) && error.code !== CODES.rate || now() - since >= this.#patienceMs;
        if (isOver) {
          [this.#failure, this.#isClosed] = [error, true];
          break;
        }
      }
      this.#send = this.#end = null;
      tries++;
      if (!this.#isClosed) await sleep(pauseMs);
      pauseMs = Math.min(2 * pauseMs, 5_000);
    }
    this.#wake();
  }

  #socket() {
    return new Promise((resolve, reject) => {
      const lost = (why) => unreachable(`the line to ${this.#wash.url} ${why}`);
      let socket, timer;
      const end = (error) => {
        clearTimeout(timer);
        if (socket) socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
        socket?.close();
        if (error) reject(error instanceof WashError ? error : lost(`broke: ${error.message}`));
        else resolve(undefined);
      };
      const patient = (ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => end(lost("is silent")), ms);
      };
      this.#end = end;
      try {
        socket = new this.#wash.WebSocket(`${this.#wash.url.replace(/^http/, "ws")}/ws`);
      } catch (error) {
        end(error);
        return;
      }
      patient(15_000);
      const params = { filter: this.#filter, from: this.#received ?? this.#after, window: this.#window };
      const request = this.#wash.request("events_subscribe", params);
      socket.onopen = () => {
        socket.send(JSON.stringify(request));
        this.#send = (method, inner) => socket.send(JSON.stringify(this.#wash.request(method, inner)));
      };
      socket.onclose = socket.onerror = () => end(lost("is closed"));
      socket.onmessage = ({ data }) => {
        try {
          patient(SILENCE_MAX_MS);
          this.#hear(JSON.parse(data), request.id);
        } catch (error) {
          end(error);
        }
      };
    });
  }

  #hear(message, id) {
    if (message?.id === id) {
      const { sub, latest_id: latest } = readResult(message, id);
      if (typeof sub !== "string") throw badAnswer(`to events_subscribe: ${seen(message)}`);
      this.#sub = sub;
      this.#opened(latest);
    } else if (message?.method === "events_next") {
      const { sub, events, latest_id: latest } = message.params ?? {};
      if (sub === this.#sub) this.#take(events, latest);
      // Such as a subscription that the node has given up: begin again where we are.
    } else if (message?.error) throw unreachable(`the node refused to go on: ${seen(message.error.message)}`);
  }

  #opened(latest) {
    this.reconnects++;
    this.#unacknowledged = 0;
    // From now on: "latest" must mean the same moment after a lost connection.
    if (!this.#received && this.#after === "latest" && placeOf(latest)) this.#received = this.position = latest;
  }

  /** Lines over HTTP: fetch instead of EventSource, which tells no errors and sends no token. */
  async #lines() {
    if (!this.#received && this.#after === "latest") this.#received = this.position = `${(await this.#wash.head()).height}-`;
    const { values = {}, ...rest } = this.#filter;
    const query = new URLSearchParams({ after: this.#received ?? this.#after, ...rest });
    for (const [name, value] of Object.entries(values)) query.set(name, typeof value === "string" ? value : JSON.stringify(value));
    await this.#wash.open(`/events?${query}`, {}, 15_000, async (response, again, control) => {
      if (!response.ok) throw readStatus(response, await readBounded(response));
      this.#end = () => control.abort();
      this.#opened(this.#received);
      const reader = response.body.getReader(), utf8 = new TextDecoder();
      for (let rest = ""; !this.#isClosed; ) {
        again(SILENCE_MAX_MS);
        const { done, value } = await reader.read();
        if (done) throw unreachable(`${this.#wash.url} ended the stream`);
        const blocks = (rest + utf8.decode(value, { stream: true })).split("\n\n");
        rest = blocks.pop() ?? "";
        if (rest.length > ANSWER_BYTES_MAX) throw badAnswer("an event without an end");
        for (const block of blocks) {
          const field = (name) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
          if (field("id")) this.#take(field("data") ? [JSON.parse(field("data"))] : [], field("id"));
        }
        again(2 ** 31 - 1); // who does not read is cut off by the node
        while (this.#events.length >= this.#window && !this.#isClosed) await sleep(20);
      }
    });
  }

  #take(events, latest) {
    if (!Array.isArray(events)) throw badAnswer(`no events: ${seen(events)}`);
    for (const event of events) {
      // A node may tell again what it told before the line broke.
      if (isLater(event?.id, this.#received)) {
        this.#events.push(event);
        this.#received = event.id;
      }
    }
    if (latest !== undefined && isLater(latest, this.#received)) this.#received = latest; // nothing that fits lies between
    if (!this.#events.length && !this.#current) this.position = this.#received;
    this.#wake();
  }

  #acknowledge() {
    if (!this.#send || !this.#sub || !this.#unacknowledged) return;
    this.#unacknowledged = 0;
    try {
      this.#send("events_ack", { sub: this.#sub, id: this.position });
    } catch (error) {
      this.#end?.(error);
    }
  }
}

export {
  Book, EventStream, Final, Interface, Key, Wash, WashError, assemble, assetId, buildBody, decode, decodeId, encode,
  encodeId, fromHex, listRoot, placeId, sha256, sha512, showBody, showTransaction, signBody,
  signingBytes, sponsorBytes, taggedHash, toHex, txId, vehicleCommitment, vehicleHandle, vehicleMark, verify,
};
