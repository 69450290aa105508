"""What a genesis of several members says, for people and programs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from node.commands.output import print_text
from node.commands.words import t

if TYPE_CHECKING:
    from node.ceremony.entry import Entry
    from node.ceremony.gathering import Gathering

_LABEL_COLUMNS = 9


def genesis_facts(found: "Gathering") -> dict[str, Any]:
    """Return everything that members should look at before they sign."""
    from chain.genesis import ParamsModel
    from node.ceremony.gathering import chain_words

    genesis, draft = found.genesis(), found.draft
    usual = ParamsModel().model_dump()
    validators = genesis.validator_set()
    return {
        "name": draft.name,
        "chain_id": genesis.chain_id().hex(),
        "words": chain_words(genesis.chain_id()),
        "time": draft.time_ms,
        "quorum": {
            "rule": draft.quorum,
            "needed": validators.quorum,
            "validators": len(validators.keys),
        },
        "params": {
            name: value for name, value in draft.params.model_dump().items() if value != usual[name]
        },
        "assets": [
            {
                "symbol": one.symbol,
                "decimals": one.decimals,
                "issuer": _account(one.issuer),
                "policy": one.policy,
            }
            for one in draft.assets
        ],
        "members": [_member_facts(one) for one in found.members],
    }


def _member_facts(entry: "Entry") -> dict[str, Any]:
    return {
        "name": entry.name,
        "account": _account(entry.account),
        "validator": entry.validator,
        "roles": list(entry.roles),
        "url": entry.url or None,
        "balances": dict(entry.balances),
    }


def _account(account: str) -> str:
    from chain.ids import encode_id

    return encode_id("acct", bytes.fromhex(account))


def showing(facts: dict[str, Any]) -> Callable[[], None]:
    """Return what prints such facts as lines, the words last."""

    def show_it() -> None:
        from node.commands.events import show_time

        quorum = facts["quorum"]
        _line("chain", facts["name"])
        _line("chain id", facts["chain_id"])
        _line("begins", show_time(facts["time"]))
        counts = {"needed": quorum["needed"], "count": quorum["validators"]}
        decided = t("{needed} of {count} validators decide", **counts)
        _line("quorum", f"{quorum['rule']}: {decided}")
        for name, value in facts["params"].items():
            _line("param", f"{name}={value}")
        for asset in facts["assets"]:
            _line("asset", f"{asset['symbol']}  {asset['policy']}  {asset['issuer']}")
        for member in facts["members"]:
            _show_member(member)
        print_text(t("Read these words aloud; every member must have the same:"))
        print_text("  " + " ".join(facts["words"]))

    return show_it


def _show_member(member: dict[str, Any]) -> None:
    parts = [f"{member['name']!r}", member["account"], *member["roles"][1:]]
    if member["validator"]:
        parts.append("validator " + member["validator"])
    if member["url"]:
        parts.append(member["url"])
    parts += [f"{symbol}={amount}" for symbol, amount in member["balances"].items()]
    _line("member", "  ".join(parts))


def _line(label: str, text: str) -> None:
    print_text(f"{label:<{_LABEL_COLUMNS}}  {text}")
