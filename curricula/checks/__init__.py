"""The conformance suite: what every curriculum and every search must keep to, ours and anybody's.

`check_curriculum(MyCurriculum)` and `check_search(MySearch)` try a class out on a small family of
their own and return a `Report` with one line a check; `raise_if_failed` makes an error of it. The
checks lie in `tasks` and `distributions`; reading them is reading what the contracts promise.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from curricula.checks import distributions, tasks
from curricula.curriculum import Curriculum
from curricula.search import DistributionSearch
from taskgen.checks.report import CheckFailed, Report, Result

__all__ = ["CheckFailed", "Report", "Result", "check_curriculum", "check_search"]


def check_curriculum(curriculum_class: type[Curriculum], config: Any = None) -> Report:
    """Checks a curriculum against everything that a campaign relies on.

    Args:
        curriculum_class: the class, made by `cls(config)`.
        config: its settings; None: the defaults of `cls.Config`.

    Example:
        >>> from curricula.algorithms.domain_randomization import DomainRandomization
        >>> check_curriculum(DomainRandomization).ok
        True
    """
    return _report(curriculum_class, config, tasks.CHECKS)


def check_search(search_class: type[DistributionSearch], config: Any = None) -> Report:
    """Checks a search against everything that a campaign relies on.

    Args:
        search_class: the class, made by `cls(config, journal)`.
        config: its settings; None: the defaults of `cls.Config`.

    Example:
        >>> from curricula.algorithms.fixed import Fixed
        >>> check_search(Fixed).ok
        True
    """
    return _report(search_class, config, distributions.CHECKS)


def _report(checked: type[Any], config: Any, checks: Mapping[str, Callable[..., str]]) -> Report:
    make = partial(_make, checked, config)
    results = [_run(name, partial(check, make)) for name, check in checks.items()]
    return Report(checked.__name__, tuple(results))


def _make(checked: type[Any], config: Any, *more: Any) -> Any:
    return checked(checked.Config() if config is None else config, *more)


def _run(name: str, check: Callable[[], str]) -> Result:
    start = time.perf_counter()
    try:
        reason = check()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"it raised {error!r} ({where.name}, line {where.lineno})"
    return Result(name, reason, time.perf_counter() - start)
