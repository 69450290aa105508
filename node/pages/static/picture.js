// The picture beside a review: fetched when somebody wants to see it.
import { el } from "./app.js";
import { lettersOf, pictureIn } from "./letters.js";

export async function showPicture(details) {
  if (!details.open || details.querySelector("img")) return;
  const { text } = await lettersOf(details.dataset.picture), bytes = pictureIn(text?.bytes);
  if (!bytes) return;
  const src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  details.replaceChildren(details.firstElementChild, el("figure", { class: "photo" }, el("img", { src, alt: details.firstElementChild.textContent })));
}
