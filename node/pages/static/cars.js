// A customer's cars: their numbers and secrets follow from the seed, so that the key card brings them back.
//
// What stands on the chain is under handles that only the secrets give away; the account that owns a
// car is another one than those at shops. Secrets of owners before are kept on this device only.
import { data, wash } from "./app.js";
import { ask } from "./lists.js";
import { accountFor, derive, washFor } from "./wallet.js";
import { Key, Wash, decodeId, encodeId, fromHex, toHex, vehicleCommitment, vehicleHandle, vehicleMark } from "./wash.js";

const CARS = "wash.cars"; // [{ slot, vehicle, before, shared_until }]
const NONE = "00".repeat(32);
const AHEAD = 16, CARS_MAX = 20;
const SIZE = 1;

function list() {
  try {
    return JSON.parse(localStorage.getItem(CARS) ?? "[]").filter((one) => Number.isInteger(one.slot) && typeof one.vehicle === "string");
  } catch {
    return [];
  }
}

const keep = (cars) => localStorage.setItem(CARS, JSON.stringify(cars));
/** Change what is kept of a car. */
export const note = (car, changes) => keep(list().map((one) => (one.slot === car.slot ? Object.assign(car, { ...one, ...changes }) : one)));

const slotBytes = (...numbers) => {
  const out = new Uint8Array(4 * numbers.length), view = new DataView(out.buffer);
  numbers.forEach((one, i) => view.setUint32(4 * i, one));
  return out;
};
const keyOf = async (slot) => new Key(await derive("car-key", slotBytes(slot)));
const secretOf = (slot, number) => derive("car-secret", slotBytes(slot, number));
const vehicleOf = async (slot) => encodeId("veh", await derive("car", slotBytes(slot)));
const clientOf = async (slot) => new Wash(location.origin, data.sponsors ? { key: await keyOf(slot), sponsor: "node" } : { key: await keyOf(slot) });

/** Cars of this device; on a new one, those that the chain knows of this customer. */
export async function cars() {
  const kept = list();
  if (kept.length) return kept;
  const found = [];
  for (let slot = 0; slot < CARS_MAX; slot++) {
    const { account } = await keyOf(slot), own = await vehicleOf(slot);
    const [mine, taken] = await ask(["records.vehicle", { vehicle: own }], ["events_query", { filter: { type: "records.VehicleTransferred", values: { owner: account } } }]);
    const vehicle = mine?.owner === account ? own : taken?.items.at(-1)?.values.vehicle;
    if (!mine && !vehicle) break;
    if (vehicle) found.push({ slot, vehicle, before: [] });
  }
  keep(found);
  return found;
}

/** The first car; its history begins now if there is none. */
export async function ensureCar() {
  const [first] = await cars();
  return first ?? beginCar();
}

export async function beginCar() {
  const all = await cars(), slot = all.reduce((most, one) => Math.max(most, one.slot + 1), 0);
  const vehicle = await vehicleOf(slot), commitment = toHex(vehicleCommitment(await secretOf(slot, 0)));
  await (await clientOf(slot)).call("records.register_vehicle", { vehicle, size: SIZE, commitment, vin: NONE });
  const car = { slot, vehicle, before: [] };
  keep([...all, car]);
  return car;
}

/** The account that a car would be taken over with, in the next free place. */
export async function takingAccount() {
  const slot = (await cars()).reduce((most, one) => Math.max(most, one.slot + 1), 0);
  return { slot, account: (await keyOf(slot)).account };
}

/** Whether the account of a car's place here is the owner. */
export const owns = async (car, owner) => (await keyOf(car.slot)).account === owner;

/** All secrets of a car, from the first on; those of this customer follow from the seed. */
export async function secretsOf(car) {
  const { secrets } = await wash.read("records.vehicle", { vehicle: car.vehicle });
  const own = Math.max(1, secrets - car.before.length);
  const made = await Promise.all(Array.from({ length: own }, (_, number) => secretOf(car.slot, number)));
  return [...car.before.map(fromHex), ...made];
}

