"""Real histories, recorded under Alembic, written out as scripts and run by schemadctl.

After every revision the version rows are those that Alembic left; at head the schema means what Alembic's meant; on the way
down it means what the recorded statements give in a plain sqlite3 session, and so do both on the way up again.
"""

import json
import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT, program, version_rows
from schema_meaning import meaning

HISTORIES = Path(os.environ.get("SCHEMAD_SHARED", ROOT / "../shared")) / "histories"
NAMES = sorted(path.stem for path in HISTORIES.glob("*.json"))
VERSION_TABLE = """CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"""

# Rebuilds that forget an index, as they were recorded: schemad stops at them, and goes on when it is told to.
FORGOTTEN_INDEXES = {
    ("airflow", "up", "bbf4a7ad0465"): {"idx_xcom_dag_task_date"},
    ("superset", "up", "c878781977c6"): {"ix_report_schedule_active"},
    ("conda_store", "down", "16f65805dc8f"): {
        "ix_conda_package_channel_id", "ix_conda_package_name", "ix_conda_package_version"},
    ("quetz", "down", "b9886d9cadb0"): {"package_version_metric_index"},
}

pytestmark = pytest.mark.skipif(not NAMES, reason=f"no recorded histories in {HISTORIES}")


# A history as scripts


def statements(recorded):
    """PRAGMA foreign_keys did nothing where it was recorded, inside a transaction, and is refused in a script."""
    return [sql.strip().rstrip(";") for sql in recorded or [] if not re.match(r"\s*PRAGMA\s+foreign_keys", sql, re.I)]


def comment(line):
    """A line of the message; one that looks like a header word or a marker is written with a backslash."""
    looks_special = re.match(r"\s*(\\|Revis|Create|Branch|Depend|Foreign|Transact|Irrevers|Requires|migrate:)", line)
    return f"-- {chr(92) if looks_special else ''}{line}".rstrip()


def script(revision):
    parts = [comment(line) for line in (revision["message"] or "").splitlines()] + ["--"]
    parts += [f"-- Revision ID: {revision['revision']}", f"-- Revises: {', '.join(revision['down_revision'])}"]
    parts += [f"-- Create Date: {revision['create_date'] or ''}"]
    parts += [f"-- Branch Labels: {', '.join(revision['branch_labels'])}", f"-- Depends On: {', '.join(revision['depends_on'])}"]
    if revision["downgrade_sql"] is None:
        parts += ["-- Irreversible: no way down was recorded"]
    parts += ["", "-- migrate:up"] + [f"{sql};" for sql in statements(revision["upgrade_sql"])]
    parts += ["", "-- migrate:down"] + [f"{sql};" for sql in statements(revision["downgrade_sql"])]
    return "\n".join(parts) + "\n"


class History:
    def __init__(self, name, directory):
        self.name, self.directory = name, directory
        recorded = json.loads((HISTORIES / f"{name}.json").read_text())
        self.revisions, self.final_schema = recorded["revisions"], recorded["final_schema"]
        self.baseline, self.stamps = recorded["baseline_sql"], recorded["stamped_at_start"]
        self.database, self.scripts = directory / "content.db", directory / "scripts"
        self.scripts.mkdir()
        known = {revision["revision"] for revision in self.revisions}
        for number, revision in enumerate(self.revisions):
            # Independent branches are run in the order of their files, the last one first.
            (self.scripts / f"{9999 - number}.sql").write_text(script(revision))
        for identifier in set(self.stamps) - known:  # what the baseline stands for
            (self.scripts / f"baseline_{identifier}.sql").write_text(
                f"-- Baseline\n-- Revision ID: {identifier}\n-- Irreversible: nothing is known below it\n"
                "-- migrate:up\n-- migrate:down\n")
        with closing(sqlite3.connect(self.database)) as connection:
            self.begin(connection)

    def begin(self, connection):
        connection.executescript(self.baseline or "")
        if self.stamps:
            connection.execute(VERSION_TABLE)
            connection.executemany("INSERT OR IGNORE INTO alembic_version VALUES (?)", [(row,) for row in self.stamps])
        connection.commit()

    def rows_after(self, number):
        return sorted(self.revisions[number]["alembic_version_after"]) if number >= 0 else sorted(self.stamps)

    def run(self, *words):
        return subprocess.run(
            [program("schemadctl"), "--database", self.database, "--scripts", self.scripts, "--quiet", *words,
             "--backup", "never"], capture_output=True, text=True, check=False)

    def step(self, direction, revision, *words):
        """One revision, stopped by the loss guard where an index is known to be forgotten, and only there."""
        forgotten = FORGOTTEN_INDEXES.get((self.name, direction, revision["revision"]), set())
        if forgotten:
            before = version_rows(self.database)
            refused = self.run(*words)
            assert refused.returncode == 1, (revision["revision"], refused)
            assert all(f'index "{index}"' in refused.stderr for index in forgotten), refused.stderr
            assert version_rows(self.database) == before
        done = self.run(*words, *(["--allow-loss"] if forgotten else []))
        assert done.returncode == 0, (revision["revision"], done.stderr)

    def schema(self):
        with closing(sqlite3.connect(self.database)) as connection:
            return meaning(connection)


