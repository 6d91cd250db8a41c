"""How far something is: one line that is written over, in a notebook and in a terminal, and nothing in a pipe."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

__all__ = ["Progress"]


class Progress:
    """What to give as `progress` to a function that takes long.

    `what` is being done, `of` how many steps it has: with it each call adds the steps that were done (`evaluate` calls
    once a fold, `learning_curve` once a fold and size); without it a call says how much there is so far (`read_posts`,
    `import_posts`), or says it in words (`run_study`, `validate`). In a notebook it is one output that changes in its
    place, so that a notebook that was run holds its last line only; in a terminal one line on standard error; where
    nobody is watching (a pipe, a file, a test) it writes nothing. In a `with` block it ends its line.

    >>> with Progress("judging", of=3) as progress:
    ...     progress(1)
    ...     progress(1)
    >>> progress.line
    'judging: 2 of 3'
    >>> progress = Progress("reading posts")
    >>> progress(10_000)
    >>> progress.line
    'reading posts: 10,000'
    >>> progress = Progress("the study")
    >>> progress("judge", 0)
    >>> progress.line
    'the study: judge'
    """

    def __init__(self, what: str, *, of: int | None = None) -> None:
        self.what = what
        self.of = of
        self.done = 0
        self.line = what
        self._handle: Any = None
        self._open = False

    def __call__(self, *said: str | int) -> None:
        """Say how far it is: a number, words, or both; after a number below 0, a warning, a new line begins."""
        words = [one for one in said if isinstance(one, str)]
        numbers = [one for one in said if isinstance(one, int)]
        if self.of is not None and not words:
            self.done += sum(numbers)
            self.line = f"{self.what}: {self.done:,} of {self.of:,}"
        else:
            counted = [f"{one:,}" for one in numbers if one > 0]
            self.line = f"{self.what}: {' '.join([*words, *counted])}"
        self._show()
        if any(one < 0 for one in numbers) or (self.of is not None and self.done >= self.of):
            self.close()

    def __enter__(self) -> Self:
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the line, if one is open: what is said next stands below it."""
        if self._open:
            sys.stderr.write("\n")
            sys.stderr.flush()
        self._open = False
        self._handle = None

    def _show(self) -> None:
        if _in_notebook():
            self._show_in_notebook()
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{self.line}")
            sys.stderr.flush()
            self._open = True

    def _show_in_notebook(self) -> None:
        from IPython import display

        shown = {"text/plain": self.line}
        if self._handle is None:
            self._handle = display.display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown, raw=True)


def _in_notebook() -> bool:
    """Whether a kernel runs this: IPython is loaded then, and has one; it is never loaded to find out."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return getattr(running, "kernel", None) is not None
