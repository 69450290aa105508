// A card that the shop kept: shows this phone's own part, waits for the counter, and confirms.
import { $, data, once, t, wash } from "./app.js";
import { drawText } from "./counter.js";
import { keyFor, rememberShop, takeOver, washFor, welcome } from "./wallet.js";
import { toHex } from "./wash.js";

const { shop, account } = data;
const pause = () => new Promise((resolve) => { setTimeout(resolve, 1_000); });

async function follow() {
  const mine = toHex((await keyFor(shop)).publicKey);
  await drawText($("#code"), `WASHTAKE1:${account}:${mine}`.toUpperCase());
  for (;;) {
    const { keys } = await wash.account(account);
    if (keys.some((one) => one.key === mine)) break;
    await pause();
  }
  await once(null, "over", async (reference) => {
    takeOver(shop, account);
    await (await washFor(shop)).call("shops.release_account", {}, { clientRef: reference });
    rememberShop(shop);
    $("#said").textContent = t("yours");
    $("#said").hidden = false;
    location.assign(`/c?s=${shop}`);
  });
}

if ((await welcome()) && data.kept) await follow();
