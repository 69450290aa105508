"""Passports and slips, good and forged, with what the command line says of each."""

from base64 import b64encode
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from chain.merkle import inclusion_path
from chain.transaction import Transfer
from node import catalog
from node.passport.anchor import Anchor
from node.passport.form import read_passport, write_passport
from node.passport.report import Report
from node.passport.slip import verify_slip, write_slip
from node.passport.verify import verify_passport
from tests.make import MONEY, account, word
from tests.node.passport.garage import SHOP, Garage, four, secret
from tests.node.passport.test_forgeries import fill, replace_validator

FLIPS = 150
CONTAINER = catalog.program("records").container
GIFT = Transfer(MONEY, account("bob"), 1)


@dataclass(frozen=True, slots=True)
class Case:
    """A file, what the reader knows, and the verdict with the checks that failed."""

    name: str
    data: str
    genesis: str
    checkpoint: str
    verdict: str
    failed: list[str]
    said: list[str]
    contract: str = ""


def _case(name: str, data: bytes, anchor: Anchor, report: Report, contract: str = "") -> Case:
    genesis, known = anchor.chain_id, anchor.validators_hash
    return Case(
        name,
        b64encode(data).decode(),
        genesis.hex() if genesis else "",
        f"{anchor.height}:{known.hex()}" if known else "",
        report.verdict.value,
        [one.code for one in report.checks if one.ok is False],
        [one.sentence for one in report.checks],
        contract,
    )


def passport(name: str, data: bytes, anchor: Anchor) -> Case:
    """Return a file with the command line's verdict."""
    return _case(name, data, anchor, verify_passport(data, anchor))


def four_records(folder: Path) -> Garage:
    """Return a garage with three records, a change of secret, and one more record."""
    start, keys = four()
    made = Garage(folder, start, keys)
    made.register()
    for place in range(3):
        made.attach(made.wash(materials=place), place)
    made.rotate(3)
    made.attach(made.wash(), 0)
    return made


def passports(folder: Path) -> list[Case]:
    """Return passports: good ones, changed ones, and those of chains made at home."""
    garage = four_records(folder / "good")
    good, anchor = garage.file(), garage.anchor()
    back = garage.file(back=(1, 3))
    garage.chain.close()
    cases = [
        passport("good", good, anchor),
        passport("contents kept back", back, anchor),
        passport("no anchor", good, Anchor()),
        passport("no checkpoint", good, Anchor(anchor.chain_id)),
        passport("other network", good, replace(anchor, chain_id=word("other"))),
        passport("other validators", good, replace(anchor, validators_hash=word("other"))),
        passport("checkpoint before", good, replace(anchor, height=1)),
        passport("checkpoint after", good, replace(anchor, height=9_999)),
        passport("cut", good[:-1], anchor),
        passport("longer", good + b"\0", anchor),
        passport("nothing", b"", anchor),
    ]
    cases += [passport(name, data, anchor) for name, data in _changed(good)]
    random = Random(11)
    for place in random.sample(range(len(good)), FLIPS):
        changed = bytearray(good)
        changed[place] ^= 1 << random.randrange(8)
        cases.append(passport(f"byte {place}", bytes(changed), anchor))
    return cases + _replaced_validators(folder)


def _changed(good: bytes) -> list[tuple[str, bytes]]:
    whole = read_passport(good)
    places, content, vin = whole.places, whole.places[2].content, whole.vin
    assert content is not None
    assert vin is not None

    def at_2(**fields: Any) -> Any:
        other = replace(places[2], content=replace(content, **fields))
        return replace(whole, places=(*places[:2], other, *places[3:]))

    commit = whole.head.commit
    fewer = replace(commit, signers=b"\x03", signatures=commit.signatures[:2])
    changed = {
        f"without entry {left}": replace(whole, places=places[:left] + places[left + 1 :])
        for left in range(len(places))
    } | {
        "without the newest secret": replace(whole, secrets=whole.secrets[:1], places=places[:3]),
        "no secrets": replace(whole, secrets=()),
        "other secret": replace(whole, secrets=(whole.secrets[0], secret("9"))),
        "other vehicle": replace(whole, vehicle=word("other")),
        "fewer entries": at_2(entries=content.entries[:-1]),
        "entries turned round": at_2(entries=content.entries[::-1]),
        "no materials": at_2(materials=()),
        "a correction more": at_2(corrections=(content.record,)),
        "no number of the frame": replace(whole, vin=None),
        "small letters": replace(whole, vin=replace(vin, number=vin.number.lower())),
        "other number": replace(whole, vin=replace(vin, number=vin.number[:-1] + "2")),
        "below quorum": replace(whole, head=replace(whole.head, commit=fewer)),
        "idle piece": replace(whole, tails=(*whole.tails, bytes(64))),
        "piece twice": replace(whole, nodes=(*whole.nodes, whole.nodes[0])),
        "other code": replace(whole, code=whole.code[:-1] + bytes([whole.code[-1] ^ 1])),
        "no beginning": replace(whole, genesis=b""),
        "bad beginning": replace(whole, genesis=b"\x01"),
    }
    return [(name, write_passport(one)) for name, one in changed.items()]


