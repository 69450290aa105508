"""The page of reports names every figure, balance, column and kind as the program does."""

from pathlib import Path

from node.report.export import JOURNAL
from node.report.figures import BALANCE_TEXTS, FIGURES, KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "reports.md").read_text("utf-8")


def test_every_figure_and_column_is_explained() -> None:
    rows = [(name, *texts) for name, texts in (FIGURES | BALANCE_TEXTS).items()]
    rows += [(one.name, one.text, one.zh) for one in JOURNAL]

    assert [name for name, en, zh in rows if f"| `{name}` | {en} | {zh} |" not in PAGE] == []
    assert [kind for kind in KINDS if f"`{kind}`" not in PAGE] == []
