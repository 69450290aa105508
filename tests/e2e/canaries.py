"""Names, plates and numbers that must never be seen, and every form in which they might be."""

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

CANARIES = {
    "name": "Wendeline Querfurth-Oyelaran",
    "name_zh": "欧阳惜玥",
    "plate": "粤B·7Q2X9",
    "plate_plain": "YUE-B7Q2X9",
    "phone": "+86 138 0013 8427",
    "phone_plain": "13800138427",
    "vin": "LSVAU2180N2183294",
    "note": "dent behind the left mirror, owner's dog was in the car",
}


def forms(text: str) -> Iterator[bytes]:
    """Yield a text as it may stand in a file or on a line: encoded, escaped, hashed."""
    plain = text.encode()
    digest = sha256(plain).digest()
    yield plain
    yield text.encode("utf-16-le")
    yield json.dumps(text)[1:-1].encode()
    for data in (plain, digest):
        yield data.hex().encode()
        yield data.hex().upper().encode()
    yield digest
    for shift in range(3):
        coded = b64encode(bytes(shift) + plain)
        yield coded[2 * shift : len(coded) // 4 * 4 - 4]


def found_in(data: bytes) -> list[str]:
    """Return the names of the canaries that are in some bytes in any form."""
    return [name for name, text in CANARIES.items() if any(form in data for form in forms(text))]


def found_below(folder: Path) -> list[tuple[str, list[str]]]:
    """Return (file, canaries in it) for every file below a folder that has any."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    hits = [(path.relative_to(folder).as_posix(), found_in(path.read_bytes())) for path in paths]
    return [hit for hit in hits if hit[1]]
