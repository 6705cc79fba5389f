"""Every task that was played can be traced to those it was edited from, whatever buffers hold."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from curricula.campaigns.campaign import Campaign
from curricula.campaigns.cli import app
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.lineage import ancestry, known_tasks, lines_of, save_lineage
from curricula.campaigns.store.plays import MAX_PLAYS, plays_of
from curricula.checks.specimens import START, Marks, training_source
from curricula.curriculum import Proposal
from taskgen.generators.maze import Maze
from taskgen.task import Task
from tests.curricula.campaigns.tiny import tiny_config


def mark(seed):
    return Marks().make_task(START.space.complete({"size": 5}), seed)


@pytest.fixture
def store(tmp_path):
    return CampaignStore(tmp_path)


def ids(line):
    return [ancestor.task_id for ancestor in line]


def test_a_task_is_traced_over_generations_to_what_was_drawn(store):
    first = mark(1)
    second = first.edited({**first.content, "seed": 2}, "reseed")
    third = second.edited({**first.content, "seed": 3}, "reseed")
    save_lineage(store, 1, lines_of([Proposal(mark(9)), Proposal(first)]))
    save_lineage(store, 2, lines_of([Proposal(first, "replay"), Proposal(second, "edit")]))
    save_lineage(store, 7, lines_of([Proposal(third, "edit")]))
    line = ancestry(store, third.id)
    assert ids(line) == [first.id, second.id, third.id]
    assert [ancestor.generation for ancestor in line] == [1, 2, 7]
    assert [ancestor.task(Marks()) for ancestor in line] == [first, second, third]
    assert known_tasks(store, mark(9).id[:8]) == [mark(9).id]
    assert ancestry(store, "0" * 64) == []


def test_edits_that_undo_each_other_end_where_the_task_was_drawn(store):
    first = mark(1)
    second = first.edited({**first.content, "seed": 2}, "reseed")
    again = second.edited(first.content, "reseed")
    assert again.id == first.id
    played = [Proposal(first), Proposal(second, "edit"), Proposal(again, "edit")]
    save_lineage(store, 1, lines_of(played[:2]))
    save_lineage(store, 2, lines_of(played[2:]))
    assert ids(ancestry(store, second.id)) == [first.id, second.id]
    assert ids(ancestry(store, first.id)) == [first.id]


def test_of_a_loop_that_nobody_drew_each_task_is_told_once(store):
    one, other = mark(1), mark(2)
    lines = [
        json.loads(line) | {"parents": [parent.id], "operator": "reseed", "content": {}}
        for line, parent in zip(
            lines_of([Proposal(one), Proposal(other)]), (other, one), strict=True
        )
    ]
    texts = [json.dumps(line, separators=(",", ":")) for line in lines]
    save_lineage(store, 1, texts)
    save_lineage(store, 2, texts)
    assert sorted(ids(ancestry(store, one.id))) == sorted([one.id, other.id])


def test_another_version_of_a_generator_is_noticed(store):
    class Other(Marks):
        def make_task(self, params, seed):
            return super().make_task(params, seed + 1)

    save_lineage(store, 1, lines_of([Proposal(mark(1))]))
    (only,) = ancestry(store, mark(1).id)
    with pytest.raises(ValueError, match="use the version of then"):
        only.task(Other())


def growing(num_generations):
    options = {"capacity": 8, "min_fill": 0.5, "num_edits": 2, "bases": "batch"}
    return tiny_config(
        curriculum={"name": "curricula.algorithms.accel:ACCEL", "options": options},
        search="fixed",
        movable=["size"],
        generation={"branch_env_steps": 960, "tasks_per_batch": 4, "aa_every": 0},
        budget={"generations": num_generations},
        start={"layout": "random_walls", "wall_density": [0.0, 0.4], "goal_distance": [0.0, 0.5]},
        evaluation={"test_at_end": False},
    )


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A campaign whose buffer holds far fewer tasks than were played."""
    root = tmp_path_factory.mktemp("grown")
    return root, Campaign.create(growing(2), root).run()["record"]


def test_every_task_of_a_campaign_is_traced_also_after_it_was_given_up(grown):
    root, record = grown
    store = CampaignStore(root / "campaigns" / "tiny")
    played = known_tasks(store, "")
    assert len(played) > 50
    edits = 0
    for task_id in played:
        line = ancestry(store, task_id)
        assert line[-1].task_id == task_id
        assert not line[0].parents
        assert all(parent in ids(line) for ancestor in line for parent in ancestor.parents)
        tasks = [ancestor.task(Maze()) for ancestor in line]
        assert [task.id for task in tasks] == ids(line)
        edits += len(line) > 1
    assert edits > 10
    held = store.state(record)["curriculum"]["buffer"]["ids"]
    assert len(held) <= 8
    assert set(held) <= set(played)
    assert max(len(ancestry(store, task_id)) for task_id in played) > 2


