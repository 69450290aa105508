"""Golden handles, marks and commitments of vehicles."""

from typing import Any

from chain.handles import commitment, handle, mark, vin_commitment

SECRETS = (bytes(32), bytes(range(32)), b"\xff" * 32)
RECORD = b"\xa5" * 32
VINS = ("WVWZZZ1JZXW000001", "LSVAM4187C2184847")


def handle_vectors() -> dict[str, Any]:
    """Return secrets with what follows from them, and VINs with their commitments."""
    return {
        "secrets": [
            {
                "secret": secret.hex(),
                "commitment": commitment(secret).hex(),
                "handles": [
                    {"place": place, "handle": handle(secret, place).hex()}
                    for place in (0, 1, 255, 256, 2**32 - 1)
                ],
                "record": RECORD.hex(),
                "marks": [
                    {"place": place, "mark": mark(secret, place, RECORD).hex()} for place in (0, 1)
                ],
            }
            for secret in SECRETS
        ],
        "vins": [
            {"salt": salt.hex(), "vin": vin, "commitment": vin_commitment(salt, vin).hex()}
            for salt in SECRETS[1:]
            for vin in VINS
        ],
    }
