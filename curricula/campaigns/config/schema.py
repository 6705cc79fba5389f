"""The campaign file: every setting, its default, its bounds and what it means.

`CampaignConfig` is a tree of frozen pydantic models. `curricula.campaigns.config.files` reads it
from YAML with overrides; what runs is the *resolved* configuration, saved with the campaign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

# Threads are not among them: they decide how sums are split, and so the last bits of results.
CHANGEABLE_KEYS = ("budget.*", "executor.name", "executor.workers", "tracking.*", "checkpoints.*")
"""Settings that a resumed campaign may change, as the command line has them."""

CHANGEABLE = tuple(dict.fromkeys(key.partition(".")[0] for key in CHANGEABLE_KEYS))
"""The sections of these: none of the settings decides a number."""


def deciding(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that decide results, by dotted path; no resume may change them.

    Args:
        config: a configuration as plain values (`model_dump`).

    Example:
        >>> deciding({"seed": 0, "start": {"size": [5, 7]}, "budget": {"hours": 2}})
        {'seed': 0, 'start.size': [5, 7]}
    """
    found: dict[str, Any] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                walk(inner, f"{path}.{key}" if path else str(key))
        else:
            found[path] = value

    walk({key: value for key, value in config.items() if key not in CHANGEABLE}, "")
    return found


