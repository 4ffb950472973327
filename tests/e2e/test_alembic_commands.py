"""What Alembic, Flask-Migrate and their helper scripts can say: branches, check, merge, edit, reset and their like, with a
daemon and without, on terminals and in shells."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

from conftest import program, version_rows, write_script
from test_schemadctl import DATABASE, DONE, ELSEWHERE, NOT_ALLOWED, SCRIPTS, TARGET, USAGE, ok, on_terminal

WRITABLE = "[scripts]\nwritable = yes\n"


@pytest.fixture
def fork(scripts):
    """aaaa, then bbbb (left) and cccc."""
    write_script(scripts, "aaaa", "CREATE TABLE a (x);", "DROP TABLE a;")
    write_script(scripts, "bbbb", "CREATE TABLE b (x);", "DROP TABLE b;", "aaaa")
    write_script(scripts, "cccc", "CREATE TABLE c (x);", "DROP TABLE c;", "aaaa")
    path = scripts / "bbbb_test.sql"
    path.write_text(path.read_text().replace("-- Create Date", "-- Branch Labels: left\n-- Create Date"))
    return scripts


@pytest.fixture
def line(scripts):
    """aaaa, bbbb."""
    write_script(scripts, "aaaa", "CREATE TABLE a (x);", "DROP TABLE a;")
    write_script(scripts, "bbbb", "CREATE TABLE b (x);", "DROP TABLE b;", "aaaa")
    return scripts


@pytest.fixture
def offline(schemadctl, database, scripts):
    return lambda *words, **options: schemadctl("--database", database, "--scripts", scripts, *words, **options)


@pytest.fixture
def running(daemon, scripts):
    """The address of a daemon that left the database where it was, and may write scripts; begun when first asked for."""
    started = []

    def address():
        if not started:
            started.append(daemon("--upgrade-to", "none", wait="serving", scripts=scripts, config=WRITABLE))
        return started[0].address

    return address


@pytest.fixture
def online(schemadctl, running):
    return lambda *words, **options: schemadctl(*words, address=running(), **options)


@pytest.fixture(params=["offline", "online"])
def ask(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def here(database, scripts):
    """The words that ask nobody."""
    return [str(program("schemadctl")), "--database", str(database), "--scripts", str(scripts)]


def tables(database):
    with closing(sqlite3.connect(database)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def executable(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


# Reading


def test_branches(fork, ask):
    assert ok(ask("branches")).out == "aaaa (branchpoint)\n     -> bbbb (left) (head)\n     -> cccc (head)\n\n"
    text = ok(ask("branches", "-v")).out
    assert text.startswith("Rev: aaaa (branchpoint)\nParent: <base>\nBranches into: bbbb, cccc\n")
    assert text.endswith("     -> bbbb (left) (head), Test bbbb\n     -> cccc (head), Test cccc\n\n")
    assert [branch["id"] for branch in ok(ask("branches", "--json")).json["branches"]] == ["aaaa"]


def test_show_has_a_default_and_takes_what_names_several(line, ask):
    assert ok(ask("show")).out.startswith("Rev: bbbb (head)\nParent: aaaa\n")
    write_script(line, "cccc", "", revises="aaaa")
    assert re.findall("^Rev: (.*)$", ok(ask("show", "heads")).out, re.M) == ["bbbb (head)", "cccc (head)"]
    assert ok(ask("show", "base")).out == ""
    several = ask("show")
    assert (several.exit_code, several.out) == (TARGET, "") and "schemadctl: " in several.err


def show_what_is_gone(line, command, name):
    path = line / f"{name}_test.sql"
    text = path.read_text()
    path.unlink()
    shown = ok(command("show", name))
    assert shown.out == text and f"applied from {path}" in shown.err
    path.write_text(shown.out)
    ok(command("check"))


def test_a_script_that_is_gone_is_shown_as_it_was_applied(line, ask):
    ok(ask("upgrade"))
    show_what_is_gone(line, ask, "bbbb")


def test_so_is_one_that_others_need(line, offline):
    """A daemon would go on with the scripts that it could read last."""
    ok(offline("upgrade"))
    show_what_is_gone(line, offline, "aaaa")


def test_heads_that_are_needed(line, ask):
    write_script(line, "cccc", "")
    path = line / "cccc_test.sql"
    path.write_text(path.read_text().replace("-- Create Date", "-- Depends On: bbbb\n-- Create Date"))
    assert ok(ask("heads")).out == "bbbb (effective head)\ncccc (head)\n"
    assert ok(ask("heads", "--resolve-dependencies")).out == "cccc (head)\n"


def test_check_heads_knows_heads_that_are_implied(line, ask):
    behind = ask("current", "--check-heads")
    assert behind.exit_code == ELSEWHERE and "not at every head (bbbb)" in behind.err
    write_script(line, "cccc", "")
    path = line / "cccc_test.sql"
    path.write_text(path.read_text().replace("-- Create Date", "-- Depends On: bbbb\n-- Create Date"))
    ok(ask("upgrade", "heads"))
    ok(ask("current", "--check-heads"))


@pytest.mark.parametrize("locale, first", [
    ("C", "*    dddd (left) (head) (mergepoint), Test dddd\n|\\\n"),
    ("C.UTF-8", "●    dddd (left) (head) (mergepoint), Test dddd\n├─╮\n")])
def test_a_graph_in_what_the_terminal_can(fork, ask, locale, first):
    write_script(fork, "dddd", "", revises="bbbb, cccc")
    text = ok(ask("history", "--graph", environment={"LC_ALL": locale})).out
    assert text.startswith(first)
    assert sorted(re.findall(r"\b([a-d]{4})\b(?: \(|,)", text)) == ["aaaa", "bbbb", "cccc", "dddd"]


def test_ranges_have_alembics_option(line, ask):
    assert ok(ask("history", "--rev-range", ":aaaa")).out == ok(ask("history", "-r:aaaa")).out


# Check


def test_a_check_finds_nothing_where_nothing_is(line, ask):
    ok(ask("upgrade"))
    assert ok(ask("check")).out == "nothing is amiss\n"
    assert ok(ask("check", "--json")).json == {"ok": True, "findings": []}


def spoil_nothing(_scripts, _database):
    pass


def add_head(scripts, _database):
    write_script(scripts, "cccc", "", revises="aaaa")


def change(scripts, _database):
    path = scripts / "bbbb_test.sql"
    path.write_text(path.read_text().replace("b (x)", "b (x, y)"))


def strand(_scripts, database):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'feed'")
        connection.commit()


TROUBLES = [
    ("aaaa", spoil_nothing, "not-ready", ELSEWHERE),
    ("bbbb", add_head, "heads-multiple", TARGET),
    ("bbbb", change, "script-changed", SCRIPTS),
    ("bbbb", strand, "database-revision-unknown", DATABASE),
]


@pytest.mark.parametrize("target, spoil, code, exit_code", TROUBLES, ids=[trouble[2] for trouble in TROUBLES])
def test_a_check_tells_the_worst_first(line, database, ask, target, spoil, code, exit_code):
    ok(ask("upgrade", target))
    spoil(line, database)
    result = ask("check")
    assert result.exit_code == exit_code, result
    assert "\n  hint: " in result.out and "the check found" in result.err
    findings = ask("check", "--json")
    assert (findings.exit_code, findings.json["ok"], findings.json["findings"][0]["code"]) == (exit_code, False, code)
    assert findings.json["findings"][0]["hint"]


# SQL


def run_shell(database, sql):
    if shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 shell is not installed")
    return subprocess.run(["sqlite3", str(database)], input=sql, capture_output=True, text=True, timeout=60, check=False)


def test_sql_is_a_run_for_the_shell(line, database, tmp_path, ask):
    other = tmp_path / "other.db"
    run = run_shell(other, ok(ask("upgrade", "--sql")).out)
    assert (run.returncode, run.stderr, version_rows(other)) == (0, "", ["bbbb"])
    assert tables(other) == {"a", "b", "alembic_version"}
    again = run_shell(other, ok(ask("upgrade", "base:head", "--sql")).out)
    assert again.returncode != 0 and "the database must be at base" in again.stderr
    run_shell(other, ok(ask("downgrade", "bbbb:aaaa", "--sql", "--transaction", "revision")).out)
    assert (version_rows(other), "b" in tables(other)) == (["aaaa"], False)
    run_shell(other, ok(ask("stamp", "aaaa:head", "--sql")).out)
    assert version_rows(other) == ["bbbb"]
    assert not database.exists() or version_rows(database) == []


def test_sql_begins_where_the_database_is(line, database, ask):
    ok(ask("upgrade", "aaaa"))
    run = run_shell(database, ok(ask("upgrade", "current:head", "--sql")).out)
    assert (run.stderr, version_rows(database)) == ("", ["bbbb"])


def test_a_downgrade_as_sql_needs_both_ends(line, ask):
    assert ask("downgrade", "--sql").exit_code == TARGET


def test_sql_needs_no_database(line, schemadctl):
    assert "CREATE TABLE a (x)" in ok(schemadctl("--scripts", line, "upgrade", "aaaa", "--sql")).out


# Changing


def test_ensure_version_makes_the_table_and_no_more(line, database, ask):
    ok(ask("ensure_version"))
    assert tables(database) == {"alembic_version"} and version_rows(database) == []
    ok(ask("upgrade"))
    ok(ask("ensure_version"))
    assert version_rows(database) == ["bbbb"]


def test_several_targets_are_stamped_at_once(fork, database, ask):
    ok(ask("stamp", "bbbb", "cccc"))
    assert version_rows(database) == ["bbbb", "cccc"]
    ok(ask("stamp", "--purge", "aaaa"))
    assert version_rows(database) == ["aaaa"]


def put_row(database):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO a VALUES (1)")
        connection.commit()


def count_rows(database):
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT count(*) FROM a").fetchone()[0]


def test_reset_goes_down_and_up_and_keeps_a_backup(line, database, ask):
    ok(ask("upgrade"))
    put_row(database)
    result = ok(ask("reset", "--yes"))
    assert "is at bbbb: a backup, then 2 revisions down and 2 up" in result.err
    lines = result.out.splitlines()
    assert [text.split(",")[0] for text in lines[1:]] == [
        "Running downgrade bbbb -> aaaa", "Running downgrade aaaa -> ", "Running upgrade  -> aaaa",
        "Running upgrade aaaa -> bbbb"]
    assert (version_rows(database), count_rows(database)) == (["bbbb"], 0)
    backups = ok(ask("backups", "--json")).json["backups"]
    assert [backup["name"] for backup in backups] == [lines[0]]
    assert count_rows(backups[0]["path"]) == 1


def test_reset_without_a_terminal_has_to_be_told_yes(line, database, ask):
    ok(ask("upgrade"))
    put_row(database)
    result = ask("reset")
    assert result.exit_code == USAGE and "--yes" in result.err
    assert count_rows(database) == 1


@pytest.mark.parametrize("answer, exit_code, rows", [(b"y\n", DONE, 0), (b"\n", 10, 1), (b"no\n", 10, 1)])
def test_reset_asks_on_a_terminal(line, database, offline, here, answer, exit_code, rows):
    ok(offline("upgrade"))
    put_row(database)
    ended, text = on_terminal([*here, "reset"], typed=[(b"[y/N] ", answer)])
    assert (ended, count_rows(database)) == (exit_code, rows), text
    assert f"Reset {database}?" in text


def test_reset_of_several_heads_is_refused_before_anything_is_done(fork, database, ask):
    ok(ask("upgrade", "heads"))
    result = ask("reset", "--yes")
    assert (result.exit_code, result.out) == (TARGET, "")
    assert version_rows(database) == ["bbbb", "cccc"]


def test_reset_of_what_has_no_way_back_is_refused_before_anything_is_done(line, database, ask):
    path = line / "bbbb_test.sql"
    path.write_text(path.read_text().replace("-- Create Date", "-- Irreversible: gone is gone\n-- Create Date")
                    .replace("DROP TABLE b;", ""))
    ok(ask("upgrade", "heads"))
    result = ask("reset", "--yes")
    assert (result.exit_code, result.out) == (TARGET, "")
    assert version_rows(database) == ["bbbb"]


def test_reset_that_fails_says_where_the_backup_is(line, database, ask):
    ok(ask("upgrade"))
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE a")
        connection.commit()
    result = ask("reset", "--yes")
    assert result.exit_code != DONE and version_rows(database) == ["bbbb"]
    name = result.out.splitlines()[0]
    assert f"the backup of before is {name}\n" in result.err
    assert [backup["name"] for backup in ask("backups", "--json").json["backups"]] == [name]


# Writing scripts


def test_a_new_script_is_told_by_its_path(line, ask):
    path = re.fullmatch(r"Generating (.*) \.\.\.  done\n", ok(ask("create", "Add a thing")).out)[1]
    assert path.startswith(f"{line}/") and path.endswith("_add_a_thing.sql")
    answer = ok(ask("revision", "-m", "more", "--rev-id", "dddd", "--json")).json
    assert (answer["id"], os.path.basename(answer["path"])) == ("dddd", "dddd_more.sql")
    assert ok(ask("history", "-r", "bbbb:")).out.count("\n") == 3


def test_heads_are_merged(fork, database, ask):
    refused = ask("revision", "-m", "x")
    assert refused.exit_code == TARGET and "merge heads" in refused.err
    ok(ask("merge", "-m", "join", "--rev-id", "dddd", "--branch-label", "both", "heads"))
    assert ok(ask("heads")).out == "dddd (both, left) (head) (mergepoint)\n".replace(" (mergepoint)", "")
    ok(ask("upgrade"))
    assert version_rows(database) == ["dddd"]
    nothing = ask("merge", "heads")
    assert nothing.exit_code == TARGET and "nothing to merge" in nothing.err


def test_a_branch_is_made_by_splicing(line, ask):
    refused = ask("revision", "--head", "aaaa", "-m", "x")
    assert refused.exit_code == TARGET and "--splice" in refused.err
    ok(ask("revision", "--head", "aaaa", "--splice", "--branch-label", "side", "--rev-id", "cccc"))
    assert "cccc (side) (head)" in ok(ask("branches")).out


def test_a_script_gets_its_sql_from_a_file(line, database, offline, online, tmp_path):
    sql = tmp_path / "some.sql"
    sql.write_text("CREATE TABLE d (x);\n", encoding="utf-8")
    ok(offline("revision", "-m", "x", "--sql-file", sql))
    ok(offline("upgrade"))
    assert "d" in tables(database)
    refused = online("revision", "-m", "x", "--sql-file", sql)
    assert refused.exit_code == USAGE and "takes no SQL" in refused.err
    sql.write_bytes(b"CREATE\0")
    assert offline("revision", "-m", "x", "--sql-file", sql).exit_code == USAGE


def test_names_and_dates_of_files(line, offline):
    path = ok(offline("revision", "-m", "some words here", "--rev-id", "cccc", "--file-template",
                      "%(year)d/%(slug)s", "--slug-length", "10", "--timezone", "utc", "--json")).json["path"]
    assert re.fullmatch(rf"{line}/\d{{4}}/some_words_\.sql", path) or re.fullmatch(rf"{line}/\d{{4}}/some_\.sql", path)
    with open(path, encoding="utf-8") as file:
        assert re.search(r"^-- Create Date: \S+ \S+\+00:00$", file.read(), re.M)


def test_a_daemon_writes_only_where_it_may(line, schemadctl, daemon):
    running = daemon("--upgrade-to", "none", wait="serving", scripts=line)
    for words in (["revision", "-m", "x"], ["create", "x"], ["merge", "heads"]):
        refused = schemadctl(*words, address=running.address)
        assert refused.exit_code == NOT_ALLOWED and "writable" in refused.err
    assert sorted(path.name for path in line.iterdir()) == ["aaaa_test.sql", "bbbb_test.sql"]


def test_init_makes_an_empty_directory_and_says_what_comes_next(schemadctl, tmp_path):
    result = ok(schemadctl("init", cwd=tmp_path))
    assert result.out.startswith("Creating directory migrations/versions ...  done\n")
    words = re.search(r"^Next: schemadctl (.*) -m", result.out, re.M)[1].split()
    ok(schemadctl(*words, "-m", "first", cwd=tmp_path))
    taken = schemadctl("init", cwd=tmp_path)
    assert taken.exit_code == USAGE and "is not empty" in taken.err
    ok(schemadctl("init", "elsewhere", cwd=tmp_path))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_init_tells_how_a_database_is_taken_over(schemadctl, offline, line, database, tmp_path):
    """What it says is done, word by word: the database stays where it is, and a new one becomes the same."""
    ok(offline("upgrade"))
    text = ok(schemadctl("--database", database, "init", "new", cwd=tmp_path)).out
    assert f"{database} was migrated before, it is at bbbb." in text
    commands = text[text.index("  sqlite3"):].replace("schemadctl", str(program("schemadctl")))
    if shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 shell is not installed")
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, check=True, timeout=60, capture_output=True)
    there = ["--scripts", tmp_path / "new"]
    assert ok(schemadctl("--database", database, *there, "current")).out == "bbbb (head)\n"
    ok(schemadctl("--database", tmp_path / "other.db", *there, "upgrade"))
    assert tables(tmp_path / "other.db") == tables(database)


# The editor


def test_edit_opens_the_scripts_that_are_meant(fork, schemadctl, tmp_path):
    editor = executable(tmp_path / "editor", f'printf "%s\\n" "$@" >{tmp_path}/seen')
    for name, files in (("heads", ["bbbb_test.sql", "cccc_test.sql"]), ("aaaa", ["aaaa_test.sql"])):
        ok(schemadctl("--scripts", fork, "edit", name, environment={"VISUAL": f"{editor} --wait", "EDITOR": "false"}))
        assert (tmp_path / "seen").read_text().splitlines() == ["--wait", *(str(fork / file) for file in files)]


def test_edit_tells_what_the_editor_left_wrong(line, schemadctl, tmp_path):
    editor = executable(tmp_path / "editor", 'echo "-- migrate:up" >>"$1"')
    result = schemadctl("--scripts", line, "edit", environment={"VISUAL": "", "EDITOR": str(editor)})
    assert result.exit_code == SCRIPTS and re.search(r"bbbb_test\.sql:\d+:\d+: ", result.err), result
    assert (line / "bbbb_test.sql").read_text().count("-- migrate:up") == 2


def test_edit_of_nothing_and_an_editor_that_fails(line, schemadctl):
    assert schemadctl("--scripts", line, "edit", "base", environment={"VISUAL": "true"}).exit_code == TARGET
    failed = schemadctl("--scripts", line, "edit", environment={"VISUAL": "false"})
    assert failed.exit_code == 1 and "ended with status 1" in failed.err


# The pager


@pytest.fixture
def pager(tmp_path):
    """A pager that says that it was there."""
    return {"SCHEMAD_PAGER": str(executable(tmp_path / "pager", "echo paged; cat")), "PAGER": "false"}


@pytest.mark.parametrize("words, is_paged", [
    (["history"], True), (["show"], True), (["branches"], True), (["plan", "-v"], True), (["--help"], True),
    (["history", "--help"], True), (["plan"], False), (["current"], False), (["history", "--no-pager"], False),
    (["history", "-q"], False), (["--version"], False)])
def test_long_answers_are_paged_on_a_terminal(line, here, pager, words, is_paged):
    status, text = on_terminal([*here, *words], pager)
    assert (status, text.startswith("paged\r\n")) == (DONE, is_paged), text


def test_nothing_is_paged_elsewhere(line, offline, pager):
    assert "paged" not in ok(offline("history", environment=pager)).out


def test_a_pager_that_is_left_early_is_no_failure(scripts, here, tmp_path):
    for number in range(300):
        write_script(scripts, f"r{number:04}", "", revises=f"r{number - 1:04}" if number else "", message="x" * 500)
    leaves = executable(tmp_path / "leaves", "read line; exit 3")
    assert on_terminal([*here, "history"], {"SCHEMAD_PAGER": str(leaves)}) == (DONE, "")
    status, text = on_terminal([*here, "show", "nosuch"], {"SCHEMAD_PAGER": str(leaves)})
    assert status == TARGET and "nosuch" in text


def test_interrupts_are_the_pagers(line, here, tmp_path):
    """Two of them, which end schemadctl where nothing is paged."""
    stays = executable(tmp_path / "stays", "n=0; trap 'n=$((n + 1)); echo heard $n' INT; cat >/dev/null; echo here\n"
                       "until read key </dev/tty; do :; done; echo left")
    status, text = on_terminal([*here, "history"], {"SCHEMAD_PAGER": str(stays)},
                               typed=[(b"here", b"\x03"), (b"heard 1", b"\x03"), (b"heard 2", b"\n")])
    assert (status, "left" in text) == (DONE, True), text


# Completion


def complete(here, *words):
    """What the last word can become."""
    run = subprocess.run([here[0], "complete", "--", *words], capture_output=True, text=True, timeout=60, check=False,
                         stdin=subprocess.DEVNULL)
    assert (run.returncode, run.stderr) == (0, "")
    return [line.split("\t")[0] for line in run.stdout.splitlines()]


@pytest.mark.parametrize("words, texts", [
    (["upg"], ["upgrade"]),
    (["ba"], ["backup", "backups"]),
    (["comp"], ["completion"]),
    (["completion", ""], ["bash", "zsh", "fish"]),
    (["history", "--gr"], ["--graph"]),
    (["--col"], ["--color"]),
    (["heads", "--color", "a"], ["auto", "always"]),
    (["heads", "--color=n"], ["--color=never"]),
    (["current", "--gr"], []),
    (["nosuch", "--gr"], []),
    (["current", ""], []),
])
def test_words_are_completed_from_the_tables(here, words, texts):
    assert complete(here, *words) == texts


def test_revisions_and_jobs_are_completed_from_whom_the_words_name(fork, offline, here, database):
    ok(offline("upgrade", "bbbb", "--backup", "never"))
    job = ok(offline("jobs", "--json")).json["jobs"][0]["id"]
    where = here[1:]
    assert complete(here, *where, "show", "") == ["head", "heads", "base", "current", "left", "bbbb", "cccc", "aaaa"]
    assert complete(here, *where, "upgrade", "b") == ["base", "bbbb"]
    assert complete(here, "upgrade", *where, "left@h") == ["left@head", "left@heads"]
    assert complete(here, *where, "history", "-r", "aaaa:c") == ["aaaa:current", "aaaa:cccc"]
    assert complete(here, *where, "upgrade", "--expect", "cc") == ["cccc"]
    assert complete(here, *where, "jobs", "") == [job]
    assert complete(here, "--database", f"{database}/nowhere", "jobs", "") == []


def test_a_daemon_is_asked_for_them_too(fork, online, running, here):
    job = ok(online("upgrade", "bbbb", "--json")).json["id"]
    where = ["--socket", str(running())]
    assert complete(here, *where, "merge", "c") == ["current", "cccc"]
    assert complete(here, *where, "jobs", job[:4]) == [job]
    assert complete(here, "--socket", "/nonexistent", "show", "he") == ["head", "heads"]


def shell(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run_script(words, script, here):
    """The lines that a shell prints."""
    path = f"{os.path.dirname(here[0])}:{os.environ['PATH']}"
    run = subprocess.run([*words, script], capture_output=True, text=True, timeout=60, check=False,
                         stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path})
    assert (run.returncode, run.stderr) == (0, ""), run
    return run.stdout.splitlines()


# A command line, what its last word becomes, and what of this bash leaves away as it stands on the line already.
LINES = [
    ("upgr", ["upgrade"], ""),
    ("upgrade ", ["head", "heads", "base", "current", "left", "bbbb", "cccc", "aaaa"], ""),
    ("upgrade left@h", ["left@head", "left@heads"], "left@"),
    ("history -r aaaa:c", ["aaaa:current", "aaaa:cccc"], "aaaa:"),
    ("heads --color=n", ["--color=never"], "--color="),
    ("nosuch nosuch", [], ""),
]

COMPLETE_IN_BASH = r"""
source <(schemadctl completion bash)
COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
COMP_LINE='%s'
COMP_POINT=${#COMP_LINE}
_schemadctl
for text in "${COMPREPLY[@]}"; do echo "$text"; done
"""

# The widgets of zsh need a line editor; what is handed to them does not.
COMPLETE_IN_ZSH = r"""
compdef() { }
compadd() { print -rl -- $texts }
_files() { }
source <(schemadctl completion zsh)
words=(%s)
CURRENT=$#words
_schemadctl
"""


@pytest.mark.parametrize("line, texts, there", LINES, ids=[line[0] for line in LINES])
def test_bash_completes(fork, here, line, texts, there):
    script = COMPLETE_IN_BASH % f"schemadctl --scripts {fork} {line}"
    assert run_script([shell("bash"), "-c"], script, here) == [text.removeprefix(there) for text in texts]


@pytest.mark.parametrize("line, texts, there", LINES, ids=[line[0] for line in LINES])
def test_zsh_completes(fork, here, line, texts, there):
    words = " ".join(f"'{word}'" for word in f"schemadctl --scripts {fork} {line}".split(" "))
    assert run_script([shell("zsh"), "-fc"], COMPLETE_IN_ZSH % words, here) == texts


@pytest.mark.parametrize("line, texts, there", LINES, ids=[line[0] for line in LINES])
def test_fish_completes(fork, here, line, texts, there):
    script = f"schemadctl completion fish | source; complete -C 'schemadctl --scripts {fork} {line}'"
    found = [text.split("\t")[0] for text in run_script([shell("fish"), "--no-config", "-c"], script, here)]
    assert sorted(found) == sorted(texts)


def test_there_is_no_completion_for_other_shells(schemadctl):
    refused = schemadctl("completion", "csh")
    assert refused.exit_code == USAGE and "bash, fish and zsh" in refused.err
