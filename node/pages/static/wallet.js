// Keys of customers: made silently on this device, kept here, sealed under a PIN on the key card.
//
// One seed; from it one account for each shop, so that shops can not tell that they have the same
// customer. Nothing of this works on a page that others on the way could change: see `isSafe`.
import { Key, Wash, decodeId, encodeId, fromHex, sha256, taggedHash, toHex } from "./wash.js";
import { $, data, el, money, notice, t, wash as reader, when } from "./app.js";

const SEED = "wash.seed"; // the seed as it is, until a PIN is chosen
const SEALED = "wash.sealed"; // the seed under a PIN
const OPEN = "wash.open"; // of a sealed one: for as long as this tab is open
const SAVED = "wash.saved";
const SHOPS = "wash.shops"; // where this customer has been, newest first
const ACCOUNTS = "wash.accounts"; // at shops where helpers gave an older account to this key: shop -> account
const SHOPS_MAX = 200;
const ID_BYTES = 32;
export const PIN_LENGTH_MIN = 6;

/** Whether this page came by a protected way: https, or from this very machine. */
export const isSafe = () => globalThis.isSecureContext === true;
const bytes = (count) => crypto.getRandomValues(new Uint8Array(count));
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

// The seed ---------------------------------------------------------------------------------------

/** Whether there is a seed on this device, and whether a PIN is needed for it now. */
export function state() {
  const sealed = localStorage.getItem(SEALED);
  const open = localStorage.getItem(SEED) ?? sessionStorage.getItem(OPEN);
  return { isKnown: Boolean(open || sealed), isLocked: Boolean(sealed && !open), isSaved: localStorage.getItem(SAVED) === "1" };
}

/** The seed; made if there is none. Asks for the PIN if it is sealed. */
async function getSeed() {
  if (!isSafe()) throw new DOMException("not on this page", "AbortError");
  const open = localStorage.getItem(SEED) ?? sessionStorage.getItem(OPEN);
  if (open) return fromHex(open);
  const sealed = localStorage.getItem(SEALED);
  if (sealed) return askPin(fromHex(sealed));
  const seed = bytes(32);
  localStorage.setItem(SEED, toHex(seed));
  navigator.storage?.persist?.();
  return seed;
}

/** Make the key of this device at the first visit, and remind of the card until it is saved. */
export async function welcome() {
  if (!isSafe()) return welcomeToLan();
  if (!state().isKnown) await getSeed();
  const hasBeen = shopsSeen().length > 0;
  if (!state().isSaved && hasBeen && location.pathname !== "/c/key") {
    notice("card", t("save_card"), { button: { label: t("save_card_do"), href: "/c/key" } });
  }
  return true;
}

// Pages in a shop's own network -----------------------------------------------------------------------
// Others on the way could change such a page, so no seed is ever there: only a key made for this tab, to
// which the customer gives a few functions, a small limit and an end, on a protected page.

const SESSION = "wash.session";
export const SESSION_LIMIT = 10_000, SESSION_MS = 12 * 3_600_000;
export const SESSION_FUNCTIONS = ["request", "arrived", "cancel_booking", "reschedule", "approve_extra", "pay", "confirm", "check_in", "leave", "claim_redo", "withdraw_claim"];

function session(shop) {
  const found = JSON.parse(sessionStorage.getItem(SESSION) ?? "null");
  return found && found.shop === shop ? found : null;
}

