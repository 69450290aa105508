"""Every refusal the ledger can give, as one tree of typed errors.

    WashError
    +- MalformedBytesError          bytes that are not the one canonical form of a value
    +- UnencodableValueError        a value that has no canonical form
    +- GenesisError                 a genesis file that does not describe a chain
    +- RecoveryPlanError            a plan of the operators that this chain can not follow
    +- InvalidTransactionError      a transaction that can not enter a block
    |  +- BadSignatureError, WrongChainError, NonceUsedError, ...
    +- ActionRefusedError           a transaction that enters a block and fails there
    |  +- InsufficientFundsError, NotIssuerError, TransferNotAllowedError, ...
    +- UnknownFeatureError          a rule in force that this program does not know
    +- InvalidBlockError            a block that does not follow from its parent
    +- PrunedError                  history that is no longer kept, or never was here
    +- SnapshotError                a snapshot that is not what it says, or of another chain
    +- StoreError                   a store that can not be trusted
       +- CorruptStoreError, UnreadableStoreError
       +- DiskFullError, ReadOnlyStoreError, StoreInUseError, HeldFileError

`code` is the number clients see (the same for simulate, submit and receipt); `retry` says whether
the same bytes, a rebuilt transaction, or nothing can succeed later.
"""

from typing import ClassVar, Literal

Retry = Literal["never", "same", "rebuild", "later"]


class WashError(Exception):
    """Base of everything the project raises about somebody else's input."""

    code: ClassVar[int] = 1000
    retry: ClassVar[Retry] = "never"


class MalformedBytesError(WashError):
    """Bytes that are not the single canonical encoding of a value of the declared type."""

    code = 1001


class UnencodableValueError(WashError):
    """A value outside the kinds or ranges that have a canonical encoding."""

    code = 1001


class GenesisError(WashError):
    """A genesis file that does not describe a chain."""

    code = 1014


class RecoveryPlanError(WashError):
    """A recovery plan that is not signed by the operators, or not for this block."""

    code = 4004


class InvalidTransactionError(WashError):
    """A transaction that no block may contain."""

    code = 1001


class BadSignatureError(InvalidTransactionError):
    """A signature that its key did not make over these bytes."""

    code = 1002


class WrongChainError(InvalidTransactionError):
    """A transaction signed for another chain."""

    code = 1003

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        super().__init__(f"signed for chain {found.hex()}, this is {expected.hex()}")
        self.expected, self.found = expected, found


class NonceUsedError(InvalidTransactionError):
    """A nonce this key has used before."""

    code = 1004

    def __init__(self, nonce: int) -> None:
        super().__init__(f"nonce {nonce} of this key was used before; take an unused one")
        self.nonce = nonce


class NonceStaleError(InvalidTransactionError):
    """A nonce below the key's window."""

    code = 1005
    retry = "rebuild"

    def __init__(self, *, lowest: int, found: int) -> None:
        super().__init__(f"nonce {found} is below the window, which begins at {lowest}")
        self.lowest, self.found = lowest, found


class NonceTooFarError(InvalidTransactionError):
    """A nonce more than the allowed jump above the highest seen."""

    code = 1013
    retry = "later"

    def __init__(self, *, highest: int, found: int) -> None:
        super().__init__(f"nonce {found} is too far ahead; the highest allowed now is {highest}")
        self.highest, self.found = highest, found


class ExpiredError(InvalidTransactionError):
    """A `valid_until` that is over."""

    code = 1006
    retry = "rebuild"

    def __init__(self, *, now: int, valid_until: int) -> None:
        super().__init__(f"valid until {valid_until}, block time is {now} (ms)")
        self.now, self.valid_until = now, valid_until


class TooLongValidError(InvalidTransactionError):
    """A `valid_until` further away than the chain allows."""

    code = 1006
    retry = "rebuild"

    def __init__(self, *, latest: int, valid_until: int) -> None:
        super().__init__(f"valid until {valid_until}, at most {latest} is allowed (ms)")
        self.latest, self.valid_until = latest, valid_until


class SponsorRequiredError(InvalidTransactionError):
    """A sender who is neither a member, nor sponsored, nor the owner of an open pot."""

    code = 1008
    retry = "rebuild"


class SponsorQuotaError(InvalidTransactionError):
    """A daily quota or allowance that is used up."""

    code = 1009
    retry = "later"

    def __init__(self, *, used: int, maximum: int) -> None:
        super().__init__(f"{used} transactions used of {maximum}; try again tomorrow")
        self.used, self.maximum = used, maximum


class KeyScopeError(InvalidTransactionError):
    """A key that may not sign for this account, or not this action."""

    code = 1011


