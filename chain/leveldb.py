"""The door to LevelDB: the same database under the name that its package has on this machine.

`plyvel` has wheels for Linux, `plyvel-ci` under the same name for Windows and macOS, and
`plyvel-next` under another name for Python 3.13 and later. One of them is installed.
"""

from importlib import import_module
from typing import Any

_NAMES = ("plyvel", "plyvel_next")


def _load() -> Any:
    for name in _NAMES[:-1]:
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:  # it is there and lacks something: that is what to tell
                raise
    return import_module(_NAMES[-1])


leveldb: Any = _load()