def _replaced_validators(folder: Path) -> list[Case]:
    """Return passports of a chain whose only validator left, and of what it signed later."""
    true, retired = Garage(folder / "true"), Garage(folder / "retired")
    fill(true, 3)
    replace_validator(true)
    fill(retired, 1)
    while retired.chain.ledger.height <= true.chain.ledger.height:
        assert retired.chain.do("alice", GIFT).ok
    data, other = true.file(), retired.file()
    whole, bad = read_passport(data), read_passport(other)
    mixed = {
        "no steps": replace(whole, steps=()),
        "no way": replace(whole, steps=(), genesis=b""),
        "stray steps": replace(whole, genesis=b""),
        "old head": replace(whole, head=true.candidate(2), steps=(), genesis=b""),
        "other steps": replace(bad, steps=whole.steps),
        "other head": replace(bad, head=whole.head),
        "other way": replace(bad, steps=(*whole.steps, whole.head)),
        "mixed steps": replace(whole, steps=(bad.head,)),
    }
    anchors = [true.anchor(1), true.anchor(whole.steps[0].header.height), true.anchor()]
    cases = [
        passport(f"{name}, anchor {number}", found, anchor)
        for number, anchor in enumerate(anchors)
        for name, found in {
            "replaced": data,
            "retired": other,
            **{name: write_passport(one) for name, one in mixed.items()},
        }.items()
    ]
    true.chain.close()
    retired.chain.close()
    return cases


def slips(folder: Path) -> list[Case]:
    """Return slips: a good one, of receipts that end no record, and with single bits changed."""
    start, keys = four()
    garage = Garage(folder / "slips", start, keys)
    visit = word("visit")
    assert garage.chain.call(SHOP, garage.visits, "put", visit, account("alice")).ok
    garage.call(SHOP, "start", visit, bytes(32), 3)
    gifts = [garage.chain.sign("alice", GIFT) for _ in range(4)]
    finish = garage.chain.sign(SHOP, garage.action("finish", visit, 2, 1, bytes(32)))
    garage.chain.run(*gifts[:2], finish, *gifts[2:])
    ledger, anchor = garage.chain.ledger, garage.anchor()
    leaves = ledger.store.receipt_bytes(ledger.height)
    head = garage.candidate(ledger.height)
    made = [
        write_slip(head, leaves[i], (i, len(leaves)), inclusion_path(leaves, i)) for i in range(5)
    ]
    garage.chain.close()

    def one(name: str, data: bytes, known: Anchor, contract: bytes | None) -> Case:
        report = verify_slip(data, known, CONTAINER, contract)
        return _case(name, data, known, report, contract.hex() if contract else "")

    cases = [one(f"receipt {n}", data, anchor, garage.records) for n, data in enumerate(made)]
    cases.append(one("no contract", made[2], anchor, None))
    cases.append(one("other contract", made[2], anchor, word("other")))
    for place in range(0, len(made[2]), 3):
        changed = bytearray(made[2])
        changed[place] ^= 1 << place % 8
        cases.append(one(f"byte {place}", bytes(changed), anchor, garage.records))
    return cases


def plain(cases: list[Case]) -> list[dict[str, Any]]:
    """Return cases as JSON has them."""
    return [asdict(one) for one in cases]
