// The desk of who issues the money: the scanner, money in and out, the statement of reserves.
import { $, data, el, live, money, refresh, t, wash } from "./app.js";
import { ask } from "./lists.js";
import { StaffError, call, doing, send, sure } from "./staff.js";
import { decodeId, fromHex, sha256, taggedHash, toHex } from "./wash.js";

const update = () => refresh("live", "waiting", "entries").catch(() => false);
const UTF8 = new TextEncoder();
const ACCOUNT = /(acct1[02-9ac-hj-np-z]{58})/i;
const SHORT = /acct1[02-9ac-hj-np-z]{5,}(?:…|\.{2,3})[02-9ac-hj-np-z]{4,}/i;
const OUT = /^WASHOUT1:(red1[02-9ac-hj-np-z]{58}):([0-9A-F]{32}):((?:[0-9A-F]{2})*)$/i;
const PAPER_BYTES_MAX = 30_000_000;
const AGAIN = "desk.scanned";
const seen = new Map(); // requests whose code was read: where the money goes to
const { period } = data;
let { requests } = data;
const again = sessionStorage.getItem(AGAIN); // what was scanned when its request stood elsewhere
sessionStorage.removeItem(AGAIN);

/** Minor units of what somebody typed, or null: "30", "30.5", "30,50"; as much as an account at a bank holds. */
function readAmount(text) {
  const found = /^\s*(\d{1,13})(?:[.,](\d{1,2}))?\s*$/.exec(text);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "0").padEnd(2, "0")) : null;
}

/** The fingerprint of a payment's reference; `reference_of` on the node's side makes the same. */
function referenceOf(text) {
  const plain = text.split(/\s+/).filter(Boolean).join(" ").toUpperCase();
  return toHex(taggedHash("desk-reference", Uint8Array.from([...decodeId(data.shop, "acct"), ...UTF8.encode(plain)])));
}

/** A reference for what came or went as cash: the day, and letters that nobody gets twice. */
function cashReference() {
  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  const some = Array.from(crypto.getRandomValues(new Uint8Array(8)), (one) => letters[one % letters.length]).join("");
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone: data.zone }).format(); // written as 2026-02-20
  return `CASH-${day.replaceAll("-", "")}-${some}`;
}

/** Ask the node what something would do: its own sentence, and the balance afterwards; raises why it fails. */
async function tried(action) {
  const built = await wash.rpc("tx_build", { account: data.shop, actions: [action] });
  const { error, changes } = await wash.rpc("tx_simulate", { body: built.body });
  if (error) throw new StaffError({ message: error.message, data: error });
  return { sentence: built.summary[data.lang], changes };
}

// The scanner --------------------------------------------------------------------------------------

function say(text, kind = "") {
  const line = $("#scan-said");
  line.textContent = text;
  line.className = `notice under ${kind}`;
  line.hidden = !text;
}

/** The account that a code or a short form names, or null. */
async function findAccount(text) {
  const whole = ACCOUNT.exec(text);
  if (whole) return whole[1].toLowerCase();
  const short = SHORT.exec(text.replace(/\s/g, ""));
  if (!short) return null;
  const [found] = await ask(["chain_search", { q: short[0].toLowerCase() }]);
  const hits = (found ?? []).filter((one) => one.type === "account");
  return hits.length === 1 ? hits[0].id : null;
}

function showPayee(id) {
  const line = document.getElementById(`r-${id}`);
  const place = line && $("[data-payee]", line);
  if (!place || !seen.has(id)) return;
  place.textContent = t("payee", { payee: seen.get(id) });
  place.hidden = false;
}

/** A request that stands on another page is brought here, and its code read once more. */
async function bring(request, text) {
  const [found] = await ask(["money.request", { id: request }]);
  if (!found?.asked_at || found.issuer !== data.shop || text === again) return say(t("no_request"), "bad");
  sessionStorage.setItem(AGAIN, text);
  location.assign(`/desk?find=${request}`);
  return undefined;
}

function readOut([code, request, salt, text]) {
  const id = request.toLowerCase(), found = requests[id];
  if (!found) return bring(id, code);
  const payee = new TextDecoder().decode(fromHex(text.toLowerCase()));
  const print = toHex(taggedHash("payout", Uint8Array.from([...fromHex(salt.toLowerCase()), ...UTF8.encode(payee)])));
  if (print !== found.payee) return say(t("other_payee"), "bad");
  seen.set(id, payee || t("payee_cash"));
  showPayee(id);
  const line = document.getElementById(`r-${id}`);
  line?.scrollIntoView({ block: "center" });
  line?.querySelector("button")?.focus();
  return say(t("found_request", { money: money(found.amount), payee: seen.get(id) }), "good");
}

async function scanned(text) {
  const out = OUT.exec(text.trim()), request = /(red1[02-9ac-hj-np-z]{58})/i.exec(text);
  if (out) return readOut(out);
  if (request) {
    const line = document.getElementById(`r-${request[1].toLowerCase()}`);
    line?.scrollIntoView({ block: "center" });
    line?.querySelector("button")?.focus();
    return line ? say(t("no_payee"), "") : bring(request[1].toLowerCase(), request[1]);
  }
  if (/^\s*WASHKEY1/i.test(text)) return say(t("private_card"), "bad");
  const account = await findAccount(text);
  if (!account) return say(t(SHORT.test(text) ? "not_one" : "unknown_code"), "bad");
  $("#in-to").value = account;
  $("#in-amount").focus();
  return say(t("found_account", { account: `${account.slice(0, 10)}…${account.slice(-4)}` }), "good");
}

