"""The book of ABIs: who is meant by a name, and what is known of code."""

from pathlib import Path

import pytest

from chain.errors import UnknownIdError
from chain.ids import encode_id
from contracts.lang.compiler import compile_contract
from contracts.vm.container import FunctionKind
from node.abi import BadAbiError
from node.catalog import container_bytes
from node.live.abis import AbiBook, near_or_all
from tests.make import BOX, TestChain, compiled, word


def test_a_contract_is_meant_by_its_name_and_by_its_id(chain: TestChain) -> None:
    box = chain.deploy(installed="box")
    book, text = AbiBook(None), encode_id("ctr", box)

    found = [book.resolve(chain.state(), one) for one in ("box", text, text.upper())]

    assert found == [box, box, box]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bax", "did you mean box"),
        ("b" * 5_000, "there is box"),
        ("unlike anything", "there is box"),
        ("", "there is box"),
        ("\0" + "x" * 32, "there is box"),
        ("\ud800", "there is box"),
        (encode_id("ctr", word("none")), "no contract ctr1"),
        ("ctr1qqqq", "too few"),
        (encode_id("acct", word("none")), "no contract is called"),
    ],
)
def test_what_means_no_contract_is_told_apart(chain: TestChain, text: str, said: str) -> None:
    chain.deploy(installed="box")

    with pytest.raises(UnknownIdError, match=said):
        AbiBook(None).resolve(chain.state(), text)


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("bokking", ["booking", "shops"], "did you mean booking?"),
        ("nots", ["notes", "note", "shops"], "did you mean notes or note?"),
        ("x", ["shops", "booking"], "there are shops, booking"),
        ("x", [], "there are none"),
        ("x", [f"name{n}" for n in range(13)], "name11, ..."),
    ],
)
def test_a_near_name_is_asked_about_and_others_are_listed(
    text: str, names: list[str], said: str
) -> None:
    found = near_or_all(text, names)

    assert found.endswith(said)


def test_a_chain_without_names_says_so(chain: TestChain) -> None:
    with pytest.raises(UnknownIdError, match="none is registered here"):
        AbiBook(None).resolve(chain.state(), "box")


def test_an_unknown_contract_has_no_abi(chain: TestChain) -> None:
    book = AbiBook(None)

    assert book.contract(chain.state(), word("none")) is None
    with pytest.raises(UnknownIdError):
        book.abi_for(chain.state(), word("none"))


def test_code_that_ships_is_known_before_it_is_on_the_chain() -> None:
    found = AbiBook(None).code(container_bytes("booking"))

    assert (found.abi.name, found.is_derived) == ("BookingRules", False)
    timers = [one.name for one in found.container.functions if one.kind == FunctionKind.TIMER]
    assert (found.timer_name(0), found.timer_name(10_000)) == (timers[0], None)


def test_a_book_without_a_folder_takes_no_abi(chain: TestChain) -> None:
    box = AbiBook(None).contract(chain.state(), chain.deploy())
    assert box is not None

    with pytest.raises(BadAbiError, match="keeps no ABIs"):
        AbiBook(None).put(chain.state(), box.code.code_id, compile_contract(BOX).abi)


def test_an_abi_of_code_that_is_not_on_the_chain_is_not_kept(
    chain: TestChain, tmp_path: Path
) -> None:
    book = AbiBook(tmp_path / "abis")
    code = book.code(compiled(BOX)).code_id

    with pytest.raises(UnknownIdError, match="no code"):
        book.put(chain.state(), code, compile_contract(BOX).abi)
    assert not (tmp_path / "abis").exists()
