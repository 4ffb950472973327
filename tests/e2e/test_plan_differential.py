"""Random histories, random rows, random targets: the planner's answers against Alembic's own.

plan_tool (tests/unit/plan_tool.c) asks migrations/; Alembic is asked in this process: its revision map, its steps, and its
HeadMaintainer on a version table in memory. SCHEMAD_SEED makes a run repeatable, SCHEMAD_CASES makes it longer.
Where the two are meant to differ stands in `DEVIATIONS`, by name; anything else is a failure that prints the case.
"""

import json
import os
import random
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import BUILD, ROOT

alembic = pytest.importorskip("alembic")
import sqlalchemy  # noqa: E402
from alembic.runtime.migration import HeadMaintainer, MigrationContext  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402
from alembic.script.revision import Revision, RevisionMap  # noqa: E402
from alembic.util import CommandError  # noqa: E402

SEED = int(os.environ.get("SCHEMAD_SEED", "1"))
GRAPHS = int(os.environ.get("SCHEMAD_CASES", "300"))
COMMANDS = 24  # on each graph
HISTORIES = Path(os.environ.get("SCHEMAD_SHARED", ROOT / "../shared")) / "histories"


# The two planners


class Tool:
    """plan_tool, one line for one line."""

    def __init__(self):
        path = BUILD / "tests/unit/plan_tool"
        if not path.is_file():
            pytest.skip(f"plan_tool is not built in {BUILD}")
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def load(self, nodes):
        lines = ["reset"]
        lines += [f"revision {n.id} {dash(n.down)} {dash(n.deps)} {dash(n.labels)}" for n in nodes]
        self.process.stdin.write("\n".join(lines) + "\n")

    def ask(self, rows, command):
        self.process.stdin.write(f"rows {dash(rows)}\n{command}\n")
        self.process.stdin.flush()
        verdict, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
        assert verdict in ("ok", "error"), f"plan_tool ended at: {command}"
        return verdict == "ok", rest

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


def dash(names):
    return ",".join(names) or "-"


class Script(Revision):
    """What Alembic's steps ask of a script."""

    module = SimpleNamespace(upgrade=lambda: None, downgrade=lambda: None)
    doc = ""


class Alembic:
    """Alembic's revision map over nodes, without files."""

    def __init__(self, nodes, connection):
        self.map = RevisionMap(lambda: [Script(n.id, tuple(n.down), tuple(n.deps), tuple(n.labels)) for n in nodes])
        self.directory = ScriptDirectory.__new__(ScriptDirectory)
        self.directory.revision_map = self.map
        self.context = MigrationContext.configure(connection)
        self.connection = connection
        # Alembic keeps these in a set; in the order of the script they are as good, and every time the same.
        for node in nodes:
            revision = self.map._revision_map[node.id]
            wanted = revision._normalized_resolved_dependencies
            order = revision._resolved_dependencies
            revision._normalized_resolved_dependencies = tuple(sorted(wanted, key=order.index))

    def ancestors(self, ids):
        found = self.map._get_ancestor_nodes(self.map.get_revisions(tuple(ids)))
        return {revision.revision for revision in found}

    def maximal(self, ids):
        """The ids that no other one implies."""
        return {i for i in ids if not any(i in self.ancestors([other]) for other in ids if other != i)}

    def run(self, rows, steps):
        """[(revision or None, rows after it)], as its HeadMaintainer writes them."""
        table = self.context._version
        self.connection.execute(table.delete())
        for row in rows:
            self.connection.execute(table.insert().values(version_num=row))
        maintainer, done = HeadMaintainer(self.context, rows), []
        for step in steps:
            maintainer.update_to_step(step)
            found = {row[0] for row in self.connection.execute(table.select())}
            assert found == maintainer.heads
            done.append((getattr(step, "revision", None) and step.revision.revision, found))
        return done

    def steps(self, rows, command):
        verb, *targets = command.split()
        if verb == "upgrade":
            return self.directory._upgrade_revs(targets[0], rows)
        if verb == "downgrade":
            return self.directory._downgrade_revs(targets[0], rows)
        return self.directory._stamp_revs(tuple(targets), rows)

    def ids(self, rows, command):
        verb, target = command.split()
        if verb == "show":
            return [revision.revision for revision in self.directory.get_revisions(target) if revision != "base"]
        lower, upper = target.split(":")
        lower = rows if lower == "current" else lower
        upper = rows if upper == "current" else upper
        walked = self.directory.walk_revisions(base=lower or "base", head=upper or "heads")
        return [revision.revision for revision in walked]


