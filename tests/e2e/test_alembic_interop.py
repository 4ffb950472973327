"""Debian's Alembic and schemad on one database, in turns: the same revisions, the same rows, the same words (G7).

The Alembic project is generated from ContentEngine's scripts: the same ids, and migration files whose upgrade() and
downgrade() execute the same SQL.
"""

import io
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from conftest import VERSIONS, version_rows

alembic_command = pytest.importorskip("alembic.command", reason="Alembic is not installed for this Python")
alembic_config = pytest.importorskip("alembic.config")

CHAIN = ["9e9e70a4a06b", "4864d1c47cec", "4a0e3b03ab4c", "b5e9f2a1c3d4", "c7f8a9b0d1e2"]
HEAD = CHAIN[-1]

ENVIRONMENT = """
import logging.config
import os

from alembic import context
from sqlalchemy import create_engine, pool

if "ALEMBIC_LOGS" in os.environ:  # the program; in a test's own process logging is the test's
    logging.config.fileConfig(context.config.config_file_name)
engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

MIGRATION = '''"""{message}

Revision ID: {revision}
Revises: {revises}
Create Date: {date}

"""
from alembic import op

revision = {revision!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade():
    for statement in {up!r}:
        op.get_bind().exec_driver_sql(statement)


def downgrade():
    for statement in {back!r}:
        op.get_bind().exec_driver_sql(statement)
'''

LOGGING = """
[alembic]
script_location = {location}
sqlalchemy.url = sqlite:///{database}
[loggers]
keys = root, alembic
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = WARN
handlers = console
qualname =
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(message)s
"""


def statements_of(text):
    """Cut by SQLite's own idea of a complete statement, not by ours."""
    statements, rest = [], ""
    for line in text.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            statements.append(rest.strip())
            rest = ""
    assert not re.sub(r"--.*", "", rest).strip()
    return statements


def migration_of(path):
    header, _, body = path.read_text(encoding="utf-8").partition("-- migrate:up")
    up, _, down = body.partition("-- migrate:down")
    words = {name: value.strip() for name, value in re.findall(r"^-- ([A-Z][\w ]+):(.*)$", header, re.M)}
    return MIGRATION.format(
        message=re.match(r"-- (.*)", header).group(1), revision=words["Revision ID"], revises=words["Revises"],
        date=words["Create Date"], down=words["Revises"] or None, up=statements_of(up), back=statements_of(down))


class Alembic:
    """An Alembic project on `database`: in this process, or as the real program."""

    def __init__(self, directory, database):
        self.ini, self.database = directory / "alembic.ini", database
        location = directory / "alembic"
        (location / "versions").mkdir(parents=True)
        (location / "env.py").write_text(ENVIRONMENT, encoding="utf-8")
        for path in sorted(VERSIONS.glob("*.sql")):
            (location / "versions" / (path.stem + ".py")).write_text(migration_of(path), encoding="utf-8")
        self.ini.write_text(LOGGING.format(location=location, database=database), encoding="utf-8")

    def __call__(self, name, *words, **options):
        out = io.StringIO()
        config = alembic_config.Config(str(self.ini), stdout=out)
        getattr(alembic_command, name)(config, *words, **options)
        return out.getvalue()

    def program(self, *words):
        """(what it printed, what it logged)"""
        if shutil.which("alembic") is None:
            pytest.skip("there is no alembic program")
        run = subprocess.run(
            ["alembic", "-c", str(self.ini), *words], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "ALEMBIC_LOGS": "1"})
        assert run.returncode == 0, run.stderr
        return run.stdout, run.stderr


