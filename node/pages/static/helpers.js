// Helpers of a customer's account: chosen here, and here they give a lost account to its owner's new phone.
import { $, data, el, live, once, t, wash, when } from "./app.js";
import { drawText } from "./counter.js";
import { ask } from "./lists.js";
import { accountFor, keyFor, takeOver, washFor, welcome } from "./wallet.js";
import { toHex } from "./wash.js";

const { shop } = data;
const ACCOUNT = /^acct1[02-9ac-hj-np-z]{58}$/;
const CODE = /(acct1[02-9ac-hj-np-z]{58})\.([0-9a-f]{64})$/; // alone, or at the end of a link
const clean = (id) => $(id).value.replace(/\s/g, "").toLowerCase();

function say(id, text, kind = "bad") {
  $(id).className = `notice ${kind}`;
  $(id).textContent = text;
  $(id).hidden = !text;
}

async function showNow() {
  const account = await accountFor(shop);
  if (!account) return;
  $("#mine").textContent = account;
  const { guardians, threshold } = await wash.account(account);
  if (guardians.length) $("#now").textContent = t("now", { count: guardians.length, needed: threshold });
}

$("#choose-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const friend = clean("#friend"), guardians = $("#with-shop").checked ? [shop] : [];
  if (friend && (!ACCOUNT.test(friend) || friend === await accountFor(shop))) return say("#choose-said", t("no_account"));
  if (friend) guardians.push(friend);
  const second = clean("#second");
  if (second && (!ACCOUNT.test(second) || second === friend || second === await accountFor(shop))) return say("#choose-said", t("no_account"));
  if (second) guardians.push(second);
  const threshold = Math.min(Number($("#needed").value), guardians.length);
  if (!guardians.length) return say("#choose-said", t("nobody"));
  say("#choose-said", "");
  await once(event.submitter, "helpers", async (reference) => {
    const mine = await washFor(shop);
    await mine.send([{ type: "set_guardians", guardians: guardians.sort(), threshold }], { clientRef: reference });
    await showNow();
  });
  return undefined;
});

/** Agree that an account goes to a new phone, or after the wait give it back. */
function help(button, account, key) {
  return once(button, `help ${account}`, async (reference) => {
    const mine = await washFor(shop);
    const before = (await wash.account(account)).recovery;
    const { time_ms: now } = await wash.rpc("node_health");
    const isOver = before?.new_key === key && before.ready_at !== null && before.ready_at <= now;
    const action = isOver ? { type: "finish_recovery", account } : { type: "approve_recovery", account, new_key: key };
    await mine.send([action], { clientRef: reference });
    const { recovery } = await wash.account(account);
    if (isOver) say("#help-said", t("finished"), "good");
    else if (recovery?.ready_at) say("#help-said", t("helped_until", { time: when(recovery.ready_at) }), "good");
    else say("#help-said", t("helped"), "good");
    await showAsking();
  });
}

$("#help-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [, account, key] = CODE.exec(clean("#code")) ?? [];
  if (!account) return say("#help-said", t("no_code"));
  return help(event.submitter, account, key);
});

/** Who else's helpers began already: this helper sees it without a code, and gives it back after the wait. */
async function showAsking() {
  const mine = await accountFor(shop);
  const [found, health] = mine ? await ask(["account_recoveries", { guardian: mine }], ["node_health", {}]) : [null, null];
  const items = found?.items ?? [];
  $("#asking").hidden = !items.length;
  $("#asking").replaceChildren(...items.map(({ account, threshold, recovery }) => {
    const isOver = recovery.ready_at !== null && recovery.ready_at <= health.time_ms;
    const isMine = recovery.approvals.includes(mine);
    const state = recovery.ready_at ? t("asking_from", { time: when(recovery.ready_at) }) : t("asking_count", { count: recovery.approvals.length, needed: threshold });
    const words = el("div", {}, el("h3", {}, `${account.slice(0, 10)}…${account.slice(-4)}`), el("small", {}, `${state} · ${t("asking_phone", { digits: recovery.new_key.slice(-8) })}`));
    const onclick = ({ currentTarget }) => help(currentTarget, account, recovery.new_key);
    const button = isMine && !isOver ? el("span", { class: "badge" }, t("asking_done")) : el("button", { type: "button", class: "button small quiet", onclick }, t(isOver ? "asking_finish" : "asking_agree"));
    return el("li", {}, el("div", { class: "item" }, words, el("div", { class: "end wraps" }, button)));
  }));
}

$("#lost-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const account = clean("#lost");
  if (!ACCOUNT.test(account)) return say("#lost-said", t("no_account"));
  const key = toHex((await keyFor(shop)).publicKey);
  const { keys, recovery } = await wash.account(account);
  if (keys.some((one) => one.key === key)) {
    takeOver(shop, account);
    location.assign("/c");
    return undefined;
  }
  $("#lost-code").hidden = false;
  $("#lost-code code").textContent = `${account}.${key}`;
  $("#digits").textContent = `…${key.slice(-8)}`;
  await drawText($("#lost-code canvas"), `${data.url || location.origin}/c/helpers?shop=${shop}#help=${account}.${key}`);
  say("#lost-said", recovery?.new_key === key ? t("on_its_way") : t("give_it"), "");
  return undefined;
});

/** The helper's phone read the code on the new one: it is a link to here. */
function readLink() {
  const [, account, key] = CODE.exec(location.hash) ?? [];
  if (!account) return;
  $("#code").value = `${account}.${key}`;
  $("#help-form").scrollIntoView({ block: "center" });
  say("#help-said", t("from_code", { digits: key.slice(-8) }), "");
}

if (await welcome()) {
  await showNow();
  await showAsking();
  readLink();
  addEventListener("hashchange", readLink);
  live({ type: "chain.recovery_changed" }, "latest", () => showAsking().catch(() => false));
}
