// Puts a passport file or a slip together from what the node proves; the secrets stay on this device.
import { wash } from "./app.js";
import { FORMATS, MATERIAL, Rows, TooFarError, Tree, instanceCode, readBeginning, readCandidate, verifyNext } from "./check.js";
import { encode, fromHex, sha256, toHex, vehicleCommitment, vehicleHandle, vehicleMark } from "./wash.js";

const KEYS_MAX = 512, ROUNDS_MAX = 200, AHEAD = 16, STEPS_MAX = 512, HEADS_MAX = 20;
const UTF8 = new TextEncoder();
const NAME_KEY = Uint8Array.from([0x0c, ...UTF8.encode("records")]);
const spaced = (space, key) => Uint8Array.from([space, ...key]);

/** More keys must be asked for first. */
class WaitError extends Error {}

async function prove(keys) {
  for (let tries = 0; tries < HEADS_MAX; tries++) {
    const answers = [];
    for (let at = 0; at < keys.length; at += KEYS_MAX) answers.push(await wash.rpc("chain_getProofs", { keys: keys.slice(at, at + KEYS_MAX) }));
    if (new Set(answers.map((one) => one.proof.header)).size > 1) continue; // the chain moved on between
    const values = answers.flatMap((one) => one.values);
    const pieces = ["nodes", "tails"].map((name) => [...new Set(answers.flatMap((one) => one[name]))].map(fromHex));
    return { head: readCandidate(answers[0].proof), values: new Map(keys.map((key, i) => [key, values[i] === null ? null : fromHex(values[i])])), pieces };
  }
  throw new Error("the chain moves on faster than its node answers");
}

class Gathering {
  used = new Map();

  constructor(shown, wanted, vehicle, secrets) {
    Object.assign(this, { shown, wanted, vehicle, secrets });
  }

  get(key) {
    const name = toHex(key);
    if (!this.shown.values.has(name)) {
      this.wanted.add(name);
      throw new WaitError();
    }
    this.used.set(name, this.shown.values.get(name));
    return this.used.get(name);
  }

  need(key) {
    return this.get(key) ?? (() => { throw new Error("the chain has no such record"); })();
  }

  parts() {
    const contract = this.need(NAME_KEY), instance = this.need(spaced(0x15, contract)), codeKey = spaced(0x14, instanceCode(instance));
    const code = this.need(codeKey);
    this.used.delete(toHex(codeKey)); // its hash is enough
    this.rows = new Rows(contract, code);
    const registration = this.need(this.rows.key("vehicles", this.vehicle));
    const places = this.places();
    const tree = new Tree(this.shown.head.header.state_root, ...this.shown.pieces);
    for (const [key, value] of this.used) if (!tree.shows(fromHex(key), value === null ? null : sha256(value))) throw new Error("the node's answer does not prove what it says");
    const [nodes, tails] = tree.needed();
    return { contract, instance, code, registration, places, nodes, tails };
  }

  places() {
    const { rows, secrets } = this, places = [], spot = { secret: 0, number: 0 };
    for (let waits = false; ; ) {
      const key = rows.key("places", vehicleHandle(secrets[spot.secret], spot.number));
      if (!this.shown.values.has(toHex(key))) {
        for (let i = 0; i < Math.max(AHEAD, places.length); i++) this.wanted.add(toHex(rows.key("places", vehicleHandle(secrets[spot.secret], spot.number + i))));
      }
      const row = this.get(key);
      if (row === null) {
        if (waits) throw new WaitError();
        return places;
      }
      const found = rows.read("places", row);
      if (toHex(found.vehicle) === toHex(this.vehicle)) {
        if (!secrets[spot.secret + 1] || toHex(vehicleCommitment(secrets[spot.secret + 1])) !== toHex(found.commitment)) throw new Error("a secret of the car is missing");
        [spot.secret, spot.number] = [spot.secret + 1, 0];
        places.push([row, null]);
        continue;
      }
      const isOwn = found.vehicle.every((one) => one === 0) && toHex(found.mark) === toHex(vehicleMark(secrets[spot.secret], spot.number, found.record));
      spot.number++;
      let content = null;
      try {
        content = isOwn ? this.content(found.record) : null;
      } catch (error) {
        if (!(error instanceof WaitError)) throw error;
        waits = true; // the others' rows can be asked for along with these
      }
      places.push([row, content]);
    }
  }

