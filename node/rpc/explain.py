"""What a transaction asks for and what became of it, in people's words.

The standard contracts and the chain's own actions have sentences of their own; other contracts are
told by the names in their code. No word here needs a reader who knows how a chain works.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

from typing_extensions import TypedDict

from chain.errors import MalformedBytesError, Retry, WashError
from chain.receipt import Event, KernelEvent, Receipt, ReceiptKind
from chain.roles import Role
from chain.transaction import (
    Action,
    AddKey,
    Call,
    Change,
    GrantRole,
    Propose,
    RevokeRole,
    SetValidator,
    Transaction,
)
from chain.types import ZERO_ID
from contracts.vm.container import FunctionKind, Scalar
from contracts.vm.values import read_arguments
from node.abi import AbiType, Named, Single, flatten
from node.rpc.errors import OutcomeJson, outcome_error
from node.rpc.explain_words import Words, clean, sentences
from node.rpc.forms import snake

Tense = Literal["ask", "done"]
_KERNEL_FIELDS: dict[int, tuple[str, ...]] = {
    KernelEvent.TRANSFERRED: ("asset", "from", "to", "amount"),
    KernelEvent.ASSET_ISSUED: ("asset", "issuer"),
    KernelEvent.MINTED: ("asset", "to", "amount"),
    KernelEvent.BURNED: ("asset", "from", "amount"),
    KernelEvent.DEPLOYED: ("contract", "code", "account"),
    KernelEvent.POT_FALLBACK: ("contract", "pot", "to", "asset", "amount"),
    KernelEvent.TIMER_FAILED: ("contract", "timer", "trap", "error", "again"),
    KernelEvent.KEYS_CHANGED: ("account",),
    KernelEvent.RECOVERY_CHANGED: ("account",),
    KernelEvent.PROPOSED: ("proposal", "operator"),
    KernelEvent.DECIDED: ("proposal",),
    KernelEvent.ADMITTED: ("account", "by"),
}
_ACCOUNTS = frozenset({"from", "to", "account", "operator", "by", "issuer"})
_TELLING = frozenset({"booking.Closed", "booking.VoucherOwed", "chain.pot_fallback"})


class StepJson(TypedDict):
    """One thing that was asked for, or that happened."""

    kind: Literal["action", "event"]
    text: str


class Explained(TypedDict):
    """A sentence for all of it and a text for each step."""

    sentence: str
    steps: list[StepJson]


class _Failure(NamedTuple):
    """Why something failed, for a sentence: its code, what helps, a contract's own word."""

    code: int
    retry: Retry
    name: str | None
    is_standard: bool


