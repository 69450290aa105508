// What customers say: answers to messages are sealed here for their senders, replies to reviews are for everybody.
import { $, data, live, notice, refresh, t } from "./app.js";
import { NO_TEXT, ROLE, bring, bringWaiting, plain, publicLetter, remember, sealLetter } from "./letters.js";
import { call, doing, send } from "./staff.js";

const update = () => refresh("live").catch(() => false);

const answers = {
  async message({ id, sender }, text) {
    const name = remember(await sealLetter(text, { sender, receiver: data.shop, role: ROLE.answer }), id);
    await send([call("reviews", "answer_feedback", { id, answer: name })]);
    await bring(id, name);
  },
  async review({ id }, text) {
    const name = remember(publicLetter(text), id);
    await send([call("reviews", "reply", { visit: id, reply: name })]);
    await bring(id, name);
  },
};

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("form[data-answer]");
  if (!form) return;
  event.preventDefault();
  const text = plain(form.elements.words.value);
  if (!text) return;
  doing($("button", form), async () => {
    await answers[form.dataset.answer](form.dataset, text);
    await update();
    notice("sending", t("sent"), { kind: "good" });
  });
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-unsay]");
  if (!button) return;
  doing(button, async () => {
    await send([call("reviews", "reply", { visit: button.dataset.unsay, reply: NO_TEXT })]);
    await update();
  });
});

bringWaiting().then((done) => done && update());
/** Who writes is not disturbed. */
const calmly = () => { if (![...document.querySelectorAll("textarea")].some((one) => one.value)) update(); };
live({ type: "reviews.*", values: { receiver: data.shop } }, data.after, calmly);
live({ type: "reviews.*", values: { shop: data.shop } }, data.after, calmly);
// A text may come later than the chain tells of it, from the gateway where it was written.
setInterval(() => { if (!document.hidden && $("[data-lacks]")) calmly(); }, 10_000);
