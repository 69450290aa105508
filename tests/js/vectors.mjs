// Golden files that every implementation is compared with.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const root = new URL("../../", import.meta.url);

export const readBytes = (path) => readFileSync(new URL(path, root));
export const readJson = (path) => JSON.parse(readBytes(path).toString("utf-8"));
export const readLines = (path) => gunzipSync(readBytes(path)).toString("ascii").trim().split("\n");
