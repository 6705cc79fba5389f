"""What a campaign says in words: the Markdown of its runs' descriptions, and its tables.

Texts of generators and people (names, choices, reasons) are escaped, so that none of them can
draw a table, a link or a tag of its own. What is said is in `curricula.campaigns.sight.words`.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from curricula.campaigns.sight import decisions, words
from curricula.campaigns.sight.figures import Way
from curricula.campaigns.sight.points import headline, interval, is_number, measure, winner_of
from curricula.campaigns.store.records import Record

MAX_CHARACTERS = 8000
"""What MLflow keeps of a description."""

NUM_ROWS = 20
_MAX_NAME = 80
_MAX_NOTE = 600
_TASKS, _CURVE = "tasks.png", "adaptation_curve.png"
_UNDRAWN = (
    "Without pictures: 1.5 % of a campaign's time is for drawing, too little for every "
    "generation where they are short. `taskgen gallery` draws the tasks of all of them."
)
_DASH = "\u2060–\u2060"  # joined, so that narrow tables do not break an interval


def escape(text: Any, length: int = _MAX_NAME) -> str:
    r"""Returns the text as Markdown shows it letter by letter, on one line, cut to `length`.

    Example:
        >>> escape("a|b <img src=x> *c*")
        'a\\|b &lt;img src=x&gt; \\*c\\*'
    """
    line = " ".join(str(text).split())
    if len(line) > length:
        line = line[: length - 1] + "…"
    line = html.escape(line, quote=False)
    line = re.sub(r"([\\`*_{}\[\]()|~!$])", r"\\\1", line)
    line = line.replace("www.", "www&#46;").replace("@", "&#64;")
    return re.sub(r"^([#+\-=.>\d])", r"&#8203;\1", line).replace("://", "&#58;//")


def generation_text(
    record: Record,
    run_id: str,
    *,
    pictures: Collection[str] = (),
    named: Sequence[str] = (),
    gallery: str = "",
) -> str:
    """Returns the description of a generation's run.

    Args:
        record: its commit.
        run_id: the run whose artifacts the pictures are.
        pictures: the files that the run has to be looked at.
        named: the parameters to name in the list of candidates.
        gallery: address of the page of its tasks, "" for none.
    """
    lines = [f"**[Gallery of its tasks]({gallery})**", ""] if gallery else []
    if _TASKS in pictures:  # first, since the UI folds all but the first 150 pixels away
        lines += [_picture("tasks from the training distribution", _TASKS, run_id), ""]
    lines += [
        decisions.decision_sentences(record, escape),
        "",
        *_candidate_table(record, named),
        "",
        "**Training distribution**",
        "",
    ]
    lines += [
        f"- {escape(name)}: {_region(region)}" for name, region in record["parameters"].items()
    ]
    lines += ["", *_monitor_table(record), ""]
    if _CURVE in pictures:
        lines += [_picture("adaptation curve", _CURVE, run_id), ""]
    lines += [_cost(record)]
    if not pictures:
        lines += ["", _UNDRAWN]
    return _cut(lines)


def campaign_text(
    config: Record,
    way: Way,
    runs: Mapping[int, str],
    experiment: str,
    run_id: str,
    status: str,
    notes: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
    drawn: int | None = None,
) -> str:
    """Returns the description of a campaign's run, never longer than a tag may be.

    Args:
        config: the resolved configuration.
        way: its commits so far.
        runs: run id by generation.
        experiment: the experiment's id, for links.
        run_id: the campaign's own run, which has the figure.
        status: a word or two.
        notes: sentences on where it computes and how often its test was used.
        links: addresses by what is to be seen there.
        drawn: the generation whose tasks are shown; by default the last one.
    """
    head = [_purpose(config), ""]
    if links:
        shown = " · ".join(f"[{escape(label)}]({place})" for label, place in links.items())
        head += [f"To look at: {shown}", ""]
    if way.rows:
        head += [words.standing(way.rows[-1], status, escape), ""]
        head += [_picture("the way so far", "campaign.png", run_id), ""]
        seen = way.rows[-1]["generation"] if drawn is None else drawn
        if seen in runs:
            head += [f"Tasks of generation {_link(seen, runs, experiment)}:", ""]
            head += [_picture(f"tasks of generation {seen}", _TASKS, runs[seen]), ""]
    for note in filter(None, notes):  # last, since the UI folds what is long
        head += [escape(note, _MAX_NOTE), ""]
    for num_rows in range(NUM_ROWS, -1, -1):
        text = "\n".join([*head, *_generation_table(way, runs, experiment, num_rows)])
        if len(text) <= MAX_CHARACTERS:
            return text
    return _cut(head)


def artifact_address(experiment: str, run_id: str, path: str) -> str:
    """Returns where the UI shows a file of a run."""
    return f"#/experiments/{experiment}/runs/{run_id}/artifacts/{path}"


def candidates_csv(record: Record) -> str:
    """Returns all candidates of a generation as a table, what is nested as JSON."""
    rows = [
        {
            "adopted": candidate is winner_of(record),
            **{k: v for k, v in candidate.items() if not isinstance(v, Mapping)},
            **{k: json.dumps(v) for k, v in candidate.items() if isinstance(v, Mapping)},
        }
        for candidate in record["candidates"]
    ]
    return to_csv(rows)


def quarantine_csv(record: Record) -> str:
    """Returns the tasks that are never played again, with the reason for each."""
    pairs = (record.get("quarantine") or {}).items()
    return to_csv([{"task": task, "reason": reason} for task, reason in pairs])


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns rows as CSV with all their keys for columns, None as nothing.

    Example:
        >>> to_csv([{"a": 1}, {"a": 2, "b": None}]).split()
        ['a,b', '1,', '2,']
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _purpose(config: Record) -> str:
    return f"**{escape(config['name'])}**: {words.purpose(config, escape, _DASH)}"


def _generation_table(
    way: Way, runs: Mapping[int, str], experiment: str, num_rows: int
) -> list[str]:
    """The newest commits, newest first."""
    rows = way.rows[::-1][:num_rows]
    if not rows:
        return []
    names = way.moved()[:4]
    steps = words.counted(rows[0])
    columns = ["generation", steps, "decided by", "difference", *map(escape, names)]
    told = headline(rows[0]["scores"].get("target", {}))[0]
    return [
        *_table_head([*columns, f"target {told}", "target success"]),
        *(_row(_generation_cells(row, names, told, runs, experiment)) for row in rows),
    ]


def _generation_cells(
    row: Mapping[str, Any],
    names: Sequence[str],
    told: str,
    runs: Mapping[int, str],
    experiment: str,
) -> list[str]:
    score = row["scores"].get("target", {})
    name, value = headline(score)
    return [
        _link(row["generation"], runs, experiment),
        words.number(row["env_steps"]),
        escape(row["decided_by"] or "–"),
        words.number(row["difference"]),
        *(_region(row["parameters"].get(name, "–")) for name in names),
        words.number(interval(value)[0] if name == told else None),
        words.number(interval(score.get("success_rate"))[0]),
    ]


def _link(generation: int, runs: Mapping[int, str], experiment: str) -> str:
    if generation not in runs:
        return f"{generation}"
    return f"[{generation}](#/experiments/{experiment}/runs/{runs[generation]})"


def _candidate_table(record: Record, named: Sequence[str]) -> list[str]:
    if not record["candidates"]:
        return []
    decision = record.get("decision") or {}
    steps = words.counted(record)
    columns = ["candidate", "branch", "gain ± SE", steps, *map(escape, named), ""]
    lines = _table_head(columns)
    for candidate in record["candidates"]:
        regions = (candidate.get("distribution") or {}).get("regions", {})
        note = "pruned at the rung" if candidate.get("pruned") else ""
        if candidate["index"] == decision.get("winner"):
            note = "**goes on**"
        cells = [
            words.number(candidate["index"]),
            escape(candidate.get("name", candidate["origin"])),
            f"{words.number(candidate.get('gain'))} ± {words.number(candidate.get('gain_se'))}",
            words.number(candidate.get("env_steps")),
            *(_region(regions.get(name, "–")) for name in named),
            note,
        ]
        lines.append(_row(cells))
    return lines


def _monitor_table(record: Record) -> list[str]:
    """A row for each measure, a column for each set that never decides anything."""
    sets = record["monitor"]
    lines = _table_head(["monitor set", *map(escape, sets)])
    for key, label in words.measure_labels(record).items():
        values = [measure(measures, key) for measures in sets.values()]
        if any(is_number(interval(value)[0]) for value in values):
            lines.append(_row([label, *map(words.with_interval, values)]))
    return lines


def _cost(record: Record) -> str:
    seconds = record.get("seconds") or {}
    parts = [f"{escape(name)} {words.number(value)} s" for name, value in seconds.items()]
    quarantined = len(record.get("quarantine") or {})
    more = f" {quarantined} task(s) quarantined so far." if quarantined else ""
    return f"Time: {', '.join(parts)}.{more}" if parts else more.strip()


def _region(region: Any) -> str:
    return words.region_text(region, escape, _DASH)


def _picture(label: str, path: str, run_id: str) -> str:
    return f"![{label}](get-artifact?path={path}&run_uuid={run_id})"


def _table_head(columns: Sequence[str]) -> list[str]:
    return [_row(columns), _row(["---"] * len(columns))]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cut(lines: Sequence[str]) -> str:
    """As many lines as fit, and a word about the rest."""
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > MAX_CHARACTERS - 40:
            return "\n".join([*kept, "", "(cut: the artifacts have all of it)"])
        kept.append(line)
    return "\n".join(kept)
