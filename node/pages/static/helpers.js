// Helpers of a customer's account: chosen here, and here they give a lost account to its owner's new phone.
import { $, data, once, t, wash, when } from "./app.js";
import { accountFor, keyFor, takeOver, washFor, welcome } from "./wallet.js";
import { toHex } from "./wash.js";

const { shop } = data;
const ACCOUNT = /^acct1[02-9ac-hj-np-z]{58}$/;
const CODE = /^(acct1[02-9ac-hj-np-z]{58})\.([0-9a-f]{64})$/;
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
  if (!guardians.length) return say("#choose-said", t("nobody"));
  say("#choose-said", "");
  await once(event.submitter, "helpers", async (reference) => {
    const mine = await washFor(shop);
    await mine.send([{ type: "set_guardians", guardians: guardians.sort(), threshold: guardians.length }], { clientRef: reference });
    await showNow();
  });
  return undefined;
});

$("#help-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [, account, key] = CODE.exec(clean("#code")) ?? [];
  if (!account) return say("#help-said", t("no_code"));
  await once(event.submitter, `help ${account}`, async (reference) => {
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
  });
  return undefined;
});

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
  say("#lost-said", recovery?.new_key === key ? t("on_its_way") : t("give_it"), "");
  return undefined;
});

if (await welcome()) await showNow();
