// Photos of a visit, opened on the device of the customer whose car it is.
import { el, t, wash, when } from "./app.js";
import { Details } from "./sealed.js";

const opened = new Map(); // by name: each is fetched once
const AGAIN_MS = 15_000; // a shop's computer brings photos here, and may be off

async function open(shop, blob) {
  const { content } = await (await Details.at(shop)).open(blob);
  if (!(content instanceof Uint8Array)) throw new Error("no picture for this device");
  return URL.createObjectURL(new Blob([content], { type: "image/jpeg" }));
}

/** A picture, or a line that says why there is none. */
export async function drawPhoto(shop, { blob, time, state = "KEPT" }) {
  const label = t("photo_at", { time: when(time) });
  const line = (text) => el("p", { class: "soft" }, `${label}: ${text}`);
  if (state !== "KEPT") return line(t("photo_gone"));
  try {
    if (!opened.has(blob)) opened.set(blob, await open(shop, blob));
    return el("figure", { class: "photo" }, el("img", { src: opened.get(blob), alt: label }), el("figcaption", {}, label));
  } catch (error) {
    console.warn(error);
    if (error?.name !== "BLOB_GONE") return line(t("photo_locked"));
    const entry = await wash.read("consent.blob", { id: blob }).catch(() => ({}));
    if (entry.state !== "KEPT") return line(t("photo_gone"));
    const coming = line(t("photo_coming"));
    setTimeout(async () => coming.isConnected && coming.replaceWith(await drawPhoto(shop, { blob, time })), AGAIN_MS);
    return coming;
  }
}
