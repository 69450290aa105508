// A customer's money: free, on hold, on its way out; put in by a code, taken out on request; every line with its number.
import { $, data, el, explain, live, money, notice, once, question, t, when, whenOpen } from "./app.js";
import { drawText } from "./counter.js";
import { ask, eventsOf, nameIn } from "./lists.js";
import { payeeOf, payoutCode } from "./payout.js";
import { purseOf } from "./purse.js";
import { accountFor, isSafe, keyFor, rememberShop, shopsSeen, washFor, welcome } from "./wallet.js";

const { shop } = data;
const PAGE = 40;
const short = (id) => `${id.slice(0, 10)}…${id.slice(-4)}`;
const accountOf = async (one) => await accountFor(one) ?? (await keyFor(one)).account;

function readAmount(text) {
  const found = /^\s*(\d{1,9})(?:[.,](\d{1,2}))?\s*$/.exec(text);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "0").padEnd(2, "0")) : null;
}

function tellUnread(place, count) {
  place.hidden = !count;
  place.textContent = t("unread", { count });
}

// All shops ----------------------------------------------------------------------------------------

async function showShops() {
  const seen = shopsSeen();
  const shown = await Promise.all(seen.map(async (one) => {
    const [[record], purse] = await Promise.all([ask(["shops.shop", { shop: one }]), purseOf(await accountOf(one), data.money)]);
    if (!record) return null;
    const card = $("#shop-card").content.firstElementChild.cloneNode(true);
    $("[data-name]", card).textContent = nameIn(record.name);
    $("[data-free]", card).textContent = money(purse.free);
    for (const [name, value] of [["held", purse.onVisits], ["cards", purse.onCards], ["out", purse.out]]) {
      $(`[data-${name}]`, card).hidden = !value.amount;
      $(`[data-${name}]`, card).textContent = t(name, { money: money(value) });
    }
    tellUnread($("[data-unread]", card), purse.unread);
    $("[data-open]", card).href = `/c/money?s=${one}`;
    return card;
  }));
  const cards = shown.filter(Boolean);
  $("#shops").replaceChildren(...cards);
  $("#nothing").hidden = cards.length > 0;
}

// At one shop --------------------------------------------------------------------------------------

let account = null;

async function showPurse() {
  const { free, onVisits, onCards, out, holds, requests, unread } = await purseOf(account, data.money);
  $("#free").textContent = money(free);
  const places = document.querySelectorAll("#purse dd");
  for (const [number, amount] of [onVisits, onCards, out].entries()) places[number].textContent = money(amount);
  $("#holds").replaceChildren(...holds.map((one) => {
    const label = t(one.what, { time: one.time ? when(one.time) : "" });
    return el("li", {}, el("a", { class: "item", href: one.href }, el("span", {}, label), el("span", { class: "price" }, money(one.amount))));
  }));
  tellUnread($("#unread"), unread);
  $("#purse").hidden = false;
  $("#requests").hidden = !requests.length;
  $("#request-list").replaceChildren(...requests.map(drawRequest));
}

function drawRequest(one) {
  const code = el("button", { type: "button", class: "button small", onclick: () => showCode(one) }, t("code"));
  const back = one.begun ? null : el("button", { type: "button", class: "button small quiet", onclick: ({ currentTarget }) => takeBack(currentTarget, one) }, t("take_back"));
  const words = el("div", {}, el("h3", {}, t("out_until", { time: when(one.due) })), el("small", {}, t(one.begun ? "being_paid" : "waiting", { time: when(one.asked_at) })));
  const line = el("div", { class: "item" }, words, el("div", { class: "end" }, el("span", { class: "price" }, money(one.amount))));
  return el("li", { id: `r-${one.request}` }, line, el("div", { class: "row" }, code, back));
}

async function showCode(one) {
  const text = await payoutCode(shop, one);
  if (!text) return notice("sending", t("no_code"), { kind: "bad" });
  $("#show-code").showModal();
  await drawText($("#out-code"), text);
  return undefined;
}

async function takeBack(button, one) {
  $("#ask-back dd").textContent = money(one.amount);
  if (!(await question("ask-back"))) return;
  const done = await once(button, `back ${one.request}`, async (reference) =>
    (await washFor(shop)).call("money.withdraw", { request: one.request }, { clientRef: reference }));
  if (done) await showAll();
}

// Taking out ---------------------------------------------------------------------------------------

function say(text) {
  $("#out-said").textContent = text;
  $("#out-said").hidden = !text;
}

$("#out-form")?.addEventListener("change", () => { $("#out-bank-part").hidden = howOf() === "cash"; });
const howOf = () => $("input[name=out-how]:checked").value;