# Cases


def random_nodes(rng):
    """Some revisions in the order of their files, which is not the order in which they were written."""
    nodes, labels = [], iter(rng.sample(["left", "right", "main", "quetz-tos", "lab", "zone"], 6))
    for position in range(rng.randint(1, 14)):
        kind = rng.random()
        count = 0 if not nodes or kind < 0.1 else 2 if kind < 0.25 and len(nodes) > 1 else 1
        recent = nodes[-4:] if rng.random() < 0.8 else nodes
        down = [node.id for node in rng.sample(recent, min(count, len(recent)))]
        others = [node.id for node in nodes if node.id not in down]
        deps = rng.sample(others, min(len(others), rng.choice([1, 1, 2]))) if rng.random() < 0.2 else []
        name = f"{rng.choice('abc')}{position:x}{rng.getrandbits(16):04x}"
        label = [next(labels)] if rng.random() < 0.2 and position < 6 else []
        nodes.append(SimpleNamespace(id=name, down=down, deps=deps, labels=label))
    rng.shuffle(nodes)
    return nodes


def random_rows(rng, oracle, nodes):
    """Rows as some upgrades leave them."""
    chosen = rng.sample([node.id for node in nodes], min(len(nodes), rng.choice([0, 1, 1, 1, 2, 3])))
    return tuple(sorted(oracle.maximal(chosen)))


def random_name(rng, nodes):
    node = rng.choice(nodes)
    return rng.choice([node.id, node.id, node.id, node.id[:5], node.id[:2]])


def random_target(rng, nodes):
    labels = [label for node in nodes for label in node.labels] or [rng.choice(nodes).id]
    name, label, count = random_name(rng, nodes), rng.choice(labels), rng.choice([1, 1, 1, 2, 3, 7])
    return rng.choice([
        "head", "heads", "base", name, name, name, label, "nosuch", f"{label}@head", f"{label}@heads", f"{label}@base",
        f"{label}@{name}", f"+{count}", f"+{count}", f"-{count}", f"-{count}", f"{label}@+{count}", f"{label}@-{count}",
        f"{name}+{count}", f"{name}-{count}", f"head-{count}", f"base+{count}", f"nosuch@{name}",
        f"{label}@{name}+{count}", f"{label}@{name}-{count}",
    ])


def random_command(rng, nodes):
    verb = rng.choice(["upgrade"] * 4 + ["downgrade"] * 4 + ["stamp"] * 2 + ["show", "history", "history"])
    if verb == "stamp":
        return " ".join([verb] + [random_target(rng, nodes) for _ in range(rng.choice([1, 1, 1, 2]))])
    if verb == "history":
        lower = rng.choice(["", "", "base", "current", random_name(rng, nodes), f"-{rng.randint(1, 3)}"])
        upper = rng.choice(["", "", "head", "heads", "current", random_name(rng, nodes), f"+{rng.randint(1, 3)}"])
        return f"{verb} {lower}:{upper}"
    return f"{verb} {random_target(rng, nodes)}"


# Comparing


