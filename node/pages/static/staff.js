// What pages for staff share: deeds in the name of who is logged in, and questions before them.
import { $, data, el, explain, notice, t } from "./app.js";

export class StaffError extends Error {
  constructor(told) {
    super(told.message);
    this.told = told;
  }
}

/** Ask a method for staff; the session itself is in a cookie that this script can not read. */
export async function ask(method, params, to = "/shop/do") {
  const answer = await fetch(to, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Staff-Number": data.number },
    body: JSON.stringify(to === "/shop/do" ? { method, params } : params), // another address is of one method
  });
  if (answer.status === 401 || answer.status === 403) {
    location.assign(`/shop/login?to=${encodeURIComponent(location.pathname + location.search)}`);
    throw new DOMException("logged out", "AbortError");
  }
  const { error, result } = await answer.json();
  if (error) throw new StaffError(error);
  const sent = result.sent ?? result;
  if (sent.status === "failed" || sent.error) throw new StaffError({ message: sent.error?.message ?? t("failed"), data: sent.error ?? {} });
  return result;
}

/** The calls of contracts that a deed is made of: `call("booking", "ready", { id })`. */
export const call = (contract, function_, arguments_ = {}, funds = 0) => ({ type: "call", contract, function: function_, arguments: arguments_, ...(funds ? { funds } : {}) });

export const reference = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
export const send = (actions, more = {}) => ask("staff_send", { actions, client_ref: reference(), ...more });

/** Say in people's words why something did not go through. */
export function tell(error) {
  if (error?.name === "AbortError") return;
  let text = error instanceof TypeError ? t("offline") : explain(error);
  if (error instanceof StaffError) {
    const { told } = error;
    const reason = told.data?.reason;
    const said = (reason && t(`why_${reason}`) !== `why_${reason}` && t(`why_${reason}`)) || (data.lang === "zh" && told.data?.zh) || told.message;
    text = `${t("failed")} ${said}`;
  }
  notice("sending", text, { kind: "bad" });
  $("#notice-sending")?.scrollIntoView({ block: "nearest" });
}

/** Do something once, however often its button is pressed. */
export async function doing(button, work) {
  if (button?.getAttribute("aria-busy") === "true") return undefined;
  button?.setAttribute("aria-busy", "true");
  notice("sending", null);
  try {
    return await work();
  } catch (error) {
    tell(error);
    return undefined;
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** Ask before something that can not be taken back; `facts` are lines of a name and a value. */
export function sure(title, text, yes, { facts = [], danger = false } = {}) {
  const dialog = $("#ask");
  $("#ask-title").textContent = title;
  $("#ask-text").textContent = text;
  $("#ask-facts").replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  $("#ask-yes").textContent = yes;
  $("#ask-yes").classList.toggle("danger", danger);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => { dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }); });
}

/** Minor units of what somebody typed, or null: "30", "30.5", "30,50". */
export function readMoney(text) {
  const found = /^\s*(\d{1,7})(?:[.,](\d{1,2}))?\s*$/.exec(text);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "0").padEnd(2, "0")) : null;
}