  content(record) {
    const { rows } = this, row = this.need(rows.key("records", record)), said = rows.read("records", row);
    const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);
    const entries = this.numbered("entries", record, upTo(said.entries)), corrections = this.numbered("fixes", record, upTo(said.corrections));
    const materials = upTo(said.entries).filter((number) => rows.read("entries", entries[number - 1]).kind === MATERIAL);
    return [row, entries, this.numbered("materials", record, materials), corrections];
  }

  numbered(name, record, numbers) {
    const keys = numbers.map((number) => this.rows.key(name, record, number));
    const missing = keys.map(toHex).filter((key) => !this.shown.values.has(key));
    for (const key of missing) this.wanted.add(key);
    if (missing.length) throw new WaitError();
    return keys.map((key) => this.need(key));
  }
}

/** The way from the genesis to a block, if the node has one: each block signed by those known before it. */
async function wayTo(head) {
  const { bytes } = await wash.rpc("chain_getGenesis");
  if (!bytes) return [new Uint8Array(), []];
  const genesis = fromHex(bytes), start = readBeginning(genesis), steps = [];
  let trusted = { chain: start.chain, height: 0, time: start.time, next: start.validators, changedAt: 0, header: null };
  const path = [head.header.height];
  try {
    for (let tries = 0; path.length && tries < 4 * STEPS_MAX; tries++) {
      const height = path.at(-1);
      const one = height === head.header.height ? head : readCandidate(await wash.rpc("chain_getProof", { kind: "block", height }));
      try {
        trusted = verifyNext(trusted, one);
        path.pop();
        if (one !== head) steps.push(one);
      } catch (error) {
        if (!(error instanceof TooFarError)) throw error;
        const hint = Math.min(one.header.last_validators_change_height, height - 1);
        path.push(path.length % 2 === 1 && hint > trusted.height ? hint : Math.floor((trusted.height + height) / 2));
      }
    }
  } catch (error) {
    console.warn(error); // a node that began from a snapshot knows no way from the beginning
    return [new Uint8Array(), []];
  }
  return path.length || steps.length > STEPS_MAX ? [new Uint8Array(), []] : [genesis, steps];
}

/** The bytes of a car's passport at the newest block; `frame` is the salt and the number on its frame. */
export async function makePassport(vehicle, secrets, frame = null) {
  const wanted = new Set([toHex(NAME_KEY)]);
  for (let round = 1; round < ROUNDS_MAX; round++) {
    const shown = await prove([...wanted]);
    try {
      const { contract, instance, code, registration, places, nodes, tails } = new Gathering(shown, wanted, vehicle, secrets).parts();
      const [genesis, steps] = await wayTo(shown.head);
      return encode([
        FORMATS.passport, genesis, steps.map((one) => one.raw), shown.head.raw, contract, instance, code, vehicle, registration, frame,
        secrets, places, nodes, tails,
      ]);
    } catch (error) {
      if (!(error instanceof WaitError)) throw error;
    }
  }
  throw new Error("the car has more entries than a passport can show");
}

/** The bytes of a slip of one finished record. */
export async function makeSlip(event) {
  const { height, origin } = event;
  const { receipt_ids: ids } = await wash.rpc("chain_getBlock", { height, detail: "ids" }).then((one) => one.data ?? one);
  const proof = await wash.rpc("chain_getProof", { kind: "receipt", height, index: ids.indexOf(origin.id) });
  const head = readCandidate(proof), [header, commit, validators, following] = head.raw;
  const isSame = toHex(encode(validators)) === toHex(encode(following));
  let [index, last, sides] = [proof.index, proof.size - 1, 0];
  proof.path.forEach((_, place) => {
    if (index & 1 || index === last) {
      sides |= 1 << place;
      while (!(index & 1) && index) [index, last] = [index >> 1, last >> 1];
    }
    [index, last] = [index >> 1, last >> 1];
  });
  return encode([FORMATS.slip, header, commit, validators, isSame ? null : following, fromHex(proof.leaf), sides >>> 0, proof.path.map(fromHex)]);
}
