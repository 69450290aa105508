"""/b/{id}/receipt: what was done and paid, to print."""

from typing import Any

from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.page import Shown, Visit, page
from node.pages.qr import draw_qr


@page("/b/{id}/receipt", words="receipt")
async def receipt(visit: Visit) -> Shown:
    """Show the receipt of a visit, for whoever has its number."""
    name = visit.part("id")
    booking = await visit.ask("booking.booking", id=name)
    shop, number = booking["shop"], booking["service"]
    record, profile, service, names, held, events = await visit.ask.all(
        asked("shops.shop", shop=shop),
        asked("shops.profile", shop=shop),
        asked("shops.service", shop=shop, service=number),
        asked("shops.description", shop=shop, service=number),
        asked("booking.held_money", id=name),
        asked("events_query", filter={"type": "booking.*", "values": {"id": name}}, limit=200),
    )
    lang = visit.words.lang
    label = visit.words("receipt.agreed")
    if not isinstance(service, AskError):
        own = "" if isinstance(names, AskError) else names[f"name_{lang}"]
        label = own or showing.pick_name(service["name"], lang)
    parts = _parts(events["items"])
    origin = visit.setting.url or f"{visit.request.scheme}://{visit.request.host}"
    return visit.show(
        "receipt.html",
        id=name,
        booking=booking,
        shop=shop,
        record=record,
        profile=profile,
        zone=showing.zone_of(profile["zone"], visit.setting.zone),
        label=label,
        price=parts.pop("agreed") or booking["total"],
        held=held,
        **parts,
        code=draw_qr(f"{origin}/b/{name}", visit.words("receipt.code")),
    )


def _parts(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what came on top of the price or was taken off, and how the visit ended."""
    kinds = [(str(one["type"]).rpartition(".")[2], one) for one in events]

    def of(kind: str) -> list[dict[str, Any]]:
        return [one["values"] for found, one in kinds if found == kind]

    asked_for = {one["number"]: one["work"] for one in of("ExtraAsked")}
    extras = [(asked_for.get(one["number"], ""), one["price"]) for one in of("ExtraApproved")]
    discounts = [one["discount"] for one in of("VoucherUsed")]
    agreed = next((one["total"] for one in of("Requested")), None)
    closed = next((one for kind, one in reversed(kinds) if kind == "Closed"), None)
    return {"extras": extras, "discounts": discounts, "closed": closed, "agreed": agreed}
