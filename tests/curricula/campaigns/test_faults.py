"""A bad generator costs tasks, never the campaign."""

import dataclasses
import time

import gymnasium
import numpy as np
import pytest

from curricula.algorithms.domain_randomization import DomainRandomization
from curricula.campaigns.campaign import Campaign
from curricula.campaigns.commands.finding import find_task
from curricula.campaigns.exams import playing as playing_module
from curricula.campaigns.exams.sets import Exam, exam_tasks
from curricula.campaigns.generation import branch as branch_module
from curricula.campaigns.generation.branch import Job, read_result, restore, run_job
from curricula.campaigns.generation.branches import Branch, BranchFailed, measure_gains
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.files import save_state
from curricula.search import Candidate
from taskgen.distribution import TaskDistribution
from taskgen.generator import EnvGenerator, Validity
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Float
from taskgen.task import Task
from tests.curricula.campaigns.foreign import Foreign
from tests.curricula.campaigns.tiny import tiny_config


class Rough(gymnasium.Env):
    """Pays for action 1; misbehaves as its task says."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, fault):
        self.fault = fault

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.fault == "reset raises":
            raise RuntimeError("no such place")
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action):
        if self.fault == "step raises":
            raise RuntimeError("broken leg")
        if self.fault == "hangs":
            time.sleep(3600)
        reward = float("nan") if self.fault == "nan" else float(action == 1)
        observation = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return observation, reward, False, False, {"success": bool(action == 1)}


class RoughGenerator(EnvGenerator):
    """One task in eight has the fault that the class names."""

    name = "rough-v1"
    space = ParameterSpace({"x": Float(low=0.0, high=1.0, default=0.5)})
    fault = ""
    timeout_s = 20.0

    def make_task(self, params, seed):
        fault = self.fault if seed % 8 == 1 else ""
        if fault == "make raises":
            raise RuntimeError("out of clay")
        return Task(self.name, 1, params, seed, {"x": params["x"], "seed": seed, "fault": fault})

    def make_env(self, task):
        return Rough(task.content["fault"])

    def horizon(self, task):
        return 4

    def is_valid(self, task):
        return Validity(task.content["fault"] != "unsolvable", "has no way out")

    def make_vector_env(self, num_envs):
        envs = super().make_vector_env(num_envs)
        envs._timeout_s = self.timeout_s
        return envs


class StepRaises(RoughGenerator):
    fault = "step raises"


class ResetRaises(RoughGenerator):
    fault = "reset raises"


class MakeRaises(RoughGenerator):
    fault = "make raises"


class Hangs(RoughGenerator):
    fault = "hangs"
    timeout_s = 0.1


class Nan(RoughGenerator):
    fault = "nan"


class Unsolvable(RoughGenerator):
    fault = "unsolvable"


class BatchRaises(Foreign):
    """Plays all its tasks in one call, which one task in eight breaks."""

    def __init__(self):
        super().__init__("raises")


class AlwaysResetRaises(RoughGenerator):
    def make_env(self, task):
        return Rough("reset raises")


class Unwritable(RoughGenerator):
    """One task in eight holds NaN, which its canonical form does not show."""

    def make_task(self, params, seed):
        task = super().make_task(params, seed)
        bad = {**task.content, "x": float("nan")}
        return dataclasses.replace(task, content=bad) if seed % 8 == 1 else task

    def canonical(self, task):
        return str(task.content["seed"]).encode()


class NothingValid(RoughGenerator):
    def is_valid(self, task):
        return Validity(False, "has no way out")


class FewPlaces(RoughGenerator):
    """A thousand tasks in all, some hundred of them in the validation split."""

    def make_task(self, params, seed):
        place = seed % 1000
        return Task(self.name, 1, params, seed, {"x": place, "seed": place, "fault": ""})


class StaysAtTheStart(DomainRandomization):
    """Raises for every distribution but the start."""

    def ask(self, source, distribution, num_tasks, rng):
        region = distribution.regions["x"]
        if (region.low, region.high) != (0.4, 0.6):
            raise FloatingPointError("no gradient out there")
        return super().ask(source, distribution, num_tasks, rng)


class GoesNowhere(DomainRandomization):
    def ask(self, source, distribution, num_tasks, rng):
        raise FloatingPointError("no gradient anywhere")


def rough_config(generator, **changes):
    generation = {"num_candidates": 2, "branch_env_steps": 64, "aa_every": 0}
    return tiny_config(
        generator={"name": f"tests.curricula.campaigns.test_faults:{generator.__name__}"},
        movable=["x"],
        budget={"generations": 1},
        generation={**generation, **changes.pop("generation", {})},
        evaluation={"test_at_end": False},
        **changes,
    ).model_copy(update={"start": {"x": [0.4, 0.6]}, "target": {"x": [0.0, 1.0]}})


def run(tmp_path, generator, **changes):
    campaign = Campaign.create(rough_config(generator, **changes), tmp_path)
    return campaign.run()["record"]


def curriculum(cls):
    return {"name": f"tests.curricula.campaigns.test_faults:{cls.__name__}"}


@pytest.mark.parametrize(
    ("generator", "reason"),
    [
        (StepRaises, "broken leg"),
        (ResetRaises, "no such place"),
        (Hangs, "did not return within"),
        (Nan, "finite"),
        (BatchRaises, "ZeroDivisionError"),
    ],
)
def test_task_that_misbehaves_is_quarantined_with_its_reason(tmp_path, generator, reason):
    record = run(tmp_path, generator)
    assert record["generation"] == 1
    assert record["quarantine"]
    assert all(reason in why for why in record["quarantine"].values())
    store = CampaignStore(tmp_path / "campaigns" / record["campaign"])
    kept = {task["id"]: task for task in store.quarantined()}
    assert set(kept) == set(record["quarantine"])
    found = find_task(min(kept)[:12], tmp_path)
    assert Task.from_json(found.task).id == found.task_id == min(kept)
    assert reason in found.reason
    assert "in generation " in found.where


def test_parameters_that_cannot_be_made_are_counted_with_their_reason(tmp_path):
    record = run(tmp_path, MakeRaises)
    assert record["draws"]["failed"] > 0
    assert any("out of clay" in why for why in record["draw_reasons"].values())
    assert not record["quarantine"]


def test_unsolvable_tasks_are_never_played(tmp_path):
    record = run(tmp_path, Unsolvable)
    assert record["draws"]["invalid"] > 0
    assert not record["quarantine"]
    assert not any(task["content"]["fault"] for task in record["tasks"])


def test_tasks_that_cannot_be_written_down_are_never_played(tmp_path):
    record = run(tmp_path, Unwritable)
    assert record["generation"] == 1
    assert record["draws"]["failed"] > 0
    assert all("not JSON compliant" in why for why in record["draw_reasons"].values())
    assert not record["quarantine"]


@pytest.mark.parametrize("rung_share", [0.0, 0.5])
def test_training_that_raises_costs_its_branch(tmp_path, rung_share):
    record = run(
        tmp_path,
        RoughGenerator,
        curriculum=curriculum(StaysAtTheStart),
        generation={"rung_share": rung_share, "challenger_every": 1},
    )
    keep, *others = record["candidates"]
    assert record["generation"] == 1
    assert keep["env_steps"] >= 64
    assert not keep["pruned"]
    assert others
    assert all(other["pruned"] and other["gain"] is None for other in others)
    assert record["incumbent"]["regions"] == keep["distribution"]["regions"]


def test_keep_that_fails_ends_the_run_with_its_reason(tmp_path):
    campaign = Campaign.create(
        rough_config(RoughGenerator, curriculum=curriculum(GoesNowhere)), tmp_path
    )
    with pytest.raises(BranchFailed, match=r"keep failed.*FloatingPointError: no gradient any"):
        campaign.run()
    assert not list(campaign.folder.rglob("*-keep-*.pt"))  # a resume tries again


def test_tasks_none_of_which_can_begin_end_the_branch(tmp_path):
    job = make_job(tmp_path, AlwaysResetRaises, env_steps=64)
    run_job(job)
    result = read_result(job)
    assert "3 batches in a row" in result.failed
    assert "no such place" in result.failed
    assert result.state is None
    assert len(result.tally.failures) == 3 * 4


def make_exam(name="selection", num_tasks=6, task_seed=0, **fields):
    whole = TaskDistribution.whole(RoughGenerator.space)
    return Exam(name, whole.to_json(), "validation", num_tasks, task_seed, 0, **fields)


def make_job(tmp_path, generator, env_steps=0, exams=(), **changes):
    config = rough_config(generator, **changes)
    generator = generator()
    learner, plan = restore(config, generator, None)
    save_state(tmp_path / "start.pt", branch_module.snapshot(learner, plan))
    return Job(
        branch="move-1",
        config=config.model_dump(mode="json"),
        start=str(tmp_path / "start.pt"),
        start_digest="start",
        distribution=TaskDistribution.whole(generator.space).to_json(),
        env_steps=env_steps,
        seed=0,
        exams=tuple(exams),
        quarantine=(),
        out=str(tmp_path / "out.pt"),
    )


def test_a_failed_leg_leaves_neither_state_nor_gain(tmp_path):
    job = make_job(
        tmp_path,
        RoughGenerator,
        env_steps=64,
        exams=[make_exam()],
        curriculum=curriculum(GoesNowhere),
    )
    run_job(job)
    whole = TaskDistribution.whole(RoughGenerator.space)
    branch = Branch("move-1", Candidate(whole, "search"), 0, gain=1.0, gain_se=1.0)
    branch.finish_leg(job)
    assert branch.failure == "FloatingPointError: no gradient anywhere"
    assert branch.pruned
    assert branch.state is branch.start is None
    measure_gains([branch], lambda outcomes: outcomes.returns[:, 0], None)
    assert np.isnan([branch.gain, branch.gain_se]).all()


def test_an_exam_that_raises_fails_its_branch(tmp_path):
    job = make_job(tmp_path, NothingValid, exams=[make_exam(num_tasks=3)])
    run_job(job)
    result = read_result(job)
    assert result.failed.startswith("TooFewTasks: ")
    assert result.exams == {}
    start = Branch("start", Candidate(TaskDistribution.whole(RoughGenerator.space), "keep"), 0)
    with pytest.raises(BranchFailed, match="branch start failed"):
        start.finish_leg(job)


def test_failures_in_any_chunk_of_an_exam_are_quarantined(tmp_path, monkeypatch):
    monkeypatch.setattr(playing_module, "EXAM_SLOTS", 2)
    exam = make_exam(num_tasks=30)
    job = make_job(tmp_path, StepRaises, exams=[exam])
    run_job(job)
    config = rough_config(StepRaises)
    tasks = exam_tasks(exam, config, StepRaises())
    bad = {task.id for task in tasks if task.content["fault"]}
    assert len(bad) > 1
    assert not tasks[-1].content["fault"]
    assert not tasks[-2].content["fault"]
    assert set(read_result(job).tally.failures) == bad


def drawn(tmp_path, generator, exams, env_steps=0):
    job = make_job(tmp_path, generator, env_steps=env_steps, exams=exams)
    run_job(job)
    return read_result(job).tally


def test_what_had_to_be_drawn_for_exams_is_counted_like_that_for_training(tmp_path):
    one, other = make_exam(num_tasks=30), make_exam("other", num_tasks=20, task_seed=1)
    apart = dataclasses.replace(other, apart_from=(one,))
    first = drawn(tmp_path, MakeRaises, [one])
    assert first.draws["failed"] > len(first.draw_reasons) == 20, "the newest reasons are enough"
    assert any("out of clay" in why for why in first.draw_reasons.values())
    assert first.draws["accepted"] >= 30
    second = drawn(tmp_path, MakeRaises, [other])
    both = drawn(tmp_path, MakeRaises, [one, apart])
    total = {name: first.draws[name] + second.draws[name] for name in first.draws}
    assert both.draws == total, "what it stays apart from is counted where it is played"
    trained = drawn(tmp_path, MakeRaises, [one], env_steps=16)
    assert trained.draws["failed"] > first.draws["failed"]


def test_failed_draws_of_an_exam_that_could_not_be_made_are_counted(tmp_path):
    tally = drawn(tmp_path, NothingValid, [make_exam()])
    assert tally.draws["invalid"] > 0
    assert tally.draws["accepted"] == 0


def test_exams_share_no_task_where_there_are_enough(tmp_path):
    config = rough_config(FewPlaces)
    first = make_exam("first", num_tasks=10)
    second = make_exam("second", num_tasks=10, task_seed=1, apart_from=(first,))
    third = make_exam("third", num_tasks=10, task_seed=2, apart_from=(second,))
    forms = [exam_tasks(exam, config, FewPlaces()).canonicals for exam in (first, second, third)]
    assert [len(set(form)) for form in forms] == [10, 10, 10]
    assert len({form for part in forms for form in part}) == 30
    too_many = make_exam("fourth", num_tasks=500, apart_from=(first,))
    assert len(exam_tasks(too_many, config, FewPlaces())) == 500


def test_a_result_belongs_to_all_that_decides_it(tmp_path):
    job = make_job(tmp_path, RoughGenerator, exams=[make_exam()])

    def digest_with(section, **fields):
        changed = job.config[section]
        changed = {**changed, **fields} if fields else changed + 1
        return dataclasses.replace(job, config={**job.config, section: changed}).digest

    apart = (make_exam(apart_from=(make_exam("first"),)),)
    digests = {
        job.digest,
        digest_with("seed"),
        digest_with("generation", tasks_per_batch=5),
        digest_with("executor", threads=7),
        dataclasses.replace(job, exams=apart).digest,
    }
    assert len(digests) == 5
    assert digest_with("generation", num_candidates=9) == job.digest
    assert dataclasses.replace(job, out="elsewhere.pt").digest == job.digest
