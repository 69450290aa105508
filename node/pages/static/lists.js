// Questions that several pages of a customer ask: many at once, events of all times, names in one language.
import { data, wash } from "./app.js";

const PAGES_MAX = 100, BATCH = 50; // 20,000 events, more than a customer or a card ever has
const plain = (answer) => (answer && typeof answer === "object" && "data" in answer && "at" in answer ? answer.data : answer);

/** The data of each answer; null in the place of a refusal. A node takes 50 questions at once: more go one after the other. */
export async function ask(...calls) {
  const answers = [];
  for (let at = 0; at < calls.length; at += BATCH) answers.push(...await wash.batch(calls.slice(at, at + BATCH)));
  return answers.map((one) => (one instanceof Error ? null : plain(one)));
}

/** All events that fit, oldest first. */
export async function eventsOf(filter) {
  const found = [];
  for (let after = "earliest", left = PAGES_MAX; after && left > 0; left--) {
    const [page] = await ask(["events_query", { filter, after, limit: 200 }]);
    found.push(...(page?.items ?? []));
    after = page?.next;
  }
  return found;
}

/** A name in two languages, "English / 中文": the part in this one. */
export function nameIn(text) {
  const parts = text.split(" / ");
  const isChinese = parts.map((part) => /[一-鿿]/.test(part));
  return parts.length === 2 && isChinese[0] !== isChinese[1] ? parts[isChinese.indexOf(data.lang === "zh")] : text;
}

/** An event's own name: prepaid.Sold is Sold. */
export const kindOf = (event) => event.type.slice(event.type.lastIndexOf(".") + 1);
