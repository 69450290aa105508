// The shop as helper: a lost phone's code is read, the owner checks who it is and gives the shop's word.
import { $, data, live, refresh, t } from "./app.js";
import { ask, doing, sure } from "./staff.js";

const CODE = /(acct1[02-9ac-hj-np-z]{58})[.:]([0-9a-f]{64})/i;
const { case: one } = data;

$("#scan-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const [, account, key] = CODE.exec($("#scan").value.replace(/\s/g, "")) ?? [];
  $("#scan-said").hidden = Boolean(account);
  $("#scan-said").textContent = account ? "" : t("no_code");
  if (account) location.assign(`/shop/helpers?account=${account.toLowerCase()}&key=${key.toLowerCase()}`);
  else $("#scan").select();
});

async function help() {
  await ask("staff_help", { account: one.account, key: one.key });
  location.reload();
}

$("#case-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  doing(event.submitter, async () => {
    const facts = [[t("customer"), `${one.account.slice(0, 10)}…${one.account.slice(-4)}`], [t("phone"), `…${one.key.slice(-8)}`]];
    if (await sure(t("sure_title"), t("sure_text"), t("sure_yes"), { facts, danger: true })) await help();
  });
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-do=finish]");
  if (button) doing(button, help);
});

live({ type: "chain.recovery_changed" }, data.after, () => refresh("asking").catch(() => false));
