"""Tokens and doors: who is let in, and as what."""

import json
import os
import stat
from pathlib import Path

import pytest

from node.rpc.door.access import (
    Doors,
    RefusedPlaceError,
    Tokens,
    TokensError,
    UnknownTokenError,
    load_or_make_tokens,
    tier_of,
)

TOKENS = Tokens("s" * 32, "a" * 32)


def test_tokens_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "data" / "tokens.json"

    made = load_or_make_tokens(path)

    again = load_or_make_tokens(path)
    other = load_or_make_tokens(tmp_path / "other.json")
    assert again == made
    assert len({made.shop, made.admin, other.shop, other.admin}) == 4
    assert min(len(made.shop), len(made.admin)) >= 43
    assert [one.name for one in path.parent.iterdir()] == ["tokens.json"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_start_that_was_cut_short_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.with_name(f".tokens.json.{os.getpid()}").write_text("{")

    made = load_or_make_tokens(path)

    assert load_or_make_tokens(path) == made
    assert [one.name for one in tmp_path.iterdir()] == ["tokens.json"]


def test_tokens_do_not_show_in_logs() -> None:
    assert "sss" not in repr(TOKENS)


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
def test_tokens_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    load_or_make_tokens(path)
    path.chmod(0o640)

    with pytest.raises(TokensError, match=r"others can read it \(mode 640\)"):
        load_or_make_tokens(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"shop": "' + "s" * 32 + '"}',
        json.dumps({"shop": 1, "admin": "a" * 32}),
        json.dumps({"shop": "short", "admin": "a" * 32}),
        json.dumps({"shop": "s" * 300, "admin": "a" * 32}),
        json.dumps({"shop": "a" * 32, "admin": "a" * 32}),
        json.dumps({"shop": "ß" * 32, "admin": "a" * 32}),
        "x" * 10_000,
    ],
)
def test_a_tokens_file_of_any_other_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)

    with pytest.raises(TokensError, match=r"tokens\.json: "):
        load_or_make_tokens(path)


def test_each_token_opens_its_tier() -> None:
    tiers = [
        tier_of(None, TOKENS, is_local=True),
        tier_of(f"Bearer {TOKENS.shop}", TOKENS, is_local=False),
        tier_of(f"bearer  {TOKENS.admin} ", TOKENS, is_local=True),
    ]

    assert tiers == ["public", "shop", "admin"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {'s' * 32}",
        "s" * 32,
        "Bearer \udc80",
        "B\0",
    ],
)
def test_what_is_no_token_of_ours_is_refused(header: str) -> None:
    with pytest.raises(UnknownTokenError):
        tier_of(header, TOKENS, is_local=True)


def test_the_admin_token_is_refused_from_elsewhere() -> None:
    with pytest.raises(RefusedPlaceError, match="own machine"):
        tier_of(f"Bearer {TOKENS.admin}", TOKENS, is_local=False)


def let_in(doors: Doors, host: str | None, origin: str | None) -> bool:
    try:
        doors.check_host(host)
        doors.check_origin(origin, host)
    except RefusedPlaceError:
        return False
    return True


DOORS = Doors(("localhost", "127.0.0.1", "[::1]", "Node.example:8787"), ("https://shop.example",))


@pytest.mark.parametrize(
    ("host", "is_in"),
    [
        ("localhost", True),
        ("LOCALHOST:8787", True),
        ("127.0.0.1:1", True),
        ("[::1]", True),
        ("[::1]:8787", True),
        ("node.example:8787", True),
        ("node.example:80", False),
        ("node.example", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("evil.example:localhost", False),
        ("localhost:evil", False),
        ("::1", False),
        ("", False),
        (None, False),
    ],
)
def test_only_our_own_names_are_let_in(host: str | None, *, is_in: bool) -> None:
    assert let_in(DOORS, host, None) == is_in


@pytest.mark.parametrize(
    ("origin", "is_in"),
    [
        (None, True),
        ("http://localhost:8787", True),
        ("https://localhost:8787", True),
        ("https://shop.example", True),
        ("https://SHOP.example", True),
        ("http://shop.example", False),
        ("https://shop.example:444", False),
        ("http://localhost:3000", False),
        ("http://127.0.0.1:8787", False),
        ("https://evil.example", False),
        ("file://localhost:8787", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_our_own_pages_and_listed_ones_are_let_in(origin: str | None, *, is_in: bool) -> None:
    assert let_in(DOORS, "localhost:8787", origin) == is_in
