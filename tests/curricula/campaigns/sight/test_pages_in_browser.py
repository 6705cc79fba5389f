"""Pages in a real browser: no console errors, filters and sorting work, also in a sandboxed frame.

A copy of the page gets a second script that uses it as a person would, and says on the console what
it sees.
"""

import html
import json
import re

import numpy as np
import pytest

from curricula.campaigns.sight.gallery import Binding, Card, Chapter, bound
from curricula.campaigns.sight.portraits import Portrait
from curricula.campaigns.sight.thumbnails import thumbnail
from curricula.campaigns.store.lineage import fields_of, read_fields
from curricula.campaigns.store.plays import Play
from taskgen.generators.maze import Maze
from tests.curricula.campaigns.browser import needs_browser, opened

NUM_GENERATIONS, NUM_EACH = 20, 100
EVIL = '<img src=x onerror="console.error(1)">'


pytestmark = needs_browser


def console_of(page, folder):
    """Opens a page; returns what it said on its console, line by line."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    return opened(file.as_uri(), folder / "profile", 6000).console


def driven(page, script):
    """Returns the page with a second script, which its policy would not allow."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    return page.replace("</body>", f"<script>{script}</script></body>")


@pytest.fixture(scope="module")
def page():
    """Two thousand mazes of twenty generations, each with all that can be known."""
    maze, rng = Maze(), np.random.default_rng(0)
    cards, chapters = [], []
    drawn = [maze.make_task(maze.space.complete({"size": 9 + 2 * (i % 3)}), i) for i in range(40)]
    uris = [thumbnail(maze.render(task)) for task in drawn]
    for generation in range(NUM_GENERATIONS):
        region = {"size": (5.0, 5.0 + generation)}
        chapters.append(Chapter(generation, f"told {EVIL}", region, {"size": (5.0, 25.0)}))
        for i in range(NUM_EACH):
            task = drawn[i % 40].edited({"n": [generation, i]}, EVIL)
            returns = tuple(rng.uniform(0.0, 1.0, 4).tolist())
            origin = ("new", "replay", "edit")[i % 3]
            play = Play(
                read_fields(fields_of(task), generation), origin, "keep", 1 + i % 5, returns
            )
            features = {f"feature {k}": float(v) for k, v in enumerate(rng.normal(size=8))}
            # As in a real page no picture is that of another task: what follows # is no picture.
            picture = f"{uris[i % 40]}#{generation}.{i}"
            cards.append(Card(task, Portrait(picture, features, 1.0), play))
    return bound(maze, cards, Binding(f"mazes {EVIL}", chapters=chapters))


def test_a_page_of_two_thousand_tasks_opens_at_once_and_says_nothing(page, tmp_path):
    assert console_of(page, tmp_path) == []
    assert 2_000_000 < len(page) < 5_000_000
    timed = driven(
        page,
        """addEventListener("load", () => setTimeout(() => {
          const [times] = performance.getEntriesByType("navigation");
          console.log(JSON.stringify({ready: times.domContentLoadedEventEnd,
            cards: document.querySelectorAll(".card").length, shown: document.body.dataset.shown,
            images: document.images.length}));
        }, 100));""",
    )
    (said,) = console_of(timed, tmp_path)
    seen = json.loads(said)
    assert seen["shown"] == str(NUM_GENERATIONS * NUM_EACH)
    assert 0 < seen["cards"] < 500, "cards are made as they come into sight"
    assert seen["ready"] < 5000, "two seconds on a quiet machine"


USE = """
addEventListener("load", () => {
  const type = (id, value, event) => {
    const box = document.getElementById(id);
    box.value = value;
    box.dispatchEvent(new Event(event, { bubbles: true }));
  };
  const shown = () => document.body.dataset.shown;
  const said = {};
  const first = () => document.querySelector(".card .earned span").textContent;
  const chips = [...document.querySelectorAll("#origins button")];
  const chip = chips.find((one) => one.textContent.startsWith("edited"));
  chip.click(); said.edited = shown(); chip.click();
  type("by", "last return", "change"); said.lowest = first();
  document.getElementById("direction").click(); said.highest = first();
  type("slider", "3", "input"); said.one = shown();
  type("beside", "7", "change"); said.two = shown();
  said.columns = document.querySelectorAll(".column").length;
  type("beside", "", "change"); document.getElementById("all").click(); said.all = shown();
  type("text", "size>=11 edited", "input");
  setTimeout(() => {
    said.text = shown();
    document.getElementById("reset").click(); said.reset = shown();
    const panels = [...document.querySelectorAll("#filters figure")];
    const panel = panels.find((one) => one.textContent.startsWith("size"));
    const [low, high] = panel.querySelectorAll("input");
    low.value = "13"; low.dispatchEvent(new Event("change"));
    said.range = shown();
    document.querySelector(".card").click();
    said.detail = document.querySelector("#detail h2").textContent.length;
    said.rows = document.querySelectorAll("#detail tr").length;
    said.images = [...document.images].filter((one) => !one.src.startsWith("data:")).length;
    console.log(JSON.stringify(said));
  }, 300);
});
"""


def earned(text):
    return float(text.split("→")[1])


def test_filters_sorting_and_comparing_work(page, tmp_path):
    (said,) = console_of(driven(page, USE), tmp_path)
    seen = json.loads(said)
    each = [sum(1 for i in range(NUM_EACH) if i % 3 == k) for k in range(3)]
    assert seen["edited"] == str(NUM_GENERATIONS * each[2])
    assert earned(seen["lowest"]) < 0.05
    assert earned(seen["highest"]) > 0.95
    assert (seen["one"], seen["two"], seen["columns"]) == ("100", "100+100", 2)
    assert seen["all"] == seen["reset"] == str(NUM_GENERATIONS * NUM_EACH)
    large = [i for i in range(NUM_EACH) if (i % 40) % 3 > 0 and i % 3 == 2]
    assert seen["text"] == str(NUM_GENERATIONS * len(large))
    largest = sum(1 for i in range(NUM_EACH) if (i % 40) % 3 == 2)
    assert seen["range"] == str(NUM_GENERATIONS * largest)
    assert (seen["detail"], seen["images"]) == (16, 0)
    assert seen["rows"] > 10


def test_it_works_in_a_sandboxed_frame(page, tmp_path):
    asking = "addEventListener('load', () => console.log('shown ' + document.body.dataset.shown));"
    inner = html.escape(driven(page, asking))
    frame = f'<!doctype html><iframe sandbox="allow-scripts" srcdoc="{inner}"></iframe>'
    assert console_of(frame, tmp_path) == [f"shown {NUM_GENERATIONS * NUM_EACH}"]
