"""`washnode gov`: what the operators decide together."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from node.client import NotFound
from node.commands.common import group
from node.commands.gov_notice import check_notice, warn_of_notice
from node.commands.gov_ways import follow_up, propose, say_change, say_state, vote_for
from node.commands.output import (
    EXIT_REJECTED,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    print_facts,
    print_table,
    print_text,
)
from node.commands.signing import Signing, signing_options
from node.commands.values import parse_time
from node.commands.words import t

PAGE_ITEMS = 200
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@group()
def gov() -> None:
    """Propose changes to the other operators, and vote.

    More than two thirds of the operators decide. A change that can not be made is refused when it
    is proposed, with the reason.
    """


@gov.group(name="propose")
def propose_group() -> None:
    """Put a change to the vote; the own vote is in it."""


@propose_group.group()
def validator() -> None:
    """Add or remove a computer that decides on blocks."""


@validator.command(node=True)
@click.argument("public_key", metavar="[KEY]", required=False)
@click.option(
    "--ready",
    type=_FILE,
    required=True,
    metavar="FILE",
    help="The candidate's proof: washnode validator ready. Good for 50 blocks.",
)
@signing_options
def add(*, public_key: str | None, ready: Path, signing: Signing) -> None:
    """Propose that the candidate with a public key decides too."""
    proof = read_proof(ready)
    if public_key is not None and public_key != proof.key:
        fix = t("it is of {key}", key=proof.key)
        fail(t("{file} is the proof of another key", file=ready), EXIT_USAGE, fix=fix)
    propose(proof.change(), signing)


def read_proof(file: Path) -> Any:
    """Return the proof of readiness in a file, or end the command."""
    from chain.errors import NotReadyError
    from node.storage.ready_file import read_ready_file

    try:
        return read_ready_file(file)
    except NotReadyError as error:
        fix = t("make one on the candidate's computer: washnode validator ready")
        raise CommandError(str(error), EXIT_REJECTED, fix=fix, code=error.code) from error


@validator.command(node=True)
@click.argument("public_key", metavar="KEY")
@signing_options
def remove(*, public_key: str, signing: Signing) -> None:
    """Propose that the validator with a public key decides no more."""
    propose({"type": "set_validator", "key": public_key, "power": 0}, signing)


@propose_group.command(node=True)
@click.argument("name")
@click.argument("value", type=int)
@signing_options
def param(*, name: str, value: int, signing: Signing) -> None:
    """Propose another value of a chain parameter: washnode rpc chain_getParams lists them."""
    propose({"type": "set_param", "name": name, "value": value}, signing)


@propose_group.group()
def role() -> None:
    """Give a role to an account, or take it."""


_ROLE = click.Choice(["member", "operator", "deployer", "admitter", "arbiter", "observer"])


@role.command(node=True)
@click.argument("account")
@click.argument("name", metavar="ROLE", type=_ROLE)
@signing_options
def grant(*, account: str, name: str, signing: Signing) -> None:
    """Propose that an account gets a role."""
    propose({"type": "grant_role", "account": account, "role": name}, signing)


@role.command(node=True)
@click.argument("account")
@click.argument("name", metavar="ROLE", type=_ROLE)
@signing_options
def revoke(*, account: str, name: str, signing: Signing) -> None:
    """Propose that an account loses a role. Two operators are enough to stop an admitter."""
    propose({"type": "revoke_role", "account": account, "role": name}, signing)


@propose_group.command(node=True)
@click.argument("symbol")
@click.option("--issuer", required=True, metavar="NAME", help="The account that will mint it.")
@click.option("--decimals", type=click.IntRange(0, 18), default=2, help="Default: 2.")
@click.option(
    "--policy",
    type=click.Choice(["open", "to_members", "contracts_only"]),
    default="to_members",
    help="Who may hold it. Default: to_members.",
)
@signing_options
def asset(*, symbol: str, issuer: str, decimals: int, policy: str, signing: Signing) -> None:
    """Propose a new asset of the chain's own."""
    change = {"type": "issue_asset", "symbol": symbol, "decimals": decimals, "policy": policy}
    propose({**change, "issuer": issuer, "contracts": []}, signing)


@propose_group.command(node=True)
@click.argument("name")
@click.argument("contract")
@signing_options
def contract(*, name: str, contract: str, signing: Signing) -> None:
    """Propose that a contract gets a name, and the standing of a standard contract."""
    propose({"type": "install_contract", "name": name, "contract": contract}, signing)


@propose_group.command(node=True)
@click.argument("name")
@click.argument("height", type=click.IntRange(min=1), required=False)
@click.option("--withdraw", is_flag=True, help="Take it back; until its height has come.")
@signing_options
def feature(*, name: str, height: int | None, withdraw: bool, signing: Signing) -> None:
    """Propose that a new rule of the program is in force from a height on.

    At least 1,000 blocks ahead, and best so far that it comes in more than 14 days: a node whose
    program does not know the rule warns from the vote on and stops before that height.
    """
    from node.commands.connect import session

    if (height is None) != withdraw:
        fail(t("give a HEIGHT, or --withdraw"), EXIT_USAGE)
    if height is not None:
        with session() as talk_to:
            check_notice(talk_to, height, is_dev=talk_to.is_dev)
    propose({"type": "set_feature", "name": name, "height": height or 0}, signing)


