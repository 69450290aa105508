"""URLs of nodes: one form, checked wherever one comes in.

`ws://HOST[:PORT]/p2p` or `wss://HOST[:PORT]/p2p`; HOST is a name (RFC 1123), an IPv4 address, or an
IPv6 address in brackets. No user, no query, no fragment: a told URL must not make this node send
anything but the handshake.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from p2p.errors import BadAddressError

URL_BYTES_MAX = 256
PATH = "/p2p"
PORTS = {"ws": 80, "wss": 443}  # where the URL names none
_HOST_BYTES_MAX = 253  # RFC 1035, 2.3.4
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_PLAIN = re.compile(r"[\x21-\x7e]+")
_BRACKETS = re.compile(r"\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
_PORT_MAX = 65_535


def check_url(text: str) -> str:
    """Return the one form of a node's URL: small letters, default ports left out.

    Raises BadAddressError with what is wrong.
    """
    if len(text) > URL_BYTES_MAX:
        why = f"a URL of {len(text)} characters, at most {URL_BYTES_MAX} are allowed"
        raise BadAddressError(why)
    if not _PLAIN.fullmatch(text) or "\\" in text or "%" in text:
        why = "a URL is of plain ASCII, without spaces, backslashes or per cents"
        raise BadAddressError(why)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadAddressError(str(error)[:80]) from error
    scheme = parts.scheme
    if scheme not in PORTS:
        raise BadAddressError(f"the scheme is {scheme[:16] or 'missing'!r}")
    if parts.path != PATH or "?" in text or "#" in text or "@" in parts.netloc:
        why = f"a URL of a node ends with {PATH} and has no user, query or fragment"
        raise BadAddressError(why)
    host = _check_host(parts)
    if port == 0 or parts.netloc.endswith(":"):
        why = f"a port is 1 to {_PORT_MAX}"
        raise BadAddressError(why)
    place = host if port in {None, PORTS[scheme]} else f"{host}:{port}"
    return f"{scheme}://{place}{PATH}"


def _check_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        if not _BRACKETS.fullmatch(parts.netloc):
            raise BadAddressError(f"{parts.netloc[:60]!r} is no IPv6 address")
        try:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        except ValueError as error:
            raise BadAddressError(f"{host[:45]!r} is no IPv6 address") from error
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdigit():
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise BadAddressError(f"{host[:45]!r} is no IPv4 address") from error
    if len(host) > _HOST_BYTES_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddressError(f"{host[:45]!r} is no host name")
    return ".".join(labels)
