"""The files of the protocol: `python -m tests.chain.protocol_files` writes them anew.

They are tests/vectors/protocol/*.json, the tables between markers in docs/protocol.md, and that of
instructions in docs/contracts.md. Tests compare them with what the code gives; a difference in a
vector is a change of the protocol.
"""

import json
import re
from pathlib import Path
from typing import Any

from chain import types as limits
from chain.codec import DEPTH_MAX
from chain.errors import WashError
from chain.params import ChainParams
from chain.receipt import KernelEvent
from chain.roles import Role
from chain.state import Space
from chain.transaction import Call, Transfer
from contracts import actions, execution, firing, host, instances
from contracts.lang.reference import replace_table
from contracts.vm import container
from contracts.vm.gas import TIMER_WCG_MAX
from contracts.vm.traps import TrapKind
from tests.chain import protocol_vectors as first
from tests.chain import protocol_vectors_handles as fifth
from tests.chain import protocol_vectors_recovery as fourth
from tests.chain import protocol_vectors_state as second
from tests.chain import protocol_vectors_votes as third

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "vectors" / "protocol"
DOCUMENT = ROOT / "docs" / "protocol.md"
LANGUAGE = ROOT / "docs" / "contracts.md"


def all_vectors() -> dict[str, dict[str, Any]]:
    """Return every vector file's content by its name."""
    return {
        "codec": first.codec_vectors(),
        "hashes": first.hash_vectors(),
        "transactions": first.transaction_vectors(),
        "receipts": first.receipt_vectors(),
        "blocks": first.block_vectors(),
        "votes": third.vote_vectors(),
        "proposers": third.proposer_vectors(),
        "recovery": fourth.recovery_vectors(),
        "readiness": second.readiness_vectors(),
        "state": second.state_vectors(),
        "tree": second.tree_vectors(),
        "nonces": second.nonce_vectors(),
        "timers": second.timer_vectors(),
        "genesis": second.genesis_vectors(),
        "contracts": second.contract_vectors(),
        "handles": fifth.handle_vectors(),
    }


def written(content: dict[str, Any]) -> str:
    """Return a vector file's text."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def number(value: int) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,}"


def error_rows() -> list[tuple[object, ...]]:
    """Return (code, name, retry) of every error of the ledger, by code."""
    found: list[type[WashError]] = []
    waiting = [WashError]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        if one.__module__.startswith(("chain.", "contracts.execution")):
            found.append(one)
    found.sort(key=lambda one: (one.code, one.__name__))
    return [(one.code, f"`{one.__name__}`", one.retry) for one in found]


def tables() -> dict[str, str]:
    """Return every generated table by its marker."""
    gas = {
        "a transaction": execution.TX_BASE_GAS,
        "each signature": execution.SIGNATURE_GAS,
        f"each {execution.BYTES_PER_GAS} bytes of signed bytes (rounded down)": 1,
        "`Transfer`": actions._GAS[Transfer],
        "`Call` itself": actions._GAS[Call],
        "any other action": actions.KERNEL_ACTION_GAS,
        "each byte of a deployed container": actions.DEPLOY_GAS_PER_BYTE,
        "a timer, beside its code": firing.TIMER_OVERHEAD_GAS,
        "a fallback": firing.FALLBACK_GAS,
    }
    bounds = {
        "nesting of arrays in a value": DEPTH_MAX,
        "pending timers of an instance that nobody installed": host.PENDING_TIMERS_MAX,
        "how far ahead such an instance may set a timer, ms": host.TIMER_AHEAD_MAX_MS,
        "timers set by one call": host.SCHEDULES_PER_CALL_MAX,
        "events of contracts in one transaction or firing": host.EVENTS_PER_ORIGIN_MAX,
        "depth of links between instances": instances.LINK_DEPTH_MAX,
        "tries of a timer": firing.TRIES_MAX,
        "worst-case gas of a timer": TIMER_WCG_MAX,
    }
    rows: list[tuple[object, ...]] = [(name, number(value)) for name, value in bounds.items()]
    for module in (limits, container):
        rows += [
            (f"`{name}`", number(value))
            for name, value in sorted(vars(module).items())
            if name.endswith(("_MAX", "_WINDOW"))
            and isinstance(value, int)
            and name != "SAFE_INT_MAX"
        ]
    params = ChainParams()
    return {
        "gas": table(("what", "gas"), [(name, number(value)) for name, value in gas.items()]),
        "limits": table(("limit", "value"), list(dict.fromkeys(rows))),
        "params": table(
            ("place", "parameter", "default"),
            [(i, f"`{n}`", number(getattr(params, n))) for i, n in enumerate(params.__slots__)],
        ),
        "spaces": table(("byte", "space"), [(f"`{one:02x}`", one.name) for one in Space]),
        "roles": table(("bit", "role"), [(int(one), one.name.lower()) for one in Role]),
        "events": table(("number", "event"), [(int(one), one.name) for one in KernelEvent]),
        "traps": table(("number", "trap"), [(int(one), one.name) for one in TrapKind]),
        "errors": table(("code", "error", "retry"), error_rows()),
    }


def with_tables(text: str) -> str:
    """Return the document with every generated table made anew."""
    for name, content in tables().items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), flags=re.DOTALL)
        assert pattern.search(text), f"docs/protocol.md lacks the markers of {name}"
        text = pattern.sub(lambda _found, a=start, c=content, e=end: f"{a}\n{c}\n{e}", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in all_vectors().items():
        (FOLDER / f"{name}.json").write_text(written(content), encoding="utf-8")
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8")), encoding="utf-8")
    LANGUAGE.write_text(replace_table(LANGUAGE.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