@pytest.fixture
def alembic(tmp_path, database, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Alembic(tmp_path, database)


@pytest.fixture
def ours(schemadctl, database):
    """ours(*words) gives what schemadctl prints; it must succeed."""

    def run(*words):
        result = schemadctl("--database", database, "--scripts", VERSIONS, *words)
        assert (result.exit_code, result.err) == (0, ""), result
        return result.out

    return run


def meaning(database):
    """The schema as SQLite understands it: columns, keys and indexes of every table, triggers and views. Not its text."""
    with closing(sqlite3.connect(database)) as connection:
        def ask(question, *names):
            return connection.execute(question, names).fetchall()

        found = {}
        for kind, name, sql in ask("SELECT type, name, sql FROM sqlite_schema WHERE name <> 'alembic_version'"):
            if kind == "table":
                indexes = [row[1:] for row in ask("SELECT * FROM pragma_index_list(?)", name)]
                found[name] = (
                    ask("SELECT * FROM pragma_table_xinfo(?)", name),
                    sorted(row[1:] for row in ask("SELECT * FROM pragma_foreign_key_list(?)", name)),
                    sorted((row, tuple(ask("SELECT * FROM pragma_index_xinfo(?)", row[0]))) for row in indexes),
                )
            elif sql is not None:
                found[name] = (kind, " ".join(sql.split()))
        return found


@pytest.fixture
def meanings(tmp_path):
    """What the schema means at each revision, as Alembic alone builds it; base is 0."""
    reference = tmp_path / "reference"
    reference.mkdir()
    alone = Alembic(reference, reference / "content.db")
    found = []
    for revision in CHAIN:
        alone("upgrade", revision)
        found.append(meaning(alone.database))
    return [{}, *found]


def where(rows):
    """How many revisions are applied."""
    return CHAIN.index(rows[0]) + 1 if rows else 0


# The same words


@pytest.mark.parametrize("revision", ["base", *CHAIN])
def test_both_say_the_same_of_the_same_database(alembic, ours, revision):
    alembic("upgrade", "head")
    alembic("downgrade", revision)
    for words, answer in [
        (["current"], alembic("current")),
        (["history"], alembic("history")),
        (["history", "-i"], alembic("history", indicate_current=True)),
        (["history", "-r", ":4a0e"], alembic("history", rev_range=":4a0e")),
        (["history", "-r", "current:"], alembic("history", rev_range="current:")),
        (["heads"], alembic("heads")),
    ]:
        assert ours(*words) == answer, words


def entries(text):
    """Without the path of the file, which cannot be the same, and how each writes what it revises."""
    text = re.sub(r"^Path: .*\n", "", text, flags=re.M)
    return re.sub(r"(Revises:) ?\"?(\w*)\"?$", r"\1 \2", text, flags=re.M).rstrip("\n")


def test_entries_are_the_same_save_for_the_path(alembic, ours):
    for revision in CHAIN:
        assert entries(ours("show", revision)) == entries(alembic("show", revision))
    assert entries(ours("history", "-v")) == entries(alembic("history", verbose=True))
    assert entries(ours("heads", "-v")) == entries(alembic("heads", verbose=True))


def test_the_program_logs_what_we_print(alembic, ours, database):
    _, log = alembic.program("upgrade", "head")
    running = [line for line in log.splitlines() if line.startswith("Running")]
    assert len(running) == 5
    assert alembic.program("current")[0] == ours("current")
    database.unlink()
    assert ours("upgrade").splitlines() == running
    _, log = alembic.program("downgrade", "-2")
    ours("upgrade")
    assert ours("downgrade", "-2").splitlines() == [line for line in log.splitlines() if line.startswith("Running")]


# The same database, in turns


@pytest.mark.parametrize("revision", CHAIN)
def test_what_alembic_stamped_and_migrated_is_taken_over(alembic, ours, database, meanings, revision):
    alembic("upgrade", revision)
    assert ours("current").split()[0] == revision
    ours("upgrade")
    assert (version_rows(database), meaning(database)) == ([HEAD], meanings[-1])
    assert alembic("current") == ours("current")
    ours("downgrade", revision)
    alembic("upgrade", "head")
    assert (version_rows(database), meaning(database)) == ([HEAD], meanings[-1])


@pytest.mark.parametrize("revision", CHAIN)
def test_what_we_migrated_is_taken_over_by_alembic(alembic, ours, database, meanings, revision):
    ours("upgrade", revision)
    assert alembic("current").split()[0] == revision
    alembic("upgrade", "head")
    assert (version_rows(database), meaning(database)) == ([HEAD], meanings[-1])
    alembic("downgrade", "base")
    assert (version_rows(database), meaning(database)) == ([], {})
    assert ours("current") == ""
    ours("upgrade")
    assert meaning(database) == meanings[-1]


@pytest.mark.parametrize("revision", CHAIN)
def test_a_stamp_means_the_same_to_both(alembic, ours, database, revision):
    ours("stamp", revision)
    assert alembic("current") == ours("current")
    alembic("stamp", HEAD)
    assert alembic("current") == ours("current")
    assert version_rows(database) == [HEAD]
    alembic("stamp", "base")
    assert ours("current") == ""


def test_the_version_table_is_alembics_own(alembic, ours, database):
    ours("upgrade")
    ddl = "SELECT sql FROM sqlite_schema WHERE name = 'alembic_version'"
    with closing(sqlite3.connect(database)) as connection:
        by_us = connection.execute(ddl).fetchone()[0]
    database.unlink()
    alembic("upgrade", "head")
    with closing(sqlite3.connect(database)) as connection:
        assert " ".join(by_us.split()) == " ".join(connection.execute(ddl).fetchone()[0].split())


def step(dice, at):
    """(verb, target as written, where it leads) from where the database is."""
    to = dice.randrange(len(CHAIN) + 1)
    name = CHAIN[to - 1] if to else "base"
    kind = dice.random()
    if to > at:
        return "upgrade", (f"+{to - at}" if kind < 0.3 else name[:6] if kind < 0.5 else name), to
    if to < at:
        return "downgrade", (f"-{at - to}" if kind < 0.3 else name[:6] if kind < 0.5 else name), to
    return "upgrade", "head", len(CHAIN)


def test_a_hundred_random_steps_in_turns(alembic, ours, database, meanings):
    seed = int(os.environ.get("SCHEMAD_SEED", "20261121"))
    dice, at = random.Random(seed), 0
    for number in range(100):
        verb, target, to = step(dice, at)
        by_us = dice.random() < 0.5
        if by_us:
            ours(verb, target, "--backup", "never")
        else:
            alembic(verb, target)
        at = to
        told = f"seed {seed}, step {number}: {verb} {target} by {'us' if by_us else 'Alembic'}"
        assert where(version_rows(database)) == at, told
        assert meaning(database) == meanings[at], told
        assert ours("current") == alembic("current"), told
