// Answers questions, one line of JSON each, with what the client makes of them: null for a refusal.

import process from "node:process";
import { createInterface } from "node:readline";

import { Book, WashError, buildBody, decode, decodeId, encode, encodeId, fromHex, showBody, toHex, verify } from "../../node/client/wash.js";
import { readJson } from "./vectors.mjs";

const book = new Book();
const { contract } = readJson("tests/vectors/transactions/actions.json");
book.addContract(decodeId(contract, "ctr"), readJson("contracts/standard/compiled/booking.abi.json"));

const answers = {
  value: ({ bytes }) => toHex(encode(decode(fromHex(bytes)))),
  id: ({ text, prefix }) => toHex(decodeId(text, prefix)),
  text: ({ bytes, prefix }) => encodeId(prefix, fromHex(bytes)),
  verify: ({ key, message, signature }) => verify(fromHex(key), fromHex(message), fromHex(signature)),
  body: ({ json }) => toHex(buildBody(json, book)),
  show: ({ bytes }) => showBody(fromHex(bytes), book),
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let answer = null;
  try {
    answer = answers[question.ask](question);
  } catch (error) {
    if (!(error instanceof WashError)) throw error; // anything else is a fault of the client
  }
  console.log(JSON.stringify(answer));
}
