// Who sees what about this customer: questions, one switch for each permission, what is kept, who looked.
import { $, data, el, live, notice, once, question, t, wash, when } from "./app.js";
import { ask, eventsOf, nameIn } from "./lists.js";
import { ANY, Details, ids } from "./sealed.js";
import { shopsSeen, washFor, welcome } from "./wallet.js";

const LOG_PAGES_MAX = 20; // of 50 readings each
const KINDS = ["CONTACT", "VEHICLE", "PHOTOS", "NOTES", "FEEDBACK", "PREFERENCES"];
const names = new Map();
let now = 0;

async function nameOf(account) {
  if (!names.has(account)) {
    const [record] = await ask(["shops.shop", { shop: account }]);
    names.set(account, record ? nameIn(record.name) : `${account.slice(0, 10)}…`);
  }
  return names.get(account);
}

const kindsOf = (mask) => KINDS.filter((_, i) => (mask >> i) & 1);
const listed = (kinds) => kinds.map((one) => t(`kind_${one}`)).join(data.lang === "zh" ? "、" : ", ");

/** All about the account at one shop. */
async function look(shop) {
  const mine = await Details.at(shop), owner = mine.account;
  const [asked, given] = await ask(["consent.questions", { owner }], ["consent.consents_of", { owner, skip: 0 }]);
  if (asked === null) return null;
  const read = async (hex) => {
    const all = ids(hex, "cns"), found = await ask(...all.map((id) => ["consent.consent", { id }]));
    return found.map((one, i) => ({ ...one, id: all[i] }));
  };
  const registered = await eventsOf({ type: "consent.Registered", values: { owner } });
  const blobs = registered.map((one) => one.values.blob), found = await ask(...blobs.map((id) => ["consent.blob", { id }]));
  const kept = found.map((one, i) => ({ ...one, id: blobs[i] }));
  const good = await read(given);
  const isGood = await ask(...good.map((one) => ["consent.is_good", { id: one.id }]));
  return { mine, shop, kept, questions: await read(asked), consents: good.filter((_, i) => isGood[i]) };
}

const call = async (shop, name, args, options) => (await washFor(shop)).call(`consent.${name}`, args, options);

function scopeOf(one, kept) {
  if (one.scope === ANY) return listed(kindsOf(one.kinds));
  const blob = kept.find((other) => other.id === one.scope);
  return blob ? t("one", { kind: t(`kind_${blob.kind}`), time: when(blob.registered_at) }) : t("something");
}

async function drawQuestion(one, { mine, shop, kept }) {
  const said = t("asks", { who: await nameOf(one.reader), what: scopeOf(one, kept), why: t(`purpose_${one.purpose}`), time: when(one.until) });
  const covered = kept.filter((blob) => blob.state === "KEPT" && (one.scope === ANY ? kindsOf(one.kinds).includes(blob.kind) : blob.id === one.scope));
  const yes = el("button", { type: "button", class: "button", onclick: () => answer(yes, async (clientRef) => mine.grant(await washFor(shop), one, covered.map((blob) => blob.id).slice(0, 64), { clientRef }), one.id) }, t("yes_show"));
  const no = el("button", { type: "button", class: "button quiet", onclick: () => answer(no, (clientRef) => call(shop, "decline", { id: one.id }, { clientRef }), one.id) }, t("no"));
  return el("li", {}, el("p", {}, said), el("div", { class: "row" }, no, yes));
}

async function answer(button, work, name) {
  if (await once(button, `answer ${name}`, work)) await showAll();
}

/** One switch a row: on is on, off takes it back. */
function row(words, small, turnOff, label) {
  const box = el("input", { type: "checkbox", role: "switch", checked: true, "aria-label": label });
  box.addEventListener("change", async () => {
    box.disabled = true;
    const done = await once(null, label, turnOff);
    if (done) {
      notice("stopped", t("stopped"), { kind: "good" });
      await showAll();
    } else [box.checked, box.disabled] = [true, false];
  });
  return el("li", { class: "item" }, el("div", {}, el("h3", {}, words), el("small", {}, small)), el("div", { class: "end" }, box));
}

async function drawReaders({ shop, kept, consents }) {
  const rows = [];
  for (const one of consents) {
    const who = await nameOf(one.reader), what = scopeOf(one, kept);
    const small = t("for_until", { why: t(`purpose_${one.purpose}`), time: when(one.until) });
    rows.push(row(t("sees", { who, what }), small, (clientRef) => call(shop, "revoke", { id: one.id }, { clientRef }), t("off", { who, what })));
  }
  for (const one of kept.filter((blob) => blob.state === "KEPT" && blob.author_until > now && blob.author !== blob.owner)) {
    const who = await nameOf(one.author), what = t("one", { kind: t(`kind_${one.kind}`), time: when(one.registered_at) });
    rows.push(row(t("sees", { who, what }), t("wrote_until", { time: when(one.author_until) }), (clientRef) => call(shop, "stop_author", { blob: one.id }, { clientRef }), t("off", { who, what })));
  }
  return rows;
}

