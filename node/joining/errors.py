"""How a gateway's desk refuses.

WashError
+- JoinCodeError        a text that is no join code (in `node/joining/code.py`)
+- UnknownCodeError     a code that this gateway did not make
+- OverCodeError        its time is over
+- UsedCodeError        another account used it
+- RevokedCodeError     who made it took it back
+- NoAdmissionsError    a node that lets nobody in
+- AdmissionError       the chain did not take the admission
+- GuessingError        too many codes of late that are none of this gateway's
"""

from chain.errors import WashError
from chain.ids import encode_id


class UnknownCodeError(WashError):
    """A code that this gateway did not make."""

    code = 4008

    def __init__(self) -> None:
        super().__init__("this gateway made no such code; is it the right one?")


class OverCodeError(WashError):
    """A code whose time is over."""

    code = 4009

    def __init__(self, expires_at: int) -> None:
        super().__init__(f"the code ended at {expires_at} ms; ask for a new one")
        self.expires_at = expires_at


class UsedCodeError(WashError):
    """A code that another account used: it admits one shop only."""

    code = 4010

    def __init__(self, account: bytes, used_at: int) -> None:
        shown = encode_id("acct", account)
        super().__init__(f"{shown} used this code at {used_at} ms; tell who made it at once")
        self.account, self.used_at = account, used_at


class RevokedCodeError(WashError):
    """A code that was taken back before it was used."""

    code = 4011

    def __init__(self) -> None:
        super().__init__("the code was taken back; ask for a new one")


class NoAdmissionsError(WashError):
    """A node that lets nobody in, and why."""

    code = 4012


class AdmissionError(WashError):
    """The chain did not take the admission; the code can still be used."""

    code = 4013
    retry = "later"


class GuessingError(WashError):
    """Too many codes of late that are none of this gateway's; good ones are taken all the same."""

    code = -32002
    retry = "later"

    def __init__(self) -> None:
        super().__init__("too many wrong codes of late; try again in a minute")
