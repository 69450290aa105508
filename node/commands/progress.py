"""A bar on the terminal's error stream for work that takes long."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from node.commands.output import talk


@contextmanager
def progress_if_any(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar from the first time on that there is something to tell of."""
    with ExitStack() as stack:
        begun: list[Callable[[int, int], None]] = []

        def tell(done: int, total: int) -> None:
            if not begun:
                begun.append(stack.enter_context(progress(what)))
            begun[0](done, total)

        yield tell


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar meanwhile, fed with (done, total); say nothing when nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    hidden = talk().as_json or talk().quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
