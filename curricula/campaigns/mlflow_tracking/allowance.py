"""How much of a campaign's time may go into pictures for MLflow.

Drawing the tasks of a generation takes a second or more, its points a tenth of that. Points are
logged of every commit; pictures of as many as the time is there for, and of the last one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.015
"""Of a campaign's time, for pictures; where generations are short, points take as much again."""

FREE_S = 3.0
"""In seconds; so long, pictures cost nothing, and a short campaign has all of them."""


class DrawingAllowance:
    """Says whether there is time to draw, from what was earned and spent.

    What is drawn may take longer than what is left: then nothing is drawn until that is earned.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._left = FREE_S

    @property
    def is_open(self) -> bool:
        """Whether something is left."""
        return self._left > 0.0

    def earn(self, seconds: float) -> None:
        """Adds the share of a generation that took so many seconds."""
        self._left += SHARE * seconds

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Counts what is done inside as drawing."""
        began = self._clock()
        try:
            yield
        finally:
            self._left -= self._clock() - began
