"""The campaign: the only place that knows everybody, one straight line a generation.

- campaign: generations until the budget is spent or a person stops it
  - generation: one ask and one tell of the search, one commit
    - branch: the learner forked, trained on one candidate distribution
      - batch: one ask and one tell of the curriculum, one update phase of the learner
        - lifetime: all episodes on one task, memory kept
          - episode: from the task's start to its end
            - step: one action

A generation proposes distributions, trains a branch on each, tells the search what each gained,
decides which branch goes on, and commits. What is not committed never happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from curricula.campaigns.config.schema import CHANGEABLE, CampaignConfig, Section, deciding
from curricula.campaigns.generation import forks, stream
from curricula.campaigns.generation.branch import restore, snapshot
from curricula.campaigns.generation.commits import first_record, next_record
from curricula.campaigns.generation.executors import Executor, make_executor, using_threads
from curricula.campaigns.generation.ledger import Ledger
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.references import monitor_references
from curricula.campaigns.generation.resolution import resolve
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.sealed import known_result, sealed_test, write_leak_report
from curricula.campaigns.sight.tracking import Display, NullDisplay, NullTracker, Tracker
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from curricula.campaigns.store.files import save_state
from curricula.campaigns.store.lineage import save_lineage
from curricula.campaigns.store.machine import (
    Machine,
    machine_facts,
    require_available,
    require_same,
)
from curricula.campaigns.store.plays import save_plays
from curricula.campaigns.store.usage import Stopwatch, Usage


class Campaign:
    """A campaign that can be run, stopped and gone on with.

    Make one with `Campaign.create` or `Campaign.resume`.

    Args:
        store: its folder.
        config: the resolved configuration.
        machine: where it computes.
        tracker: gets every commit.
        display: shows progress.
    """

    def __init__(
        self,
        store: CampaignStore,
        config: CampaignConfig,
        machine: Machine,
        tracker: Tracker | None = None,
        display: Display | None = None,
    ) -> None:
        self.store = store
        self.config = config
        self.machine = machine
        self.tracker = tracker or NullTracker()
        self.display = display or NullDisplay()
        self.setup = Setup(config, store.journal)
        self._usage = Usage()
        self._stopwatch = Stopwatch()
        self._stop_requested = False

    @classmethod
    def create(
        cls,
        config: CampaignConfig,
        root: Path,
        tracker: Tracker | None = None,
        display: Display | None = None,
    ) -> Campaign:
        """Returns a new campaign in `root/campaigns/<name>`, its choices resolved and saved.

        Raises:
            CampaignError: if there is one of that name.
        """
        store = CampaignStore(root / "campaigns" / config.name)
        config, sentence = resolve(config)
        machine = Machine(sentence, machine_facts(config))
        store.create(config, machine.to_json())
        return cls(store, config, machine, tracker, display)

    @classmethod
    def resume(
        cls,
        folder: Path,
        tracker: Tracker | None = None,
        display: Display | None = None,
        changes: Mapping[str, Section] | None = None,
        other_machine: bool = False,
    ) -> Campaign:
        """Returns the campaign of a folder, some sections of its configuration replaced.

        Args:
            folder: of the campaign.
            tracker: gets every commit.
            display: shows progress.
            changes: section → its new content, saved when the campaign runs. Only `CHANGEABLE`
                sections: everything else decides what was measured. Threads stay as they are.
            other_machine: go on though this machine computes other last bits, and write it down.

        Raises:
            CampaignError: if another section is to change, or the machine is another one.
        """
        store = CampaignStore(folder)
        config = store.config()
        _require_same_settings(store, config)
        fixed = sorted(set(changes or {}) - set(CHANGEABLE))
        if fixed:
            raise CampaignError(
                f"{', '.join(fixed)} cannot change within a campaign; {', '.join(CHANGEABLE)} can."
            )
        config = config.model_copy(update=dict(changes or {}))
        require_available(config)
        machine = _machine(store, config, other_machine)
        return cls(store, config, machine, tracker, display)

    @property
    def folder(self) -> Path:
        """Where everything of the campaign lies."""
        return self.store.folder

    def request_stop(self) -> None:
        """Asks the campaign to stop after the next commit."""
        self._stop_requested = True

    def run(self, started: float | None = None) -> dict[str, Any]:
        """Runs generations until the budget is spent or a stop is requested.

        Args:
            started: reading of `time.perf_counter` since when its time counts; None: now.

        Returns:
            {"status": "finished" or "stopped", "record": the last commit, "test": the sealed
            test's result or None, "folder": path}.

        Raises:
            CampaignError: if another process runs it.
        """
        self._stopwatch = Stopwatch(started)
        self.store.lock()
        self.store.save_machine(self.machine.to_json())
        self.store.save_config(self.config)
        self._usage = Usage()
        executor = make_executor(self.config.executor, self.display.steps)
        result: dict[str, Any] | None = None
        status = "FAILED"
        try:
            if self.machine.text:
                self.display.say(self.machine.text)
            self.tracker.begin(self.folder, self.config.model_dump(mode="json"))
            result = self._run(executor)
            status = "FINISHED" if result["status"] == "finished" else "KILLED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            executor.close()
            self.tracker.finish(status, result)
            self.display.stop()
            self.store.unlock()
        return result

    def _run(self, executor: Executor) -> dict[str, Any]:
        record = self.store.last(set_aside=True) or self._commit_start(executor)
        self.tracker.record(record)
        self.display.committed(record)
        while not Ledger(self.setup, record).is_spent and not self._stop_requested:
            record = self.run_generation(record, executor)
        finished = Ledger(self.setup, record).is_spent
        test = None
        if finished and self.config.evaluation.test_at_end:
            test = known_result(self.store, record) or self._open_test(record, executor)
        write_leak_report(self.setup, self.store, record)
        status = "finished" if finished else "stopped"
        return {"status": status, "record": record, "test": test, "folder": str(self.folder)}

    def run_generation(self, before: dict[str, Any], executor: Executor) -> dict[str, Any]:
        """Runs one generation on top of a commit, and returns its own commit."""
        ledger = Ledger(self.setup, before)
        incumbent = self.setup.distribution(before["incumbent"])
        nursery = self.nursery(before, executor)
        self.setup.search.load_state_dict(before["search"])
        run = forks.run if self.config.generation.num_candidates else stream.run
        grown = run(self.setup, nursery, ledger, incumbent)
        nursery.examine([grown.branch], self.setup.monitors())
        references = monitor_references(self.setup, nursery, self.store, before)
        seconds = self._stopwatch.lap()
        record = next_record(self.setup, before, grown, nursery, seconds, references)
        state = grown.branch.state or self.store.state(before)
        save_plays(self.store, nursery.generation, nursery.plays(grown))
        return self._commit(record, state, nursery)

    def sealed_test(self, record: dict[str, Any], executor: Executor) -> dict[str, Any]:
        """Plays the sealed test with the learner of a commit, once more, and counts it."""
        result = sealed_test(self.setup, self.store, record, self.nursery(record, executor))
        self.store.clear_staged()
        return result

    def _open_test(self, record: dict[str, Any], executor: Executor) -> dict[str, Any]:
        self.display.say("the budget is spent")
        return self.sealed_test(record, executor)

    def nursery(self, before: dict[str, Any], executor: Executor) -> Nursery:
        """Returns what grows the branches of the generation after a commit."""
        checkpoint = before["checkpoint"]
        return Nursery(
            self.config,
            self.store,
            executor,
            self.display,
            generation=before["generation"] + 1,
            start=(str(self.folder / checkpoint["file"]), checkpoint["sha256"]),
            incumbent=self.setup.distribution(before["incumbent"]),
            quarantine=before["quarantine"],
        )

    def _commit_start(self, executor: Executor) -> dict[str, Any]:
        """Commits the untrained learner as generation 0, measured on the monitor sets."""
        assert self.config.executor.threads is not None
        with using_threads(self.config.executor.threads):  # first weights: last bits turn on them
            state = snapshot(*restore(self.config, self.setup.generator, None))
        file = self.store.staged / "start.pt"
        digest = save_state(file, state)
        nursery = Nursery(
            self.config,
            self.store,
            executor,
            self.display,
            0,
            (str(file), digest),
            self.setup.start,
            (),
        )
        branch = nursery.start_branch()
        nursery.examine([branch], self.setup.monitors())
        references = monitor_references(self.setup, nursery, self.store, None)
        record = first_record(self.setup, branch, nursery, self._stopwatch.lap(), references)
        return self._commit(record, state, nursery)

    def _commit(self, record: dict[str, Any], state: Any, nursery: Nursery) -> dict[str, Any]:
        self.store.save_seen(record["generation"], nursery.seen)
        save_lineage(self.store, record["generation"], nursery.lineage)
        for tally in nursery.tallies:
            self.store.save_quarantined(tally.failed_tasks)
        where = self.config.executor
        workers = 1 if where.name == "inline" else where.workers
        record = {**record, "usage": {**self._usage.since_last(), "workers": workers}}
        record = self.store.commit(record, state)
        self.store.tidy(self.config.checkpoints, record["best"]["generation"])
        self.tracker.record(record)
        self.display.committed(record)
        return record


def _machine(store: CampaignStore, config: CampaignConfig, other_machine: bool) -> Machine:
    """Returns where a campaign computes from now on; one that never wrote it down begins here."""
    now, saved = machine_facts(config), store.machine()
    if saved is None:
        return Machine("", now)
    machine = Machine.from_json(saved)
    if machine.facts == now:
        return machine
    if not other_machine:
        require_same(config.name, machine.facts, now)
    record = store.last()
    return machine.moved_to(now, record["generation"] if record else -1)


def _require_same_settings(store: CampaignStore, config: CampaignConfig) -> None:
    """Raises an error where the commits were made with other settings than the file now has."""
    before = (store.record(0) or {}).get("settings", {})
    now = deciding(config.model_dump(mode="json"))
    changed = [path for path in before if path in now and before[path] != now[path]]
    if changed:
        said = ", ".join(f"{path} was {before[path]} and is {now[path]}" for path in changed)
        raise CampaignError(
            f"{store.folder / 'config.yaml'} is not what the commits were made with: {said}. "
            f"Put it back, or start another campaign with name=…"
        )
