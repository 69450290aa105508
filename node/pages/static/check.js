// Checks passport files and slips of single records: no network, no clock, nothing taken on trust.
// What comes out depends on the bytes and on the anchor that the reader brings; it is the same as
// the command line's `passport verify` says, check by check.
import { decode, decodeId, encode, encodeId, fromHex, sha256, taggedHash, toHex, vehicleCommitment, vehicleHandle, vehicleMark, verify } from "./wash.js";

/** Something that a file says and does not show. */
class NotShownError extends Error {}
/** A check failed without which the others mean nothing. */
class StoppedError extends Error {}
/** Too few known validators signed a block that is far ahead: one between may do. */
export class TooFarError extends NotShownError {}

const UTF8 = new TextEncoder();
const SAFE = Number.MAX_SAFE_INTEGER;
const ZERO = new Uint8Array(32);
const fail = (text) => { throw new NotShownError(text); };
const join = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
};
const isSame = (a, b) => a instanceof Uint8Array && b instanceof Uint8Array && a.length === b.length && a.every((one, i) => one === b[i]);
const isBytes = (value, least, most = least) => value instanceof Uint8Array && value.length >= least && value.length <= most;

// Forms: what a file may say, part by part ------------------------------------------------------------

const bytes = (most) => (value) => (isBytes(value, 0, most) ? value : fail(`expected at most ${most} bytes`));
const exactly = (length) => (value) => (isBytes(value, length) ? value : fail(`expected ${length} bytes`));
const integer = (low, high) => (value) =>
  (Number.isSafeInteger(value) && value >= low && value <= high ? value : fail(`expected an integer ${low}..${high}`));
const text = (most) => (value) =>
  (typeof value === "string" && UTF8.encode(value).length <= most ? value : fail(`expected text of at most ${most} bytes`));
const bool = (value) => (typeof value === "boolean" ? value : fail("expected a bool"));
const any = (value) => value;
const optional = (form) => (value) => (value === null ? null : form(value));
const list = (form, most) => (value) =>
  (Array.isArray(value) && value.length <= most ? value.map(form) : fail(`expected an array of at most ${most}`));
/** An array of named fields; `raw` keeps the array as it was. */
const record = (fields) => {
  const names = Object.keys(fields);
  return (value) => {
    if (!Array.isArray(value) || value.length !== names.length) fail(`expected an array of ${names.length}`);
    const made = Object.fromEntries(names.map((name, i) => [name, fields[name](value[i])]));
    return Object.defineProperty(made, "raw", { value });
  };
};

const HASH = exactly(32), COUNT = integer(0, SAFE), U8 = integer(0, 255), U16 = integer(0, 65_535), U32 = integer(0, 2 ** 32 - 1);
const WORD = text(48), ROW = bytes(4_096);
const VALIDATORS_MAX = 128;
const SET = record({ keys: list(HASH, VALIDATORS_MAX), rule: integer(0, 1), epoch: U32 });
const HEADER = record({
  version: U16, chain_id: HASH, height: COUNT, time_ms: COUNT, parent_id: HASH, proposer: HASH, last_commit_hash: HASH,
  evidence_hash: HASH, skipped_hash: HASH, last_round: U32, tx_root: HASH, receipt_root: HASH, state_root: HASH,
  validators_hash: HASH, next_validators_hash: HASH, last_validators_change_height: COUNT, params_hash: HASH, gas_used: COUNT,
});
const COMMIT = record({ height: COUNT, round: U32, block_id: HASH, signers: bytes(16), signatures: list(exactly(64), VALIDATORS_MAX) });
const CANDIDATE = record({ header: HEADER, commit: COMMIT, validators: SET, next_validators: SET });
const CONTENT = record({ record: ROW, entries: list(ROW, 500), materials: list(ROW, 500), corrections: list(ROW, 60) });
const PLACE = record({ row: ROW, content: optional(CONTENT) });
const VIN = record({ salt: HASH, number: text(17) });
const FORMAT = "washnode-passport-1", SLIP_FORMAT = "washnode-record-1";
const FILE_BYTES_MAX = 16 * 1024 * 1024, SLIP_BYTES_MAX = 64 * 1024;
const PASSPORT = record({
  format: text(32), genesis: bytes(256 * 1024), steps: list(CANDIDATE, 512), head: CANDIDATE, contract: HASH, instance: bytes(1_024),
  code: bytes(24_576), vehicle: HASH, registration: ROW, vin: optional(VIN), secrets: list(HASH, 1_024), places: list(PLACE, 8_192),
  nodes: list(bytes(4 + 16 * 32), 65_536), tails: list(bytes(64), 65_536),
});
const SLIP = record({
  format: text(32), header: HEADER, commit: COMMIT, validators: SET, next_validators: optional(SET), receipt: bytes(32 * 1024),
  sides: U32, path: list(HASH, 32),
});
const SCALAR = record({ kind: integer(1, 10), size: integer(0, 1_024) });
const NAMED = record({ name: WORD, scalar: SCALAR });
const SCALARS = list(SCALAR, 32), KEY = list(SCALAR, 3);
const CONTAINER = record({
  magic: text(4), vm: U16, name: WORD, assets: list(WORD, 8), links: list(WORD, 8),
  link_calls: list(record({ link: U8, function: WORD, is_action: bool, params: SCALARS, returns: SCALARS, gas_max: U32 }), 32),
  fields: list(record({ name: WORD, key: KEY, row: list(NAMED, 32) }), 64),
  pots: list(record({ name: WORD, key: KEY, asset: U8, extend_max_ms: COUNT }), 16),
  events: list(record({ name: WORD, fields: list(record({ name: WORD, scalar: SCALAR, indexed: bool }), 16) }), 64),
  errors: list(WORD, 255),
  functions: list(record({
    name: WORD, kind: integer(0, 4), asset: optional(U8), params: SCALARS, returns: SCALARS, constants: list(any, 256),
    registers: bytes(256), code: bytes(8_192 * 6),
  }), 64),
  abi_hash: HASH, source_hash: HASH, compiler: WORD,
});
const INSTANCE = record({ code_id: HASH, creator: HASH, assets: list(HASH, 8), links: list(HASH, 8) });
const EVENT = record({ contract: HASH, number: U8, values: list(any, 16) });
const RECEIPT = record({ kind: integer(0, 3), id: HASH, ok: bool, trap: U8, error: U16, gas_used: COUNT, events: list(EVENT, 1_024) });

