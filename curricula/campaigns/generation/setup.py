"""What stays the same through a campaign: its settings, and what follows from them.

Everything that a generation needs to know and may not change. The campaign makes one, and hands it
to those who run generations, keep the books and open the sealed test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from curricula.campaigns.config.plugins import make_generator, make_search
from curricula.campaigns.config.regions import movable, start_distribution, target_distribution
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.sets import Exam
from curricula.campaigns.generation.seeding import seed_for
from curricula.search import Candidate
from taskgen.distribution import Interval, TaskDistribution
from taskgen.splits import Split

_TEST_PARTS = 4


class Setup:
    """The plug-ins and places of a campaign.

    Args:
        config: the resolved configuration.
        journal: file for the search's own record.
    """

    def __init__(self, config: CampaignConfig, journal: Path | None = None) -> None:
        self.config = config
        self.generator = make_generator(config.generator)
        self.search = make_search(config.search, journal)
        self.movable = movable(config, self.generator)
        self.target = target_distribution(config, self.generator.space)
        start = start_distribution(config, self.generator.space)
        share = config.rehearsal_share
        self.start = replace(start, rehearsal=((share, start),)) if share else start
        self.room = {} if config.beyond_target else self._room()

    @property
    def num_branches(self) -> int:
        """How many branches an ordinary generation trains: one where nothing can move."""
        return max(self.config.generation.num_candidates, 1) if self.can_move else 1

    @property
    def can_move(self) -> bool:
        """Whether the distribution can move at all."""
        return bool(self.movable) and self.config.search.name != "fixed"

    @property
    def is_open_ended(self) -> bool:
        """Whether what counts moves along: there is no target, and something that can move."""
        return self.target is None and bool(self.movable)

    def volume(self, distribution: TaskDistribution) -> float:
        """Returns which share of the movable axes a distribution covers, in (0, 1]."""
        return distribution.volume(self.movable) if self.movable else 1.0

    def propose(
        self, incumbent: TaskDistribution, num_candidates: int, generation: int
    ) -> list[Candidate]:
        """Returns what the search proposes for a generation, within the room there is."""
        moves = self.search.ask(
            replace(incumbent, room=self.room),
            self.movable,
            num_candidates,
            generation=generation,
            seed=seed_for(self.config.seed, generation, "search"),
        )
        return [replace(m, distribution=replace(m.distribution, room={})) for m in moves]

    def toward(self, incumbent: TaskDistribution, names: Sequence[str]) -> Candidate:
        """Returns one move straight toward what counts; "keep" where there is nothing to move.

        Where success says whether the learner keeps up, it goes one ring further, else as far as
        one move goes.

        Args:
            incumbent: where it starts from.
            names: the parameters that move.
        """
        aim = self.frontier(incumbent)
        if self.generator.has_success:
            aim = incumbent.approached(aim, self.config.evaluation.frontier_margin, names)
        move = incumbent.toward(aim, names)
        after = incumbent.moved(move)
        if after == incumbent:
            return Candidate(incumbent, "keep")
        return Candidate(after, "toward", incumbent.effective_move(after, move))

    def exam(
        self,
        generation: int,
        name: str,
        distribution: TaskDistribution,
        num_tasks: int,
        split: Split,
    ) -> Exam:
        """Returns an exam; its tasks depend on the campaign's seed, the generation and the name."""
        return Exam(
            name=name,
            distribution=distribution.to_json(),
            split=split,
            num_tasks=num_tasks,
            task_seed=seed_for(self.config.seed, generation, f"{name}/tasks"),
            play_seed=seed_for(self.config.seed, generation, f"{name}/play"),
        )

    def probes(self, generation: int, candidate: Candidate) -> dict[str, Exam]:
        """Returns what the search wants played after a generation's training, by its names."""
        place = replace(candidate.distribution, room=self.room)
        return {
            probe.name: self.exam(
                generation,
                f"probe-{probe.name}",
                probe.distribution,
                probe.num_tasks,
                "validation",
            )
            for probe in self.search.probes(place, self.movable)
        }

    def _room(self) -> dict[str, Interval]:
        """Returns what start and target span together, where they differ.

        A parameter in which they do not differ moves only if it is listed, and then freely.
        """
        room: dict[str, Interval] = {}
        for name in self.movable if self.target is not None else ():
            assert self.target is not None
            one, other = self.start.regions[name], self.target.regions[name]
            if one != other and isinstance(one, Interval) and isinstance(other, Interval):
                room[name] = Interval(min(one.low, other.low), max(one.high, other.high))
        return room

    def frontier(self, incumbent: TaskDistribution) -> TaskDistribution:
        """Returns what the learner must generalise to: the target, or one ring further out."""
        if self.target is not None:
            return self.target
        ring = incumbent.widened(self.config.evaluation.frontier_margin, self.movable)
        return replace(ring, rehearsal=())

    def distribution(self, data: dict[str, object]) -> TaskDistribution:
        """Returns a distribution of this campaign's space from its JSON."""
        return TaskDistribution.from_json(self.generator.space, data)

    def monitors(self) -> list[Exam]:
        """Returns the fixed sets that are drawn as curves and never decide anything."""
        num_tasks = self.config.evaluation.num_monitor
        start = replace(self.start, rehearsal=())
        places = {"target": self.frontier(start), "start": start}
        return [
            self.exam(0, f"monitor-{name}", place, num_tasks, "validation")
            for name, place in places.items()
        ]

    def selection(self, generation: int, incumbent: TaskDistribution) -> Exam:
        """Returns what a generation's branches are compared on: drawn anew, apart from monitors."""
        num_tasks = self.config.evaluation.num_selection
        exam = self.exam(generation, "selection", self.frontier(incumbent), num_tasks, "validation")
        return replace(exam, apart_from=tuple(self.monitors()))

    def adoption(self, generation: int, incumbent: TaskDistribution) -> Exam:
        """Returns what a generation's best is adopted on: anew, and apart from the selection."""
        num_tasks = self.config.evaluation.num_adoption
        exam = self.exam(generation, "adoption", self.frontier(incumbent), num_tasks, "validation")
        return replace(exam, apart_from=(self.selection(generation, incumbent),))

    def sealed_exams(self, incumbent: TaskDistribution) -> list[Exam]:
        """Returns the sealed test, in parts of one set of tasks that workers can share."""
        place, num_tasks = self.frontier(incumbent), self.config.evaluation.num_test
        whole = self.exam(0, "test", place, num_tasks, "test")
        num_parts = min(_TEST_PARTS, num_tasks)
        return [replace(whole, name=f"test-{i}", part=(i, num_parts)) for i in range(num_parts)]
