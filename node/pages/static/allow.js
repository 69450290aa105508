// A protected page gives a page of a shop's own network a key with a small limit, if the customer agrees.
import { $, data, once, wash } from "./app.js";
import { SESSION_FUNCTIONS, SESSION_LIMIT, SESSION_MS, rememberShop, washFor, welcome } from "./wallet.js";

const { key, shop, back } = data;

async function give(reference) {
  const { time_ms: at } = await wash.rpc("node_health");
  const mine = await washFor(shop);
  await mine.send([{
    type: "add_key", key, expires_at: at + SESSION_MS,
    scopes: [{ contract: "booking", functions: SESSION_FUNCTIONS }],
    limits: [{ asset: "CNY", amount: SESSION_LIMIT, window_ms: SESSION_MS }],
  }], { clientRef: reference });
  const { keyFor } = await import("./wallet.js");
  return (await keyFor(shop)).account;
}

if (await welcome()) {
  $("#allow").addEventListener("click", async ({ currentTarget }) => {
    const account = await once(currentTarget, `allow ${key}`, give);
    if (!account) return;
    rememberShop(shop);
    location.assign(`${back}#allowed=${account}`);
  });
} else {
  $("#allow").disabled = true;
}
