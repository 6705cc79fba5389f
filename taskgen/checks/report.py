"""What came of checking a generator, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass


class CheckFailed(AssertionError):
    """A generator does not keep to the contract; the message lists every check that failed."""


@dataclass(frozen=True)
class Result:
    """What came of one check.

    Args:
        name: what was checked, in words.
        reason: why it failed, "" where it did not.
        seconds: how long it took.
    """

    name: str
    reason: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the check holds."""
        return not self.reason

    def __str__(self) -> str:
        line = f"{'ok    ' if self.ok else 'FAILED'} {self.name}"
        return f"{line}: {self.reason}" if self.reason else line


@dataclass(frozen=True)
class Report:
    """What came of all checks of one generator."""

    generator: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> tuple[Result, ...]:
        """The checks that do not hold."""
        return tuple(result for result in self.results if not result.ok)

    @property
    def ok(self) -> bool:
        """Whether all checks hold."""
        return not self.failed

    def __str__(self) -> str:
        return "\n".join([self.generator, *map(str, self.results)])

    def raise_if_failed(self) -> None:
        """Raises one error that names all checks that failed.

        Raises:
            CheckFailed: if there is one.
        """
        if not self.ok:
            lines = "\n".join(map(str, self.failed))
            raise CheckFailed(f"{self.generator} breaks {len(self.failed)} promises:\n{lines}")
