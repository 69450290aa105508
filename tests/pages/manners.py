"""What a page must keep, measured in a browser that has it open: each returns what is wrong."""

import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page

_AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
_HEADERS_BYTES = 300  # about what an answer costs beside its body
_TILE_LEAST = 64
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_AFTER_ONE = "".join(f"(?<!{one} )" for one in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
_NO_WEEKDAY = re.compile(
    rf"{_AFTER_ONE}(?<!\d)\d{{1,2}} (?:{_MONTHS})\b"
    r"|(?<!周[一二三四五六日] )(?<!\d)\d{1,2}月\d{1,2}日(?! ?周)"
    rf"|{_AFTER_ONE}(?<!\w)20\d\d-\d\d-\d\d(?! 周)"
)

# What takes part in the order of Tab: of radio buttons with one name the chosen one or the first.
_WATCH_FOCUS = """() => {
  document.body.tabIndex = -1; // Tab goes on from here, whatever had the focus
  document.body.focus();
  document.body.removeAttribute("tabindex");
  const shown = (one) => one.checkVisibility({ visibilityProperty: true })
    && one.getClientRects().length;
  const groups = new Map();
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex]";
  const all = [...document.querySelectorAll(kinds)]
    .filter((one) => one.tabIndex >= 0 && !one.disabled && shown(one));
  for (const one of all) {
    if (one.type !== "radio") continue;
    const name = `${one.form?.id} ${one.name}`;
    if (!groups.has(name) || one.checked) groups.set(name, one);
  }
  const stops = all.filter((one) => one.type !== "radio" || [...groups.values()].includes(one));
  const found = (window.manners = { stops, order: [], unseen: [] });
  addEventListener("focusin", ({ target }) => {
    found.order.push(stops.indexOf(target));
    // Where the field itself is out of sight, its label must show the focus.
    const isSeen = target.getBoundingClientRect().right > 0 && getComputedStyle(target).opacity > 0;
    const marked = isSeen ? [target] : [...(target.labels ?? [])];
    if (!marked.some((one) => getComputedStyle(one).outlineStyle !== "none")) {
      found.unseen.push(target);
    }
  });
  const parts = stops.filter((one) => ["time", "date"].includes(one.type)); // Tab goes within too
  return stops.length + 4 * parts.length;
}"""
_TOLD_FOCUS = """() => {
  const name = (one) => [one.tagName, one.id, one.className, one.getAttribute("href")].join(" ");
  const { stops, order, unseen } = window.manners;
  const reached = order.filter((one) => one >= 0);
  const first = reached.slice(0, new Set(reached).size);
  const mixed = first.filter((one, at) => at && one < first[at - 1]);
  const places = stops.filter((one) => one.closest("main"));
  const above = places.filter((one, at) => at
    && one.getBoundingClientRect().bottom < places[at - 1].getBoundingClientRect().top - 8);
  return {
    "never reached by Tab": stops.filter((_, index) => !reached.includes(index)).map(name),
    "reached out of order": mixed.map((one) => name(stops[one])),
    "focus not seen": unseen.map(name),
    "above what comes before it": above.map(name),
  };
}"""


async def open_all(page: Page) -> None:
    """Open what can be unfolded, so that all of a page is looked at."""
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")


async def look_by_axe(page: Page) -> list[Any]:
    """Labels, contrast and all else that axe-core finds at levels A and AA."""
    await page.evaluate(_AXE)
    found = await page.evaluate(
        "axe.run(document, {resultTypes: ['violations'], runOnly: "
        "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
    )
    return [
        (one["id"], [node["target"] for node in one["nodes"][:3]]) for one in found["violations"]
    ]


async def look_beside(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return max(0, int(await page.evaluate(wide)))


async def bytes_of(page: Page) -> int:
    """What everything that the page asked for takes on its way, as on a first visit."""
    sizes = await page.evaluate(
        "['navigation', 'resource'].flatMap((one) => performance.getEntriesByType(one))"
        ".map((one) => one.encodedBodySize)"
    )
    return sum(int(one) + _HEADERS_BYTES for one in sizes)


async def look_by_keyboard(page: Page) -> dict[str, Any]:
    """What Tab does not reach, in a strange order, or without showing where one is."""
    count = await page.evaluate(_WATCH_FOCUS)
    for _ in range(int(count)):
        await page.keyboard.press("Tab")
    found: dict[str, Any] = await page.evaluate(_TOLD_FOCUS)
    return {name: what for name, what in found.items() if what}


async def look_at_days(page: Page) -> list[str]:
    """Days without their weekday."""
    text = " ".join((await page.inner_text("main")).split())
    return [text[max(0, one.start() - 12) : one.end() + 4] for one in _NO_WEEKDAY.finditer(text)]


async def look_at_tiles(page: Page) -> list[float]:
    """Heights of what wet fingers press on a tablet that are too small."""
    heights = await page.evaluate(
        "[...document.querySelectorAll('.tablet button, .tablet .button, .numbers a')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect().height)"
    )
    return [one for one in heights if one < _TILE_LEAST]
