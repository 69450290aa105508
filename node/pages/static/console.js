// The counter: what the buttons do, the scanner, and the day as it happens.
import { $, data, live, money, notice, refresh, t, wash } from "./app.js";
import { ask, call, doing, readMoney, send, sure, tell } from "./staff.js";

const { shop } = data;
const update = () => refresh("live").catch(() => false);
setInterval(update, 30_000); // without a line no event comes, and what waits is still to be seen

/** The account of a customer whose card this shop keeps, or null. */
async function keptOf(id) {
  const { customer } = await wash.read("booking.booking", { id });
  return (await wash.read("shops.keeper", { account: customer })) === shop ? customer : null;
}

const DEEDS = {
  open_day: () => send([call("shops", "open_shop")]),
  close_day: async () => (await sure(t("close_title"), t("close_text"), t("close_yes"))) && send([call("shops", "close_shop")]),
  accept: (id) => send([call("booking", "accept", { id })]),
  async decline(id) {
    const held = await wash.read("booking.held_money", { id });
    const facts = [[t("to_customer"), money(held)]];
    return (await sure(t("decline_title"), t("decline_text"), t("decline_yes"), { facts, danger: true })) && send([call("booking", "decline", { id })]);
  },
  async cancel(id) {
    const held = await wash.read("booking.held_money", { id });
    const facts = [[t("to_customer"), money(held)]];
    return (await sure(t("cancel_title"), t("cancel_text"), t("cancel_yes"), { facts, danger: true })) && send([call("booking", "cancel_by_shop", { id, weather: false })]);
  },
  async not_here(id) {
    return (await sure(t("not_here_title"), t("not_here_text"), t("not_here_yes"), { danger: true })) && send([call("booking", "not_here", { id })]);
  },
  use_start: (use) => send([call("prepaid", "start_use", { use })]),
  use_finish: (use) => send([call("prepaid", "finish_use", { use })]),
  use_give: async (use) => (await sure(t("give_in_title"), t("use_give_text"), t("give_in_yes"), { danger: true })) && send([call("prepaid", "answer_claim", { use, accept: true })]),
  use_contest: async (use) => (await sure(t("contest_title"), t("contest_text"), t("contest_yes"))) && send([call("prepaid", "answer_claim", { use, accept: false })]),
  start: (id) => send([call("booking", "start_service", { id })]),
  ready: (id) => send([call("booking", "ready", { id })]),
  async check_in(id) {
    const kept = await keptOf(id);
    if (kept) return send([call("booking", "check_in", { id })], { kept });
    say(t("scan_phone"));
    $("#scan").focus();
    return false;
  },
  async give_in(id) {
    const [{ claim_bp: part }, held] = await Promise.all([wash.read("booking.booking", { id }), wash.read("booking.held_money", { id })]);
    const facts = [[t("claimed"), `${part / 100} %`], [t("on_hold"), money(held)]];
    return (await sure(t("give_in_title"), t("give_in_text"), t("give_in_yes"), { facts, danger: true })) && send([call("booking", "answer_claim", { id, accept: true })]);
  },
  contest: async (id) => (await sure(t("contest_title"), t("contest_text"), t("contest_yes"))) && send([call("booking", "answer_claim", { id, accept: false })]),
  async extra(id) {
    const dialog = $("#extra");
    dialog.returnValue = "no";
    dialog.showModal();
    await new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
    const [price, work] = [readMoney($("#extra-price").value), $("#extra-work").value.trim()];
    if (dialog.returnValue !== "yes") return false;
    if (!price || !work) {
      notice("sending", t("extra_wrong"), { kind: "bad" });
      return false;
    }
    const done = await send([call("booking", "ask_extra", { id, price, work })]);
    notice("sending", t("extra_sent", { money: money(price) }), { kind: "good" });
    return done;
  },
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-do]");
  const deed = button && DEEDS[button.dataset.do];
  if (deed) doing(button, async () => { if (await deed(button.dataset.id)) await update(); });
});

// The scanner --------------------------------------------------------------------------------------
// It types what it reads and presses Enter: a car handed over, a booking, a customer's card.

function say(text, kind = "") {
  const line = $("#scan-said");
  line.textContent = text;
  line.className = `notice under ${kind}`;
  line.hidden = !text;
}

/** What a customer's code has done, by its events. */
function wordFor(events) {
  if (events.some((one) => one.type === "records.Detached")) return "detached";
  return events.some((one) => one.type === "booking.Moved" && one.values.state === "ACCEPTED") ? "undone" : "handed";
}