function read(form, data, most, format) {
  if (data.length > most) fail(`${data.length} bytes, at most ${most} are read`);
  const found = form(decode(data));
  if (format && found.format !== format) fail(`format ${found.format}, this page reads ${format}`);
  return found;
}

// What was looked at -------------------------------------------------------------------------------------

class Examination {
  checks = [];
  facts = {};

  skip(code, sentence, values = {}) {
    this.checks.push({ code, ok: null, sentence, values });
  }

  /** Do one check; `work` may return other words for it, and fails by throwing. */
  check(code, sentence, values, work) {
    let said = {};
    try {
      said = work() ?? {};
    } catch (error) {
      // Whatever goes wrong in reading a stranger's bytes is the bytes' fault.
      this.checks.push({ code, ok: false, sentence: "failed", values: { code, why: error.message } });
      throw new StoppedError(code);
    }
    this.checks.push({ code, ok: true, sentence: said.sentence ?? sentence, values: said.values ?? values });
  }

  run(...steps) {
    try {
      for (const step of steps) step();
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
    }
  }

  report(isAnchored) {
    const isBad = this.checks.some((one) => one.ok === false);
    const verdict = isBad ? "bad" : isAnchored ? "good" : "consistent, network unknown";
    return { verdict, checks: this.checks, facts: isBad ? {} : this.facts };
  }
}

// Headers and those who signed them ------------------------------------------------------------------------

const PRECOMMIT = 2;
const setHash = (set) => taggedHash("validators", encode([set.keys, set.rule, set.epoch]));
const blockId = (header) => taggedHash("block", encode(header.raw));
const quorumOf = (set) => {
  const count = set.keys.length;
  return set.rule === 1 ? Math.floor((2 * count + 2) / 3) : Math.floor((2 * count) / 3) + 1;
};
const expect = (what, found, wanted) => {
  const isEqual = found instanceof Uint8Array ? isSame(found, wanted) : found === wanted;
  const shown = (one) => (one instanceof Uint8Array ? toHex(one) : one);
  if (!isEqual) fail(`${what} is ${shown(found)}, expected ${shown(wanted)}`);
};
const isBefore = (a, b) => {
  const at = a.findIndex((one, i) => one !== b[i]);
  return at >= 0 && a[at] < b[at];
};

const verified = new Map();
function isSigned(key, message, signature) {
  const name = `${toHex(key)} ${toHex(sha256(message))} ${toHex(signature)}`;
  if (!verified.has(name)) {
    if (verified.size > 2_000) verified.clear();
    verified.set(name, verify(key, message, signature));
  }
  return verified.get(name);
}

