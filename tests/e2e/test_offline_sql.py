"""Scripts of `--sql`, run by the sqlite3 shell, against runs of the same scripts: the same schema, letter by letter, and
the same rows.

plan_tool (tests/unit/plan_tool.c) writes the scripts.
"""

import random
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

from conftest import BUILD, VERSIONS, write_script

HISTORIES = 12
SEED = 8


@pytest.fixture
def sql():
    """sql(scripts, verb, range, mode) gives the text of a script."""
    tool = BUILD / "tests/unit/plan_tool"
    if not tool.is_file():
        pytest.skip(f"plan_tool is not built in {BUILD}")

    def write(scripts, verb, range_, mode="run"):
        lines = [f"script {path}" for path in sorted(scripts.rglob("*.sql"))] + [f"sql {mode} {verb} {range_}"]
        run = subprocess.run([tool], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=60, check=True)
        first, _, text = run.stdout.partition("\n")
        assert first.startswith("ok "), run.stdout + run.stderr
        assert len(text.rstrip("\n").encode()) <= int(first[3:])
        return text

    return write


@pytest.fixture
def shell():
    """shell(database, text) is the sqlite3 shell's exit code, and what it said."""
    path = shutil.which("sqlite3")
    if path is None:
        pytest.skip("there is no sqlite3 shell")

    def run(database, text):
        done = subprocess.run([path, "-batch", "-init", "/dev/null", database], input=text, capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stderr

    return run


@pytest.fixture
def ours(schemadctl):
    def run(database, scripts, *words):
        return schemadctl("--database", database, "--scripts", scripts, *words, "--backup", "never")

    return run


def content(database):
    """The schema as it is written down, and every row."""
    with closing(sqlite3.connect(database)) as connection:
        schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
        names = [row[1] for row in schema if row[0] == "table"]
        rows = {name: connection.execute(f'SELECT rowid, * FROM "{name}"').fetchall() for name in names}
        return sorted(map(repr, schema)), rows


@pytest.fixture
def same(tmp_path, sql, shell, ours):
    """Go the same way twice, once by a run and once by the shell; what both databases hold then."""

    def go(scripts, *ways):
        run, script = tmp_path / "run.db", tmp_path / "script.db"
        for verb, start, target, mode in ways:
            done = ours(run, scripts, verb, target, "--transaction", mode)
            assert done.exit_code == 0, done
            assert shell(script, sql(scripts, verb, f"{start}:{target}", mode)) == (0, "")
            assert content(script) == content(run), (verb, start, target, mode)
        return content(run)

    return go


def test_contentengine_goes_up_and_down(same):
    schema, _ = same(VERSIONS, ("upgrade", "base", "4864d1c47cec", "run"), ("upgrade", "4864d1c47cec", "head", "revision"),
                     ("downgrade", "head", "9e9e70a4a06b", "run"), ("upgrade", "9e9e70a4a06b", "+1", "run"))
    assert "job_queue" not in str(schema) and "blueprints" in str(schema)


def test_foreign_keys_temporary_tables_and_scripts_without_transaction(same, scripts):
    write_script(scripts, "aaaa", "CREATE TABLE p (id INTEGER PRIMARY KEY);\n"
                 "CREATE TABLE c (p REFERENCES p (id) ON DELETE CASCADE);\n"
                 "INSERT INTO p VALUES (1), (2);\nINSERT INTO c VALUES (1), (2), (2);\n"
                 "CREATE TEMP TABLE scratch AS SELECT 1;")
    write_script(scripts, "bbbb", "CREATE TEMP TABLE scratch AS SELECT id FROM p;\n"
                 "CREATE TABLE new (id INTEGER PRIMARY KEY, note TEXT DEFAULT 'a;\ngo\n');\n"
                 "INSERT INTO new (id) SELECT id FROM scratch;\nDROP TABLE p;\nALTER TABLE new RENAME TO p;",
                 revises="aaaa")
    write_script(scripts, "cccc", "DELETE FROM p WHERE id = 2;", revises="bbbb\n-- Foreign Keys: on")
    write_script(scripts, "dddd", "VACUUM;", revises="cccc\n-- Transaction: none")
    write_script(scripts, "eeee", "CREATE TRIGGER t AFTER INSERT ON p BEGIN\n  SELECT CASE WHEN 1 THEN 2 END;\n"
                 "  INSERT INTO c VALUES (NEW.id);\nEND;\nINSERT INTO p VALUES (3, '.quit');\nSELECT 'shown';",
                 revises="dddd")
    _, rows = same(scripts, ("upgrade", "base", "head", "run"))
    assert rows["c"] == [(1, 1), (2, 3)] and [row[1:] for row in rows["p"]] == [(1, "a;\ngo\n"), (3, ".quit")]


def random_scripts(dice, directory):
    """Branches and merges, each revision with a table, rows and an index."""
    names = []
    for number in range(dice.randint(2, 10)):
        parents = dice.sample(names[-4:], min(len(names), dice.choice([0, 1, 1, 1, 2])))
        name = f"{dice.choice('abc')}{number}{dice.getrandbits(16):04x}"
        write_script(directory, name, f"CREATE TABLE t{number} (a PRIMARY KEY, b DEFAULT 'x');\n"
                     f"INSERT INTO t{number} (a) VALUES ({dice.randint(0, 9)}), ('{name}');\n"
                     f"CREATE INDEX i{number} ON t{number} (b);", f"DROP TABLE t{number};", ", ".join(parents))
        names.append(name)
    return names


@pytest.mark.parametrize("number", range(HISTORIES))
def test_random_histories(same, scripts, number):
    dice = random.Random(f"{SEED}/{number}")
    names = random_scripts(dice, scripts)
    first, mode = dice.choice(names), dice.choice(["run", "revision"])
    same(scripts, ("upgrade", "base", first, mode), ("downgrade", first, "base", mode), ("upgrade", "base", "heads", mode))


# What stops it


@pytest.fixture
def two(scripts):
    write_script(scripts, "aaaa", "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p REFERENCES p (id));\n"
                 "INSERT INTO p VALUES (1);\nINSERT INTO c VALUES (1);", "DROP TABLE c;\nDROP TABLE p;")
    write_script(scripts, "bbbb", "CREATE TABLE b (x);", "DROP TABLE b;", "aaaa")
    return scripts


@pytest.mark.parametrize("begin, range_, message", [
    ("aaaa", "base:head", "the database must be at base"),
    ("base", "aaaa:head", "the database must be at aaaa"),
    ("bbbb", "aaaa:head", "the database must be at aaaa"),
])
def test_another_place_is_refused(tmp_path, two, sql, shell, ours, begin, range_, message):
    database = tmp_path / "content.db"
    assert ours(database, two, "upgrade", begin).exit_code == 0
    before = content(database)
    code, told = shell(database, sql(two, "upgrade", range_))
    assert code != 0 and message in told
    assert content(database) == before


@pytest.mark.parametrize("rows", ["'aaaa', 'aaaa'", "'aaaa', 'bbbb'", "NULL", "'aaaa ', 'x'"])
def test_odd_version_rows_are_refused(tmp_path, two, sql, shell, rows):
    database = tmp_path / "content.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute(f"INSERT INTO alembic_version VALUES ({'), ('.join(rows.split(', '))})")
        connection.commit()
    before = content(database)
    code, told = shell(database, sql(two, "upgrade", "aaaa:head"))
    assert code != 0 and "the database must be at aaaa" in told
    assert content(database) == before


@pytest.mark.parametrize("up, header, message", [
    ("CREATE TABLE x (a);\nINSERT INTO nowhere VALUES (1);", "", "no such table"),
    ("DELETE FROM p;", "", "every row must have its parent"),
    ("DELETE FROM p;", "\n-- Foreign Keys: on", "FOREIGN KEY constraint failed"),
    ("DROP TABLE b;", "\n-- Requires Empty: c", "table c must be empty"),
])
def test_a_failure_leaves_everything_as_it_was(tmp_path, two, sql, shell, ours, up, header, message):
    database = tmp_path / "content.db"
    write_script(two, "cccc", up, revises=f"bbbb{header}")
    assert ours(database, two, "upgrade", "aaaa").exit_code == 0
    before = content(database)
    code, told = shell(database, sql(two, "upgrade", "aaaa:head"))
    assert code != 0 and message in told, told
    assert content(database) == before
    assert ours(database, two, "upgrade").exit_code != 0, "a run fails, too"


def test_rows_that_had_no_parent_before_do_not_matter(tmp_path, two, sql, shell, ours):
    database = tmp_path / "content.db"
    assert ours(database, two, "upgrade", "aaaa").exit_code == 0
    assert shell(database, "INSERT INTO c VALUES (7);") == (0, "")
    assert shell(database, sql(two, "upgrade", "aaaa:head")) == (0, "")
