// One card as it is used: follows its events, shows its holder what can be done, and asks first.
import { $, data, live, money, notice, once, question, refresh, t, texts, wash } from "./app.js";
import { drawForCounter } from "./counter.js";
import { accountFor, keyFor, rememberShop, state as keyState, washFor, welcome } from "./wallet.js";

const { id, shop } = data;
const CAUSES = ["", "HOLDER", "COOLING_OFF", "MOVED", "SILENT", "CLOSED", "ENDED"];
let now = data; // of the newest rendering

async function showMine() {
  const account = await accountFor(shop);
  const isLocked = account === null && keyState().isLocked;
  const is = { holder: account === now.holder || isLocked, heir: account !== null && account === now.heir && account !== now.holder };
  is.giver = is.holder && Boolean(now.heir) && now.heir !== now.holder;
  for (const one of document.querySelectorAll("[data-for]")) one.hidden = !is[one.dataset.for];
  if (is.holder || is.heir) rememberShop(shop);
}

const send = (button, name, args, { isSponsored = true, ...options } = {}) => once(button, `${name} ${args.use ?? ""}`, async (reference) => {
  const done = await (await washFor(shop, { isSponsored })).call(`prepaid.${name}`, args, { ...options, clientRef: reference });
  await refresh("card");
  return done;
});

document.addEventListener("refreshed", ({ detail }) => {
  now = detail;
  showMine();
});

const actions = {
  async use(button) {
    const args = { card: id, line: Number(button.dataset.line), amount: 0 };
    const drawn = await once(button, "code", async () => {
      await drawForCounter($("#code"), shop, "prepaid", "begin_use", args);
      return true;
    });
    // Signed by the holder alone: the node that pays for sending may be the shop's, whose word counts here.
    if (drawn && await question("show-code")) await send(button, "begin_use", args, { isSponsored: false });
  },
  async confirm(button) {
    if (await question("ask-confirm")) await send(button, "confirm_use", { use: button.dataset.use });
  },
  async complain(button) {
    if (await question("ask-complain")) await send(button, "claim_redo", { use: button.dataset.use });
  },
  withdraw: (button) => send(button, "withdraw_use", { use: button.dataset.use }),
  slot: (button) => send(button, "take_slot", { card: id }),
  forget: (button) => send(button, "withdraw_requests", { shop }),
  extend: (button) => send(button, "extend_card", { card: id }),
  async leave(button) {
    const told = await wash.read("prepaid.preview_refund", { card: id, cause: "HOLDER" });
    const cells = document.querySelectorAll("#ask-leave dd");
    [told.paid, told.deducted, told.in_use, told.refund].forEach((one, number) => { cells[number].textContent = money(one); });
    const why = [texts[`cause_${CAUSES[Math.floor(told.rule / 10)]}`], told.claim.amount ? t("claim", { money: money(told.claim) }) : ""];
    $("#ask-leave [data-why]").textContent = why.join(" ");
    if (await question("ask-leave")) await send(button, "ask_refund", { card: id });
  },
  async give(button) {
    if (!(await question("ask-give"))) return;
    const [picture] = $("#give-picture").files;
    const text = picture ? await readCode(picture) : $("#give-to").value;
    const to = /acct1[02-9ac-hj-np-z]{58}/.exec(text ?? "")?.[0];
    if (!to) {
      notice("sending", t("no_account"), { kind: "bad" });
      return;
    }
    if (await send(button, "offer_transfer", { card: id, to })) notice("given", t("given"), { kind: "good" });
  },
  keep: (button) => send(button, "offer_transfer", { card: id, to: now.holder }),
  take: (button) => send(button, "accept_transfer", { card: id }),
};

async function readCode(file) {
  await import("./vendor/jsqr.js");
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return globalThis.jsQR(pen.getImageData(0, 0, canvas.width, canvas.height).data, canvas.width, canvas.height)?.data ?? null;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("button[data-action]");
  if (!button || !actions[button.dataset.action]) return;
  try {
    await actions[button.dataset.action](button);
  } catch (error) {
    if (error.name === "AbortError") return;
    notice("sending", t("failed"), { kind: "bad" });
    console.warn(error);
  }
});

if (await welcome()) {
  await keyFor(shop).catch(() => null);
  await showMine();
}
live({ type: "prepaid.*", values: { card: id } }, data.after, async () => {
  if ($("#show-code").open) $("#show-code").close("seen"); // the counter has sent it
  // A read may be one block behind its event.
  for (let tries = 0; !(await refresh("card").catch(() => false)) && tries < 60; tries++) {
    await new Promise((resolve) => { setTimeout(resolve, 1_000); });
  }
});
