"""A network of real processes that is killed again and again while people use it."""

from tests.chaos_network.run import run_chaos

__all__ = ["run_chaos"]
