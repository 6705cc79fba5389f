"""What came of checking a learner, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass


class LearnerCheckFailed(AssertionError):
    """A learner does not keep to the contract; the message lists every check that failed."""


@dataclass(frozen=True)
class LearnerReport:
    """What came of all checks of one learner: names in words, and reasons, "" where it holds."""

    learner: str
    reasons: dict[str, str]

    @property
    def failed(self) -> dict[str, str]:
        """The checks that do not hold, with their reasons."""
        return {name: reason for name, reason in self.reasons.items() if reason}

    @property
    def ok(self) -> bool:
        """Whether all checks hold."""
        return not self.failed

    def __str__(self) -> str:
        lines = [f"{'FAILED' if why else 'ok    '} {name}" for name, why in self.reasons.items()]
        return "\n".join([self.learner, *lines])

    def raise_if_failed(self) -> None:
        """Raises one error that names all checks that failed.

        Raises:
            LearnerCheckFailed: if there is one.
        """
        if not self.ok:
            lines = "\n".join(f"{name}: {reason}" for name, reason in self.failed.items())
            raise LearnerCheckFailed(f"{self.learner} breaks {len(self.failed)} promises:\n{lines}")
