"""Why signatures are checked in processes: what a thread gets done beside a busy main thread.

`python -m bench.signature_threads` prints Ed25519 checks a second of one thread alone, then while
another thread computes; the difference is waiting for the interpreter lock.
"""

import sys
import threading
import time

from chain.crypto import Signer, verify_signature

SECONDS = 1.0
MESSAGE = bytes(300)  # about what a booking's transaction signs


def checks_a_second(seconds: float) -> int:
    """Return how many signatures this thread checks in a second."""
    signer = Signer(bytes(32))
    signature = signer.sign(MESSAGE)
    count = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        verify_signature(signer.public_key, MESSAGE, signature)
        count += 1
    return round(count / seconds)


def compute(stop: threading.Event) -> int:
    """Keep the interpreter busy until told to stop."""
    total = 0
    while not stop.is_set():
        for number in range(1_000):
            total += number
    return total


def main() -> None:
    """Print both rates."""
    alone = checks_a_second(SECONDS)
    stop = threading.Event()
    thread = threading.Thread(target=compute, args=(stop,))
    thread.start()
    beside = checks_a_second(SECONDS)
    stop.set()
    thread.join()
    interval_ms = round(sys.getswitchinterval() * 1_000)
    print(f"switch interval {interval_ms} ms")
    print(f"one thread alone         {alone:>8,} checks a second")
    print(f"beside a busy thread     {beside:>8,} checks a second ({100 * beside // alone} %)")


if __name__ == "__main__":
    main()
