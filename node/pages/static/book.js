// The last step of a booking: what is on hold, from which balance, and the one button.
import { $, data, money, notice, once, t, wash } from "./app.js";
import { accountFor, balanceAt, rememberShop, washFor, welcome } from "./wallet.js";

const { shop, quote, move } = data;
const PLAY_MONEY = 20_000;

const show = (amount) => money({ ...quote.hold, amount });

async function showBalance() {
  const has = await balanceAt(shop, quote.hold.asset);
  const isEnough = has >= quote.hold.amount;
  $("#balance-line").textContent = isEnough
    ? t("balance", { money: show(has), left: show(has - quote.hold.amount) })
    : t(data.isDev ? "short_dev" : "short", { money: show(has) });
  $("#pay").hidden = false;
  $("#top-up").hidden = isEnough || !data.isDev;
  $("#put-in").hidden = isEnough || data.isDev;
  $("#confirm").disabled = !isEnough;
}

/** Rules of this customer's own, as the whole price after missed visits, change what goes on hold. */
async function askForMe() {
  const account = await accountFor(shop);
  if (!account) return;
  const { service, start } = quote;
  const { data: mine } = await wash.rpc("booking_quote", { shop, service, start, account });
  if (mine.hold.amount === quote.hold.amount) return;
  quote.hold = mine.hold;
  notice("hold", t("more_hold", { money: money(mine.hold) }));
  $("#confirm").textContent = t("confirm", { money: money(mine.hold) });
}

async function book(reference) {
  const { service, version, start, end, cell, policy, total } = quote;
  const mine = await washFor(shop);
  const given = { shop, service, version, start, end, cell, total: total.amount, policy };
  const done = await mine.call("booking.request", given, { funds: quote.hold.amount, clientRef: reference });
  return done.event("booking.Requested").id;
}

if (await welcome()) {
  $("#move")?.addEventListener("click", async ({ currentTarget }) => {
    const done = await once(currentTarget, `move ${move[0]}`, async (reference) => {
      const mine = await washFor(shop);
      const given = { id: data.id, start: move[0], end: move[1] };
      return mine.call("booking.reschedule", given, { clientRef: reference });
    });
    if (done) location.assign(`/b/${data.id}`);
  });
  if (quote) {
    try {
      await askForMe();
      await showBalance();
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      $("#confirm").disabled = false; // the PIN is asked for when it is pressed
    }
    $("#top-up").addEventListener("click", ({ currentTarget }) => once(currentTarget, "play", async () => {
      const account = await accountFor(shop);
      await wash.rpc("dev_faucet", { account, amount: Math.max(PLAY_MONEY, 2 * quote.hold.amount) });
      await showBalance();
    }));
    $("#confirm").addEventListener("click", async ({ currentTarget }) => {
      const id = await once(currentTarget, `book ${quote.start}`, book);
      if (!id) return;
      rememberShop(shop);
      location.assign(`/b/${id}`);
    });
  }
}
