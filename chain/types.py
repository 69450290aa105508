"""Types that occur everywhere, with their bounds; every limit of the ledger stands here.

Amounts are integer minor units (fen, cents), times are milliseconds since the epoch (UTC) taken
from block headers, ratios are basis points. Amounts, times and counters stay within 2^53-1, so they
are exact in JSON and JavaScript.
"""

from typing import Annotated, TypeAlias

from chain.codec import AtMost, Between, ExactBytes

SAFE_INT_MAX = 2**53 - 1
BASIS_POINTS = 10_000

Id: TypeAlias = Annotated[bytes, ExactBytes(32)]  # account, contract instance, asset, transaction
Hash: TypeAlias = Annotated[bytes, ExactBytes(32)]
PublicKey: TypeAlias = Annotated[bytes, ExactBytes(32)]
Signature: TypeAlias = Annotated[bytes, ExactBytes(64)]
Amount: TypeAlias = Annotated[int, Between(0, SAFE_INT_MAX)]
TimeMs: TypeAlias = Annotated[int, Between(0, SAFE_INT_MAX)]
Height: TypeAlias = Annotated[int, Between(0, SAFE_INT_MAX)]
Count: TypeAlias = Annotated[int, Between(0, SAFE_INT_MAX)]
U8: TypeAlias = Annotated[int, Between(0, 255)]
U16: TypeAlias = Annotated[int, Between(0, 65_535)]
U32: TypeAlias = Annotated[int, Between(0, 2**32 - 1)]
Name: TypeAlias = Annotated[str, AtMost(64)]

ZERO_ID = bytes(32)

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

TX_BYTES_MAX = 65_536  # a deployment carries up to 24 KiB of container twice over
ACTIONS_MAX = 16  # per transaction
ARGUMENTS_MAX = 64  # per call
NONCE_WINDOW = 256  # unused nonces this far below the highest seen are still good
NONCE_JUMP_MAX = 1_024  # and this far above it
EVENTS_PER_CALL_MAX = 16
