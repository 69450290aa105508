import assert from "node:assert/strict";
import { test } from "node:test";

import { Wash } from "../../node/client/wash.js";
import { fail, fakeFetch, fakeSocket, status } from "./fake_node.mjs";

const IDS = Array.from({ length: 40 }, (_, n) => `${Math.floor(n / 4) + 1}-${n % 4}`);
const eventOf = (id) => ({ id, type: "booking.Closed", values: {} });
const after = (id) => (id === "earliest" ? IDS : id.endsWith("-") ? IDS.filter((one) => Number(one.split("-")[0]) > Number(id.slice(0, -1))) : IDS.slice(IDS.indexOf(id) + 1));

/**
 * The node's side of one line: sends what comes after `from`, never more than `window` ahead of
 * the acknowledgements, and drops the line after `dropAfter` events.
 */
function serve(line, asked, { dropAfter = Infinity, repeat = 0, latest = "10-" } = {}) {
  let ready = [], open = 0, told = 0, sub = "";
  const push = () => {
    while (ready.length && open > 0 && told < dropAfter) {
      line.say({ jsonrpc: "2.0", method: "events_next", params: { sub, events: [eventOf(ready.shift())] } });
      [open, told] = [open - 1, told + 1];
    }
    if (told >= dropAfter) line.drop();
  };
  line.hear(({ id, method, params }) => {
    asked.push({ method, params });
    if (method === "events_subscribe") {
      const from = params.from === "latest" ? latest : params.from;
      ready = [...after(from)];
      if (repeat && from !== "earliest") ready = [...IDS.slice(0, IDS.length - ready.length).slice(-repeat), ...ready];
      [open, sub] = [params.window, `s${asked.length}`];
      line.say({ jsonrpc: "2.0", id, result: { sub, next_id: "0-0", latest_id: latest } });
    } else {
      open = params.sub === sub ? Math.min(4, open + 4) : open;
      line.say({ jsonrpc: "2.0", id, result: { sub, unacked: 0 } });
    }
    push();
  });
}

/** A script for `GET /events`: the events after `after`, then the stream ends. */
const lines = (asked, count = Infinity) => (query) => {
  asked.push({ method: "lines", params: Object.fromEntries(query) });
  const found = after(query.get("after")).slice(0, count);
  const text = `retry: 2000\n\n${found.map((id) => `id: ${id}\ndata: ${JSON.stringify(eventOf(id))}\n\n`).join("")}: alive\nid: ${found.at(-1) ?? "10"}\n\n`;
  const bytes = new TextEncoder().encode(text.replace("id: 10\n", "id: 10-\n"));
  const half = Math.floor(bytes.length / 2); // a message may come in two pieces
  return new Response(new ReadableStream({
    start(control) {
      control.enqueue(bytes.slice(0, half));
      control.enqueue(bytes.slice(half));
      control.close();
    },
  }));
};

function node(serveLine, script = {}) {
  const asked = [];
  const { fetch } = fakeFetch({ lines: lines(asked), chain_head: () => ({ at: {}, data: { height: 3 } }), ...script });
  const WebSocket = serveLine && fakeSocket((line) => serveLine(line, asked));
  return { asked, wash: new Wash("http://shop.local:8787", { fetch, WebSocket }) };
}

async function take(stream, count = 40) {
  const ids = [];
  for await (const event of stream) {
    ids.push(event.id);
    if (ids.length === count) break;
  }
  return ids;
}

const quick = { pauseMs: 1 };

test("events come in order and the window is kept open by acknowledgements", async () => {
  const { wash, asked } = node((line, log) => serve(line, log));

  const ids = await take(wash.events({ type: "booking.*" }, { after: "earliest", window: 4 }));

  assert.deepEqual(ids, IDS);
  assert.deepEqual(asked[0], { method: "events_subscribe", params: { filter: { type: "booking.*" }, from: "earliest", window: 4 } });
  assert.ok(asked.filter((one) => one.method === "events_ack").length >= 9);
});

test("lost lines are opened again and nothing is missed or told twice", async () => {
  const { wash, asked } = node((line, log) => serve(line, log, { dropAfter: 7, repeat: 3 }));
  const stream = wash.events({}, { ...quick, after: "earliest", window: 100 });

  const ids = await take(stream);

  assert.deepEqual(ids, IDS);
  assert.ok(stream.reconnects >= 5);
  assert.equal(asked.at(-1).method === "events_subscribe" || asked.at(-1).method === "events_ack", true);
});