async function scanned(text) {
  const plain = text.trim();
  const handed = /^WASHIN1:([0-9A-F]+):([0-9A-F]{128})$/i.exec(plain);
  const taking = /^WASHTAKE1:(acct1[02-9ac-hj-np-z]{58}):([0-9a-f]{64})$/i.exec(plain);
  const booking = /(bkg1[02-9ac-hj-np-z]+)/i.exec(plain);
  const account = /(acct1[02-9ac-hj-np-z]+)/i.exec(plain);
  const lost = /(acct1[02-9ac-hj-np-z]{58})[.:]([0-9a-f]{64})/i.exec(plain);
  if (lost && !taking) location.assign(`/shop/helpers?account=${lost[1].toLowerCase()}&key=${lost[2].toLowerCase()}`);
  else if (handed) {
    const sent = await ask("staff_cosign", { body: handed[1].toLowerCase(), signature: handed[2].toLowerCase() });
    say(t(wordFor(sent.receipt?.events ?? [])), "good");
    await update();
  } else if (taking) {
    const [account, key] = [taking[1].toLowerCase(), taking[2].toLowerCase()];
    await ask("staff_release", { account, key });
    say(t("taking"));
    for (let tries = 0; tries < 60 && (await wash.read("shops.keeper", { account })) === shop; tries++) await new Promise((resolve) => { setTimeout(resolve, 1_000); });
    if ((await wash.read("shops.keeper", { account })) === shop) return say(t("not_taken"), "bad");
    await ask("staff_release", { account, key });
    say(t("taken"), "good");
  } else if (booking) {
    const line = document.getElementById(`b-${booking[1].toLowerCase()}`) ?? document.getElementById(`u-${booking[1].toLowerCase()}`);
    if (!line) location.assign(`/b/${booking[1].toLowerCase()}`);
    line?.scrollIntoView({ block: "center" });
    line?.querySelector("button, a")?.focus();
    say(line ? t("found") : t("elsewhere"), "good");
  } else if (account) location.assign(`/shop/customer/${account[1].toLowerCase()}`);
  else if (/^WASHKEY1/i.test(plain)) say(t("private_card"), "bad");
  else say(t("unknown_code"), "bad");
  return undefined;
}

$("#scan-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $("#scan");
  const text = field.value;
  field.value = "";
  say(""); // what was said of the code before this one
  if (text.trim()) doing(null, () => scanned(text).catch((error) => { say(t("scan_failed"), "bad"); tell(error); }));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    $("#scan").focus();
  }
});

// Somebody without a phone -------------------------------------------------------------------------

const MINUTE = 60_000, QUARTER = 15 * MINUTE, TRIES = 16;

/** Try a time, and while all bays are taken the next quarter of an hour, for some hours. */
async function findTime(first, book) {
  for (let tries = 0; ; tries++) {
    try {
      return await book(first + tries * QUARTER);
    } catch (error) {
      if (error?.told?.data?.reason !== "slot_taken" || tries === TRIES) throw error;
    }
  }
}

$("#walk-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = $("#walk-service").selectedOptions[0];
  if (!chosen) return;
  doing(event.submitter, async () => {
    const [price, duration] = [Number(chosen.dataset.price), Number(chosen.dataset.duration)];
    const work = chosen.textContent.split(" · ")[0];
    if (!(await sure(t("walk_title"), t("walk_text"), t("walk_yes"), { facts: [[work, money(price)]] }))) return;
    const { account } = await ask("staff_keep", {});
    const { time_ms: now } = await wash.rpc("node_health");
    if (!data.hasWalkin) await send([call("booking", "publish_policy", data.walkinRules)]);
    const id = await findTime(now + MINUTE, async (start) => {
      const terms = { shop, service: 0, version: 0, start, end: start + duration, cell: 0, total: price, policy: data.walkin };
      const sent = await send([call("booking", "request", terms)], { kept: account });
      return sent.receipt.events.find((one) => one.type === "booking.Requested").values.id;
    });
    const { state, start } = await wash.read("booking.booking", { id });
    if (state === "REQUESTED") await send([call("booking", "accept", { id })]);
    if (start < now + QUARTER) await send([call("booking", "check_in", { id })], { kept: account });
    await update();
    location.assign(`/shop/customer/${account}?new=1`);
  });
});

// As it happens ------------------------------------------------------------------------------------

live({ type: "booking.*", values: { shop } }, data.after, update);
live({ type: "prepaid.*", values: { shop } }, data.after, update);
live({ type: "reviews.*", values: { receiver: shop } }, data.after, update);
live({ type: "shops.*", values: { shop } }, data.after, update);
setInterval(() => { if (!document.hidden) update(); }, 30_000);
