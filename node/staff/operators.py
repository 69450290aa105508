"""What operators do with a key under a PIN; for the rest their keys lie elsewhere."""

from collections.abc import Mapping
from typing import Final

OPERATOR: Final = 0  # the duty of whoever logs in for an operator's or an admitter's account
# What they call besides proposals, votes and admissions, which are the chain's own.
CALLS: Final[Mapping[str, tuple[str, ...]]] = {
    "shops": ("set_status",),
    "money": ("block", "unblock"),
    "admissions": ("take_back",),
    "reviews": ("judge_text",),
}