class TooLargeError(InvalidTransactionError):
    """A transaction beyond a size or gas bound."""

    code = 1012

    def __init__(self, what: str, *, maximum: int, found: int) -> None:
        super().__init__(f"{what} is {found}, at most {maximum} is allowed")
        self.maximum, self.found = maximum, found


class ActionRefusedError(WashError):
    """An action that the rules refuse; its transaction enters the block and changes nothing."""

    code = 1000


class InsufficientFundsError(ActionRefusedError):
    """Less money than the action needs."""

    code = 2001

    def __init__(self, *, have: int, need: int) -> None:
        super().__init__(f"have {have}, need {need} (minor units)")
        self.have, self.need = have, need


class NotIssuerError(ActionRefusedError):
    """Minting or burning by someone who is not the asset's issuer."""

    code = 2003


class LimitError(ActionRefusedError):
    """An amount beyond a limit."""

    code = 2004

    def __init__(self, what: str, *, maximum: int, found: int) -> None:
        super().__init__(f"{what} would be {found}, at most {maximum} is allowed")
        self.maximum, self.found = maximum, found


class TransferNotAllowedError(ActionRefusedError):
    """A transfer that the asset's policy forbids."""

    code = 2005


class WrongStateError(ActionRefusedError):
    """An action that does not fit what is on the chain now."""

    code = 3004


class RoleError(ActionRefusedError):
    """An account without the role that the action needs."""

    code = 3602


class UnknownIdError(ActionRefusedError):
    """An id that names nothing on this chain."""

    code = 6001


class BadContractError(ActionRefusedError):
    """A contract container that the verifier refuses."""

    code = 5002


class UpgradeRefusedError(ActionRefusedError):
    """Code that can not take over from a contract's code, or not for those who use it."""

    code = 5003


class InvalidBlockError(WashError):
    """A block that does not follow from its parent by the rules."""

    code = 4003


class PrunedError(WashError):
    """Something of a block that this store does not keep any more, or never had.

    `height` is what was asked for, `min_height` the lowest height from which all of it is here.
    """

    code = -32009

    def __init__(self, height: int, min_height: int) -> None:
        super().__init__(
            f"height {height} is not kept here in full; what is asked for is kept from height "
            f"{min_height} on; ask a node that keeps all"
        )
        self.height, self.min_height = height, min_height


class SnapshotError(WashError):
    """A snapshot that is damaged, that nothing vouches for, or that is of another chain."""

    code = 7006


class QuorumRiskError(ActionRefusedError):
    """A change after which those validators who were seen lately could decide nothing."""

    code = 4001
    retry = "later"

    def __init__(self, *, seen: int, quorum: int, silent: tuple[bytes, ...]) -> None:
        names = ", ".join(key.hex() for key in silent)
        text = (
            f"{seen} validators of the new set were seen lately, {quorum} must be; not seen: "
            f"{names}; bring them back, or remove one that is gone first"
        )
        super().__init__(text)
        self.seen, self.quorum, self.silent = seen, quorum, silent


class LastValidatorError(ActionRefusedError):
    """The removal of a chain's only validator."""

    code = 4002

    def __init__(self, key: bytes) -> None:
        super().__init__(f"{key.hex()} is the only validator; add another one first")
        self.key = key


class NotReadyError(ActionRefusedError):
    """A candidate that did not prove that it runs, or not lately."""

    code = 4005
    retry = "rebuild"


class UnknownFeatureError(WashError):
    """A rule that the operators put into force and this program does not know: it must stop."""

    code = 4006

    def __init__(self, name: str, activation: int) -> None:
        text = (
            f"feature {name} is in force from height {activation} on, and this program does not "
            "know it; nothing is lost"
        )
        super().__init__(text)
        self.name, self.activation = name, activation


class StoreError(WashError):
    """A store that can not be opened or written."""

    code = 7001


class CorruptStoreError(StoreError):
    """Stored bytes that are not what was written, with the height they belong to."""

    code = 7002

    def __init__(self, height: int, what: str) -> None:
        super().__init__(f"height {height}: {what}")
        self.height, self.what = height, what


class UnreadableStoreError(StoreError):
    """Files of the database that fail their checksums or are missing."""

    code = 7002


class DiskFullError(StoreError):
    """No room for what must be written; nothing of it was."""

    code = 7003


class ReadOnlyStoreError(StoreError):
    """A folder that this process may not write to."""

    code = 7004


class StoreInUseError(StoreError):
    """A store that another process has open."""

    code = 7005


class HeldFileError(StoreError):
    """A file of the database that another program holds, as an antivirus does for a moment."""

    code = 7020
    retry = "later"
