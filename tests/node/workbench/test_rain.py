"""The rain guarantee of docs/contracts.md passes the tests that the page has for it."""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "contracts.md"


def test_the_rain_guarantee_passes_its_tests_and_no_function_is_without_one(tmp_path: Path) -> None:
    blocks: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (source,) = [block for block in blocks if "class RainGuarantee" in block]
    (tests,) = [block for block in blocks if "rain.wash" in block]
    (tmp_path / "rain.wash").write_text(source, encoding="utf-8")
    (tmp_path / "test_rain.py").write_text(tests, encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "node", "contract", "test", "rain.wash", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    found = json.loads(ran.stdout)
    assert (ran.returncode, found["passed"], found["failed"]) == (0, 6, 0), ran.stdout
    assert found["unused"] == {}
