// What a customer has at a shop: free, on hold for visits and cards, and on its way out as cash.
import { ask } from "./lists.js";

const HREF = { visit: (id) => `/b/${id}`, card: (id) => `/c/cards/${id}` };

/** What an account has, as the agreed rules say: `free`, `held` with what for one by one, `out` with the requests that wait; `unread`: how many holds these sums lack. */
export async function purseOf(account, base) {
  const [found] = await ask(["money_balance", { account }]);
  const none = { ...base, amount: 0 };
  if (!found) return { free: none, onVisits: none, onCards: none, out: none, holds: [], requests: [], unread: 0 };
  const { free, held: onVisits, prepaid: onCards, paying_out: out, requests, unread } = found;
  const holds = found.holds.map(({ kind, id, amount, start }) => ({ what: kind, href: HREF[kind](id), amount, time: start }));
  return { free, onVisits, onCards, out, holds, requests, unread };
}
