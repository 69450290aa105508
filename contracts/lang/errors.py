"""What the compiler says when it refuses a source."""

import ast
from typing import ClassVar

from chain.errors import WashError


class ContractSyntaxError(WashError):
    """A source that is not a contract; `line` and `column` count from 1."""

    code: ClassVar[int] = 1001

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column
        self.filename = "<contract>"

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}:{self.column}: {self.message}"


def error_at(node: ast.AST, message: str) -> ContractSyntaxError:
    """Return the error that points at a node of the syntax tree."""
    line = getattr(node, "lineno", 1)
    return ContractSyntaxError(message, line, getattr(node, "col_offset", 0) + 1)
