"""The command line: `washnode`. Commands are imported when they run, so help is quick."""

import click

from node import __version__
from node.commands.common import LazyGroup, WashCommand
from node.terminal import prepare_streams, stop_in_order

_HERE = "node.commands"
# What the overview shows; a command says more of itself.
TABLE = {
    "Start": [
        ("dev", f"{_HERE}.dev", "dev", "A development chain with two shops, and its clock."),
        ("setup", f"{_HERE}.setup", "setup", "Make this computer a shop's."),
        ("join", f"{_HERE}.join", "join", "Come into a network with an operator's code."),
        ("service", f"{_HERE}.service", "service", "Start the node by itself with the computer."),
        ("init", f"{_HERE}.init", "init", "Make a new chain of one validator."),
        ("genesis", f"{_HERE}.genesis", "genesis", "Begin a chain together with other shops."),
        ("start", f"{_HERE}.service", "start", "Start the node of this computer."),
        ("run", f"{_HERE}.run", "run", "Run a node here until it is stopped."),
        ("stop", f"{_HERE}.run", "stop", "Stop the running node."),
        ("status", f"{_HERE}.status", "status", "Show how a node is, as traffic lights."),
        ("open", f"{_HERE}.open", "open_pages", "Open the shop's pages, show customers' code."),
        ("logs", f"{_HERE}.logs", "logs", "Show the node's log."),
        ("version", f"{_HERE}.version", "version", "Show the program's version."),
        ("update", f"{_HERE}.update", "update", "See whether there is a later program."),
        ("completion", f"{_HERE}.completion", "completion", "Print a shell's completion script."),
    ],
    "Chain": [
        ("tx", f"{_HERE}.tx", "tx", "Send, show and explain transactions."),
        ("call", f"{_HERE}.call", "call", "Call a contract's action."),
        ("read", f"{_HERE}.call", "read", "Read a contract's view."),
        ("outbox", f"{_HERE}.outbox", "outbox", "What was sent and is in no block yet."),
        ("events", f"{_HERE}.events", "events", "Follow what happens."),
        ("rpc", f"{_HERE}.rpc", "rpc", "Call any method of a node."),
        ("passport", f"{_HERE}.passport", "passport", "A vehicle's records in one checked file."),
        ("report", f"{_HERE}.report", "report", "A shop's figures for its accountant."),
    ],
    "Keys": [("key", f"{_HERE}.key", "key", "Make, back up and change keys.")],
    "Develop": [
        ("contract", f"{_HERE}.contract", "contract", "Build, test and deploy contracts."),
        ("rehearse", f"{_HERE}.rehearse", "rehearse", "Run a booking history through the rules."),
        ("sim", f"{_HERE}.sim", "sim", "Simulate a cluster with every fault, from a seed."),
    ],
    "Look after": [
        ("verify", f"{_HERE}.rehearse", "verify", "Execute a kept chain again, compare all."),
        ("doctor", f"{_HERE}.doctor", "doctor", "Look after a node: each check with its fix."),
        ("backup", f"{_HERE}.backups", "backup", "Make, test and bring back copies of the data."),
        ("snapshot", f"{_HERE}.snapshot", "snapshot", "A chain's state in one file, and back."),
        ("prune", f"{_HERE}.prune", "prune", "Drop the transactions of old blocks."),
        ("db", f"{_HERE}.db_format", "db", "Check, repair and measure a node's data."),
        ("config", f"{_HERE}.config", "config", "Show the settings, and where each comes from."),
        ("metrics", f"{_HERE}.metrics", "metrics", "Watch nodes with Grafana and Prometheus."),
        ("peer", f"{_HERE}.peer", "peer", "Look after connections to other nodes."),
        ("recovery", f"{_HERE}.recovery", "recovery", "Go on after a quorum is lost for good."),
    ],
    "Operators": [
        ("admit", f"{_HERE}.admit", "admit", "Let shops in with codes that are used once."),
        ("login", f"{_HERE}.login", "login", "Let operators act in a browser at this node."),
        ("cashier", f"{_HERE}.cashier", "cashier", "Let people work at the money desk."),
        ("gov", f"{_HERE}.gov", "gov", "Propose changes to the other operators, and vote."),
        ("validator", f"{_HERE}.validator", "validator", "Who decides on blocks; pause, rotate."),
        ("upgrade", f"{_HERE}.upgrade", "upgrade", "Rules that come, and whether we have them."),
    ],
}


@click.group(cls=LazyGroup, table=TABLE)
@click.version_option(__version__, prog_name="washnode", help="Show the version and stop.")
def main() -> None:
    """A blockchain node for car-wash shops."""
    prepare_streams()
    stop_in_order()
    if not __debug__:
        raise click.UsageError("run without -O: the assertions it removes guard money")


__all__ = ["TABLE", "WashCommand", "main"]
