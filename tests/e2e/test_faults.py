"""Databases, disks, neighbours and scripts that are not as they should be, met by the real programs.

After every refusal three things hold: the error says which (code, place, hint, exit code), the database means what it
meant before, and the next sound request succeeds.
"""

import fcntl
import json
import os
import shutil
import sqlite3
import struct
import subprocess
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from conftest import VERSIONS, program, version_rows, wait_until

HEAD = "c7f8a9b0d1e2"
FIRST = "9e9e70a4a06b"

# Exit codes of schemadctl.
FAILED, TRY_AGAIN, WRONG_SCRIPTS, WRONG_DATABASE, CANCELLED = 1, 3, 6, 7, 10


class Answer:
    """What a command did: exit code, and its JSON (a report, or the problem)."""

    def __init__(self, run):
        self.exit_code = run.returncode
        self.text = run.stdout + run.stderr
        try:
            self.json = json.loads(run.stdout) if run.stdout else {}
        except ValueError:
            self.json = {}
        self.problem = self.json.get("error") or self.json

    @property
    def code(self):
        return self.problem.get("code")


class Control:
    """schemadctl on one database file, without a daemon."""

    def __init__(self, database, scripts, command=None):
        self.database, self.scripts = database, scripts
        self.program = command or program("schemadctl")

    def command(self, *words):
        return [
            str(self.program), "--database", str(self.database), "--scripts", str(self.scripts), "--json", *words,
        ]

    def __call__(self, *words, **options):
        return Answer(subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=60, check=False, **options,
        ))


@pytest.fixture
def control(database):
    return Control(database, VERSIONS)


