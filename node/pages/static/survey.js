// The question of the month: asked at most once in a month on this device, about the last visit that was paid.
import { $, data, el, once, t } from "./app.js";
import { eventsOf, nameIn } from "./lists.js";
import { washFor } from "./wallet.js";
import { decodeId, toHex } from "./wash.js";

const ASKED = "wash.asked"; // the month in which somebody was asked last here, and answered or did not want to
const BEST = 5, CARDS_MAX = 5;
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

/** The last use of a card at a shop that was paid, as { visit, time }, or null. */
async function lastUse(account) {
  const cards = (await eventsOf({ type: "prepaid.Sold", values: { holder: account } })).slice(-CARDS_MAX);
  const uses = (await Promise.all(cards.map(({ values }) => eventsOf({ type: "prepaid.UseOver", values: { card: values.card } })))).flat();
  const last = uses.filter(({ values }) => values.to_shop.amount > 0).sort((a, b) => a.time - b.time).at(-1);
  return last ? { visit: toHex(decodeId(last.values.use, "use")), time: last.time } : null;
}

async function lastVisit({ account, bookings }) {
  const booked = bookings.find((one) => one.state === "SETTLED");
  return booked ? { visit: toHex(decodeId(booked.id, "bkg")), time: booked.start } : lastUse(account);
}

/** Ask, if there is a visit that the agreed rules let be answered for and nobody was asked this month; `shown` has shops with their visits. */
export async function askOnce(shown) {
  if (!data.month || localStorage.getItem(ASKED) === String(data.month)) return;
  const found = await Promise.all(shown.map(async (one) => ({ ...one, last: await lastVisit(one) })));
  for (const { shop, name, last } of found.filter((one) => one.last).sort((a, b) => b.last.time - a.last.time)) {
    // The rules know best: too long ago, answered this month already, on another phone perhaps.
    const may = await washFor(shop).then((mine) => mine.simulate(answering(last.visit, BEST))).then(() => true, () => false);
    if (may) {
      draw(shop, name, last.visit);
      return;
    }
  }
}
