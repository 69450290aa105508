// The key card: made with a PIN, kept as a picture, taken back on another phone.
import { $, notice, t, wash } from "./app.js";
import { adopt, accountFor, cardText, drawCard, noteSaved, PIN_LENGTH_MIN, protect, readCard, readPicture, rememberShop, sealedHere, state, takenOver, unseal, welcome } from "./wallet.js";

const bar = $("#progress-bar");
const show = (share) => {
  bar.hidden = share >= 1;
  bar.value = share;
};

function complain(id, text) {
  $(id).textContent = text;
  $(id).hidden = !text;
}

async function showCard(sealed) {
  const picture = await drawCard(sealed, [t("card_title"), t("card_line"), t("card_day", { day: new Date().toISOString().slice(0, 10) }), t("card_how")]);
  const url = URL.createObjectURL(picture);
  $("#card").src = url;
  $("#download").href = url;
  $("#card-text").textContent = cardText(sealed).replace(/(.{4})/g, "$1 ");
  $("#make").hidden = true;
  $("#done").hidden = false;
}

$("#make-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [pin, again] = [$("#pin").value, $("#pin-again").value];
  if (pin.length < PIN_LENGTH_MIN || pin !== again) {
    complain("#make-said", t(pin === again ? "pin_short" : "pin_differs"));
    return;
  }
  complain("#make-said", "");
  const button = $("button", event.target);
  button.setAttribute("aria-busy", "true");
  try {
    await showCard(await protect(pin, show));
  } finally {
    show(1);
    button.removeAttribute("aria-busy");
  }
});

$("#saved").addEventListener("click", () => {
  noteSaved();
  notice("card", t("is_saved"), { kind: "good" });
  $("#saved").hidden = true;
});
$("#download").addEventListener("click", noteSaved);

$("#restore-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  complain("#restore-said", "");
  const button = $("button", event.target), [file] = $("#picture").files;
  button.setAttribute("aria-busy", "true");
  try {
    const sealed = $("#text").value.trim() ? readCard($("#text").value) : file ? await readPicture(file) : null;
    if (!sealed) return complain("#restore-said", t("no_card"));
    const held = await unseal(sealed, $("#restore-pin").value, show);
    if (!held) return complain("#restore-said", t("wrong_pin"));
    adopt(sealed, held);
    await findShops();
    location.assign("/c");
  } catch (error) {
    console.warn(error);
    complain("#restore-said", t("no_card"));
  } finally {
    show(1);
    button.removeAttribute("aria-busy");
  }
  return undefined;
});

/** Where this customer has been: the shops at which the account that follows from the seed is known. */
async function findShops() {
  Object.keys(takenOver()).forEach(rememberShop);
  for (let after = null, isOver = false; !isOver;) {
    const { data: page } = await wash.rpc("shop_list", after ? { after, limit: 50 } : { limit: 50 });
    const accounts = await Promise.all(page.items.map(({ shop }) => accountFor(shop)));
    const found = await wash.batch(accounts.map((account) => ["account_get", { account }]));
    const failed = found.find((one) => one instanceof Error); // a shop left out would be money out of sight
    if (failed) throw failed;
    for (const [number, { data: { known } }] of found.entries()) if (known) rememberShop(page.items[number].shop);
    after = page.next;
    isOver = !after;
  }
}

if (await welcome()) {
  const sealed = sealedHere();
  if (sealed && state().isSaved) await showCard(sealed);
  else $("#make").hidden = false;
  $("#restore").hidden = false;
  if (state().isSaved) $("#saved").hidden = true;
}
