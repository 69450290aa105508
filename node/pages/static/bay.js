// The tablet in a bay: every tap waits for ten seconds, in which it can be taken back.
import { $, data, live, notice, refresh, t } from "./app.js";
import { ask, call, doing, send, tell } from "./staff.js";
import { sha256, toHex } from "./wash.js";

const UNDO_S = 10;
const NOTHING = "00".repeat(32);
let now = data; // of the newest rendering
let waiting = null; // what was tapped and is not sent yet

const update = () => refresh("live").catch(() => false);
document.addEventListener("refreshed", ({ detail }) => { now = detail; });

/** Send something in ten seconds, unless it is taken back; what waited before is sent at once. */
async function later(tile, label, make) {
  await flush();
  waiting = { tile, make, left: UNDO_S };
  tile.classList.add("waits");
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
  one.tile.classList.remove("waits");
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

document.addEventListener("change", async ({ target }) => {
  if (target.id !== "photo" || !target.files[0]) return;
  const bytes = new Uint8Array(await target.files[0].arrayBuffer());
  const photo = toHex(sha256(bytes)); // only its fingerprint is public
  later($("label[for=photo]"), t("photo"), () => entry("photo", { photo }));
  target.value = "";
});

live({ type: "booking.*", values: { shop: data.shop } }, data.after, () => { if (!waiting) update(); });
setInterval(() => { if (!document.hidden && !waiting) update(); }, 30_000);
