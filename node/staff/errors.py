"""Why somebody of the staff is not let in, or not let do something."""

from chain.errors import WashError


class StaffError(WashError):
    """A name, PIN or duty that can not be taken as it is."""

    code = 3120


class WrongPinError(StaffError):
    """A name and a PIN that do not belong together; which of the two is wrong is not told."""

    code = 3121


class LockedOutError(StaffError):
    """Too many wrong PINs: nobody gets in under this name for a while."""

    code = 3122
    retry = "later"

    def __init__(self, wait_ms: int) -> None:
        minutes = -(-wait_ms // 60_000)
        super().__init__(f"too many wrong PINs; wait {minutes} min, or let the owner set a new one")
        self.retry_after_ms = wait_ms


class NoSessionError(StaffError):
    """A session that is over, or never was."""

    code = 3123

    def __init__(self) -> None:
        super().__init__("this session is over; log in with name and PIN")


class NotYoursError(StaffError):
    """Something that the shop does not trust this member of staff with."""

    code = 3124


class NoStaffError(StaffError):
    """A node that keeps no shop's keys."""

    code = 3125

    def __init__(self) -> None:
        super().__init__("this node is no shop's: it has no key in [keys] sponsor")
