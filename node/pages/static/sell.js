// A card for a customer without a phone: bought with the key that the shop keeps for that customer.
import { $, data, money, notice, t, wash } from "./app.js";
import { call, doing, send, sure } from "./staff.js";

$("#sell-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const account = /(acct1[02-9ac-hj-np-z]+)/i.exec($("#sell-to").value)?.[1].toLowerCase();
  const chosen = $("#sell-offer").selectedOptions[0];
  doing(event.submitter, async () => {
    if (!account || !chosen) return notice("sending", t("no_card"), { kind: "bad" });
    if ((await wash.read("shops.keeper", { account })) !== data.shop) return notice("sending", t("own_phone"));
    const price = Number(chosen.dataset.price);
    const has = await wash.balance(account);
    if (has < price && data.isDev) await wash.rpc("dev_faucet", { account, amount: price - has });
    else if (has < price) return notice("sending", t("top_up", { money: money(price - has) }), { kind: "bad" });
    if (!(await sure(t("sure_title"), t("sure_text"), t("sure_yes"), { facts: [[chosen.textContent, money(price)]] }))) return undefined;
    await send([call("prepaid", "buy", { offer: chosen.value }, price)], { kept: account });
    location.assign(`/shop/customer/${account}`);
    return undefined;
  });
});
