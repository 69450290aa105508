import { $ } from "./app.js";
$("[data-action=print]").addEventListener("click", () => print());
