"""The checks of `washnode doctor` that ask a node, or look at the chain of one that is stopped."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from chain.errors import StoreError, WashError
from node.commands.doctor_checks import Check, Light
from node.commands.doctor_shop import check_shop
from node.commands.words import t
from node.live.upcoming import UPGRADE_COMMAND

if TYPE_CHECKING:
    from node.commands.connect import Session

CLOCK_OFF_MS_MAX = 1_000
CLOCK_STOP_MS = 5_000  # beyond this others refuse the times that this node gives
NODE_WAIT_S = 10.0
PEERS_MIN = 2
METHOD_NOT_FOUND = -32601
_ELSEWHERE = {"DISK_LOW", "DISK_UNKNOWN"}  # looked at from outside already
_YELLOW = {"RECOVERED", "UNKNOWN_FEATURE", "UNSENT", "SIGN_AGAIN"}  # for some day; else for today


def check_running(data: Path) -> list[Check]:
    """Return what a running node says of itself and of its peers."""
    from node.commands.connect import session

    try:
        with session(timeout_s=NODE_WAIT_S) as talk_to:
            health = talk_to.ask("node_health")
            info = talk_to.ask("node_info")
            peers = _ask_peers(talk_to)
            business = check_shop(talk_to, info)
            url = talk_to.url
    except WashError as error:
        fix = t("see its log; start it: washnode run --data {folder}", folder=data)
        return [Check("node", "red", str(error), fix)]
    checks = [judge_node(url, health), *judge_warnings(health), judge_sync(health)]
    if peers is not None:
        checks += judge_peers(peers)
        told = [str(one.get("software") or "") for one in peers.get("peers") or []]
        checks.append(judge_update(str(info.get("version") or ""), told))
    return [*checks, *business]


def _ask_peers(talk_to: "Session") -> Mapping[str, Any] | None:
    """Return what a node says of its peers, None from a program that does not know the question."""
    try:
        found: Mapping[str, Any] = talk_to.ask("node_peers")
    except WashError as error:
        if error.code != METHOD_NOT_FOUND:
            raise
        return None
    return found


def judge_node(url: str, health: Mapping[str, Any]) -> Check:
    """Tell whether a node takes transactions."""
    if health.get("ready") is True:
        height = health.get("height")
        text = t("{url} answers at height {height}", url=url, height=height)
        return Check("node", "green", text)
    seen = t("{url} takes no transactions", url=url)
    return Check("node", "red", seen, t("see its log, start it again"))


def judge_warnings(health: Mapping[str, Any]) -> list[Check]:
    """Return the node's own warnings, each with its fix; a green vote check without one."""
    checks: list[Check] = []
    codes = set()
    for warning in health.get("warnings") or []:
        code = str(warning.get("code"))
        codes.add(code)
        if code not in _ELSEWHERE:
            light: Light = "yellow" if code in _YELLOW else "red"
            text, fix = str(warning.get("text")), str(warning.get("fix"))
            checks.append(Check(code.lower(), light, text, fix))
    if "OBSERVER" not in codes:
        checks.append(Check("votes", "green", t("its vote log can be trusted")))
    return checks


def judge_sync(health: Mapping[str, Any]) -> Check:
    """Tell whether the chain is where it should be."""
    if health.get("syncing"):
        seen = t("the node is catching up, at height {height}", height=health.get("height"))
        return Check("sync", "yellow", seen, t("wait; look again in a few minutes"))
    return Check("sync", "green", t("the node is at the head of the chain"))


def judge_peers(answer: Mapping[str, Any]) -> list[Check]:
    """Return what the connected nodes show: enough of them, and clocks that agree."""
    rows = answer.get("peers") or []
    validators, quorum = int(answer.get("validators") or 1), int(answer.get("quorum") or 1)
    online = int(answer.get("online") or 0)
    checks: list[Check] = []
    if validators == 1 and not rows:
        checks.append(Check("peers", "green", t("the chain has one validator; no peer is needed")))
    elif not rows:
        seen = t("no other node is connected")
        fix = t("look at the network, the addresses of peers, and the other nodes")
        checks.append(Check("peers", "red", seen, fix))
    elif answer.get("is_validator", True) and online < quorum:
        seen = t("{online} of {quorum} needed validators are online", online=online, quorum=quorum)
        fix = t("look at the network, the addresses of peers, and the other nodes")
        checks.append(Check("peers", "red", seen, fix))
    elif len(rows) < PEERS_MIN:
        seen = t("one peer is connected; without it this node would be alone")
        checks.append(Check("peers", "yellow", seen, t("name a second one in [p2p] peers")))
    else:
        checks.append(Check("peers", "green", t("{count} peers are connected", count=len(rows))))
    offsets = [one["clock_offset_ms"] for one in rows if one.get("clock_offset_ms") is not None]
    return [*checks, judge_clock(offsets)] if offsets else checks


