"""How a vault refuses.

WashError
+- NoConsentError     the owner has not agreed
+- PurposeError       the owner has agreed to another purpose
+- GoneError          erased, or never there
+- RefusedBlobError   bytes or keys that are not what the chain has on record
+- VaultFullError     no room: of the node, or of one owner
+- BusyError          more requests of one account than the node takes
+- NoVaultError       a node that keeps no blobs
"""

from chain.errors import WashError


class NoConsentError(WashError):
    """The owner has not agreed."""

    code = 3501

    def __init__(self) -> None:
        super().__init__("the owner has not agreed to this; ask first")


class PurposeError(WashError):
    """The owner has agreed to another purpose."""

    code = 3502

    def __init__(self) -> None:
        super().__init__("the owner has agreed to another purpose than this")


class GoneError(WashError):
    """Details that were erased, or were never here."""

    code = 3503

    def __init__(self, text: str = "these details were erased, or never there") -> None:
        super().__init__(text)


class RefusedBlobError(WashError):
    """Bytes or keys that are not what the chain has on record of them."""

    code = 3504


class VaultFullError(WashError):
    """No room for this blob."""

    code = 3505
    retry = "later"

    def __init__(self, whose: str, maximum: int, unit: str = "bytes") -> None:
        super().__init__(f"{whose} may keep {maximum} {unit} here, and this blob is beyond that")
        self.maximum = maximum


class BusyError(WashError):
    """More requests of one account than the node takes."""

    code = -32002
    retry = "later"

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(f"too many requests of this account; try again in {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms


class NoVaultError(WashError):
    """A node that keeps no blobs: it has no shop's key, or was told not to."""

    code = -32007

    def __init__(self) -> None:
        super().__init__(
            "this node keeps no details: [keys] sponsor names no key, or [vault] serve is false"
        )
