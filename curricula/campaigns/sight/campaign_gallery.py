"""The galleries of a campaign: the tasks that a generation trained on, and those of all of them.

Tasks come from the plays that the campaign kept; of commits from before there were any, from its
lineage, without what they came to. A page shows two thousand tasks at most, evenly of all
generations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from curricula.campaigns.config.plugins import make_curriculum
from curricula.campaigns.config.schema import Plugin
from curricula.campaigns.sight.decisions import decision_sentences
from curricula.campaigns.sight.gallery import MAX_TASKS, Binding, Card, Chapter, bound
from curricula.campaigns.sight.points import is_number
from curricula.campaigns.sight.portraits import Album, Portrait
from curricula.campaigns.sight.task_pictures import PATIENCE_S
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.lineage import played_first
from curricula.campaigns.store.plays import MAX_PLAYS, Play, plays_of
from curricula.campaigns.store.records import Record
from taskgen.generator import TaskGenerator
from taskgen.task import Task
from taskgen.watchdog import answers


class CampaignGallery:
    """Makes pages of a campaign's tasks; what it drew once is drawn.

    Args:
        folder: of the campaign.
        config: its configuration.
        generator: of its tasks.
    """

    def __init__(self, folder: Path, config: Record, generator: TaskGenerator) -> None:
        self._store = CampaignStore(folder)
        self._config = config
        self._generator = generator
        self._album = Album(self._store, generator)

    def page(self, records: Sequence[Record], seconds: float = math.inf) -> str | None:
        """Returns the page of some commits; None where nothing is known of their tasks.

        Args:
            records: the commits, oldest first.
            seconds: how long pictures may be drawn.
        """
        cards = self.cards(records, seconds)
        return self._bound(cards, records) if cards else None

    def cards(self, records: Sequence[Record], seconds: float = math.inf) -> list[Card]:
        """Returns the cards of these commits' tasks, in their order, those with a picture first."""
        shown = _evenly(records, MAX_TASKS)
        share = min(MAX_TASKS // max(len(shown), 1), MAX_PLAYS)
        known = {record["generation"]: self._played(record, share) for record in shown}
        for generation in known:
            self._album.open(generation)
        # The first of every generation before the second of any: time may be short.
        turns = chain.from_iterable(zip_longest(*known.values()))
        self._album.draw([turn[1] for turn in turns if turn is not None], seconds)
        for generation, pairs in known.items():
            self._album.keep(generation, [task for _, task in pairs])
        cards = [
            Card(task, self._album.known(task) or Portrait(), play)
            for pairs in known.values()
            for play, task in pairs
        ]
        return sorted(cards, key=lambda card: card.portrait.picture is None)

    def _played(self, record: Record, num: int) -> list[tuple[Play, Task]]:
        """Returns some of what a generation played, with the tasks themselves."""
        generation = record["generation"]
        plays = plays_of(self._store, generation)[:num] or [
            Play(source, "edit" if source.parents else "new")
            for source in played_first(self._store, generation, num)
        ]
        made = answers(lambda play: play.source.task(self._generator), plays, PATIENCE_S)
        return [(play, task) for play, task in zip(plays, made, strict=True) if task is not None]

    def _bound(self, cards: Sequence[Card], records: Sequence[Record]) -> str:
        last = records[-1]
        alone = len(records) == 1
        what = f"generation {last['generation']}" if alone else "the tasks that it trained on"
        undrawn = sum(card.portrait.picture is None for card in cards)
        without = f" {undrawn} of them are not drawn." if undrawn else ""
        binding = Binding(
            title=f"{self._config['name']}: {what}",
            subtitle=f"{self._generator.name}. A fair sample of {len(cards)} tasks: those of each "
            f"generation whose ids come first.{without}",
            chapters=[chapter(record) for record in records],
            judged_by=str(last.get("judged_by") or "return"),
            unit=_unit(last),
            score=self._score(),
            hint="taskgen show ID",
            order="generation and id",
        )
        return bound(self._generator, cards, binding)

    def _score(self) -> str:
        """Returns what the curriculum wants to be told, "" where it wants nothing."""
        with suppress(Exception):  # a plug-in; a page without this word is a page
            wanted = make_curriculum(Plugin.model_validate(self._config["curriculum"])).score
            name = wanted if isinstance(wanted, str) else next(iter(wanted or ()), "")
            return f"score ({name.replace('_', ' ')})" if name else ""
        return ""


def chapter(record: Record) -> Chapter:
    """Returns what pages say of a commit."""
    aims = (record.get("frontier") or {}).get("regions", {})
    return Chapter(
        record["generation"],
        decision_sentences(record),
        {k: ends for k, v in record["parameters"].items() if (ends := _ends(v))},
        {k: ends for k, v in aims.items() if (ends := _ends(v))},
    )


def _ends(region: Any) -> tuple[float, float] | None:
    """Returns the ends of an interval, however a record has it; None for anything else."""
    if isinstance(region, Mapping) and set(region) == {"low", "high"}:
        region = [region["low"], region["high"]]
    if isinstance(region, list | tuple) and len(region) == 2 and all(map(is_number, region)):
        return float(region[0]), float(region[1])
    return None


def _unit(record: Record) -> str:
    curve = (record["monitor"].get("target") or {}).get("curve") or {}
    return str(curve.get("unit") or "episodes")


def _evenly(records: Sequence[Record], most: int) -> Sequence[Record]:
    """Returns at most so many of the records, first and last among them."""
    if len(records) <= most:
        return records
    return [records[round(i * (len(records) - 1) / (most - 1))] for i in range(most)]