const shown = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

async function drawKept(one, { mine, shop }) {
  const what = t("one", { kind: t(`kind_${one.kind}`), time: when(one.registered_at) });
  const inside = el("div", {});
  const open = el("button", { type: "button", class: "button small quiet", onclick: () => once(open, `open ${one.id}`, async () => {
    const { content } = await mine.open(one.id);
    if (content === null) inside.replaceChildren(el("p", {}, t("not_here")));
    else if (content instanceof Uint8Array) inside.replaceChildren(el("img", { src: URL.createObjectURL(new Blob([content])), alt: t("kind_PHOTOS"), class: "keycard" }));
    else inside.replaceChildren(el("dl", { class: "facts" }, ...Object.entries(content).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, shown(value))))));
    return true;
  }) }, t("open"));
  const erase = el("button", { type: "button", class: "button small link", onclick: async () => {
    $("#ask-erase dd").textContent = what;
    if (!(await question("ask-erase"))) return;
    const done = await once(erase, `erase ${one.id}`, async (clientRef) => mine.erase(await washFor(shop), one.id, { clientRef }));
    if (done) await showAll();
  } }, t("erase"));
  const state = one.state === "KEPT" ? null : el("span", { class: "badge plain" }, t(`state_${one.state}`));
  const buttons = one.state === "KEPT" ? el("div", { class: "row" }, open, erase) : null;
  return el("li", {}, el("h3", {}, what), el("p", { class: "soft" }, t("by", { who: await nameOf(one.author) }), " ", state), inside, buttons);
}

async function showAll() {
  now = (await wash.rpc("node_health")).time_ms;
  const all = (await Promise.all(shopsSeen().map(look))).filter(Boolean);
  const each = async (draw) => (await Promise.all(all.map(draw))).flat();
  const questions = await each((one) => Promise.all(one.questions.map((asked) => drawQuestion(asked, one))));
  $("#asked").hidden = !questions.length;
  $("#questions").replaceChildren(...questions);
  const readers = await each(drawReaders);
  $("#readers").replaceChildren(...readers);
  $("#nobody").hidden = readers.length > 0;
  $("#all-row").hidden = !all.some((one) => one.consents.length);
  const kept = await each((one) => Promise.all(one.kept.map((blob) => drawKept(blob, one))));
  $("#kept").replaceChildren(...kept);
  $("#nothing").hidden = kept.length > 0;
  return all;
}

/** Readings by others, the newest first: own ones are left out, so what is wanted may stand on a later page. */
async function readingsAt(shop) {
  const mine = await Details.at(shop), lines = [];
  let cursor = null;
  for (let left = LOG_PAGES_MAX; left > 0; left--) {
    const page = await mine.readings(cursor);
    lines.push(...page.items.filter((one) => one.basis !== "own"));
    cursor = page.next_cursor;
    if (!cursor) break;
  }
  return { lines, isAll: !cursor };
}

async function showLog() {
  const lines = [];
  let areAll = true;
  for (const shop of shopsSeen()) {
    const found = await readingsAt(shop);
    areAll &&= found.isAll;
    for (const one of found.lines) lines.push({ ...one, who: await nameOf(one.reader) });
  }
  lines.sort((a, b) => b.time - a.time);
  $("#log").replaceChildren(...(lines.length ? lines.map((one) => el("li", { class: "item" }, el("div", {}, el("h3", {}, one.who), el("small", {}, `${when(one.time)} · ${t(`purpose_${one.purpose}`)}`)),
    el("div", { class: "end wraps" }, el("small", {}, t(one.on_chain === false ? "log_wrong" : one.on_chain ? "log_fixed" : "log_open"))))) : [el("li", { class: "empty" }, t("log_none"))]));
  if (!areAll) $("#log").append(el("li", { class: "soft" }, t("log_part")));
  return true;
}

if (await welcome()) {
  const all = await showAll();
  for (const { mine } of all) live({ type: "consent.*", values: { owner: mine.account } }, "latest", showAll);
  $("#show-log").addEventListener("click", ({ currentTarget }) => once(currentTarget, "log", showLog));
  $("#stop-all").addEventListener("click", async ({ currentTarget }) => {
    const given = all.filter((one) => one.consents.length);
    $("#ask-all dd").textContent = given.reduce((sum, one) => sum + one.consents.length, 0);
    if (!(await question("ask-all"))) return;
    const done = await once(currentTarget, "all", async () => {
      for (const one of given) await call(one.shop, "revoke_all", {});
      return true;
    });
    if (done) await showAll();
  });
}
