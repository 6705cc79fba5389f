"""Displays: what a person reads while a campaign runs, and what the numbers in it are made of."""

import io
import re

import pytest
from rich.console import Console

from curricula.campaigns.sight.decisions import decision_text, gain_text, moving_regions
from curricula.campaigns.sight.display import PlainDisplay, RichDisplay, make_display
from curricula.campaigns.sight.progress import CampaignProgress
from curricula.campaigns.sight.words import fitted

CONFIG = {"name": "trip", "budget": {"env_steps": 1_000_000, "generations": None, "hours": None}}
ESTIMATE = {"env_steps": 1e6, "seconds": 100.0, "bytes": 2e6}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def record(generation: int, env_steps: int, seconds: float) -> dict:
    return {
        "generation": generation,
        "totals": {"env_steps": env_steps, "seconds": seconds},
        "monitor": {"target": {"return_iqm": [0.5, 0.4, 0.6], "success_rate": 0.25}, "start": {}},
        "parameters": {
            "size": {"low": 5, "high": 7},
            "layout": {"rooms": 0.75, "wilson": 0.25},
            "braid": {"low": 0.3, "high": 0.3},
        },
        "frontier": {"regions": {"size": [5, 13], "layout": {"rooms": 0.75, "wilson": 0.25}}},
        "candidates": [
            {"index": 0, "origin": "keep", "gain": 0.01, "gain_se": 0.004},
            {"index": 1, "origin": "move", "gain": 0.032, "gain_se": None},
        ],
        "decision": {"winner": 1, "decided_by": "test"},
    }


def test_speed_is_that_of_the_phase() -> None:
    clock = Clock()
    progress = CampaignProgress(clock)
    progress.enter(1, "train", {"keep": 400})
    assert progress.steps_per_s == 0.0
    for _ in range(4):
        clock.now += 1.0
        progress.add("keep", 100)
    assert progress.steps_per_s == pytest.approx(100.0)
    assert progress.taken == {"keep": 400}
    progress.enter(1, "evaluate", {"keep": 0})
    assert progress.steps_per_s == 0.0


def test_speed_forgets_what_is_long_ago() -> None:
    clock = Clock()
    progress = CampaignProgress(clock)
    progress.enter(1, "train", {"keep": 10_000})
    for steps in [1000] * 30 + [10] * 60:
        clock.now += 1.0
        progress.add("keep", steps)
    assert progress.steps_per_s == pytest.approx(10.0)


def test_time_left_is_the_estimate_then_what_the_commits_tell() -> None:
    clock = Clock()
    progress = CampaignProgress(clock)
    progress.start(CONFIG, ESTIMATE)
    clock.now += 30
    assert progress.seconds_left == pytest.approx(70)
    progress.commit(record(1, 200_000, 50.0))
    assert progress.seconds_left == pytest.approx(200)  # 250 s a million steps, 800 k left
    clock.now += 60
    assert progress.seconds_left == pytest.approx(140)
    clock.now += 1000
    assert progress.seconds_left == 0


def test_what_is_planned_counts_where_it_takes_longer_than_was_estimated() -> None:
    clock = Clock()
    progress = CampaignProgress(clock)
    progress.start(CONFIG, ESTIMATE)  # a million steps in 100 s
    progress.enter(1, "train", {"keep": 300_000, "move": 300_000})
    for _ in range(5):  # the first batch comes after a minute, the others at 1000 steps a second
        clock.now += 60.0 if not progress.taken["keep"] else 10.0
        progress.add("keep", 10_000)
    assert progress.taken == {"keep": 50_000, "move": 0}
    assert progress.seconds_left == pytest.approx(950)  # 950 k steps, not 100 − 100
    progress.enter(1, "evaluate", {"keep": 0})
    clock.now += 60.0
    assert progress.seconds_left == pytest.approx(950)  # a phase without steps changes no speed
    progress.commit(record(1, 900_000, 100.0))
    assert progress.seconds_left == pytest.approx(100 / 9)
    progress.enter(2, "train", {"keep": 100_000})
    assert progress.seconds_left == pytest.approx(100)  # the phase alone, at the speed so far
    for _ in range(3):
        clock.now += 10.0
        progress.add("keep", 20_000)
    assert progress.seconds_left == pytest.approx(40_000 * 60 / 80_000)


