"""`washnode contract standard`: the rule book comes to a chain, contract by contract."""

from typing import Any

import click

from node.commands.common import command
from node.commands.deploying import NEW, propose_name, send_deployment
from node.commands.output import EXIT_NOT_FOUND, fail, finish, print_table, say
from node.commands.signing import Signing, signing_options
from node.commands.words import t

_PAGE = 200


@command(node=True)
@click.option("--money", default="CNY", metavar="SYMBOL", help="What people pay in. Default: CNY.")
@signing_options
def standard(*, money: str, signing: Signing) -> None:
    """Put the standard contracts on the chain and propose their names.

    What is there already stays: repeat the command after a vote, or when it was interrupted. An
    operator signs; the other operators vote on the names. A name that is taken by other code
    stays as it is: washnode gov propose upgrade brings a newer version.
    """
    from node import catalog
    from node.commands.connect import session
    from node.standard import bindings

    with session(signing.tier) as talk_to:
        options = signing.sender(talk_to)
        book = _Book(talk_to, money, options)
        facts = [book.bring(binding) for binding in bindings(catalog.SHIPPED)]

    def show_it() -> None:
        print_table(
            (t("name"), t("contract"), t("state")),
            [(one["name"], one["contract"], _say_state(one["state"])) for one in facts],
        )

    waiting = [one["name"] for one in facts if one["state"] == "proposed"]
    following = "washnode gov list" if waiting else "washnode rpc contract_list"
    finish({"contracts": facts}, show_it, next_command=following)


def _say_state(state: str) -> str:
    says = {
        "installed": t("installed"),
        "proposed": t("proposed"),
        "other_code": t("other code"),
    }
    return says[state]


class _Book:
    """What stands on the chain of the set, and what is still to be done."""

    def __init__(self, talk_to: Any, money: str, options: dict[str, Any]) -> None:
        self._talk_to, self._money, self._options = talk_to, money, options
        self._is_alone = len(talk_to.ask("gov_operators")["operators"]) == 1
        self._there = self._list()
        self._names = {one["name"]: one for one in self._there if one["name"]}
        self._ids: dict[str, str] = {}

    def _list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self._talk_to.ask("contract_list", limit=_PAGE, cursor=cursor)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def bring(self, binding: Any) -> dict[str, Any]:
        """Have one contract on the chain under its name; returns what there is now."""
        from node import catalog

        code_id = catalog.program(binding.name).code_id.hex()
        installed = self._names.get(binding.name)
        if installed is not None:
            self._ids[binding.name] = installed["contract"]
            state = "installed" if installed["code_id"] == code_id else "other_code"
            return self._facts(binding, state)
        contract = self._find(binding, code_id) or self._deploy(binding)
        self._ids[binding.name] = contract
        is_decided = propose_name(self._talk_to, binding.name, contract, self._options)
        return self._facts(binding, "installed" if is_decided else "proposed")

    def _facts(self, binding: Any, state: str) -> dict[str, Any]:
        return {"name": binding.name, "contract": self._ids[binding.name], "state": state}

    def _find(self, binding: Any, code_id: str) -> str | None:
        """Return an instance that was deployed before and has no name yet."""
        wanted = [self._ids[name] for name in binding.links.values()]
        for one in self._there:
            if one["code_id"] == code_id and one["name"] is None:
                known = self._talk_to.ask("contract_get", contract=one["contract"])
                if [link["contract"] for link in known["links"]] == wanted:
                    contract: str = one["contract"]
                    return contract
        return None

    def _deploy(self, binding: Any) -> str:
        from node import catalog
        from node.standard import POINTS_SYMBOLS

        bound = {
            slot: f"{NEW}{POINTS_SYMBOLS[slot]}" if slot in binding.issued else self._money
            for slot in binding.assets
        }
        if self._money in bound.values():
            self._check_money()
        arguments = binding.arguments_alone if self._is_alone else binding.arguments
        action = {
            "type": "deploy",
            "code": catalog.container_bytes(binding.name).hex(),
            "links": [self._ids[name] for name in binding.links.values()],
            "arguments": list(arguments.values()),
        }
        program = catalog.program(binding.name)
        final = send_deployment(
            self._talk_to, program, action, bound, self._options, policy="contracts_only"
        )
        contract: str = final.event("chain.deployed")["contract"]
        say(t("{name} is {contract}", name=binding.name, contract=contract))
        return contract

    def _check_money(self) -> None:
        from node.client import NotFound

        try:
            self._talk_to.ask("chain_getSupply", asset=self._money)
        except NotFound:
            seen = t("there is no {symbol} on this chain", symbol=self._money)
            fix = t("give its symbol with --money, or propose it: washnode gov propose asset")
            fail(seen, EXIT_NOT_FOUND, fix=fix)
