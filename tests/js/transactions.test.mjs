import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Book, Key, assemble, assetId, buildBody, decodeId, encode, encodeId, fromHex, placeId, showBody,
  showTransaction, signBody, signingBytes, sponsorBytes, taggedHash, toHex, txId,
} from "../../node/client/wash.js";
import { readJson } from "./vectors.mjs";

const { cases, contract } = readJson("tests/vectors/transactions/actions.json");
const protocol = readJson("tests/vectors/protocol/transactions.json");
const ASSET = encodeId("ast", new Uint8Array(32).fill(9));
const invalid = (field) => ({ name: "INVALID_PARAMS", code: -32602, data: { field } });

function bookOfBookings() {
  const book = new Book();
  const money = [{ slot: "money", asset: ASSET, currency: "CNY" }];
  book.addContract(decodeId(contract, "ctr"), readJson("contracts/standard/compiled/booking.abi.json"), money, "booking");
  return book;
}

const plain = cases[0].transaction;
const withAction = (...actions) => ({ ...plain, actions });
const order = cases.find((one) => one.name === "call by names").transaction.actions[0];

for (const one of cases) {
  test(`the bytes of "${one.name}" are those that other clients make`, () => {
    const book = bookOfBookings();
    const sponsor = one.sponsor_seed === null ? null : new Key(one.sponsor_seed);

    const body = buildBody(one.transaction, book);
    const signed = signBody(body, new Key(one.seed), sponsor);

    const found = { body, sign_bytes: signingBytes(body), sponsor_sign_bytes: sponsorBytes(body), tx: signed };
    for (const [name, bytes] of Object.entries(found)) assert.equal(toHex(bytes), one[name]);
    assert.equal(txId(body), one.tx_id);
  });

  test(`"${one.name}" is shown as JSON that leads back to it`, () => {
    const book = bookOfBookings(), signed = fromHex(one.tx);

    const { tx_id: id, good, witness_id: witness } = showTransaction(signed, book);
    const again = buildBody(showBody(fromHex(one.body), book), book);

    assert.deepEqual([id, good, witness], [one.tx_id, true, toHex(taggedHash("witness", signed))]);
    assert.equal(toHex(again), one.body);
  });
}

test("the protocol's own transactions are read, and every action of it is shown", () => {
  for (const one of protocol.transactions) {
    const shown = showTransaction(fromHex(one.signed_bytes));

    assert.deepEqual([shown.tx_id, shown.witness_id, shown.good], [one.tx_id, one.witness_id, true]);
  }
  const [head, tail] = protocol.transactions[0].body_bytes.split(protocol.actions[0].bytes);
  for (const { bytes } of protocol.actions) {
    const body = fromHex(head + bytes + tail);

    assert.equal(toHex(buildBody(showBody(body))), toHex(body));
  }
});

test("ids that a transaction will make are known before it is sent", () => {
  const { ids, keys } = protocol;
  const alice = fromHex(keys[0].key), origin = ids.origin;

  const found = [placeId(origin), placeId(origin, 15), placeId(origin, 0, "instance"), assetId(alice, "CNY"),
    assetId(new Uint8Array(32), "CNY"), taggedHash("proposal", placeId(origin))];

  assert.deepEqual(found.map(toHex), [ids.call_id_0, ids.call_id_15, ids.instance_id_0, ids.asset_id_alice_CNY,
    ids.asset_id_genesis_CNY, ids.proposal_id_0]);
});

test("names and symbols of the book are as good as ids", () => {
  const book = bookOfBookings();
  book.addAsset(ASSET, "CNY", "CNY");
  const byIds = buildBody(withAction(order), book);

  const byNames = buildBody(withAction({ ...order, contract: "booking", funds: { amount: 6800, currency: "CNY" } }), book);
  const shown = showBody(byIds, book).actions[0];

  assert.deepEqual(byNames, byIds);
  assert.deepEqual(shown.funds, { amount: 6800, currency: "CNY", asset: ASSET });
  assert.deepEqual(shown.arguments.total, { amount: 6800, currency: "CNY", asset: ASSET });
});