class Case:
    """One question and both answers."""

    def __init__(self, oracle, tool, rows, command):
        self.oracle, self.rows, self.command = oracle, rows, command
        self.verb, *self.targets = command.split()
        self.is_ok, self.text = tool.ask(rows, command)
        self.theirs, self.failure = None, None
        try:
            if self.verb in ("show", "history"):
                self.theirs = oracle.ids(rows, command)
            else:
                self.steps = oracle.steps(rows, command)
                self.theirs = oracle.run(rows, self.steps)
        except Exception as failure:  # crashes are answers, too
            self.failure = failure

    @property
    def is_crash(self):
        return self.failure is not None and not isinstance(self.failure, CommandError)

    def ours(self):
        """[(revision, rows after it)] and the rows at the end."""
        steps, _, rows = self.text.partition("=> ") if "=> " in self.text else (self.text[:-2], "", "")
        pairs = [step[1:].split("=") for step in steps.split()]
        return [(name, set(filter(None, after.split(",")))) for name, after in pairs], set(rows.split())

    def same_list(self):
        ours = self.text.split()
        return ours == self.theirs if self.verb == "history" else set(ours) == set(self.theirs)

    def is_other_order(self):
        """The same revisions of a limited range, each still before those it needs."""
        ours = self.text.split()
        is_sorted = all(not self.oracle.ancestors([old]) & {new} for i, new in enumerate(ours) for old in ours[i + 1:])
        return self.targets[0] != ":" and set(ours) == set(self.theirs or ()) and is_sorted

    def same_steps(self):
        """The same revisions in the same order; the same rows, until Alembic's overlap (#1373)."""
        steps, rows = self.ours()
        if [name for name, _ in steps] != [name for name, _ in self.theirs]:
            return False
        for (_, ours), (_, theirs) in zip(steps, self.theirs):
            if theirs != self.oracle.maximal(theirs):
                return ours == self.oracle.maximal(theirs)
            if ours != theirs:
                return False
        return rows == (self.theirs[-1][1] if self.theirs else set(self.rows))

    def same_stamp(self):
        return self.ours()[1] == (self.theirs[-1][1] if self.theirs else set(self.rows))

    def is_same(self):
        if not self.is_ok:
            return self.failure is not None
        if self.failure is not None:
            return False
        return {"show": self.same_list, "history": self.same_list, "stamp": self.same_stamp}.get(self.verb, self.same_steps)()

    def is_sane(self):
        """Rows that could be Alembic's: none implies another."""
        rows = self.ours()[1]
        return rows == self.oracle.maximal(rows)


def branch_of(target):
    return target.partition("@")[0] if "@" in target else None


def is_relative(target):
    return target.lstrip("+-") != target or "@-" in target or "@+" in target


DEVIATIONS = {
    # Strict where Alembic guesses.
    "relative downgrade from several rows": lambda c: c.verb == "downgrade" and c.targets[0][0] == "-" and len(c.rows) > 1,
    "unknown branch": lambda c: not c.is_ok and any(branch_of(t) == "nosuch" for t in c.targets),
    "revision outside of the branch": lambda c: not c.is_ok and "@" in c.command and "revision-unknown" in c.text,
    "heads of the branch, not of all": lambda c: not c.is_ok and c.verb == "downgrade" and "@heads" in c.command,
    "base is below everything": lambda c: not c.is_ok and "base-" in c.command,
    "relative stamp": lambda c: not c.is_ok and c.verb == "stamp" and any(is_relative(t) for t in c.targets),
    # Right where Alembic fails.
    "crash": lambda c: c.is_ok and c.is_crash and (c.verb in ("show", "history") or c.is_sane()),
    "heads of a branch that need each other": lambda c: c.is_ok and "overlaps with" in str(c.failure) and "@heads" in c.command,
    "branch is looked at": lambda c: c.is_ok and c.verb == "downgrade" and "@head" in c.command and c.failure is not None,
    "branch named by an id": lambda c: c.verb == "show" and "@-" in c.command and c.theirs == [],
    "an empty database is at base": lambda c: c.verb == "history" and "current" in c.command and not c.rows,
    # Different on purpose.
    "history counts -N down from the upper end": lambda c: c.verb == "history" and c.targets[0][0] == "-",
    "order where a dependency leads out of the range and back": lambda c: c.verb == "history" and c.is_ok and c.is_other_order(),
    "stamp of several targets": lambda c: c.verb == "stamp" and (len(c.targets) > 1 or "heads" in c.command) and (not c.is_ok or c.is_sane()),
    "stamp leaves other lines of the branch alone": lambda c: c.verb == "stamp" and "@" in c.command and c.is_ok and c.is_sane(),
}


