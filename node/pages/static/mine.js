// A customer's home: for each shop what is free, what is on hold, the visits, and the next one.
import { $, data, el, live, money, notice, once, t, texts, when } from "./app.js";
import { ask, eventsOf, nameIn } from "./lists.js";
import { purseOf } from "./purse.js";
import { askOnce } from "./survey.js";
import { accountFor, keyFor, rememberShop, shopsSeen, state, takenOver, washFor, welcome } from "./wallet.js";

const SHOWN = 5, MORE = 20, wanted = new Map(); // how many visits are shown, by shop
const OPEN = ["REQUESTED", "ACCEPTED", "ARRIVED", "CHECKED_IN", "IN_SERVICE", "READY", "DISPUTED", "NO_SHOW_DUE", "FAILURE_DUE"];

/** The newest visits at a shop, as many as are wanted, and how many there were. */
async function bookingsOf(shop, account) {
  const asked = await eventsOf({ type: "booking.Requested", values: { customer: account } });
  const ids = asked.map((one) => one.values.id).reverse().slice(0, wanted.get(shop) ?? SHOWN);
  const records = await ask(...ids.map((id) => ["booking.booking", { id }]));
  const bookings = records.map((one, number) => one && { ...one, id: ids[number] }).filter(Boolean);
  return { bookings, count: asked.length };
}

/** The button for visits before those that are shown. */
function drawOlder(button, shop, shown, count) {
  button.hidden = shown >= count;
  button.textContent = t("older", { shown, count });
  button.addEventListener("click", () => {
    wanted.set(shop, shown + MORE);
    return showAll();
  });
}

/** Somebody asks for this customer's account: who did not ask for it stops it here. */
function warn(shop, record, recovery) {
  const onclick = ({ currentTarget }) => once(currentTarget, `stop ${shop}`, async (reference) => {
    const own = await washFor(shop);
    await own.send([{ type: "cancel_recovery" }], { clientRef: reference });
    notice(`taken-${shop}`, t("stopped"), { kind: "good" });
  });
  const time = recovery.ready_at ? when(recovery.ready_at) : "";
  const text = t(time ? "taken_at" : "taken", { shop: nameIn(record.name), time });
  notice(`taken-${shop}`, text, { kind: "bad", button: { label: t("stop"), onclick } });
}

async function show(shop) {
  const account = await accountFor(shop) ?? takenOver()[shop] ?? (await keyFor(shop)).account;
  const [record, profile, mine] = await ask(["shops.shop", { shop }], ["shops.profile", { shop }], ["account_get", { account }]);
  if (!record) return null;
  if (mine?.recovery) warn(shop, record, mine.recovery);
  const { bookings, count } = await bookingsOf(shop, account);
  const [points] = await ask(["loyalty.standing", { shop, holder: account }]);
  const zone = profile?.zone || data.zone;
  if (shop === data.shop && !bookings.length && !mine?.known) return null; // it stands above already
  const card = $("#shop-card").content.firstElementChild.cloneNode(true);
  const part = (name) => $(`[data-${name}]`, card);
  part("name").textContent = nameIn(record.name);
  const free = mine?.balances.find((one) => one.asset === data.money.asset) ?? { ...data.money, amount: 0 };
  part("free").textContent = money(free);
  const { onVisits, onCards, out, unread } = await purseOf(account, data.money);
  for (const [name, amount] of [["held", onVisits], ["cards", onCards], ["out", out]]) {
    part(name).hidden = amount.amount === 0;
    part(name).textContent = t(name, { money: money(amount) });
  }
  part("unread").hidden = !unread;
  part("unread").textContent = t("unread", { count: unread });
  part("money").href = `/c/money?s=${shop}`;
  const [active, pending] = points ? [points.own_active + points.shared_active, points.own_pending + points.shared_pending] : [0, 0];
  part("points").hidden = active + pending === 0;
  part("points").textContent = t(pending ? "points_pending" : "points", { active, pending });
  for (const one of bookings) {
    const isOpen = OPEN.includes(one.state);
    const badge = el("span", { class: `badge ${isOpen ? "" : "plain"}` }, texts[`status.${one.state}`] ?? one.state.toLowerCase());
    const words = el("div", {}, el("h3", {}, when(one.start, zone)), el("small", {}, money(one.total)));
    part("bookings").append(el("li", {}, el("a", { class: "item", href: `/b/${one.id}` }, words, el("div", { class: "end" }, badge))));
  }
  drawOlder(part("older"), shop, bookings.length, count);
  const last = bookings[0];
  part("again").textContent = last ? t("again") : t("book");
  part("again").href = last ? `/s/${shop}/book?service=${last.service}` : `/s/${shop}/book`;
  part("helpers").href = `/c/helpers?shop=${shop}`;
  part("about").href = `/s/${shop}`;
  return { card, account, shop, name: record.name, bookings };
}

async function showAll() {
  const shown = (await Promise.all(shopsSeen().map(show))).filter(Boolean);
  $("#mine").replaceChildren(...shown.map((one) => one.card));
  $("#nothing").hidden = shown.length > 0 || Boolean(data.shop);
  return shown;
}

if (await welcome()) {
  if (data.shop) rememberShop(data.shop);
  try {
    const shown = await showAll();
    for (const { account } of shown) live({ account }, "latest", showAll);
    await askOnce(shown);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    if (state().isLocked) $("#nothing").hidden = true;
  }
}
