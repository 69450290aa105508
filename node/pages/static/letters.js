// Texts of people, whose fingerprints stand in the contract of reviews: public ones for everybody, messages for two.
// A letter is remembered on this device until the node has it, so that a lost line loses no word.
import { wash } from "./app.js";
import { UTF8, boxKeyOf, chance, join, number, openBox, sealBox } from "./box.js";
import { decodeId, fromHex, taggedHash, toHex } from "./wash.js";

const [PUBLIC, SEALED, SEVERAL, PICTURED] = [1, 2, 3, 4], SALT = 16;
const BOX = 80, NONCE = 24, PAD = 256, END = 0x80;
export const ROLE = { message: 1, answer: 2 };
export const NO_TEXT = "00".repeat(32);

/** A text as letters hold it: one kind of line end, no control characters, nothing around it. */
export const plain = (text) => text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, " ").trim();

/** The fingerprint by which the chain knows a letter. */
export const fingerprint = (letter) => toHex(taggedHash("letter", letter));

/** A letter for everybody; its salt keeps a text that was taken back from being guessed. */
export function publicLetter(text, picture = null) {
  const words = UTF8.encode(text);
  return picture ? join([PICTURED], chance(SALT), number(words.length, 2), words, picture) : join([PUBLIC], chance(SALT), words);
}

/** The picture in a public letter, null if it has none. */
export function pictureIn(letter) {
  if (letter?.[0] !== PICTURED) return null;
  return letter.slice(1 + SALT + 2 + letter[1 + SALT] * 256 + letter[2 + SALT]);
}

const associated = ({ sender, receiver, role }) => join(UTF8.encode("washnode letter 1"), decodeId(sender, "acct"), decodeId(receiver, "acct"), [role]);

/** A letter that only sender and receiver of a message open; `known` has the keys of an account that need not be asked for. */
export async function sealLetter(text, between, known = {}) {
  const key = chance(32), nonce = chance(NONCE), keys = [];
  for (const account of [between.receiver, between.sender]) {
    const theirs = known[account] ?? [await boxKeyOf(account)];
    if (!theirs[0]) throw new Error(`${account} has no key to seal for`);
    keys.push(...theirs);
  }
  const boxes = [];
  for (const one of keys) boxes.push(await sealBox(one, key));
  const { xchacha20poly1305 } = await import("./vendor/noble-ciphers/chacha.js");
  const ended = join(UTF8.encode(text), [END]), padded = new Uint8Array(Math.ceil(ended.length / PAD) * PAD);
  padded.set(ended);
  const head = keys.length === 2 ? [SEALED] : [SEVERAL, keys.length];
  return join(head, ...boxes, nonce, xchacha20poly1305(key, nonce, associated(between)).encrypt(padded));
}

/** What a sealed letter says to the owner of a seed; null if it is for others. */
export async function openLetter(letter, between, seed) {
  const { xchacha20poly1305 } = await import("./vendor/noble-ciphers/chacha.js");
  const [first, count] = letter[0] === SEVERAL ? [2, letter[1]] : [1, 2], end = first + count * BOX;
  for (let at = first; at < end; at += BOX) {
    try {
      const key = await openBox(seed, letter.slice(at, at + BOX));
      const padded = xchacha20poly1305(key, letter.slice(end, end + NONCE), associated(between)).decrypt(letter.slice(end + NONCE));
      return new TextDecoder().decode(padded.slice(0, padded.lastIndexOf(END)));
    } catch {
      // another box may be the one for this key
    }
  }
  return null;
}

// On their way ---------------------------------------------------------------------------------------

const PLACE = "wash.letters", WAITING_MAX = 20, LETTERS_MAX = 2_000_000; // browsers keep about five million for a whole address

function waiting() {
  try {
    return JSON.parse(localStorage.getItem(PLACE) ?? "{}");
  } catch {
    return {};
  }
}

/** Remember a letter until the node has it, and what it is about, if that is known yet; returns its fingerprint. */
export function remember(letter, about = null) {
  const all = Object.entries({ ...waiting(), [fingerprint(letter)]: { content: toHex(letter), about } });
  let kept = all.slice(-WAITING_MAX);
  while (JSON.stringify(kept).length > LETTERS_MAX && kept.length > 1) kept = kept.slice(1);
  localStorage.setItem(PLACE, JSON.stringify(Object.fromEntries(kept)));
  return fingerprint(letter);
}

/** Bring a letter to the node, if it is one of this device's that waits; the chain must name it by now. */
export async function bring(about, name) {
  const one = waiting()[name];
  if (!one) return false;
  await wash.rpc("letter_put", { about, content: one.content });
  const { [name]: _done, ...others } = waiting();
  localStorage.setItem(PLACE, JSON.stringify(others));
  return true;
}

/** Bring what could not be brought before; tells whether there was any. */
export async function bringWaiting() {
  const known = Object.entries(waiting()).filter(([, one]) => one.about);
  const done = await Promise.all(known.map(([name, one]) => bring(one.about, name).catch(() => false)));
  return done.some(Boolean);
}

/** The letters of a review or of a message by role: `{ text: { state, text }, reply: … }`. */
export async function lettersOf(about) {
  const { letters } = await wash.rpc("letter_get", { about });
  return Object.fromEntries(letters.map((one) => [one.role, { ...one, bytes: one.content && fromHex(one.content) }]));
}
