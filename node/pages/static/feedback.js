// Messages to shops and operators: sealed here for the receiver and for this customer, with their answers.
import { $, data, el, live, notice, once, t, when } from "./app.js";
import { operatorKeysOf } from "./box.js";
import { ROLE, bring, lettersOf, openLetter, plain, remember, sealLetter } from "./letters.js";
import { ask, eventsOf, nameIn } from "./lists.js";
import { accountFor, keyFor, seedFor, shopsSeen, state, washFor, welcome } from "./wallet.js";

const SHOWN_MAX = 20, FOLLOWED_MAX = 4, WROTE = "wash.wrote"; // to whom this device wrote, newest first
const wrote = () => JSON.parse(localStorage.getItem(WROTE) ?? "[]");
const noteWrote = (receiver) => localStorage.setItem(WROTE, JSON.stringify([...new Set([receiver, ...wrote()])].slice(0, SHOWN_MAX)));
const KIND = { OPEN: "warm", ANSWERED: "", CLOSED: "plain" };
/** Names of shops that are not in this part of the list. */
async function learnNames(shops) {
  const unknown = [...new Set(shops)].filter((one) => !(one in data.names) && !data.operators.includes(one));
  const records = await ask(...unknown.map((shop) => ["shops.shop", { shop }]));
  for (const [number, record] of records.entries()) if (record?.name) data.names[unknown[number]] = record.name;
}
const nameOf = (receiver) => (data.operators.includes(receiver) ? t("operators") : nameIn(data.names[receiver] ?? t("shop")));

async function messagesTo(receiver) {
  const sender = await accountFor(receiver);
  if (!sender) return [];
  const sent = (await eventsOf({ type: "reviews.FeedbackSent", values: { sender } })).slice(-SHOWN_MAX);
  const found = await ask(...sent.map(({ values }) => ["reviews.feedback", { id: values.id }]));
  return found.map((one, i) => ({ ...one, id: sent[i].values.id })).filter((one) => one.receiver === receiver);
}

/** Texts by role; what waits on this device for the node is brought first. */
async function textsOf({ id, sender, receiver, message }) {
  await bring(id, message).catch(() => false);
  const seed = await seedFor(receiver), texts = {};
  const letters = await lettersOf(id).catch(() => ({}));
  if (letters.answer?.state === "elsewhere") lookAgain(); // it is on its way: the chain names it first
  for (const [role, one] of Object.entries(letters)) if (one.bytes) texts[role] = await openLetter(one.bytes, { sender, receiver, role: ROLE[role] }, seed);
  return texts;
}

let looks = 0;
function lookAgain() {
  if (looks++ < 10) setTimeout(showAll, 2_000);
}

const followed = new Set();
/** Look again when one of the messages to a receiver moves. */
async function follow(receiver) {
  const sender = await accountFor(receiver);
  if (!sender || followed.has(sender)) return;
  followed.add(sender);
  live({ type: "reviews.FeedbackMoved", values: { sender } }, data.after, () => { looks = 0; return showAll(); });
}

async function draw(one) {
  const texts = one.stage === "CLOSED" ? {} : await textsOf(one);
  const said = (text) => el("p", { class: "said", dir: "auto" }, text);
  const made = el("li", {}, el("h3", {}, nameOf(one.receiver)), el("p", {}, el("small", {}, when(one.sent_at)), " ", el("span", { class: `badge ${KIND[one.stage]}` }, t(`state_${one.stage}`))));
  if (texts.message) made.append(said(texts.message));
  else if (one.stage !== "CLOSED") made.append(el("p", { class: "soft" }, t("not_here")));
  if (texts.answer) made.append(el("div", { class: "reply" }, el("small", {}, t("answer")), said(texts.answer)));
  if (one.stage !== "CLOSED") {
    const close = el("button", { type: "button", class: "button small quiet", onclick: () => once(close, `close ${one.id}`, async (clientRef) => {
      await (await washFor(one.receiver)).call("reviews.close_feedback", { id: one.id }, { clientRef });
      await showAll();
    }) }, t("close"));
    made.append(el("div", { class: "row" }, close));
  }
  return made;
}

/** Choose the shop where the customer was last, wherever it stands in the list. */
async function chooseLast() {
  const [last] = shopsSeen(), list = $("#to");
  if (!last) return;
  await learnNames([last]);
  if (!data.names[last]) return;
  if (![...list.options].some((one) => one.value === last)) list.prepend(el("option", { value: last }, nameIn(data.names[last])));
  list.value = last;
}

async function showAll() {
  const receivers = [...new Set([...wrote(), ...shopsSeen(), $("#to").value, ...data.operators])].filter(Boolean);
  const all = (await Promise.all(receivers.map(messagesTo))).flat().sort((a, b) => b.sent_at - a.sent_at);
  await learnNames(all.map((one) => one.receiver));
  $("#messages").replaceChildren(...await Promise.all(all.map(draw)));
  $("#none").hidden = all.length > 0;
}

$("#feedback-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const receiver = $("#to").value, text = plain($("#message").value);
  if (!text) return;
  const done = await once(event.submitter, "feedback", async (clientRef) => {
    const mine = await washFor(receiver), sender = await accountFor(receiver);
    const known = { [sender]: [(await keyFor(receiver)).publicKey] };
    if (data.operators.includes(receiver)) known[receiver] = await operatorKeysOf(receiver, data.now);
    const letter = await sealLetter(text, { sender, receiver, role: ROLE.message }, known);
    const message = remember(letter);
    noteWrote(receiver);
    const sent = await mine.call("reviews.post_feedback", { receiver, message }, { clientRef });
    await bring(sent.event("reviews.FeedbackSent").id, message).catch(console.warn); // else with the next look
    return sent;
  });
  if (!done) return;
  $("#message").value = "";
  await follow(receiver);
  notice("sent", t("sent"), { kind: "good" });
  await showAll();
});

if (await welcome()) {
  try {
    if (!/[?&](s|after)=/.test(location.search)) await chooseLast();
    await showAll();
    for (const receiver of wrote().slice(0, FOLLOWED_MAX)) await follow(receiver);
  } catch (error) {
    if (error.name !== "AbortError" || !state().isLocked) throw error;
  }
} else $("#feedback-form button").disabled = true;
$("#to").addEventListener("change", () => { if (!state().isLocked) showAll(); });
