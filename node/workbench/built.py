"""Contracts compiled for trying them: code, ABI, worst cases, and the way back to the source."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from contracts.lang.compiler import Compiled, compile_contract
from contracts.vm.container import FunctionKind
from contracts.vm.opcodes import Op
from contracts.vm.program import Program, load_program
from node.abi import ContractAbi, parse_abi
from node.workbench.failures import SourcePlace, WorkbenchError

SOURCE_BYTES_MAX = 262_144
_KEPT_MAX = 64  # sources remembered


@dataclass(frozen=True, slots=True)
class Built:
    """A compiled and verified contract with its source."""

    filename: str
    lines: tuple[str, ...]
    compiled: Compiled
    program: Program
    abi: ContractAbi

    def place(self, function: str, instruction: int) -> SourcePlace | None:
        """Return the line that an instruction came from."""
        if function not in self.compiled.source_map:
            return None
        line = self.compiled.line_of(function, instruction)
        text = self.lines[line - 1].strip() if line <= len(self.lines) else ""
        return SourcePlace(self.filename, line, text)

    def gas(self) -> dict[str, int]:
        """Return the most that each function which can be called from outside may cost."""
        return {
            one.name: one.worst_case_gas
            for one in self.program.routines
            if one.function.kind != FunctionKind.INTERNAL
        }

    def issued(self) -> set[str]:
        """Return the names of the assets that the code makes or takes back."""
        slots = self.compiled.container.assets
        issuing = {Op.MINT, Op.BURN}
        steps = [step for one in self.program.routines for step in one.steps]
        return {slots[step[4]] for step in steps if step[0] in issuing}


@lru_cache(maxsize=_KEPT_MAX)
def build(source: bytes, filename: str = "<contract>") -> Built:
    """Compile and verify a source; raises ContractSyntaxError with the place."""
    compiled = compile_contract(source, filename=filename)
    lines = tuple(source.decode("utf-8-sig").splitlines())
    program = load_program(compiled.container_bytes)
    return Built(filename, lines, compiled, program, parse_abi(compiled.abi))


def build_file(path: Path) -> Built:
    """Compile and verify a file; raises ContractSyntaxError, WorkbenchError or OSError."""
    with path.open("rb") as file:
        source = file.read(SOURCE_BYTES_MAX + 1)
    if len(source) > SOURCE_BYTES_MAX:
        text = f"{path} has more than {SOURCE_BYTES_MAX} bytes; a source is shorter"
        raise WorkbenchError(text)
    return build(source, str(path))
