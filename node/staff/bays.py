"""Which car stands in which bay, as the tablets said: the shop's own matter, not the chain's.

`bays.json` beside the keys of staff has one car for each bay, so it can not grow, and every tablet
and a start of the node find it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from chain.errors import StoreError
from node.files import put_whole
from node.storage.disk import disk_faults

LIST = "bays.json"
BAYS_MAX = 99


class BayList:
    """The bays of the shops whose staff work on this node."""

    def __init__(self, folder: Path) -> None:
        """Read what is in a folder; a damaged list is begun anew: the tablets will say it again."""
        self._path = folder / LIST
        self._bays: dict[str, dict[int, str]] = {}
        try:
            with disk_faults(folder):
                text = self._path.read_text("utf-8") if self._path.exists() else "{}"
            found = json.loads(text)
            self._bays = {
                shop: {int(bay): car for bay, car in bays.items()} for shop, bays in found.items()
            }
        except (StoreError, ValueError, AttributeError):
            self._bays = {}

    def of(self, shop: str) -> Mapping[int, str]:
        """Return which booking stands in which bay of a shop, if anybody said so."""
        return dict(sorted(self._bays.get(shop, {}).items()))

    def put(self, shop: str, bay: int, booking: str) -> None:
        """Note that a car is in a bay now: it is in no other, and what was there is gone."""
        others = {n: car for n, car in self.of(shop).items() if car != booking}
        self._bays[shop] = {**others, bay: booking}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_whole(self._path, json.dumps(self._bays, indent=1) + "\n", replace=True)
