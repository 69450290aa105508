"""Settings shared by all tests: how long and how randomly properties are tried."""

import os

from hypothesis import HealthCheck, settings

# A check that fails today and passes tomorrow teaches nothing: `make test` draws the same examples
# every time. `make fuzz RUNS=n` draws fresh ones and remembers those that failed.
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_RUNS", "1000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
