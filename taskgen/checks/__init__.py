"""The conformance suite: what every task generator must keep to, ours and anybody's.

`check_generator(Bandit())` plays and takes apart tasks from all over the space and returns a
`Report` with one line a check; `taskgen check NAME` prints it. The checks lie in `making` (what
holds before anything is played), `playing` and `episodes` (environments), `solving` (problems)
and `effects`; reading them is reading what a generator promises.
"""

from __future__ import annotations

import copy
import time
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TypeAlias

from taskgen.checks import effects, episodes, making, playing, solving
from taskgen.checks.report import CheckFailed, Report, Result
from taskgen.checks.specimens import Specimens, specimens_of
from taskgen.generator import EnvGenerator, ProblemGenerator, TaskGenerator

__all__ = ["CheckFailed", "Report", "Result", "check_generator"]

Check: TypeAlias = Callable[[Specimens], str]


def check_generator(
    generator: TaskGenerator, *, thorough: bool = False, only: Collection[str] | None = None
) -> Report:
    """Checks a generator against everything that the rest of the house relies on.

    Every check gets a copy of the generator as it came, so that none sees the traces of another.

    Args:
        generator: made with whatever options are to be checked.
        thorough: take four times as many tasks.
        only: the names of the checks to run, as the report has them; None: all.

    Returns:
        A report; `raise_if_failed` turns it into an error.

    Example:
        >>> from taskgen.generators.bandit import Bandit
        >>> report = check_generator(Bandit(num_arms=2))
        >>> report.ok, str(report.results[0])
        (True, 'ok     name, kind and finite bounds')
    """
    name = str(getattr(generator, "name", type(generator).__name__))
    first = _run("name, kind and finite bounds", making.declared, Specimens(generator, [], []))
    if not first.ok:
        return Report(name, (first,))
    results = [first]
    for title, check in _checks(generator):
        if only is None or title in only:
            results.append(_run(title, check, specimens_of(copy.deepcopy(generator), thorough)))
    return Report(name, tuple(results))


def _checks(generator: TaskGenerator) -> Iterator[tuple[str, Check]]:
    yield "tasks are plain, small, and travel as JSON", making.travels
    yield "the same parameters and seed give the same task", making.deterministic
    yield "the same task in another process", making.same_elsewhere
    yield "rows that do not vary are one task", making.constant
    yield "no global randomness", playing.leaves_globals_alone
    yield "a batch of tasks equals its tasks one by one", making.batch_equals_single
    yield "tasks of one form lie on one side of the split", making.one_side
    yield "what is out of the space is refused", making.refuses
    yield "features are finite, pictures are pictures", making.shown
    yield "edits stay valid and inside the space", making.edits
    if isinstance(generator, EnvGenerator):
        yield "one observation and action space over the whole space", playing.one_space
        yield "observations stay in their space to the end", episodes.stays_in_space
        yield "success is told", episodes.tells_success
        yield "gymnasium's own check", playing.gymnasium_agrees
        yield "vector equals single, whatever the slot", playing.vector_equals_single
        yield "no trace of the tasks played before", playing.no_trace
        yield "nobody beats the oracle", playing.oracle_is_best
    if isinstance(generator, ProblemGenerator):
        yield "one input and target space over the whole space", solving.one_space
        yield "fresh sets, made from the rng alone", solving.fresh
        yield "keyed sets, whatever the batch", solving.keyed
        yield "no trace of the tasks of before", solving.no_trace
        yield "query points are others than support points", solving.apart
        yield "nobody who guesses beats the oracle", solving.oracle_is_best
    for name in generator.space:
        yield f"{name} has an effect", partial(effects.has_effect, name=name)


def _run(name: str, check: Check, specimens: Specimens) -> Result:
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reason = check(specimens)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"it raised {error!r} ({where.name}, line {where.lineno})"
    return Result(name, reason, time.perf_counter() - start)
