"""/ops: what operators look after, as traffic lights, each with what to do about it."""

from typing import Any

from node.pages import lights
from node.pages.asking import AskError, asked
from node.pages.lists import whole_list
from node.pages.page import Shown, Visit, page

BLOCKS = 30  # of the newest, whose certificates and times are looked at
_LIST_MAX = 1_000
COVERS_SHOWN = 200  # the worst; all are counted by the light


@page("/ops", words="ops")
async def ops(visit: Visit) -> Shown:
    """Show how the network and this node are; anybody may look, as with every public method."""
    seen = await _look(visit)
    health, validators, covers = seen["health"], seen["validators"], seen["covers"]
    now = max(health["time_ms"], health["head_time_ms"])
    signed = lights.shares(validators, seen["certificates"])
    judged = [
        *lights.of_validators(validators, signed),
        lights.of_blocks(health, seen["blocks"], seen["heartbeat_ms"], is_dev=visit.setting.is_dev),
        *lights.of_node(health, seen["peers"], validators),
        *lights.of_votes(seen["proposals"], seen["features"]),
    ]
    if seen["issuers"] is not None:
        judged.append(lights.of_money(seen["issuers"], now))
    if covers is not None:
        judged.append(lights.of_cards(covers))
    warnings = health["warnings"]
    values: dict[str, Any] = {
        **seen,
        "lights": judged,
        "worst": lights.worst([*judged, *_as_lights(warnings)]),
        "signed": signed,
        "warnings": warnings,
        "say": _sayer(visit),
        "issuer_light": lambda one: lights.of_issuer(one, now),
        "cover_light": lights.of_cover,
        "now": now,
    }
    return visit.show("ops.html", data={"page": "ops"}, **values)


async def _look(visit: Visit) -> dict[str, Any]:
    """Return what the public methods tell; contracts that are not installed give None."""
    answers = await visit.ask.all(
        asked("node_health"), asked("node_peers"), asked("validator_list"),
        asked("chain_listBlocks", limit=BLOCKS), asked("chain_getParams"),
        asked("gov_features"), asked("gov_operators"), asked("money_issuers"),
    )  # fmt: skip
    for one in answers[:-1]:
        if isinstance(one, AskError):
            raise one
    health, peers, validators, blocks, params, features, deciding, issuers = answers
    proposals, _are_all = await whole_list(visit, "gov_proposals", _LIST_MAX)
    covers, covers_whole = await _covers(visit)
    newest = [one["height"] for one in blocks["items"] if one["height"]]
    found = await visit.ask.all(
        *[asked("chain_getBlock", height=height, detail="header") for height in newest]
    )
    certificates = [
        one["certificate"]
        for one in found
        if not isinstance(one, AskError) and one["certificate"] is not None
    ]
    return {
        "health": health,
        "peers": peers,
        "validators": validators,
        "blocks": [one for one in blocks["items"] if one["height"]],
        "certificates": certificates,
        "heartbeat_ms": params["values"]["heartbeat_ms"],
        "proposals": proposals,
        "features": features,
        "deciding": deciding,
        "issuers": None if isinstance(issuers, AskError) else issuers,
        "covers": None if covers is None else _worst_first(covers),
        "covers_whole": covers_whole,
        "covers_shown": COVERS_SHOWN,
    }


async def _covers(visit: Visit) -> tuple[list[dict[str, Any]] | None, bool]:
    """Return what each shop owes on cards, None without the rules of cards, and if it is all."""
    try:
        return await whole_list(visit, "shop_covers", _LIST_MAX)
    except AskError:
        return None, True


def _worst_first(covers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    order = {"red": 0, "amber": 1, "green": 2}
    return sorted(
        covers, key=lambda one: (order[lights.of_cover(one)], -one["liability"]["amount"])
    )


def _as_lights(warnings: list[dict[str, str]]) -> list[lights.Light]:
    return [lights.Light(one["code"], "amber") for one in warnings]


def _sayer(visit: Visit) -> Any:
    """Return what tells a warning of the node in the reader's language, else as the node does."""

    def say(warning: dict[str, str], what: str) -> str:
        key = f"ops.warning.{warning['code']}.{what}"
        return visit.words(key) if key in visit.words else warning[what]

    return say