def meaning(path):
    """Schema, rows and version rows, as SQLite's own Python module reads them."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return list(connection.iterdump())


def run_sql(path, text):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)


def at_first_revision(control):
    """A database with rows at the first of the five revisions: something to lose, and something to do."""
    assert control("upgrade", FIRST).exit_code == 0
    run_sql(control.database, """
        INSERT INTO users (id, linkedin_sub, email, name, created_at)
             VALUES (1, 'sub', 'a@example.org', 'Ada', '2026-01-01');
        INSERT INTO posts (id, content, platform, status, user_id, is_demo, created_at, updated_at)
             VALUES (1, 'text', 'BLOG', 'DRAFT', 1, 0, '2026-01-01', '2026-01-01');
    """)
    return meaning(control.database)


# What was there before a run


def test_every_run_on_a_database_with_content_is_preceded_by_a_backup_of_it(control, database):
    seen = {"of the first": at_first_revision(control)}
    assert control("backups").json["backups"] == [], "nothing was there to back up"
    for words in (["upgrade"], ["downgrade", FIRST], ["stamp", HEAD]):
        seen[words[0]] = meaning(database)
        report = control(*words).json
        backup = next(one for one in control("backups").json["backups"] if one["name"] == report["backup"])
        assert backup["revisions"] == report["from"] and backup["bytes"] > 0
        assert meaning(backup["path"]) == seen[words[0]], "the backup means what the database meant"
    assert control("upgrade").json["backup"] is None, "nothing to do, nothing to back up"


def test_a_backup_is_restored_into_the_file_that_an_application_has_open(control, database):
    if shutil.which("sqlite3") is None:
        pytest.skip("sqlite3 is not installed")
    before = at_first_revision(control)
    backup = control("upgrade").json["backup"]
    path = next(one["path"] for one in control("backups").json["backups"] if one["name"] == backup)
    with closing(sqlite3.connect(database)) as application:
        assert application.execute("SELECT count(*) FROM job_queue").fetchone() == (0,)
        subprocess.run(["sqlite3", str(database), f".restore '{path}'"], check=True, timeout=60)
        assert application.execute("SELECT name FROM users").fetchall() == [("Ada",)]
    assert meaning(database) == before
    assert control("upgrade").exit_code == 0


# What stands in the place of the database


def is_text(path):
    path.write_text("this is no database, it is a letter\n" * 200, encoding="utf-8")


def is_cut_off(path):
    whole = path.with_name("whole.db")
    run_sql(whole, "CREATE TABLE a (x); CREATE TABLE b (y); CREATE INDEX i ON a (x);")
    path.write_bytes(whole.read_bytes()[:5000])


def has_a_second_name(path):
    run_sql(path, "CREATE TABLE a (x);")
    path.with_name("other.db").hardlink_to(path)


ODD_FILES = [
    ("directory", lambda path: path.mkdir()),
    ("fifo", os.mkfifo),
    ("text file", is_text),
    ("cut off", is_cut_off),
    ("two hard links", has_a_second_name),
]


def bytes_of(path):
    return path.read_bytes() if path.is_file() else path.stat().st_mode


@pytest.mark.parametrize("verb", ["upgrade", "stamp"])
@pytest.mark.parametrize("make", [make for _, make in ODD_FILES], ids=[name for name, _ in ODD_FILES])
def test_a_file_that_is_no_database_is_refused_and_left_alone(control, database, make, verb):
    make(database)
    before = bytes_of(database)
    answer = control(verb, "head")
    assert (answer.code, answer.exit_code) == ("database-unusable", WRONG_DATABASE), answer.text
    assert str(database.name) in answer.problem["detail"]
    assert bytes_of(database) == before


@pytest.mark.parametrize("make", [make for _, make in ODD_FILES], ids=[name for name, _ in ODD_FILES])
def test_current_says_why_a_file_cannot_be_read(control, database, make):
    make(database)
    answer = control("current")
    assert "database-unusable" in answer.text or answer.json.get("verdict") is not None, answer.text


def test_an_empty_file_is_an_empty_database(control, database):
    database.touch()
    assert control("current").exit_code == 0
    assert database.stat().st_size == 0, "reading writes nothing"
    assert control("upgrade").exit_code == 0
    assert version_rows(database) == [HEAD]


def test_a_missing_database_is_not_made_by_reading(control, database):
    for verb in ("current", "history", "plan"):
        control(verb)
    assert list(database.parent.iterdir()) == []


def test_a_missing_directory_is_named(tmp_path):
    answer = Control(tmp_path / "nowhere/content.db", VERSIONS)("upgrade")
    assert answer.exit_code in (FAILED, WRONG_DATABASE) and "nowhere" in answer.text
    assert not (tmp_path / "nowhere").exists()


def test_a_symbolic_link_is_followed(control, database, tmp_path):
    assert control("upgrade", FIRST).exit_code == 0
    link = tmp_path / "link.db"
    link.symlink_to(database)
    assert Control(link, VERSIONS)("upgrade").exit_code == 0
    assert version_rows(database) == [HEAD]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "link.db"], "nothing stands beside the link"


@pytest.fixture
def control_of_nobody(short_directory):
    """schemadctl for a user without rights, in a place that everybody can reach."""
    short_directory.chmod(0o755)
    shutil.copytree(VERSIONS, short_directory / "versions")
    (short_directory / "data").mkdir()
    command = shutil.copy(program("schemadctl"), short_directory)
    yield Control(short_directory / "data/content.db", short_directory / "versions", command)
    (short_directory / "data").chmod(0o755)


def test_a_directory_without_write_permission(control_of_nobody):
    database = control_of_nobody.database
    before = at_first_revision(control_of_nobody)
    database.parent.chmod(0o555)
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
    database.chmod(0o444 if as_nobody else 0o660)
    answer = control_of_nobody("upgrade", **as_nobody)
    assert answer.exit_code in (FAILED, WRONG_DATABASE), answer.text
    assert answer.problem["hint"], answer.text
    assert meaning(database) == before


# What stands in the version table

TABLE = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
LOOSE = "CREATE TABLE alembic_version (version_num);"

ODD_VERSION_TABLES = [
    ("null", LOOSE + "INSERT INTO alembic_version VALUES (NULL);", "version-table-odd"),
    ("blob", LOOSE + "INSERT INTO alembic_version VALUES (x'9e9e');", "version-table-odd"),
    ("integer", LOOSE + "INSERT INTO alembic_version VALUES (12);", "version-table-odd"),
    ("duplicate", TABLE + f"INSERT INTO alembic_version VALUES ('{FIRST}'), ('{FIRST}');", "version-table-odd"),
    ("trailing space", TABLE + f"INSERT INTO alembic_version VALUES ('{FIRST} ');", "version-table-odd"),
    ("empty text", TABLE + "INSERT INTO alembic_version VALUES ('');", "version-table-odd"),
    ("view", f"CREATE VIEW alembic_version AS SELECT '{FIRST}' AS version_num;", "version-table-odd"),
    ("other column", "CREATE TABLE alembic_version (revision TEXT);", "version-table-odd"),
    ("unknown", TABLE + "INSERT INTO alembic_version VALUES ('abc123');", "database-revision-unknown"),
]


@pytest.mark.parametrize("verb", ["upgrade head", "downgrade base"])
@pytest.mark.parametrize(
    "text, code", [case[1:] for case in ODD_VERSION_TABLES], ids=[case[0] for case in ODD_VERSION_TABLES]
)
def test_an_odd_version_table_is_refused_and_never_guessed(control, database, text, code, verb):
    run_sql(database, text)
    before = meaning(database)
    answer = control(*verb.split())
    assert answer.code == code, answer.text
    assert answer.exit_code == WRONG_DATABASE
    assert answer.problem.get("hint"), "it says what to do"
    assert meaning(database) == before


def test_two_rows_of_one_line_are_told_apart_from_two_branches(control, database):
    run_sql(database, TABLE + f"INSERT INTO alembic_version VALUES ('{FIRST}'), ('{HEAD}');")
    before = meaning(database)
    assert control("current").json["verdict"] == "diverged"
    answer = control("upgrade")
    assert (answer.code, answer.exit_code) == ("version-rows-overlap", WRONG_DATABASE), answer.text
    assert FIRST in answer.problem["detail"] and HEAD in answer.problem["detail"]
    assert meaning(database) == before


@pytest.mark.parametrize("text", ["", TABLE], ids=["absent", "no row"])
def test_no_version_row_means_that_nothing_was_applied(control, database, text):
    run_sql(database, text + "CREATE TABLE other (x); INSERT INTO other VALUES (1);")
    assert control("current").json["verdict"] == "empty"
    assert control("upgrade").exit_code == 0
    assert version_rows(database) == [HEAD]


def test_tables_without_version_rows_fail_as_a_statement_and_stay(control, database):
    run_sql(database, "CREATE TABLE users (id INTEGER); INSERT INTO users VALUES (7);")
    before = meaning(database)
    answer = control("upgrade")
    assert (answer.code, answer.exit_code) == ("statement-failed", FAILED)
    assert "users" in answer.problem["detail"] and answer.problem["line"] > 1
    assert answer.problem["revision"] == FIRST
    assert meaning(database) == before


# Neighbours


@contextmanager
def neighbour(path, text):
    """Another connection, in this process, inside the transaction that `text` opens."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in text.split(";"):
            connection.execute(statement).fetchall()
        yield connection
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def test_a_reader_that_stays_does_not_let_a_commit_through_in_delete_mode(control, database):
    before = at_first_revision(control)
    with neighbour(database, "BEGIN; SELECT * FROM users"):
        answer = control("upgrade", "--lock-timeout", "300")
        assert (answer.code, answer.exit_code) == ("database-busy", TRY_AGAIN), answer.text
        assert meaning(database) == before, "new readers are not locked out"
    assert control("upgrade").exit_code == 0


