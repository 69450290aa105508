import assert from "node:assert/strict";
import { test } from "node:test";

import { decode, decodeId, encode, encodeId, fromHex, taggedHash, toHex } from "../../node/client/wash.js";
import { readJson } from "./vectors.mjs";

const malformed = { name: "MALFORMED_BYTES", code: 1001 };

function stated(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(stated);
  return "int" in value ? BigInt(value.int) : fromHex(value.bin);
}

function isRefused(data) {
  try {
    decode(data);
    return false;
  } catch (error) {
    assert.equal(error.name, "MALFORMED_BYTES", error.stack);
    return true;
  }
}

test("each value of the protocol's vectors has its bytes and comes back", () => {
  const { values } = readJson("tests/vectors/protocol/codec.json");

  const written = values.map(({ value }) => toHex(encode(stated(value))));
  const read = values.map(({ bytes }) => decode(fromHex(bytes)));

  assert.deepEqual(written, values.map((one) => one.bytes));
  assert.deepEqual(read, values.map((one) => stated(one.value)));
});

test("the bytes that the protocol refuses are refused", () => {
  const { refused } = readJson("tests/vectors/protocol/codec.json");

  const taken = refused.filter(({ bytes }) => !isRefused(fromHex(bytes)));

  assert.deepEqual(taken, []);
});

test("of all encodings in the MessagePack suite at most the shortest of each value is taken", () => {
  const cases = Object.values(readJson("tests/vectors/msgpack/msgpack-test-suite.json")).flat();
  const counts = { taken: 0, refused: 0 };

  for (const one of cases) {
    const encodings = one.msgpack.map((text) => fromHex(text.replaceAll("-", "")));
    const taken = encodings.filter((data) => !isRefused(data));
    counts.taken += taken.length;
    counts.refused += encodings.length - taken.length;
    const isForeign = ["map", "timestamp", "ext"].some((kind) => kind in one)
      || (typeof one.number === "number" && !Number.isInteger(one.number))
      || one.array?.some((inner) => inner !== null && typeof inner === "object");
    assert.ok(taken.length <= 1, JSON.stringify(one));
    if (isForeign) continue;
    assert.equal(taken.length, 1, JSON.stringify(one));
    const kind = Object.keys(one).find((name) => name !== "msgpack");
    const value = kind === "binary" ? fromHex(one.binary.replaceAll("-", ""))
      : kind === "bignum" ? BigInt(one.bignum) : one[kind];
    const exact = typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
    assert.deepEqual(decode(taken[0]), exact);
  }

  assert.equal(counts.taken + counts.refused, 233);
});

test("what has no canonical bytes is refused", () => {
  const deep = (levels) => (levels ? [deep(levels - 1)] : 0);

  for (const value of [1.5, NaN, Infinity, 2 ** 53, -(2 ** 53), 2n ** 64n, -(2n ** 63n) - 1n, undefined, {}, "\ud83d", [[undefined]], new Map(), deep(33)]) {
    assert.throws(() => encode(value), malformed);
  }
  assert.deepEqual(decode(encode(deep(32))), deep(32));
});

test("a length that promises more than there is costs nothing", () => {
  for (const head of ["c6ffffffff", "dbffffffff", "ddffffffff", "dd7fffffff00", "cf00", "c4"]) {
    assert.ok(isRefused(fromHex(head)));
  }
});

test("every encoding inside the vectors of blocks and receipts is read and written alike", () => {
  const blocks = readJson("tests/vectors/protocol/blocks.json");
  const { receipts } = readJson("tests/vectors/protocol/receipts.json");
  const all = [blocks.validators, blocks.params, blocks.commit, blocks.header, ...receipts].map((one) => one.bytes);

  const again = all.map((text) => toHex(encode(decode(fromHex(text)))));

  assert.deepEqual(again, all);
  assert.equal(toHex(taggedHash("params", fromHex(blocks.params.bytes))), blocks.params.hash);
  assert.equal(toHex(taggedHash("validators", fromHex(blocks.validators.bytes))), blocks.validators.hash);
});

test("ids are written and read, in either case but not in both", () => {
  const value = fromHex("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c");

  const text = encodeId("acct", value);

  assert.deepEqual(decodeId(text, "acct"), value);
  assert.deepEqual(decodeId(text.toUpperCase(), "acct"), value);
  assert.throws(() => decodeId(text.slice(0, -1) + text.at(-1).toUpperCase() + "Q", "acct"), malformed);
});

test("each slip in an id is found", () => {
  const text = encodeId("ctr", new Uint8Array(32).fill(7));
  const wrong = [...text].map((letter, at) => text.slice(0, at) + (letter === "q" ? "p" : "q") + text.slice(at + 1));

  for (const slip of [...wrong, text.slice(1), `${text}q`, "", "1", "ctr1", "ctr1qqqqqq", `x${text}`, "a".repeat(91), null, 5, {}]) {
    assert.throws(() => decodeId(slip, "ctr"), malformed, String(slip));
  }
  assert.throws(() => decodeId(text, "acct"), malformed);
  assert.throws(() => encodeId("ctr", new Uint8Array(31)), malformed);
});
