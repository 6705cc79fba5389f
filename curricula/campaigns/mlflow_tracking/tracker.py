"""Campaigns in MLflow: runs campaign → generation → candidate, fed with commit records.

A commit counts as logged when the campaign's run has the point `campaign/generation` of it, which
is written last, in one batch with all its others; whatever lacks it is logged again from the
folder's commits. A store that fails is told of once, and tried again at a later commit.
`curricula.campaigns.mlflow_tracking.runs` has the store's side of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from curricula.campaigns.config.schema import TrackingConfig
from curricula.campaigns.mlflow_tracking.campaign_log import (
    describe,
    log_commit,
    log_end,
    log_result,
    log_settings,
)
from curricula.campaigns.mlflow_tracking.logged import LoggedCampaign, commits_between
from curricula.campaigns.mlflow_tracking.patience import Patience
from curricula.campaigns.mlflow_tracking.runs import CampaignRuns
from curricula.campaigns.mlflow_tracking.stores import is_remembered, tracking_uri
from curricula.campaigns.store.records import Record


class MlflowTracker:
    """Shows a campaign in MLflow; never stops it, nor holds it up for long.

    Args:
        tracking: what is logged, and where.
        root: folder of the default store: `mlflow.db` and `artifacts/` lie in it.
        on_problem: gets a sentence when the store fails for the first time; by default a warning
            of the module's logger.
        patience: says when the store may be asked; by default that of a clock.

    Attributes:
        problems: the sentences that `on_problem` got.
    """

    def __init__(
        self,
        tracking: TrackingConfig,
        root: Path,
        on_problem: Callable[[str], None] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.tracking = tracking
        self.root = root.resolve()
        self.problems: list[str] = []
        self._on_problem = on_problem or logging.getLogger(__name__).warning
        self._campaign: LoggedCampaign | None = None
        self._runs: CampaignRuns | None = None
        self._patience = patience or Patience()
        self._failing = False

    @property
    def uri(self) -> str:
        """The tracking URI that is used."""
        return tracking_uri(self.tracking.uri, self.root)

    @property
    def page(self) -> str | None:
        """The campaign's page in the UI, from `#` on; None before there is one."""
        if self._runs is None:
            return None
        return f"#/experiments/{self._runs.experiment}/runs/{self._runs.campaign}"

    def begin(self, folder: Path, config: Record) -> None:
        """Finds or makes the campaign's run, logs what is missing, closes what a kill left."""
        campaign = self._campaign = LoggedCampaign(folder, config, self.tracking)
        self._runs = None
        self._attempt(lambda: self._catch_up(campaign, may_stop=True))

    def record(self, record: Record) -> None:
        """Logs a commit, after those before it that could not be logged.

        Where the store has just cost much time, it is left alone for a while, and the commit is
        logged with a later one.
        """
        campaign = self._begun()
        if self._patience.is_time:
            self._attempt(lambda: self._catch_up(campaign, record, may_stop=True))

    def finish(self, status: str, result: Record | None) -> None:
        """Logs what is missing and the result, registers the kept learners, closes the run."""
        campaign = self._begun()
        self._attempt(lambda: log_end(campaign, self._catch_up(campaign), status, result))

    def tested(self, folder: Path, config: Record, result: Record) -> None:
        """Logs a use of the test after the campaign, or beside it, on the run that it has.

        A campaign that this store has no run of is left without one.
        """
        if is_remembered(folder, self.uri):
            campaign = LoggedCampaign(folder, config, self.tracking)
            self._attempt(lambda: self._log_use(campaign, result))

    def _begun(self) -> LoggedCampaign:
        assert self._campaign is not None, "begin comes first"
        return self._campaign

    def _attempt(self, action: Callable[[], object]) -> None:
        """Does it, or says the first time that it cannot be done; a later call tries again."""
        try:
            with self._patience.watched():
                action()
            self._failing = False
            if not self._patience.is_time:
                self._say_slow()
        except Exception as error:  # whatever a store or an outside generator comes up with
            self._runs = None
            reason = (str(error).splitlines() or ["no reason given"])[0]
            if not self._failing:
                self._say(
                    f"MLflow at {self.uri} cannot be written ({type(error).__name__}: {reason}); "
                    f"the campaign goes on, and what is missing is logged as soon as it can be."
                )
            self._failing = True

    def _say_slow(self) -> None:
        text = (
            f"MLflow at {self.uri} is slow; the campaign goes on, and what it cannot log at once "
            f"is logged later, all of it at the end."
        )
        if text not in self.problems:
            self._say(text)

    def _say(self, text: str) -> None:
        self.problems.append(text)
        self._on_problem(text)

    def _catch_up(
        self, campaign: LoggedCampaign, newest: Record | None = None, *, may_stop: bool = False
    ) -> CampaignRuns:
        """Logs the commits that the store does not have, oldest first; returns its runs.

        Args:
            campaign: whose commits.
            newest: one that may not be on disk yet.
            may_stop: leave some for later where they take long.
        """
        is_fresh = self._runs is None
        runs = self._runs or self._open(campaign)
        for record in _missing(campaign.folder, runs.logged, newest):
            log_commit(campaign, runs, record)
            if may_stop and self._patience.is_spent:
                break
        if is_fresh:
            runs.close_orphans()
            describe(campaign, runs, "running")
        self._runs = runs
        return runs

    def _open(self, campaign: LoggedCampaign, reopen: bool = True) -> CampaignRuns:
        """Connects, and reads again what the store has all of."""
        experiment, name = self.tracking.experiment, campaign.config["name"]
        runs = CampaignRuns(self.uri, self.root, experiment, campaign.folder, name, reopen)
        campaign.forget()
        for record in commits_between(campaign.folder, 0, runs.logged):
            campaign.take(record)
        log_settings(campaign, runs)
        return runs

    def _log_use(self, campaign: LoggedCampaign, result: Record) -> None:
        runs = self._open(campaign, reopen=False)
        if campaign.way.rows:
            log_result(campaign, runs, {"test": result})
        describe(campaign, runs, runs.client.get_run(runs.campaign).info.status)


def _missing(folder: Path, logged: int, newest: Record | None) -> list[Record]:
    """The commits that are not logged, oldest first; the newest one need not be on disk."""
    if newest is None:
        return list(commits_between(folder, logged + 1))
    if newest["generation"] <= logged:
        return []
    return [*commits_between(folder, logged + 1, newest["generation"] - 1), newest]
