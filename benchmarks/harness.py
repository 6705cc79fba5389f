"""What the benchmarks share: repeats on a clock, and results as JSON lines.

One line a value: name, value (the median of the repeats), unit, min, max, repeats, the number of
cores and the load on them; `bar` and `holds` where something was promised.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def measure(fn: Callable[[], Any], repeats: int = 5) -> list[float]:
    """Returns the seconds of each of `repeats` calls, after one call that is not counted."""
    fn()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        fn()
        seconds.append(time.perf_counter() - start)
    return seconds


def rates(amount: float, seconds: Sequence[float]) -> list[float]:
    """Returns amount a second of each repeat."""
    return [amount / second for second in seconds]


def report(
    name: str,
    value_samples: Sequence[float],
    unit: str,
    bar: float | None = None,
    *,
    higher_is_better: bool = True,
    **extra: Any,
) -> dict[str, Any]:
    """Prints one result as a JSON line, and returns it.

    Args:
        name: what was measured.
        value_samples: one value a repeat.
        unit: of the value.
        bar: what was promised; `holds` compares the median with it.
        higher_is_better: whether the bar is a floor (else a ceiling).
        **extra: further fields of the line.
    """
    value = statistics.median(value_samples)
    line: dict[str, Any] = {
        "name": name,
        "value": _rounded(value),
        "unit": unit,
        "min": _rounded(min(value_samples)),
        "max": _rounded(max(value_samples)),
        "repeats": len(value_samples),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    if bar is not None:
        line |= {"bar": bar, "holds": value >= bar if higher_is_better else value <= bar}
    line |= extra
    print(json.dumps(line), flush=True)
    return line


def _rounded(value: float) -> float:
    """Returns four significant digits: no repeat of these measurements knows more."""
    return float(f"{value:.4g}")
