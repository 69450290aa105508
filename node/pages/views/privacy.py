"""/c/privacy: who sees what about a customer until when, questions, readings, and erasing."""

from node.pages.page import Shown, Visit, page


@page("/c/privacy", words="privacy")
async def privacy(visit: Visit) -> Shown:
    """Show what can be shown to everybody; the rest comes by the customer's own key."""
    return visit.show("privacy.html")