@propose_group.command(node=True)
@click.argument("contract")
@click.argument("code_id", metavar="CODE")
@click.option("--asset", "assets", multiple=True, help="An asset that the code has besides.")
@click.option("--link", "links", multiple=True, help="A contract that it links to besides.")
@click.option("--at", metavar="TIME", help="Not before this time. Default: after the notice.")
@click.option("--withdraw", is_flag=True, help="Take back an upgrade that waits.")
@signing_options
def upgrade(
    *,
    contract: str,
    code_id: str,
    assets: tuple[str, ...],
    links: tuple[str, ...],
    at: str | None,
    withdraw: bool,
    signing: Signing,
) -> None:
    """Propose that an installed contract runs other code, whose id CODE is on the chain.

    It begins after the notice that the chain asks for (30 days, if nothing else was decided). It
    keeps all that the contract has stored, and the contracts that use it must still fit.
    """
    if withdraw:
        if assets or links or at is not None:
            fail(t("--withdraw needs the CONTRACT and the CODE only"), EXIT_USAGE)
        propose({"type": "withdraw_upgrade", "contract": contract, "code_id": code_id}, signing)
        return
    at_ms = 0 if at is None else parse_time(at)
    if at_ms is None:
        fail(t("{text} is no time; write 2026-01-31T10:00Z", text=at), EXIT_USAGE)
    change = {"type": "upgrade_contract", "contract": contract, "code_id": code_id}
    bound = {"assets": list(assets), "links": list(links), "at_ms": at_ms}
    propose({**change, **bound}, signing)


@propose_group.command(node=True)
@click.argument("asset")
@click.argument("contract")
@signing_options
def issuer(*, asset: str, contract: str, signing: Signing) -> None:
    """Propose that only an installed contract issues an asset of the chain's own."""
    propose({"type": "set_issuer", "asset": asset, "contract": contract}, signing)


@propose_group.command(node=True)
@click.argument("asset")
@click.argument("contracts", nargs=-1, required=True)
@signing_options
def holders(*, asset: str, contracts: tuple[str, ...], signing: Signing) -> None:
    """Propose which contracts may hold an asset of the chain's own, these and no others."""
    change = {"type": "allow_contracts", "asset": asset, "contracts": list(contracts)}
    propose(change, signing)


@gov.command(node=True)
@click.argument("proposal", metavar="ID")
@click.option("--against", is_flag=True, help="Be against it; an own vote is taken back.")
@signing_options
def vote(*, proposal: str, against: bool, signing: Signing) -> None:
    """Vote for a proposal: washnode gov show ID tells what it is about.

    With enough votes it is in force at once; with too many against it, it is closed.
    """
    from node.commands.connect import session

    with session(signing.tier) as talk_to:
        if not against:
            with suppress(NotFound):  # the vote tells that there is none
                warn_of_notice(talk_to, talk_to.ask("gov_proposal", proposal=proposal))
        found = vote_for(talk_to, proposal, signing, against=against)
    _finish_with(found)


@gov.command("list", node=True)
def list_command() -> None:
    """List the proposals that wait for votes."""
    from node.commands.connect import session

    with session() as talk_to:
        page = talk_to.ask("gov_proposals", limit=PAGE_ITEMS)
    items = page["items"]
    rows = [
        (one["proposal"], f"{len(one['votes'])}/{one['votes_needed']}", say_change(one["change"]))
        for one in items
    ]

    def show_it() -> None:
        if not rows:
            print_text(t("Nothing waits for votes."))
            return
        print_table((t("proposal"), t("votes"), t("change")), rows)
        if page["next_cursor"]:
            print_text(t("... and more: washnode rpc gov_proposals cursor={cursor}",
                         cursor=page["next_cursor"]))  # fmt: skip

    following = f"washnode gov show {items[0]['proposal']}" if items else None
    finish({"items": items, "next_cursor": page["next_cursor"]}, show_it, next_command=following)


@gov.command(node=True)
@click.argument("proposal", metavar="ID")
def show(*, proposal: str) -> None:
    """Show a proposal: what it changes, and who is for it and against it."""
    from node.commands.connect import session

    with session() as talk_to:
        found = talk_to.ask("gov_proposal", proposal=proposal)
        warn_of_notice(talk_to, found)
    _finish_with(found)


def _finish_with(found: Mapping[str, Any]) -> None:
    def show_it() -> None:
        facts = {
            "proposal": found["proposal"],
            "state": say_state(found),
            "change": say_change(found["change"]),
            "proposed_at": found["proposed_at"],
            "decided_at": found["decided_at"],
        }
        print_facts({name: value for name, value in facts.items() if value is not None})
        for mark, names in ((t("for"), found["votes"]), (t("against"), found["against"])):
            for one in names:
                print_text(f"{mark}  {one}")

    finish(dict(found), show_it, next_command=follow_up(found))
