"""A world of people, money and contracts in memory; its clock goes when it is told to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from chain import ledger, timers
from chain.changes import InstallContract
from chain.errors import WashError
from chain.params import ChainParams
from chain.pots import read_pot
from chain.state import Space, State
from chain.transaction import Call, Deploy, Propose, instance_id
from contracts.vm.container import FunctionKind
from node.abi import AbiFunction
from node.workbench.built import Built, build, build_file
from node.workbench.failures import CallFailed, WorkbenchError
from node.workbench.people import OPERATOR
from node.workbench.stage import Deployed, Outcome, Stage
from node.workbench.times import read_duration, read_time
from node.workbench.timing import FailedTimer
from node.workbench.values import Values

START = "2026-01-05T00:00+00:00"  # a Monday
FUNDS_EACH = 1_000_000
_SOURCE_SUFFIX = ".wash"
_ALL = 2**53


class World(Stage):
    """People who call contracts. A name is an account as soon as it is used.

    Everybody is a member and has 10,000.00 of every asset; "operator" is the operator, who deploys.
    Time stands still until `at` or `tick` moves it; what falls due meanwhile happens in order, each
    at its own time. A call that fails raises CallFailed and changes nothing.
    """

    def __init__(
        self, *, time: int | str = START, funds: int = FUNDS_EACH, params: ChainParams | None = None
    ) -> None:
        super().__init__(read_time(time), funds, params or ChainParams(dev=1))
        self.last: Outcome | None = None
        self._people.account(OPERATOR)

    @classmethod
    def deploy(cls, source: str | Path, **bindings: Any) -> Self:
        """Return a new world with one contract; see `add`."""
        world = cls()
        world.add(source, **bindings)
        return world

    def copy(self) -> Self:
        """Return a world that goes on from here by itself."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._memory = self._memory.copy()
        people = self._people
        other._people = replace(
            people,
            memory=other._memory,
            names=dict(people.names),
            assets=dict(people.assets),
            money=set(people.money),
        )
        other._contracts, other._by_id = {}, {}
        for one in self._contracts.values():
            other._keep(one.name, one.contract, one.built)
        other.events = list(self.events)
        return other

    # Contracts ----------------------------------------------------------------------------------

    def add(
        self,
        source: str | Path,
        *,
        name: str | None = None,
        assets: Mapping[str, str] | None = None,
        links: Mapping[str, str] | None = None,
        arguments: Mapping[str, Any] | Sequence[Any] = (),
        by: str = OPERATOR,
        install: bool = False,
    ) -> str:
        """Deploy a contract from a file, or from its source; returns its name here.

        `assets` binds the contract's names of assets to symbols; what is left out is CNY, and what
        the code itself issues is an asset of its own. `links` binds names of linked contracts to
        names here; what is left out is the contract called like the link or its class, and what is
        not here is deployed from the file of that name beside.
        `install` gives it the standing of a contract that the operators installed.
        """
        built, path = _read_source(source)
        name = name or (path.stem if path else built.abi.name.lower())
        issued = built.issued()
        bound = {
            slot: (assets or {}).get(slot, slot.upper()[:12] if slot in issued else "CNY")
            for slot in built.abi.assets
        }
        _check_known("assets", assets or {}, built.abi.assets)
        _check_known("links", links or {}, built.abi.links)
        given = links or {}
        linked = [self._link(built, slot, given.get(slot), path) for slot in built.abi.links]
        contract = instance_id(self._next_origin(), 0)  # links may have been deployed meanwhile
        made = [
            self._people.asset(bound[slot], issuer=contract if slot in issued else None)
            for slot in built.abi.assets
        ]
        self._keep(name, contract, built)
        try:
            values = self._read_init(built, self._contracts[name].values, arguments)
            code = built.compiled.container_bytes
            _, self.last = self._act(
                by, Deploy(code, tuple(made), tuple(linked), values), f"deploy {name}"
            )
            if install:
                self._act(OPERATOR, Propose(InstallContract(name, contract)), f"install {name}")
        except WashError:
            del self._contracts[name], self._by_id[contract]
            raise
        return name

    def _keep(self, name: str, contract: bytes, built: Built) -> None:
        values = Values(built.abi, self._find_address, self._name_of)
        self._contracts.pop(name, None)
        self._contracts[name] = self._by_id[contract] = Deployed(name, contract, built, values)

    def _link(self, built: Built, slot: str, given: str | None, path: Path | None) -> bytes:
        interfaces = {one["name"]: one["interface"] for one in built.compiled.abi["links"]}
        names = [given] if given else [slot, interfaces[slot].lower()]
        for name in names:
            if name in self._contracts:
                return self._contracts[name].contract
        for name in names:
            beside = None if path is None else path.with_name(name + _SOURCE_SUFFIX)
            if beside is not None and beside.is_file():
                return self._contracts[self.add(beside)].contract
        known = ", ".join(self._contracts) or "none"
        text = f"link {slot}: no contract {' or '.join(names)} here ({known}); add it first"
        raise WorkbenchError(text)

    def _read_init(self, built: Built, values: Values, given: Any) -> tuple[Any, ...]:
        init = built.abi.init
        params = () if init is None else init.params
        by_place, by_name = ((), given) if isinstance(given, Mapping) else (given, {})
        return values.read_arguments("init", params, by_place, by_name)

    def _find(self, function: str, kind: FunctionKind) -> tuple[Deployed, AbiFunction]:
        owner, dot, name = function.rpartition(".")
        if not self._contracts or (dot and owner not in self._contracts):
            known = ", ".join(self._contracts) or "none"
            text = f"no contract {owner!r} in this world; there are {known}"
            raise WorkbenchError(text)
        one = self._contracts[owner] if dot else next(reversed(self._contracts.values()))
        found = one.built.abi.function(name, kind)
        if found is None:
            known = ", ".join(other.name for other in one.built.abi.functions_of(kind)) or "none"
            text = f"{one.name} has no {kind.name.lower()} {name!r}; there are {known}"
            raise WorkbenchError(text)
        return one, found

    # People -------------------------------------------------------------------------------------

    def account(self, name: str) -> bytes:
        """Return the 32 bytes of somebody's account, or of a contract."""
        return self._find_address(name)

    def give(self, name: str, amount: int, asset: str | None = None) -> None:
        """Make money for somebody out of nothing."""
        self._people.give(name, amount, asset)

    def give_role(self, name: str, role: str, *, held: bool = True) -> None:
        """Give somebody a role such as "arbiter", or take it with `held=False`."""
        self._people.give_role(name, role, held=held)

    def balance(self, name: str, asset: str | None = None) -> int:
        """Return somebody's free money in minor units."""
        account = self._find_address(name)
        return ledger.get_balance(State(self._memory), account, self._people.find_asset(asset))

    def held(self, contract: str | None = None) -> int:
        """Return what all pots of a contract hold together; by default of the newest one."""
        name = contract or next(reversed(self._contracts))
        prefix = bytes([Space.POT]) + self._find_address(name)
        stop = (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix), "big")
        state = State(self._memory)
        pots = [read_pot(state, key) for key, _data in self._memory.scan(prefix, stop, _ALL)]
        return sum(pot.amount for pot in pots if pot is not None)

    # Calls --------------------------------------------------------------------------------------

    def call(
        self,
        who: str,
        function: str,
        /,
        *arguments: Any,
        funds: int = 0,
        sponsor: str | None = None,
        signer: str | None = None,
        **named: Any,
    ) -> Any:
        """Let somebody call an action; returns what it gives, and `last` is all that it did.

        The function is one of the newest contract, or "name.function". `signer` names another key
        of the account that signs, such as one of a shop's staff. Raises CallFailed.
        """
        one, found = self._find(function, FunctionKind.ACTION)
        given = one.values.read_arguments(found.name, found.params, arguments, named)
        payer = None if sponsor is None else self._people.account(sponsor)
        action = Call(one.contract, found.name, given, funds)
        key = None if signer is None else self._people.account(signer)
        values, outcome = self._act(who, action, found.name, sponsor=payer, key=key)
        returns = None if found.returns is None else one.values.show(found.returns, values)
        worst = one.built.program.by_name[found.name].worst_case_gas
        self.last = replace(outcome, returns=returns, worst_case_gas=worst)
        return returns

    def view(self, function: str, /, *arguments: Any, **named: Any) -> Any:
        """Return what a view of the newest contract, or "name.view", says; raises CallFailed."""
        one, found = self._find(function, FunctionKind.VIEW)
        given = one.values.read_arguments(found.name, found.params, arguments, named)
        routine = one.built.program.by_name[found.name]
        values, gas = self._look(one, routine, given)
        returns = None if found.returns is None else one.values.show(found.returns, values)
        self.last = Outcome(returns, gas, routine.worst_case_gas, (), {})
        return returns

    @contextmanager
    def refuses(self, name: str) -> Iterator[None]:
        """Expect the block of code to fail with an error of this name."""
        try:
            yield
        except CallFailed as failure:
            if failure.name != name:
                text = f"expected {name}, but {failure}"
                raise AssertionError(text) from failure
            return
        text = f"expected {name}, but nothing failed"
        raise AssertionError(text)

    # Time ---------------------------------------------------------------------------------------

    def at(self, time: int | str) -> Self:
        """Go to a time; what falls due up to then happens first. A timer's failure is raised."""
        until = read_time(time)
        if until < self.now:
            text = f"{time!r} is over: it is {self.now}, and time goes forward only"
            raise WorkbenchError(text)
        failed: list[FailedTimer] = []
        while (due := timers.next_work_time(State(self._memory), self.now)) is not None:
            if due > until:
                break
            self.now = due
            failed += self._fire()
        self.now = until
        if failed:
            raise self._timer_failure(failed[0])
        return self

    def tick(self, duration: int | str) -> Self:
        """Let time pass, as by `tick("2h")`."""
        return self.at(self.now + read_duration(duration))

    def halt(self, duration: int | str) -> Self:
        """Let the chain stand still for a while; what fell due waits, deadlines move."""
        before, state = self.now, State(self._memory)
        self.now += read_duration(duration)
        timers.note_halt(state, self.params, before, self.now)
        self._memory.apply(state.changes())
        failed = self._fire()
        if failed:
            raise self._timer_failure(failed[0])
        return self

    def timers(self) -> list[tuple[int, str]]:
        """Return (when, "contract.timer") of every timer that waits, in order of time."""
        found = []
        first, stop = bytes([Space.TIMER]), bytes([Space.TIMER + 1])
        for key, data in self._memory.scan(first, stop, _ALL):
            one = self._by_id[key[1:33]]
            name = one.built.program.timers[key[33]].name
            found.append((int.from_bytes(data[:8], "big"), f"{one.name}.{name}"))
        return sorted(found)

    def seen(self, event: str) -> list[dict[str, Any]]:
        """Return the values of all events of a type: "Closed", or "deposit.Closed"."""
        return [
            one.values for one in self.events if event in {one.type, one.type.rpartition(".")[2]}
        ]


def _read_source(source: str | Path) -> tuple[Built, Path | None]:
    if isinstance(source, str) and "\n" in source:
        return build(source.encode()), None
    path = Path(source)
    return build_file(path), path


def _check_known(what: str, given: Mapping[str, str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            text = f"the contract has no {what} {name!r}; it has {', '.join(known) or 'none'}"
            raise WorkbenchError(text)
