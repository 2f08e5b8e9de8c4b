"""Holds every import against the table of WORKSPACE.md, and files and classes against their sizes.

A module imports from its own row and from the rows below it. The checks are functions of a folder,
so that they are tested on small trees with a fault each, and then run on this one.
"""

import ast
import graphlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("flexae_tf", "tools", "tests")
MODULE_LINES, CLASS_LINES, ROOT_MODULES = 300, 150, 10


def rows(root):
    """The table of rooms from top to bottom, each row a list of paths: "a/b.py" or "a/"."""
    text = (root / "WORKSPACE.md").read_text()
    section = re.search(r"^## Rooms\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return [re.findall(r"`([^`]+)`", cell) for cell in cells]


def modules(root):
    """{dotted name: path relative to the root} of all modules of FOLDERS."""
    paths = [
        p.relative_to(root) for folder in FOLDERS for p in sorted((root / folder).rglob("*.py"))
    ]
    return {".".join(p.with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


def imports(root):
    """{module: names of the modules it imports}, those inside functions too.

    A package that is only on the way to one of its modules does not count.
    """
    known = modules(root)
    return {
        name: {nearest(full, known) for full in imported(root / path, name)} - {None}
        for name, path in known.items()
    }


def imported(path, name):
    """Yields the full names that a file imports, of modules and of what is in them."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            start = [*above, *filter(None, [node.module])]
            yield from (".".join([*start, alias.name]) for alias in node.names)


def nearest(full, known):
    """The longest beginning of a dotted name that is a module, or None."""
    parts = full.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in known), None)


def row_of(path, table):
    """The number of the row whose path covers most of a module's, or None."""
    covering = [
        (len(place), number)
        for number, places in enumerate(table)
        for place in places
        if path.as_posix() == place or (place.endswith("/") and path.as_posix().startswith(place))
    ]
    return max(covering)[1] if covering else None


def against_the_table(root):
    """Modules without a row, places without a file, and imports that go up."""
    table, known = rows(root), modules(root)
    for place in sorted({place for places in table for place in places}):
        if not (root / place).exists():
            yield f"{place} is in the table and not in the tree"
    where = {name: row_of(path, table) for name, path in known.items()}
    for name, path in known.items():
        if where[name] is None:
            yield f"{path} has no row"
    for name, found in imports(root).items():
        for other in sorted(found):
            if None not in (where[name], where[other]) and where[other] < where[name]:
                yield f"{known[name]} imports {known[other]} from above"


def cycle(root):
    """Names of modules that import one another, or none."""
    graph = {name: found - {name} for name, found in imports(root).items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def too_long(root):
    """Modules and classes of the package and the tools that do not fit, and a crowded root."""
    for path in modules(root).values():
        if path.parts[0] == "tests":
            continue
        text = (root / path).read_text()
        lines = len(text.splitlines())
        if lines > MODULE_LINES:
            yield f"{path} has {lines} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                lines = node.end_lineno - node.lineno + 1
                if lines > CLASS_LINES:
                    yield f"{path}: {node.name} has {lines} lines"
    count = len(list((root / "flexae_tf").glob("*.py")))
    if count > ROOT_MODULES:
        yield f"flexae_tf/ has {count} modules"


TABLE = """# Map

## Rooms

| where | what |
|---|---|
| `tools/`, `tests/` | commands |
| `flexae_tf/high/` | above |
| `flexae_tf/low.py` | below `flexae_tf/high/` |
| `flexae_tf/` | the rest |

## More

| `flexae_tf/nowhere.py` | of another table |
"""


@pytest.fixture
def tree(tmp_path):
    """Writes files of a tree with the table above: tree({path: text}) -> its root."""

    def write(files):
        sound = {
            "WORKSPACE.md": TABLE,
            "tests/test_low.py": "from flexae_tf.high import use\nfrom tests import tiny\n",
            "tests/tiny.py": "",
            "tools/command.py": "import flexae_tf.high.use as use\nimport numpy as np\n",
            "flexae_tf/__init__.py": "",
            "flexae_tf/high/__init__.py": "from flexae_tf.high import use\n",
            "flexae_tf/high/use.py": "from .. import low\nfrom flexae_tf.low import NAME\n",
            "flexae_tf/low.py": "from flexae_tf import errors\n",
            "flexae_tf/errors.py": "import os\n",
        }
        for name, text in (sound | files).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


def test_a_sound_tree(tree):
    root = tree({})
    assert rows(root)[2:] == [["flexae_tf/low.py"], ["flexae_tf/"]]
    assert imports(root)["flexae_tf.high.use"] == {"flexae_tf.low"}
    assert [*against_the_table(root), *cycle(root), *too_long(root)] == []


@pytest.mark.parametrize(
    "text",
    [
        "from flexae_tf.high import use\n",
        "from flexae_tf.high.use import NAME\n",
        "import flexae_tf.high.use\n",
        "from .high import use\n",
        "from .high.use import NAME\n",
        "def late():\n    from flexae_tf.high import use\n\n    return use\n",
    ],
)
def test_an_import_from_above_is_found(tree, text):
    root = tree({"flexae_tf/low.py": text})
    assert list(against_the_table(root)) == [
        "flexae_tf/low.py imports flexae_tf/high/use.py from above"
    ]


def test_the_package_may_import_neither_tools_nor_tests(tree):
    root = tree({"flexae_tf/high/use.py": "import tools.command\nfrom tests import tiny\n"})
    assert list(against_the_table(root)) == [
        "flexae_tf/high/use.py imports tests/tiny.py from above",
        "flexae_tf/high/use.py imports tools/command.py from above",
    ]


def test_table_and_tree_name_the_same_places(tree):
    table = TABLE.replace("`flexae_tf/` |", "`flexae_tf/__init__.py` |")
    table = table.replace("`flexae_tf/low.py`", "`flexae_tf/low.py`, `flexae_tf/gone/`")
    assert list(against_the_table(tree({"WORKSPACE.md": table}))) == [
        "flexae_tf/gone/ is in the table and not in the tree",
        "flexae_tf/errors.py has no row",
    ]


def test_a_cycle_is_found(tree):
    root = tree(
        {
            "flexae_tf/errors.py": "def late():\n    from flexae_tf import other\n",
            "flexae_tf/other.py": "from flexae_tf.errors import NAME\n",
        }
    )
    assert set(cycle(root)) == {"flexae_tf.errors", "flexae_tf.other"}
    assert list(against_the_table(root)) == []  # of one row


def test_what_is_too_long_is_found(tree):
    root = tree(
        {
            "flexae_tf/low.py": "#\n" * (MODULE_LINES + 1),
            "flexae_tf/high/use.py": "class Use:\n" + "    a = 1\n" * CLASS_LINES,
            "tests/test_low.py": "#\n" * (MODULE_LINES + 1),
            **{f"flexae_tf/module_{i}.py": "" for i in range(ROOT_MODULES)},
        }
    )
    assert sorted(too_long(root)) == [
        f"flexae_tf/ has {ROOT_MODULES + 3} modules",
        f"flexae_tf/high/use.py: Use has {CLASS_LINES + 1} lines",
        f"flexae_tf/low.py has {MODULE_LINES + 1} lines",
    ]


@pytest.mark.parametrize("check", [against_the_table, cycle, too_long])
def test_this_tree(check):
    assert list(check(ROOT)) == []
