// The history of one car, for its owner, for who was shown it for some days, and for its buyer.
import { $, data, el, live, notice, once, question, t, wash, when } from "./app.js";
import { cars, forget, frameOf, nameFrame, note, offer, owns, rotate, secretsOf, take, takeBack, takingAccount, walk } from "./cars.js";
import { checkPassport, readAnchor, slipText } from "./check.js";
import { drawForCounter, drawText } from "./counter.js";
import { ask, eventsOf, kindOf, nameIn } from "./lists.js";
import { makePassport, makeSlip } from "./passport.js";
import { accountFor, welcome } from "./wallet.js";
import { decodeId, encodeId, fromHex, toHex } from "./wash.js";

const { vehicle } = data;
const DAY = 86_400_000, SHARED_MS = 7 * DAY, OFFERED_MS = 14 * DAY;
const SECRET = 64; // hex digits
const UNITS = { MILLILITRE: "ml", GRAM: "g", PIECE: "×", SQUARE_CENTIMETRE: "cm²" };
let car = null, secrets = [];

/** What a link brought along behind its #, which no server hears: secrets of the car, and until when. */
function fromLink() {
  const [, kind, until, text] = /^#(share|give)=(\d{1,15})\.((?:[0-9a-f]{64})+)$/.exec(location.hash) ?? [];
  return text ? { kind, until: Number(until), secrets: text.match(new RegExp(`.{${SECRET}}`, "g")) } : null;
}

const linkOf = (kind, until) => `${location.origin}/v/${vehicle}#${kind}=${until}.${secrets.map(toHex).join("")}`;

async function nameService(record) {
  const [own, plain] = await ask(["shops.description", record], ["shops.service", record]);
  return own?.[data.lang === "zh" ? "name_zh" : "name_en"] || (plain ? nameIn(plain.name) : "");
}

async function details(record, shop) {
  const events = await eventsOf({ type: "records.*", values: { record } });
  const lines = events.filter((one) => ["StepDone", "MaterialUsed", "PhotoTaken", "ExtraApproved", "Corrected"].includes(kindOf(one)));
  return el("ul", { class: "list" }, ...await Promise.all(lines.map(async (one) => el("li", {}, el("small", {}, when(one.time)), " ",
    (await photoOf(one, shop)) ?? nameOfStep(one) ?? t(`did_${kindOf(one)}`, { ...one.values, unit: UNITS[one.values.unit] ?? "" })))));
}

/** The name of a step that shops have in common. */
const nameOfStep = ({ values: { code } }) => (code && t(`step_${code}`) !== `step_${code}` ? t(`step_${code}`) : null);

/** A photo, for the customer whose visit it was; others, whom the history is shown to, see that one was taken. */
async function photoOf(event, shop) {
  if (!car || kindOf(event) !== "PhotoTaken") return null;
  const blob = encodeId("blb", fromHex(event.values.photo));
  const [kept] = await ask(["consent.blob", { id: blob }]);
  if (kept?.owner !== await accountFor(shop)) return null;
  const { drawPhoto } = await import("./photos.js");
  return drawPhoto(shop, { blob, time: event.time, state: kept.state });
}

async function drawRecord(entry) {
  const [record] = await ask(["records.record", { record: entry.record }]);
  const [shop] = await ask(["shops.shop", { shop: record.shop }]);
  const more = el("details", {}, el("summary", {}, t("more")));
  more.addEventListener("toggle", async () => {
    if (more.open && more.children.length === 1) more.append(await details(entry.record, record.shop));
  }, { once: false });
  const code = el("button", { type: "button", class: "button link", onclick: () => once(code, `code ${entry.record}`, () => showSlip(entry.record)) }, t("slip"));
  const wrong = car && !entry.detached_at ? el("button", { type: "button", class: "button link", "data-wrong": entry.record, onclick: () => showWrong(wrong, record.shop, entry.record) }, t("wrong")) : null;
  const label = await nameService({ shop: record.shop, service: record.service });
  const made = el("li", { class: "record", "data-shop": record.shop }, el("h3", {}, label || t("service")), el("p", {}, `${nameIn(shop.name)} · ${when(record.finished_at || entry.at)}`),
    el("p", {}, el("span", { class: "badge plain" }, entry.detached_at ? t("taken_out") : t(`result_${record.result}`)), code, wrong), more);
  return { made, shop: record.shop, name: nameIn(shop.name) };
}

async function showSlip(record) {
  const ended = (await eventsOf({ type: "records.*", values: { record } })).find((one) => kindOf(one) === "Finished");
  await drawText($("#slip-code"), slipText(await makeSlip(ended)));
  $("#slip").showModal();
  return true;
}

/** A record that stands with the wrong car: its customer and its shop say so together, at the counter. */
async function showWrong(button, shop, record) {
  const isDrawn = await once(button, `wrong ${record}`, async () => {
    await drawForCounter($("#wrong-code"), shop, "records", "detach", { record, content: "00".repeat(SECRET / 2) });
    return true;
  });
  if (!isDrawn) return;
  const seen = live({ type: "records.Detached", values: { record } }, "latest", async () => {
    $("#wrong").close("seen"); // the counter has sent it
    await showAll();
  });
  await question("wrong");
  if ($("#wrong").returnValue !== "seen") seen.close();
}

