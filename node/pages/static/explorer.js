// The newest block, as soon as it is there: the lists are rendered by the node and put in their place.
import { data, live, refresh } from "./app.js";

let isBusy = false;
let isBehind = false;

async function catchUp() {
  isBehind = true;
  if (isBusy) return;
  isBusy = true;
  while (isBehind) {
    isBehind = false;
    await refresh("live").catch(() => false); // the next block tries again
  }
  isBusy = false;
}

live({ type: "block" }, data.after, catchUp);
