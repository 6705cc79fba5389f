"""How much of a campaign's time a store may take that is slow, or that does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 0.03
"""Of a campaign's time, that a store may take which fails or is slow."""

FREE_S = 60.0
"""In seconds; more than opening a new store takes where many things run at once."""

_LONGEST_WAIT_S = 600.0


class Patience:
    """Says when a store may be asked again, after what it cost.

    An attempt of up to `FREE_S` seconds costs nothing, if it succeeded. Any other is followed by a
    pause, so long that attempt is `SHARE` of attempt and pause, ten minutes at most.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._until = clock()

    @property
    def is_time(self) -> bool:
        """Whether no pause is on."""
        return self._clock() >= self._until

    @property
    def is_spent(self) -> bool:
        """Whether the attempt that is on has had its free seconds."""
        return self._clock() - self._began > FREE_S

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Counts what is done inside as one attempt, failed if it raises."""
        self._began = self._until = self._clock()
        try:
            yield
        except BaseException:
            self._pause()
            raise
        if self.is_spent:
            self._pause()

    def _pause(self) -> None:
        now = self._clock()
        took = now - self._began
        self._until = now + min(took * (1.0 / SHARE - 1.0), _LONGEST_WAIT_S)
