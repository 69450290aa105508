"""Signatures at the edge: with points of small order, with parts of them, with other encodings."""

import hashlib
from collections.abc import Iterator

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
MESSAGE = b"at the edge"
Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P) % P
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P


def times(number: int, point: Point) -> Point:
    total: Point = (0, 1)
    for bit in f"{number:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def lift(y: int) -> Point | None:
    """Return the point of this y with an even x, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    if (root * root - square) % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    if (root * root - square) % P:
        return None
    return (P - root) % P if root & 1 else root, y


def find_small() -> Point:
    """Return a point of order eight."""
    for y in range(2, 100):
        point = lift(y)
        small = None if point is None else times(ORDER, point)
        if small is not None and times(4, small) != (0, 1):
            return small
    raise AssertionError("one of eight points is of order eight")


BASE = lift(4 * pow(5, -1, P) % P) or (0, 1)
SMALL = find_small()


def write(point: Point, beyond: int = 0) -> bytes:
    """Return a point's bytes; `beyond` adds the prime that often, where that fits."""
    y = point[1] + beyond * P
    return (y % 2**255 | (point[0] & 1) << 255).to_bytes(32, "little")


def signed(key: bytes, secret: int, point: bytes, nonce: int, more: int = 0) -> tuple[bytes, bytes]:
    digest = hashlib.sha512(point + key + MESSAGE).digest()
    rest = (nonce + int.from_bytes(digest, "little") * secret) % ORDER + more * ORDER
    return key, point + rest.to_bytes(32, "little")


def edge_cases() -> Iterator[tuple[bytes, bytes]]:
    """Yield (key, signature of MESSAGE), good ones and bad ones."""
    smalls = [times(number, SMALL) for number in range(8)]
    for secret, nonce in ((12_345, 6_789), (ORDER - 1, 1)):
        own, commit = times(secret, BASE), times(nonce, BASE)
        for in_key in smalls:
            for in_point in smalls[:4]:
                key, point = write(add(own, in_key)), write(add(commit, in_point))
                yield signed(key, secret, point, nonce)
        yield signed(write(own), secret, write(commit), nonce, more=1)
    for small in smalls:
        for other in smalls[:3]:
            for beyond in (0, 1):
                yield signed(write(small, beyond), 0, write(other, beyond), 0)
        for sign in (0, 1 << 7):
            mirrored = bytearray(write(small))
            mirrored[31] ^= sign
            yield signed(bytes(mirrored), 0, write(times(5, BASE)), 5)
    for y in range(19):  # these have a second way to write them
        key = (y + P).to_bytes(32, "little")
        yield signed(key, 1, write(BASE), 1)
        yield signed(write(BASE), 1, key, 1)
