"""Ctrl-C and SIGTERM, as a campaign takes them."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from curricula.campaigns.campaign import Campaign
    from curricula.campaigns.sight.tracking import Display


class StopOnSignal:
    """Lets Ctrl-C and SIGTERM stop a campaign: first after the next commit, then at once.

    Args:
        campaign: what to stop.
        display: says so.
    """

    def __init__(self, campaign: Campaign, display: Display) -> None:
        self._campaign = campaign
        self._display = display
        self._before: dict[int, Any] = {}
        self.received: list[int] = []

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received.append(number)
        if len(self.received) > 1:
            for each in self._before:
                signal.signal(each, signal.SIG_DFL)
            raise KeyboardInterrupt
        self._campaign.request_stop()
        # The interrupted code may be printing, so what is said here comes from elsewhere.
        sentence = "stopping after the next commit; once more stops at once."
        threading.Thread(target=self._display.say, args=(sentence,), daemon=True).start()
