"""Where a node's data lies unless it is told."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

NAME = "washdata"


def default_data(
    platform: str = sys.platform, environment: Mapping[str, str] | None = None
) -> Path:
    """Return the data folder's place: on Windows one whose path has plain letters only.

    A user's own folder may be called by a Chinese name, and may be copied to a cloud while the node
    writes there; `%ProgramData%` is neither.
    """
    if platform != "win32":
        return Path(NAME)
    given = os.environ if environment is None else environment
    return Path(PureWindowsPath(given.get("PROGRAMDATA") or "C:/ProgramData") / "washnode")
