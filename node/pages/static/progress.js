// A booking as it happens: follows its events, shows its customer what can be done, and asks first.
import { $, data, el, live, money, notice, once, question, refresh, t, wash } from "./app.js";
import { accountFor, balanceAt, isSafe, keyFor, rememberShop, state as keyState, washFor, welcome } from "./wallet.js";
import { drawForCounter } from "./counter.js";
import { NO_TEXT, bring, lettersOf, pictureIn, plain, publicLetter, remember } from "./letters.js";

const { id, shop, customer } = data;
const SCORES = ["clean", "on_time", "staff", "value"];
let now = data; // of the newest rendering
let isEditing = false; // a review that is there is being changed

/** Show what is for the customer alone, if this is the customer's device. */
async function showMine() {
  const account = await accountFor(shop);
  const isMine = account === customer || (account === null && keyState().isLocked);
  for (const one of document.querySelectorAll("[data-for=customer]")) one.hidden = !isMine;
  if (isMine) rememberShop(shop);
  $("#photos").dataset.mine = isMine && isSafe() ? "yes" : "no"; // a key of a few hours opens nothing
  showPhotos().catch(console.warn);
  $("#rate").hidden = !(isMine && now.state === "SETTLED" && now.reviews && (!now.review || isEditing));
  return isMine;
}

const send = (button, name, args = {}, options = {}) => once(button, name, async (reference) => {
  const { isSponsored = true, funds = 0 } = options;
  const mine = await washFor(shop, { isSponsored });
  const done = await mine.call(`booking.${name}`, { id, ...args }, { funds, clientRef: reference });
  await update();
  return done;
});

async function update() {
  await refresh("progress", "review", "way-part");
}

document.addEventListener("refreshed", ({ detail }) => {
  now = detail;
  showMine();
});

// What the buttons do ------------------------------------------------------------------------------

const actions = {
  async cancel(button) {
    const { time_ms: at } = await wash.rpc("node_health");
    const told = await wash.read("booking.preview_cancel", { id, at });
    const cells = document.querySelectorAll("#ask-cancel dd");
    cells[0].textContent = money(told.fee);
    cells[1].textContent = money(told.refund);
    $("#ask-cancel [data-why]").textContent = t(`why_${told.why}`);
    if (await question("ask-cancel")) await send(button, "cancel_booking");
  },
  async confirm(button) {
    $("#ask-confirm dd").textContent = money(now.held);
    if (await question("ask-confirm")) await send(button, "confirm");
  },
  async leave(button) {
    $("#ask-leave dd").textContent = money(now.held);
    if (await question("ask-leave")) await send(button, "leave");
  },
  async claim(button) {
    const deposit = await wash.read("booking.claim_deposit", { id });
    const said = $("#ask-claim [data-deposit]");
    said.hidden = deposit.amount === 0;
    said.textContent = t("deposit", { money: money(deposit) });
    if (!(await question("ask-claim"))) return;
    await send(button, "claim_redo", { claim_bp: Number($("#claim-part").value) }, { funds: deposit.amount });
  },
  edit() {
    const form = $("#rate-form"), { scores, reasons, text, picture } = now.review;
    for (const name of SCORES) form.elements[name].value = scores[name];
    for (const box of form.elements.reason) box.checked = Boolean((reasons >> Number(box.value)) & 1);
    form.elements.words.value = text;
    $("#rate-bare").hidden = !picture;
    isEditing = true;
    $("#rate").hidden = false;
    $("#rate").scrollIntoView();
    form.elements.words.focus();
  },
  async unsay(button) {
    if (!(await question("ask-unsay"))) return;
    const done = await once(button, "unsay", async (clientRef) => (await washFor(shop)).call("reviews.erase_text", { visit: now.visit }, { clientRef }));
    if (done) await update();
  },
  photos: (button) => once(button, "photos", async () => {
    await accountFor(shop) ?? await keyFor(shop); // asks for the PIN
    await showPhotos();
    return true;
  }),
  arrived: (button) => send(button, "arrived"),
  withdraw: (button) => send(button, "withdraw_claim"),
  async approve(button) {
    const [number, price] = [Number(button.dataset.number), Number(button.dataset.price)];
    if (await hasEnough(price)) await send(button, "approve_extra", { number }, { funds: price });
  },
  take: (button) => send(button, "reschedule", { start: Number(button.dataset.start), end: Number(button.dataset.end) }),
  async pay(button) {
    const rest = now.total.amount - now.held.amount;
    if (await hasEnough(rest)) await send(button, "pay", {}, { funds: rest });
  },
  async code(button) {
    await once(button, "code", drawCode);
    // Signed by the customer alone: the contract knows that the shop did not confirm it.
    if (await question("show-code")) await send(button, "check_in", {}, { isSponsored: false });
  },
  async undo(button) {
    const isDrawn = await once(button, "undo", async () => {
      await drawForCounter($("#undo-code"), shop, "booking", "undo_check_in", { id });
      return true;
    });
    if (isDrawn) await question("show-undo");
  },
};

