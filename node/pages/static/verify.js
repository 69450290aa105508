// Checks a passport or a slip on this device. It needs nothing but itself, so it works from a disk as well.
import { checkPassport, checkSlip, contractBytes, hashOf, isSlip, readAnchor, slipBytes } from "./check.js";

const parse = (id) => JSON.parse(document.getElementById(id)?.textContent || "{}");
const texts = parse("words"), data = parse("data");
const $ = (id) => document.getElementById(id);
const t = (key, values = {}) => (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

/** A reason in the reader's language; what stands in it may be a reason again. */
function reasonOf(why) {
  for (const [pattern, words] of data.failures.reasons) {
    const found = new RegExp(pattern).exec(why);
    if (found) return words.replace(/\{(\d)\}/g, (_, place) => reasonOf(found[Number(place) + 1]));
  }
  return why;
}

/** What a check says. Those that failed give their reason in English, which is looked up for others. */
function said({ sentence, values }) {
  if (data.failures && sentence === "failed") {
    const reason = reasonOf(values.why);
    const told = reason === values.why && reason.includes(" ") ? `${reasonOf("the bytes can not be read")}（${reason}）` : reason;
    return `${data.failures.checks[values.code] ?? values.code}：${told}`;
  }
  return (data.sentences[sentence] ?? sentence).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** An element; texts are texts, never markup. */
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((one) => one !== null));
  return made;
}

const day = (ms) => new Intl.DateTimeFormat(data.lang === "zh" ? "zh-CN" : "en-GB", { timeZone: data.zone, weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(ms);
const short = (text) => (text.length > 18 ? `${text.slice(0, 10)}…${text.slice(-4)}` : text);
const shopOf = (id) => data.names[id] ?? short(id);
const LOOKS = { good: "good", bad: "bad", "consistent, network unknown": "" };
const WORDS = { good: "good", bad: "bad", "consistent, network unknown": "unknown" };
const UNITS = { 1: "ml", 2: "g", 3: "×", 4: "cm²" };

function card(title, ...children) {
  return el("section", { class: "card" }, el("h2", {}, title), ...children);
}

function facts(rows) {
  return el("dl", { class: "facts" }, ...rows.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

function drawRecord(one) {
  const { content } = one;
  if (!content) return el("li", {}, el("h3", {}, t("record", { number: one.number })), el("p", { class: "soft" }, one.detached_at ? t("taken_out") : t("kept_back")));
  const materials = content.materials.map((used) => t("material", { sku: used.sku, batch: used.batch, quantity: used.quantity, unit: UNITS[used.unit] ?? "" }));
  const notes = [t("entries", { count: content.entries.length }), ...materials];
  if (content.corrections.length) notes.push(t("corrections", { count: content.corrections.length }));
  if (one.detached_at) notes.push(t("taken_out"));
  const when = content.finished_at ? day(content.finished_at) : t("not_finished");
  return el("li", {}, el("h3", {}, `${when} · ${shopOf(content.shop)}`), el("p", {}, `${t("service", { number: content.service })} · ${t(`result_${content.result}`)}`), el("p", { class: "soft" }, notes.join(" · ")));
}

function drawPassport({ vehicle, records, time_ms: at }) {
  const rows = [
    [t("car"), vehicle.vin ?? t("no_vin")], [t("number"), short(vehicle.id)], [t("count"), String(records.length)], [t("up_to"), day(at)],
  ];
  const parts = [card(t("car_title"), facts(rows), vehicle.vin ? el("p", { class: "soft" }, t("compare_vin")) : el("p", { class: "notice" }, t("no_vin_text")))];
  if (records.length) parts.push(card(t("records"), el("ol", { class: "list records" }, ...records.map(drawRecord))));
  parts.push(card(t("not_shown"), el("p", {}, t("not_shown_text"))));
  return parts;
}

function drawSlip({ record, time_ms: at }) {
  const rows = [[t("shop"), shopOf(record.shop)], [t("ended"), day(at)], [t("how"), t(`result_${record.result}`)], [t("size"), t("entries", { count: record.entries })]];
  return [card(t("one_record"), facts(rows), el("p", { class: "soft" }, t("one_record_text")))];
}

function draw(report, extra) {
  const marks = { true: "✓", false: "✗", null: "–" };
  const lines = [...extra, ...report.checks];
  const list = el("ul", { class: "list checks" }, ...lines.map((one) => el("li", { class: one.ok === false ? "is-bad" : one.ok ? "is-good" : "" }, `${marks[one.ok]} ${said(one)}`)));
  const word = WORDS[report.verdict];
  const head = el("div", { class: `notice ${LOOKS[report.verdict]}`, id: "verdict", "data-verdict": report.verdict }, el("h2", {}, t(`verdict_${word}`)), el("p", {}, t(`verdict_${word}_text`)));
  const shown = report.verdict === "bad" ? [] : report.facts.record ? drawSlip(report.facts) : drawPassport(report.facts);
  const details = el("details", report.verdict === "bad" ? { open: "" } : {}, el("summary", {}, t("lines", { count: lines.length })), list);
  $("result").replaceChildren(head, ...shown, el("section", { class: "card" }, details));
  $("result").scrollIntoView({ block: "start" });
}

function anchor() {
  const [genesis, checkpoint] = ["genesis", "checkpoint"].map((id) => $(id).value.trim().toLowerCase());
  let contract = null;
  try {
    contract = contractBytes($("contract").value.trim());
  } catch {
    $("contract").value = "";
  }
  return readAnchor({ genesis, checkpoint, contract, codes: data.network.codes });
}

/** What a file or the text of a code shows; the text may name a file and its hash. */
function check(file, text) {
  const named = /#sha256=([0-9a-f]{64})$/i.exec(text)?.[1].toLowerCase();
  const slip = slipBytes(text);
  const bytes = file ?? slip;
  if (!bytes) return null;
  const report = isSlip(bytes) ? checkSlip(bytes, anchor(), data.network.finished) : checkPassport(bytes, anchor());
  const extra = [];
  if (named && file) {
    const isIt = hashOf(file) === named;
    extra.push({ ok: isIt, sentence: isIt ? "file_hash" : "failed", values: { code: "file_hash", why: hashOf(file) } });
    if (!isIt) report.verdict = "bad";
  }
  return { report, extra };
}

async function run(file) {
  const bytes = file ? new Uint8Array(await file.arrayBuffer()) : null;
  const text = $("code").value.trim();
  const found = check(bytes, text);
  if (found) draw(found.report, found.extra);
  else $("result").replaceChildren(el("div", { class: "notice" }, el("p", {}, t(text.includes("#sha256=") ? "need_file" : "nothing"))));
}

$("check-form").addEventListener("submit", (event) => {
  event.preventDefault();
  run($("file").files[0]);
});
$("file").addEventListener("change", ({ target }) => run(target.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) run(file);
});

/** For those who check many files by a script of their own. */
globalThis.passportCheck = { checkPassport, checkSlip, readAnchor, contractBytes, said, finished: data.network.finished };
