"""Modules for browsers joined into one script, for a page that is saved and opened from a disk.

A page from a disk can not import files. Each module becomes a function that returns what it
exports; that is all that our own modules need, which import names from each other and no more.
"""

import re
from collections.abc import Callable

_IMPORT = re.compile(r'^import \{([^}]+)\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]+)\};\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def join_modules(name: str, read: Callable[[str], str]) -> str:
    """Return a script without imports that does what the module `name` does; `read` gives texts."""
    parts: dict[str, str] = {}
    _add(name, read, parts)
    script = "const modules = {};\n" + "".join(parts.values())
    assert "</script" not in script.lower(), "it would end the script that it stands in"
    assert "<!--" not in script, "it would change how the rest is read"
    return script


def _add(name: str, read: Callable[[str], str], parts: dict[str, str]) -> None:
    if name in parts:
        return
    text = read(name)
    for _names, other in _IMPORT.findall(text):
        _add(other, read, parts)
    exported = [one for names in _EXPORT_LIST.findall(text) for one in names.split(",")]
    exported += [word for _whole, word in _EXPORT.findall(text)]
    names = ", ".join(one.strip() for one in exported if one.strip())
    text = _IMPORT.sub(r'const {\1} = modules["\2"];' + "\n", text)
    text = _EXPORT.sub(r"\1", _EXPORT_LIST.sub("", text))
    assert not re.search(r"^(?:import|export) ", text, re.MULTILINE), name
    parts[name] = f'modules["{name}"] = (() => {{\n{text}\nreturn {{ {names} }};\n}})();\n'
