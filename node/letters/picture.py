"""Pictures in letters that everybody may read: small, and nothing in them but the picture. Pure.

Browsers draw a picture anew before it leaves a phone. What comes here is still anybody's bytes, so
a node looks for itself: no place, time, camera, colour profile or remark stands in the file, and
nobody's screen is asked to draw more than a large one.
"""

import re

from chain.errors import WashError

PICTURE_BYTES_MAX = 128 * 1024
SIDE_MAX = 1_600
SCANS_MAX = 16  # a progressive one has ten; each costs a browser as much as a whole picture
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
_FRAMES = (0xC0, 0xC2)  # baseline and progressive, which are what browsers make
_TABLES = (0xC4, 0xDB, 0xDD)  # codes, quantities, restarts
_SCAN, _BEGIN_SCAN = 0xDA, b"\xff\xda"
_BESIDE = re.compile(rb"\xff[\xe0-\xef\xfe\xd8]")  # notes of programs, remarks, another picture


class PictureError(WashError):
    """Bytes that are no plain picture."""

    code = 1020


def check_picture(data: bytes) -> None:
    """Raise PictureError unless bytes are a JPEG of bounded size and nothing beside."""
    if len(data) > PICTURE_BYTES_MAX:
        text = f"a picture has at most {PICTURE_BYTES_MAX} bytes, this one {len(data)}"
        raise PictureError(text)
    if data[:2] != _BEGIN or data[-2:] != _END:
        raise PictureError("this is no whole JPEG")
    at, sides = 2, (0, 0)
    while data[at + 1 : at + 2] != bytes([_SCAN]):
        kind, length = data[at : at + 2], int.from_bytes(data[at + 2 : at + 4], "big")
        part = data[at + 4 : at + 2 + length]
        if len(part) != length - 2 or kind[:1] != b"\xff":
            raise PictureError("this JPEG is cut off")
        if kind[1] in _FRAMES:
            sides = int.from_bytes(part[1:3], "big"), int.from_bytes(part[3:5], "big")
        elif kind[1] not in _TABLES:
            text = f"a part {kind[1]:#x} stands beside the picture; draw it anew without"
            raise PictureError(text)
        at += 2 + length
    if not all(1 <= side <= SIDE_MAX for side in sides):
        text = f"a picture has 1 to {SIDE_MAX} pixels each way, this one {sides[1]} by {sides[0]}"
        raise PictureError(text)
    is_followed = data.find(_END, at) != len(data) - len(_END)
    if data[at : at + 1] != b"\xff" or is_followed or _BESIDE.search(data, at):
        raise PictureError("something stands beside the picture; draw it anew without")
    if data.count(_BEGIN_SCAN, at) > SCANS_MAX:
        text = f"a picture is drawn in at most {SCANS_MAX} scans; draw it anew"
        raise PictureError(text)
