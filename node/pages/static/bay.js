// The tablet in a bay: every tap waits for ten seconds, in which it can be taken back.
import { $, data, live, notice, refresh, t, wash } from "./app.js";
import { ask, call, doing, send, tell } from "./staff.js";
import { toHex } from "./wash.js";

const UNDO_S = 10;
const NOTHING = "00".repeat(32);
let now = data; // of the newest rendering
let waiting = null; // what was tapped and is not sent yet

const update = () => refresh("live").catch(() => false);
document.addEventListener("refreshed", ({ detail }) => {
  now = detail;
  if ($("#photo")) $("#photo").hidden = !now.car;
});

/** Send something in ten seconds, unless it is taken back; what waited before is sent at once. */
async function later(tile, label, make) {
  await flush();
  waiting = { tile, make, left: UNDO_S };
  tile?.classList.add("waits");
  const show = () => { $("#undo").textContent = t("undo", { what: label, seconds: waiting.left }); };
  show();
  $("#undo").hidden = false;
  waiting.timer = setInterval(() => {
    waiting.left -= 1;
    if (waiting.left > 0) show();
    else flush();
  }, 1_000);
}

function forget() {
  if (!waiting) return null;
  const one = waiting;
  clearInterval(one.timer);
  waiting = null;
  one.tile?.classList.remove("waits");
  $("#undo").hidden = true;
  return one;
}

async function flush() {
  const one = forget();
  if (!one) return;
  try {
    await send(await one.make());
    await update();
  } catch (error) {
    tell(error);
  }
}

$("#undo").addEventListener("click", () => { if (forget()) notice("sending", t("undone"), { kind: "good" }); });
addEventListener("pagehide", () => { flush(); });

/** The next entry of the record: they are numbered, so that none is lost or told twice. */
const entry = (name, given) => [call("records", name, { record: now.record, number: now.entries + 1, ...given })];

document.addEventListener("click", ({ target }) => {
  const step = target.closest?.("[data-step]");
  if (step && !step.classList.contains("done")) {
    if (step.classList.contains("waits")) forget();
    else later(step, step.textContent, () => entry("step", { code: Number(step.dataset.step) }));
  }
  const material = target.closest?.("[data-material]");
  if (material) {
    const { material: sku, quantity, unit } = material.dataset;
    later(material, material.firstChild.textContent, () => entry("material", { sku, batch: "", quantity: Number(quantity), unit }));
  }
  const button = target.closest?.("[data-do]");
  if (button?.dataset.do === "start") doing(button, () => start(button.dataset.id));
  if (button?.dataset.do === "finish") {
    later(button, button.textContent, () => [
      ...(now.record && now.begun ? entry("finish", { result: "DONE", notes: NOTHING }) : []),
      call("booking", "ready", { id: now.car }),
    ]);
  }
});

async function start(id) {
  await ask("staff_park", { booking: id, bay: data.bay }); // before it begins: then no other tablet takes the car for its own
  const { decodeId } = await import("./wash.js");
  const begin = call("booking", "start_service", { id });
  const record = call("records", "start", { visit: toHex(decodeId(id, "bkg")), redo_of: NOTHING, odometer: 65_535 });
  await send(data.hasRecords ? [begin, record] : [begin]);
  await update();
}

let inSight = null; // the car that stood here when the camera was opened

document.addEventListener("click", ({ target }) => { if (target.id === "photo") inSight = { record: now.record, customer: now.customer }; });
document.addEventListener("change", async ({ target }) => {
  if (target.id !== "photo" || !target.files[0]) return;
  const file = target.files[0], car = inSight ?? { record: now.record, customer: now.customer };
  [inSight, target.value] = [null, ""];
  try {
    const { redraw } = await import("./photo.js");
    const picture = await redraw(file);
    later($("label[for=photo]"), t("photo"), () => keepPhoto(picture, car));
  } catch (error) {
    console.warn(error);
    notice("sending", t("no_picture"), { kind: "bad" });
  }
});

/** Sealed here for the customer alone; then its name goes into the record. */
async function keepPhoto(picture, { record, customer }) {
  const { sealPhoto } = await import("./photo.js");
  const { photo } = await ask("staff_photo", { record, ...await sealPhoto(picture, customer) }, `/bay/${data.bay}/photo`);
  notice("sending", t("photo_kept"), { kind: "good" });
  const at = await wash.read("records.record", { record });
  return [call("records", "photo", { record, number: at.entries + 1, photo })];
}

live({ type: "booking.*", values: { shop: data.shop } }, data.after, () => { if (!waiting) update(); });
setInterval(() => { if (!document.hidden && !waiting) update(); }, 30_000);