def check(case):
    """None when it is as it must be, else what is wrong."""
    if case.is_same():
        return None
    for name, applies in DEVIATIONS.items():
        if applies(case):
            return None
    ours = f"{'ok' if case.is_ok else 'error'} {case.text}"
    theirs = f"{type(case.failure).__name__} {case.failure}" if case.failure else case.theirs
    return f"rows {case.rows} command {case.command}\n  ours   {ours}\n  theirs {theirs}"


@pytest.fixture(scope="module")
def tool():
    tool = Tool()
    yield tool
    tool.close()


@pytest.fixture(scope="module")
def connection():
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        MigrationContext.configure(connection)._version.create(connection)
        yield connection


def test_random_graphs(tool, connection):
    wrong, same = [], 0
    for number in range(GRAPHS):
        rng = random.Random(f"{SEED}/{number}")
        nodes = random_nodes(rng)
        oracle = Alembic(nodes, connection)
        tool.load(nodes)
        for _ in range(COMMANDS):
            case = Case(oracle, tool, random_rows(rng, oracle, nodes), random_command(rng, nodes))
            problem = check(case)
            same += case.is_same()
            if problem:
                wrong.append(f"graph {SEED}/{number}: {[vars(n) for n in nodes]}\n  {problem}")
    assert not wrong, f"{len(wrong)} of {GRAPHS * COMMANDS} differ:\n" + "\n".join(wrong[:12])
    assert same > GRAPHS * COMMANDS * 0.85, "too few cases compare anything"


def test_labels_spread_alike(tool, connection):
    for number in range(GRAPHS):
        nodes = random_nodes(random.Random(f"{SEED}/{number}"))
        oracle = Alembic(nodes, connection)
        tool.load(nodes)
        for node in nodes:
            is_ok, text = tool.ask((), f"labels {node.id}")
            assert is_ok and set(text.split()) == oracle.map._revision_map[node.id].branch_labels, (number, node.id)


@pytest.mark.skipif(not HISTORIES.is_dir(), reason=f"{HISTORIES} is not there")
@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")) or [None], ids=lambda p: p and p.stem)
def test_real_histories(tool, path):
    """Every recorded revision in the recorded order with the recorded rows; and all the way down again."""
    history = json.loads(path.read_text())
    recorded = [(r["revision"], set(r["alembic_version_after"])) for r in history["revisions"]]
    # Of equal files only the order matters in which Alembic found them, and that was not recorded: so sort by name.
    nodes = [SimpleNamespace(id=r["revision"], down=r["down_revision"], deps=r["depends_on"], labels=r["branch_labels"])
             for r in sorted(history["revisions"], key=lambda r: r["revision"])]
    known = {node.id for node in nodes}
    start = [row for row in history["stamped_at_start"] if row in known]
    for node in nodes:  # a history can begin above its base
        node.down = [name for name in node.down if name in known]
    tool.load(nodes)
    is_ok, text = tool.ask(start, "upgrade heads")
    assert is_ok, text
    steps = [step[1:].split("=") for step in text.partition("=>")[0].split()]
    assert {name for name, _ in steps} == {name for name, _ in recorded} - set(start)
    rows = set(start)
    for name, after in recorded:  # one by one, as recorded
        if name in start:
            continue
        is_ok, text = tool.ask(rows, f"upgrade {name}")
        assert is_ok, text
        assert text.partition("=>")[0].split()[0].startswith(f"+{name}=")
        rows = set(text.partition("=>")[2].split())
        assert rows == after, name
    is_ok, text = tool.ask(rows, "downgrade base")
    assert is_ok and text.endswith("=>"), text


def test_ten_thousand_revisions_in_a_line(tool):
    nodes = [SimpleNamespace(id=f"r{i:05}", down=[f"r{i - 1:05}"] if i else [], deps=[], labels=[]) for i in range(10_000)]
    tool.load(nodes)
    tool.ask((), "heads")
    begin = time.monotonic()
    is_ok, text = tool.ask((), "upgrade head")
    assert is_ok and text.endswith("=> r09999") and text.count("+") == 10_000
    assert time.monotonic() - begin < 1.0, "sanitizers included"
