// Lights stay as they are now: the page asks for itself again when the operators decide something, and every few seconds.
import { live, refresh } from "./app.js";

const EVERY_MS = 10_000;
let isAsking = false;

async function again() {
  if (document.hidden || isAsking || document.activeElement?.closest("dialog")) return;
  isAsking = true;
  try {
    await refresh("live");
  } catch {
    // the line is watched by app.js, which says so
  } finally {
    isAsking = false;
  }
}

setInterval(again, EVERY_MS);
document.addEventListener("visibilitychange", again);
for (const type of ["chain.proposed", "chain.decided"]) live({ type }, "latest", again);