$("#scan-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $("#scan"), text = field.value;
  field.value = "";
  if (text.trim()) doing(null, () => scanned(text));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    $("#scan").focus();
  }
});

// Money in -----------------------------------------------------------------------------------------

const howOf = () => $("input[name=in-how]:checked").value;
let cash = cashReference(); // until it went through: twice the same money has the same one

$("#in-form").addEventListener("change", () => {
  const isTransfer = howOf() === "transfer";
  $("#in-reference-part").hidden = !isTransfer;
  $("#in-reference").required = isTransfer;
});

$("#in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  doing(event.submitter, async () => {
    const to = await findAccount($("#in-to").value), amount = readAmount($("#in-amount").value);
    const typed = $("#in-reference").value.trim(), reference = howOf() === "cash" ? cash : typed;
    if (!to) return say(t("no_account"), "bad");
    if (!amount) return say(t("no_amount"), "bad");
    if (!reference) return say(t("no_reference"), "bad");
    const action = call("money", "issue", { to, amount, reference: referenceOf(reference) });
    const { sentence, changes } = await tried(action);
    const theirs = changes.find((one) => one.account === to);
    const facts = [[t("received"), howOf() === "cash" ? t("in_cash") : reference], [t("amount"), money(amount)], [t("customer"), `${to.slice(0, 10)}…${to.slice(-4)}`]];
    if (theirs) facts.push([t("balance_after"), money(theirs.after)]);
    if (!(await sure(t("in_title"), sentence, t("in_yes", { money: money(amount) }), { facts }))) return undefined;
    const sent = await send([action]);
    if (sent.status !== "final") return say(t("pending")); // with the same reference it is refused if it went through
    cash = cashReference();
    location.assign(`/desk/receipt/${sent.tx_id}?ref=${encodeURIComponent(reference)}`);
    return undefined;
  });
});

// Money out ----------------------------------------------------------------------------------------

/** Open a dialog with facts; resolves to whether its yes was pressed. */
function openDialog(id, facts) {
  const dialog = $(`#${id}`);
  $(`#${id}-facts`).replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => { dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }); });
}

const factsOf = (id) => {
  const { amount, holder } = requests[id];
  return [[t("amount"), money(amount)], [t("customer"), `${holder.slice(0, 10)}…${holder.slice(-4)}`], [t("payee_name"), seen.get(id) ?? t("payee_unknown")]];
};

const DEEDS = {
  async begin(request) {
    const action = call("money", "begin_payment", { request });
    const { sentence } = await tried(action);
    return (await sure(t("begin_title"), `${sentence}. ${t("begin_text")}`, t("begin_yes"), { facts: factsOf(request) })) && send([action]);
  },
  async paid(request) {
    const field = $("#pay-reference");
    field.value = cashReference();
    if (!(await openDialog("pay", factsOf(request)))) return false;
    const reference = field.value.trim();
    const action = call("money", "paid", { request, reference: referenceOf(reference) });
    await tried(action);
    const sent = await send([action]);
    if (sent.status === "final") location.assign(`/desk/receipt/${sent.tx_id}?ref=${encodeURIComponent(reference)}`);
    else say(t("pending"));
    return false;
  },
  async decline(request) {
    if (!(await openDialog("back", factsOf(request)))) return false;
    return send([call("money", "decline", { request, answer: $("#back-why").value })]);
  },
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-do]");
  const deed = button && DEEDS[button.dataset.do];
  if (deed) doing(button, async () => { if (await deed(button.dataset.id)) await update(); });
});

// The statement ------------------------------------------------------------------------------------

const owed = $("#state-owed");
owed.value = (Number(owed.dataset.amount) / 100).toFixed(2);
let paper = null;

$("#state-paper").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  paper = null;
  if (!file) return;
  if (file.size > PAPER_BYTES_MAX) {
    $("#state-print").textContent = t("paper_large");
    return;
  }
  paper = toHex(sha256(new Uint8Array(await file.arrayBuffer())));
  $("#state-print").textContent = t("paper_print", { print: `${paper.slice(0, 16)}…` });
});

$("#state-form").addEventListener("submit", (event) => {
  event.preventDefault();
  doing(event.submitter, async () => {
    const [liability, custody] = [readAmount(owed.value), readAmount($("#state-custody").value)];
    if (liability === null || custody === null) return say(t("no_amount"), "bad");
    if (!paper) return say(t("no_paper"), "bad");
    const action = call("money", "attest", { period, liability, custody, document: paper });
    const { sentence } = await tried(action);
    const facts = [[t("period"), String(period)], [t("owed"), money(liability)], [t("custody"), money(custody)], [t("paper"), `${paper.slice(0, 16)}…`]];
    const isShort = custody < liability;
    if (!(await sure(t("state_title"), isShort ? `${sentence}. ${t("state_short")}` : sentence, t("state_yes"), { facts, danger: isShort }))) return undefined;
    await send([action]);
    location.assign("/desk?stated=1");
    return undefined;
  });
});

// As it happens ------------------------------------------------------------------------------------

if (again) doing(null, () => scanned(again));

document.addEventListener("refreshed", ({ detail }) => {
  ({ requests } = detail);
  for (const id of seen.keys()) showPayee(id);
});
live({ type: "money.*", values: { issuer: data.shop } }, data.after, update);
setInterval(() => { if (!document.hidden) update(); }, 30_000);