def test_hours_end_before_all_that_is_planned() -> None:
    clock = Clock()
    progress = CampaignProgress(clock)
    progress.start({"budget": {"hours": 0.1}}, {"seconds": 360.0, "env_steps": 1_000_000})
    progress.enter(1, "train", {"keep": 10_000})
    for _ in range(3):
        clock.now += 10.0
        progress.add("keep", 1000)
    assert progress.seconds_left == pytest.approx(330)  # not 997 k steps at 100 a second
    clock.now += 400
    assert progress.seconds_left == pytest.approx(70)  # the generation on its way is finished


def test_start_up_is_no_pace() -> None:
    progress = CampaignProgress(Clock())
    progress.start({"budget": {"generations": 5}}, {})
    progress.commit(record(0, 100, 60.0))
    progress.commit(record(1, 1000, 70.0))
    assert progress.seconds_left == pytest.approx(40)  # 4 more of 10 s, not of 70 s


def test_the_nearest_bound_of_the_budget_counts() -> None:
    progress = CampaignProgress(Clock())
    progress.start({"budget": {"env_steps": None, "generations": 4, "hours": 0.025}}, {})
    assert progress.seconds_left is None
    progress.commit(record(1, 1, 20.0))
    assert progress.seconds_left == pytest.approx(60)  # 3 more of 20 s, not 90 − 20
    progress.commit(record(2, 2, 70.0))
    assert progress.seconds_left == pytest.approx(20)  # 90 − 70, not 2 more of 35 s


def test_an_endless_campaign_has_no_time_left() -> None:
    progress = CampaignProgress(Clock())
    progress.start({"budget": {"hours": None}}, {"seconds": 3.0, "per": "a generation"})
    assert progress.seconds_left is None
    progress.commit(record(3, 1, 20.0))
    assert progress.seconds_left is None


def test_regions_that_are_points_where_they_should_be_are_not_shown() -> None:
    assert moving_regions(record(1, 1, 1.0)) == {"size": "5…7 (aim 5…13)"}
    arrived = record(1, 1, 1.0)
    arrived["frontier"]["regions"]["size"] = [5, 7]
    assert moving_regions(arrived) == {"size": "5…7"}
    elsewhere = record(1, 1, 1.0)
    elsewhere["frontier"]["regions"]["layout"] = {"rooms": 1.0, "wilson": 0.0}
    assert "layout" in moving_regions(elsewhere)


def test_gain_of_the_branch_that_went_on() -> None:
    assert gain_text(record(1, 1, 1.0)) == "+0.032"
    assert gain_text(record(1, 1, 1.0) | {"decision": {"winner": 0}}) == "+0.010 ± 0.004"
    assert gain_text(record(1, 1, 1.0) | {"candidates": []}) == "–"
    tiny = [{"index": 0, "origin": "keep", "gain": -0.0002, "gain_se": 0.004}]
    assert gain_text(record(1, 1, 1.0) | {"candidates": tiny}) == "+0.000 ± 0.004"
    kept = {"decision": {"winner": None, "decided_by": "rollback"}}
    assert decision_text(record(1, 1, 1.0) | kept) == "rolled back"
    assert gain_text(record(1, 1, 1.0) | kept) == "–"
    (alone, *_) = record(1, 1, 1.0)["candidates"]
    assert gain_text(record(1, 1, 1.0) | kept | {"candidates": [alone]}) == "+0.010 ± 0.004"


