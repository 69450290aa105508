import assert from "node:assert/strict";
import { test } from "node:test";

import { Final, Key, Wash, WashError, decode, encodeId, fromHex, showTransaction, signingBytes, sponsorBytes, toHex, txId } from "../../node/client/wash.js";
import { fail, fakeFetch, lost, status } from "./fake_node.mjs";
import { readJson } from "./vectors.mjs";

const ALICE = new Key("01".repeat(32)), SHOP = new Key("03".repeat(32));
const CHAIN = "c4".repeat(32), ASSET = encodeId("ast", new Uint8Array(32).fill(9));
const PAY = [{ type: "transfer", asset: "CNY", to: SHOP.account, amount: 680 }];
const UNTIL = 1_750_000_600_000;

const receiptOf = (tx, more = {}) => ({
  id: tx, height: 9, time: 1_750_000_000_000, ok: true, code: 0, error: null, events: [], ...more,
});
const idOf = ({ tx }) => showTransaction(fromHex(tx)).tx_id;

/** A chain that takes everything, with parts of its script changed. */
function chain(changes = {}, options = {}) {
  const { fetch, asked } = fakeFetch({
    node_info: () => ({ at: {}, data: { chain_id: CHAIN, sponsor: SHOP.account } }),
    asset_get: () => ({ at: {}, data: { asset: ASSET, symbol: "CNY" } }),
    tx_build: () => ({ nonce: 7, valid_until: UNTIL, gas_limit: 60_000 }),
    tx_submit: (params) => ({ tx_id: idOf(params), status: "pending", valid_until: UNTIL }),
    tx_wait: (params) => ({ tx_id: params.tx_id, status: "final", receipt: receiptOf(params.tx_id) }),
    tx_get: (params) => ({ tx_id: params.tx_id, status: "pending" }),
    ...changes,
  });
  return { wash: new Wash("http://shop.local:8787/", { key: ALICE, fetch, timeoutMs: 1_000, ...options }), asked };
}

const methods = (asked) => asked.map((one) => one.method);

test("a result is handed on and an error is typed", async () => {
  const refused = fail(3001, "SLOT_TAKEN", { zh: "时段已被预订", retry: "never", reason: "slot_taken" });
  const { wash } = chain({ good: () => [1, null], bad: () => refused });

  const result = await wash.rpc("good", { a: 1 });
  const error = await wash.rpc("bad").catch((one) => one);

  assert.deepEqual(result, [1, null]);
  assert.ok(error instanceof WashError);
  assert.deepEqual([error.code, error.name, error.message, error.zh, error.retry, error.reason],
    [3001, "SLOT_TAKEN", "no: SLOT_TAKEN", "时段已被预订", "never", "slot_taken"]);
});

test("a batch gives each result or the error in its place", async () => {
  const { wash } = chain({ good: ({ n }) => n, bad: () => fail(6001, "NOT_FOUND") });

  const found = await wash.batch([["good", { n: 1 }], ["bad", {}], ["good", { n: 2 }]]);

  assert.deepEqual([found[0], found[1].name, found[2]], [1, "NOT_FOUND", 2]);
  assert.deepEqual(await wash.batch([]), []);
});

test("a lost connection is tried once more, except where that could do something twice", async () => {
  const once = (_, count) => (count === 1 ? lost() : "there");
  const { wash, asked } = chain({ chain_head: once, dev_mine: once, gone: lost });

  const found = await wash.rpc("chain_head");
  const mined = await wash.rpc("dev_mine").catch((error) => error.name);
  const gone = await wash.rpc("gone").catch((error) => error);

  assert.deepEqual([found, mined, gone.name, gone.retry], ["there", "NODE_UNREACHABLE", "NODE_UNREACHABLE", "same"]);
  assert.deepEqual(methods(asked), ["chain_head", "chain_head", "dev_mine", "gone", "gone"]);
});

test("a node that asks for patience gets some", async () => {
  const slow = fail(-32002, "RATE_LIMITED", { retry_after_ms: 1 });
  const { wash } = chain({
    soon: (_, count) => (count < 4 ? slow : "now"), never: () => slow,
    http: (_, count) => (count === 1 ? status(429, "", { "Retry-After": "0" }) : "now"),
    hour: () => fail(-32002, "RATE_LIMITED", { retry_after_ms: 3_600_000 }),
  });

  const found = [await wash.rpc("soon"), await wash.rpc("http")];
  const names = [await wash.rpc("never").catch((one) => one.name), await wash.rpc("hour").catch((one) => one.name)];

  assert.deepEqual([...found, ...names], ["now", "now", "RATE_LIMITED", "RATE_LIMITED"]);
});