test("an event is acknowledged only when the next one is asked for", async () => {
  const { wash } = node((line, log) => serve(line, log));
  const stream = wash.events({}, { after: "2-1", window: 4 });

  const first = await stream.next();
  const before = stream.position;
  await stream.next();

  assert.deepEqual([first.value.id, before, stream.position], ["2-2", "2-1", "2-2"]);
  stream.close();
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test("latest means the same moment after a lost line", async () => {
  const { wash, asked } = node((line, log) => serve(line, log, { latest: log.length ? "9-" : "5-", dropAfter: 2 }));

  const ids = await take(wash.events({}, quick), 6);

  assert.deepEqual(ids, after("5-").slice(0, 6));
  assert.deepEqual(asked.filter((one) => one.method === "events_subscribe").map((one) => one.params.from).slice(0, 2), ["latest", "6-1"]);
});

test("a callback is waited for, and its failure ends the stream", async () => {
  const { wash } = node((line, log) => serve(line, log));
  const seen = [];

  const stream = wash.events({}, { after: "earliest", onEvent: async (event) => {
    await null;
    seen.push(event.id);
    if (seen.length === 5) throw new Error("full");
  } });

  await assert.rejects(stream.done, /full/);
  assert.deepEqual(seen, IDS.slice(0, 5));
  assert.equal(stream.position, IDS[3]);
});

test("where no WebSocket gets through, lines over HTTP do", async () => {
  for (const serveLine of [undefined, () => false]) {
    const { wash, asked } = node(serveLine);
    const filter = { type: "booking.Closed", values: { shop: "acct1x", state: 3 } };

    const ids = await take(wash.events(filter, { ...quick, after: "earliest", window: 5 }));

    assert.deepEqual(ids, IDS);
    assert.deepEqual(asked[0].params, { after: "earliest", type: "booking.Closed", shop: "acct1x", state: "3" });
  }
});

test("a stream of lines that ends is gone on with after the last id", async () => {
  const asked = [];
  const { wash } = node(undefined, { lines: lines(asked, 9) });

  const ids = await take(wash.events({}, { ...quick, after: "earliest" }));

  assert.deepEqual(ids, IDS);
  assert.deepEqual(asked.slice(0, 3).map((one) => one.params.after), ["earliest", "3-0", "5-1"]);
});

test("over HTTP too latest is one moment", async () => {
  const { wash, asked } = node(undefined);

  const ids = await take(wash.events({}, quick), 3);

  assert.deepEqual(ids, ["4-0", "4-1", "4-2"]);
  assert.equal(asked[0].params.after, "3-");
});

test("a filter that makes no sense is an error at once, on either way", async () => {
  const refusal = fail(-32602, "INVALID_PARAMS", { field: "filter.type" });
  const refuse = (line) => line.hear(({ id }) => line.say({ jsonrpc: "2.0", id, ...refusal }));
  const bySocket = node(refuse).wash, byLines = node(undefined, { lines: () => status(400, JSON.stringify(refusal)).response }).wash;

  for (const wash of [bySocket, byLines]) {
    await assert.rejects(wash.events({ type: "x" }, quick).next(), { name: "INVALID_PARAMS", data: { name: "INVALID_PARAMS", field: "filter.type", code: -32602, message: "no: INVALID_PARAMS" } });
  }
});

test("patience with a node that is away can end", async () => {
  const { wash } = node(() => false, { lines: () => status(503).response });

  await assert.rejects(wash.events({}, { ...quick, after: "earliest", patienceMs: 20 }).next(), (error) => ["NODE_UNREACHABLE", "NOT_READY"].includes(error.name));
});

test("a subscription that the node gives up is opened again", async () => {
  let lost = 0;
  const { wash } = node((line, log) => {
    if (lost++ === 0) line.hear(({ id }) => line.say({ jsonrpc: "2.0", id, result: { sub: "s", latest_id: "1-" } }));
    if (lost === 1) line.hear(() => line.say({ jsonrpc: "2.0", id: null, error: { code: -32603, message: "gone" } }));
    else serve(line, log);
  });

  assert.deepEqual(await take(wash.events({}, { ...quick, after: "earliest" }), 3), IDS.slice(0, 3));
});

test("a heartbeat moves the position of somebody who waits", async () => {
  const { wash } = node((line) => line.hear(({ id }) => {
    line.say({ jsonrpc: "2.0", id, result: { sub: "s", latest_id: "5-" } });
    line.say({ jsonrpc: "2.0", method: "events_next", params: { sub: "other", events: [], latest_id: "9-" } });
    line.say({ jsonrpc: "2.0", method: "events_next", params: { sub: "s", events: [], latest_id: "7-" } });
  }));
  const stream = wash.events();

  const waiting = stream.next();
  while (stream.position !== "7-") await new Promise((resolve) => { setTimeout(resolve, 1); });
  stream.close();

  assert.deepEqual(await waiting, { done: true, value: undefined });
});
