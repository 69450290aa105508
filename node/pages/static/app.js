// What all pages share in the browser: texts, money and times, questions, sending, live events.
import { Wash, WashError } from "./wash.js";

const read = (id) => JSON.parse(document.getElementById(id)?.textContent || "{}");
export const texts = read("words");
export const data = read("data");
export const $ = (selector, root = document) => root.querySelector(selector);

/** A text of words/LANGUAGE/PAGE.json that begins with `js.`, with its placeholders filled in. */
export const t = (key, values = {}) => (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

/** An element: `el("p", { class: "soft" }, "text", child)`. Texts are texts, never markup. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.addEventListener("click", value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((one) => one != null));
  return made;
}

const SIGNS = { CNY: "¥", USD: "$", EUR: "€", GBP: "£", HKD: "HK$" };
/** Money as people write it; takes { amount, currency } or minor units. */
export function money(value) {
  const { amount, currency } = typeof value === "object" ? value : { amount: value, currency: "CNY" };
  const whole = Math.floor(Math.abs(amount) / 100).toLocaleString("en-US");
  const rest = String(Math.abs(amount) % 100).padStart(2, "0");
  return `${amount < 0 ? "-" : ""}${SIGNS[currency] ?? `${currency} `}${whole}.${rest}`;
}

const LOCALE = data.lang === "zh" ? "zh-CN" : "en-GB";
/** A day with its weekday and the time of day, in the shop's zone. */
export function when(ms, zone = data.zone) {
  const options = { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(LOCALE, options).format(ms).replace(/日(?=周)/, "日 "); // as the node writes it
}

/** A client that asks without a key; wallet.js makes those that sign. */
export const wash = new Wash(location.origin);

// Notices and questions ---------------------------------------------------------------------------

/** Do something whenever a part is unfolded, also if that was before the script came. */
export function whenOpen(details, work) {
  const look = () => details.open && work();
  details?.addEventListener("toggle", look);
  if (details) look();
}

/** Show a line above the page, or put it away with text null; `button` is { label, href | onclick }. */
export function notice(id, text, { kind = "", button = null, buttons = [] } = {}) {
  document.getElementById(`notice-${id}`)?.remove();
  if (text === null) return;
  const made = el("div", { class: `notice ${kind}`, id: `notice-${id}` }, el("span", {}, text));
  for (const [number, one] of [button, ...buttons].filter(Boolean).entries()) {
    const face = { class: `button small ${number ? "quiet" : ""}`, href: one.href, onclick: one.onclick ?? (() => {}) };
    made.append(el("br"), el(one.href ? "a" : "button", face, one.label));
  }
  $("#notices").append(made);
}

/** Open a <dialog> of the page; resolves to whether its yes was pressed. */
export function question(id) {
  const dialog = document.getElementById(id);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** What to tell people about an error. */
export function explain(error) {
  if (error?.name === "STILL_PENDING") return t("pending");
  if (error?.name === "NODE_UNREACHABLE") return t("offline");
  if (error?.code === 2001) return t("no_money");
  if (error instanceof WashError) {
    const said = data.lang === "zh" ? error.zh || error.message : error.message;
    return `${t("failed")} ${said.charAt(0).toUpperCase()}${said.slice(1)}`;
  }
  console.warn(error);
  return t("failed");
}

// Sending ----------------------------------------------------------------------------------------

/**
 * Do something once, however often its button is pressed or the page is loaded again: `work` is given
 * a reference under which the node takes one transaction only; it is kept until there is an outcome.
 */
export async function once(button, name, work) {
  if (button?.getAttribute("aria-busy") === "true") return undefined;
  const label = button?.textContent;
  button?.setAttribute("aria-busy", "true");
  if (button) button.textContent = t("working");
  const place = `once ${location.pathname} ${name}`;
  let reference = sessionStorage.getItem(place);
  if (!reference) {
    reference = Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem(place, reference);
  }
  notice("sending", null);
  try {
    const done = await work(reference);
    sessionStorage.removeItem(place);
    return done;
  } catch (error) {
    const isOpen = ["STILL_PENDING", "NODE_UNREACHABLE"].includes(error?.name);
    if (!isOpen) sessionStorage.removeItem(place);
    if (error?.name !== "AbortError") notice("sending", explain(error), { kind: isOpen ? "" : "bad" });
    $("#notice-sending")?.scrollIntoView({ block: "nearest" });
    return undefined;
  } finally {
    button?.removeAttribute("aria-busy");
    if (button) button.textContent = label;
  }
}

// Live -------------------------------------------------------------------------------------------

const PULSE_MS = 15_000;
const CATCHING_UP_MS = 2_000;
let pulse = 0;
let isCatchingUp = false;

/** How far the node has come with what it lacks; when it has all, the page can be read anew. */
async function followCatchingUp(health) {
  const found = health?.catching_up;
  let bar = $("#catching-up");
  if (found && !bar) {
    const words = t(`catching_up_${found.part}`);
    bar = el("div", { class: "notice", id: "catching-up" }, el("p", {}, t("catching_up")), el("progress", { "aria-label": words }),
      el("small", {}, `${words}: `, el("span", { "data-done": "" }), " / ", el("span", { "data-of": "" })));
    $("#notices").prepend(bar);
  }
  if (found) {
    Object.assign($("progress", bar), { max: found.of, value: found.done });
    $("[data-done]", bar).textContent = found.done;
    $("[data-of]", bar).textContent = found.of;
  } else if (bar && health) {
    bar.remove();
    notice("caught-up", t("caught_up"), { kind: "good", button: { label: t("show_new"), onclick: () => location.reload() } });
  }
  if (isCatchingUp || !$("#catching-up")) return;
  isCatchingUp = true;
  await new Promise((resolve) => setTimeout(resolve, CATCHING_UP_MS));
  isCatchingUp = false;
  followCatchingUp(await wash.rpc("node_health", {}, 8_000).catch(() => null));
}
if ($("#catching-up")) followCatchingUp(null);

/** Say when the node does not answer, and when it does again: a page that stands still looks as if all were well. */
function watchLine() {
  pulse ||= setInterval(async () => {
    const health = await wash.rpc("node_health", {}, 8_000).catch((error) => error);
    const isLost = health.name === "NODE_UNREACHABLE";
    if (health.catching_up !== undefined) followCatchingUp(health);
    const wasLost = document.getElementById("notice-line");
    if (isLost && !wasLost) notice("line", t("offline"));
    if (!isLost && wasLost) notice("line", null);
  }, PULSE_MS);
}

/** Follow events from an id on, over lost connections; nothing is left out or told twice. */
export function live(filter, after, onEvent) {
  watchLine();
  const stream = wash.events(filter, { after, onEvent });
  addEventListener("pagehide", () => stream.close(), { once: true });
  return stream;
}

/** Put the newest rendering of parts of this page in their places, without losing the reader's. */
export async function refresh(...ids) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return false;
  // Whose session ended, as by a power cut, must not go on looking at a page that stands still.
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/login")) {
    location.replace(answer.url);
    return false;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const [old, made] = [document.getElementById(id), fresh.getElementById(id)];
    if (!old || !made) return false;
    const held = old.contains(document.activeElement) ? document.activeElement.dataset.action : null;
    old.replaceWith(document.adoptNode(made));
    if (held) made.querySelector(`[data-action="${held}"]`)?.focus(); // who works with the keyboard stays there
  }
  document.dispatchEvent(new CustomEvent("refreshed", { detail: JSON.parse(fresh.getElementById("data").textContent) }));
  return true;
}

addEventListener("toggle", ({ target }) => { // toggles do not bubble
  if (target.dataset?.picture) import("./picture.js").then((it) => it.showPicture(target)).catch(console.warn);
}, true);
addEventListener("offline", () => notice("line", t("offline")));
addEventListener("online", () => notice("line", null));