test("a node that says nothing is given up", async () => {
  const { wash } = chain({ silent: () => ({ response: new Promise(() => {}) }) }, { timeoutMs: 20 });

  const error = await wash.rpc("silent").catch((one) => one);

  assert.equal(error.name, "NODE_UNREACHABLE");
});

test("what is no answer of a node is told apart", async () => {
  const text = (body, number = 200) => () => status(number, body);
  const { wash } = chain({
    page: text("<html>"), other: text('{"jsonrpc":"2.0","id":99,"result":1}'), empty: text('{"jsonrpc":"2.0","id":1}'),
    odd: text('{"jsonrpc":"2.0","id":1,"error":7}'), token: text("", 401), door: text("no", 403), busy: text("", 503), proxy: text("", 502),
    large: text("x".repeat(17 * 1024 * 1024)), known: text(JSON.stringify(fail(-32003, "UNAUTHENTICATED")), 401),
  });

  const names = {};
  for (const method of ["page", "other", "empty", "odd", "token", "door", "busy", "proxy", "large", "known"]) {
    names[method] = await wash.rpc(method).then(() => "taken", (error) => error.name);
  }

  assert.deepEqual(names, {
    page: "BAD_ANSWER", other: "BAD_ANSWER", empty: "BAD_ANSWER", odd: "BAD_ANSWER", token: "UNAUTHENTICATED",
    door: "FORBIDDEN", busy: "NOT_READY", proxy: "BAD_ANSWER", large: "BAD_ANSWER", known: "UNAUTHENTICATED",
  });
});

test("a payment is signed here and says what was asked for", async () => {
  const { wash, asked } = chain();

  const final = await wash.send(PAY, { clientRef: "0f".repeat(16) });
  const sent = showTransaction(fromHex(asked.find((one) => one.method === "tx_submit").params.tx), wash.book);

  const amount = { amount: 680, currency: "CNY", asset: ASSET };
  assert.deepEqual(sent.actions, [{ ...PAY[0], asset: ASSET, amount }]);
  assert.deepEqual([sent.account, sent.key, sent.nonce, sent.valid_until, sent.gas_limit, sent.chain_id, sent.client_ref, sent.good],
    [ALICE.account, null, 7, UNTIL, 60_000, CHAIN, "0f".repeat(16), true]);
  assert.deepEqual([final.txId, final.height, final.ok, final.code], [sent.tx_id, 9, true, 0]);
});

test("many at once take one nonce each", async () => {
  const { wash, asked } = chain();

  await Promise.all(Array.from({ length: 300 }, () => wash.send(PAY)));

  const nonces = asked.filter((one) => one.method === "tx_submit").map((one) => decode(fromHex(one.params.tx))[0][4]);
  assert.deepEqual(nonces.sort((a, b) => a - b), Array.from({ length: 300 }, (_, n) => n + 7));
  assert.equal(asked.filter((one) => one.method === "node_info").length, 1);
});

test("a nonce that another program took is replaced", async () => {
  const { wash, asked } = chain({
    tx_submit: (params, count) => (count === 1 ? fail(1004, "NONCE_USED", { retry: "rebuild" }) : { tx_id: idOf(params), valid_until: UNTIL }),
    tx_build: (_, count) => ({ nonce: 6 + count, valid_until: UNTIL, gas_limit: 1 }),
  });

  const final = await wash.send(PAY);

  assert.equal(final.ok, true);
  assert.equal(asked.filter((one) => one.method === "tx_submit").length, 2);
});

test("the same bytes are sent again after a lost connection and to a node that forgot them", async () => {
  const { wash, asked } = chain({
    tx_submit: (params, count) => (count < 4 ? lost() : { tx_id: idOf(params), valid_until: UNTIL }),
    tx_wait: ({ tx_id }, count) => [
      { tx_id, status: "unknown" }, { tx_id, status: "pending" }, { tx_id, status: "final", receipt: receiptOf(tx_id) },
    ][count - 1],
  });

  const final = await wash.send(PAY);

  const sent = new Set(asked.filter((one) => one.method === "tx_submit").map((one) => one.params.tx));
  assert.equal(final.ok, true);
  assert.equal(sent.size, 1);
});

test("a refusal of bytes that came through before is looked up and not believed", async () => {
  const { wash } = chain({
    tx_submit: (_, count) => (count < 3 ? lost() : fail(1004, "NONCE_USED")),
    tx_get: ({ tx_id }) => ({ tx_id, status: "final", receipt: receiptOf(tx_id) }),
  });

  assert.equal((await wash.send(PAY)).ok, true);
});

