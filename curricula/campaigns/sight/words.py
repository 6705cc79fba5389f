"""How a campaign's numbers are put into words, wherever people read them.

What a generation decided is told in `decisions`. Displays and commands print these words as they
are; `report` makes Markdown of them, and hands in how foreign text is escaped.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, TextIO, TypeAlias

from curricula.campaigns.sight.points import headline, interval, is_number, measure, winner_of
from curricula.campaigns.store.records import Record

Escape: TypeAlias = Callable[[Any], str]

_MAX_CHOICES = 3

MEASURES = {
    "score": "score (0 random, 1 oracle)",
    "return_iqm": "return (IQM)",
    "return_mean": "return (mean)",
    "return_cvar10": "return of the worst 10 %",
    "success_rate": "success rate",
    "mastered_share": "mastered share",
    "adaptation_gain": "adaptation gain (last − first)",
    "length_gain": "steps saved (first − last)",
    "oracle_regret": "below the oracle",
    "num_tasks": "tasks",
    "num_scored": "tasks with a score",
}
"""What the measures of a task set are called, in the order of telling."""


def counted(record: Mapping[str, Any]) -> str:
    """Returns what steps are in a record: "env steps", or "examples" where tasks are problems."""
    return str(record.get("counted") or "env steps")


def measure_labels(record: Mapping[str, Any]) -> dict[str, str]:
    """Returns what the measures of a record are called: `MEASURES`, as its kind of task has them.

    Example:
        >>> measure_labels({"counted": "examples"})["score"]
        'score (0 guessing, 1 oracle)'
    """
    if counted(record) == "env steps":
        return MEASURES
    return {**MEASURES, "score": "score (0 guessing, 1 oracle)"}


def curve_axis(curve: Mapping[str, Any]) -> tuple[str, list[int]]:
    """Returns what an adaptation curve's axis counts, and the numbers of its units.

    Episodes begin with the first; gradient steps and shots with 0, before any.

    Example:
        >>> curve_axis({"returns": [0.1, 0.7]})
        ('episodes', [1, 2])
        >>> curve_axis({"returns": [-4.2, -0.7, -0.4], "unit": "gradient steps"})
        ('gradient steps', [0, 1, 2])
    """
    unit = str(curve.get("unit") or "episodes")
    first = 1 if unit == "episodes" else 0
    return unit, list(range(first, first + len(curve.get("returns") or ())))


def duration(seconds: float | None) -> str:
    """Returns a duration in two units at most.

    Example:
        >>> duration(7), duration(200), duration(7_300), duration(100_000), duration(None)
        ('7 s', '3 min 20 s', '2 h 1 min', '1 d 3 h', 'unknown')
    """
    if seconds is None:
        return "unknown"
    left = round(seconds)
    parts: list[tuple[int, str]] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (parts and len(parts) < 2):
            parts.append((count, name))
    shown = [f"{count} {name}" for count, name in parts[:2] if count]
    return " ".join(shown) or "0 s"


def amount(value: float) -> str:
    """Returns a count in three digits, with a unit prefix.

    Example:
        >>> amount(850), amount(12_340), amount(999_600), amount(2.5e9), amount(999.9)
        ('850', '12.3 k', '1 M', '2.5 G', '1 k')
    """
    rounded = float(f"{value:z.3g}")
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(rounded) >= size:
            return f"{rounded / size:.3g} {prefix}"
    return f"{rounded:.3g}"


def fitted(text: str, file: TextIO) -> str:
    """Returns a text broken between words to the width of a terminal; elsewhere as it is."""
    if not file.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def number(value: Any, digits: int = 3) -> str:
    """Returns a number as people write it, "–" where there is none.

    Example:
        >>> number(1234567), number(0.04567), number(None), number(12.0), number(-0.0)
        ('1,234,567', '0.0457', '–', '12', '0')
    """
    if not is_number(value):
        return "–"
    if float(value).is_integer() or abs(value) >= 10_000:
        return f"{value:z,.0f}"
    return f"{value:z.{digits}g}"


def with_interval(measure: Any) -> str:
    """Returns a measure with its 95 % interval, if it has one.

    Example:
        >>> with_interval([0.5, 0.41, 0.6]), with_interval(-0.0001), with_interval(None)
        ('0.500 [0.410, 0.600]', '0.000', '–')
    """
    estimate, low, high = interval(measure)
    if not is_number(estimate):
        return "–"
    return f"{estimate:z.3f}" + (f" [{low:z.3f}, {high:z.3f}]" if is_number(low) else "")


def curriculum_text(record: Record) -> str:
    """Returns what the curriculum said of itself in the branch that went on; "" for nothing.

    Example:
        >>> metrics = {"curriculum/replay_share": 0.5, "curriculum/buffer_size": 256.0}
        >>> trained = {"index": 0, "metrics": {**metrics, "entropy": 1.0}}
        >>> curriculum_text({"candidates": [trained], "decision": {"winner": 0}})
        'replay share 0.5, buffer size 256'
    """
    candidates = record["candidates"]
    trained = winner_of(record) or (candidates[0] if len(candidates) == 1 else {})
    names = {key: key.removeprefix("curriculum/") for key in trained.get("metrics") or {}}
    return ", ".join(
        f"{name.replace('_', ' ')} {number(trained['metrics'][key])}"
        for key, name in names.items()
        if name != key
    )


def edits_text(operator: str | None) -> str:
    """Returns the edits that a task's operator names, runs of one edit counted.

    Example:
        >>> edits_text("move_goal+toggle_walls+toggle_walls")
        'move_goal, toggle_walls (2)'
    """
    runs = [(name, len(list(run))) for name, run in groupby((operator or "edit").split("+"))]
    return ", ".join(f"{name} ({num})" if num > 1 else name for name, num in runs)


def headline_text(measures: Mapping[str, Any]) -> str:
    """Returns what is told first of a task set, with its name and interval; "–" for nothing.

    Example:
        >>> headline_text({"return_iqm": [0.5, 0.4, 0.6]}), headline_text({"score": 0.25})
        ('return 0.500 [0.400, 0.600]', 'score 0.250')
    """
    name, value = headline(measures)
    text = with_interval(value)
    return text if text == "–" else f"{name} {text}"


def bayes_text(found: Mapping[str, Any]) -> str:
    """Returns how near lifetimes came to the best that anyone can expect of them.

    Example:
        >>> bayes_text({"bayes_return": 6.66, "lifetime_return": [6.6534, 6.61, 6.69]})
        'A lifetime earned 6.653 [6.610, 6.690], 99.9 % of the Bayes optimum 6.660.'
    """
    optimum, earned = found["bayes_return"], interval(found["lifetime_return"])[0]
    text = f"A lifetime earned {with_interval(found['lifetime_return'])}"
    if not is_number(earned) or optimum <= 0.0:
        return f"{text}; the Bayes optimum is {optimum:.3f}."
    return f"{text}, {100.0 * earned / optimum:.1f} % of the Bayes optimum {optimum:.3f}."


def region_text(region: Any, escape: Escape = str, dash: str = "…") -> str:
    """Returns where a parameter lives, however a record, a file or a distribution has it.

    Example:
        >>> region_text({"low": 5, "high": 9}), region_text([0.25, 0.25]), region_text(["a", "b"])
        ('5…9', '0.25', 'a, b')
        >>> region_text({"rooms": 0.75, "wilson": 0.25, "kruskal": 0.0})
        'rooms 75 %, wilson 25 %'
    """
    if isinstance(region, Mapping) and set(region) == {"low", "high"}:
        region = [region["low"], region["high"]]
    if isinstance(region, Mapping):
        return _shares_text(region, escape)
    if not isinstance(region, list | tuple):
        return number(region, 4) if is_number(region) else escape(region)
    if not any(is_number(end) for end in region):
        return ", ".join(escape(choice) for choice in region)
    low, high = number(region[0], 4), number(region[-1], 4)
    return low if low == high else f"{low}{dash}{high}"


def _shares_text(weights: Mapping[str, float], escape: Escape) -> str:
    used = sorted((item for item in weights.items() if item[1] > 0), key=lambda item: -item[1])
    if len(used) == 1:
        return escape(used[0][0])
    words = [f"{escape(choice)} {100 * share:.0f} %" for choice, share in used[:_MAX_CHOICES]]
    return ", ".join([*words, *(["…"] if len(used) > _MAX_CHOICES else [])])


def purpose(config: Record, escape: Escape = str, dash: str = "…") -> str:
    """Returns what a campaign does, after its name: what learns, on what, and toward what."""
    names = {key: escape(config[key]["name"]) for key in ("generator", "learner", "search")}
    learns = f"meta-trains {names['learner']} on {names['generator']}"
    if names["search"] == "fixed":
        return f"{learns}; its training distribution stays as it is."
    return (
        f"{learns}, while the search {names['search']} widens and shifts the training "
        f"distribution ({aim_text(config.get('target'), escape, dash)})."
    )


def aim_text(target: Mapping[str, Any] | None, escape: Escape = str, dash: str = "…") -> str:
    """Returns where a campaign aims, as its file has it: None is open-ended, {} where it starts."""
    if target is None:
        return "open-ended"
    regions = [f"{escape(name)} {region_text(v, escape, dash)}" for name, v in target.items()]
    return f"toward {'; '.join(regions)}" if regions else "toward where it starts"


def status(is_running: bool, results: Sequence[Mapping[str, Any]], generation: int) -> str:
    """Returns whether a campaign runs, has come to its end, or waits to be resumed.

    Args:
        is_running: whether a process runs it.
        results: of every use of the test.
        generation: of its newest commit; it has come to its end if that opened the sealed test.

    Example:
        >>> status(False, [{"kind": "sealed", "generation": 12}], 12)
        'finished'
        >>> status(False, [{"kind": "suite", "generation": 12}], 12)
        'not running'
    """
    if is_running:
        return "running"
    sealed = [one.get("generation") for one in results if one.get("kind", "sealed") == "sealed"]
    return "finished" if generation in sealed else "not running"


def standing(row: Mapping[str, Any], status: str, escape: Escape = str) -> str:
    """Returns how far a campaign is and how its newest learner does, in whole sentences.

    Args:
        row: of its newest commit, as `pictures.Way` keeps it.
        status: a word or two.
        escape: of foreign text.
    """
    scores = "; ".join(
        f"{escape(name)} set: {headline_text(score)}, "
        f"success {with_interval(score.get('success_rate'))}"
        for name, score in row["scores"].items()
    )
    lasted = f", {duration(row['seconds'])}" if is_number(row["seconds"]) else ""
    return (
        f"{escape(status.capitalize())} after generation {row['generation']}, "
        f"{number(row['env_steps'])} {counted(row)}{lasted}. Monitor, {scores}.{frontier_text(row)}"
    )


def frontier_text(row: Mapping[str, Any]) -> str:
    """Returns how an open-ended campaign does where it aims by now, and what its best is."""
    reached, best = row.get("reached"), row.get("best") or {}
    if not reached or best.get("by") not in ("mastered_volume", "newest"):
        return ""
    measures = reached["measures"]
    scores = (
        f"{headline_text(measures)}, success {with_interval(measure(measures, 'success_rate'))}"
    )
    kept = {
        "mastered_volume": f"which mastered {number(best.get('mastered_volume'))} of the "
        f"declared space; none mastered more",
        "newest": "the newest, since these tasks know no success",
    }[best["by"]]
    return (
        f" The monitor sets stay where the campaign began. On the frontier that this generation "
        f"aimed at ({number(reached['volume'])} of the declared space): {scores}. Best is "
        f"generation {best['generation']}, {kept}."
    )


_KINDS_OF_TEST = {"tasks": "task set", "comparison": "test of the comparison"}


def used_name(result: Mapping[str, Any]) -> str:
    """Returns what a use of the test played: "sealed test", "suite NAME" or "task set NAME"."""
    kind, name = result.get("kind", "sealed"), result.get("name", "sealed test")
    return name if kind == "sealed" else f"{_KINDS_OF_TEST.get(kind, kind)} {name}"


def uses_text(results: Sequence[Mapping[str, Any]]) -> str:
    """Returns how often the test was used and on what, "" where it never was.

    Example:
        >>> uses_text([{"kind": "sealed"}, {"kind": "suite", "name": "combs"}])
        'The test was used twice: sealed test, suite combs.'
        >>> uses_text([{"kind": "tasks", "name": "mine", "trained_on": 3}] * 3)
        'The test was used 3 times: task set mine (3 times, 3 of its tasks were trained on).'
    """
    if not results:
        return ""
    uses: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        uses.setdefault(used_name(result), []).append(result)
    parts = []
    for name, mine in uses.items():
        notes = [_times(len(mine))] if len(mine) > 1 else []
        if known := max(result.get("trained_on") or 0 for result in mine):
            notes.append(f"{known} of its tasks were trained on")
        parts.append(f"{name} ({', '.join(notes)})" if notes else name)
    return f"The test was used {_times(len(results))}: {', '.join(parts)}."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