function number(value, width) {
  const out = new Uint8Array(width);
  for (let i = width - 1, rest = BigInt(value); i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

function checkClaim({ header, validators, next_validators: following }, chain) {
  expect("version", header.version, 1);
  expect("chain_id", header.chain_id, chain);
  for (const [what, set, wanted] of [["validators", validators, header.validators_hash], ["next_validators", following, header.next_validators_hash]]) {
    if (set.keys.some((key, i) => i > 0 && !isBefore(set.keys[i - 1], key))) fail(`${what}: expected each key once and in order`);
    expect(`hash of ${what}`, setHash(set), wanted);
  }
  if (!validators.keys.some((key) => isSame(key, header.proposer))) fail(`proposer ${toHex(header.proposer)} is no validator`);
}

function signersOf({ header, commit, validators: { keys, epoch } }) {
  expect("height of the certificate", commit.height, header.height);
  expect("block of the certificate", commit.block_id, blockId(header));
  expect("bytes of the signers' bitmap", commit.signers.length, Math.floor((keys.length + 7) / 8));
  const places = [];
  for (let i = 0; i < 8 * commit.signers.length; i++) if ((commit.signers[i >> 3] >> (i & 7)) & 1) places.push(i);
  if (places.length && places.at(-1) >= keys.length) fail(`signer ${places.at(-1)} of ${keys.length} validators`);
  if (places.length !== commit.signatures.length) fail(`${commit.signatures.length} signatures of ${places.length} signers`);
  const message = join(
    UTF8.encode("washnode-vote-1\0"), [PRECOMMIT], header.chain_id, number(epoch, 4), number(commit.height, 8),
    number(commit.round, 4), commit.block_id, [255, 255, 255, 255],
  );
  places.forEach((place, i) => {
    if (!isSigned(keys[place], message, commit.signatures[i])) fail(`validator ${toHex(keys[place])} did not sign this block`);
  });
  return places.map((place) => keys[place]);
}

function checkQuorum(set, signed) {
  if (signed.length < quorumOf(set)) fail(`${signed.length} of ${set.keys.length} validators signed, ${quorumOf(set)} are needed`);
}

function checkCertificate(head) {
  checkClaim(head, head.header.chain_id);
  checkQuorum(head.validators, signersOf(head));
}

/** Go on from what is trusted to a later block, or throw. */
export function verifyNext(trusted, candidate) {
  const { header } = candidate, changedAt = header.last_validators_change_height;
  checkClaim(candidate, trusted.chain);
  if (header.height <= trusted.height) fail(`height is ${header.height}, expected one above the trusted ${trusted.height}`);
  if (header.time_ms <= trusted.time) fail(`time is ${header.time_ms}, expected one after the trusted ${trusted.time} (ms)`);
  if (header.height === trusted.height + 1) {
    expect("validators_hash", header.validators_hash, setHash(trusted.next));
    if (trusted.header) expect("parent_id", header.parent_id, blockId(trusted.header));
  }
  if (changedAt > header.height) fail(`last_validators_change_height is ${changedAt}, above height ${header.height}`);
  if (!isSame(header.next_validators_hash, header.validators_hash)) expect("last_validators_change_height", changedAt, header.height);
  if (changedAt <= trusted.height) {
    expect("last_validators_change_height", changedAt, trusted.changedAt);
    expect("validators_hash without a change", header.validators_hash, setHash(trusted.next));
  }
  const signed = signersOf(candidate);
  if (header.height > trusted.height + 1) {
    const known = new Set(trusted.next.keys.map(toHex));
    const count = signed.filter((key) => known.has(toHex(key))).length;
    if (3 * count <= known.size) throw new TooFarError(`${count} of the ${known.size} validators trusted at height ${trusted.height} signed, more than a third are needed`);
  }
  checkQuorum(candidate.validators, signed);
  return { chain: header.chain_id, height: header.height, time: header.time_ms, next: candidate.next_validators, changedAt, header };
}

function follow(trusted, candidates) {
  for (const one of candidates) {
    const changedAt = one.header.last_validators_change_height;
    // A checkpoint does not say when the validators last changed. That they did not since is all that counts.
    if (!trusted.header && changedAt < trusted.changedAt) trusted = { ...trusted, changedAt };
    trusted = verifyNext(trusted, one);
  }
}

export function readBeginning(data) {
  const value = decode(data);
  const [version, name, time, keys, rule] = Array.isArray(value) ? value : [];
  const isRight = (version === 1 || version === true) && typeof name === "string" && Number.isSafeInteger(time) && time >= 0
    && Array.isArray(keys) && keys.length > 0 && keys.length <= VALIDATORS_MAX && keys.every((key) => isBytes(key, 32))
    && (rule === "byzantine" || rule === "crash");
  if (!isRight) fail(`genesis: ${data.length} bytes are not what a genesis file says`);
  return { chain: taggedHash("genesis", data), validators: { keys, rule: rule === "crash" ? 1 : 0, epoch: 0 }, time };
}

function checkWalk(genesis, steps, head) {
  const start = readBeginning(genesis);
  follow({ chain: start.chain, height: 0, time: start.time, next: start.validators, changedAt: 0, header: null }, [...steps, head]);
  return start;
}

function checkAnchor({ height, validatorsHash: wanted }, start, steps, head) {
  const { header } = head;
  if (header.height < height) {
    // Whoever left before the checkpoint may have signed anything since.
    if (!isSame(header.validators_hash, wanted)) {
      fail(`signed at height ${header.height}, and by the checkpoint at height ${height} the validators were others; take a newer passport, or an older checkpoint you trust`);
    }
    return;
  }
  const known = [...(start ? [start.validators] : []), ...[...steps, head].flatMap((one) => [one.validators, one.next_validators])];
  const found = known.find((one) => isSame(setHash(one), wanted)) ?? fail(`the validators ${toHex(wanted)} of the checkpoint are not among those of the file`);
  const trusted = { chain: header.chain_id, height: height - 1, time: -1, next: found, changedAt: height - 1, header: null };
  follow(trusted, [...steps, head].filter((one) => one.header.height >= height));
}

/** The header, and why it may be believed. */
function lookAtHead(seen, anchor, genesis, steps, head) {
  const { header, commit, validators } = head;
  let count = 0;
  for (let byte of commit.signers) for (; byte; byte >>= 1) count += byte & 1;
  seen.check("certificate", "certificate", { height: header.height, count, all: validators.keys.length }, () => checkCertificate(head));
  Object.assign(seen.facts, { chain_id: toHex(header.chain_id), height: header.height, time_ms: header.time_ms });
  let start = null;
  if (!genesis.length) {
    if (steps.length) seen.check("genesis", "genesis", {}, () => fail("there are steps and no beginning"));
    seen.skip("genesis", "genesis_missing");
  } else seen.check("genesis", "genesis", { count: steps.length }, () => { start = checkWalk(genesis, steps, head); });
  const network = () => {
    if (!anchor.chain) return seen.skip("network", "network_unasked");
    const values = { chain: toHex(header.chain_id).slice(0, 16) };
    return seen.check("network", "network", values, () => expect("chain", header.chain_id, anchor.chain));
  };
  const checkpoint = () => {
    if (!anchor.validatorsHash) return seen.skip("checkpoint", "checkpoint_unasked");
    return seen.check("checkpoint", "checkpoint", { height: anchor.height }, () => checkAnchor(anchor, start, steps, head));
  };
  // What else the file says is worth knowing all the same.
  for (const one of [network, checkpoint]) seen.run(one);
}

// The state tree ---------------------------------------------------------------------------------------

const TREE_DEPTH_MAX = 64;
const bitsOf = (mask) => {
  let count = 0;
  for (; mask; mask >>= 1) count += mask & 1;
  return count;
};

/** Tells what pieces of the tree show under a root; remembers which of them were needed. */
export class Tree {
  #nodes = new Map();
  #tails = new Map();
  #needed = new Set();
  #root;

  constructor(root, nodes, tails) {
    this.#root = toHex(root);
    for (const node of nodes) {
      const inner = node.length >= 4 ? (node[0] << 8) | node[1] : 0, leaf = node.length >= 4 ? (node[2] << 8) | node[3] : 0;
      if (node.length < 4 || inner & leaf || node.length !== 4 + 32 * bitsOf(inner | leaf)) fail(`${node.length} bytes are no node of a state tree`);
      this.#nodes.set(toHex(sha256(join([1], node))), node);
    }
    for (const tail of tails) {
      if (tail.length !== 64) fail("a tail of a leaf has 64 bytes");
      this.#tails.set(toHex(sha256(join([0], tail))), tail);
    }
    if (this.#nodes.size + this.#tails.size !== nodes.length + tails.length) fail("a piece of the state tree stands twice");
  }

  /** Whether the key's value has this hash under the root; null: whether it is absent. */
  shows(key, valueHash) {
    const keyHash = sha256(key), digits = toHex(keyHash);
    let place = this.#root === toHex(ZERO) ? "" : this.#root;
    const used = [];
    let isInner = this.#nodes.has(place);
    while (isInner) {
      const node = this.#nodes.get(place);
      if (!node || used.length === TREE_DEPTH_MAX) return false;
      const inner = (node[0] << 8) | node[1], leaf = (node[2] << 8) | node[3], bit = 1 << parseInt(digits[used.length], 16);
      used.push(place);
      const start = 4 + 32 * bitsOf((inner | leaf) & (bit - 1));
      place = (inner | leaf) & bit ? toHex(node.subarray(start, start + 32)) : "";
      isInner = Boolean(inner & bit);
    }
    let isGood;
    if (valueHash) isGood = place === toHex(sha256(join([0], keyHash, valueHash)));
    else if (!place) isGood = true;
    else {
      const tail = this.#tails.get(place), other = tail ? toHex(tail.subarray(0, 32)) : "";
      isGood = Boolean(tail) && other !== digits && other.slice(0, used.length) === digits.slice(0, used.length);
      used.push(place);
    }
    if (isGood) for (const one of used) this.#needed.add(one);
    return isGood;
  }

  /** The pieces without which something shown so far would not be: nodes, and tails. */
  needed() {
    return [this.#nodes, this.#tails].map((all_) => [...all_].filter(([name]) => this.#needed.has(name)).map(([, piece]) => piece));
  }

  hasIdle() {
    return [...this.#nodes.keys(), ...this.#tails.keys()].some((name) => !this.#needed.has(name));
  }
}

// Rows of the records contract, read by the names in its own code -----------------------------------------

const KIND = { U8: 1, U16: 2, U32: 3, UINT: 4, SINT: 5, BOOL: 6, ADDR: 7, HASH: 8, BYTES: 9, TEXT: 10 };
const WIDTHS = [0, 1, 2, 4, 8, 8, 1, 32, 32, 0, 0];
const INTEGERS = [KIND.U8, KIND.U16, KIND.U32, KIND.UINT], HASHES = [KIND.HASH, KIND.ADDR];
const all = (kinds, ...names) => Object.fromEntries(names.map((name) => [name, kinds]));
const NEEDED = {
  vehicles: [[HASHES], { ...all(HASHES, "commitment", "vin"), ...all(INTEGERS, "secrets") }],
  places: [[HASHES], { ...all(HASHES, "record", "mark", "vehicle", "commitment"), ...all(INTEGERS, "at", "detached_at") }],
  records: [[HASHES], { ...all(HASHES, "shop", "handle"), ...all(INTEGERS, "entries", "corrections", "service", "finished_at") }],
  entries: [[HASHES, [KIND.U16]], all(INTEGERS, "kind")],
  materials: [[HASHES, [KIND.U16]], {}],
  fixes: [[HASHES, [KIND.U16]], {}],
};
export const MATERIAL = 3;

export class Rows {
  #maps = new Map();

  constructor(contract, code) {
    this.contract = contract;
    const container = CONTAINER(decode(code));
    container.fields.forEach((field, place) => {
      if (!Object.hasOwn(NEEDED, field.name)) return;
      const [parts, needed] = NEEDED[field.name];
      const kinds = new Map(field.row.map((one) => [one.name, one.scalar.kind]));
      const fits = field.key.length === parts.length && field.key.every((one, i) => parts[i].includes(one.kind))
        && Object.entries(needed).every(([name, allowed]) => allowed.includes(kinds.get(name)));
      if (fits) this.#maps.set(field.name, { ...field, place });
    });
    const missing = Object.keys(NEEDED).filter((name) => !this.#maps.has(name));
    if (missing.length) fail(`the code of ${container.name} keeps no ${missing.join(", ")} as this page knows them`);
  }

  key(name, ...parts) {
    const { key, place } = this.#maps.get(name);
    const written = key.map(({ kind }, i) => (kind >= KIND.ADDR ? exactly(32)(parts[i]) : number(parts[i], WIDTHS[kind])));
    return join([0x10], this.contract, [place], ...written);
  }

  /** What a row says by the names of its fields. A row from before a field was appended is shorter: zeros. */
  read(name, row) {
    const { row: fields } = this.#maps.get(name);
    const fixed = fields.filter(({ scalar }) => scalar.kind < KIND.BYTES), variable = fields.filter(({ scalar }) => scalar.kind >= KIND.BYTES);
    const size = fixed.reduce((sum, { scalar }) => sum + WIDTHS[scalar.kind], 0);
    const values = Object.fromEntries(fields.map((field) => [field.name, new Uint8Array()]));
    let at = 0;
    const data = row.length < size ? join(row, this.#zeros(fixed).slice(row.length)) : row;
    if (!variable.length && !fixed.some(({ scalar }) => scalar.kind === KIND.SINT) && data.length !== size) fail(`${row.length} bytes are no row of ${name}`);
    for (const field of fixed) {
      const { kind } = field.scalar, part = data.slice(at, at + WIDTHS[kind]);
      at += WIDTHS[kind];
      values[field.name] = this.#value(kind, part);
    }
    for (const field of variable) {
      const length = at < data.length ? Number(this.#number(data.slice(at, at + 2))) : 0;
      values[field.name] = data.slice(at + 2, at + 2 + length);
      at += 2 + length;
    }
    return values;
  }

  #number = (part) => part.reduce((sum, one) => (sum << 8n) | BigInt(one), 0n);

  #zeros(fixed) {
    return join(...fixed.map(({ scalar }) => (scalar.kind === KIND.SINT ? number(2n ** 63n, 8) : new Uint8Array(WIDTHS[scalar.kind]))));
  }

  #value(kind, part) {
    if (kind >= KIND.ADDR) return part;
    if (kind === KIND.BOOL) return part[0] !== 0;
    const found = this.#number(part) - (kind === KIND.SINT ? 2n ** 63n : 0n);
    return found >= -BigInt(SAFE) && found <= BigInt(SAFE) ? Number(found) : found;
  }

  /** A row as plain values: accounts by their ids, other bytes as hex. */
  show(name, row) {
    const values = this.read(name, row), { row: fields } = this.#maps.get(name);
    return Object.fromEntries(fields.map((field) => [field.name, showValue(field.scalar.kind, values[field.name])]));
  }
}

function showValue(kind, value) {
  if (kind === KIND.ADDR && isBytes(value, 32)) return encodeId("acct", value);
  if (kind === KIND.TEXT && value instanceof Uint8Array) return new TextDecoder().decode(value);
  return value instanceof Uint8Array ? toHex(value) : value;
}

// A passport -------------------------------------------------------------------------------------------------

function hmac(key, data) {
  const block = new Uint8Array(64);
  block.set(key);
  const pad = (one) => block.map((byte) => byte ^ one);
  return sha256(join(pad(0x5c), sha256(join(pad(0x36), data))));
}

class Records {
  constructor(seen, passport, known) {
    Object.assign(this, { seen, passport, known });
  }

  look() {
    const { seen, passport } = this;
    const count = passport.nodes.length + passport.tails.length;
    seen.check("state", "state", { count }, () => { this.tree = new Tree(passport.head.header.state_root, passport.nodes, passport.tails); });
    this.#contract();
    this.#vehicle();
    this.#sequence();
    seen.check("nothing_else", "nothing_else", {}, () => {
      if (this.tree.hasIdle()) fail("there are pieces of the state that show nothing asked for");
    });
  }

  #need(what, key, value) {
    if (this.tree.shows(key, value === null ? null : sha256(value))) return;
    fail(`${what}: the state does not show ${value === null ? "its absence" : `these ${value.length} bytes`}`);
  }

  #contract() {
    const { seen, passport } = this, contract = encodeId("ctr", passport.contract);
    let code;
    seen.check("contract", "contract", { contract }, () => {
      this.#need("name", join([0x0c], UTF8.encode("records")), passport.contract);
      this.#need("instance", join([0x15], passport.contract), passport.instance);
      code = INSTANCE(decode(passport.instance)).code_id;
      expect("code", taggedHash("code", passport.code), code);
      this.rows = new Rows(passport.contract, passport.code);
    });
    if (this.known.length && !this.known.includes(toHex(code))) seen.skip("code", "code_unknown", { code_id: toHex(code).slice(0, 16) });
    Object.assign(seen.facts, { contract, code_id: toHex(code) });
  }

  #vehicle() {
    const { seen, passport, rows } = this, vehicle = encodeId("veh", passport.vehicle);
    seen.check("vehicle", "vehicle", { vehicle }, () => {
      this.#need("registration", rows.key("vehicles", passport.vehicle), passport.registration);
      this.registration = rows.read("vehicles", passport.registration);
      if (!passport.secrets.length) fail("there is no secret of the vehicle");
      if (!isSame(vehicleCommitment(passport.secrets[0]), this.registration.commitment)) fail("the first secret is not the one that was registered");
    });
    seen.facts.vehicle = { id: vehicle, ...rows.show("vehicles", passport.registration), vin: this.#vin() };
  }

  #vin() {
    const { vin } = this.passport;
    if (!vin) {
      this.seen.skip("vin", "vin_missing");
      return null;
    }
    this.seen.check("vin", "vin", { vin: vin.number }, () => {
      const isNumber = /^[0-9A-Z]{17}$/.test(vin.number);
      if (!isNumber || !isSame(hmac(vin.salt, UTF8.encode(vin.number)), this.registration.vin)) fail("this is not the number that the owner committed");
    });
    return vin.number;
  }

  #sequence() {
    const { seen, passport: { vehicle, secrets, places, head } } = this;
    const found = [];
    const spot = { secret: 0, number: 0 };
    const handle = () => vehicleHandle(secrets[spot.secret], spot.number);
    for (const place of places) this.#entry(place, spot, handle(), vehicle, found);
    seen.facts.records = found;
    seen.check("secrets", "secrets", { count: secrets.length }, () => {
      if (spot.secret + 1 !== secrets.length) fail(`${secrets.length} secrets, but the entries lead to secret ${spot.secret + 1} only`);
      if (secrets.length !== this.registration.secrets) fail(`${secrets.length} secrets, and the vehicle has had ${this.registration.secrets}`);
    });
    seen.check("end", "end", { height: head.header.height, count: found.length }, () => this.#need("next entry", this.rows.key("places", handle()), null));
  }

  #entry(place, spot, handle, vehicle, found) {
    const { seen, rows, passport: { secrets } } = this;
    const where = `entry ${spot.number + 1} of secret ${spot.secret + 1}`;
    const numbers = { secret: spot.secret + 1, entry: spot.number + 1 };
    seen.check("record", "record", {}, () => {
      this.#need(where, rows.key("places", handle), place.row);
      const said = rows.read("places", place.row);
      let meaning;
      if (isSame(said.vehicle, vehicle)) {
        const following = secrets[spot.secret + 1] ?? fail(`secret ${spot.secret + 1} is not the newest: the next one is missing`);
        if (!isSame(vehicleCommitment(following), said.commitment)) fail(`secret ${spot.secret + 2} is not the one that followed secret ${spot.secret + 1}`);
        [spot.secret, spot.number, meaning] = [spot.secret + 1, 0, "change"];
      } else {
        const own = vehicleMark(secrets[spot.secret], spot.number, said.record);
        spot.number++;
        meaning = isSame(said.vehicle, ZERO) && isSame(said.mark, own) ? "record" : "strange";
      }
      if (meaning !== "record") {
        if (place.content) fail(`${where}: contents of what is no record`);
        return { sentence: meaning, values: numbers };
      }
      const shown = { number: found.length + 1, record: toHex(said.record), entered_at: said.at, detached_at: said.detached_at || null };
      found.push({ ...shown, content: place.content && this.#content(handle, said, place.content) });
      const sentence = said.detached_at ? "record_taken_out" : place.content ? "record" : "record_kept_back";
      return { sentence, values: { number: found.length } };
    });
  }

  #content(handle, found, content) {
    const { rows } = this, { record: id } = found;
    this.#need("record", rows.key("records", id), content.record);
    const said = rows.read("records", content.record);
    if (!found.detached_at && !isSame(said.handle, handle)) fail("the record says that it stands elsewhere");
    const lengths = (what, wanted, parts) => { if (parts.length !== wanted) fail(`${parts.length} ${what}, the record has ${wanted}`); };
    lengths("entries", said.entries, content.entries);
    lengths("corrections", said.corrections, content.corrections);
    const numbers = [];
    content.entries.forEach((row, i) => {
      this.#need(`entry ${i + 1}`, rows.key("entries", id, i + 1), row);
      if (rows.read("entries", row).kind === MATERIAL) numbers.push(i + 1);
    });
    lengths("materials", numbers.length, content.materials);
    numbers.forEach((place, i) => this.#need(`material ${place}`, rows.key("materials", id, place), content.materials[i]));
    content.corrections.forEach((row, i) => this.#need(`correction ${i + 1}`, rows.key("fixes", id, i + 1), row));
    return {
      ...rows.show("records", content.record),
      entries: content.entries.map((row) => rows.show("entries", row)),
      materials: content.materials.map((row, i) => ({ entry: numbers[i], ...rows.show("materials", row) })),
      corrections: content.corrections.map((row) => rows.show("fixes", row)),
    };
  }
}

// For those who make one ---------------------------------------------------------------------------------

/** A block as a node proves it, in the form of the file. */
export function readCandidate(proof) {
  const rule = proof.rule === "crash" ? 1 : 0;
  const setOf = (keys) => [keys.map(fromHex), rule, proof.epoch];
  const parts = [decode(fromHex(proof.header)), decode(fromHex(proof.commit)), setOf(proof.validators), setOf(proof.next_validators ?? proof.validators)];
  return CANDIDATE(parts);
}

export const instanceCode = (instance) => INSTANCE(decode(instance)).code_id;
export const FORMATS = { passport: FORMAT, slip: SLIP_FORMAT };
const BASE = 45;

/** The text that the code of a slip has. */
export function slipText(data) {
  let out = PREFIX;
  for (let at = 0; at < data.length; at += 2) {
    const isPair = at + 1 < data.length;
    let value = isPair ? data[at] * 256 + data[at + 1] : data[at];
    for (let left = isPair ? 3 : 2; left > 0; left--) [out, value] = [out + BASE45[value % BASE], Math.floor(value / BASE)];
  }
  return out;
}

// For readers ---------------------------------------------------------------------------------------------

/**
 * What the reader knows from elsewhere: the network's id, who the validators of a height were, the contract of records.
 * @param {{ genesis?: string, checkpoint?: string, contract?: Uint8Array | null, codes?: string[] }} given as on the command line
 */
export function readAnchor({ genesis = "", checkpoint = "", contract = null, codes = [] }) {
  const [, height, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(checkpoint) ?? [];
  const chain = /^[0-9a-f]{64}$/.test(genesis) ? fromHex(genesis) : null;
  return { chain, height: hash ? Number(height) : null, validatorsHash: hash ? fromHex(hash) : null, contract, codes };
}

/** What a passport file shows to a reader with this anchor. */
export function checkPassport(data, anchor) {
  const seen = new Examination();
  let passport;
  seen.run(
    () => seen.check("file", "file", { length: data.length }, () => { passport = read(PASSPORT, data, FILE_BYTES_MAX, FORMAT); }),
    () => lookAtHead(seen, anchor, passport.genesis, passport.steps, passport.head),
    () => new Records(seen, passport, anchor.codes).look(),
  );
  return seen.report(Boolean(anchor.chain && anchor.validatorsHash));
}

/** What a slip shows; `finished` are the numbers and fields of the event in which work ends. */
export function checkSlip(data, anchor, finished) {
  const seen = new Examination();
  let slip, event;
  seen.run(
    () => seen.check("file", "slip", { length: data.length }, () => { slip = read(SLIP, data, SLIP_BYTES_MAX, SLIP_FORMAT); }),
    () => {
      const following = slip.next_validators ?? slip.validators;
      lookAtHead(seen, anchor, new Uint8Array(), [], { header: slip.header, commit: slip.commit, validators: slip.validators, next_validators: following });
    },
    () => {
      let receipt;
      seen.check("receipt", "receipt", {}, () => {
        let node = sha256(join([0], slip.receipt));
        slip.path.forEach((other, place) => { node = sha256((slip.sides >>> place) & 1 ? join([1], other, node) : join([1], node, other)); });
        const isLong = slip.path.length < 32 && slip.sides >>> slip.path.length;
        if (!isSame(node, slip.header.receipt_root) || isLong) fail("the path does not lead from the receipt to the block");
        receipt = RECEIPT(decode(slip.receipt));
        const isPlain = (value) => value instanceof Uint8Array || typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
        const ends = receipt.events.filter((one) => finished.numbers.includes(one.number) && one.values.length === finished.fields.length
          && one.values.every(isPlain) && (!anchor.contract || isSame(one.contract, anchor.contract)));
        if (ends.length !== 1) fail(`a receipt with ${ends.length} ends of records, expected one`);
        [event] = ends;
      });
      const contract = encodeId("ctr", event.contract);
      if (anchor.contract) seen.check("contract", "slip_contract", { contract }, () => expect("contract", event.contract, anchor.contract));
      else seen.skip("contract", "contract_unasked", { contract });
      const shown = Object.fromEntries(finished.fields.map(({ name, kind }, i) => [name, showValue(kind, event.values[i])]));
      Object.assign(seen.facts, { contract, receipt: toHex(receipt.id), record: shown });
    },
  );
  return seen.report(Boolean(anchor.chain && anchor.validatorsHash && anchor.contract));
}

/** Whether bytes are meant as a slip, from how they begin. */
export const isSlip = (data) => isSame(data.slice(1, 2 + SLIP_FORMAT.length), encode(SLIP_FORMAT));

const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const PREFIX = "WASH1:";

/** The bytes of a slip from the text of its code; null if it is no such text. */
export function slipBytes(text_) {
  if (!text_.startsWith(PREFIX)) return null;
  const letters = text_.slice(PREFIX.length), out = [];
  for (let at = 0; at < letters.length; at += 3) {
    const part = [...letters.slice(at, at + 3)].map((letter) => BASE45.indexOf(letter));
    const value = part.reduce((sum, one, place) => sum + one * 45 ** place, 0), length = part.length - 1;
    if (part.includes(-1) || !length || value >= 256 ** length) return null;
    if (length === 2) out.push(value >> 8);
    out.push(value & 255);
  }
  return Uint8Array.from(out);
}

export const hashOf = (data) => toHex(sha256(data));
/** The contract of a "ctr1..." text; null for none. */
export const contractBytes = (id) => (id ? decodeId(id, "ctr") : null);