@pytest.fixture(params=NAMES)
def history(request, tmp_path):
    return History(request.param, tmp_path)


def plain_session():
    """SQLite by itself: no transaction, no foreign keys, as the recording was checked."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    return connection


def schema_of(rows):
    """What recorded rows of sqlite_schema mean."""
    with closing(plain_session()) as connection:
        connection.execute("PRAGMA legacy_alter_table = ON")
        for kind in ("table", "view", "index", "trigger"):
            for row_kind, name, _, sql in rows:
                if row_kind == kind and sql and not name.startswith("sqlite_"):
                    connection.execute(sql)
        return meaning(connection)


def up(history):
    for number, revision in enumerate(history.revisions):
        history.step("up", revision, "upgrade", revision["revision"])
        assert version_rows(history.database) == history.rows_after(number), revision["revision"]


def replay(history):
    """The same history in a plain session, up, down as far as the recorded statements run there, and up again: the schema after
    each way down, newest first, and why the last way down or the second way up failed."""
    with closing(plain_session()) as connection:
        history.begin(connection)

        def run(revision, part):
            """A revision is undone when it fails, as a run is."""
            connection.execute("SAVEPOINT revision")
            try:
                for sql in statements(revision[part]):
                    connection.execute(sql)
            except sqlite3.OperationalError as error:
                connection.execute("ROLLBACK TO revision")
                return str(error)
            finally:
                connection.execute("RELEASE revision")
            return None

        assert [run(revision, "upgrade_sql") for revision in history.revisions] == [None] * len(history.revisions)
        taken_back, failure = [], None
        for revision in reversed(history.revisions):
            if revision["downgrade_sql"] is None or (failure := run(revision, "downgrade_sql")):
                break
            taken_back.append((revision, meaning(connection)))
        for revision, _ in reversed(taken_back):
            if failure_up := run(revision, "upgrade_sql"):
                return taken_back, failure, failure_up
        return taken_back, failure, None


def below(revision):
    """The target that takes back this one revision: its own branch, down to a parent."""
    parent = (revision["down_revision"] or ["base"])[0]
    return f"{revision['revision']}@{parent}"


def down(history, taken_back, failure):
    number = len(history.revisions)
    for revision, schema in taken_back:
        number -= 1
        history.step("down", revision, "downgrade", below(revision))
        assert version_rows(history.database) == history.rows_after(number - 1), revision["revision"]
        assert history.schema() == schema, revision["revision"]
    if failure:
        refused = history.run("downgrade", below(history.revisions[number - 1]))
        assert refused.returncode == 1 and failure in refused.stderr, (failure, refused)
        assert version_rows(history.database) == history.rows_after(number - 1)


def test_every_revision_leaves_alembics_rows_and_head_means_the_same_and_back(history):
    up(history)
    assert history.schema() == schema_of(history.final_schema)
    taken_back, failure, failure_up = replay(history)
    down(history, taken_back, failure)
    done = history.run("upgrade", "heads", "--allow-loss")
    if failure_up:  # what was recorded was not made to be run twice
        assert done.returncode == 1 and failure_up in done.stderr, (failure_up, done)
    else:
        assert done.returncode == 0, done.stderr
        assert version_rows(history.database) == history.rows_after(len(history.revisions) - 1)


def test_one_run_gives_the_same(history):
    done = history.run("upgrade", "heads", "--allow-loss")
    assert done.returncode == 0, done.stderr
    assert version_rows(history.database) == history.rows_after(len(history.revisions) - 1)
    assert history.schema() == schema_of(history.final_schema)
