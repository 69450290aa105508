"""How proposals and votes are sent, and how they are shown to a person."""

from collections.abc import Mapping
from typing import Any

from node.commands.output import finish, print_facts
from node.commands.signing import Signing
from node.commands.words import t

_NAMED = {"grant_role": "account", "revoke_role": "account", "issue_asset": "issuer"}


def propose(change: dict[str, Any], signing: Signing) -> None:
    """Send a proposal and print what became of it; a change that can not be made ends with why."""
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        field = _NAMED.get(change["type"])
        if field is not None:
            change = {**change, field: talk_to.need_account(change[field])}
        found = send_proposal(talk_to, change, signing)
    finish(dict(found), lambda: _show_sent(found), next_command=follow_up(found))


def send_proposal(talk_to: Any, change: Mapping[str, Any], signing: Signing) -> dict[str, Any]:
    """Send a proposal, wait until it is final, and return it as `gov_proposal` tells it."""
    receipt = _send(
        talk_to, "gov_propose_build", {"change": change},
        {"type": "propose", "change": change}, signing,
    )  # fmt: skip
    proposed = [one for one in receipt["events"] if one.get("type") == "chain.proposed"]
    found: dict[str, Any] = talk_to.ask("gov_proposal", proposal=proposed[0]["values"]["proposal"])
    return found


def vote_for(talk_to: Any, proposal: str, signing: Signing, *, against: bool) -> dict[str, Any]:
    """Send a vote, wait until it is final, and return the proposal as it is then."""
    action = {"type": "oppose" if against else "vote", "proposal": proposal}
    asked = {"proposal": proposal, "against": against}
    _send(talk_to, "gov_vote_build", asked, action, signing)
    found: dict[str, Any] = talk_to.ask("gov_proposal", proposal=proposal)
    return found


def _send(
    talk_to: Any, method: str, asked: dict[str, Any], action: dict[str, Any], signing: Signing
) -> dict[str, Any]:
    """Ask a node whether it could be done now, which tells why not, then sign and send it."""
    from node.client.accounts import show_account

    who = signing.identity(talk_to)
    talk_to.ask(method, account=show_account(who.account), **asked)
    sponsor = signing.payer(talk_to)
    final = talk_to.wash.send([action], key=who.signer, account=who.account, sponsor=sponsor)
    receipt: dict[str, Any] = final.receipt
    return receipt


def _show_sent(found: Mapping[str, Any]) -> None:
    facts = {"proposal": found["proposal"], "state": say_state(found)}
    print_facts({**facts, "change": say_change(found["change"])})


def say_state(found: Mapping[str, Any]) -> str:
    """Return how a proposal stands, in words."""
    match found["state"]:
        case "decided":
            return t("decided, it is in force")
        case "rejected":
            return t("turned down")
        case _:
            return t(
                "open: {count} of {needed} votes, {against} against",
                count=len(found["votes"]),
                needed=found["votes_needed"],
                against=len(found["against"]),
            )


def say_change(change: Mapping[str, Any] | None) -> str:
    """Return a change in one line: its type and what it names."""
    if change is None:
        return t("unknown here")
    told = [
        f"{name}={value}"
        for name, value in change.items()
        if name not in {"type", "ready"} and value not in (None, [])
    ]
    return " ".join([str(change["type"]), *told])


def follow_up(found: Mapping[str, Any]) -> str | None:
    """Return the command that goes on from a proposal: the other operators' votes."""
    return f"washnode gov vote {found['proposal']}" if found["state"] == "open" else None
