"""Whose request it is: the other end of the connection, or whom a trusted proxy names as such.

A proxy in front of the node is the other end of every connection. What it says of its clients in
`X-Forwarded-For` is believed of the proxies in the settings alone; anybody can write that header.
Each proxy adds whom it was called by at the end, so it is read from there, and what stands before
the first stranger is the stranger's own word.
"""

import ipaddress
import logging
from collections.abc import Sequence
from typing import TypeAlias

from aiohttp import web

from node.rpc.door.limits import is_loopback

UNREADABLE = "unreadable"  # a client whose address a proxy wrote in a way that nobody knows
HOPS_MAX = 16  # more proxies than any way has
_FOR, _PROTO = "X-Forwarded-For", "X-Forwarded-Proto"
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_log = logging.getLogger("washnode.rpc")


class Clients:
    """Tells clients apart behind the proxies that are trusted; by default there are none."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """`trusted` are addresses of proxies, or their networks."""
        self._trusted = tuple(ipaddress.ip_network(one, strict=False) for one in trusted)
        self._is_told = False

    def address(self, request: web.Request) -> str:
        """Return the address of who asks; UNREADABLE where a trusted proxy wrote none."""
        peer = request.remote or ""
        told = request.headers.getall(_FOR, ())
        if not told:
            return peer
        if not self._is_trusted(_read(peer)):
            self._hint(peer)
            return peer
        hops = ",".join(told).split(",")
        found = peer
        for hop in reversed(hops[-HOPS_MAX:]):
            address = _read(_without_port(hop.strip()))
            if address is None:
                return UNREADABLE
            found = str(address)
            if not self._is_trusted(address):
                return found
        return found if len(hops) <= HOPS_MAX else UNREADABLE

    def is_here(self, request: web.Request) -> bool:
        """Tell whether who asks is on the node's own machine."""
        return is_loopback(request.remote or "") and is_loopback(self.address(request))

    def is_near(self, request: web.Request) -> bool:
        """Tell whether nobody listens on the way: from here, or by HTTPS through a proxy here."""
        if self.is_here(request):
            return True
        peer = request.remote or ""
        by_proxy_here = is_loopback(peer) and self._is_trusted(_read(peer))
        # A proxy that adds its word to what a client sent has the last one.
        words = ",".join(request.headers.getall(_PROTO, ())).split(",")
        return by_proxy_here and words[-1].strip().lower() == "https"

    def _is_trusted(self, address: _Address | None) -> bool:
        return address is not None and any(address in one for one in self._trusted)

    def _hint(self, peer: str) -> None:
        """Say once that a proxy here is none of the settings: all its clients look like one."""
        if not self._is_told and is_loopback(peer):
            self._is_told = True
            _log.warning(
                "a proxy on this machine brings requests, so all its clients look near and share "
                "one limit; name it in rpc.trusted_proxies"
            )


def _read(text: str) -> _Address | None:
    """Return an address as text, that of IPv4 also where it is written as one of IPv6."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _without_port(text: str) -> str:
    """Return an address without the port that some proxies write behind it."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
