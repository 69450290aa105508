"""/verify: checks a passport file or slip in the browser; the same as one file from a disk."""

from functools import cache
from typing import Any

from markupsafe import Markup

from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.one_file import join_modules
from node.pages.page import Shown, Visit, page
from node.pages.shops import all_shops
from node.pages.static_files import read_text
from node.passport.reasons import chinese
from node.passport.report import sentences

FILE_NAME = "car-passport-check.html"
_KINDS = {"u8": 1, "u16": 2, "u32": 3, "uint": 4, "bool": 6, "address": 7, "hash": 8}


@page("/verify", words="verify")
async def verify(visit: Visit) -> Shown:
    """Show the page that checks; nothing of a file leaves the browser."""
    data = await _known(visit)
    return visit.show("verify.html", data=data, network=data["network"], file_name=FILE_NAME)


@page("/verify/" + FILE_NAME, words="verify")
async def saved(visit: Visit) -> Shown:
    """Give the same page as one file, for a machine without a network."""
    data = await _known(visit)
    shown = visit.show(
        "verify_saved.html",
        data=data,
        network=data["network"],
        style=Markup(read_text("style.css")),  # noqa: S704 - our own file
        script=Markup(_script()),  # noqa: S704 - our own files
    )
    shown.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return shown


@cache
def _script() -> str:
    return join_modules("verify.js", read_text)


async def _known(visit: Visit) -> dict[str, Any]:
    """Return what a reader must know from elsewhere: this node tells it at the time of asking."""
    head, contract = await visit.ask.all(
        asked("chain_head"), asked("contract_get", contract="records")
    )
    shops = await all_shops(visit)  # a shop beyond them is shown by its number
    header = head["header"]
    network = {
        "genesis": header["chain_id"],
        "checkpoint": f"{header['height']}:{header['validators_hash']}",
        "time": header["time_ms"],
        "contract": "",
        "codes": [],
        "finished": {"numbers": [], "fields": []},
    }
    if not isinstance(contract, AskError):
        network |= {
            "contract": contract["contract"],
            "codes": [contract["code_id"]],
            "finished": finished_event(contract["abi"]["events"]),
        }
    lang = visit.words.lang
    return {
        "network": network,
        "names": {one["shop"]: showing.pick_name(one["name"], lang) for one in shops},
        "sentences": {name: said[lang] for name, said in sentences().items()},
        "failures": chinese() if lang == "zh" else None,
    }


def finished_event(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the number and the fields of the event in which the work on a car ends."""
    numbers = [number for number, one in enumerate(events) if one["name"] == "Finished"]
    fields = events[numbers[0]]["fields"] if numbers else []
    return {
        "numbers": numbers,
        "fields": [{"name": one["name"], "kind": _KINDS.get(one["type"], 0)} for one in fields],
    }
