// A customer's page without the page: books a wash on a running node and says what happened.
// node buy.mjs URL SHOP_TOKEN 'VISIT AS JSON' HOLD

import process from "node:process";

import { Key, Wash, WashError, encodeId, placeId, toHex } from "../../node/client/wash.js";

const [url, token, visitText, holdText] = process.argv.slice(2);
const visit = JSON.parse(visitText), hold = Number(holdText);
const people = Object.fromEntries((await new Wash(url).rpc("dev_accounts")).map((one) => [one.name, one]));
const alice = new Wash(url, { key: new Key(people.alice.seed) });
const told = {};

async function refusal(work) {
  try {
    await work();
    return null;
  } catch (error) {
    if (!(error instanceof WashError)) throw error;
    return { code: error.code, name: error.name, reason: error.reason, zh: Boolean(error.zh), inBlock: error.final !== null };
  }
}

async function firstOf(stream, count) {
  const found = [];
  for await (const event of stream) {
    found.push(event);
    if (found.length === count) break;
  }
  return found.map((event) => event.id);
}

// A booking by names, and what the contract says of it.
const final = await alice.call("booking.request", visit, { funds: hold });
const booking = encodeId("bkg", placeId(final.txId));
const stored = await alice.read("booking.booking", { id: booking });
told.booking = { ok: final.ok, types: final.events.map((one) => one.type), start: stored.start };
told.held = (await alice.read("booking.held_money", { id: booking })).amount;

// The same reasons in a trial and in a block.
const wrong = [{ type: "call", contract: "booking", function: "request", arguments: { ...visit, total: 1 }, funds: hold }];
told.tried = await refusal(() => alice.simulate(wrong));
told.sent = await refusal(() => alice.send(wrong));

// Money: many at once, and what this client builds is what the node would build.
const pay = (amount) => [{ type: "transfer", asset: "CNY", to: people.bob.account, amount }];
const before = await alice.balance(people.bob.account);
const finals = await Promise.all([...Array(20).keys()].map((n) => alice.send(pay(n + 1))));
told.paid = (await alice.balance(people.bob.account)) - before;
told.transactions = new Set(finals.map((one) => one.txId)).size;
told.again = (await alice.wait(finals[0].txId)).txId === finals[0].txId;

// Events: over the WebSocket and over plain HTTP, from the first to the last payment.
const filter = { type: "chain.transferred", account: people.bob.account };
const after = `${final.height}-`;
const bySocket = await firstOf(alice.events(filter, { after, window: 4 }), 20);
const plain = new Wash(url, { WebSocket: undefined });
const byLines = await firstOf(plain.events(filter, { after, window: 4 }), 20);
told.events = { count: new Set(bySocket).size, alike: JSON.stringify(bySocket) === JSON.stringify(byLines) };
const live = [alice, plain].map((wash) => wash.events(filter));
const pending = live.map((stream) => firstOf(stream, 1));
while (live.some((stream) => stream.position === null)) await new Promise((resolve) => setTimeout(resolve, 5));
const last = await alice.send(pay(7));
told.live = (await Promise.all(pending)).map(([id]) => id.startsWith(`${last.height}-`));

// Somebody without an account, whom the node's shop sponsors.
const { key } = Key.generate();
const newcomer = new Wash(url, { key, sponsor: "node", token });
await newcomer.rpc("dev_faucet", { account: key.account, amount: 50_000 });
told.sponsored = (await newcomer.call("booking.request", { ...visit, start: visit.start + 7_200_000, end: visit.end + 7_200_000 }, { funds: hold })).ok;
told.unsponsored = await refusal(() => new Wash(url, { key }).send(pay(1)));
told.stranger = await refusal(() => new Wash(url, { key, sponsor: "node" }).call("booking.request", visit, { funds: hold }));

// A key of its own, by which the account goes on.
const phone = Key.generate().key;
await alice.send([{ type: "add_key", key: toHex(phone.publicKey), scopes: null }]);
told.byPhone = (await alice.send(pay(1), { key: phone, account: people.alice.account })).ok;

told.isUnknownRefused = (await refusal(() => alice.read("booking.booking", { id: encodeId("bkg", new Uint8Array(32)) }))) !== null;
told.batch = (await alice.batch([["chain_head", {}], ["asset_get", { asset: "JPY" }]])).map((one) => one instanceof WashError);
console.log(JSON.stringify(told));