/** What was entered for a car, in order, and where the next entry goes. */
export async function walk(vehicle, secrets) {
  const place = decodeId(vehicle, "veh"), entries = [];
  const spot = { secret: 0, number: 0 };
  for (let at = 0; ; at = 0) {
    const handles = Array.from({ length: AHEAD }, (_, i) => toHex(vehicleHandle(secrets[spot.secret], spot.number + i)));
    const found = await ask(...handles.map((handle) => ["records.by_handle", { handle }]));
    for (; at < found.length && found[at]; at++) {
      const one = found[at];
      if (one.vehicle === encodeId("veh", place)) {
        if (spot.secret + 1 >= secrets.length) return { entries, spot };
        [spot.secret, spot.number] = [spot.secret + 1, 0];
        break;
      }
      const own = toHex(vehicleMark(secrets[spot.secret], spot.number, fromHex(one.record)));
      if (one.mark === own) entries.push(one);
      spot.number++;
    }
    if (at < found.length && !found[at]) return { entries, spot };
  }
}

/** Change the car's secret, so that those who were shown it see nothing new. */
export async function rotate(car) {
  const secrets = await secretsOf(car), { spot } = await walk(car.vehicle, secrets);
  const next = await secretOf(car.slot, secrets.length - car.before.length);
  const args = { vehicle: car.vehicle, handle: toHex(vehicleHandle(secrets[spot.secret], spot.number)), commitment: toHex(vehicleCommitment(next)) };
  await (await clientOf(car.slot)).call("records.rotate", args);
  note(car, { shared_until: 0 });
}

/** Under what the number on a car's frame is committed; it follows from the seed. */
const saltOf = (slot) => derive("car-salt", slotBytes(slot));

/** The number on the car's frame with its salt, for the passport; null if it is not known here. */
export async function frameOf(car) {
  return car.vin ? [await saltOf(car.slot), car.vin] : null;
}

/** Tie the history to the number on the car's frame, once; the chain is not shown the number. */
export async function nameFrame(car, vin, options) {
  const keyed = await crypto.subtle.importKey("raw", await saltOf(car.slot), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const made = new Uint8Array(await crypto.subtle.sign("HMAC", keyed, new TextEncoder().encode(vin)));
  const { vin: known } = await wash.read("records.vehicle", { vehicle: car.vehicle });
  if (known !== NONE && known !== toHex(made)) return false;
  if (known === NONE) await (await clientOf(car.slot)).call("records.commit_vin", { vehicle: car.vehicle, vin: toHex(made) }, options);
  note(car, { vin });
  return true;
}

/** Enter a finished record in a car's history. */
export async function attach(car, shop, record, options = {}) {
  const { time_ms: now } = await wash.rpc("node_health");
  if (car.shared_until && car.shared_until <= now) await rotate(car);
  const secrets = await secretsOf(car), { spot } = await walk(car.vehicle, secrets);
  const secret = secrets[spot.secret];
  const args = { record, handle: toHex(vehicleHandle(secret, spot.number)), mark: toHex(vehicleMark(secret, spot.number, fromHex(record))) };
  return (await washFor(shop)).call("records.attach", args, options);
}

/** Records that shops finished for this customer and that are in no history yet. */
export async function loose(shops, eventsOf) {
  const found = [];
  for (const shop of shops) {
    const customer = await accountFor(shop);
    const ended = customer ? await eventsOf({ type: "records.Finished", values: { customer } }) : [];
    const records = await ask(...ended.map((one) => ["records.record", { record: one.values.record }]));
    records.forEach((one, i) => {
      if (one?.checked_in && one.handle === NONE) found.push({ ...one, id: ended[i].values.record });
    });
  }
  return found.sort((a, b) => b.finished_at - a.finished_at);
}

export async function offer(car, to, until, options) {
  return (await clientOf(car.slot)).call("records.offer_vehicle", { vehicle: car.vehicle, to, until }, options);
}

export async function takeBack(car, options) {
  return (await clientOf(car.slot)).call("records.withdraw_offer", { vehicle: car.vehicle }, options);
}

/** Take over a car whose secrets the owner before gave along; from now on it has a new one. */
export async function take(vehicle, before, options) {
  const { slot } = await takingAccount(), all = await cars();
  const { spot } = await walk(vehicle, before.map(fromHex));
  const commitment = toHex(vehicleCommitment(await secretOf(slot, 0)));
  const handle = toHex(vehicleHandle(fromHex(before[spot.secret]), spot.number));
  const car = { slot, vehicle, before };
  keep([...all, car]); // first the device, then the chain: without the secrets there is no history
  try {
    return await (await clientOf(slot)).call("records.accept_vehicle", { vehicle, handle, commitment }, options);
  } catch (error) {
    if (error.final) keep(all);
    throw error;
  }
}

/** A car that was given away is no longer kept here. */
export const forget = (vehicle) => keep(list().filter((one) => one.vehicle !== vehicle));
