// Set-up: each form sends what it holds; what can not be taken back is shown first.
import { data, notice, money, refresh, t } from "./app.js";
import { ask, call, doing, readMoney, send, sure } from "./staff.js";

const HOUR = 3_600_000;
const NO_HASH = "00".repeat(32);
const clock = (text) => { const [hours, minutes] = text.split(":").map(Number); return hours * HOUR + minutes * 60_000; };

async function saved(done) {
  if (!done) return;
  await refresh("live");
  notice("sending", t("saved"), { kind: "good" });
}

function wrong(text) {
  notice("sending", text, { kind: "bad" });
  return null;
}

const FORMS = {
  hours(form) {
    const actions = [];
    for (let weekday = 0; weekday < 7; weekday++) {
      const isOpen = form[`open-${weekday}`].checked;
      const [opens, closes] = isOpen ? [clock(form[`from-${weekday}`].value), clock(form[`to-${weekday}`].value)] : [0, 0];
      if (isOpen && !(opens < closes)) return wrong(t("wrong_hours"));
      actions.push(call("shops", "set_hours", { weekday, opens, closes }));
    }
    return send(actions);
  },
  async closure(form) {
    const day = Math.floor(Date.parse(`${form.day.value}T00:00:00Z`) / 86_400_000);
    return (await sure(t("closure_title"), t("closure_text"), t("closure_yes"), { facts: [[t("day"), form.day.value]] })) && send([call("shops", "announce_closure", { day })]);
  },
  bays: (form) => send([call("shops", "set_settings", { auto_accept: form.auto.checked, accept_quotes: data.acceptQuotes, day_start: data.dayStart, quarter_bays: Number(form.quarter.value), day_bays: Number(form.day.value) })]),
  profile: (form) => send([call("shops", "set_profile", { p: { ...data.profile, address: form.address.value, zone: form.zone.value, gateway: form.gateway.value } })]),
  async service(form) {
    const price = readMoney(form.price.value);
    if (!price) return wrong(t("wrong_price"));
    const number = Number(form.dataset.service) || data.next;
    const preset = data.presets[form.preset.value];
    const [zh, en] = [form.zh.value.trim(), form.en.value.trim()];
    const given = { service: number, price, duration: Number(form.minutes.value) * 60_000, cell: Number(form.dataset.cell), policy: preset.id, name: `${en} / ${zh}` };
    const facts = [[t("price"), money(price)]];
    if (!(await sure(t("service_title"), t("service_text"), t("service_yes"), { facts }))) return null;
    const actions = [call("shops", "set_service", given), call("shops", "describe_service", { service: number, materials: NO_HASH, name_zh: zh, name_en: en })];
    return send(preset.known ? actions : [call("booking", "publish_policy", preset.rules), ...actions]);
  },
  async staff(form) {
    const refund = readMoney(form.refund.value || "0");
    if (refund === null) return wrong(t("wrong_price"));
    return ask("staff_add", { name: form.name.value, pin: form.pin.value, duty: form.duty.value, refund_max: refund });
  },
};

const DEEDS = {
  withdraw: async ({ service, name }) => (await sure(t("withdraw_title"), t("withdraw_text"), t("withdraw_yes"), { facts: [[name, ""]], danger: true })) && send([call("shops", "withdraw_service", { service: Number(service) })]),
  reopen: ({ day }) => send([call("shops", "withdraw_closure", { day: Number(day) })]),
  remove: async ({ id, name }) => (await sure(t("remove_title", { name }), t("remove_text"), t("remove_yes"), { danger: true })) && ask("staff_remove", { id }),
};

document.addEventListener("submit", (event) => {
  const make = FORMS[event.target.dataset.form];
  if (!make) return;
  event.preventDefault();
  const fields = new Proxy(event.target, { get: (form, name) => (name === "dataset" ? form.dataset : form.elements.namedItem(name)) });
  doing(event.submitter, async () => saved(await make(fields)));
});
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-do]");
  if (button && DEEDS[button.dataset.do]) doing(button, async () => saved(await DEEDS[button.dataset.do](button.dataset)));
});
document.addEventListener("refreshed", ({ detail }) => Object.assign(data, detail));
