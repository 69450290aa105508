// What a customer has at a shop: free, on hold for visits and cards, and on its way out as cash.
import { ask, eventsOf } from "./lists.js";

const VISITS_MAX = 50;

/** The ids of all cards that an account holds or held, newest first. */
export async function cardsOf(account) {
  const [bought, taken] = await Promise.all([
    eventsOf({ type: "prepaid.Sold", values: { holder: account } }),
    eventsOf({ type: "prepaid.Transferred", values: { to: account } }),
  ]);
  return [...new Set([...bought, ...taken].sort((a, b) => b.time - a.time).map((one) => one.values.card))];
}

async function visitsHeld(account) {
  const asked = await eventsOf({ type: "booking.Requested", values: { customer: account } });
  const ids = asked.map((one) => one.values.id).reverse().slice(0, VISITS_MAX);
  const [held, records] = await Promise.all([
    ask(...ids.map((id) => ["booking.held_money", { id }])), ask(...ids.map((id) => ["booking.booking", { id }])),
  ]);
  return ids.map((id, at) => ({ what: "visit", href: `/b/${id}`, amount: held[at], time: records[at]?.start }));
}

async function cardsHeld(account) {
  const ids = await cardsOf(account);
  const [held, records] = await Promise.all([
    ask(...ids.map((card) => ["prepaid.held_money", { card }])), ask(...ids.map((card) => ["prepaid.card", { card }])),
  ]);
  return ids.map((id, at) => ({ what: "card", href: `/c/cards/${id}`, amount: records[at]?.holder === account ? held[at] : null }));
}

/** Amounts of one asset together. */
export const together = (base, amounts) => ({ ...base, amount: amounts.reduce((sum, one) => sum + one.amount, 0) });

/**
 * What an account has, as the agreed rules say: `free`, what is on hold for visits and cards one by one, and the
 * requests for cash that wait. `base` is { asset, currency } of the money.
 */
export async function purseOf(account, base) {
  const [[found, waiting], visits, cards] = await Promise.all([
    ask(["account_get", { account }], ["money_requests", { holder: account }]), visitsHeld(account), cardsHeld(account),
  ]);
  const free = found?.balances.find((one) => one.asset === base.asset) ?? { ...base, amount: 0 };
  const holds = [...visits, ...cards].filter((one) => one.amount?.amount > 0);
  return { free, holds, requests: waiting?.items ?? [], held: together(free, holds.map((one) => one.amount)) };
}
