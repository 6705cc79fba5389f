"""Opens pages in a Chromium that is on this machine; without one, such tests are skipped."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE_S = 120


@dataclass(frozen=True)
class Opened:
    """What became of a page: its elements as text, and the lines of its console."""

    elements: str
    console: list[str]


def browser():
    """Returns a Chromium: of the path, or of Playwright's cache; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = [path for name in names if (path := shutil.which(name))]
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    found += sorted(map(str, cache.glob("chromium*/chrome-*/*chrome*")))
    return next((path for path in found if os.access(path, os.X_OK)), None)


BROWSER = browser()
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on the path or in Playwright's cache"
)


def opened(address, profile, budget_ms, size=(1400, 900)):
    """Opens an address with a profile of its own, for so many milliseconds of the page's time."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    options += [f"--virtual-time-budget={budget_ms}", f"--user-data-dir={profile}"]
    options += [f"--window-size={size[0]},{size[1]}"]
    done = subprocess.run(
        [BROWSER, *options, "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert "</html>" in done.stdout, done.stderr[-2000:]
    lines = re.findall(r"CONSOLE[^\]]*\] \"(.*?)\", source", done.stderr, re.DOTALL)
    return Opened(done.stdout, lines)
