"""Real histories of public projects, brought up and down revision by revision.

The data stand beside the project, not in it: a directory `histories` of JSON files in SCHEMAD_SHARED
(default: ../shared of the tree), one file a project, with the SQL that Alembic ran for every
revision and the version rows that it left. Each is written out as scripts here. Two independent
witnesses say what is right: the version rows as recorded, and Python's own sqlite3 running the
recorded SQL.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from conftest import ROOT, program, version_rows
from schema_meaning import assert_same_schema, schema_of, schema_rows

SHARED = Path(os.environ.get("SCHEMAD_SHARED", ROOT.parent / "shared"))
FILES = sorted((SHARED / "histories").glob("*.json"))

# What these projects' own rebuilds of a table really lose, without a word. The guard refuses it, and the
# witness loses it too.
LOSSES = {
    "airflow": {"idx_xcom_dag_task_date"},
    "conda_store": {"ix_conda_package_channel_id", "ix_conda_package_name", "ix_conda_package_version"},
    "quetz": {"package_version_metric_index"},
    "superset": {"ix_report_schedule_active"},
}

FOREIGN_KEYS = re.compile(r"\s*PRAGMA\s+foreign_keys", re.IGNORECASE)
LEGACY_ALTER = re.compile(r"\s*PRAGMA\s+legacy_alter_table", re.IGNORECASE)

# What was recorded


class Revision:
    def __init__(self, recorded):
        self.id, self.message, self.created = (recorded[key] for key in ("revision", "message", "create_date"))
        self.parents, self.depends_on = recorded["down_revision"], recorded["depends_on"]
        self.labels, self.rows = recorded["branch_labels"], sorted(recorded["alembic_version_after"])
        self.up, self.down = recorded["upgrade_sql"], recorded["downgrade_sql"]

    def statements(self, direction):
        """Without PRAGMA foreign_keys: inside Alembic's transaction it did nothing."""
        return [sql for sql in (self.up if direction == "up" else self.down) or [] if not FOREIGN_KEYS.match(sql)]

    def script(self):
        """An escaped line of a message is never a header word, whatever it says."""
        message = [f"-- \\{line}" if line.strip() else "--" for line in (self.message or "").splitlines()]
        header = [
            f"-- Revision ID: {self.id}", f"-- Revises: {', '.join(self.parents)}", f"-- Create Date: {self.created}",
            f"-- Branch Labels: {', '.join(self.labels)}", f"-- Depends On: {', '.join(self.depends_on)}"]
        if self.down is None:
            header.append("-- Irreversible: its own downgrade failed when it was recorded")
        parts = [f"{sql}\n;" for sql in self.statements("up")], [f"{sql}\n;" for sql in self.statements("down")]
        lines = [*message, "--", *header, "", "-- migrate:up", *parts[0], "", "-- migrate:down", *parts[1], ""]
        return "\n".join(lines)


class History:
    def __init__(self, file):
        recorded = json.loads(file.read_text(encoding="utf-8"))
        self.revisions = [Revision(one) for one in recorded["revisions"]]
        self.baseline, self.stamped = recorded["baseline_sql"], sorted(recorded["stamped_at_start"])
        self.final_rows = sorted(recorded["final_alembic_version"])
        self.final_schema = [row for row in recorded["final_schema"] if not row[2].startswith("alembic_version")]
        self.by_id = {one.id: one for one in self.revisions}

    def write_scripts(self, directory):
        """Alembic visits heads in the order of the files and runs what it visited backwards, so that the names
        run backwards too: ties are then decided as they were when this was recorded. A history that starts
        stamped has revisions of which nothing but the id is known."""
        directory.mkdir()
        for number, one in enumerate(reversed(self.revisions)):
            (directory / f"{number:04}_{one.id}.sql").write_text(one.script(), encoding="utf-8")
        for identifier in self.stamped:
            if identifier not in self.by_id:
                (directory / f"base_{identifier}.sql").write_text(
                    f"-- Revision ID: {identifier}\n-- Revises:\n\n-- migrate:up\n\n-- migrate:down\n",
                    encoding="utf-8")

    def needs(self, revision):
        """Its parents and dependencies; a label stands for the revision that declares it."""
        declared = {label: one.id for one in self.revisions for label in one.labels}
        return {*revision.parents, *(declared.get(name, name) for name in revision.depends_on)}

    def above(self, revision, applied):
        """Applied revisions that need this one, however far away; with itself."""
        found = {revision.id}
        for one in self.revisions:  # what is needed comes first in the recorded order
            if one.id in applied and found & self.needs(one):
                found.add(one.id)
        return found


