// A join code: copied or printed; it is nowhere but on this page.
import { $, notice, t } from "./app.js";

$("[data-action=print]").addEventListener("click", () => print());
$("[data-action=copy]").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("#code").textContent);
    notice("copied", t("copied"), { kind: "good" });
  } catch {
    getSelection().selectAllChildren($("#code")); // where the browser lets nobody copy, it is at least marked
  }
});