/** On a practice network money that is missing is simply there. */
async function hasEnough(amount) {
  const has = await balanceAt(shop, now.held.asset);
  if (has >= amount) return true;
  if (data.isDev) {
    await wash.rpc("dev_faucet", { account: customer, amount: amount - has });
    return true;
  }
  notice("sending", t("no_money"), { kind: "bad" });
  return false;
}

/** The hand-over, confirmed by the customer, for the counter's scanner. */
async function drawCode() {
  await drawForCounter($("#code"), shop, "booking", "check_in", { id });
  // The first car that is handed over begins a history of its own, without a question.
  import("./cars.js").then(({ ensureCar }) => ensureCar()).catch(console.warn);
  return true;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("button[data-action]");
  if (!button || !actions[button.dataset.action]) return;
  try {
    await actions[button.dataset.action](button);
  } catch (error) {
    notice("sending", t("failed"), { kind: "bad" });
    console.warn(error);
  }
});

$("#rate-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const scores = Object.fromEntries(SCORES.map((name) => [name, Number(form.get(name))]));
  const reasons = form.getAll("reason").reduce((sum, one) => sum + 2 ** Number(one), 0);
  const words = plain(form.get("words")), name = isEditing ? "edit" : "review";
  let picture;
  try {
    picture = await pictureOf(form);
  } catch (error) {
    console.warn(error);
    notice("rated", t("no_picture"), { kind: "bad" });
    return;
  }
  const sent = await once($("button", event.target), name, async (reference) => {
    const mine = await washFor(shop);
    const text = words || picture ? remember(publicLetter(words, picture), now.visit) : NO_TEXT;
    const done = await mine.call(`reviews.${name}`, { visit: now.visit, scores, reasons, text }, { clientRef: reference });
    await bring(now.visit, text).catch(console.warn); // else at the next look at this page
    return done;
  });
  if (!sent) return;
  isEditing = false;
  await update();
  notice("rated", t("rated"), { kind: "good" });
});

/** The picture for a review: the chosen one, drawn small and bare; else that which was there, unless it is to go. */
async function pictureOf(form) {
  if (form.get("picture")?.size) {
    const { PUBLIC_BYTES_MAX, PUBLIC_SIZES, redraw } = await import("./photo.js");
    return redraw(form.get("picture"), PUBLIC_SIZES, PUBLIC_BYTES_MAX);
  }
  if (!isEditing || form.get("bare") || !now.review?.picture) return null;
  return pictureIn((await lettersOf(now.visit)).text?.bytes);
}

// Photos ---------------------------------------------------------------------------------------------

let photos = 0; // how many are shown

/** Photos of the car come as they are taken; a device with a PIN is asked for them, and not before. */
async function showPhotos() {
  const { photos: all } = now;
  if (!all?.length || $("#photos").dataset.mine !== "yes") return;
  $("#photos").hidden = false;
  $("#photos-locked").hidden = !keyState().isLocked;
  if (keyState().isLocked || all.length === photos) return;
  photos = all.length;
  const { drawPhoto } = await import("./photos.js"), made = [];
  for (const one of all) made.push(el("li", {}, await drawPhoto(shop, one)));
  $("#photo-list").replaceChildren(...made);
}

/** What the node lacks of a review that was written on this device. */
async function bringWhatLacks() {
  if (now.review?.lacks && await bring(now.visit, now.review.lacks).catch(() => false)) await update();
}

// Following ----------------------------------------------------------------------------------------

await welcome();
if (await showMine()) await bringWhatLacks();
const again = () => refresh("progress", "review", "way-part").catch(() => false);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
live({ type: "booking.*", values: { id } }, data.after, async () => {
  for (const one of document.querySelectorAll("#show-code[open], #show-undo[open]")) one.close("seen"); // the counter has sent it
  for (let tries = 0; !(await again()) && tries < 60; tries++) await pause(1_000);
});
// Cars before this one move its place in the queue; several at once are one look.
let isLooking = false;
live({ type: "booking.*", values: { shop } }, data.after, async ({ values }) => {
  if (!now.queue || values.id === id || isLooking) return;
  isLooking = true;
  pause(1_500).then(again).finally(() => { isLooking = false; });
});
if (data.photos) live({ type: "records.*", values: { record: data.visit } }, data.after, again);
setInterval(() => { if (!document.hidden) again(); }, 60_000); // what is possible changes with time
