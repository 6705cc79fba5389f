"""What a generation decided and where it left its distribution, in words.

In a few of them for tables, and in whole sentences with what was measured. `escape` says how
foreign text (names, choices, reasons) is escaped where the words become Markdown or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from curricula.campaigns.sight.points import is_number, winner_of
from curricula.campaigns.sight.words import Escape, number, region_text
from curricula.campaigns.store.records import Record

REASONS = {
    "test": "it was better beyond the noise than staying",
    "challenger": "training on all that counts was better beyond the noise than staying",
    "tie": "it was as good as staying within the noise, and covers more of what counts",
    "keep": "nothing beat it beyond the noise",
    "start": "this is the untrained learner",
}
"""Why a branch goes on, by `decided_by`; one that is not here stands for itself."""

STREAM_REASONS = {
    "test": "the distribution moves on, because it gained more there than lately, beyond the noise",
    "tie": "the distribution moves on, because more of what counts is covered there, and it did "
    "not do worse for it",
    "keep": "the distribution stays, because the move neither gained more than lately, beyond the "
    "noise, nor covered more of what counts without doing harm, where enough was solved to go on",
    "search": "the distribution is where the search says, which decides by itself",
    "rollback": "but fell beyond the noise, and went back to the last commit with it",
}
"""What becomes of the one learner and its distribution in stream mode, by `decided_by`."""


LEGEND = (
    "By test: better beyond the noise. By tie: as good within the noise (in stream mode: no harm "
    "done), and more of what counts is covered. Toward: straight toward what counts, not by the "
    "search."
)
"""What the few words of `decision_text` mean, for tables that use them."""


def moving_regions(record: Record) -> dict[str, str]:
    """Returns where the parameters lie that are no point, or not where the campaign aims."""
    goal = (record.get("frontier") or {}).get("regions", {})
    found = {}
    for name, region in record["parameters"].items():
        here, there = region_text(region), region_text(goal[name]) if name in goal else ""
        if (there and here != there) or "…" in here:
            found[name] = here if there in ("", here) else f"{here} (aim {there})"
    return found


def is_stream(record: Record) -> bool:
    """Whether a generation was one of stream mode: one branch, and it is not "keep" that won."""
    candidates = record.get("candidates") or []
    is_kept = winner_of(record) is not None and candidates[0]["origin"] == "keep"
    return len(candidates) == 1 and not is_kept


def decision_text(record: Record) -> str:
    """Returns which branch went on and why, in a few words.

    Example:
        >>> move = {"index": 0, "origin": "move"}
        >>> stays = {"winner": None, "decided_by": "keep"}
        >>> decision_text({"generation": 3, "candidates": [move], "decision": stays})
        'distribution stays'
    """
    decided_by = (record.get("decision") or {}).get("decided_by", "–")
    if record["generation"] == 0:
        return "untrained start"
    winner = winner_of(record)
    if winner is None:
        stays = {"keep": "distribution stays", "rollback": "rolled back"}
        return stays.get(decided_by, f"where it was by {decided_by}")
    origin = winner["origin"]
    text = origin if decided_by == origin else f"{origin} by {decided_by}"
    return f"{text}, merged" if (record["decision"].get("merge") or {}).get("goes_on") else text


def decision_sentences(record: Record, escape: Escape = str) -> str:
    """Returns what was tried, what goes on, why, and by how much, in whole sentences."""
    sentences = _test_sentences(record, escape)
    merge = (record.get("decision") or {}).get("merge")
    return f"{sentences} {_merge_sentence(merge, escape)}" if merge else sentences


def _merge_sentence(merge: Mapping[str, Any], escape: Escape) -> str:
    """Returns what became of the merge of a generation's branches."""
    what = f"The merge of {len(merge['branches'])} branches"
    if merge.get("failure"):
        return f"{what} failed: {escape(merge['failure'])}."
    by = f"{number(merge.get('difference'))} ± {number(merge.get('difference_se'))} (SE)"
    if merge["goes_on"]:
        return f"{what} goes on there in its place: it was better by {by}."
    return f"{what} does not go on: its difference from what does was {by}."


def _test_sentences(record: Record, escape: Escape) -> str:
    decision = record.get("decision") or {}
    decided_by = decision.get("decided_by", "")
    tried = len(record["candidates"])
    if not tried:
        return f"Nothing was tried: {_reason(decided_by, escape)}."
    stream = is_stream(record)
    if stream:
        text = f"The learner trained {_stream_text(record, escape)}."
    else:
        branches = "branch was" if tried == 1 else "branches were"
        text = f"{tried} {branches} trained; {_goes_on(record, escape)}."
    if not is_number(decision.get("difference")) or (tried == 1 and not stream):
        return text
    other = "the mean of recent gains" if stream else "'keep'"
    text += _boundary_sentence(decision.get("boundaries") or {}, escape)
    if not is_number(decision.get("noise")):
        return text
    return (
        f"{text} Difference from {other}: {number(decision['difference'])} "
        f"± {number(decision.get('difference_se'))} (SE); beyond the noise is more than "
        f"{number(decision.get('noise'))}."
    )


def _boundary_sentence(solved: Mapping[str, float], escape: Escape) -> str:
    """Returns what was solved at the ends before it trained, which says how far it may go."""
    if not solved:
        return ""
    ends = (boundary.rpartition(".") for boundary in solved)
    shares = [
        f"{number(100 * share)} % at the {side} end of {escape(name)}"
        for (name, _, side), share in zip(ends, solved.values(), strict=True)
    ]
    return f" Solved before it trained: {', '.join(shares)}."


def _stream_text(record: Record, escape: Escape) -> str:
    """Returns where the one learner trained, and what became of it and its distribution."""
    decided_by = record["decision"].get("decided_by", "")
    stayed = record["candidates"][0]["origin"] == "keep"
    where = "where it was" if stayed else "on one move of its distribution"
    if stayed and decided_by == "keep":
        return f"{where} and keeps what it learned"
    what = STREAM_REASONS.get(decided_by) or f"it was decided by {escape(decided_by)}"
    joint = "" if decided_by == "rollback" else "and keeps what it learned; "
    return f"{where} {joint}{what}"


def _goes_on(record: Record, escape: Escape) -> str:
    winner = winner_of(record)
    why = _reason(record["decision"].get("decided_by", ""), escape)
    if winner is None:
        return f"the learner goes on where it was, because {why}"
    if len(record["candidates"]) == 1:
        why = "there was nothing else to try"
    name = escape(winner.get("name", winner["origin"]))
    return f"candidate {winner['index']} ({name}) goes on, because {why}"


def _reason(decided_by: str, escape: Escape) -> str:
    return REASONS.get(decided_by) or escape(decided_by)


def gain_text(record: Record) -> str:
    """Returns the gain of the branch that went on, with its standard error.

    Where only one was trained it is that one's, whether its distribution went on or not.
    """
    candidates: list[Record] = record.get("candidates") or []
    mine = candidates[0] if len(candidates) == 1 else winner_of(record)
    if mine is None or not is_number(mine.get("gain")):
        return "–"
    error = mine.get("gain_se")
    return f"{mine['gain']:+z.3f}" + (f" ± {error:.3f}" if is_number(error) else "")
