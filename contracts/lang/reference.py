"""The part of docs/contracts.md that is made from the instruction table."""

from contracts.vm.opcodes import OPCODES

BEGIN = "<!-- opcodes: made from contracts/vm/opcodes.py -->"
END = "<!-- end of opcodes -->"


def opcode_table() -> str:
    """Return the instruction table as Markdown, one row an opcode, by number."""
    lines = ["| number | opcode | d | a | b | t | gas | effect |", "|---|" + "---|" * 7]
    for op, row in sorted(OPCODES.items()):
        cells = [str(int(op)), op.name, row.d, row.a, row.b, row.t, str(row.gas), row.effect]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def replace_table(text: str) -> str:
    """Return a page with its instruction table made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{opcode_table()}\n{END}{after}"
