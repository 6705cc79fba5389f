import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curricula.campaigns.sight import decisions, report, words
from curricula.campaigns.sight.figures import Way


def record_of(generation, *, evil=""):
    return {
        "generation": generation,
        "totals": {"env_steps": 1000 * generation, "seconds": 60.0 * generation},
        "parameters": {f"size{evil}": {"low": 5, "high": 5 + generation}},
        "frontier": {"regions": {f"size{evil}": [5, 13]}},
        "candidates": [
            {"index": 0, "name": "keep", "origin": "keep", "gain": 0.1, "gain_se": 0.01},
            {"index": 1, "name": f"move-1{evil}", "origin": "move", "gain": None, "pruned": True},
        ],
        "decision": {"winner": 0, "decided_by": "keep", "difference": 0.02, "noise": 0.5},
        "monitor": {"target": {"return_iqm": [0.5, 0.4, 0.6], "success_rate": None}},
        "quarantine": {"id": f'Traceback,\n "boom"{evil}'},
        "seconds": {"train": 10.0},
    }


CONFIG = {
    "name": "try",
    "generator": {"name": "maze-v1"},
    "learner": {"name": "rl2"},
    "search": {"name": "optuna"},
    "target": {"size": [5, 13]},
}


def test_a_decision_in_words():
    text = decisions.decision_sentences(record_of(1))
    assert text.startswith("2 branches were trained; candidate 0 (keep) goes on, because nothing")
    assert "0.02 ± – (SE)" in text
    start = {"candidates": [], "decision": {"winner": 0, "decided_by": "start"}}
    assert (
        decisions.decision_sentences(start) == "Nothing was tried: this is the untrained learner."
    )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("keep", "and keeps what it learned; the distribution stays, because the move neither"),
        ("rollback", "but fell beyond the noise, and went back to the last commit"),
        ("test", "and keeps what it learned; the distribution moves on, because it gained more"),
        ("hunch", "and keeps what it learned; it was decided by hunch"),
    ],
)
def test_in_stream_mode_the_learner_goes_on_whatever_its_distribution_does(reason, expected):
    winner = 1 if reason == "test" else None
    decision = {"winner": winner, "decided_by": reason, "difference": 0.02, "noise": 0.5}
    record = {**record_of(2), "candidates": record_of(2)["candidates"][1:], "decision": decision}
    text = decisions.decision_sentences(record)
    assert text.startswith(f"The learner trained on one move of its distribution {expected}")
    assert "Difference from the mean of recent gains: 0.02 " in text
    assert ("goes on**" in report.generation_text(record, "r1")) == (reason == "test")
    rows = list(csv.DictReader(io.StringIO(report.candidates_csv(record))))
    assert [row["adopted"] for row in rows] == [str(reason == "test")]


def test_what_is_solved_at_the_ends_is_told():
    solved = {"size.high": 0.625, "br|aid.low": 0.0}
    decision = {"winner": None, "decided_by": "keep", "difference": 0.02, "boundaries": solved}
    record = {**record_of(2), "candidates": record_of(2)["candidates"][1:], "decision": decision}
    text = decisions.decision_sentences(record)
    assert "Solved before it trained: 62.5 % at the high end of size, 0 % at the low end" in text
    assert r"br\|aid" in report.generation_text(record, "r1")


def test_a_learner_that_trained_where_it_was_made_no_move():
    decision = {"winner": None, "decided_by": "keep"}
    record = {**record_of(2), "candidates": record_of(2)["candidates"][:1], "decision": decision}
    assert record["candidates"][0]["origin"] == "keep"
    text = decisions.decision_sentences(record)
    assert text.startswith("The learner trained where it was and keeps what it learned.")


def test_a_branch_alone_had_nothing_to_beat():
    record = {**record_of(2), "candidates": record_of(2)["candidates"][:1]}
    assert decisions.decision_sentences(record) == (
        "1 branch was trained; candidate 0 (keep) goes on, because there was nothing else to try."
    )


def test_a_reason_that_has_no_words_yet_stands_for_itself():
    record = {**record_of(2), "decision": {"winner": 1, "decided_by": "merge*"}}
    assert "goes on, because merge*." in decisions.decision_sentences(record)
    assert r"goes on, because merge\*." in report.generation_text(record, "r1")
    assert decisions.decision_text(record) == "move by merge*"


def test_success_is_shown_with_its_interval():
    measures = {"success_rate": 0.5, "success_rate_interval": [0.25, 0.75]}
    record = {**record_of(2), "monitor": {"target": measures}}
    assert "| success rate | 0.500 [0.250, 0.750] |" in report.generation_text(record, "r1")


def test_a_generation_shows_its_pictures_and_its_winner():
    drawn = {"tasks.png", "adaptation_curve.png"}
    text = report.generation_text(record_of(3), "r1", pictures=drawn, named=["size"])
    assert text.index("path=tasks.png&run_uuid=r1") < text.index("path=adaptation_curve.png")
    (winner,) = [line for line in text.splitlines() if "**goes on**" in line]
    assert winner.startswith("| 0 | keep")
    assert "| return (IQM) | 0.500 [0.400, 0.600] |" in text
    assert "success rate" not in text, "what nobody measured has no row"
    assert "Without pictures" not in text
    undrawn = report.generation_text(record_of(3), "r1")
    assert ".png" not in undrawn
    assert "Without pictures" in undrawn


