"""What a transaction asks for and what became of it, in people's words.

The standard contracts have sentences of their own beside their sources, and so have the chain's
own actions; other contracts are told by the names in their code. No word here needs a reader who
knows how a chain works.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from typing_extensions import TypedDict

from chain.changes import GrantRole, RevokeRole, SetFeature, SetValidator, UpgradeContract
from chain.errors import MalformedBytesError, Retry, WashError
from chain.receipt import Event, KernelEvent, Receipt
from chain.roles import Role
from chain.transaction import Action, AddKey, Call, Change, Propose, Transaction
from chain.types import ZERO_ID
from contracts.vm.container import FunctionKind, Scalar
from contracts.vm.values import read_arguments
from node import catalog
from node.abi import AbiType, Named, Single, flatten
from node.rpc.errors import OutcomeJson
from node.rpc.forms.kernel_events import KERNEL_ABI
from node.rpc.forms.wire_forms import snake
from node.rpc.telling.explain_words import (
    Words,
    clean,
    member_name,
    sentences,
    without_nothing,
)

Tense = Literal["ask", "done"]
_ACCOUNTS = frozenset({"from", "to", "account", "operator", "by", "issuer"})
_TELLING = frozenset({"chain.pot_fallback"})


class StepJson(TypedDict):
    """One thing that was asked for, or that happened."""

    kind: Literal["action", "event"]
    text: str


class Explained(TypedDict):
    """A sentence for all of it and a text for each step."""

    sentence: str
    steps: list[StepJson]


@dataclass(frozen=True, slots=True)
class Explainer:
    """Puts actions, events and outcomes into one reader's words."""

    words: Words

    # Actions ------------------------------------------------------------------------------------

    def action(self, action: Action, sender: bytes, tense: Tense) -> str:
        """Return what an action asks for, or what its sender did with it."""
        form = tense if self.words.lang == "en" else "zh"
        templates, values = self._told_by(action)
        mine = sender == self.words.me
        values["who"] = self.words.who(sender)
        values["yours"] = self.words.say("words", "yours" if mine else "theirs")
        return templates[form].format_map(values)

    def _told_by(self, action: Action) -> tuple[dict[str, str], dict[str, str]]:
        """Return the sentence by its forms, and what is filled in."""
        if isinstance(action, Call):
            return self._call(action)
        key = snake(type(action).__name__)
        return sentences()["chain"][key], self._plain_values(action)

    def _call(self, action: Call) -> tuple[dict[str, str], dict[str, str]]:
        words, contract = self.words, action.contract
        abi, assets = words.facts.abi_of(contract), words.facts.assets_of(contract)
        declared = None if abi is None else abi.function(action.function, FunctionKind.ACTION)
        slot = None if declared is None else declared.payable
        funds = words.amount(None if slot is None else assets.get(slot), action.funds)
        standard = words.facts.standard_of(contract)
        known = {} if standard is None else catalog.words(standard)["actions"]
        templates = known.get(action.function)
        if templates is not None and declared is not None:
            values = self._arguments(contract, declared.params, action.arguments)
            if values is not None:
                return templates, {**values, "funds": funds}
        values = {
            "function": clean(action.function),
            "contract": words.contract(contract),
            "funds": funds,
        }
        return sentences()["chain"]["call_paying" if action.funds else "call"], values

    def _arguments(
        self, contract: bytes, params: Sequence[Named], arguments: Sequence[Any]
    ) -> dict[str, str] | None:
        scalars = [Scalar(int(one.kind), one.size) for _, kind in params for one in flatten(kind)]
        try:
            return self._named_values(contract, params, read_arguments(scalars, arguments))
        except MalformedBytesError:
            return None  # the contract will refuse it too

    def _named_values(
        self, contract: bytes, named: Sequence[Named], values: Sequence[Any]
    ) -> dict[str, str]:
        words = self.words
        singles = list(_singles(named))
        told = {
            name: words.value(contract, kind, value)
            for (name, kind), value in zip(singles, values, strict=True)
        }
        by_name = {name: value for (name, _), value in zip(singles, values, strict=True)}
        if "start" in by_name and "end" in by_name:
            told["span"] = words.span(by_name["start"], by_name["end"])
        return told

    def _plain_values(self, item: Any) -> dict[str, str]:
        raw = {field.name: getattr(item, field.name) for field in fields(item)}
        told = self._kernel_values(raw)
        if isinstance(item, AddKey):
            entry = item.entry
            bounded = entry.scopes is not None or entry.limits or entry.expires_at is not None
            told["bounds"] = self.words.say("bounds", "limited" if bounded else "full")
        if isinstance(item, Propose):
            told["change"] = self.change(item.change)
        return told

    def _kernel_values(self, raw: dict[str, Any]) -> dict[str, str]:
        words, told = self.words, {}
        for name, value in raw.items():
            if name in _ACCOUNTS and isinstance(value, bytes):
                told[name] = words.account(value)
            elif name == "asset":
                told[name] = words.symbol(value)
            elif name == "amount":
                told[name] = words.amount(raw.get("asset"), value)
            elif name == "contract":
                told[name] = words.contract(value)
            elif name == "at_ms":
                told[name] = words.time(value)
            elif isinstance(value, str):
                told[name] = clean(value)
            elif isinstance(value, tuple):
                told[name] = str(len(value))
            else:
                told[name] = str(value)
        return told

    def change(self, change: Change) -> str:
        """Return what a change does that operators vote for."""
        told = self._plain_values(change)
        if isinstance(change, GrantRole | RevokeRole):
            names = {int(role): role.name.lower() for role in Role}
            name = names.get(change.role)
            told["role"] = str(change.role) if name is None else self.words.say("roles", name)
        if isinstance(change, SetValidator):
            told["adding"] = self.words.say("words", "add" if change.power else "remove")
        if isinstance(change, SetFeature):
            told["adding"] = self.words.say("words", "add" if change.height else "remove")
        if isinstance(change, UpgradeContract) and not change.at_ms:
            told["at_ms"] = self.words.say("words", "after_notice")
        return self.words.say("changes", snake(type(change).__name__), **told)

    # Events -------------------------------------------------------------------------------------

    def event(self, event: Event) -> tuple[str, bool]:
        """Return what an event tells, and whether the sentence about the whole needs it."""
        if event.contract == ZERO_ID:
            name = f"chain.{KernelEvent(event.number).name.lower()}"
            names = [name for name, _kind in KERNEL_ABI.events[event.number].fields]
            raw = dict(zip(names, event.values, strict=True))
            return self.words.say("events", name, **self._kernel_values(raw)), name in _TELLING
        words = self.words
        abi = words.facts.abi_of(event.contract)
        standard = words.facts.standard_of(event.contract)
        assert abi is not None, "only contracts of the chain emit events"
        declared = abi.events[event.number]
        known = {} if standard is None else catalog.words(standard)["events"]
        entry = known.get(declared.name)
        for (name, kind), value in zip(_singles(declared.fields), event.values, strict=True):
            if name == "state" and kind.meaning is not None:  # each state has its own sentence
                state = member_name(abi, kind.meaning[1], value)
                entry = known.get(f"{declared.name}.{state}", entry)
        if entry is None:
            values = {"contract": words.contract(event.contract), "event": clean(declared.name)}
            return words.say("events", "other", **values), False
        told = self._named_values(event.contract, declared.fields, event.values)
        raw = {n: v for (n, _), v in zip(_singles(declared.fields), event.values, strict=True)}
        text = without_nothing(entry[words.lang], raw)
        said = text.format_map(told)
        you = words.say("words", "you")
        if said.startswith(f"{you} "):
            said = you.capitalize() + said[len(you) :]
        return said, entry.get("telling", False)

    # The whole ----------------------------------------------------------------------------------

    def asked(self, body: Transaction, outcome: str = "ask") -> Explained:
        """Return what a transaction asks for; `outcome` "pending": that it is in progress."""
        steps = self._actions(body, "ask")
        what = self._joined(one["text"] for one in steps)
        return Explained(sentence=self.words.say("outcomes", outcome, what=what), steps=steps)

    def receipt(
        self, receipt: Receipt, body: Transaction | None, failure: OutcomeJson | None
    ) -> Explained:
        """Return what became of a transaction, or of a timer (`body` nil).

        `failure` is why it failed, None if it did not.
        """
        events = [self.event(one) for one in receipt.events]
        steps = [StepJson(kind="event", text=text) for text, _ in events]
        if failure is not None:
            return self._failed(failure, receipt, body, steps)
        if body is None:
            what = self._joined(one["text"] for one in steps)
            what = what or self.words.say("outcomes", "nothing")
            return Explained(sentence=self.words.say("outcomes", "timer", what=what), steps=steps)
        done = self._actions(body, "done")
        telling = [text for text, is_telling in events if is_telling]
        what = self._joined([*(one["text"] for one in done), *telling])
        sentence = self.words.say("outcomes", "final", what=what)
        return Explained(sentence=sentence, steps=[*done, *steps])

    def _failed(
        self,
        failure: OutcomeJson,
        receipt: Receipt,
        body: Transaction | None,
        steps: list[StepJson],
    ) -> Explained:
        """Return what did not go through and why."""
        reason = self._reason(failure, _called(receipt, body))
        if body is None:
            return Explained(
                sentence=self.words.say("outcomes", "timer_failed", reason=reason), steps=steps
            )
        asked = self._actions(body, "ask")
        what = self._joined(one["text"] for one in asked)
        sentence = self.words.say("outcomes", "failed", what=what, reason=reason)
        return Explained(sentence=sentence, steps=asked)

    def refused(self, error: WashError) -> Explained:
        """Return why no block contains a transaction."""
        reason = self._reason_of_code(error.code, error.retry)
        return Explained(sentence=self.words.say("outcomes", "dropped", reason=reason), steps=[])

    def expired(self) -> Explained:
        """Return that a transaction's time was over."""
        return Explained(sentence=self.words.say("outcomes", "expired"), steps=[])

    def _actions(self, body: Transaction, tense: Tense) -> list[StepJson]:
        return [
            StepJson(kind="action", text=self.action(one, body.account, tense))
            for one in body.actions
        ]

    def _joined(self, texts: Iterable[str]) -> str:
        return self.words.say("words", "joint").join(texts)

    def _reason(self, failure: OutcomeJson, called: Iterable[bytes]) -> str:
        name = failure.get("reason")
        if name is None:
            return self._reason_of_code(failure["code"], failure["retry"])
        standards = [self.words.facts.standard_of(one) for one in called]
        for standard in standards if all(standards) else ():
            assert standard is not None, "all of them are"
            known = catalog.words(standard)["errors"].get(name)
            if known is not None:
                text: str = known[self.words.lang]
                return text
        return self.words.say("other_reason", "named", name=clean(name))

    def _reason_of_code(self, code: int, retry: Retry) -> str:
        known = str(code)
        if known in sentences()["codes"]:
            return self.words.say("codes", known)
        return self.words.say("other_reason", retry, code=known)


def _called(receipt: Receipt, body: Transaction | None) -> list[bytes]:
    """Return the contracts one of which failed."""
    if body is not None:
        return [one.contract for one in body.actions if isinstance(one, Call)]
    events = [one for one in receipt.events if one.contract == ZERO_ID]
    return [one.values[0] for one in events if one.number == KernelEvent.TIMER_FAILED]


def _singles(named: Iterable[tuple[str, AbiType]]) -> Iterable[tuple[str, Single]]:
    for name, kind in named:
        if isinstance(kind, Single):
            yield name, kind
        else:
            yield from ((f"{name}_{part}", one) for part, one in _singles(kind.fields))