function welcomeToLan() {
  const shop = data.shop ?? null;
  let mine = shop && session(shop);
  if (shop && !mine) {
    mine = { shop, seed: toHex(bytes(32)), account: null, until: 0 };
    sessionStorage.setItem(SESSION, JSON.stringify(mine));
  }
  const allowed = /^#allowed=(acct1[02-9ac-hj-np-z]{58})$/.exec(location.hash)?.[1];
  if (mine && allowed) {
    [mine.account, mine.until] = [allowed, Date.now() + SESSION_MS];
    sessionStorage.setItem(SESSION, JSON.stringify(mine));
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (mine?.account) {
    notice("lan", t("lan_allowed", { money: money(SESSION_LIMIT), time: when(mine.until) }));
    return true;
  }
  const here = location.pathname + location.search;
  const button = data.url ? { label: t("lan_do"), href: data.url + here } : null;
  const buttons = [];
  if (data.url && mine) {
    const asked = new URLSearchParams({ key: toHex(new Key(mine.seed).publicKey), shop, back: location.origin + here });
    buttons.push({ label: t("lan_use"), href: `${data.url}/c/allow?${asked}` });
  }
  notice("lan", t("lan"), { button, buttons });
  return false;
}

// Accounts ---------------------------------------------------------------------------------------

/** What the key of this customer at a shop is made from. */
export const seedFor = (shop) => derive("shop-key", decodeId(shop, "acct"));

/** The key of this customer at a shop. */
export async function keyFor(shop) {
  return new Key(await seedFor(shop));
}

/** 32 bytes that follow from the seed, for another purpose than accounts of shops. */
export async function derive(tag, ...parts) {
  return taggedHash(`pages-${tag}`, join(await getSeed(), ...parts));
}

/** The account of this customer at a shop, without asking for a PIN: null if it is locked. */
export async function accountFor(shop) {
  if (!isSafe()) return session(shop)?.account ?? null;
  if (!isSafe() || state().isLocked || !state().isKnown) return null;
  return takenOver()[shop] ?? (await keyFor(shop)).account;
}

/** Accounts that were lost with another phone and belong to this device's key now. */
export function takenOver() {
  try {
    return JSON.parse(localStorage.getItem(ACCOUNTS) ?? "{}");
  } catch {
    return {};
  }
}

/** From now on this customer's account at a shop is the one that helpers gave back; the card must be made anew. */
export function takeOver(shop, account) {
  localStorage.setItem(ACCOUNTS, JSON.stringify({ ...takenOver(), [shop]: account }));
  localStorage.removeItem(SAVED);
  rememberShop(shop);
}

/** A client that signs for this customer at a shop; the node pays for sending where it may. */
export async function washFor(shop, { isSponsored = true } = {}) {
  const mine = isSafe() ? null : session(shop);
  if (mine?.account) {
    const own = { key: new Key(mine.seed), account: mine.account };
    return new Wash(location.origin, isSponsored && data.sponsors ? { ...own, sponsor: "node" } : own);
  }
  const own = { key: await keyFor(shop), account: takenOver()[shop] };
  return new Wash(location.origin, isSponsored && data.sponsors ? { ...own, sponsor: "node" } : own);
}

export function shopsSeen() {
  try {
    return JSON.parse(localStorage.getItem(SHOPS) ?? "[]").filter((one) => typeof one === "string");
  } catch {
    return [];
  }
}

export function rememberShop(shop) {
  const others = shopsSeen().filter((one) => one !== shop);
  localStorage.setItem(SHOPS, JSON.stringify([shop, ...others].slice(0, SHOPS_MAX)));
}

/** What this customer has at a shop, of an asset. */
export async function balanceAt(shop, asset) {
  const account = await accountFor(shop);
  return account ? reader.balance(account, asset) : 0;
}

// Sealing ----------------------------------------------------------------------------------------
// Version 1, log2 of scrypt's N, salt 16, nonce 24, then sealed: the seed, and of each account that was taken
// over the shop and the account. A new device finds its other accounts by deriving them for all shops.

const VERSION = 1, COST = 15, SALT = 16, NONCE = 24;

async function sealingKey(pin, salt, cost, onProgress) {
  const { scryptAsync } = await import("./vendor/noble-hashes/scrypt.js");
  return scryptAsync(pin.normalize("NFKC"), salt, { N: 2 ** cost, r: 8, p: 1, dkLen: 32, onProgress });
}

export async function seal(seed, pin, onProgress) {
  const { xchacha20poly1305 } = await import("./vendor/noble-ciphers/chacha.js");
  const [head, salt, nonce] = [Uint8Array.of(VERSION, COST), bytes(SALT), bytes(NONCE)];
  const key = await sealingKey(pin, salt, COST, onProgress);
  return join(head, salt, nonce, xchacha20poly1305(key, nonce, join(head, salt)).encrypt(seed));
}

/** What is in sealed bytes, or null if the PIN is another. */
export async function unseal(sealed, pin, onProgress) {
  const rest = sealed.length - (2 + SALT + NONCE + 48);
  if (rest < 0 || rest % (2 * ID_BYTES) || sealed[0] !== VERSION || sealed[1] < 12 || sealed[1] > 20) return null;
  const { xchacha20poly1305 } = await import("./vendor/noble-ciphers/chacha.js");
  const [head, salt] = [sealed.slice(0, 2), sealed.slice(2, 2 + SALT)];
  const nonce = sealed.slice(2 + SALT, 2 + SALT + NONCE);
  const key = await sealingKey(pin, salt, sealed[1], onProgress);
  try {
    return xchacha20poly1305(key, nonce, join(head, salt)).decrypt(sealed.slice(2 + SALT + NONCE));
  } catch {
    return null;
  }
}

/** Ask for the PIN in a dialog until it fits; gives up with AbortError if it is closed. */
function askPin(sealed) {
  const input = el("input", { type: "password", inputmode: "numeric", autocomplete: "current-password", id: "pin-field", required: true });
  const said = el("p", { class: "notice bad", hidden: true, role: "alert" }, t("wrong_pin"));
  const yes = el("button", { class: "button", value: "yes" }, t("yes"));
  const no = el("button", { class: "button quiet", value: "no", formnovalidate: true }, t("back"));
  const form = el("form", { method: "dialog" }, el("h2", { id: "pin-title" }, t("locked")), el("p", {}, t("locked_why")),
    el("label", { for: "pin-field" }, t("pin")), input, said, el("div", { class: "row" }, no, yes));
  const dialog = el("dialog", { "aria-labelledby": "pin-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve, reject) => {
    form.addEventListener("submit", async (event) => {
      if (event.submitter !== yes) return;
      event.preventDefault();
      yes.setAttribute("aria-busy", "true");
      const seed = (await unseal(sealed, input.value))?.slice(0, ID_BYTES);
      yes.removeAttribute("aria-busy");
      if (!seed) {
        said.hidden = false;
        input.select();
        return;
      }
      sessionStorage.setItem(OPEN, toHex(seed));
      dialog.close("yes");
      resolve(seed);
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "yes") reject(new DOMException("no PIN", "AbortError"));
    });
  });
}