def test_a_reader_that_stays_does_not_hinder_a_run_in_wal_mode(control, database):
    at_first_revision(control)
    run_sql(database, "PRAGMA journal_mode=WAL")
    with neighbour(database, "BEGIN; SELECT * FROM users"):
        assert control("upgrade", "--lock-timeout", "300").exit_code == 0
    assert version_rows(database) == [HEAD]


@pytest.mark.parametrize("begin", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_writer_that_stays_is_named(control, database, begin):
    before = at_first_revision(control)
    with neighbour(database, begin):
        answer = control("upgrade", "--lock-timeout", "300")
        assert (answer.code, answer.exit_code) == ("database-busy", TRY_AGAIN), answer.text
        assert str(os.getpid()) in answer.problem["hint"], "the hint names the holder's process"
    assert meaning(database) == before
    assert control("upgrade").exit_code == 0


def test_of_many_at_once_one_does_the_work_and_the_others_find_it_done(control, database):
    at_first_revision(control)
    crowd = [
        subprocess.Popen(control.command("upgrade", "--lock-timeout", "20s"), stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    reports = [json.loads(process.communicate(timeout=60)[0]) for process in crowd]
    assert [process.returncode for process in crowd] == [0] * 8
    outcomes = sorted(report["outcome"] for report in reports)
    assert outcomes == ["nothing-to-do"] * 7 + ["succeeded"]
    assert len(control("jobs").json["jobs"]) == 2, "the journal has the first upgrade and one more"
    assert version_rows(database) == [HEAD]


@contextmanager
def schema_lock(path):
    """The lock that a run takes, held by this process."""
    with open(f"{path}.schemad-lock", "a+b") as lock_file:
        description = struct.pack("hhlli", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(lock_file, fcntl.F_OFD_SETLK, description)
        yield


def test_a_second_run_is_told_that_the_lock_is_held(control, database):
    before = at_first_revision(control)
    with schema_lock(database):
        answer = control("upgrade", "--lock-timeout", "200")
        assert (answer.code, answer.exit_code) == ("locked", TRY_AGAIN), answer.text
    assert meaning(database) == before
    assert control("upgrade").exit_code == 0


# Scripts


def write_script(directory, up, identifier="0badc0de", revises=FIRST, header=""):
    """A script whose up part begins on line 6."""
    text = (
        f"-- Hostile\n-- Revision ID: {identifier}\n-- Revises: {revises}\n-- {header or 'Create Date: 2026-01-01'}\n"
        f"-- migrate:up\n{up}\n\n-- migrate:down\n"
    )
    (directory / f"{identifier}_hostile.sql").write_text(text, encoding="utf-8")


@pytest.fixture
def hostile(database, scripts):
    """A database with rows at the first revision, and a directory in which one more script can be put."""
    shutil.copy(next(VERSIONS.glob(f"{FIRST}*")), scripts)
    return Control(database, scripts)


HOSTILE = [
    ("begin", "BEGIN;", "statement-refused"),
    ("commit", "COMMIT;", "statement-refused"),
    ("end", "END;", "statement-refused"),
    ("rollback", "ROLLBACK;", "statement-refused"),
    ("savepoint", "SAVEPOINT mine;", "statement-refused"),
    ("attach", "ATTACH 'elsewhere.db' AS elsewhere;", "statement-refused"),
    ("attach by expression", "ATTACH 'else' || 'where.db' AS elsewhere;", "statement-refused"),
    ("detach", "DETACH main;", "statement-refused"),
    ("vacuum into", "VACUUM INTO 'elsewhere.db';", None),
    ("load extension", "SELECT load_extension('elsewhere.so');", "statement-refused"),
    ("tokenizer", "SELECT fts3_tokenizer('simple', x'4141414141414141');", "statement-refused"),
    ("writable schema", "PRAGMA writable_schema = ON;", "statement-refused"),
    ("journal mode", "PRAGMA journal_mode = OFF;", "statement-refused"),
    ("synchronous", "PRAGMA synchronous = OFF;", "statement-refused"),
    ("foreign keys", "PRAGMA foreign_keys = OFF;", "statement-refused"),
    ("heap limit", "PRAGMA hard_heap_limit = 1;", "statement-refused"),
    ("version row", "UPDATE alembic_version SET version_num = 'x';", "statement-refused"),
    ("version row, qualified", 'DELETE FROM main."ALEMBIC_VERSION";', "statement-refused"),
    ("version table", "DROP TABLE alembic_version;", "statement-refused"),
    ("version table renamed", "ALTER TABLE alembic_version RENAME TO gone;", "statement-refused"),
    ("version table shadowed", "CREATE TEMP TABLE alembic_version (version_num);", "statement-refused"),
    ("trigger on it", "CREATE TRIGGER t AFTER INSERT ON alembic_version BEGIN SELECT 1; END;", "statement-refused"),
    ("schema by hand", "DELETE FROM sqlite_schema;", None),
    ("or rollback", "INSERT OR ROLLBACK INTO users SELECT * FROM users;", "transaction-ended"),
    ("raise rollback", "CREATE TRIGGER t BEFORE UPDATE ON users BEGIN SELECT RAISE(ROLLBACK, 'no'); END;\n"
                       "UPDATE users SET name = 'x';", "transaction-ended"),
    ("bound parameter", "DELETE FROM users WHERE id = :id;", "script-invalid"),
    ("explain", "EXPLAIN DELETE FROM users;", "script-invalid"),
    ("syntax", "CREATE TABEL x (y);", "statement-failed"),
    ("no such table", "INSERT INTO nowhere VALUES (1);", "statement-failed"),
    ("unterminated string", "INSERT INTO users (name) VALUES ('x);", "script-invalid"),
    ("unterminated comment", "CREATE TABLE x (y); /* and so on", "script-invalid"),
    ("dot command", ".read other.sql", "script-invalid"),
    ("cascade", "DELETE FROM users;", "foreign-keys-violated"),
    ("orphan", "INSERT INTO posts (id, content, platform, status, user_id, is_demo, created_at, updated_at)"
               " VALUES (9, 'x', 'BLOG', 'DRAFT', 999, 0, '2026', '2026');", "foreign-keys-violated"),
    ("rows lost by a trigger", "CREATE TRIGGER t AFTER UPDATE ON users BEGIN DELETE FROM posts; END;\n"
                               "UPDATE users SET name = 'x';", None),
]

# Each statement comes after one that is sound, so that there is something to roll back.
GOOD = "CREATE TABLE first_of_all (x); INSERT INTO users (linkedin_sub, email, name, created_at) " \
       "VALUES ('s2', 'b@example.org', 'Bob', '2026-01-01');"


@pytest.mark.parametrize("text, code", [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_script_changes_nothing(hostile, database, tmp_path, text, code):
    before = at_first_revision(hostile)
    write_script(hostile.scripts, GOOD + "\n" + text)
    answer = hostile("upgrade", cwd=tmp_path)
    expected_exit = WRONG_SCRIPTS if code == "script-invalid" else FAILED
    assert answer.exit_code == expected_exit, answer.text
    assert code in (None, answer.code), answer.text
    if answer.code in ("statement-refused", "statement-failed", "transaction-ended", "script-invalid"):
        assert answer.problem["file"].endswith("0badc0de_hostile.sql")
        assert answer.problem["line"] >= 7
    assert meaning(database) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "scripts"], "no other file was made"
    (hostile.scripts / "0badc0de_hostile.sql").unlink()
    write_script(hostile.scripts, GOOD)
    assert hostile("upgrade").exit_code == 0, "the next sound run succeeds"


@pytest.mark.parametrize("text", [
    "COMMIT;", "ATTACH 'elsewhere.db' AS elsewhere;", "VACUUM INTO 'elsewhere.db';", "PRAGMA journal_mode = OFF;",
    "PRAGMA synchronous = OFF;", "DELETE FROM alembic_version;", "PRAGMA writable_schema = ON;",
])
def test_outside_a_transaction_a_script_may_not_do_more(hostile, database, tmp_path, text):
    before = at_first_revision(hostile)
    write_script(hostile.scripts, text, header="Transaction: none")
    answer = hostile("upgrade", cwd=tmp_path)
    assert (answer.code, answer.exit_code) == ("statement-refused", FAILED), answer.text
    assert meaning(database) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "scripts"], "no other file was made"


@pytest.mark.parametrize("text, hint", [
    ("PRAGMA foreign_keys = OFF;", "Foreign Keys: on"),
    ("PRAGMA journal_mode = WAL;", "Transaction: none"),
    ("COMMIT;", "one transaction"),
    ("ATTACH 'x' AS x;", "backup"),
])
def test_a_refusal_says_what_to_write_instead(hostile, text, hint):
    at_first_revision(hostile)
    write_script(hostile.scripts, text)
    assert hint in hostile("upgrade").problem["hint"]


def test_an_endless_statement_is_stopped_at_the_timeout(hostile, database):
    before = at_first_revision(hostile)
    write_script(hostile.scripts, GOOD + "\nWITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)\n"
                                         "SELECT count(*) FROM c;")
    answer = hostile("upgrade", "--timeout", "300")
    assert answer.exit_code in (FAILED, CANCELLED), answer.text
    assert meaning(database) == before


REBUILD = """
CREATE TABLE posts_new AS SELECT * FROM posts;
DROP TABLE posts;
ALTER TABLE posts_new RENAME TO posts;
"""


def test_a_rebuild_that_loses_a_trigger_is_stopped_with_its_name(hostile, database):
    at_first_revision(hostile)
    run_sql(database, "CREATE TRIGGER remember AFTER UPDATE ON posts BEGIN SELECT 1; END;")
    before = meaning(database)
    write_script(hostile.scripts, REBUILD)
    answer = hostile("upgrade")
    assert (answer.code, answer.exit_code) == ("loss-unannounced", FAILED), answer.text
    assert "remember" in answer.problem["detail"]
    assert meaning(database) == before


def test_a_rebuild_of_a_parent_keeps_the_children(hostile, database):
    at_first_revision(hostile)
    run_sql(database, """
        CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id) ON DELETE CASCADE);
        INSERT INTO notes (user_id) SELECT 1 FROM posts;
    """)
    write_script(hostile.scripts, """
        CREATE TABLE users_new (id INTEGER PRIMARY KEY, linkedin_sub TEXT, email TEXT, name TEXT, created_at TEXT);
        INSERT INTO users_new SELECT id, linkedin_sub, email, name, created_at FROM users;
        DROP TABLE users;
        ALTER TABLE users_new RENAME TO users;
    """)
    answer = hostile("upgrade")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,), answer.text


# Files among the scripts


def is_fifo(directory):
    os.mkfifo(directory / "aaaa_fifo.sql")


def is_device(directory):
    os.mknod(directory / "aaaa_device.sql", 0o20666, os.makedev(1, 5))


def is_too_large(directory):
    with open(directory / "aaaa_large.sql", "wb") as large:
        large.truncate(16 * 1024 * 1024 + 1)


def leads_out(directory):
    (directory / "aaaa_link.sql").symlink_to("/etc/hostname")


def repeats(directory):
    shutil.copy(next(directory.glob(f"{FIRST}*")), directory / "zzzz_copy.sql")


def has_no_parent(directory):
    write_script(directory, "SELECT 1;", identifier="aaaa", revises="nobody")


def is_circular(directory):
    write_script(directory, "SELECT 1;", identifier="aaaa", revises="bbbb")
    write_script(directory, "SELECT 1;", identifier="bbbb", revises="aaaa")


@pytest.mark.parametrize("put, code, words", [
    (is_fifo, "script-unreadable", ["aaaa_fifo.sql"]),
    (is_device, "script-unreadable", ["aaaa_device.sql"]),
    (is_too_large, "script-unreadable", ["aaaa_large.sql"]),
    (leads_out, "script-unreadable", ["aaaa_link.sql"]),
    (repeats, "revision-duplicate", [FIRST, "zzzz_copy.sql"]),
    (has_no_parent, "parent-missing", ["nobody", "aaaa_hostile.sql"]),
    (is_circular, "graph-cycle", ["aaaa", "bbbb"]),
], ids=lambda case: getattr(case, "__name__", None))
def test_a_bad_file_among_the_scripts_is_named(hostile, database, put, code, words):
    before = at_first_revision(hostile)
    try:
        put(hostile.scripts)
    except PermissionError as error:
        pytest.skip(f"this needs root: {error}")
    answer = hostile("upgrade")
    assert (answer.code, answer.exit_code) == (code, WRONG_SCRIPTS), answer.text
    assert [word for word in words if word not in answer.text] == []
    assert meaning(database) == before


def test_a_script_from_another_system_runs(hostile, database):
    at_first_revision(hostile)
    write_script(hostile.scripts, "CREATE TABLE from_afar (x);")
    path = hostile.scripts / "0badc0de_hostile.sql"
    text = path.read_text(encoding="utf-8").rstrip("\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert hostile("upgrade").exit_code == 0
    assert "from_afar" in "".join(meaning(database))


# A full disk

ON_A_SMALL_DISK = """
set -eu
disk=$1 kilobytes=$2
shift 2
mount -t tmpfs -o size=${kilobytes}k,mode=755 none "$disk"
cp "$disk.before.db" "$disk/content.db"
status=0
"$@" >"$disk.answer" 2>/dev/null || status=$?
sqlite_files=$(ls "$disk"); for name in $sqlite_files; do
    case $name in content.db*) test ! -f "$disk/$name" || cp "$disk/$name" "$disk.after.${name#content.}";; esac
done
mount -o remount,size=64m "$disk"
"$@" >/dev/null
cp "$disk/content.db" "$disk.again.db"
exit $status
"""


def run_on_a_small_disk(disk, kilobytes, original, command):
    """What a command answers on a disk of this size; leaves <disk>.after.db and <disk>.again.db (with room again)."""
    disk.mkdir()
    shutil.copy(original, f"{disk}.before.db")
    subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", ON_A_SMALL_DISK, "sh",
         str(disk), str(kilobytes), *command],
        capture_output=True, timeout=60, check=False,
    )
    return json.loads(Path(f"{disk}.answer").read_text(encoding="utf-8"))


@pytest.fixture
def small_disks(tmp_path):
    probe = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root and a mount namespace")
    (tmp_path / "disks").mkdir()
    return tmp_path / "disks"


def test_a_disk_without_room_for_the_backup_is_told_before_anything_happens(control, database, small_disks):
    before = at_first_revision(control)
    small = Control(small_disks / "one/content.db", VERSIONS)
    answer = run_on_a_small_disk(small_disks / "one", 400, database, small.command("upgrade"))
    assert answer["code"] == "space-short" and "needs" in answer["detail"]
    assert meaning(f"{small_disks}/one.after.db") == before


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_disk_that_fills_up_leaves_the_database_as_before_or_as_after(
        hostile, database, small_disks, tmp_path, journal_mode):
    at_first_revision(hostile)
    run_sql(database, f"PRAGMA journal_mode = {journal_mode}")
    original = shutil.copy(database, tmp_path / "original.db")
    before = meaning(database)
    write_script(hostile.scripts, """
        CREATE TABLE filler (x);
        INSERT INTO filler WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
            SELECT zeroblob(1000) FROM n;
        UPDATE users SET name = 'Grace';
        DROP TABLE filler;
        CREATE TABLE last_of_all (x);
    """)
    assert hostile("upgrade").exit_code == 0
    after, outcomes = meaning(database), set()

    for kilobytes in range(1300, 7000, 300):
        disk = small_disks / str(kilobytes)
        small = Control(disk / "content.db", hostile.scripts)
        command = small.command("--state", str(tmp_path / f"state-{kilobytes}"), "upgrade", "--backup", "never")
        answer = run_on_a_small_disk(disk, kilobytes, original, command)
        found = meaning(f"{disk}.after.db")
        assert found in (before, after), f"{kilobytes} KiB: neither before nor after"
        assert (answer.get("outcome") == "succeeded") == (found == after), f"{kilobytes} KiB: not true: {answer}"
        assert answer.get("code") in (None, "space-short"), answer
        assert meaning(f"{disk}.again.db") == after, f"{kilobytes} KiB: with room again it goes on"
        outcomes.add(answer.get("code"))
    assert outcomes == {None, "space-short"}, "the sizes reach from too small to enough"


# The file under a running daemon


def verdict_becomes(daemon, verdict):
    wait_until(lambda: daemon.http.get("/current").json["verdict"] == verdict, f"the verdict {verdict}")


def test_a_daemon_tells_the_truth_about_a_file_that_was_replaced(daemon, database):
    running = daemon()
    assert running.http.get("/current").json["verdict"] == "equal"
    database.unlink()
    verdict_becomes(running, "empty")
    run_sql(database, TABLE + "INSERT INTO alembic_version VALUES ('abc123');")
    verdict_becomes(running, "ahead")
    assert running.http.get("/current").json["unknown"] == ["abc123"]
    database.write_text("no database any more " * 500, encoding="utf-8")
    verdict_becomes(running, "unknown")
    assert running.http.get("/current").json["problem"]["code"] == "database-unusable"
    database.unlink()
    assert running.http.post("/upgrade").status == 200
    verdict_becomes(running, "equal")
    assert running.stop() == 0


def test_a_daemon_refuses_while_a_neighbour_writes_and_goes_on_afterwards(daemon, database):
    running = daemon("--upgrade-to", FIRST)
    before = meaning(database)
    with neighbour(database, "BEGIN EXCLUSIVE"):
        answer = running.http.post("/upgrade", {"lock_timeout_ms": 200})
        assert (answer.status, answer.json["code"]) == (503, "database-busy"), answer
        assert answer.headers["Retry-After"] and str(os.getpid()) in answer.json["hint"]
        current = running.http.get("/current").json
        assert (current["stale"], current["revisions"]) == (True, [FIRST])
    assert meaning(database) == before
    assert running.http.post("/upgrade").status == 200
    assert version_rows(database) == [HEAD]


@pytest.mark.parametrize("make, status", [(case[1], 69) for case in ODD_FILES], ids=[case[0] for case in ODD_FILES])
def test_a_daemon_on_something_that_is_no_database_ends_with_one_clear_line(daemon, database, make, status):
    make(database)
    before = bytes_of(database)
    ended = daemon(wait=None)
    assert ended.wait_exit() == status, ended.log
    assert "content.db" in ended.log
    assert bytes_of(database) == before