@dataclass(frozen=True, slots=True)
class Explainer:
    """Puts actions, events and outcomes into one reader's words."""

    words: Words

    # Actions ------------------------------------------------------------------------------------

    def action(self, action: Action, sender: bytes, tense: Tense) -> str:
        """Return what an action asks for, or what its sender did with it."""
        form = tense if self.words.lang == "en" else "zh"
        section, key, values = self._told_by(action)
        mine = sender == self.words.me
        values["who"] = self.words.who(sender)
        values["yours"] = self.words.say("words", "yours" if mine else "theirs")
        template: str = sentences()[section][key][form]
        return template.format_map(values)

    def _told_by(self, action: Action) -> tuple[str, str, dict[str, str]]:
        if isinstance(action, Call):
            return self._call(action)
        return "chain", snake(type(action).__name__), self._plain_values(action)

    def _call(self, action: Call) -> tuple[str, str, dict[str, str]]:
        words, contract = self.words, action.contract
        abi, assets = words.facts.abi_of(contract), words.facts.assets_of(contract)
        declared = None if abi is None else abi.function(action.function, FunctionKind.ACTION)
        slot = None if declared is None else declared.payable
        funds = words.amount(None if slot is None else assets.get(slot), action.funds)
        standard = words.facts.standard_of(contract)
        template = sentences().get(standard or "", {}).get(action.function)
        if template is not None and abi is not None and declared is not None:
            values = self._arguments(contract, declared.params, action.arguments)
            if values is not None:
                assert standard is not None, "it has a template"
                return standard, action.function, {**values, "funds": funds}
        values = {
            "function": clean(action.function),
            "contract": words.contract(contract),
            "funds": funds,
        }
        return "chain", "call_paying" if action.funds else "call", values

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
        abi, assets = words.facts.abi_of(contract), words.facts.assets_of(contract)
        assert abi is not None, "whoever asks has looked it up"
        singles = list(_singles(named))
        told = {
            name: words.value(abi, assets, kind, value)
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
            told["change"] = self._change(item.change)
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
            elif isinstance(value, str):
                told[name] = clean(value)
            elif isinstance(value, tuple):
                told[name] = str(len(value))
            else:
                told[name] = str(value)
        return told

    def _change(self, change: Change) -> str:
        told = self._plain_values(change)
        if isinstance(change, GrantRole | RevokeRole):
            names = {int(role): role.name.lower() for role in Role}
            name = names.get(change.role)
            told["role"] = str(change.role) if name is None else self.words.say("roles", name)
        if isinstance(change, SetValidator):
            told["adding"] = self.words.say("words", "add" if change.power else "remove")
        return self.words.say("changes", snake(type(change).__name__), **told)

    # Events -------------------------------------------------------------------------------------

    def event(self, event: Event) -> tuple[str, bool]:
        """Return what an event tells, and whether the sentence about the whole needs it."""
        if event.contract == ZERO_ID:
            name = f"chain.{KernelEvent(event.number).name.lower()}"
            raw = dict(zip(_KERNEL_FIELDS[event.number], event.values, strict=True))
            return self.words.say("events", name, **self._kernel_values(raw)), name in _TELLING
        words = self.words
        abi = words.facts.abi_of(event.contract)
        standard = words.facts.standard_of(event.contract)
        assert abi is not None, "only contracts of the chain emit events"
        declared = abi.events[event.number]
        raw = dict(zip([name for name, _ in declared.fields], event.values, strict=True))
        name = f"{standard}.{declared.name}"
        states = {number: state for state, number in abi.enums.get("State", {}).items()}
        key = f"{name}.{states.get(raw['state'])}" if "state" in raw else name
        if key not in sentences()["events"]:
            values = {"contract": words.contract(event.contract), "event": clean(declared.name)}
            return words.say("events", "other", **values), False
        told = self._named_values(event.contract, declared.fields, event.values)
        return words.say("events", key, **told), name in _TELLING

    # The whole ----------------------------------------------------------------------------------

    def asked(self, body: Transaction, outcome: str = "ask") -> Explained:
        """Return what a transaction asks for; `outcome` "pending": that it is in progress."""
        steps = self._actions(body, "ask")
        what = self._joined(one["text"] for one in steps)
        return Explained(sentence=self.words.say("outcomes", outcome, what=what), steps=steps)

    def receipt(self, receipt: Receipt, body: Transaction | None) -> Explained:
        """Return what became of a transaction, or of a timer (`body` nil)."""
        events = [self.event(one) for one in receipt.events]
        steps = [StepJson(kind="event", text=text) for text, _ in events]
        if receipt.kind != ReceiptKind.TRANSACTION or body is None:
            return self._timer(receipt, steps)
        if not receipt.ok:
            asked = self._actions(body, "ask")
            what = self._joined(one["text"] for one in asked)
            reason = self._reason(self._failure(receipt, body))
            sentence = self.words.say("outcomes", "failed", what=what, reason=reason)
            return Explained(sentence=sentence, steps=asked)
        done = self._actions(body, "done")
        telling = [text for text, is_telling in events if is_telling]
        what = self._joined([*(one["text"] for one in done), *telling])
        sentence = self.words.say("outcomes", "final", what=what)
        return Explained(sentence=sentence, steps=[*done, *steps])

    def refused(self, error: WashError) -> Explained:
        """Return why no block contains a transaction."""
        reason = self._reason(_Failure(error.code, error.retry, None, False))
        return Explained(sentence=self.words.say("outcomes", "dropped", reason=reason), steps=[])

    def expired(self) -> Explained:
        """Return that a transaction's time was over."""
        return Explained(sentence=self.words.say("outcomes", "expired"), steps=[])

    def _timer(self, receipt: Receipt, steps: list[StepJson]) -> Explained:
        if receipt.ok:
            what = self._joined(one["text"] for one in steps)
            what = what or self.words.say("outcomes", "nothing")
            return Explained(sentence=self.words.say("outcomes", "timer", what=what), steps=steps)
        reason = self._reason(self._failure(receipt, None))
        sentence = self.words.say("outcomes", "timer_failed", reason=reason)
        return Explained(sentence=sentence, steps=steps)

    def _actions(self, body: Transaction, tense: Tense) -> list[StepJson]:
        return [
            StepJson(kind="action", text=self.action(one, body.account, tense))
            for one in body.actions
        ]

    def _joined(self, texts: Iterable[str]) -> str:
        return self.words.say("words", "joint").join(texts)

    def _failure(self, receipt: Receipt, body: Transaction | None) -> _Failure:
        facts = self.words.facts
        called = _called(receipt, body)
        abi = None if called is None else facts.abi_of(called)
        name = None if abi is None else abi.error_name(receipt.error)
        outcome: OutcomeJson = outcome_error(receipt.trap, receipt.error, name)
        standard = called is not None and facts.standard_of(called) is not None
        return _Failure(outcome["code"], outcome["retry"], outcome.get("reason"), standard)

    def _reason(self, failure: _Failure) -> str:
        words, file = self.words, sentences()
        if failure.name is not None:
            if failure.is_standard and failure.name in file["reasons"]:
                return words.say("reasons", failure.name)
            return words.say("other_reason", "named", name=clean(failure.name))
        code = str(failure.code)
        if code in file["codes"]:
            return words.say("codes", code)
        return words.say("other_reason", failure.retry, code=code)


def _called(receipt: Receipt, body: Transaction | None) -> bytes | None:
    """Return the contract that failed, if it can be only one."""
    if body is None:
        failed = [one for one in receipt.events if one.number == KernelEvent.TIMER_FAILED]
        return failed[0].values[0] if failed and failed[0].contract == ZERO_ID else None
    called = {one.contract: None for one in body.actions if isinstance(one, Call)}
    return next(iter(called)) if len(called) == 1 else None


def _singles(named: Iterable[tuple[str, AbiType]]) -> Iterable[tuple[str, Single]]:
    for name, kind in named:
        if isinstance(kind, Single):
            yield name, kind
        else:
            yield from ((f"{name}.{part}", one) for part, one in _singles(kind.fields))
