"""One random history for two tools: Debian's Alembic, in this process and without files, and schemadctl with its scripts.

A revision makes one table on its way up and drops it on its way down, so that the tables of a database say which
revisions were run, and the version rows which of them the tool remembers.
"""

import io
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from types import SimpleNamespace

import pytest

alembic_command = pytest.importorskip("alembic.command", reason="Alembic is not installed for this Python")
import sqlalchemy  # noqa: E402
from alembic import context, op  # noqa: E402
from alembic.config import Config  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402
from alembic.script.base import Script  # noqa: E402
from alembic.util import CommandError  # noqa: E402

DATE = "2026-11-20 15:03:04.806509"
ODD_IDS = ["1", "a1", "A1", "0001", "001", "ab", "v1.2", "_", "deadbeefdeadbeefdeadbeefdeadbeef", "Z_9", "7.0.1"]
LABELS = ["left", "right", "main", "quetz-tos", "lab", "zone"]
TEMPLATE = '''"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}

"""
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    pass


def downgrade():
    pass
'''


class Node:
    """A revision."""

    def __init__(self, number, name, down, deps, labels, message):
        self.number, self.id, self.down, self.deps, self.labels, self.message = number, name, down, deps, labels, message
        self.date = DATE

    @property
    def table(self):
        return f"t{self.number}"

    @property
    def entry(self):
        return f"{self.message}\n\nRevision ID: {self.id}\nRevises: {', '.join(self.down)}\nCreate Date: {self.date}\n"

    def write_sql(self, directory):
        header = [*self.message.split("\n"), "", f"Revision ID: {self.id}", f"Revises: {', '.join(self.down)}",
                  f"Create Date: {DATE}"]
        if self.labels:
            header.append(f"Branch Labels: {', '.join(self.labels)}")
        if self.deps:
            header.append(f"Depends On: {', '.join(self.deps)}")
        lines = [f"-- {line}".rstrip() for line in header]
        up, down = ("", "") if self.number is None else (f"CREATE TABLE {self.table} (x);", f"DROP TABLE {self.table};")
        text = "\n".join([*lines, "", "-- migrate:up", up, "", "-- migrate:down", down, ""])
        (directory / f"{self.id}_.sql").write_text(text, encoding="utf-8")

    def module(self):
        """What Alembic asks of a file."""

        def run(sql):
            return lambda: self.number is not None and op.get_bind().exec_driver_sql(sql)

        return SimpleNamespace(
            __doc__=self.entry, revision=self.id, down_revision=tuple(self.down) or None,
            branch_labels=tuple(self.labels) or None, depends_on=tuple(self.deps) or None,
            upgrade=run(f"CREATE TABLE {self.table} (x)"), downgrade=run(f"DROP TABLE {self.table}"))


def random_nodes(dice, has_dependencies=True):
    """Some revisions: branches, merges, several bases, dependencies (ids, partial ids, labels), odd ids."""
    nodes, labels, odd = [], iter(dice.sample(LABELS, len(LABELS))), dice.sample(ODD_IDS, len(ODD_IDS))
    for number in range(dice.randint(1, 14)):
        kind = dice.random()
        count = 0 if not nodes or kind < 0.1 else 2 if kind < 0.25 and len(nodes) > 1 else 1
        recent = nodes[-4:] if dice.random() < 0.8 else nodes
        down = [node.id for node in dice.sample(recent, min(count, len(recent)))]
        others = [node for node in nodes if node.id not in down]
        deps = dice.sample(others, min(len(others), dice.choice([1, 1, 2]))) if dice.random() < 0.2 else []
        name = odd.pop() if dice.random() < 0.15 and odd else f"{dice.choice('abc')}{number:x}{dice.getrandbits(16):04x}"
        label = [next(labels)] if dice.random() < 0.2 and number < 6 else []
        message = dice.choice([f"step {number}", f"Step (head) -> {number}", f"step {number}\n\nand more about it"])
        names = [dice.choice([node.id, *node.labels]) for node in deps] if has_dependencies else []
        nodes.append(Node(number, name, down, names, label, message))
    return nodes


# What is in a database


def version_rows(path):
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone():
            return set()
        return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}


def tables(path):
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE name GLOB 't[0-9]*'")}


class Answer:
    """What a tool did."""

    def __init__(self, is_ok, text, failure, database):
        self.is_ok, self.text, self.failure = is_ok, text, failure
        self.rows, self.tables = version_rows(database), tables(database)

    def __repr__(self):
        failure = "" if self.is_ok else f" {type(self.failure).__name__}: {self.failure}"
        return f"{'ok' if self.is_ok else 'failed'}, rows {sorted(self.rows)}{failure}"


# Alembic


class MemoryDirectory(ScriptDirectory):
    """Alembic's scripts without files, in the order in which they are given."""

    def __init__(self, directory, nodes, database):
        super().__init__(str(directory))
        self.nodes = nodes
        url = f"sqlite:///{database}"
        self.engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)

    def _load_revisions(self):
        for node in self.nodes:
            yield Script(node.module(), node.id, f"/theirs/{node.id}_.py")

    def run_env(self):
        with self.engine.connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()

    def settle(self):
        """Alembic keeps these in a set; in the order of the script they are as good, and every time the same."""
        for node in self.nodes:
            revision = self.revision_map._revision_map[node.id]
            wanted, order = revision._normalized_resolved_dependencies, revision._resolved_dependencies
            revision._normalized_resolved_dependencies = tuple(sorted(wanted, key=order.index))


