"""The compiled contracts in the repository are what their sources give."""

import pytest

from node.build_contracts import ROOT, SOURCES, compiled_files
from node.catalog import abi, container_bytes, program


def test_the_compiled_files_are_what_the_sources_give() -> None:
    stale = [
        str(path.relative_to(ROOT))
        for path, content in compiled_files().items()
        if not path.is_file() or path.read_bytes() != content
    ]

    assert stale == [], "run `python -m node.build_contracts`"


def test_compiling_twice_gives_the_same_bytes() -> None:
    assert compiled_files() == compiled_files()


def test_every_source_beside_the_listed_ones_is_listed() -> None:
    folders = {(ROOT / name).parent for name in SOURCES}

    found = {str(path.relative_to(ROOT)) for folder in folders for path in folder.glob("*.wash")}

    assert found == set(SOURCES)


@pytest.mark.parametrize("name", ["shops", "booking", "notes"])
def test_the_catalog_has_each_contract_with_its_abi(name: str) -> None:
    container = program(name).container

    assert abi(name)["name"] == container.name
    assert container_bytes(name)
