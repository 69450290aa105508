// The question of the month: asked at most once in a month on this device, about the last visit that was paid.
import { $, data, el, once, t } from "./app.js";
import { nameIn } from "./lists.js";
import { washFor } from "./wallet.js";
import { decodeId, toHex } from "./wash.js";

const ASKED = "wash.asked"; // the month in which somebody was asked last here, and answered or did not want to
const BEST = 5;
const answering = (visit, answer) => [{ type: "call", contract: "reviews", function: "answer_survey", arguments: { visit, answer } }];

function end() {
  localStorage.setItem(ASKED, String(data.month));
  $("#survey-form").hidden = true;
}

function draw(shop, name, visit) {
  $("#survey-title").textContent = t("survey_title", { shop: nameIn(name) });
  const buttons = Array.from({ length: BEST }, (_, at) => at + 1).map((answer) => {
    const label = t(`survey_${answer}`);
    const press = ({ currentTarget }) => once(currentTarget, `survey ${visit}`, async (clientRef) => {
      await (await washFor(shop)).send(answering(visit, answer), { clientRef });
      end();
      $("#survey-done").hidden = false;
      $("#survey-why").href = `/c/feedback?s=${shop}`;
    });
    return el("button", { type: "button", class: "button quiet small", "data-answer": String(answer), onclick: press }, label);
  });
  $("#survey-answers").replaceChildren(...buttons);
  $("#survey-later").addEventListener("click", () => { end(); $("#survey").hidden = true; });
  $("#survey").hidden = false;
}

/** Ask, if there is a visit that the agreed rules let be answered for and nobody was asked this month; `shown` has shops with their visits. */
export async function askOnce(shown) {
  if (!data.month || localStorage.getItem(ASKED) === String(data.month)) return;
  const paid = shown.map(({ shop, name, bookings }) => ({ shop, name, last: bookings.find((one) => one.state === "SETTLED") })).filter((one) => one.last);
  paid.sort((a, b) => b.last.start - a.last.start);
  for (const { shop, name, last } of paid) {
    const visit = toHex(decodeId(last.id, "bkg"));
    // The rules know best: too long ago, answered this month already, on another phone perhaps.
    const may = await washFor(shop).then((mine) => mine.simulate(answering(visit, BEST))).then(() => true, () => false);
    if (may) {
      draw(shop, name, visit);
      return;
    }
  }
}