class Theirs:
    """Alembic on a database of its own."""

    def __init__(self, place, monkeypatch, nodes, database=None):
        self.directory, self.database = place / "theirs", database or place / "theirs.db"
        (self.directory / "versions").mkdir(parents=True)
        (self.directory / "script.py.mako").write_text(TEMPLATE, encoding="utf-8")
        monkeypatch.setattr(ScriptDirectory, "from_config", lambda config: self.scripts)
        self.load(nodes)

    def load(self, nodes):
        self.nodes = nodes
        self.scripts = MemoryDirectory(self.directory, nodes, self.database)
        self.scripts.settle()

    def ancestors(self, ids):
        """With all they need, and themselves."""
        found = self.scripts.revision_map._get_ancestor_nodes(self.scripts.get_revisions(tuple(ids)))
        return {revision.revision for revision in found}

    def maximal(self, ids):
        """The ids that no other one implies."""
        return {i for i in ids if not any(i in self.ancestors([other]) for other in ids if other != i)}

    def run(self, words):
        for node in self.nodes:  # a mark of `history -i`, which one command leaves to the next
            self.scripts.get_revision(node.id)._db_current_indicator = None
        out = io.StringIO()
        failure = None
        config = Config(stdout=out)
        config.set_main_option("script_location", str(self.directory))
        config.set_main_option("sqlalchemy.url", f"sqlite:///{self.database}")
        try:
            self.call(config, *words)
        except Exception as caught:  # crashes are answers, too
            failure = caught
        return Answer(failure is None, out.getvalue(), failure, self.database)

    @staticmethod
    def call(config, verb, *words):
        flags = [word for word in words if word in FLAGS]
        options = {FLAGS[flag]: True for flag in flags}
        words = [word for word in words if word not in FLAGS]
        if verb == "history" and words:
            options["rev_range"], words = words[1], []
        if verb == "stamp":
            words = [words]
        if verb == "merge":
            words, options = [words[2:]], {"rev_id": words[1]}
        getattr(alembic_command, verb)(config, *words, **options)

    def take_over(self, other):
        """The same database from here on."""
        shutil.copyfile(other, self.database)


FLAGS = {"-v": "verbose", "-i": "indicate_current", "--resolve-dependencies": "resolve_dependencies", "--purge": "purge"}


# schemadctl


class Ours:
    """schemadctl on a database of its own."""

    def __init__(self, place, program, nodes, database=None):
        self.program, self.database = str(program), database or place / "ours.db"
        self.directory, self.state = place / "scripts", place / "state"
        self.directory.mkdir()
        self.load(nodes)
        sqlite3.connect(self.database).close()

    def load(self, nodes):
        for node in nodes:
            node.write_sql(self.directory)

    def run(self, words):
        verb, *rest = words
        options = ["--backup", "never"] if verb in ("upgrade", "downgrade", "stamp") else []
        flags = [word for word in rest if word in FLAGS]
        names = [word for word in rest if word not in FLAGS]
        if verb == "history" and names:
            options, names = [f"--range={names[1]}"], []
        if verb == "merge":
            options, names = names[:2], names[2:]
        run = subprocess.run(
            [self.program, "--database", self.database, "--scripts", self.directory, "--state", self.state, verb, *options,
             *flags, "--", *names], capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        assert run.returncode >= 0 and "Sanitizer" not in run.stderr, f"{words}: {run.stderr}"
        return Answer(run.returncode == 0, run.stdout, run.stderr.strip(), self.database)


def known_commands(path):
    """What this schemadctl has: what it lacks is not asked for."""
    text = subprocess.run([path, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    known = set(re.findall(r"^  ([a-z_-]+)\b", text, re.M))
    heads = subprocess.run([path, "heads", "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    return known | ({"--resolve"} if "--resolve-dependencies" in heads else set())


def is_unready(answer, known):
    """What a schemadctl of before `branches` cannot do yet: show several revisions, or none."""
    return "branches" not in known and re.search("names (several revisions|no revision)", answer.failure or "")


# What both print, in one order


def sorted_list(match):
    """(b, a) and Word: b, a with their names in order: Alembic takes them from a set."""
    return match[1] + ", ".join(sorted(match[2].split(", "))) + match[3]


def normal_entry(entry):
    """Without the path, which cannot be the same."""
    entry = re.sub(r"^Path: .*\n", "", entry, flags=re.M)
    return re.sub(r"^((?:Branches into|Branch names): )(.*)($)", sorted_list, entry, flags=re.M).rstrip()


def normal_line(line):
    return re.sub(r"( \()([^()]*, [^()]*)(\))", sorted_list, line.rstrip())


def normal_text(text, is_verbose, verb):
    """What was printed, as a sorted list of lines or entries."""
    text = re.sub(r"^Current revision\(s\) for .*\n", "", text, flags=re.M)
    if verb == "branches":
        parts = re.split(r"\n\n(?=\S|\Z)", text.strip("\n"))
        return sorted("\n".join(sorted(map(normal_line, normal_entry(part).split("\n")))) for part in parts if part)
    if is_verbose or verb == "show":
        return sorted(normal_entry(entry) for entry in re.split(r"^(?=Rev: )", text, flags=re.M) if entry.strip())
    return sorted(normal_line(line) for line in text.splitlines() if line.strip())
