"""URLs of nodes: the one form, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import BadAddressError
from p2p.urls import URL_BYTES_MAX, check_url


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ws://10.0.0.7:4040/p2p", "ws://10.0.0.7:4040/p2p"),
        ("wss://Gate.Example.COM/p2p", "wss://gate.example.com/p2p"),
        ("WSS://gate.example./p2p", "wss://gate.example/p2p"),
        ("wss://gate:443/p2p", "wss://gate/p2p"),
        ("ws://gate:80/p2p", "ws://gate/p2p"),
        ("ws://gate:443/p2p", "ws://gate:443/p2p"),
        ("ws://[2001:DB8:0:0::1]:81/p2p", "ws://[2001:db8::1]:81/p2p"),
    ],
)
def test_a_url_has_one_form(text: str, form: str) -> None:
    assert (check_url(text), check_url(form)) == (form, form)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gate/p2p",
        "http://gate/p2p",
        "ws://gate",
        "ws://gate/",
        "ws://gate/p2p/",
        "ws://gate/p2p?",
        "ws://gate/p2p?a=b",
        "ws://gate/p2p#",
        "ws://user@gate/p2p",
        "ws://user:pass@gate/p2p",
        "ws:///p2p",
        "ws://:80/p2p",
        "ws://gate:/p2p",
        "ws://gate:0/p2p",
        "ws://gate:65536/p2p",
        "ws://gate:8o/p2p",
        "ws://-gate/p2p",
        "ws://ga_te/p2p",
        "ws://gate..com/p2p",
        "ws://1.2.3/p2p",
        "ws://1.2.3.256/p2p",
        "ws://0x7f000001.1/p2p",
        "ws://[::1/p2p",
        "ws://[::g]/p2p",
        "ws://[fe80::1%25eth0]/p2p",
        "ws://[::1]x:80/p2p",
        "ws://[v1.a]/p2p",
        "ws://gate /p2p",
        " ws://gate/p2p",
        "ws://gate\n/p2p",
        "ws://gate\\@evil/p2p",
        "ws://tür/p2p",
        "ws://" + "a" * 64 + "/p2p",
        "ws://" + "a." * 124 + "/p2p",
    ],
)
def test_what_is_no_url_of_a_node_is_refused(text: str) -> None:
    with pytest.raises(BadAddressError):
        check_url(text)


@given(st.text(max_size=URL_BYTES_MAX + 10) | st.from_regex(r"wss?://[ -~]{1,30}/p2p"))
def test_any_text_is_refused_or_has_a_form_that_is_its_own(text: str) -> None:
    try:
        form = check_url(text)
    except BadAddressError:
        return

    assert check_url(form) == form
    assert len(form) <= URL_BYTES_MAX
