// A customer's cars, and finished visits that can be entered in their histories.
import { $, el, once, t, when, whenOpen } from "./app.js";
import { attach, beginCar, cars, forget, loose, owns, secretsOf, takingAccount, walk } from "./cars.js";
import { drawText } from "./counter.js";
import { ask, eventsOf, nameIn } from "./lists.js";
import { shopsSeen, state, welcome } from "./wallet.js";

const carName = (number) => t("car", { number: number + 1 });

async function drawCar(car, number) {
  const { entries } = await walk(car.vehicle, await secretsOf(car));
  const link = el("a", { class: "button", href: `/v/${car.vehicle}` }, t("open"));
  return el("section", { class: "card" }, el("h2", {}, carName(number)), el("p", {}, t("count", { count: entries.length })), el("div", { class: "row" }, link));
}

async function showCars() {
  const all = [];
  for (const car of await cars()) {
    const [found] = await ask(["records.vehicle", { vehicle: car.vehicle }]);
    if (found && await isOwned(car, found)) all.push(car);
  }
  $("#cars").replaceChildren(...await Promise.all(all.map(drawCar)));
  return all;
}

/** A car that somebody else has taken over meanwhile is theirs. */
async function isOwned(car, found) {
  if (await owns(car, found.owner)) return true;
  forget(car.vehicle);
  return false;
}

async function showLoose(all) {
  const records = await loose(shopsSeen(), eventsOf);
  const shops = await ask(...records.map((one) => ["shops.shop", { shop: one.shop }]));
  $("#new").hidden = !records.length;
  $("#loose").replaceChildren(...records.map((one, i) => {
    const names = [...all.map((_, number) => carName(number)), t("other_car")];
    const choice = all.length ? el("select", { "aria-label": t("which") }, ...names.map((name, number) => el("option", { value: number }, name))) : null;
    const button = el("button", { class: "button small", type: "button", onclick: () => enter(button, one, all[Number(choice?.value ?? 0)]) }, t("enter"));
    return el("li", { class: "item" }, el("div", {}, el("h3", {}, nameIn(shops[i].name)), el("small", {}, when(one.finished_at))), el("div", { class: "end wraps" }, choice, button));
  }));
  return records;
}

async function enter(button, record, car) {
  const done = await once(button, `enter ${record.id}`, async (clientRef) => attach(car ?? await beginCar(), record.shop, record.id, { clientRef }));
  if (done) await showAll();
}

async function showAll() {
  const all = await showCars(), records = await showLoose(all);
  $("#nothing").hidden = all.length + records.length > 0;
}

async function showMine() {
  const { account } = await takingAccount();
  await drawText($("#my-code"), account);
  $("#my-account").textContent = account;
}

if (await welcome()) {
  whenOpen($("#my-number"), showMine);
  try {
    await showAll();
  } catch (error) {
    if (error.name !== "AbortError" || !state().isLocked) throw error;
  }
} else $("#my-number").hidden = true;
