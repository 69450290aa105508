"""The event that docs/events.md shows, with the ids that it has on a chain of today.

Ids follow from the contracts' code, so each change of a contract changes them.
"""

import re
from pathlib import Path

from tests.node.rpc.story import Json

EVENT_PAGE = Path(__file__).resolve().parents[3] / "docs" / "events.md"


def renew(page: str, event: Json) -> str:
    """Return the page with a booking's `Moved` event in place of the one that it shows."""
    start = page.index("```json\n")
    stop = page.index("```\n", start + 8)
    shown = page[start:stop]
    before = re.findall(r'"height": (\d+)', shown)[0]
    for pattern, value in (
        (r'("time": )\d+', event["time"]),
        (r'("contract": ")\w+', event["contract"]),
        (r'("origin": .*"id": ")\w+', event["origin"]["id"]),
        (r'("id": ")bkg1\w+', event["values"]["id"]),
    ):
        shown = re.sub(pattern, rf"\g<1>{value}", shown)
    page = page[:start] + shown + page[stop:]
    height = event["height"]
    # Ids stand in texts and headers, the block before is where the shown calls begin.
    page = re.sub(rf'(height": ?|"|id: |ID: ){before}(?=[-,])', rf"\g<1>{height}", page)
    return re.sub(rf'("from": "|after=|"after": "){int(before) - 1}-', rf"\g<1>{height - 1}-", page)