async function showAll() {
  const { entries } = await walk(vehicle, secrets);
  const shown = await Promise.all(entries.map(drawRecord));
  $("#records").replaceChildren(...shown.map((one) => one.made).reverse());
  $("#all").hidden = false;
  $("#none").hidden = shown.length > 0;
  const shops = new Map(shown.map((one) => [one.shop, one.name]));
  $("#filter").hidden = shops.size < 2;
  $("#shop").replaceChildren(el("option", { value: "" }, t("all_shops")), ...[...shops].map(([id, name]) => el("option", { value: id }, name)));
}

$("#shop").addEventListener("change", ({ target }) => {
  for (const one of document.querySelectorAll("#records .record")) one.hidden = Boolean(target.value) && one.dataset.shop !== target.value;
});

function showShared(now) {
  const isOn = Boolean(car.shared_until) && car.shared_until > now;
  $("#shared").hidden = !isOn;
  if (!isOn) return;
  $("#shared-text").textContent = t("shared_until", { time: when(car.shared_until) });
  $("#shared-link").value = linkOf("share", car.shared_until);
}

function showOffer(to, until, now) {
  const isOn = until > now;
  $("#sold").hidden = !isOn;
  if (isOn) $("#sold-link").value = linkOf("give", until);
}

const nowMs = async () => (await wash.rpc("node_health")).time_ms;

const actions = {
  async export(button) {
    const done = await once(button, "export", async () => {
      const file = await makePassport(decodeId(vehicle, "veh"), secrets, await frameOf(car));
      const report = checkPassport(file, readAnchor({}));
      if (report.verdict === "bad") throw new Error(JSON.stringify(report.checks.at(-1)));
      return file;
    });
    if (!done) return;
    const link = el("a", { href: URL.createObjectURL(new Blob([done], { type: "application/octet-stream" })), download: `car-${vehicle.slice(4, 12)}.passport` });
    link.click();
    notice("exported", t("exported"), { kind: "good" });
  },
  async frame(button) {
    const vin = $("#vin").value.replace(/\s/g, "").toUpperCase();
    if (!/^[0-9A-Z]{17}$/.test(vin)) {
      notice("sending", t("no_vin"), { kind: "bad" });
      return;
    }
    const done = await once(button, `vin ${vin}`, async (clientRef) => ({ fits: await nameFrame(car, vin, { clientRef }) }));
    if (done) notice("framed", t(done.fits ? "vin_kept" : "vin_other"), { kind: done.fits ? "good" : "bad" });
  },
  async share() {
    const now = await nowMs();
    note(car, { shared_until: now + SHARED_MS });
    showShared(now);
    $("#shared-link").select();
  },
  async stop(button) {
    const done = await once(button, "stop", async () => { await rotate(car); return true; });
    if (!done) return;
    secrets = await secretsOf(car);
    showShared(await nowMs());
    notice("stopped", t("stopped"), { kind: "good" });
  },
  async sell(button) {
    const to = /acct1[02-9ac-hj-np-z]{58}/.exec($("#buyer").value)?.[0];
    if (!to) {
      notice("sending", t("no_buyer"), { kind: "bad" });
      return;
    }
    const now = await nowMs(), until = now + OFFERED_MS;
    const done = await once(button, `sell ${to}`, (clientRef) => offer(car, to, until, { clientRef }));
    if (done) showOffer(to, until, now);
  },
  async keep(button) {
    const done = await once(button, "keep", (clientRef) => takeBack(car, { clientRef }));
    if (done) $("#sold").hidden = true;
  },
  async accept(button) {
    const link = fromLink();
    const done = await once(button, "accept", (clientRef) => take(vehicle, link.secrets, { clientRef }));
    if (!done) return;
    history.replaceState(null, "", location.pathname);
    location.reload();
  },
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("button[data-action]");
  if (button) actions[button.dataset.action]?.(button);
});

const now = await nowMs(), link = fromLink();
const isSafe = await welcome();
for (const one of isSafe ? await cars() : []) {
  if (one.vehicle !== vehicle) continue;
  if (await owns(one, data.owner)) car = one;
  else forget(vehicle);
}
if (car) {
  // What was shown for some days is over: from now on there is a new secret.
  if (car.shared_until && car.shared_until <= now) await rotate(car);
  secrets = await secretsOf(car);
  for (const one of document.querySelectorAll("[data-for=owner]")) one.hidden = false;
  $("#lead").textContent = t("lead_own");
  $("#vin").value = car.vin ?? "";
  showShared(now);
  showOffer(data.offered_to, data.offered_until, now);
  await showAll();
} else if (link && link.until > now) {
  secrets = link.secrets.map(fromHex);
  $("#lead").textContent = t("lead_shared", { time: when(link.until) });
  $("#handover").hidden = !(isSafe && link.kind === "give" && data.offered_to === (await takingAccount()).account);
  await showAll();
} else if (link) $("#lead").textContent = t("link_over");
