// A page that is only read: the key is made at the first visit, and the card is reminded of.
import { welcome } from "./wallet.js";

await welcome();
