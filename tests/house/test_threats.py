"""Every test that the threat model names is there: a line that nothing holds must say so."""

import re

from tests.house.test_docs import ROOT


def test_the_tests_that_the_threat_model_names_exist() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    known = {name for text in sources for name in re.findall(r"def (test_\w+)", text)}

    named = set(re.findall(r"`(test_\w+)`", page))

    assert len(named) > 50
    assert named - known == set()
