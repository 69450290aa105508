"""Join codes: what an operator hands to one shop, as one line that can be typed or scanned.

    gate1.wash.example+gate2.wash.example/dgtey-ch0pc-5x7wd-...     (ten groups of five)

Before the slash stand the gateways. The groups are bech32m: 12 bytes that say which chain is meant,
a secret of 10, the hour at which the code ends, and 2 that tie them to the gateways. Bech32m finds
up to four wrong letters; its alphabet has no b, i, o and 1, which people take for others.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from chain.crypto import hash_bytes
from chain.errors import MalformedBytesError, WashError
from chain.ids import bytes_of_words, decode_bech32m, encode_bech32m
from chain.types import HOUR_MS

CHAIN_BYTES = 12  # 96 bits of a hash: nobody finds another genesis that begins with them
SECRET_BYTES = 10  # 80 bits; only a gateway can be asked whether a guess is right
GATEWAYS_MAX = 4
TEXT_LENGTH_MAX = 512
_PREFIX = "join"
_HOURS_BYTES = 3
_TIE_BYTES = 2
_BYTES = CHAIN_BYTES + SECRET_BYTES + _HOURS_BYTES + _TIE_BYTES
_GROUP = 5
_LETTERS = 50  # ten groups
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_READ_AS = str.maketrans({"o": "0", "i": "l", "1": "l", "b": "6"})
_HOST_LENGTH_MAX = 100


class JoinCodeError(WashError):
    """A text that is no join code, with what is wrong with it."""

    code = 4007
    retry = "rebuild"


@dataclass(frozen=True, slots=True)
class JoinCode:
    """What a code says. `gateways` are addresses like https://gate.example."""

    gateways: tuple[str, ...]
    chain: bytes
    secret: bytes
    expires_hour: int  # hours since 1970

    @property
    def expires_at(self) -> int:
        """When it ends, ms UTC."""
        return self.expires_hour * HOUR_MS

    @property
    def number(self) -> bytes:
        """Return what names the code wherever its secret has no business."""
        return hash_bytes("join-code", self.chain + self.secret)[:8]

    def is_of(self, chain_id: bytes) -> bool:
        """Tell whether it is a code of that chain."""
        return chain_id[:CHAIN_BYTES] == self.chain

    def text(self) -> str:
        """Return the code as people see it."""
        hosts = "+".join(_shorten(one) for one in self.gateways)
        data = self.chain + self.secret + self.expires_hour.to_bytes(_HOURS_BYTES, "big")
        letters = encode_bech32m(_PREFIX, data + _tie(hosts)).removeprefix(f"{_PREFIX}1")
        groups = [letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP)]
        return f"{hosts}/{'-'.join(groups)}"


def make_code(
    gateways: tuple[str, ...], chain_id: bytes, expires_hour: int, secret: bytes
) -> JoinCode:
    """Return a new code of a new secret; raises JoinCodeError for a gateway no code can name."""
    if not 1 <= len(gateways) <= GATEWAYS_MAX:
        raise JoinCodeError(f"a code names 1 to {GATEWAYS_MAX} gateways, not {len(gateways)}")
    known = tuple(_lengthen(_shorten(one)) for one in gateways)
    return JoinCode(known, chain_id[:CHAIN_BYTES], secret, expires_hour)


def parse_code(text: str, *, is_explained: bool = True) -> JoinCode:
    """Return what a code says; blanks, dashes and capitals do not matter.

    Raises JoinCodeError that names the group in which a letter is wrong, where one alone is;
    looking for it takes a while, which a gateway does not spend on strangers (`is_explained`).
    """
    hosts, slash, groups = "".join(text.split()).lower().rpartition("/")
    if len(text) > TEXT_LENGTH_MAX or not slash or not hosts:
        raise JoinCodeError("a join code has gateways, a slash and ten groups of five letters")
    letters = groups.replace("-", "").translate(_READ_AS)
    if len(letters) != _LETTERS:
        raise JoinCodeError(f"a join code has ten groups of five letters, these are {len(letters)}")
    data = _read(letters)
    if data is None:
        fault = _say_typo(letters) if is_explained else "the join code is mistyped"
        raise JoinCodeError(fault)
    gateways = tuple(_lengthen(one) for one in hosts.split("+"))
    if len(gateways) > GATEWAYS_MAX or data[-_TIE_BYTES:] != _tie(hosts):
        raise JoinCodeError("a letter before the slash is mistyped, in the gateways' addresses")
    chain, rest = data[:CHAIN_BYTES], data[CHAIN_BYTES:]
    secret, hours = rest[:SECRET_BYTES], rest[SECRET_BYTES : SECRET_BYTES + _HOURS_BYTES]
    return JoinCode(gateways, chain, secret, int.from_bytes(hours, "big"))


def _tie(hosts: str) -> bytes:
    return hash_bytes("join-gateways", hosts.encode())[:_TIE_BYTES]


def _read(letters: str) -> bytes | None:
    try:
        _, words = decode_bech32m(f"{_PREFIX}1{letters}")
    except MalformedBytesError:
        return None
    data = bytes_of_words(words)
    return data if len(data) == _BYTES else None


def _say_typo(letters: str) -> str:
    groups = {
        at // _GROUP + 1
        for at in range(len(letters))
        for letter in _ALPHABET
        if letter != letters[at] and _read(letters[:at] + letter + letters[at + 1 :]) is not None
    }
    if len(groups) != 1:
        return "the join code is mistyped in more than one place: compare it letter by letter"
    (number,) = groups
    found = letters[(number - 1) * _GROUP : number * _GROUP]
    return f"a letter is mistyped in group {number} of the join code, {found!r}"


def _shorten(gateway: str) -> str:
    """Return a gateway as a code names it: without https://, which is meant."""
    try:
        url = urlsplit(gateway if "://" in gateway else f"https://{gateway}")
        has_host = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError as error:  # a host in brackets that is none, a port that is no number
        raise JoinCodeError(f"{gateway!r} is no address like https://gate.example") from error
    plain = url.netloc.lower()
    is_whole = url.path in {"", "/"} and not url.query and not url.fragment
    if url.scheme not in {"http", "https"} or not has_host or not is_whole:
        raise JoinCodeError(f"{gateway!r} is no address like https://gate.example")
    if len(plain) > _HOST_LENGTH_MAX or not plain.isascii() or set(plain) & set("+/@ "):
        raise JoinCodeError(f"{gateway!r} can not stand in a join code")
    if url.scheme == "https":
        return plain
    if not _is_near(url.hostname or ""):
        raise JoinCodeError(f"{gateway!r}: without https only within the own network")
    return f"http.{plain}"


def _lengthen(host: str) -> str:
    """Return the address that a code means; raises JoinCodeError."""
    plain = host.removeprefix("http.")
    url = f"https://{host}" if plain == host else f"http://{plain}"
    if _shorten(url) != host:
        raise JoinCodeError(f"{host!r} is no gateway's address")
    return url


def _is_near(host: str) -> bool:
    """Tell whether an address is one of this machine or of a private network."""
    try:
        found = ip_address(host)
    except ValueError:
        return host == "localhost"
    return found.is_loopback or found.is_private
