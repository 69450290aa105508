"""Files of others are the very bytes that their makers published, with where they are from."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

import node.pages

FOLDERS = (
    Path(node.pages.__file__).parent / "static" / "vendor",
    Path(__file__).parent / "vendor",
)


@pytest.mark.parametrize("folder", FOLDERS, ids=["pages", "tests"])
def test_every_file_is_pinned_with_its_licence(folder: Path) -> None:
    pins = json.loads((folder / "PINS.json").read_text("utf-8"))
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "PINS.json"]

    found = {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files
    }

    assert found == {name: pin["sha256"] for name, pin in pins.items()}
    assert [name for name, pin in pins.items() if not (pin["from"] and pin["licence"])] == []
