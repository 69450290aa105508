// The cards of a customer at every shop; at one shop also what it sells, points and vouchers.
import { $, data, el, live, money, notice, once, question, t, wash, when, whenOpen } from "./app.js";
import { drawText } from "./counter.js";
import { ask, eventsOf, nameIn } from "./lists.js";
import { accountFor, keyFor, rememberShop, shopsSeen, state, washFor, welcome } from "./wallet.js";

const PLAY_MONEY = 20_000;

/** The ids of all cards that an account holds or held, newest first. */
async function cardsOf(account) {
  const [bought, taken] = await Promise.all([
    eventsOf({ type: "prepaid.Sold", values: { holder: account } }),
    eventsOf({ type: "prepaid.Transferred", values: { to: account } }),
  ]);
  return [...new Set([...bought, ...taken].sort((a, b) => b.time - a.time).map((one) => one.values.card))];
}

async function show(shop) {
  const account = await accountFor(shop) ?? (await keyFor(shop)).account;
  const ids = await cardsOf(account);
  const records = await ask(...ids.map((card) => ["prepaid.card", { card }]));
  const mine = records.map((one, number) => ({ ...one, id: ids[number] })).filter((one) => one.holder === account);
  if (!mine.length) return { account, cards: [] };
  const [record] = await ask(["shops.shop", { shop }]);
  const offers = await ask(...mine.map((one) => ["prepaid.offer", { offer: one.offer }]));
  const previews = await ask(...mine.map((one) => ["prepaid.preview_refund", { card: one.id, cause: "HOLDER" }]));
  return { account, cards: mine.map((one, number) => draw(one, record, offers[number], previews[number])) };
}

function draw(card, record, offer, preview) {
  const made = $("#one-card").content.firstElementChild.cloneNode(true);
  const part = (name) => $(`[data-${name}]`, made);
  part("shop").textContent = nameIn(record.name);
  part("name").textContent = nameIn(offer.name);
  part("name").href = part("open").href = `/c/cards/${card.id}`;
  part("status").textContent = t(`status_${card.status}`);
  part("status").classList.toggle("plain", card.status !== "OPEN");
  part("back").parentElement.hidden = !preview;
  part("left").hidden = !preview;
  if (preview) {
    part("back").textContent = money(preview.refund);
    const shown = (value) => (card.kind === "VALUE" ? money({ ...card.paid, amount: value }) : value);
    part("left").textContent = t(card.kind === "PERIOD" ? "days_of" : "used_of", { used: shown(preview.used), all: shown(preview.of) });
  }
  return made;
}

async function showAll() {
  const shops = data.shop ? [data.shop] : shopsSeen();
  const shown = await Promise.all(shops.map(show));
  const cards = shown.flatMap((one) => one.cards);
  $("#cards").replaceChildren(...cards);
  $("#nothing").hidden = cards.length > 0;
  return shown;
}

// At one shop ---------------------------------------------------------------------------------------

async function showExtras() {
  const { shop } = data, holder = await accountFor(shop);
  const [standing, program] = await ask(["loyalty.standing", { shop, holder }], ["loyalty.program", { shop }]);
  const made = await eventsOf({ type: "loyalty.VoucherMade", values: { holder, shop } });
  const ids = made.map((one) => one.values.voucher).reverse();
  const vouchers = (await ask(...ids.map((id) => ["loyalty.voucher", { id }]))).map((one, n) => ({ ...one, id: ids[n] }));
  const open = vouchers.filter((one) => one.use === "OPEN");
  const has = standing && (standing.own_active || standing.own_pending || open.length);
  $("#extras").hidden = !has;
  if (!has) return;
  $("[data-points]").textContent = standing.own_active;
  $("[data-pending]").hidden = !standing.own_pending;
  $("[data-pending]").textContent = t("points_pending", { count: standing.own_pending });
  const steps = [];
  for (let points = 100; program?.value && points <= standing.own_active && steps.length < 20; points += 100) steps.push(points);
  $("#redeem").hidden = !steps.length;
  $("#redeem-amount").replaceChildren(...steps.map((one) => el("option", { value: one }, t("redeem_points", { count: one }))));
  $("[data-vouchers]").replaceChildren(...open.map((one) => {
    const worth = one.kind === "VALUE" ? money(one.amount) : one.kind === "RATIO" ? `${one.amount / 100} %` : t("voucher_item");
    const words = el("div", {}, el("h3", {}, t(`voucher_${one.cause}`)), el("small", {}, t("voucher_until", { time: when(one.expires) })));
    return el("li", { class: "item" }, words, el("div", { class: "end" }, el("span", { class: "price" }, worth)));
  }));
}

async function buy(button) {
  const { buy: offer, asset } = button.dataset, price = Number(button.dataset.price);
  const has = async () => {
    const { balances = [] } = await wash.account(await accountFor(data.shop) ?? (await keyFor(data.shop)).account);
    return balances.find((one) => one.asset === asset) ?? { amount: 0, currency: "CNY" };
  };
  let mine = await has();
  if (mine.amount < price && data.isDev) {
    await wash.rpc("dev_faucet", { account: (await keyFor(data.shop)).account, amount: Math.max(PLAY_MONEY, 2 * price) });
    mine = await has();
  }
  if (mine.amount < price) return notice("sending", t("short", { money: money(mine) }), { kind: "bad", button: { label: t("put_in"), href: `/c/money?s=${data.shop}` } });
  const cells = document.querySelectorAll("#ask-buy dd");
  [cells[0].textContent, cells[1].textContent] = [money({ ...mine, amount: price }), money({ ...mine, amount: mine.amount - price })];
  if (!(await question("ask-buy"))) return undefined;
  const card = await once(button, `buy ${offer}`, async (reference) => {
    const done = await (await washFor(data.shop)).call("prepaid.buy", { offer }, { funds: price, clientRef: reference });
    return done.event("prepaid.Sold").card;
  });
  if (!card) return undefined;
  rememberShop(data.shop);
  location.assign(`/c/cards/${card}`);
  return undefined;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("button[data-buy]");
  if (button) buy(button);
});

$("#redeem")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const amount = Number($("#redeem-amount").value);
  const done = await once($("button", event.target), `redeem ${amount}`, async (reference) =>
    (await washFor(data.shop)).call("loyalty.redeem", { shop: data.shop, amount }, { clientRef: reference }));
  if (done) await showExtras();
});

async function showMine() {
  const { account } = await keyFor(data.shop);
  rememberShop(data.shop);
  await drawText($("#my-code"), account);
  $("#my-account").textContent = account;
}

if (await welcome()) {
  whenOpen($("#my-number"), showMine);
  try {
    const shown = await showAll();
    if (data.shop) await showExtras();
    for (const { account } of shown) live({ account }, "latest", () => showAll());
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    if (state().isLocked) $("#nothing").hidden = true;
  }
} else {
  for (const one of document.querySelectorAll("button[data-buy]")) one.disabled = true;
}
