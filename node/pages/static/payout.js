// Where cash is to go: told to nobody but by a code that the desk scans. In public there is only a fingerprint.
import { derive } from "./wallet.js";
import { decodeId, fromHex, taggedHash, toHex } from "./wash.js";

const KEPT = "wash.payouts"; // fingerprint -> { salt, text }
const KEPT_MAX = 64, SALT_BYTES = 16;
const UTF8 = new TextEncoder();

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

const printOf = (salt, text) => toHex(taggedHash("payout", Uint8Array.from([...salt, ...UTF8.encode(text)])));
/** The salt of a request by number: it follows from the customer's card, so that cash is fetched with a new phone too. */
const saltOf = async (shop, number) => (await derive("payout", decodeId(shop, "acct"), [number])).slice(0, SALT_BYTES);

/** The fingerprint for the next request, where `text` says whom to pay ("" is cash at the desk); `keep` remembers it. */
export async function payeeOf(shop, text) {
  const known = kept();
  for (let number = 0; number < 256; number++) {
    const salt = await saltOf(shop, number), payee = printOf(salt, text);
    if (known[payee]) continue;
    const keep = () => {
      const entries = Object.entries({ ...kept(), [payee]: { salt: toHex(salt), text } }).slice(-KEPT_MAX);
      localStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(entries)));
    };
    return { payee, keep };
  }
  throw new Error("more requests than numbers");
}

/** The code that opens a request at the desk, or null where only another phone knows whom to pay. */
export async function payoutCode(shop, { request, payee }) {
  const mine = kept()[payee];
  if (mine) return code(request, fromHex(mine.salt), mine.text);
  for (let number = 0; number < 256; number++) {
    const salt = await saltOf(shop, number);
    if (printOf(salt, "") === payee) return code(request, salt, "");
  }
  return null;
}

const code = (request, salt, text) => `WASHOUT1:${request}:${toHex(salt)}:${toHex(UTF8.encode(text))}`.toUpperCase();
