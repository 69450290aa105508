"""The running program: the one place where the ledger, the contracts and agreement meet."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("washnode")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0"

__all__ = ["__version__"]