def test_plain_lines_say_what_happened() -> None:
    out, clock = io.StringIO(), Clock()
    display = PlainDisplay(out, clock)
    display.start(CONFIG, ESTIMATE)
    display.committed(record(0, 1000, 1.0))
    display.phase(1, "train", {"keep": 100_000, "move": 100_000})
    display.committed(record(1, 201_000, 51.0))
    display.committed(record(1, 201_000, 51.0))
    display.stop()
    assert out.getvalue().splitlines() == [
        "campaign trip: about 1 M env steps, 1 min 40 s, 2 MB on disk",
        "committed generation 0: untrained start, gain +0.032, validation "
        "return 0.500 [0.400, 0.600], success 0.250, size 5…7 "
        "(aim 5…13), 1 k env steps, 1 s, 1 min 40 s left",
        "generation 1: train (2 branches, 200 k env steps)",
        "committed generation 1: move by test, gain +0.032, validation "
        "return 0.500 [0.400, 0.600], success 0.250, size 5…7 "
        "(aim 5…13), 201 k env steps, 51 s, 3 min 20 s left",
    ]


def test_what_is_played_is_said_once() -> None:
    out = io.StringIO()
    display = PlainDisplay(out, Clock())
    for name in ("play the monitor sets", "random play", "random play", "random play"):
        display.phase(0, name, {"start": 0})
    display.phase(1, "train", {"keep": 1000})
    display.phase(1, "train", {"keep": 500})  # after the rung
    display.phase(1, "play the adoption tasks", {"keep": 0, "move": 0})
    assert out.getvalue().splitlines() == [
        "generation 0: play the monitor sets",
        "generation 0: random play",
        "generation 1: train (1 branch, 1 k env steps)",
        "generation 1: train (1 branch, 500 env steps)",
        "generation 1: play the adoption tasks (2 branches)",
    ]


def test_sentences_break_between_words_in_a_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    sentence = (
        "Computes with GRU in float32, fused kernel, with 1 thread: http://127.0.0.1:5000/#/x/y"
    )

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert fitted(sentence, io.StringIO()) == sentence
    lines = fitted(sentence, Terminal()).splitlines()
    assert len(lines) > 2
    assert " ".join(lines) == sentence, "no word is broken"
    console = Console(file=io.StringIO(), width=30)
    RichDisplay(console).say(sentence.partition(" http")[0])
    printed = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert " ".join(printed) == sentence.partition(" http")[0]


def test_plain_lines_are_few() -> None:
    out, clock = io.StringIO(), Clock()
    display = PlainDisplay(out, clock)
    display.start(CONFIG, {})
    display.phase(1, "train", {"keep": 60_000})
    for _ in range(600):  # a minute of ten batches a second
        clock.now += 0.1
        display.steps("keep", 100)
    lines = out.getvalue().splitlines()[2:]
    assert 3 <= len(lines) <= 4
    assert re.fullmatch(r"generation 1: train 25%, 1 k steps/s", lines[0])


def test_the_live_display_shows_branches_commits_and_time_left() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=140, color_system=None)
    display = RichDisplay(console)
    display.start(CONFIG, ESTIMATE)
    display.committed(record(1, 200_000, 50.0))
    display.phase(2, "train", {f"branch-{i}": 1000 for i in range(12)})
    display.steps("branch-0", 500)
    display.say("a [sentence] in brackets")
    picture = Console(file=io.StringIO(), width=140, color_system=None)
    picture.print(display.render())
    display.stop()
    text = picture.file.getvalue()
    for part in (
        "generation 2 · train",
        "min 20 s left",
        "500 of 1 k steps",
        "and 2 more",
        "move by test",
        "0.500 [0.400, 0.600]",
        "size 5…7 (aim 5…13)",
    ):
        assert part in text
    assert "a [sentence] in brackets" in console.file.getvalue()


def test_lines_where_there_is_no_terminal(monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert isinstance(make_display(), PlainDisplay)
    assert isinstance(make_display(plain=True), PlainDisplay)