class Section(BaseModel):
    """A part of the campaign file: frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Plugin(Section):
    """A plug-in by its registered name (or `module:Class`) and its own settings.

    A section that is only a word is the plug-in of that name: `search: fixed`.
    """

    name: str = Field(description="registered name, or module:Class")
    options: dict[str, Any] = Field(default_factory=dict, description="the plug-in's own settings")

    @model_validator(mode="before")
    @classmethod
    def _from_a_word(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class LifetimeConfig(Section):
    """How long one task is played with memory kept; problems have none of it."""

    num_episodes: PositiveInt = Field(
        default=3, description="episodes of a lifetime wherever something is measured"
    )
    train_steps: PositiveInt | None = Field(
        default=None,
        description="env steps of a training lifetime, with as many episodes as fit; "
        "null: training lifetimes have num_episodes episodes too",
    )


class GenerationConfig(Section):
    """One generation: what is tried, for how long, and what is needed to adopt it."""

    num_candidates: Annotated[int, Field(ge=0, le=64)] = Field(
        default=3,
        description="branches a generation, 'keep' among them; 0: stream mode, no forks, "
        "every env step goes into the one learner",
    )
    branch_env_steps: PositiveInt = Field(
        default=200_000, description="training env steps of a branch; of problems, examples"
    )
    tasks_per_batch: PositiveInt = Field(default=64, description="tasks of one meta-training batch")
    rung_share: Share = Field(
        default=1 / 3,
        description="share of the steps after which branches are compared; 0: no rung",
    )
    prune_sd: Annotated[float, Field(ge=0)] = Field(
        default=1.0,
        description="how many deviations of noise behind the leader a branch may be at a rung",
    )
    challenger_every: Annotated[int, Field(ge=0)] = Field(
        default=5,
        description="generations between challengers (the whole target; open-ended: the frontier); "
        "0: never",
    )
    aa_every: Annotated[int, Field(ge=0)] = Field(
        default=5, description="generations between A/A measurements of training noise; 0: never"
    )
    adopt_sd: Annotated[float, Field(ge=0)] = Field(
        default=1.0, description="how many deviations of noise a winner must beat 'keep' by"
    )
    merge: bool = Field(
        default=False,
        description="whether the branches are merged into one learner, weighted by their gains, "
        "which goes on if it beats both the adopted branch and 'keep' on the adoption tasks",
    )
    search_every: Annotated[int, Field(ge=0)] = Field(
        default=4,
        description="stream mode: generations between moves of the search, which also rests when "
        "its moves do harm; in the others the move is straight toward what counts; 1: the search "
        "alone, without rest; 0: never; without meaning where a search decides by itself",
    )
    move_on_success: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.7,
        description="stream mode: share of the tasks at an end of what it trains on that a learner "
        "has to solve before it goes beyond; without meaning where success has none",
    )
    rollback_sd: Annotated[float, Field(ge=0)] = Field(
        default=3.0,
        description="stream mode: a fall by more deviations of noise rolls the learner back",
    )

    @model_validator(mode="after")
    def _merges_several(self) -> GenerationConfig:
        if self.merge and self.num_candidates < 2:
            raise ValueError(
                f"merge needs at least two branches; num_candidates is {self.num_candidates}."
            )
        return self


class EvaluationConfig(Section):
    """What the learner is measured on, and how many tasks of it."""

    num_selection: PositiveInt = Field(
        default=96, description="tasks for selection, fresh a generation"
    )
    num_adoption: PositiveInt = Field(
        default=192, description="tasks for adoption, fresh a generation"
    )
    num_monitor: PositiveInt = Field(default=128, description="tasks of each fixed monitor set")
    num_test: PositiveInt = Field(default=1000, description="tasks of the sealed test")
    test_at_end: bool = Field(
        default=True, description="open the sealed test when the budget is spent"
    )
    greedy: bool = Field(
        default=False, description="act by the likeliest action instead of drawing"
    )
    success_threshold: Share = Field(
        default=0.8,
        description="success in the last episode over repetitions that counts as mastered",
    )
    frontier_margin: Annotated[float, Field(gt=0)] = Field(
        default=0.25,
        description="open-ended: how far beyond the incumbent the target reaches, in widths",
    )
    score: Literal["auto", "last_return", "winsorized_return", "mean_return", "last_success"] = (
        Field(
            default="auto",
            description="the score of a lifetime that gains are made of; auto: mean_return, and "
            "winsorized_return (the last one, the worst hundredth of the tasks raised to the "
            "next worst's) of problems",
        )
    )


class BudgetConfig(Section):
    """When a campaign ends; the first bound that is reached ends it. All null: never."""

    env_steps: PositiveInt | None = Field(
        default=None,
        description="env steps in all: training, scoring and evaluation; of problems, "
        "examples: support and query points",
    )
    generations: PositiveInt | None = Field(
        default=None, description="generations beside the first, the untrained learner's"
    )
    hours: Annotated[float, Field(gt=0)] | None = Field(
        default=None,
        description="hours of running, on a clock; the generation that is on its way is finished",
    )


class ExecutorConfig(Section):
    """Where branches run. The result is the same everywhere, bit for bit."""

    name: Literal["inline", "processes"] = Field(
        default="processes", description="in this process, or in worker processes"
    )
    workers: PositiveInt | None = Field(default=None, description="processes; null: one a core")
    threads: PositiveInt | None = Field(
        default=None, description="threads of a branch, inline too; null: cores / workers"
    )
    call_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=30.0,
        description="longest one call of a batched environment may take (the first of a kind: five "
        "times that, a minute at least); a task that takes longer goes into quarantine. A loop "
        "inside a C extension is ended in processes alone, never inline",
    )


class SplitConfig(Section):
    """How tasks are kept apart."""

    enabled: bool = Field(default=True, description="false for families of too few tasks to split")
    salt: str = Field(default="taskgen", description="what is compared must share it")


class TrackingConfig(Section):
    """What is logged, and where."""

    uri: str | None = Field(
        default=None,
        description="MLflow tracking URI; null: $MLFLOW_TRACKING_URI, else mlruns/mlflow.db",
    )
    experiment: str = Field(default="taskgen", description="MLflow experiment")
    candidate_runs: Literal["all", "adopted", "none"] = Field(
        default="adopted", description="which branches of a generation have runs of their own"
    )
    num_pictures: Annotated[int, Field(ge=0, le=64)] = Field(
        default=16, description="tasks on a generation's contact sheet; 0: no pages of tasks either"
    )
    films: bool = Field(
        default=True, description="film the sealed test's best, middling and worst task"
    )


class CheckpointConfig(Section):
    """Which commits keep their checkpoints; the best one always does."""

    keep_last: Annotated[int, Field(ge=2)] = Field(
        default=3, description="checkpoints of the newest commits"
    )
    keep_every: PositiveInt = Field(
        default=10, description="generations between checkpoints that are kept for good"
    )


class CampaignConfig(Section):
    """A whole campaign."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = Field(
        description="of the campaign, and of its folder"
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="all randomness of the campaign follows from it"
    )
    generator: Plugin = Field(description="what makes the tasks (taskgen list generators)")
    learner: Plugin = Field(
        default=Plugin(name="rl2"), description="what learns to learn (taskgen list learners)"
    )
    curriculum: Plugin = Field(
        default=Plugin(name="domain_randomization"),
        description="what decides which tasks are played next (taskgen list curricula)",
    )
    search: Plugin = Field(
        default=Plugin(name="optuna"),
        description="what proposes where tasks come from next (taskgen list searches)",
    )
    start: dict[str, Any] = Field(
        default_factory=dict, description="the first training distribution, by parameter"
    )
    target: dict[str, Any] | None = Field(
        default=None,
        description="the distribution that counts at test time, where it differs from the start; "
        "null: open-ended",
    )
    movable: list[str] | None = Field(
        default=None,
        description="parameters that may move, four at most unless listed; null: those in which "
        "start and target differ, or the open-ended ones",
    )
    beyond_target: bool = Field(
        default=False,
        description="whether moves may leave what start and target span together",
    )
    rehearsal_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0,
        description="share of tasks drawn from the start distribution, against forgetting",
    )
    lifetime: LifetimeConfig = LifetimeConfig()
    generation: GenerationConfig = GenerationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    budget: BudgetConfig = BudgetConfig()
    executor: ExecutorConfig = ExecutorConfig()
    splits: SplitConfig = SplitConfig()
    tracking: TrackingConfig = TrackingConfig()
    checkpoints: CheckpointConfig = CheckpointConfig()

    @model_validator(mode="after")
    def _needs_somewhere_to_go(self) -> CampaignConfig:
        if self.movable is not None and not self.movable and self.search.name != "fixed":
            raise ValueError("movable is empty: name a parameter, or take `search: {name: fixed}`.")
        return self
