"""Compile every contract that ships: `python -m node.build_contracts`.

Sources are found beside their compiled forms; the same sources give the same bytes on every Python:
`make pythons` compares (`--check`) with each Python from 3.11 to 3.13 that is there.
"""

import json
import platform
import sys
from pathlib import Path

from contracts.lang.compiler import compile_contract
from node.catalog import SHIPPED

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (
    *(f"contracts/standard/{name}.wash" for name in SHIPPED),
    "node/rehearse/notes.wash",
    "node/sim/bells.wash",
)


def compiled_files(root: Path = ROOT) -> dict[Path, bytes]:
    """Return path -> content of every compiled file, from the sources."""
    files: dict[Path, bytes] = {}
    for name in SOURCES:
        source = root / name
        compiled = compile_contract(source.read_bytes(), filename=name)
        folder = source.parent / "compiled"
        files[folder / f"{source.stem}.container"] = compiled.container_bytes
        text = json.dumps(compiled.abi, indent=1, sort_keys=True, ensure_ascii=False)
        files[folder / f"{source.stem}.abi.json"] = text.encode() + b"\n"
    return files


def check() -> None:
    """Compare the compiled files with what this Python makes of the sources; 1 if they differ."""
    made = compiled_files()
    version = platform.python_version()
    differing = [str(path.relative_to(ROOT)) for path, new in made.items() if old(path) != new]
    if differing:
        sys.exit(f"Python {version} makes other bytes of {', '.join(differing)}")
    sys.stdout.write(f"Python {version}: the same bytes of {len(made)} files\n")


def old(path: Path) -> bytes | None:
    """Return what is in a file, None if there is none."""
    return path.read_bytes() if path.is_file() else None


def main() -> None:
    """Write the compiled files, or with --check compare them."""
    if sys.argv[1:] == ["--check"]:
        check()
        return
    for path, content in compiled_files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(content)} bytes\n")


if __name__ == "__main__":
    main()