def test_a_sample_of_the_plays_is_kept_with_their_returns(grown):
    root, _ = grown
    store = CampaignStore(root / "campaigns" / "tiny")
    known, origins = set(known_tasks(store, "")), set()
    for generation in (1, 2):
        plays = plays_of(store, generation)
        assert 0 < len(plays) <= MAX_PLAYS
        origins |= {play.origin for play in plays}
        assert {play.source.task_id for play in plays} <= known
        assert {play.branch for play in plays} == {"keep"}
        assert all(len(play.returns) == len(play.successes) for play in plays)
        assert all(play.source.task(Maze()).id == play.source.task_id for play in plays)
    assert origins == {"new", "edit", "replay"}
    assert any(play.score is not None for play in plays)
    assert sum(play.times for play in plays) > len(plays), "some are replayed"


def test_what_a_curriculum_says_of_itself_is_committed(grown):
    _, record = grown
    metrics = record["candidates"][record["decision"]["winner"]]["metrics"]
    assert metrics["curriculum/buffer_size"] == 8
    assert 0 < metrics["curriculum/replay_share"] < 1
    assert 0 < metrics["curriculum/edit_share"] < 1


def test_the_buffer_goes_from_generation_to_generation(grown):
    root, _ = grown
    store = CampaignStore(root / "campaigns" / "tiny")
    clocks = [store.state(r)["curriculum"]["buffer"]["clock"] for r in store.records()]
    assert clocks[0] == 0
    assert clocks == sorted(set(clocks))


def test_a_campaign_that_was_stopped_goes_on_with_the_same_buffer(grown, tmp_path):
    root, record = grown
    folder = Path(Campaign.create(growing(1), tmp_path).run()["folder"])
    resumed = Campaign.resume(folder, changes={"budget": growing(2).budget}).run()["record"]
    one, other = CampaignStore(root / "campaigns" / "tiny"), CampaignStore(folder)
    assert other.state(resumed)["curriculum"] == one.state(record)["curriculum"]
    assert known_tasks(other, "") == known_tasks(one, "")


def call(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_the_command_tells_the_line_and_draws_it(grown, tmp_path):
    root, _ = grown
    store = CampaignStore(root / "campaigns" / "tiny")
    line = max((ancestry(store, one) for one in known_tasks(store, "")), key=len)
    said = call("lineage", line[-1].task_id[:16], "--root", root, "--out", tmp_path / "line.png")
    assert said.exit_code == 0, said.output
    assert f"{line[-1].task_id}: of tiny, {len(line) - 1} ancestors" in said.output
    for ancestor in line:
        assert ancestor.task_id[:12] in said.output
    assert f"draw, seed {line[0].seed}" in said.output
    assert (tmp_path / "line.png").stat().st_size > 1000
    page = call("lineage", line[-1].task_id, "--root", root, "--out", tmp_path / "line.html")
    assert page.exit_code == 0, page.output
    html = (tmp_path / "line.html").read_text()
    parents = [parent for one in line for parent in one.parents]
    assert len(parents) == len(line) - 1
    assert all(f'["{parent[:16]}"]' in html for parent in parents), "each card names what it edits"
    assert line[-2].task_id[:12] in html


def test_show_knows_what_was_only_played(grown):
    root, _ = grown
    store = CampaignStore(root / "campaigns" / "tiny")
    line = max((ancestry(store, one) for one in known_tasks(store, "")), key=len)
    shown = call("show", line[-1].task_id[:20], "--root", root)
    assert shown.exit_code == 0, shown.output
    task = Task.from_json(json.loads(shown.output[shown.output.index("{") :]))
    assert task == line[-1].task(Maze())


def test_status_says_what_the_curriculum_does(grown):
    root, _ = grown
    said = call("status", "tiny", "--root", root)
    assert "curriculum: replay share 0." in said.output
    assert "buffer size 8" in said.output


@pytest.mark.parametrize(("prefix", "message"), [("ab", "at least 4"), ("zzzz", "no campaign")])
def test_what_nobody_played_is_refused(grown, prefix, message):
    root, _ = grown
    said = call("lineage", prefix, "--root", root)
    assert said.exit_code == 2
    assert message in said.output


def test_a_replay_costs_no_line():
    tasks = training_source().make(START, 3, np.random.default_rng(0))
    assert lines_of([Proposal(task, "replay") for task in tasks]) == []
