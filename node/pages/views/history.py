"""/c/history: a customer's cars, and visits to enter; /v/{vehicle}: the history of one car."""

from typing import Any

from node.pages.asking import AskError, asked
from node.pages.page import Shown, Visit, page
from node.pages.views.verify import finished_event


@page("/c/history", words="history")
async def history(visit: Visit) -> Shown:
    """Show the cars of this device, and what shops did that is in no history yet."""
    return visit.show("history.html")


@page("/v/{vehicle}", words="history")
async def vehicle(visit: Visit) -> Shown:
    """Show what is public of a car; its owner, or who was shown it, sees all records here."""
    name = visit.part("vehicle")
    found, contract, head = await visit.ask.all(
        asked("records.vehicle", vehicle=name),
        asked("contract_get", contract="records"),
        asked("chain_head"),
    )
    if isinstance(found, AskError):
        raise found
    data: dict[str, Any] = {
        "vehicle": name,
        "owner": found["owner"],
        "offered_to": found["offered_to"],
        "offered_until": found["offered_until"],
        "contract": contract["contract"],
        "finished": finished_event(contract["abi"]["events"]),
        "after": f"{head['header']['height']}-",
    }
    return visit.show("vehicle.html", vehicle=name, found=found, data=data)