test("arguments that are not what the contract declares are shown as they are", () => {
  const odd = buildBody(withAction({ ...order, arguments: [1, { hex: "00" }, { integer: "9223372036854775807" }] }));

  const shown = showBody(odd, bookOfBookings()).actions[0];

  assert.deepEqual(shown.arguments, [1, { hex: "00" }, { integer: "9223372036854775807" }]);
});

test("what does not fit is refused with its place", () => {
  const transfer = plain.actions[0];
  const args = (changes) => withAction({ ...order, arguments: { ...order.arguments, ...changes } });
  const wrong = [
    [withAction({ ...transfer, amount: -1 }), "actions[0].amount"],
    [withAction({ ...transfer, amount: 2 ** 53 }), "actions[0].amount"],
    [withAction({ ...transfer, amount: "1" }), "actions[0].amount"],
    [withAction({ ...transfer, amount: { amount: 1, asset: ASSET } }), "actions[0].amount.asset"],
    [withAction(transfer, { ...transfer, to: contract }), "actions[1].to"],
    [withAction({ ...transfer, memo: "x" }), "actions[0].memo"],
    [withAction({ type: "transfer" }), "actions[0].asset"],
    [withAction({ type: "toString" }), "actions[0].type"],
    [withAction(null), "actions[0].type"],
    [withAction(), "actions"],
    [withAction({ type: "add_key", key: "00".repeat(32) }), "actions[0].scopes"],
    [withAction({ ...order, function: "nothing" }), "actions[0].function"],
    [args({ shop: ASSET }), "actions[0].arguments.shop"],
    [args({ service: 65_536 }), "actions[0].arguments.service"],
    [args({ extra: 1 }), "actions[0].arguments.extra"],
    [{ ...plain, client_ref: "00" }, "client_ref"],
    [{ ...plain, nonce: 0.5 }, "nonce"],
    [withAction({ ...order, contract: "elsewhere" }), "actions[0].contract"],
    [withAction({ type: "deploy", code: "00".repeat(65_500) }), "actions"],
  ];

  for (const [json, field] of wrong) {
    assert.throws(() => buildBody(json, bookOfBookings()), invalid(field), field);
  }
});

test("a sponsor is named and co-signs, or neither", () => {
  const key = new Key("01".repeat(32)), sponsored = fromHex(cases.find((one) => one.name === "a sponsor").body);

  assert.throws(() => signBody(sponsored, key), invalid("cosignature"));
  assert.throws(() => signBody(fromHex(cases[0].body), key, key), invalid("cosignature"));
});

test("what a sponsor signed is no sender's signature, nor the other way round", () => {
  const sponsored = cases.find((one) => one.name === "a sponsor"), body = fromHex(sponsored.body);
  const [key, shop] = [new Key(sponsored.seed), new Key(sponsored.sponsor_seed)];
  const signed = (own, other) => assemble(body, key.sign(own(body)), { key: shop.publicKey, signature: shop.sign(other(body)) });

  const found = [[signingBytes, sponsorBytes], [sponsorBytes, sponsorBytes], [signingBytes, signingBytes]]
    .map(([own, other]) => showTransaction(signed(own, other)).good);

  assert.deepEqual(found, [true, false, false]);
});

test("a transaction signed by somebody else is shown as not good", () => {
  const body = fromHex(cases[0].body);

  const shown = showTransaction(assemble(body, new Key("05".repeat(32)).sign(signingBytes(body))));

  assert.equal(shown.good, false);
});

test("bytes that are no transaction are refused", () => {
  for (const value of [null, [], [[], new Uint8Array(64), null], [plain.nonce]]) {
    assert.throws(() => showTransaction(encode(value)), { name: "INVALID_PARAMS" });
    assert.throws(() => assemble(encode(value), new Uint8Array(64)), { name: "INVALID_PARAMS" });
  }
});
