"""Reviews as pages show them: scores from the chain, texts from the node that keeps them."""

from typing import Any

from chain.types import DAY_MS
from node.pages.asking import AskError, asked
from node.pages.page import Visit

EDIT_MS = 7 * DAY_MS  # a review is changed within this, once
_HASH_LETTERS = 64
SCORES = ("clean", "on_time", "staff", "value")


async def read_reviews(visit: Visit, visits: list[str]) -> list[dict[str, Any]]:
    """Return the reviews of visits that have one, with what is known of text and reply."""
    questions = [
        question
        for one in visits
        for question in (
            asked("reviews.review_of", visit=one),
            asked("letter_get", about=one, brief=True),
        )
    ]
    answers = await visit.ask.all(*questions) if questions else []
    found = []
    for one, review, letters in zip(visits, answers[::2], answers[1::2], strict=True):
        if isinstance(review, AskError):
            continue
        said = [] if isinstance(letters, AskError) else letters["letters"]
        by_role = {letter["role"]: {**letter, "about": one} for letter in said}
        told = {"visit": one, "said": by_role.get("text"), "answer": by_role.get("reply")}
        found.append({**review, **told})
    return found


async def list_reviews(visit: Visit, shop: str, last: int, count: int) -> list[dict[str, Any]]:
    """Return a shop's reviews up to a number, the newest first."""
    first = max(1, last - count + 1)
    if last < 1:
        return []
    listed = await visit.ask("reviews.reviews_of", shop=shop, first=first)
    visits = [listed[at : at + _HASH_LETTERS] for at in range(0, len(listed), _HASH_LETTERS)]
    return list(reversed(await read_reviews(visit, visits[: last - first + 1])))


def may_edit(review: dict[str, Any], now_ms: int) -> bool:
    """Tell whether a change of a review makes sense now: once, within seven days."""
    return not review["edited_at"] and now_ms <= review["posted_at"] + EDIT_MS


def for_script(review: dict[str, Any]) -> dict[str, Any]:
    """Return what the form for a change begins with, and which text the node still lacks."""
    said = review["said"]
    return {
        "scores": review["scores"],
        "reasons": review["reasons"],
        "text": "" if said is None else said["text"] or "",
        "picture": said is not None and said["picture"],
        "lacks": said["name"] if said is not None and said["state"] == "elsewhere" else None,
    }