# The witness


class Replay:
    """The recorded SQL on a database of its own, through Python's sqlite3."""

    def __init__(self, baseline):
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(baseline or "")

    def run(self, statements):
        self.connection.execute("PRAGMA foreign_keys = OFF")
        self.connection.execute("BEGIN")
        for sql in statements:
            self.connection.execute(sql)
        self.connection.execute("COMMIT")
        if any(LEGACY_ALTER.match(sql) for sql in statements):
            self.connection.execute("PRAGMA legacy_alter_table = OFF")

    def reason_to_fail(self, runs):
        """SQLite's words when these cannot be run one after the other; a recorded downgrade was only ever run right
        after its upgrade."""
        with closing(self.copy()) as copy:
            try:
                for statements in runs:
                    copy.run(statements)
            except sqlite3.Error as error:
                return str(error)
        return None

    def copy(self):
        copy = Replay(None)
        self.connection.backup(copy.connection)
        return copy

    def close(self):
        self.connection.close()


# Ours


class Site:
    """A database and scripts, moved by schemadctl."""

    def __init__(self, directory, history):
        self.database, self.scripts = directory / "content.db", directory / "scripts"
        self.named, self.lost = set(), set()
        history.write_scripts(self.scripts)
        if history.baseline:
            with closing(sqlite3.connect(self.database)) as connection:
                connection.executescript(history.baseline)
        if history.stamped:
            self.run("stamp", *history.stamped)

    def try_run(self, *words):
        """The exit code, and what it says as JSON."""
        command = [program("schemadctl"), "--database", self.database, "--scripts", self.scripts, "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        said = done.stdout or done.stderr
        return done.returncode, json.loads(said) if said.lstrip().startswith("{") else said

    def run(self, *words):
        """A run that the loss guard refuses is repeated with leave to lose, and what it named is remembered."""
        words += () if words[0] == "plan" else ("--backup", "never")
        code, said = self.try_run(*words)
        if code != 0 and said["code"] == "loss-unannounced":
            self.named = set(re.findall(r'index "([^"]+)" of', said["detail"]))
            assert len(self.named) == int(said["detail"].split()[0]), said
            code, said = self.try_run(*words, "--allow-loss")
        assert code == 0, said
        return said

    @property
    def rows(self):
        return version_rows(self.database)

    def compare(self, replay, where):
        with closing(sqlite3.connect(self.database)) as connection:
            assert_same_schema(connection, replay.connection, where)
        assert not self.named.intersection(row[1] for row in schema_rows(replay.connection)), where
        self.lost, self.named = self.lost | self.named, set()


@pytest.fixture
def memory_directory():
    """Hundreds of databases are made and synced: in memory where there is any."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="schemad-histories-", dir=parent))
    yield directory
    shutil.rmtree(directory)


# The tests

def plan_is_as_recorded(site, history):
    """One plan for everything: the recorded order, and the recorded version rows after every step."""
    steps = site.run("plan", "heads")["steps"]
    assert [step["revision"] for step in steps] == [one.id for one in history.revisions]
    for step, one in zip(steps, history.revisions):
        assert sorted(step["to"]) == one.rows, one.id


def save(site, replay):
    return site.database.read_bytes() if site.database.exists() else b"", replay.copy()


def restore(site, state):
    site.database.write_bytes(state[0])
    return state[1].copy()


def go_up(site, history, replay):
    """Each revision by itself. Gives back the database and the witness as they were before the first and after each."""
    states = [save(site, replay)]
    for one in history.revisions:
        run = site.run("upgrade", one.id)
        assert [step["revision"] for step in run["steps"]] == [one.id]
        assert site.rows == one.rows, one.id
        replay.run(one.statements("up"))
        site.compare(replay, f"after upgrade to {one.id}")
        states.append(save(site, replay))
    return states


def rows_expected(history, applied):
    """As recorded where Alembic once stood at exactly these revisions, else the uppermost of them."""
    count = len(applied)
    if applied == {one.id for one in history.revisions[:count]}:
        return history.revisions[count - 1].rows if count else history.stamped
    return sorted(applied - {need for identifier in applied for need in history.needs(history.by_id[identifier])})


def ways_down(history, applied, one):
    """Targets that take `one` down, with all that goes then: what stands on its parent, or only its own branch."""
    own = history.above(one, applied)
    if not one.parents:
        return [(f"{label}@base", own) for label in one.labels] or [("base", set(applied))]
    parent = history.by_id.get(one.parents[0])
    beside = history.above(parent, applied) - {parent.id} if parent else set(applied)
    return [(one.parents[0], beside)] + ([(f"{one.id}@{one.parents[0]}", own)] if own != beside else [])


def take_down(site, history, replay, applied, one):
    """What is left when `one` is gone; None when no way leads down, by the witness's word."""
    for target, going in ways_down(history, applied, one):
        if any(history.by_id[identifier].down is None for identifier in going):
            code, said = site.try_run("downgrade", target)
            assert (code, said["code"]) == (5, "irreversible"), said
            continue
        steps = [step["revision"] for step in site.run("plan", "--down", target)["steps"]]
        assert set(steps) == going, target
        statements = [history.by_id[identifier].statements("down") for identifier in steps]
        reason = replay.reason_to_fail(statements)
        if reason is not None:
            code, said = site.try_run("downgrade", target, "--allow-loss")
            assert (code, said["code"]) == (1, "statement-failed") and reason in said["detail"], said
            continue
        run_down(site, replay, target, statements)
        assert site.rows == rows_expected(history, applied - going), target
        return applied - going
    return None


def run_down(site, replay, target, statements):
    site.run("downgrade", target)
    for one in statements:
        replay.run(one)
    site.compare(replay, f"after downgrade to {target}")


def go_down(site, history, states):
    """Each revision in turn, from where the one before it ended, or else from right after its own upgrade.
    Gives back the witness, and which revisions were taken down."""
    identifiers, taken = [one.id for one in history.revisions], set()
    applied, replay = set(identifiers), states[-1][1].copy()
    for number in range(len(identifiers) - 1, -1, -1):
        one, left = history.revisions[number], None
        if one.id in applied:
            left = take_down(site, history, replay, applied, one)
        if left is None and one.id not in taken:
            replay, applied = restore(site, states[number + 1]), set(identifiers[:number + 1])
            left = take_down(site, history, replay, applied, one)
        if left is None and one.id in applied:
            replay, left = restore(site, states[number]), set(identifiers[:number])
        elif left is not None:
            taken |= applied - left
        applied = applied if left is None else left
    return replay, taken


def is_as_recorded(site, history):
    assert site.rows == history.final_rows
    with closing(sqlite3.connect(site.database)) as connection, closing(schema_of(history.final_schema)) as recorded:
        assert_same_schema(connection, recorded, "at head")


def go_up_again(site, history, replay):
    """Everything in one run, from wherever the way down ended; downgrades of real projects do not always lead back."""
    if replay.reason_to_fail([one.statements("up") for one in history.revisions]) is not None:
        return
    for one in history.revisions:
        replay.run(one.statements("up"))
    site.run("upgrade", "heads")
    assert site.rows == history.final_rows
    site.compare(replay, "up again")


@pytest.mark.skipif(not FILES, reason=f"there are no recorded histories in {SHARED}")
@pytest.mark.parametrize("file", FILES or [Path("none.json")], ids=lambda file: file.stem)
def test_up_down_and_up_again_as_alembic_did(file, memory_directory):
    history = History(file)
    site, replay = Site(memory_directory, history), Replay(history.baseline)
    plan_is_as_recorded(site, history)

    states = go_up(site, history, replay)
    is_as_recorded(site, history)
    replay, taken = go_down(site, history, states)
    assert taken == {one.id for one in history.revisions if one.down is not None}
    assert site.lost == LOSSES.get(file.stem, set())
    go_up_again(site, history, replay)

    restore(site, states[0])  # and once more, all in one transaction
    site.run("upgrade", "heads")
    is_as_recorded(site, history)
