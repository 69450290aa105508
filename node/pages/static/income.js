// The shop's money: asked for by its owner, with the code for the desk; taken back while nobody pays it yet.
import { $, data, live, money, notice, refresh, t, wash, when } from "./app.js";
import { drawText } from "./counter.js";
import { StaffError, ask, call, doing, readMoney, reference, send, sure } from "./staff.js";

const update = () => refresh("live", "lines", "holds").catch(() => false);
const howOf = () => $("input[name=out-how]:checked").value;
const USED = 1007; // a reference that another request bears
const NOBODY = "00".repeat(32); // stands for whom to pay while it is only tried
let codes = data.codes;
let name = reference(); // of this request, until it went through: pressed again after a lost answer it counts once

function say(text) {
  $("#out-said").textContent = text;
  $("#out-said").hidden = !text;
}

/** What the request would do, as the agreed rules tell: on hold, by when, and what is free afterwards. */
async function tried(issuer, amount) {
  const action = call("money", "ask", { issuer, payee: NOBODY }, amount);
  const built = await wash.rpc("tx_build", { account: data.shop, actions: [action] });
  const { error, events, changes } = await wash.rpc("tx_simulate", { body: built.body });
  if (error) throw new StaffError({ message: error.code === 2001 ? t("no_money") : error.message, data: error });
  const asked = events.find((one) => one.type === "money.Asked").values;
  return { asked, after: changes.find((one) => one.account === data.shop)?.after };
}

async function takeOut() {
  const amount = readMoney($("#out-amount").value), to = howOf() === "cash" ? "" : $("#out-bank").value.trim();
  if (!amount || amount < data.least) return say(t("no_amount"));
  if (howOf() === "bank" && !to) return say(t("no_bank"));
  say("");
  const issuer = $("#out-from")?.value ?? data.issuers[0];
  const { asked, after } = await tried(issuer, amount);
  const facts = [[t("held"), money(asked.amount)], [t("left"), after ? money(after) : ""], [t("to"), to || t("in_cash")], [t("until"), when(asked.due)]];
  if (!(await sure(t("ask_title"), t("ask_text"), t("ask_yes"), { facts }))) return undefined;
  const pin = $("#out-pin").value;
  $("#out-pin").value = "";
  const { sent } = await ask("staff_pay_out", { pin, issuer, amount, to, client_ref: name }).catch(async (error) => {
    if (error.told?.code !== USED) throw error;
    name = reference(); // it went through before; the answer was lost
    await update();
    return { sent: {} };
  });
  if (sent.status !== "final") return notice("sending", t("pending"));
  name = reference();
  $("#out-form").reset();
  $("#out-bank-part").hidden = false;
  await update();
  notice("sending", t("asked_for"), { kind: "good" });
  $("#waiting")?.scrollIntoView({ block: "nearest" });
  return undefined;
}

$("#out-form")?.addEventListener("change", () => { $("#out-bank-part").hidden = howOf() === "cash"; });
$("#out-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  doing(event.submitter, takeOut);
});

const DEEDS = {
  async code({ id }) {
    $("#show-code").showModal();
    await drawText($("#out-code"), codes[id].code);
    return false;
  },
  withdraw: async ({ id, amount }) => (await sure(t("back_title"), t("back_text"), t("back_yes"), { facts: [[t("free_again"), amount]] })) && send([call("money", "withdraw", { request: id })]),
  settled: ({ issuer }) => send([call("money", "settled", { issuer })]),
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-do]");
  const deed = button && DEEDS[button.dataset.do];
  if (deed) doing(button, async () => { if (await deed(button.dataset)) await update(); });
});
document.addEventListener("refreshed", ({ detail }) => { ({ codes } = detail); });
live({ type: "money.*", values: { holder: data.shop } }, data.after, update);
let waiting = 0;
/** What happens at a busy shop is shown together, every few seconds. */
function calmly() {
  waiting ||= setTimeout(() => { waiting = 0; update(); }, 3_000);
}
for (const type of ["booking.*", "prepaid.*"]) live({ type, values: { shop: data.shop } }, data.after, calmly);