def judge_update(version: str, told: list[str]) -> Check:
    """Tell whether others run a later version; what a peer says of itself is taken as a hint only.

    At least two say so, or the only one: nobody alone can send people to look for an update.
    """
    ours = _numbers(version)
    later = [one for one in map(_version_of, told) if _numbers(one) > ours]
    later.sort(key=_numbers)
    if len(later) >= min(PEERS_MIN, len(told)) and later:
        seen = t("others run washnode {later}, this is {version}", later=later[0], version=version)
        return Check("update", "yellow", seen, UPGRADE_COMMAND)
    seen = t("washnode {version}; no peer runs a later one", version=version)
    return Check("update", "green", seen)


def _version_of(software: str) -> str:
    return software.rpartition("/")[2].rpartition(" ")[2]


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:3]
    return tuple(int(one) for one in parts) if all(one.isdecimal() for one in parts) else ()


def judge_clock(offsets_ms: list[int]) -> Check:
    """Tell whether this machine's clock is that of the peers; positive: theirs are ahead."""
    off = round(median(offsets_ms))
    if abs(off) <= CLOCK_OFF_MS_MAX:
        return Check(
            "clock", "green", t("the clock agrees with {count} peers", count=len(offsets_ms))
        )
    text = t("the clock is {off} ms off from the peers'", off=abs(off))
    light: Light = "red" if abs(off) > CLOCK_STOP_MS else "yellow"
    return Check("clock", light, text, t("set the clock by NTP"))


# A stopped node --------------------------------------------------------------------------------


def check_stopped(data: Path) -> list[Check]:
    """Return what can be seen of a node that does not run."""
    from node.commands.run import find_config
    from node.storage.folder import holds_database

    config = find_config(None, data, {})
    checks = [check_port(config.rpc.host, config.rpc.port)]
    chain = data / "chain"
    if not holds_database(chain):
        return checks
    seen, fix = (
        t("the node does not run"),
        t("start it: washnode start --data {folder}", folder=data),
    )
    return [
        Check("node", "yellow", seen, fix),
        *checks,
        *_check_chain(chain),
        _check_votes(data, config.genesis_path),
    ]


def check_port(host: str, port: int) -> Check:
    """Look whether the node's port can be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # on Windows it would let two programs have one port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        seen = t("port {port} can not be had: {error}", port=port, error=error.strerror or error)
        return Check("port", "red", seen, t("end what uses it, or set rpc.port in config.toml"))
    return Check("port", "green", t("no node runs here; port {port} is free", port=port))


def _check_chain(chain: Path) -> list[Check]:
    from node.live.clock import read_wall_ms
    from node.storage.stopped import look_at_stopped

    try:
        found = look_at_stopped(chain)
    except StoreError as error:
        fix = t("see what is left: washnode db verify --data {folder}", folder=chain.parent)
        return [Check("chain", "red", str(error), fix)]
    checks = []
    if found.came_to is not None and found.height < found.came_to:
        seen = t(
            "the chain had come to {came_to}, its blocks end at {height}",
            came_to=found.came_to,
            height=found.height,
        )
        fix = t("see what is left: washnode db verify --data {folder}", folder=chain.parent)
        checks.append(Check("chain", "red", seen, fix))
    elif found.is_clean:
        seen = t("the chain was closed in order at height {height}", height=found.height)
        checks.append(Check("chain", "green", seen))
    else:
        seen = t("the node did not stop in order; its next start checks every byte")
        fix = t("start it; stop it with washnode stop, and look for power cuts")
        checks.append(Check("chain", "yellow", seen, fix))
    behind = found.head_time_ms - read_wall_ms()
    if behind > CLOCK_OFF_MS_MAX:
        seen = t("the clock is {count} ms behind the newest block", count=behind)
        return [*checks, Check("clock", "red", seen, t("set the clock by NTP"))]
    return [*checks, Check("clock", "green", t("the clock is later than the newest block"))]


def _check_votes(data: Path, genesis_path: Path) -> Check:
    from chain.errors import GenesisError
    from chain.genesis import parse_genesis
    from node.storage.wal import VoteLog

    fix = t("read docs/operating.md, The vote log")
    try:
        chain_id = parse_genesis(genesis_path.read_bytes()).chain_id()
        condition = VoteLog(data / "votes.log", chain_id).condition
    except (OSError, GenesisError, StoreError) as error:
        return Check("votes", "red", str(error), fix)
    if condition == "good":
        return Check("votes", "green", t("its vote log can be trusted"))
    if condition == "distrusted":
        seen = t("its vote log says that an earlier one was lost: the node follows at first")
        return Check("votes", "yellow", seen, fix)
    if condition == "missing":
        return Check("votes", "yellow", t("there is no vote log here"), fix)
    return Check("votes", "red", t("its vote log is damaged: the node will follow only"), fix)
