"""What is wrong with what a simulation is given."""

from chain.errors import WashError


class TraceError(WashError):
    """A trace file that describes no trace."""

    code = 1001
