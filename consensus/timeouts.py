"""How long each step waits, ms. Longer waits never hurt safety, shorter ones never lose it."""

from chain.validators import ValidatorSet

PROPOSE_MS = 1_500
VOTE_MS = 500
CHECK_MS = 10_000  # guards the check of a block that arrived
TIMEOUT_MAX_MS = 15_000
RESEND_MS = 1_000
STATUS_BUSY_MS = 2_000
STATUS_IDLE_MS = 10_000
FETCH_FIRST_MS = 100
FETCH_AGAIN_MS = 500
SYNC_MS = 3_000
LISTEN_MS = 2_000  # at every start
LISTEN_LONG_MS = 10_000  # after a log that can not be trusted
CLOCK_AHEAD_MS = 2_000  # a block's time may be this far ahead of a voter's clock
MESSAGE_DELAY_MS = 8_000  # a fresh proposal may be this old; grows by a tenth a round
_ROUNDS_GROWN_MAX = 40


def _grown(base_ms: int, round_number: int, validators: ValidatorSet) -> int:
    """Half as long again for every round beyond those that crashed proposers explain."""
    extra = round_number - (len(validators.keys) - validators.quorum)
    extra = min(max(extra, 0), _ROUNDS_GROWN_MAX)
    grown_ms: int = base_ms * 3**extra // 2**extra
    return min(grown_ms, TIMEOUT_MAX_MS)


def propose_ms(round_number: int, validators: ValidatorSet) -> int:
    """Return how long to wait for a proposal."""
    return _grown(PROPOSE_MS, round_number, validators)


def vote_ms(round_number: int, validators: ValidatorSet) -> int:
    """Return how long to wait for agreement once a quorum has voted."""
    return _grown(VOTE_MS, round_number, validators)


def oldest_ms(round_number: int) -> int:
    """Return how old a fresh proposal's block time may be on arrival."""
    grown = min(round_number, _ROUNDS_GROWN_MAX)
    window_ms: int = MESSAGE_DELAY_MS * 11**grown // 10**grown
    return window_ms + CLOCK_AHEAD_MS
