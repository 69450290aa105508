"""What a terminal is shown and how it ends a command: other people's text must not command it."""

import os
import signal
import sys
import threading
import unicodedata
from contextlib import suppress
from io import TextIOWrapper
from typing import IO, Any, NoReturn

# Controls, what is invisible or turns the direction of writing, halves of pairs, line ends.
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
UTF8_CODE_PAGE = 65_001
_JOINERS = "\u200c\u200d"  # hold letters and emoji together and do nothing else


def escape_controls(text: str) -> str:
    """Return `text` with what a terminal could obey written as a backslash, u and four digits.

    The escapes are JSON's: inside JSON strings the meaning stays the same.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join([_escape(character) for character in text])


def _escape(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _OBEYED:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def speaks_unicode(stream: IO[str]) -> bool:
    """Tell whether every character can be written to a stream."""
    return (getattr(stream, "encoding", None) or "").lower().startswith("utf")


def prepare_streams() -> None:
    """Let names that the terminal's encoding lacks come out escaped, not as a failure.

    A Windows console has the code page of its country (936, GBK, in China), and so has a file to
    which output goes. All of this program's output is UTF-8 there, and the console is told so,
    unless PYTHONIOENCODING says what is wanted.
    """
    if sys.platform == "win32" and not os.environ.get("PYTHONIOENCODING"):
        _speak_utf8()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not speaks_unicode(stream):
            stream.reconfigure(errors="backslashreplace")


def _speak_utf8() -> None:
    import ctypes  # noqa: PLC0415 - of Windows alone

    library: Any = ctypes
    with suppress(AttributeError, OSError):
        library.windll.kernel32.SetConsoleOutputCP(UTF8_CODE_PAGE)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def discard_output() -> None:
    """Throw away what standard output could not take, so that leaving does not try it again."""
    with suppress(OSError, ValueError):  # it may be no file at all
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def stop_in_order() -> None:
    """Let SIGTERM and SIGHUP end the command through its clean-up, as Ctrl-C does."""
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):  # Windows lacks the second
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _stop)


def _stop(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)
