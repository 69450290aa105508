"""Numbers, times and names in people's words, in two languages; the sentences stand in a file."""

import importlib.resources
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from string import Formatter
from typing import Any, Literal, Protocol

from chain.ids import encode_id
from chain.types import BASIS_POINTS, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from contracts.vm.container import Kind
from node import catalog
from node.abi import ContractAbi, Single

Lang = Literal["en", "zh"]
_PART = re.compile(r"\[([^\[\]]*)\]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT_LENGTH_MAX = 80
_ID_HEAD, _ID_TAIL = 10, 4
_BYTES_HEAD = 8


class Facts(Protocol):
    """What the chain knows that a sentence needs."""

    def asset_record(self, asset: bytes) -> tuple[str, int] | None:
        """Return (symbol, decimals) of an asset, or None if it is unknown."""
        ...

    def name_of(self, contract: bytes) -> str | None:
        """Return the name under which a contract is installed, or None."""
        ...

    def shop_name(self, account: bytes) -> str | None:
        """Return the name of a shop that the operators admitted, or None."""
        ...

    def standard_of(self, contract: bytes) -> str | None:
        """Return which of the contracts with sentences of their own this one is, or None."""
        ...

    def abi_of(self, contract: bytes) -> ContractAbi | None:
        """Return the ABI of a contract, or None if there is no such contract."""
        ...

    def assets_of(self, contract: bytes) -> dict[str, bytes]:
        """Return the assets that a contract is bound to by their names in its code."""
        ...


@cache
def sentences() -> dict[str, Any]:
    """Return the file of sentences."""
    data = (importlib.resources.files("node.rpc.telling") / "explain_sentences.json").read_bytes()
    found: dict[str, Any] = json.loads(data)
    return found


def clean(text: str) -> str:
    """Return a stranger's text so that it can neither hide nor break out of a sentence."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    plain = plain.replace('"', "'")
    return plain if len(plain) <= _TEXT_LENGTH_MAX else plain[:_TEXT_LENGTH_MAX] + "..."


def without_nothing(template: str, values: Mapping[str, Any]) -> str:
    """Return a sentence without its parts in square brackets that tell of no number but zeros."""

    def keep(found: re.Match[str]) -> str:
        told = [values[name] for _, name, _, _ in Formatter().parse(found[1]) if name]
        return found[1] if any(one for one in told if isinstance(one, int)) else ""

    return _PART.sub(keep, template)


def member_name(abi: ContractAbi, enum: str, value: int) -> str:
    """Return the name of a number in an enum of a contract, else the number."""
    members = abi.enums.get(enum, {})
    return next((name for name, number in members.items() if number == value), str(value))


def short(text: str) -> str:
    """Return the beginning and the end of an id."""
    return f"{text[:_ID_HEAD]}…{text[-_ID_TAIL:]}"


@dataclass(frozen=True, slots=True)
class Words:
    """How things are called in one language, for one reader.

    `me` is the account that is "you", `offset_min` the reader's time zone. `is_full`: accounts are
    written in full, as in what somebody is asked to confirm.
    """

    facts: Facts
    lang: Lang
    me: bytes | None = None
    offset_min: int = 0
    is_full: bool = False

    def say(self, section: str, key: str, /, **values: str) -> str:
        """Return the sentence of a section of the file, filled in."""
        template: str = sentences()[section][key][self.lang]
        return template.format_map(values)

    def account(self, account: bytes) -> str:
        """Return how an account is called: you, by a shop's name, or by its id."""
        if account == self.me:
            return self.say("words", "you")
        text = encode_id("acct", account)
        text = text if self.is_full else short(text)
        shop = self.facts.shop_name(account)
        return text if shop is None else f'"{clean(shop)}" ({text})'

    def who(self, account: bytes) -> str:
        """Return an account as the beginning of a sentence."""
        text = self.account(account)
        return text.capitalize() if account == self.me else text

    def contract(self, contract: bytes) -> str:
        """Return a contract's name, or its id."""
        name = self.facts.name_of(contract)
        text = encode_id("ctr", contract)
        if name is not None:
            return f'"{clean(name)}"'
        return text if self.is_full else short(text)

    def symbol(self, asset: bytes | None) -> str:
        """Return what an asset is called."""
        record = None if asset is None else self.facts.asset_record(asset)
        if record is None:
            return "?" if asset is None else short(encode_id("ast", asset))
        return clean(record[0])

    def amount(self, asset: bytes | None, amount: int) -> str:
        """Return money with the decimals of its asset: 12.00 CNY."""
        record = None if asset is None else self.facts.asset_record(asset)
        decimals = 0 if record is None else record[1]
        whole, rest = divmod(amount, 10**decimals)
        digits = f"{whole:,}" + (f".{rest:0{decimals}d}" if decimals else "")
        return f"{digits} {self.symbol(asset)}"

    def _zone(self) -> str:
        if not self.offset_min:
            return "UTC"
        hours, minutes = divmod(abs(self.offset_min), 60)
        return f"UTC{'-' if self.offset_min < 0 else '+'}{hours:02d}:{minutes:02d}"

    def _moment(self, time_ms: int) -> datetime | None:
        zone = timezone(timedelta(minutes=self.offset_min))
        try:
            return (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(zone)
        except OverflowError:
            return None

    def time(self, time_ms: int) -> str:
        """Return a time to the minute: Tue 2026-01-06 10:00 UTC."""
        moment = self._moment(time_ms)
        if moment is None:
            return self.say("words", "no_time")
        return f"{self._day(moment)} {moment:%H:%M} {self._zone()}"

    def _day(self, moment: datetime) -> str:
        weekday = self.say("words", "weekdays").split()[moment.weekday()]
        day = f"{moment:%Y-%m-%d}"
        return f"{day} {weekday}" if self.lang == "zh" else f"{weekday} {day}"

    def span(self, start_ms: int, end_ms: int) -> str:
        """Return from when to when: Tue 2026-01-06 10:00 to 10:30 UTC."""
        start, end = self._moment(start_ms), self._moment(end_ms)
        to = self.say("words", "to")
        if start is None or end is None:
            return f"{self.time(start_ms)} {to} {self.time(end_ms)}"
        later = "" if start.date() == end.date() else f"{self._day(end)} "
        return f"{self._day(start)} {start:%H:%M} {to} {later}{end:%H:%M} {self._zone()}"

    def duration(self, duration_ms: int) -> str:
        """Return a length of time in its two greatest units: 1 h 30 min."""
        parts = []
        rest = duration_ms
        for unit, size in (
            ("day", DAY_MS), ("hour", HOUR_MS), ("minute", MINUTE_MS), ("second", SECOND_MS),
        ):  # fmt: skip
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{count} {self.say('words', unit)}")
        return " ".join(parts[:2]) or f"0 {self.say('words', 'second')}"

    def share(self, basis_points: int) -> str:
        """Return a part of the whole: 12.5 %."""
        whole, rest = divmod(basis_points * 100, BASIS_POINTS)
        digits = f"{whole}.{rest // 100:02d}".rstrip("0").rstrip(".")
        return f"{digits} %"

    def value(self, contract: bytes, kind: Single, value: Any) -> str:
        """Return a value of a contract, which there is, by what it means."""
        meaning, detail = kind.meaning or ("", "")
        tellers: dict[str, Callable[[], str]] = {
            "money": lambda: self.amount(self.facts.assets_of(contract).get(detail), value),
            "time": lambda: self.time(value),
            "duration": lambda: self.duration(value),
            "ratio": lambda: self.share(value),
            "id": lambda: short(encode_id(detail, value)),
            "enum": lambda: self.enum(contract, detail, value),
        }
        return tellers[meaning]() if meaning in tellers else self._plain(kind, value)

    def _plain(self, kind: Single, value: Any) -> str:
        if kind.kind == Kind.ADDR:
            return self.account(value)
        if kind.kind == Kind.BOOL:
            return self.say("words", "yes" if value else "no")
        if kind.kind == Kind.TEXT:
            return clean(value if isinstance(value, str) else value.decode())
        return f"{value[:_BYTES_HEAD].hex()}…" if isinstance(value, bytes) else str(value)

    def enum(self, contract: bytes, enum: str, value: int) -> str:
        """Return the word for a member of a contract's enum, else its name in small letters."""
        abi, standard = self.facts.abi_of(contract), self.facts.standard_of(contract)
        name = str(value) if abi is None else member_name(abi, enum, value)
        known = {} if standard is None else catalog.words(standard)["statuses"].get(name, {})
        told: str | None = known.get(self.lang)
        return name.lower().replace("_", " ") if told is None else told
