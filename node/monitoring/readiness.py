"""May this node be sent work? What /health/ready answers, with what to do if it may not."""

from dataclasses import asdict, dataclass
from typing import Any

from node.live.hearing import BEHIND_MAX, hears_nobody, heights_behind
from node.live.node import Node
from node.storage.disk import free_bytes

READY_FREE_BYTES_MIN = 256 * 1024 * 1024  # with less, blocks may soon find no room
REASON_NAMES = ("FAILED", "STOPPING", "ALONE", "BEHIND", "DISK_FULL")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a node is not ready: a name for programs, texts in two languages, and what to do."""

    name: str
    text: str
    zh: str
    fix: str


@dataclass(frozen=True, slots=True)
class Vitals:
    """What readiness depends on; `free` is bytes, None if nobody can tell."""

    has_failed: bool
    is_stopping: bool
    is_alone: bool
    behind: int
    free: int | None


def read_vitals(node: Node, *, is_stopping: bool = False) -> Vitals:
    """Measure a node; costs one question to the disk."""
    return Vitals(
        has_failed=node.failure is not None,
        is_stopping=is_stopping,
        is_alone=hears_nobody(node),
        behind=heights_behind(node.driver.engine),
        free=free_bytes(node.ledger.folder),
    )


def find_reasons(vitals: Vitals) -> list[Reason]:
    """Return why a node is not ready, the worst first; nothing if it is."""
    found: list[Reason] = []
    if vitals.has_failed:
        found.append(
            Reason(
                "FAILED",
                "the node stopped after a fault; its log says which",
                "节点因故障停止; 原因见日志",
                "read the log, see that the disk is well and has room, start the node again",
            )
        )
    if vitals.is_stopping:
        text, zh = "the node is stopping", "节点正在停止"
        found.append(Reason("STOPPING", text, zh, "ask again once it was started"))
    if vitals.is_alone:
        text, zh = "no peer tells how far the chain is", "没有节点告知链的最新高度"
        fix = (
            "wait a few seconds after a start; else look at the line and at the addresses in [p2p]"
        )
        found.append(Reason("ALONE", text, zh, fix))
    if vitals.behind > BEHIND_MAX:
        text = f"peers have {vitals.behind} blocks that are missing here"
        zh = f"落后其他节点 {vitals.behind} 个区块"
        fix = "wait until they have come; if their number grows, see docs/monitoring.md"
        found.append(Reason("BEHIND", text, zh, fix))
    if vitals.free is not None and vitals.free < READY_FREE_BYTES_MIN:
        text = f"{vitals.free} bytes are free on the disk of the chain"
        zh = f"链所在磁盘仅剩 {vitals.free} 字节"
        found.append(Reason("DISK_FULL", text, zh, f"make room: {READY_FREE_BYTES_MIN} bytes"))
    return found


def readiness_json(reasons: list[Reason]) -> dict[str, Any]:
    """Return what /health/ready answers."""
    return {"ready": not reasons, "reasons": [asdict(reason) for reason in reasons]}
