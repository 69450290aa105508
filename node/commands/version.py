"""`washnode version`: what runs here."""

import platform
import sys

from node import __version__
from node.commands.common import command
from node.commands.output import finish


@command()
def version() -> None:
    """Show the program's version, and the Python and the machine it runs on."""
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "executable": sys.executable,
    }
    finish(facts)
