// Photos of a car: made small and plain on the tablet, sealed there for the customer, opened by the customer alone.
// Nothing here needs a protected page: a tablet in the shop's own network seals before anything leaves it.
import { wash } from "./app.js";
import { UTF8, boxKeyOf, chance, join, number, sealBox } from "./box.js";
import { decodeId, encodeId, fromHex, sha256, toHex } from "./wash.js";

const PHOTOS = 3; // the number of this kind of details
const BYTES_MAX = 700 * 1024;
const SIZES = [[1600, 0.82], [1280, 0.75], [1024, 0.65], [800, 0.5]];
/** Of pictures that everybody may see, beside a review. */
export const PUBLIC_SIZES = [[1024, 0.75], [800, 0.65], [640, 0.55], [480, 0.45]];
export const PUBLIC_BYTES_MAX = 96 * 1024;
const PAD = 256, READERS_MAX = 31;

/**
 * A picture drawn anew: place, time and camera that stood in its file are gone, and it is upright.
 * Throws if the file is no picture.
 */
export async function redraw(file, sizes = SIZES, most = BYTES_MAX) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  for (const [side, quality] of sizes) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height].map((one) => Math.max(1, Math.round(one * scale)));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff"; // pictures may be transparent, and these are not
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    // toBlob waits until the browser is idle, which on a slow tablet takes many seconds.
    const made = canvas.toDataURL("image/jpeg", quality).slice("data:image/jpeg;base64,".length);
    if (made.length * 0.75 <= most) return bare(Uint8Array.from(atob(made), (one) => one.charCodeAt(0)));
  }
  throw new Error("this picture can not be made small enough");
}

/** The same picture without what browsers write beside it: notes of programs (some name the device's colours), remarks. */
function bare(jpeg) {
  const parts = [jpeg.slice(0, 2)];
  let at = 2;
  while (jpeg[at] === 0xff && jpeg[at + 1] !== 0xda) {
    const kind = jpeg[at + 1], end = at + 2 + jpeg[at + 2] * 256 + jpeg[at + 3];
    if ((kind & 0xf0) !== 0xe0 && kind !== 0xfe) parts.push(jpeg.slice(at, end));
    at = end;
  }
  return join(...parts, jpeg.slice(at));
}

/** A photo sealed under a fresh key, which is wrapped for its owner and for whom the owner lets see photos. */
export async function sealPhoto(bytes, owner) {
  const [epoch, readers] = await Promise.all([wash.read("consent.epoch", { owner }), wash.read("consent.readers", { owner, kind: "PHOTOS" })]);
  const key = chance(32), nonce = chance(24), account = decodeId(owner, "acct");
  const ended = join([2], bytes, [0x80]), padded = new Uint8Array(Math.ceil(ended.length / PAD) * PAD);
  padded.set(ended);
  const { xchacha20poly1305 } = await import("./vendor/noble-ciphers/chacha.js");
  const associated = join(UTF8.encode("washnode details 1"), account, [PHOTOS], number(epoch, 4));
  const blob = join([1], nonce, xchacha20poly1305(key, nonce, associated).encrypt(padded));
  const name = encodeId("blb", sha256(join(account, sha256(blob))));
  const keys = [];
  for (const one of new Set([owner, ...idsOf(readers)])) {
    const theirs = await boxKeyOf(one);
    if (theirs) keys.push({ blob: name, account: one, sealed: toHex(await sealBox(theirs, key)) });
  }
  if (!keys.some((one) => one.account === owner)) throw new Error("this customer has no key to seal for");
  return { content: toHex(blob), keys, epoch };
}

const idsOf = (hex) => (hex.match(/.{64}/g) ?? []).slice(0, READERS_MAX).map((one) => encodeId("acct", fromHex(one)));
