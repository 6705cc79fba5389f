"""The rules of the house that a machine can hold."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("taskgen", "learners", "curricula")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_ABSTRACT = 500, 60, 3

ONLY_IN = {
    "mlflow": ("curricula/campaigns/mlflow_",),
    "optuna": ("curricula/algorithms/optuna_",),
    "mujoco": ("taskgen/generators/",),
    "ribs": ("curricula/archive.py",),
    "procgen": ("taskgen/generators/",),
    "matplotlib": ("curricula/campaigns/", "taskgen/generators/"),
}
SEEDED = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox", "SFC64", "BitGenerator"}


def relative(path):
    return path.relative_to(ROOT).as_posix()


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes(path, *kinds):
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def imports(path):
    for node in nodes(path, ast.Import, ast.ImportFrom):
        names = (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
        yield from (name.split(".")[0] for name in names)


def public(node):
    """The public functions and classes of a module or class, outermost first."""
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


def overloaded(node):
    return any(ast.unparse(d).endswith("overload") for d in getattr(node, "decorator_list", ()))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_is_short_and_so_are_its_functions(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE
    for node in nodes(path, ast.FunctionDef, ast.AsyncFunctionDef):
        length = node.end_lineno - node.lineno + 1
        assert length <= MAX_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_what_is_public_is_explained(path):
    module = tree(path)
    bare = [] if ast.get_docstring(module) else ["the module"]
    bare += [n.name for n in public(module) if not ast.get_docstring(n) and not overloaded(n)]
    assert not bare, f"no docstring: {', '.join(bare)}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_base_class_asks_for_three_methods_at_most(path):
    for node in nodes(path, ast.ClassDef):
        decorators = [
            ast.unparse(d)
            for f in node.body
            if isinstance(f, ast.FunctionDef)
            for d in f.decorator_list
        ]
        abstract = sum(d.endswith("abstractmethod") for d in decorators)
        assert abstract <= MAX_ABSTRACT, f"{node.name} has {abstract} abstract methods"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_big_dependencies_stay_in_their_rooms(path):
    for name in imports(path):
        rooms = ONLY_IN.get(name, ("",))
        assert relative(path).startswith(rooms), f"{name} belongs in {rooms}"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_randomness_is_an_argument(path):
    checks = "checks" in path.parts or path.stem == "checks"  # they read the global states
    for node in nodes(path, ast.Attribute):
        if ast.unparse(node.value) in ("np.random", "numpy.random"):
            fine = node.attr in SEEDED or (
                checks and node.attr in ("get_state", "set_state", "seed")
            )
            assert fine, f"np.random.{node.attr}, line {node.lineno}"
    assert checks or "random" not in set(imports(path)), "Python's global random numbers"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_nothing_is_left_for_later(path):
    text = path.read_text(encoding="utf-8")
    for word in ("TODO", "FIXME", "NotImplementedError", "TBD"):
        assert word not in text, f"{word} in {relative(path)}"


def test_imports_go_one_way():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_contracts_of_curricula_are_light():
    code = (
        "import sys, curricula.curriculum, curricula.search\n"
        "print([m for m in ('torch', 'mlflow', 'matplotlib', 'optuna') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


PLUGINS = ("taskgen.generators", "learners.algorithms", "curricula.algorithms")


def registered_modules():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["entry-points"].values()
    return {target.partition(":")[0] for group in groups for target in group.values()}


@pytest.mark.parametrize("package", PLUGINS)
def test_every_plugin_file_is_registered(package):
    folder = ROOT / package.replace(".", "/")
    found = {
        f"{package}.{path.stem}"
        for path in folder.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem[0] != "_"
    }
    plugins = {module for module in found if defines_plugin(module)}
    assert plugins, f"no plug-in in {package}"
    assert plugins <= registered_modules()


def defines_plugin(module):
    """Whether a module has a public class with a base class, and is no helper of another one."""
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    bases = {"EnvGenerator", "ProblemGenerator", "Learner", "Curriculum", "DistributionSearch"}
    return any(
        ast.unparse(base) in bases
        for node in nodes(path, ast.ClassDef)
        for base in node.bases
        if not node.name.startswith("_")
    )
