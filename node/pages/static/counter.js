// What a customer confirms on the own phone and the counter scans: the shop confirms it too and sends it.
import { keyFor, washFor } from "./wallet.js";
import { signingBytes, toHex } from "./wash.js";

/** Draw any text as a code; the text is in `canvas.dataset.text` as well. */
export async function drawText(canvas, text) {
  const { generate, correction } = await import("./vendor/lean-qr.js");
  const code = generate(text, { minCorrectionLevel: correction.L });
  const scale = Math.max(2, Math.floor(900 / (code.size + 8)));
  canvas.width = canvas.height = (code.size + 8) * scale;
  canvas.dataset.text = text;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#000";
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) if (code.get(x, y)) pen.fillRect((x + 4) * scale, (y + 4) * scale, scale, scale);
  }
}

/** Draw one call of a contract, confirmed by this customer, for the counter of the shop. */
export async function drawForCounter(canvas, shop, contract, fn, args) {
  const mine = await washFor(shop, { isSponsored: false });
  const key = await keyFor(shop);
  const action = { type: "call", contract, function: fn, arguments: args, funds: 0 };
  const body = await mine.build([action], { sponsor: { account: shop } });
  await drawText(canvas, `WASHIN1:${toHex(body)}:${toHex(key.sign(signingBytes(body)))}`.toUpperCase());
}
