"""Files for browsers, read once: under an address with the hash of all of them, kept for a year.

Since the hash stands for the whole folder, modules import each other by plain relative names.
"""

import gzip
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
_CLIENT = Path(__file__).parents[1] / "client" / "wash.js"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
_HASH_LENGTH = 12
_FOR_EVER = "public, max-age=31536000, immutable"
GZIP_MIN = 512


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    packed: bytes
    kind: str


class StaticFiles:
    """All static files, in memory."""

    def __init__(self) -> None:
        paths = {path.relative_to(_FOLDER).as_posix(): path for path in _FOLDER.rglob("*")}
        paths["wash.js"] = _CLIENT
        self._files = {
            name: _read(path) for name, path in sorted(paths.items()) if path.suffix in _TYPES
        }
        whole = sha256()
        for name, file in self._files.items():
            whole.update(name.encode() + b"\0" + sha256(file.data).digest())
        self.hash = whole.hexdigest()[:_HASH_LENGTH]

    def url(self, name: str) -> str:
        """Return the address of a file."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.hash}/{name}"

    def answer(self, request: web.Request) -> web.Response:
        """Return a file; one of another version is given as it is now, and not kept."""
        file = self._files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        is_this = request.match_info["hash"] == self.hash
        headers = {
            "Content-Type": file.kind,
            "Cache-Control": _FOR_EVER if is_this else "no-cache",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if takes_gzip(request):
            return web.Response(body=file.packed, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=file.data, headers=headers)


def read_text(name: str) -> str:
    """Return the text of a file, for a page that holds all its files in itself."""
    path = _CLIENT if name == _CLIENT.name else _FOLDER / name
    return path.read_text("utf-8")


def takes_gzip(request: web.Request) -> bool:
    """Tell whether a browser takes compressed answers."""
    return "gzip" in request.headers.get("Accept-Encoding", "")


def pack(data: bytes) -> bytes:
    """Return data compressed, the same bytes every time."""
    return gzip.compress(data, 6, mtime=0)


def _read(path: Path) -> _File:
    data = path.read_bytes()
    return _File(data, pack(data), _TYPES[path.suffix])
