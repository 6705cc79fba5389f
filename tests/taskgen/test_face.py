import subprocess
import sys

import taskgen


def test_every_name_that_is_handed_on_is_there():
    for name in taskgen.__all__:
        assert getattr(taskgen, name).__name__ == name


def test_importing_the_package_imports_nothing_heavy():
    heavy = "('numpy', 'gymnasium', 'numba')"
    code = f"import sys, taskgen; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