test("a transaction that fails in its block is thrown with its receipt, or returned unchecked", async () => {
  const error = { code: 2001, name: "INSUFFICIENT_BALANCE", message: "too little", zh: "余额不足", retry: "never" };
  const failed = ({ tx_id }) => ({ tx_id, status: "failed", receipt: receiptOf(tx_id, { ok: false, code: 2001, error }) });
  const { wash } = chain({ tx_wait: failed });

  const thrown = await wash.send(PAY).catch((one) => one);
  const final = await wash.send(PAY, { check: false });

  assert.deepEqual([thrown.code, thrown.name, thrown.zh, thrown.final.height], [2001, "INSUFFICIENT_BALANCE", "余额不足", 9]);
  assert.deepEqual([final.ok, final.code], [false, 2001]);
});

test("what the node signed again is followed, and not for ever", async () => {
  const again = "77".repeat(32);
  const { wash } = chain({
    tx_wait: ({ tx_id }) => (tx_id === again
      ? { tx_id, status: "final", receipt: receiptOf(tx_id) }
      : { tx_id, status: "expired", renewed_as: again }),
  });
  const round = chain({ tx_wait: ({ tx_id }) => ({ tx_id, status: "expired", renewed_as: tx_id }) });

  const final = await wash.send(PAY);
  const error = await round.wash.send(PAY).catch((one) => one);

  assert.deepEqual([final.txId, final.ok, error.name], [again, true, "EXPIRED"]);
});

test("an end without an outcome says which one it is", async () => {
  const waiting = (answer, options) => chain({ tx_wait: ({ tx_id }) => ({ tx_id, ...answer }) }, { timeoutMs: 20, ...options }).wash;
  const name = (work) => work.then(() => "done", (error) => error.name);

  const names = [
    await name(waiting({ status: "pending" }).send(PAY)),
    await name(waiting({ status: "expired", searched: { from: 1, to: 9 } }).send(PAY)),
    await name(waiting({ status: "unknown" }).wait("00".repeat(32))),
    await name(waiting({ status: "failed", error: fail(1007, "KEY_SCOPE").error }).send(PAY)),
    await name(waiting({ status: "nonsense" }).send(PAY)),
    await name(waiting({ status: "final", receipt: receiptOf("00".repeat(32)) }).send(PAY)),
  ];

  assert.deepEqual(names, ["STILL_PENDING", "EXPIRED", "NOT_FOUND", "KEY_SCOPE", "BAD_ANSWER", "BAD_ANSWER"]);
});

test("a lying node gets nothing else signed", async () => {
  const lies = {
    nonce: { tx_build: () => ({ nonce: -1, valid_until: UNTIL, gas_limit: 1 }) },
    sponsor: { tx_sponsor: () => ({ key: toHex(SHOP.publicKey), signature: "00".repeat(64) }) },
    contract: { contract_get: () => ({ at: {}, data: { contract: encodeId("ctr", new Uint8Array(32).fill(1)), abi: readJson("contracts/standard/compiled/booking.abi.json"), assets: [] } }) },
    abi: { contract_get: ({ contract }) => ({ at: {}, data: { contract, abi: { actions: [{}] }, assets: [] } }) },
  };
  const elsewhere = [{ type: "call", contract: encodeId("ctr", new Uint8Array(32).fill(2)), function: "accept", arguments: { id: 1 } }];

  const names = {};
  for (const [name, script] of Object.entries(lies)) {
    const { wash, asked } = chain(script, { sponsor: name === "sponsor" ? "node" : null });
    names[name] = await wash.send(name === "contract" || name === "abi" ? elsewhere : PAY).catch((error) => error.name);
    assert.ok(!methods(asked).includes("tx_submit"), name);
  }

  assert.deepEqual(names, { nonce: "BAD_ANSWER", sponsor: "BAD_ANSWER", contract: "BAD_ANSWER", abi: "BAD_ANSWER" });
});

const cosigned = (bytes) => ({ body }) => ({ key: toHex(SHOP.publicKey), signature: toHex(SHOP.sign(bytes(fromHex(body)))) });