async function takeOut(button) {
  const amount = readAmount($("#out-amount").value), bank = howOf() === "cash" ? "" : $("#out-bank").value.trim();
  if (!amount || amount < data.least) return say(t("no_amount"));
  if (howOf() === "bank" && !bank) return say(t("no_bank"));
  say("");
  const issuer = $("#out-from")?.value ?? data.issuers[0], mine = await washFor(shop);
  const { payee, keep } = await payeeOf(shop, bank);
  const call = [{ type: "call", contract: "money", function: "ask", arguments: { issuer, payee }, funds: amount }];
  let tried;
  try {
    tried = await mine.simulate(call);
  } catch (error) {
    return say(error.code === 2001 ? t("no_money") : explain(error));
  }
  const asked = tried.events.find((one) => one.type === "money.Asked").values;
  const after = tried.changes.find((one) => one.account === account)?.after;
  const cells = document.querySelectorAll("#ask-out dd");
  [cells[0].textContent, cells[1].textContent, cells[2].textContent, cells[3].textContent] = [money(asked.amount), after ? money(after) : "", bank || t("in_cash"), when(asked.due)];
  if (!(await question("ask-out"))) return undefined;
  const done = await once(button, `out ${payee}`, (reference) => mine.send(call, { clientRef: reference }));
  if (!done) return undefined;
  keep();
  $("#out-form").reset();
  $("#out-bank-part").hidden = true;
  await showAll();
  $("#requests").scrollIntoView({ block: "nearest" });
  return undefined;
}

$("#out-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  takeOut(event.submitter).catch((error) => { if (error.name !== "AbortError") say(explain(error)); });
});

// The lines ----------------------------------------------------------------------------------------
// What each event of the agreed rules means for this customer's money: which sentence, how much, which way.

const LINES = {
  "money.Minted": (v) => v.to === account && [["in", v.amount, "+"]],
  "money.Asked": (v) => [["asked", v.amount, "", v.due]],
  "money.Withdrawn": (v) => [["withdrawn", v.amount, ""]],
  "money.Paid": (v) => [["paid_out", v.amount, "−"]],
  "money.Declined": (v) => [["declined", v.amount, ""]],
  "money.Late": (v) => [["late", v.amount, ""]],
  "booking.Requested": (v) => v.customer === account && [["visit_held", v.held, "", v.start]],
  "booking.Closed": (v) => v.customer === account && [["visit_paid", v.to_shop, "−"], ["visit_back", v.to_customer, ""]],
  "booking.PaidBack": (v) => v.customer === account && [["visit_back", v.amount, "+"]],
  "prepaid.Sold": (v) => v.holder === account && [["card_held", v.paid, ""]],
  "prepaid.Refunded": (v) => v.holder === account && [["card_back", v.refund, ""]],
  "chain.transferred": (v) => (v.to === account ? [["got", v.amount, "+"]] : [["sent", v.amount, "−"]]),
  "chain.pot_fallback": (v) => v.to === account && [["given_back", v.amount, ""]],
};

function drawEntry(entry) {
  const found = entry.ok ? entry.events.flatMap((event) => LINES[event.type]?.(event.values) || []).filter(([, amount]) => amount?.amount > 0) : [];
  const href = entry.kind === "transaction" ? `/x/tx/${entry.id}` : `/x/receipt/${entry.height}/${entry.index}`;
  return found.map(([what, amount, sign, time]) => {
    const text = t(`line.${what}`, { time: time ? when(time) : "" });
    const number = el("a", { href, title: entry.id }, short(entry.id));
    const words = el("div", {}, el("h3", {}, text), el("small", {}, `${when(entry.time)} · ${t("number")} `, number));
    return el("li", {}, el("div", { class: "item" }, words, el("div", { class: "end" }, el("span", { class: "price" }, `${sign}${money(amount)}`))));
  });
}

let cursor = null;

async function readLines(from) {
  const given = { account, limit: PAGE, ...(from ? { cursor: from } : {}) };
  const [page] = await ask(["account_history", given]);
  cursor = page?.next_cursor ?? null;
  $("#older").hidden = !cursor;
  return (page?.items ?? []).flatMap(drawEntry);
}

async function showLines() {
  const lines = await readLines(null);
  $("#lines").replaceChildren(...lines);
  $("#no-lines").hidden = lines.length > 0;
}

$("#older")?.addEventListener("click", async () => $("#lines").append(...await readLines(cursor)));

/** A payment that came too late stops its issuer for everybody, until the customer says that it is put right. */
async function showLate() {
  const [late, right] = await Promise.all([
    eventsOf({ type: "money.Late", values: { holder: account } }), eventsOf({ type: "money.Settled", values: { holder: account } }),
  ]);
  const open = late.filter((one) => !right.some((each) => each.values.issuer === one.values.issuer && each.time >= one.time)).at(-1);
  if (!open) return notice("late", null);
  const { issuer, amount } = open.values;
  const onclick = ({ currentTarget }) => once(currentTarget, `right ${open.id}`, async (reference) => {
    await (await washFor(shop)).call("money.settled", { issuer }, { clientRef: reference });
    await showAll();
  });
  return notice("late", t("late", { money: money(amount), time: when(open.time) }), { kind: "bad", button: { label: t("late_right"), onclick } });
}

const showAll = () => Promise.all([showPurse(), showLines(), showLate()]);

async function showMine() {
  rememberShop(shop);
  await drawText($("#my-code"), account.toUpperCase());
  $("#my-number").textContent = short(account);
  $("#my-number").title = account;
}

if (await welcome()) {
  try {
    if (!shop) await showShops();
    else {
      account = await accountOf(shop);
      if (isSafe()) whenOpen($("#in-code"), showMine);
      await showAll();
      live({ account }, data.after, () => showAll().catch(() => false));
    }
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}
// A page in a shop's network may act a little, but nothing here: cash goes to whoever says so.
if (!isSafe()) for (const one of document.querySelectorAll("#out-form button")) one.disabled = true;
