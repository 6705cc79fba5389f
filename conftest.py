"""What must not even be collected where it cannot run."""

import importlib.util

collect_ignore_glob = []
if importlib.util.find_spec("procgen") is None:
    collect_ignore_glob += ["taskgen/generators/procgen/*", "tests/taskgen/generators/procgen/*"]
