"""What a development chain runs beside its node."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli import main
from node.commands import serving
from node.demo.tools import tools_of
from node.live.node import Node


def test_steps_of_scenarios_are_taken_while_time_passes_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: list[bool] = []

    async def serve(
        node: Node, _config: object, _on_ready: object, companions: Sequence[Any]
    ) -> None:
        beside.append(list(companions) == [tools_of(node).run])
        node.close()

    monkeypatch.setattr(serving, "serve", serve)
    result = CliRunner().invoke(main, ["dev", "--data", str(tmp_path / "dev"), "--port", "0"])

    assert (result.exit_code, beside) == (0, [True])
