"""`washnode metrics`: what Grafana and Prometheus are given to watch nodes."""

import json
from pathlib import Path

import click

from node.commands.common import group
from node.commands.output import finish

_FOLDER = Path(__file__).parents[1] / "monitoring"


@group()
def metrics() -> None:
    """Print the dashboard and the alert rules for a node's figures.

    A node shows its figures at /metrics; docs/monitoring.md explains them.
    """


@metrics.command()
def dashboard() -> None:
    """Print the dashboard for Grafana, as JSON to import."""
    text = (_FOLDER / "dashboard.json").read_text("utf-8")
    finish(
        {"dashboard": json.loads(text)},
        lambda: click.echo(text.encode(), nl=False),
        next_command="washnode metrics alerts > alerts.yml",
    )


@metrics.command()
def alerts() -> None:
    """Print the alert rules for Prometheus, as YAML for its rule_files."""
    text = (_FOLDER / "alerts.yml").read_text("utf-8")
    finish(
        {"alerts": text},
        lambda: click.echo(text.encode(), nl=False),
        next_command="washnode metrics dashboard > dashboard.json",
    )