// The card ---------------------------------------------------------------------------------------

const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's: no letter looks like a digit
const CARD = "WASHKEY1"; // all of it is in the QR code's own alphabet, which keeps the code small

function toLetters(data_) {
  let [text, held, bits] = ["", 0, 0];
  for (const one of data_) {
    [held, bits] = [(held << 8) | one, bits + 8];
    while (bits >= 5) {
      bits -= 5;
      text += LETTERS[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits ? text + LETTERS[(held << (5 - bits)) & 31] : text;
}

function fromLetters(text) {
  const out = [];
  let [held, bits] = [0, 0];
  for (const letter of text) {
    const value = LETTERS.indexOf(letter);
    if (value < 0) return null;
    [held, bits] = [(held << 5) | value, bits + 5];
    if (bits >= 8) {
      bits -= 8;
      out.push((held >> bits) & 255);
      held &= (1 << bits) - 1;
    }
  }
  return Uint8Array.from(out);
}

/** The text on a card: sealed bytes with four of a checksum. */
export const cardText = (sealed) => CARD + toLetters(join(sealed, sha256(sealed).slice(0, 4)));

/** The sealed bytes of a card's text, or null. */
export function readCard(text) {
  const plain = text.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  const at = plain.indexOf(CARD);
  const found = at < 0 ? null : fromLetters(plain.slice(at + CARD.length));
  if (!found || found.length < 8) return null;
  const [sealed, sum] = [found.slice(0, -4), found.slice(-4)];
  return toHex(sha256(sealed).slice(0, 4)) === toHex(sum) ? sealed : null;
}

/** Seal the seed of this device under a PIN: from now on it lies here sealed as well. */
export async function protect(pin, onProgress) {
  const seed = await getSeed();
  const pairs = Object.entries(takenOver()).flatMap((pair) => pair.map((one) => decodeId(one, "acct")));
  const sealed = await seal(join(seed, ...pairs), pin, onProgress);
  localStorage.setItem(SEALED, toHex(sealed));
  sessionStorage.setItem(OPEN, toHex(seed));
  localStorage.removeItem(SEED);
  return sealed;
}

export const sealedHere = () => (localStorage.getItem(SEALED) ? fromHex(localStorage.getItem(SEALED)) : null);
export const noteSaved = () => localStorage.setItem(SAVED, "1");

/** Take what is on a card for this device's own. */
export function adopt(sealed, held) {
  const seed = held.slice(0, ID_BYTES), accounts = {};
  for (let at = ID_BYTES; at < held.length; at += 2 * ID_BYTES) {
    const [shop, account] = [held.slice(at, at + ID_BYTES), held.slice(at + ID_BYTES, at + 2 * ID_BYTES)];
    accounts[encodeId("acct", shop)] = encodeId("acct", account);
  }
  localStorage.setItem(ACCOUNTS, JSON.stringify(accounts));
  localStorage.setItem(SEALED, toHex(sealed));
  sessionStorage.setItem(OPEN, toHex(seed));
  localStorage.removeItem(SEED);
  noteSaved();
}

/** Draw the card; `lines` are its texts. Returns a PNG. */
export async function drawCard(sealed, lines) {
  const { generate, correction } = await import("./vendor/lean-qr.js");
  const code = generate(cardText(sealed), { minCorrectionLevel: correction.M });
  const [width, height] = [720, 1080];
  const canvas = el("canvas", { width, height });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#0b6e63";
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = "#fff";
  pen.beginPath();
  pen.roundRect?.(60, 240, 600, 600, 32);
  pen.fill();
  if (!pen.roundRect) pen.fillRect(60, 240, 600, 600);
  const scale = Math.floor(540 / code.size), offset = (600 - code.size * scale) / 2;
  pen.fillStyle = "#000";
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (code.get(x, y)) pen.fillRect(60 + offset + x * scale, 240 + offset + y * scale, scale, scale);
    }
  }
  pen.fillStyle = "#fff";
  const font = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";
  const sizes = [`700 52px ${font}`, `400 30px ${font}`];
  lines.forEach((line, number) => {
    pen.font = sizes[Math.min(number, 1)];
    pen.fillText(line, 60, number === 0 ? 120 : number === 1 ? 180 : 840 + 56 * (number - 1), 600);
  });
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
}

/** The sealed bytes in a picture of a card, or null. */
export async function readPicture(file) {
  await import("./vendor/jsqr.js");
  const picture = await createImageBitmap(file);
  for (const limit of [1600, 900, 3000]) {
    const scale = Math.min(1, limit / Math.max(picture.width, picture.height));
    const [width, height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
    const pen = el("canvas", { width, height }).getContext("2d");
    pen.drawImage(picture, 0, 0, width, height);
    const found = globalThis.jsQR(pen.getImageData(0, 0, width, height).data, width, height);
    const sealed = found && readCard(found.data);
    if (sealed) return sealed;
  }
  return null;
}

export { $ };