def test_a_campaign_lists_its_newest_generations_within_the_limit():
    way = Way()
    for generation in range(300):
        way.add(record_of(generation))
    runs = {generation: f"{generation:032x}" for generation in range(300)}
    text = report.campaign_text(CONFIG, way, runs, "1", "c0", "running")
    assert len(text) <= report.MAX_CHARACTERS
    rows = [line for line in text.splitlines() if "](#/experiments/1/runs/" in line]
    assert f"[299](#/experiments/1/runs/{299:032x})" in text
    assert len([row for row in rows if row.startswith("| [")]) == report.NUM_ROWS
    assert f"path=tasks.png&run_uuid={299:032x}" in text
    assert "Running after generation 299, 299,000 env steps, 4 h 59 min." in text


def test_rows_give_way_before_the_limit_breaks():
    way = Way()
    for generation in range(30):
        record = record_of(generation)
        long = {f"{'p' * 70}{i}": {"low": i, "high": i + generation} for i in range(9)}
        way.add({**record, "parameters": long, "frontier": {}})
    runs = {generation: "f" * 32 for generation in range(30)}
    config = {**CONFIG, "target": {f"{'x' * 70}{i}": [0, 1] for i in range(60)}}
    text = report.campaign_text(config, way, runs, "1", "c0", "running")
    assert len(text) <= report.MAX_CHARACTERS
    assert "| [29](" in text


def test_notes_stand_below_what_the_page_folds():
    way = Way()
    way.add(record_of(1))
    notes = ["Computes with *much*.", "", "The test was used once: sealed test."]
    text = report.campaign_text(CONFIG, way, {1: "r1"}, "1", "c0", "running", notes)
    places = ["Running after", "tasks.png", r"with \*much\*.", "used once", "| generation |"]
    assert [text.index(place) for place in places] == sorted(map(text.index, places))


def test_a_campaign_without_a_commit_or_a_target():
    text = report.campaign_text({**CONFIG, "target": None}, Way(), {}, "1", "c0", "running")
    assert "open-ended" in text
    assert "get-artifact" not in text


EVIL = "|<script>alert(1)</script>![x](http://there/x.png)\n# title"


@pytest.mark.parametrize(
    "text",
    [
        report.generation_text(record_of(1, evil=EVIL), "r1", named=[f"size{EVIL}"]),
        report.campaign_text({**CONFIG, "name": EVIL}, Way(), {}, "1", "c0", EVIL),
    ],
)
def test_names_cannot_draw(text):
    assert "<script" not in text
    assert "](http" not in text
    assert "\n# title" not in text


@settings(deadline=None)
@given(st.text(max_size=120))
def test_escaped_text_has_no_markup_left(text):
    shown = report.escape(text)
    assert "\n" not in shown
    assert "<" not in shown
    bare = shown.replace("\\\\", "").replace("\\", "\0")
    for special in "|*[]`":
        assert special not in bare.replace(f"\0{special}", "")


def test_tables_survive_a_round_trip():
    rows = list(csv.DictReader(io.StringIO(report.quarantine_csv(record_of(1)))))
    assert rows == [{"task": "id", "reason": 'Traceback,\n "boom"'}]
    rows = list(csv.DictReader(io.StringIO(report.candidates_csv(record_of(1)))))
    assert [row["adopted"] for row in rows] == ["True", "False"]
    assert rows[1]["gain"] == ""


def test_an_open_ended_campaign_tells_of_its_frontier_and_what_best_means():
    reached = {"volume": 0.25, "measures": {"return_iqm": [0.5, 0.4, 0.6], "success_rate": 0.75}}
    best = {"generation": 3, "by": "mastered_volume", "mastered_volume": 0.125}
    text = words.frontier_text({"reached": reached, "best": best})
    assert "On the frontier that this generation aimed at (0.25 of the declared space)" in text
    assert "Best is generation 3, which mastered 0.125 of the declared space" in text
    newest = words.frontier_text({"reached": reached, "best": {"generation": 3, "by": "newest"}})
    assert "generation 3, the newest, since these tasks know no success" in newest
    assert words.frontier_text({"reached": reached, "best": {"by": "target_return"}}) == ""
    assert words.frontier_text({}) == "", "a record of an earlier version"


@pytest.mark.parametrize(
    ("search", "target", "said"),
    [
        ("optuna", None, "distribution (open-ended)."),
        ("optuna", {}, "distribution (toward where it starts)."),
        ("optuna", {"size": [5, 13]}, "distribution (toward size 5…13)."),
        ("fixed", {"size": [5, 13]}, "its training distribution stays as it is."),
    ],
)
def test_a_campaign_says_where_it_goes(search, target, said):
    names = {"generator": "maze-v1", "learner": "rl2", "search": search}
    config = {key: {"name": name} for key, name in names.items()} | {"target": target}
    text = words.purpose(config)
    assert text.startswith("meta-trains rl2 on maze-v1")
    assert text.endswith(said)
