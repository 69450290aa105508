// Money by day as bars; the table below says the same to those who read.
import { $, data, t } from "./app.js";

const place = $("#chart");
const times = data.days.map((one) => Date.parse(`${one.day}T12:00:00Z`) / 1_000);
const money = data.days.map((one) => one.money / 100);
const day = (seconds, more = {}) => new Intl.DateTimeFormat(data.lang === "zh" ? "zh-CN" : "en-GB", { timeZone: "UTC", day: "numeric", month: "short", ...more }).format(seconds * 1_000);
const size = () => ({ width: place.clientWidth, height: 240 });
const { uPlot } = globalThis;
const chart = new uPlot({
  ...size(),
  scales: { x: { time: false }, y: { range: (_, least, most) => [0, Math.max(1, most) * 1.1] } },
  axes: [{ values: (_, ticks) => ticks.map((one) => day(one)), space: 70, grid: { show: false } }, { values: (_, ticks) => ticks.map((one) => `¥${one}`), size: 64, grid: { stroke: "#dde6e2" } }],
  series: [{ label: t("day"), value: (_, at) => (at == null ? "–" : day(at, { weekday: "short" })) }, { label: t("money"), fill: "#0b6e63", stroke: "#0b6e63", width: 0, paths: uPlot.paths.bars({ size: [0.7, 48] }), points: { show: false }, value: (_, one) => (one == null ? "–" : `¥${one.toFixed(2)}`) }],
}, [times, money], place);
addEventListener("resize", () => chart.setSize(size()));
