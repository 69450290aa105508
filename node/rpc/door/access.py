"""Who may call what: tokens and their tiers, and which hosts and web pages are let in.

A page of any web site can make the browser of a visitor send requests to this machine. Such a
request bears the page's Origin; and where the attacker's own name was pointed at this machine, a
Host that is none of ours. Both are checked before anything else.
"""

import json
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Any

from chain.errors import WashError
from node.files import move_over
from node.rpc.errors import ForbiddenError, UnauthenticatedError
from node.rpc.registry import Tier

TOKENS_NAME = "tokens.json"
TOKEN_BYTES = 32
_TOKEN_LENGTH_MIN = 20
_TOKEN_LENGTH_MAX = 200
_FILE_BYTES_MAX = 4_096
_SCHEME = "bearer"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class UnknownTokenError(UnauthenticatedError):
    """An Authorization header that holds none of this node's tokens."""

    def __init__(self) -> None:
        WashError.__init__(
            self, f"this token is not known here; send one of {TOKENS_NAME} as Bearer TOKEN"
        )


class RefusedPlaceError(ForbiddenError):
    """A request by the wrong name, from the wrong page, or with a token of the wrong machine."""

    def __init__(self, text: str) -> None:
        WashError.__init__(self, text)


class TokensError(WashError):
    """A tokens file that the node does not trust."""

    code = 1000

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path}: {fault}")
        self.path, self.fault = str(path), fault


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The secrets that open the tiers above public."""

    shop: str
    admin: str


def load_or_make_tokens(path: Path) -> Tokens:
    """Return the tokens of a file that only its owner can read; make it if there is none.

    Raises TokensError for a file that others can read or that holds something else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return _make_tokens(path)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and mode & _OTHERS:
            text = f"others can read it (mode {mode & 0o777:o}); run: chmod 600 {path.name}"
            raise TokensError(path, text)
        data = file.read(_FILE_BYTES_MAX + 1)
    return _read_tokens(path, data)


def _read_tokens(path: Path, data: bytes) -> Tokens:
    try:
        found = json.loads(data)
        given: list[Any] = [found["shop"], found["admin"]]
    except (ValueError, TypeError, KeyError) as error:
        fault = 'no JSON object with "shop" and "admin"; delete the file to get new tokens'
        raise TokensError(path, fault) from error
    for token in given:
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise TokensError(path, "a token is no plain text")
        if not _TOKEN_LENGTH_MIN <= len(token) <= _TOKEN_LENGTH_MAX:
            limits = f"{_TOKEN_LENGTH_MIN} to {_TOKEN_LENGTH_MAX}"
            raise TokensError(path, f"a token has {len(token)} characters, expected {limits}")
    shop, admin = given
    if shop == admin:
        raise TokensError(path, "both tokens are the same")
    return Tokens(shop, admin)


def _make_tokens(path: Path) -> Tokens:
    tokens = Tokens(secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES))
    text = json.dumps({"shop": tokens.shop, "admin": tokens.admin}, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)  # of a start that was cut short under the same number
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    move_over(fresh, path)
    return tokens


def tier_of(authorization: str | None, tokens: Tokens, *, is_local: bool) -> Tier:
    """Return the tier that an Authorization header opens; `is_local`: the peer is this machine.

    Raises UnknownTokenError for anything but one of our tokens, RefusedPlaceError for the admin
    token from elsewhere.
    """
    if authorization is None:
        return "public"
    scheme, _, token = authorization.strip().partition(" ")
    given = token.strip().encode("utf-8", "surrogateescape")
    # Both are compared, always: the time it takes must not tell which came close.
    is_shop = compare_digest(given, tokens.shop.encode())
    is_admin = compare_digest(given, tokens.admin.encode())
    if scheme.lower() != _SCHEME or not (is_shop or is_admin):
        raise UnknownTokenError
    if not is_admin:
        return "shop"
    if not is_local:
        text = "the admin token works only on the node's own machine"
        raise RefusedPlaceError(text)
    return "admin"


class Doors:
    """Which Host and Origin headers are let in."""

    def __init__(self, hosts: Sequence[str], origins: Sequence[str]) -> None:
        """`hosts` are names, with a port (only that one) or without (any); `origins` whole."""
        self._hosts = {host.lower() for host in hosts}
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    def check_host(self, host: str | None) -> None:
        """Raise RefusedPlaceError unless a Host header names this node."""
        if host is None or not self._is_ours(host.lower()):
            text = (
                f"host {(host or '')[:80]!r} is not one of this node's; "
                "add it to rpc.allowed_hosts if it is"
            )
            raise RefusedPlaceError(text)

    def check_origin(self, origin: str | None, host: str | None) -> None:
        """Raise RefusedPlaceError if a page of another site calls; programs send no Origin.

        A page that this very host and port served may call.
        """
        if origin is None or self.is_listed(origin):
            return
        scheme, separator, place = origin.lower().partition("://")
        is_web = bool(separator) and scheme in {"http", "https"}
        if is_web and host is not None and place == host.lower() and self._is_ours(place):
            return
        text = f"pages of {origin[:80]!r} may not call this node; see rpc.allowed_origins"
        raise RefusedPlaceError(text)

    def is_listed(self, origin: str) -> bool:
        """Tell whether pages of an origin elsewhere were allowed."""
        return origin.lower() in self._origins

    def _is_ours(self, host: str) -> bool:
        return host in self._hosts or _without_port(host) in self._hosts


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host
