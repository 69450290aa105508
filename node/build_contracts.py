"""Compile every contract that ships: `python -m node.build_contracts`.

Sources are found beside their compiled forms; the same sources give the same bytes on every Python.
"""

import json
import sys
from pathlib import Path

from contracts.lang.compiler import compile_contract
from node.catalog import STANDARD

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (
    *(f"contracts/standard/{name}.wash" for name in STANDARD),
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


def main() -> None:
    """Write the compiled files."""
    for path, content in compiled_files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(content)} bytes\n")


if __name__ == "__main__":
    main()