test("a sponsor co-signs, here or at the node, which gives its word only when asked", async () => {
  const { wash, asked } = chain({ tx_sponsor: cosigned(sponsorBytes) });

  for (const sponsor of [SHOP, "node", "node_attests"]) await wash.send(PAY, { sponsor });

  const sent = asked.filter((one) => one.method === "tx_submit").map((one) => showTransaction(fromHex(one.params.tx)));
  const words = asked.filter((one) => one.method === "tx_sponsor").map((one) => one.params.attest);
  assert.deepEqual(sent.map((one) => [one.sponsor, one.good]), Array(3).fill([SHOP.account, true]));
  assert.deepEqual(words, [false, true]);
});

test("a node that co-signs as a sender would is not believed", async () => {
  const { wash, asked } = chain({ tx_sponsor: cosigned(signingBytes) });

  const error = await wash.send(PAY, { sponsor: "node" }).catch((one) => one);

  assert.equal(error.name, "BAD_ANSWER");
  assert.ok(!methods(asked).includes("tx_submit"));
});

test("a client of one chain signs for no other", async () => {
  const here = chain({}, { chainId: CHAIN }), there = chain({}, { chainId: "c5".repeat(32) });

  const final = await here.wash.send(PAY);
  const built = await there.wash.send(PAY).catch((one) => one);
  const signed = await there.wash.sign(await here.wash.build(PAY)).catch((one) => one);

  assert.ok(final.ok);
  for (const error of [built, signed]) {
    assert.deepEqual([error.code, error.name, error.data], [1003, "WRONG_CHAIN", { expected: "c5".repeat(32), found: CHAIN }]);
  }
  assert.ok(!methods(there.asked).includes("tx_submit"));
  assert.throws(() => new Wash("http://a", { chainId: "c4" }), { name: "INVALID_PARAMS", data: { field: "chainId" } });
});

test("a key that is not the account's first is named", async () => {
  const { wash, asked } = chain({}, { account: SHOP.account });

  const body = await wash.build(PAY);
  const signed = showTransaction(await wash.sign(body));

  assert.deepEqual([signed.account, signed.key, signed.good], [SHOP.account, toHex(ALICE.publicKey), true]);
  assert.equal(asked.find((one) => one.method === "tx_build").params.key, toHex(ALICE.publicKey));
  assert.equal(txId(body), signed.tx_id);
});

test("a slip is found before the node is asked to build", async () => {
  const { wash, asked } = chain();

  const error = await wash.send([{ ...PAY[0], amount: 1.5 }]).catch((one) => one);

  assert.deepEqual([error.name, error.data.field], ["INVALID_PARAMS", "actions[0].amount"]);
  assert.ok(!methods(asked).includes("tx_build"));
});

test("views are asked for by one name or by two", async () => {
  const { wash, asked } = chain({ contract_read: ({ view }) => ({ at: {}, data: view }) });

  const found = [await wash.read("booking.cancel_fee", { id: 1 }), await wash.read(["booking", "cancel_fee"])];
  const error = await wash.read("booking").catch((one) => one);

  assert.deepEqual(found, ["cancel_fee", "cancel_fee"]);
  assert.deepEqual(asked[0].params, { contract: "booking", view: "cancel_fee", args: { id: 1 } });
  assert.equal(error.name, "INVALID_PARAMS");
});

test("an address is checked and its end does not matter", () => {
  const urls = ["http://a:1", "http://a:1/", "https://a/rpc"].map((url) => new Wash(url, { fetch: lost }).url);

  assert.deepEqual(urls, ["http://a:1", "http://a:1", "https://a"]);
  assert.throws(() => new Wash("ftp://a"), { name: "INVALID_PARAMS" });
});

test("an outcome has the values of an event by its type", () => {
  const events = [{ type: "booking.Paid", values: { total: 1 } }, { type: "booking.Paid", values: { total: 2 } }, { type: "booking.Idle" }];
  const final = new Final("ab", receiptOf("ab", { events }));

  const found = [final.event("booking.Paid"), final.event("booking.Idle")];

  assert.deepEqual(found, [{ total: 1 }, {}]);
  assert.throws(() => final.event("booking.Closed"), (error) => error instanceof WashError && error.name === "NOT_FOUND"
    && error.message === "no event booking.Closed in transaction ab; there are: booking.Paid, booking.Paid, booking.Idle");
  assert.throws(() => new Final("ab", receiptOf("ab")).event("x"), /there are: none/);
});

test("an outcome is called OK, or as its refusal", () => {
  const refused = receiptOf("ab", { ok: false, code: 2001, error: { name: "INSUFFICIENT_FUNDS" } });

  const found = [receiptOf("ab"), refused, { ...refused, error: null }].map((one) => new Final("ab", one).name);

  assert.deepEqual(found, ["OK", "INSUFFICIENT_FUNDS", ""]);
});
