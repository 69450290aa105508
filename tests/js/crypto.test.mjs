import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import {
  Key, fromHex, listRoot, sha256, sha512, taggedHash, toHex, vehicleCommitment, vehicleHandle, vehicleMark, verify,
} from "../../node/client/wash.js";
import { readJson, readLines } from "./vectors.mjs";

test("hashes are those of the standard at every length around a block", () => {
  for (let length = 0; length < 300; length++) {
    const data = new Uint8Array(randomBytes(length));

    const found = [sha256(data), sha512(data)].map(toHex);

    const expected = ["sha256", "sha512"].map((name) => createHash(name).update(data).digest("hex"));
    assert.deepEqual(found, expected);
  }
});

test("tagged hashes and list roots are those of the protocol", () => {
  const { tags, lists } = readJson("tests/vectors/protocol/hashes.json");
  const abc = new TextEncoder().encode("abc");

  const hashes = tags.map(({ tag }) => [taggedHash(tag, new Uint8Array()), taggedHash(tag, abc)].map(toHex));
  const roots = lists.map(({ items }) => toHex(listRoot(items.map(fromHex))));

  assert.deepEqual(hashes, tags.map((one) => [one.of_nothing, one.of_abc]));
  assert.deepEqual(roots, lists.map((one) => one.root));
});

test("handles, marks and commitments of vehicles are those of the protocol", () => {
  for (const one of readJson("tests/vectors/protocol/handles.json").secrets) {
    const [secret, record] = [one.secret, one.record].map(fromHex);

    const handles = one.handles.map(({ place }) => toHex(vehicleHandle(secret, place)));
    const marks = one.marks.map(({ place }) => toHex(vehicleMark(secret, place, record)));

    assert.equal(toHex(vehicleCommitment(secret)), one.commitment);
    assert.deepEqual(handles, one.handles.map(({ handle }) => handle));
    assert.deepEqual(marks, one.marks.map(({ mark }) => mark));
  }
  assert.throws(() => vehicleCommitment(new Uint8Array(31)));
  for (const place of [-1, 0.5, 2 ** 32]) assert.throws(() => vehicleHandle(new Uint8Array(32), place));
});

test("list roots are those of the RFC 6962 vectors", () => {
  const { leaf_inputs_hex: leaves, roots } = readJson("tests/vectors/merkle/rfc6962_roots.json");

  const found = roots.map(({ size }) => toHex(listRoot(leaves.slice(0, size).map(fromHex))));

  assert.deepEqual(found, roots.map((one) => one.root));
});

test("keys and signatures are those of the first 64 lines of sign.input", () => {
  for (const line of readLines("tests/vectors/ed25519/sign.input.gz").slice(0, 64)) {
    const [secret, expectedKey, message, signed] = line.split(":");
    const key = new Key(secret.slice(0, 64));

    const signature = key.sign(fromHex(message));

    assert.equal(toHex(key.publicKey), expectedKey);
    assert.equal(toHex(signature), signed.slice(0, 128));
    assert.ok(verify(key.publicKey, fromHex(message), signature));
  }
});

test("signatures are judged as Wycheproof judges them", () => {
  const groups = readJson("tests/vectors/ed25519/wycheproof_ed25519_test.json").testGroups;
  const cases = groups.flatMap((group) => group.tests.map((one) => ({ ...one, key: group.publicKey.pk })));

  const wrong = cases.filter((one) =>
    verify(fromHex(one.key), fromHex(one.msg), fromHex(one.sig)) !== (one.result === "valid"));

  assert.equal(cases.length, 151);
  assert.deepEqual(wrong, []);
});

test("a seed is 32 bytes or 64 digits, and no error repeats it", () => {
  for (const seed of ["", "01".repeat(31), "zz".repeat(32), new Uint8Array(31), null, 7]) {
    assert.throws(() => new Key(seed), { name: "MALFORMED_BYTES", message: "a seed is 32 bytes, or 64 lower-case hex digits" });
  }

  const { key, seed } = Key.generate();

  assert.equal(new Key(seed).account, key.account);
  assert.equal(new Key(toHex(seed)).account, key.account);
});

test("what is no signature is just not good", () => {
  const key = new Key("01".repeat(32)), message = new Uint8Array(3), good = key.sign(message);

  const found = [good, good.slice(1), new Uint8Array(64), "", null].map((one) => verify(key.publicKey, message, one));

  assert.deepEqual(found, [true, false, false, false, false]);
  assert.equal(verify(key.publicKey.slice(1), message, good), false);
});
