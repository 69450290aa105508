"""The node as a service of the operating system: the file that says so and the commands. Pure.

Linux has systemd, macOS launchd, Windows the Task Scheduler. A node ends with 0 when it was told to
stop, so all of them start it again only after a failure, and when the machine or its user comes
back.
"""

import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from xml.sax.saxutils import escape

RESTART_S = 5
STOP_S = 20  # a node stops within five
ERRORS_ONLY = "--errors-only"  # where nobody lets the files of its output take turns


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and for whom: `platform` as sys.platform says it."""

    platform: str
    home: PurePath
    user: str
    uid: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall run: the command's words, its folder; `for_all`: with the machine, as root."""

    name: str
    words: Sequence[str]
    folder: PurePath
    for_all: bool = False
    lingers: bool = False  # of a user's: with the machine, before the user has signed in
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """The file, and the commands that put it into force, start it, take it back, ask about it."""

    file: PurePath
    content: bytes
    install: tuple[tuple[str, ...], ...]
    start: tuple[str, ...]
    remove: tuple[tuple[str, ...], ...]
    status: tuple[str, ...]


def make_service(machine: Machine, wanted: Wanted) -> Service:
    """Return the service for a machine; raises ValueError for a system that is unknown here."""
    if machine.platform.startswith("linux"):
        return _systemd(machine, wanted)
    if machine.platform == "darwin":
        return _launchd(machine, wanted)
    if machine.platform == "win32":
        return _task(machine, wanted)
    raise ValueError(machine.platform)


# Linux ------------------------------------------------------------------------------------------


def _systemd(machine: Machine, wanted: Wanted) -> Service:
    unit = f"{wanted.name}.service"
    if wanted.for_all:
        folder: PurePath = PurePosixPath("/etc/systemd/system")
        control: tuple[str, ...] = ("systemctl",)
    else:
        folder = machine.home / ".config" / "systemd" / "user"
        control = ("systemctl", "--user")
    install = [(*control, "daemon-reload"), (*control, "enable", unit)]
    if wanted.lingers and not wanted.for_all:
        install.append(("loginctl", "enable-linger", machine.user))
    return Service(
        file=folder / unit,
        content=systemd_unit(machine, wanted).encode(),
        install=tuple(install),
        start=(*control, "start", unit),
        remove=((*control, "disable", "--now", unit), (*control, "daemon-reload")),
        status=(*control, "is-active", unit),
    )


def systemd_unit(machine: Machine, wanted: Wanted) -> str:
    """Return a systemd unit, of the machine or of one user."""
    lines = [
        "[Unit]",
        "Description=The shop's node (washnode)",
        *(("Wants=network-online.target", "After=network-online.target") if wanted.for_all else ()),
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(map(_quote, wanted.words))}",
        f"WorkingDirectory={_percent(str(wanted.folder))}",
        *(
            f"Environment={_quote(f'{name}={value}')}"
            for name, value in sorted((wanted.environment or {}).items())
        ),
        "Restart=on-failure",
        f"RestartSec={RESTART_S}",
        f"TimeoutStopSec={STOP_S}",
        "UMask=0077",
        "NoNewPrivileges=yes",
    ]
    if wanted.for_all:
        lines += [
            f"User={machine.user}",
            "ProtectSystem=strict",
            f"ReadWritePaths={_quote(str(wanted.folder))}",
            "PrivateTmp=yes",
        ]
    target = "multi-user.target" if wanted.for_all else "default.target"
    return "\n".join([*lines, "", "[Install]", f"WantedBy={target}", ""])


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _quote(word: str) -> str:
    plain = _percent(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{plain}"'


# macOS ------------------------------------------------------------------------------------------


def _launchd(machine: Machine, wanted: Wanted) -> Service:
    label = f"node.{wanted.name}"
    if wanted.for_all:
        folder: PurePath = PurePosixPath("/Library/LaunchDaemons")
        domain = "system"
    else:
        folder = machine.home / "Library" / "LaunchAgents"
        domain = f"gui/{machine.uid}"
    file = folder / f"{label}.plist"
    return Service(
        file=file,
        content=launchd_plist(label, machine, wanted),
        install=(("launchctl", "bootstrap", domain, str(file)),),
        start=("launchctl", "kickstart", f"{domain}/{label}"),
        remove=(("launchctl", "bootout", f"{domain}/{label}"),),
        status=("launchctl", "print", f"{domain}/{label}"),
    )


def launchd_plist(label: str, machine: Machine, wanted: Wanted) -> bytes:
    """Return a property list of launchd, an agent's or a daemon's."""
    log = str(wanted.folder / "node.log")
    said: dict[str, object] = {
        "Label": label,
        "ProgramArguments": [*wanted.words, ERRORS_ONLY],
        "WorkingDirectory": str(wanted.folder),
        "EnvironmentVariables": dict(wanted.environment or {}),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": RESTART_S,
        "ExitTimeOut": STOP_S,
        "ProcessType": "Background",
        "StandardOutPath": log,
        "StandardErrorPath": log,
        "Umask": 0o077,
    }
    if wanted.for_all:
        said["UserName"] = machine.user
    return plistlib.dumps(said)


# Windows ----------------------------------------------------------------------------------------

# The published schema takes a count of restarts up to 255, though the window for it says 999.
_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>The shop's node (washnode)</Description>
  </RegistrationInfo>
  <Triggers>
{trigger}
  </Triggers>
  <Principals>
    <Principal id="Author">
{principal}
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def _task(machine: Machine, wanted: Wanted) -> Service:
    file = wanted.folder / f"{wanted.name}.task.xml"
    name = ("/TN", wanted.name)
    return Service(
        file=file,
        content=task_xml(machine, wanted).encode("utf-16"),
        install=(("schtasks", "/Create", *name, "/XML", str(file), "/F"),),
        start=("schtasks", "/Run", *name),
        remove=(("schtasks", "/End", *name), ("schtasks", "/Delete", *name, "/F")),
        status=("schtasks", "/Query", *name),
    )


def task_xml(machine: Machine, wanted: Wanted) -> str:
    """Return a task of the Task Scheduler: at the user's sign-in, or with the machine."""
    user = escape(machine.user)
    if wanted.for_all:
        trigger = "    <BootTrigger />"
        principal = f"      <UserId>{user}</UserId>\n      <LogonType>S4U</LogonType>"
    else:
        trigger = f"    <LogonTrigger>\n      <UserId>{user}</UserId>\n    </LogonTrigger>"
        principal = f"      <UserId>{user}</UserId>\n      <LogonType>InteractiveToken</LogonType>"
    return _TASK.format(
        trigger=trigger,
        principal=principal,
        command=escape(wanted.words[0]),
        arguments=escape(" ".join(map(windows_word, wanted.words[1:]))),
        folder=escape(str(wanted.folder)),
    )


def windows_word(word: str) -> str:
    """Return a word as CommandLineToArgvW reads it back."""
    if word and not set(word) & set(' \t"'):
        return word
    quoted, slashes = "", 0
    for letter in word:
        if letter == "\\":
            slashes += 1
            continue
        quoted += "\\" * (2 * slashes + 1 if letter == '"' else slashes) + letter
        slashes = 0
    end = "\\" * 2 * slashes
    return f'"{quoted}{end}"'
