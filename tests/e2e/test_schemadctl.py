"""schemadctl: every command, with and without a daemon, in the same words; exit codes, JSON, terminals, signals."""

import fcntl
import http.server
import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import stat
import struct
import subprocess
import termios
import threading
from contextlib import closing

import pytest

from conftest import ROOT, TIMEOUT, VERSIONS, program, slow_sql, version_rows, wait_until, write_script

BASE, FIRST, HEAD = [], "9e9e70a4a06b", "c7f8a9b0d1e2"
CHAIN = ["9e9e70a4a06b", "4864d1c47cec", "4a0e3b03ab4c", "b5e9f2a1c3d4", "c7f8a9b0d1e2"]

DONE, FAILED, USAGE, TRY_AGAIN, ELSEWHERE, TARGET, SCRIPTS, DATABASE, NOT_ALLOWED, UNREACHABLE, CANCELLED = range(11)


@pytest.fixture
def offline(schemadctl, database):
    """offline(*words, ...) works on `database` itself."""

    def run(*words, scripts=VERSIONS, **options):
        return schemadctl("--database", database, "--scripts", scripts, *words, **options)

    return run


@pytest.fixture
def online(schemadctl, daemon):
    """online(*words, ...) asks a daemon on `database` that left it where it was."""
    running = []

    def run(*words, scripts=VERSIONS, **options):
        if not running:
            running.append(daemon("--upgrade-to", "none", wait="serving", scripts=scripts))
        return schemadctl(*words, address=running[0].address, **options)

    return run


def ok(result):
    assert result.exit_code == DONE, result
    return result


# The daily round, without a daemon


def test_upgrade_prints_alembics_lines(offline, database):
    result = ok(offline("upgrade"))
    lines = result.out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"Running upgrade {down} -> {up}" for down, up in zip(["", *CHAIN], CHAIN)]
    assert result.err == ""
    assert version_rows(database) == [HEAD]


def test_a_database_that_is_there_already_prints_nothing(offline):
    ok(offline("upgrade"))
    result = ok(offline("upgrade"))
    assert (result.out, result.err) == ("", "")


def test_current_follows_the_database(offline):
    assert ok(offline("current")).out == ""
    for revision in CHAIN:
        ok(offline("upgrade", "+1"))
        mark = " (head)" if revision == HEAD else ""
        assert ok(offline("current")).out == f"{revision}{mark}\n"


def test_downgrade_takes_its_target_as_it_is_written(offline, database):
    ok(offline("upgrade"))
    result = ok(offline("downgrade", "-1"))
    assert result.out.startswith(f"Running downgrade {HEAD} -> {CHAIN[3]}, ")
    ok(offline("downgrade"))
    assert version_rows(database) == [CHAIN[2]]
    ok(offline("downgrade", "base"))
    assert version_rows(database) == []


def test_stamp_records_without_running(offline, database):
    assert ok(offline("stamp", CHAIN[2])).out == f"Running stamp_revision  -> {CHAIN[2]}\n"
    assert ok(offline("stamp", "--purge", HEAD)).out == f"Running stamp_revision {CHAIN[2]} -> {HEAD}\n"
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'users'").fetchall() == []


def test_a_dry_run_changes_nothing(offline, database):
    result = ok(offline("upgrade", "--dry-run"))
    assert result.out.count("Would run upgrade") == 5
    assert not database.exists()


def test_plan_names_what_each_statement_does(offline):
    text = ok(offline("plan", "+1")).out
    assert text.startswith(f"Would run upgrade  -> {FIRST}, ")
    assert "    CREATE TABLE users\n" in text
    ok(offline("upgrade"))
    assert ok(offline("plan")).out == ""
    text = ok(offline("plan", "--down", "base")).out
    assert f"Would run downgrade {FIRST} -> , " in text and "    DROP TABLE users (destructive)\n" in text


def test_plan_in_detail_is_sql_that_runs(offline):
    sql = ok(offline("plan", "-v")).out
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(sql)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {"users", "posts", "job_queue"} <= tables


def test_backup_is_printed_listed_and_opens(offline, database):
    ok(offline("upgrade", "--backup", "never"))
    name = ok(offline("backup")).out.strip()
    row = ok(offline("backups")).out.split()
    assert row[0] == name and row[-1] == HEAD
    backup = json.loads(ok(offline("backups", "--json")).out)["backups"][0]
    assert backup["bytes"] == os.stat(backup["path"]).st_size
    assert version_rows(backup["path"]) == [HEAD]


def test_jobs_tell_who_and_why(offline):
    ok(offline("upgrade", "--reason", "release 42"))
    row = ok(offline("jobs")).out
    identifier = row.split()[0]
    assert re.search(rf"succeeded +upgrade.*<base> +-> {HEAD}.*uid {os.getuid()}\b.* by schemadctl", row)
    text = ok(offline("jobs", identifier)).out
    assert "release 42" in text and f"-> {FIRST}, " in text
    assert offline("jobs", "0" * 16).exit_code == TARGET


def test_history_has_ranges_and_marks(offline):
    ok(offline("upgrade", CHAIN[2]))
    lines = ok(offline("history")).out.splitlines()
    assert [re.search(r"-> (\w+)", line).group(1) for line in lines] == CHAIN[::-1]
    assert "(current)" not in "".join(lines)
    assert f"-> {CHAIN[2]} (current), " in ok(offline("history", "-i")).out
    assert len(ok(offline("history", "-r", f"{CHAIN[1]}:{CHAIN[2]}")).out.splitlines()) == 2
    assert len(ok(offline("history", "-r", "current:")).out.splitlines()) == 3


def test_show_gives_the_entry_and_in_detail_the_sql(offline):
    text = ok(offline("show", "head")).out
    assert text.startswith(f"Rev: {HEAD} (head)\nParent: {CHAIN[3]}\nPath: ")
    assert "CREATE TABLE" not in text
    assert "CREATE TABLE job_queue" in ok(offline("show", "-v", HEAD[:5])).out


def test_scripts_alone_are_enough_for_questions_about_scripts(schemadctl):
    for words in (["heads"], ["history"], ["show", "head"], ["heads", "-v"]):
        assert HEAD in ok(schemadctl("--scripts", VERSIONS, *words)).out
    assert schemadctl("--scripts", VERSIONS, "current").exit_code == USAGE


def test_revision_writes_a_script_that_upgrade_runs(offline, scripts, database):
    result = ok(offline("revision", "-m", "Add user preferences table", "--rev-id", "5e8c83c1a2b3", scripts=scripts))
    path = scripts / "5e8c83c1a2b3_add_user_preferences_table.sql"
    assert result.out == f"Generating {path} ...  done\n"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- Add user preferences table\n") and "-- Revision ID: 5e8c83c1a2b3\n" in text
    ok(offline("revision", "-m", "Second", scripts=scripts))
    assert len(ok(offline("history", scripts=scripts)).out.splitlines()) == 2
    assert ok(offline("upgrade", scripts=scripts)).out.startswith(
        "Running upgrade  -> 5e8c83c1a2b3, Add user preferences table\n")
    assert len(version_rows(database)) == 1


def test_revision_refuses_what_would_break_the_scripts(offline, scripts):
    ok(offline("revision", "-m", "one", "--rev-id", "aaaa", scripts=scripts))
    assert offline("revision", "--rev-id", "aaaa", scripts=scripts).exit_code == SCRIPTS
    assert offline("revision", "--rev-id", "a b", scripts=scripts).exit_code == USAGE
    assert offline("revision", "--head", "nowhere", scripts=scripts).exit_code == TARGET
    ok(offline("revision", "--head", "base", "--branch-label", "other", scripts=scripts))
    refused = offline("revision", scripts=scripts)
    assert refused.exit_code == TARGET and "2 heads" in refused.err
    assert len(list(scripts.iterdir())) == 2


def test_wait_ends_when_the_revision_is_applied(offline):
    assert offline("wait", "--timeout", "1ms").exit_code == TRY_AGAIN
    ok(offline("upgrade", CHAIN[2]))
    ok(offline("wait", "--for", CHAIN[1], "--timeout", "1ms"))
    refused = offline("wait", "--for", "head", "--timeout", "1ms")
    assert refused.exit_code == TRY_AGAIN and f"not at head yet, it is at {CHAIN[2]}" in refused.err
    assert offline("wait", "--for", "nowhere").exit_code == TARGET, "waiting would not mend that"
    ok(offline("wait", "--for", "base", "--timeout", "1ms"))
    ok(offline("upgrade"))
    ok(offline("wait", "--timeout", "1ms"))
    assert ok(offline("wait", "--for", "head", "-v")).out == f"schema is at {HEAD}\n"


def test_jobs_are_listed_by_state_and_verb_and_page_by_page(offline):
    ok(offline("upgrade", CHAIN[2]))
    assert offline("upgrade", "--expect", HEAD).exit_code == ELSEWHERE
    ok(offline("downgrade"))
    ok(offline("stamp", "head"))

    def verbs(*words):
        return [job["run"]["verb"] for job in ok(offline("jobs", "--json", *words)).json["jobs"]]

    assert verbs("--only", "succeeded") == ["stamp", "downgrade", "upgrade"]
    assert verbs("--verb", "stamp") == ["stamp"]
    assert verbs("--only", "failed", "--verb", "stamp") == []
    assert len(verbs("--limit", "2")) == 2
    first = ok(offline("jobs", "--json", "--only", "succeeded", "--limit", "1")).json
    assert first["next"] == f"/jobs?state=succeeded&limit=1&before={first['jobs'][0]['id']}"
    assert ok(offline("jobs", "--json")).json["next"] is None


def test_the_environment_stands_in_for_options(schemadctl, database):
    environment = {"SCHEMAD_DATABASE": str(database), "SCHEMAD_SCRIPTS": str(VERSIONS)}
    ok(schemadctl("upgrade", environment=environment))
    assert ok(schemadctl("current", environment=environment)).out == f"{HEAD} (head)\n"


# The same words from both sides


QUESTIONS = [
    ["current"], ["current", "-v"], ["current", "--json"],
    ["history"], ["history", "-i"], ["history", "-v"], ["history", "-r", ":current"], ["history", "--json"],
    ["history", "-r", f"{CHAIN[1]}:"], ["history", "-r", "nowhere:"], ["history", "-r", "x"],
    ["heads"], ["heads", "-v"], ["heads", "--json"],
    ["show", "head"], ["show", "-v", "4864"], ["show", "base"], ["show", "nowhere"], ["show", "--json", FIRST],
    ["plan"], ["plan", "-v"], ["plan", "+1"], ["plan", "--json"], ["plan", "--down"], ["plan", "--down", "base", "-v"],
    ["plan", "+9"], ["plan", "nowhere", "--json"],
    ["jobs"], ["jobs", "--json"], ["jobs", "0" * 16], ["jobs", "0" * 16, "--json"],
    ["jobs", "--only", "succeeded"], ["jobs", "--only", "failed", "--json"], ["jobs", "--verb", "downgrade"],
    ["jobs", "--verb", "upgrade", "--limit", "1", "--json"],
    ["backups"], ["backups", "--json"],
    ["wait", "--for", CHAIN[1]], ["wait", "--for", "head", "--timeout", "1ms"], ["wait", "--for", "nowhere"],
    ["wait", "--for", CHAIN[1], "-v"], ["wait", "--for", CHAIN[1], "--json"], ["wait", "--for", "base"],
    ["wait", "--for", "head", "--timeout", "1ms", "--json"],
    ["current", "-q"], ["upgrade", "nowhere"], ["upgrade", "nowhere", "--json"], ["upgrade", "+9", "-v"],
    ["downgrade", "head"], ["upgrade", CHAIN[2]], ["upgrade", "--expect", HEAD], ["upgrade", "--expect", HEAD, "--json"],
    ["upgrade", "--dry-run"], ["downgrade", "base", "--dry-run"], ["stamp", "head", "--dry-run"],
]

# What differs from one asking to the next: times, ids of runs, who asked; and what `ready` requires.
VOLATILE = re.compile(
    r'"(observed_at|database|age_ms|started_at|duration_ms|lock_wait_ms|elapsed_ms|queued_at|actor)": ("[^"]*"|[\d.]+|null)'
    r'|"id": "[0-9a-f]{16}"|"ready": \w+|(?m:^Run: \w+|^Duration: .*)|\([\d.]+ ms\)|(?<=content-)\d{8}T\d{6}Z|(?<=[0-9a-f])(-\d)?(?=\.db)')


def steady(text):
    return VOLATILE.sub("...", text)


@pytest.mark.parametrize("words", QUESTIONS, ids=" ".join)
def test_a_question_is_answered_alike_with_and_without_a_daemon(offline, online, words):
    ok(offline("upgrade", CHAIN[2]))
    with_daemon, without = online(*words), offline(*words)
    assert with_daemon.exit_code == without.exit_code
    assert steady(with_daemon.out) == steady(without.out)
    assert steady(with_daemon.err) == steady(without.err)


def test_status_differs_only_in_what_a_daemon_alone_knows(offline, online):
    ok(offline("upgrade", CHAIN[2]))

    def lines(result):
        return [line for line in ok(result).out.splitlines()
                if line.split(":")[0].strip() not in ("Daemon", "Status", "Ready", "Last run", "Last backup")]

    assert lines(online("status")) == lines(offline("status"))
    assert f"Revision: {CHAIN[2]}\n" in offline("status").out
    assert "behind, 2 to apply" in offline("status").out
    document = ok(online("status", "--json")).json
    assert list(document) == list(ok(offline("status", "--json")).json)


CHANGES = [
    [["upgrade"]],
    [["upgrade", "+2"], ["upgrade", "head", "-v"], ["downgrade"], ["downgrade", "base"]],
    [["stamp", CHAIN[1]], ["stamp", "base"], ["stamp", "--purge", "head"]],
    [["upgrade", "--transaction", "revision", "--backup", "never", "--reason", "why"], ["backup"]],
    [["upgrade", "--json"], ["downgrade", "-1", "--json"], ["backup", "--json"]],
    [["upgrade", "--expect", ""], ["upgrade", "--expect", CHAIN[0], "--json"], ["downgrade", "--expect", HEAD]],
]


@pytest.mark.parametrize("sequence", CHANGES, ids=lambda sequence: sequence[0][0] + str(len(sequence)))
def test_a_change_is_told_alike_with_and_without_a_daemon(online, schemadctl, database, tmp_path, sequence):
    other = tmp_path / "other" / database.name
    other.parent.mkdir()

    for words in sequence:
        with_daemon = online(*words)
        without = schemadctl("--database", other, "--scripts", VERSIONS, *words)
        assert with_daemon.exit_code == without.exit_code
        assert steady(with_daemon.out + with_daemon.err) == steady(without.out + without.err)
        assert version_rows(database) == version_rows(other)


def test_errors_in_scripts_are_told_alike(offline, online, scripts):
    write_script(scripts, "aaaa", "CREATE TABLE t (x);\nCREATE TABLE t (x);")
    for words in (["upgrade"], ["upgrade", "-v"]):
        with_daemon, without = online(*words, scripts=scripts), offline(*words, scripts=scripts)
        assert without.exit_code == with_daemon.exit_code == FAILED
        assert without.err == with_daemon.err
        assert without.err.startswith(f"schemadctl: {scripts}/aaaa_test.sql:9:")
        assert "already exists" in without.err


def test_a_loss_can_be_allowed(offline, online, database, scripts):
    write_script(scripts, "aaaa", "CREATE TABLE t (id INTEGER);\nCREATE INDEX t_id ON t (id);")
    write_script(
        scripts,
        "bbbb",
        "CREATE TABLE u (id INTEGER);\nINSERT INTO u SELECT * FROM t;\nDROP TABLE t;\nALTER TABLE u RENAME TO t;",
        revises="aaaa",
    )
    ok(offline("upgrade", "aaaa", scripts=scripts))
    refused = offline("upgrade", scripts=scripts)
    assert refused.exit_code == FAILED and 'index "t_id"' in refused.err
    assert version_rows(database) == ["aaaa"]
    assert online("upgrade", "--allow-loss", scripts=scripts).exit_code == USAGE
    ok(offline("upgrade", "--allow-loss", scripts=scripts))
    assert version_rows(database) == ["bbbb"]


# With a daemon only


def test_no_wait_prints_the_job(online, offline):
    identifier = ok(online("upgrade", "--no-wait")).out.strip()
    assert re.fullmatch("[0-9a-f]{16}", identifier)
    wait_until(lambda: "succeeded" in ok(online("jobs", identifier)).out, "the job to end")
    assert ok(online("current")).out == f"{HEAD} (head)\n"
    assert offline("upgrade", "--no-wait").exit_code == USAGE


def test_follow_says_every_step_where_there_is_no_terminal(online, offline, scripts):
    write_script(scripts, "aaaa", slow_sql(1_000_000), "DROP TABLE counted;")
    write_script(scripts, "bbbb", "CREATE TABLE t (x);", revises="aaaa")
    for result in (ok(online("upgrade", "aaaa", "--follow", scripts=scripts)),
                   ok(offline("downgrade", "--follow", scripts=scripts)),
                   ok(offline("upgrade", "--follow", scripts=scripts))):
        assert result.out.startswith("Running ")
        assert all(re.fullmatch(r"\d+:\d\d +\d+ %  \w+( aaaa| bbbb)?(, step \d of \d)?", line)
                   for line in result.err.splitlines()), result.err
        assert " running aaaa, step 1 of " in result.err
    assert " running bbbb, step 2 of 2\n" in result.err


def test_a_job_can_be_followed_to_its_end_by_others(daemon, schemadctl, scripts):
    write_script(scripts, "aaaa", slow_sql(3_000_000))
    write_script(scripts, "bbbb", "INSERT INTO nowhere VALUES (1);", revises="aaaa")
    address = daemon("--upgrade-to", "none", wait="serving", scripts=scripts).address
    done = ok(schemadctl("upgrade", "aaaa", "--no-wait", address=address)).out.strip()
    result = ok(schemadctl("jobs", done, "--follow", address=address))
    assert result.out == "Running upgrade  -> aaaa, Test aaaa\n" and "step 1 of 1" in result.err
    failed = ok(schemadctl("upgrade", "--no-wait", address=address)).out.strip()
    for _ in range(2):  # running or not: the end is the same
        result = schemadctl("jobs", failed, "--follow", address=address)
        assert result.exit_code == FAILED and "nowhere" in result.err
    assert schemadctl("jobs", "f" * 16, "--follow", address=address).exit_code == TARGET


def test_following_ends_with_an_interrupt_and_the_job_goes_on(daemon, schemadctl, scripts):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
    identifier = ok(schemadctl("upgrade", "--no-wait", address=running.address)).out.strip()
    exit_code, text = on_terminal([program("schemadctl"), "--socket", running.address, "jobs", identifier, "--follow"],
                                  interrupt_at=b"statement 1 of 1")
    assert exit_code == CANCELLED and "the job goes on" in text
    assert running.http.get(f"/jobs/{identifier}").json["state"] == "running"
    ok(schemadctl("cancel", identifier, address=running.address))
    assert schemadctl("jobs", identifier, "--follow", address=running.address).exit_code == CANCELLED


def test_one_key_is_one_run(online, offline):
    words = ["upgrade", CHAIN[0], "--idempotency-key", "release-42"]
    first, second = ok(online(*words)), ok(online(*words))
    assert first.out == second.out != ""
    assert ok(online(*words, "--no-wait")).out.strip() == ok(online("jobs", "--json")).json["jobs"][0]["id"]
    other = online("upgrade", "head", "--idempotency-key", "release-42")
    assert other.exit_code == FAILED and "key" in other.err
    assert len(ok(online("jobs", "--json")).json["jobs"]) == 1
    assert ok(online("current")).out == f"{CHAIN[0]}\n"
    assert offline(*words).exit_code == USAGE


def test_a_run_outlives_its_connection_and_a_restart_of_the_daemon(daemon, scripts, database):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
    with subprocess.Popen([program("schemadctl"), "--socket", running.address, "upgrade", "--retry", "30"],
                          stderr=subprocess.PIPE, text=True) as waiting:
        wait_until(lambda: running.http.get("/current").json["running"], "the run")
        running.signal(signal.SIGKILL)
        running.wait_exit()
        assert "trying again for up to 30 s" in waiting.stderr.readline()
        daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
        assert waiting.wait(TIMEOUT) == CANCELLED
        assert "schemadctl: " in waiting.stderr.read()
    assert not database.exists() or version_rows(database) == []


def test_a_full_queue_is_waited_for_or_told(daemon, schemadctl, scripts):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
    jobs = [ok(schemadctl("upgrade", "--no-wait", address=running.address)).out.strip()]
    while True:
        result = schemadctl("upgrade", "--no-wait", "--retry", "0", address=running.address)
        if result.exit_code != DONE:
            break
        jobs.append(result.out.strip())
    assert result.exit_code == TRY_AGAIN and len(jobs) > 1
    with subprocess.Popen([program("schemadctl"), "--socket", running.address, "upgrade", "--no-wait", "--retry", "30"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        assert "trying again" in waiting.stderr.readline()
        ok(schemadctl("cancel", jobs[-1], address=running.address))
        assert re.fullmatch("[0-9a-f]{16}\n", waiting.communicate(timeout=TIMEOUT)[0])
        assert waiting.returncode == DONE
    for identifier in jobs:
        ok(schemadctl("cancel", identifier, address=running.address))


def test_waiting_ends_as_soon_as_somebody_else_gets_there(daemon, offline):
    running = daemon("--upgrade-to", "none", wait="serving")
    with subprocess.Popen([program("schemadctl"), "--socket", running.address, "wait", "--for", CHAIN[1],
                           "--timeout", "30", "-v"], stdout=subprocess.PIPE, text=True) as waiting:
        ok(offline("upgrade", CHAIN[2]))
        assert waiting.communicate(timeout=TIMEOUT)[0] == f"schema is at {CHAIN[2]}\n"
        assert waiting.returncode == DONE


def events_of(address, path, deed, *words):
    """The lines that `events` prints from its first one until a job succeeded, and is then interrupted."""
    with open(path, "w", encoding="utf-8") as out:
        command = [program("schemadctl"), "--socket", address, "events", *words]
        with subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True) as listening:
            try:
                wait_until(lambda: path.read_text(encoding="utf-8"), "the first event")
                deed()
                wait_until(lambda: "succeeded" in path.read_text(encoding="utf-8"), "the job's end")
            finally:
                listening.send_signal(signal.SIGINT)
            assert listening.wait(TIMEOUT) == DONE
            assert listening.stderr.read() == ""
    return path.read_text(encoding="utf-8").splitlines()


def test_events_are_lines_until_it_is_interrupted(daemon, schemadctl, tmp_path):
    address = daemon("--upgrade-to", "none", wait="serving").address
    lines = events_of(address, tmp_path / "lines", lambda: ok(schemadctl("upgrade", CHAIN[0], address=address)))
    assert re.search(r"^\S+Z schema empty: base, 5 to apply, ", lines[0])
    assert any(re.search(rf"Z job [0-9a-f]{{16}} upgrade {CHAIN[0]}: succeeded$", line) for line in lines)

    lines = events_of(address, tmp_path / "json", lambda: ok(schemadctl("upgrade", address=address)), "--json")
    events = [json.loads(line) for line in lines]
    ids = [event["id"] for event in events]
    ends = [event["data"] for event in events if event["event"] == "job" and event["data"]["state"] == "succeeded"]
    assert events[0]["event"] == "current" and ids == sorted(ids)
    assert [end["run"]["to"] for end in ends] == [[HEAD]]


def test_cancel_ends_a_job_and_the_waiting_command_says_so(daemon, schemadctl, database, scripts):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
    identifier = ok(schemadctl("upgrade", "--no-wait", address=running.address)).out.strip()
    wait_until(lambda: "running" in ok(schemadctl("jobs", identifier, address=running.address)).out, "it to run")
    ok(schemadctl("cancel", identifier, address=running.address))
    wait_until(lambda: "cancelled" in ok(schemadctl("jobs", identifier, address=running.address)).out, "its end")
    assert not database.exists() or version_rows(database) == []
    assert schemadctl("cancel", "f" * 16, address=running.address).exit_code == TARGET


def test_wait_outlasts_a_daemon_that_is_not_there_yet(daemon, short_directory, schemadctl):
    with subprocess.Popen([program("schemadctl"), "--socket", short_directory / "s", "wait", "--timeout", "30"]) as waiting:
        daemon()
        assert waiting.wait(TIMEOUT) == DONE


def test_tcp_needs_a_token_for_changes(daemon, schemadctl, short_directory, database):
    tokens = short_directory / "tokens"
    secrets = {}
    for name, access in (("reader", "read"), ("deploy", "operate"), ("admin", "destroy")):
        secrets[name] = short_directory / name
        secrets[name].write_text(ok(schemadctl("token", "create", name, "--access", access, "--file", tokens)).out,
                                 encoding="utf-8")
    (short_directory / "wrong").write_text("x" * 72, encoding="utf-8")
    port = free_port()
    running = daemon("--upgrade-to", "none", "--tcp", f"127.0.0.1:{port}", "--token-file", tokens, wait="serving")
    url = f"http://127.0.0.1:{port}"

    def as_(name, *words):
        return schemadctl("--url", url + "/", "--token-file", short_directory / name, *words)

    assert schemadctl("--url", url, "current").exit_code == NOT_ALLOWED
    assert as_("wrong", "upgrade").exit_code == NOT_ALLOWED
    ok(as_("reader", "current"))
    assert as_("reader", "upgrade").exit_code == NOT_ALLOWED
    ok(as_("deploy", "upgrade"))
    assert as_("deploy", "downgrade").exit_code == NOT_ALLOWED
    ok(as_("admin", "downgrade"))
    assert version_rows(database) == [CHAIN[3]]
    environment = {"SCHEMAD_URL": url, "SCHEMAD_TOKEN_FILE": str(short_directory / "deploy")}
    assert ok(schemadctl("current", environment=environment)).out == f"{CHAIN[3]}\n"

    denials = wait_until(lambda: ok(as_("deploy", "denials", "--json")).json["denials"], "the refusals")
    assert {denial["reason"] for denial in denials} <= {"token", "access"}
    assert "token" in ok(as_("deploy", "denials", "--limit", "1000")).out

    ok(schemadctl("token", "revoke", "deploy", "--file", tokens))
    running.signal(signal.SIGHUP)
    wait_until(lambda: as_("deploy", "current").exit_code == NOT_ALLOWED, "the token to be forgotten")
    ok(as_("reader", "current"))


def test_a_token_is_shown_once_and_only_its_hash_is_kept(schemadctl, tmp_path):
    tokens = tmp_path / "tokens"
    created = ok(schemadctl("token", "create", "ci", "--file", tokens))
    assert re.fullmatch(r"schemad_[0-9a-f]{64}\n", created.out) and "SIGHUP" in created.err
    assert re.fullmatch(r"ci:operate:sha256:[0-9a-f]{64}\n", tokens.read_text(encoding="utf-8"))
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    assert created.out.strip() not in tokens.read_text(encoding="utf-8")

    shown = ok(schemadctl("token", "create", "x", "--access", "read", "-q"))
    assert re.fullmatch(r"schemad_[0-9a-f]{64}\nx:read:sha256:[0-9a-f]{64}\n", shown.out) and shown.err == ""
    document = ok(schemadctl("token", "create", "y", "--access", "destroy", "--file", tokens, "--json")).json
    assert list(document) == ["name", "access", "secret", "line"]
    assert document["line"] + "\n" in tokens.read_text(encoding="utf-8")

    assert ok(schemadctl("token", "list", "--file", tokens)).out == "ci  operate\ny   destroy\n"
    assert ok(schemadctl("token", "list", "--file", tokens, "--json")).json == {
        "tokens": [{"name": "ci", "access": "operate"}, {"name": "y", "access": "destroy"}]}
    assert ok(schemadctl("token", "revoke", "ci", "--file", tokens)).out == ""
    assert ok(schemadctl("token", "revoke", "y", "--file", tokens, "--json")).json == {"revoked": "y"}
    assert tokens.read_text(encoding="utf-8") == ""
    assert os.listdir(tmp_path) == ["tokens"]


@pytest.mark.parametrize("words, exit_code, err", [
    (["create"], USAGE, "token create NAME"),
    (["create", "a b"], USAGE, "no name of a token"),
    (["create", "there", "--file", "tokens"], USAGE, "is in"),
    (["list"], USAGE, "token list --file PATH"),
    (["list", "x", "--file", "tokens"], USAGE, "token list --file PATH"),
    (["list", "--file", "tokens", "--access", "read"], USAGE, "does not take --access"),
    (["revoke", "there"], USAGE, "token revoke NAME --file PATH"),
    (["revoke", "thera", "--file", "tokens"], FAILED, 'Did you mean "there"?'),
    (["revoke", "x", "--file", "nowhere"], FAILED, "No such file"),
    (["change"], USAGE, "create NAME | list | revoke NAME"),
], ids=lambda value: "_".join(value) if isinstance(value, list) else None)
def test_a_mistake_with_tokens_is_explained(schemadctl, tmp_path, words, exit_code, err):
    ok(schemadctl("token", "create", "there", "--file", "tokens", cwd=tmp_path))
    result = schemadctl("token", *words, cwd=tmp_path)
    assert (result.exit_code, result.out) == (exit_code, "") and err in result.err
    assert os.listdir(tmp_path) == ["tokens"]


def test_a_token_file_that_others_read_is_refused(schemadctl, tmp_path):
    tokens = tmp_path / "tokens"
    ok(schemadctl("token", "create", "a", "--file", tokens))
    tokens.chmod(0o644)
    for words in (["create", "b"], ["list"], ["revoke", "a"]):
        result = schemadctl("token", *words, "--file", tokens)
        assert result.exit_code == USAGE and "chmod 600" in result.err


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_daemon_that_dies_during_a_run_is_told_with_the_run(daemon, database, scripts):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
    with subprocess.Popen([program("schemadctl"), "--socket", running.address, "upgrade", "--retry", "0"],
                          stderr=subprocess.PIPE, text=True) as waiting:
        job = wait_until(lambda: running.http.get("/current").json["running"], "the run")
        running.signal(signal.SIGKILL)
        assert waiting.wait(TIMEOUT) == UNREACHABLE
        err = waiting.stderr.read()
    assert re.search("(could not reach|lost) the daemon", err) and f"Run {job['id']} may still be going on" in err


@pytest.fixture
def stranger():
    """A server that is not schemad; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_that_is_not_schemad_is_recognised(schemadctl, stranger):
    result = schemadctl("--url", stranger, "current")
    assert result.exit_code == FAILED
    assert "no JSON" in result.err and "Is that schemad?" in result.err


# Exit codes


@pytest.mark.parametrize("words, exit_code, err", [
    (["upgrad"], USAGE, 'Did you mean "upgrade"?'),
    (["upgrade", "--transation", "run"], USAGE, 'Did you mean "--transaction"?'),
    ([], USAGE, "a command is missing"),
    (["upgrade", "--expect", "4864d1c47cec"], ELSEWHERE, "hint:"),
    (["upgrade", "nowhere"], TARGET, "nowhere"),
    (["upgrade", "+9"], TARGET, "+9"),
    (["downgrade", "head"], TARGET, "head"),
], ids=lambda value: "_".join(value) if isinstance(value, list) else None)
def test_a_mistake_has_its_exit_code(offline, database, words, exit_code, err):
    result = offline(*words)
    assert (result.exit_code, result.out) == (exit_code, "")
    assert result.err.startswith("schemadctl: ") and err in result.err
    assert not database.exists()


def test_a_missing_directory_of_scripts_has_its_exit_code(offline, tmp_path):
    assert offline("upgrade", scripts=tmp_path / "nowhere").exit_code == SCRIPTS


def test_an_unknown_row_is_shown_and_has_its_exit_code(offline, database):
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
                                 "INSERT INTO alembic_version VALUES ('abc123');")
    result = offline("current")
    assert (result.exit_code, result.out) == (DATABASE, "abc123 (unknown)\n")
    assert '"abc123"' in result.err and "stamp --purge" in result.err
    document = offline("current", "--json")
    assert document.exit_code == DATABASE and document.json["unknown"] == ["abc123"]
    ok(offline("stamp", "--purge", "head"))
    assert ok(offline("current")).out == f"{HEAD} (head)\n"


def test_no_daemon_has_its_exit_code(schemadctl, tmp_path):
    result = schemadctl("current", address=tmp_path / "nobody")
    assert result.exit_code == UNREACHABLE
    assert str(tmp_path / "nobody") in result.err and "--database" in result.err


def test_a_held_lock_is_worth_trying_again(offline, scripts, database):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    command = [program("schemadctl"), "--database", database, "--scripts", scripts, "upgrade"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as holder:
        lock = database.with_name(database.name + ".schemad-lock")
        wait_until(lambda: lock.exists() and str(holder.pid) in lock.read_text(encoding="utf-8"), "the lock")
        refused = offline("upgrade", "--lock-timeout", "10ms", scripts=scripts)
        holder.kill()
    assert refused.exit_code == TRY_AGAIN
    assert str(holder.pid) in refused.err


# JSON


def test_every_answer_is_one_document(offline):
    ok(offline("upgrade"))
    for words in (["current"], ["status"], ["history"], ["heads"], ["show", "head"], ["plan"], ["plan", "--down"], ["jobs"],
                  ["backups"], ["upgrade"], ["downgrade"], ["stamp", "head"], ["backup"], ["wait", "--for", CHAIN[0]]):
        assert isinstance(ok(offline(*words, "--json")).json, dict), words


def test_a_failure_is_a_problem_document_and_stands_in_words_too(offline, scripts):
    write_script(scripts, "aaaa", "CREATE TABLE t (x);\n  SELECT nothing;")
    result = offline("upgrade", "--json", scripts=scripts)
    problem = result.json
    assert result.exit_code == FAILED
    assert (problem["code"], problem["revision"], problem["line"]) == ("statement-failed", "aaaa", 9)
    assert problem["file"].endswith("aaaa_test.sql")
    assert (problem["run"]["outcome"], problem["run"]["to"]) == ("failed", [])
    assert problem["detail"] in result.err


def test_a_usage_error_is_a_problem_document(schemadctl):
    result = schemadctl("--json", "upgrad")
    assert (result.exit_code, result.json["code"]) == (USAGE, "argument-invalid")


# Help


def test_help_needs_no_daemon(schemadctl):
    text = ok(schemadctl("--help")).out
    commands = re.findall(r"^  (\w+)", text.split("Commands:")[1].split("Options:")[0], re.M)
    assert len(commands) == 27
    for command in commands:
        assert ok(schemadctl(command, "--help")).out.startswith(f"Usage: schemadctl [OPTION...] {command}")
    assert re.fullmatch(r"schemadctl \d+\.\d+\.\d+\n", ok(schemadctl("--version")).out)


# The deploy script of the man page


def deploy_script():
    page = (ROOT / "docs/man/schemadctl.1").read_text(encoding="utf-8")
    block = re.search(r"\.Sh IN SCRIPTS\n.*?\.Bd -literal[^\n]*\n(.*?)\.Ed", page, re.S).group(1)
    return block


@pytest.fixture
def deploy(daemon, tmp_path):
    """deploy(release) runs the man page's script against a daemon; `exit code, out, err` as of any command."""
    running = daemon("--upgrade-to", "none", wait="serving")
    script = tmp_path / "deploy"
    script.write_text(deploy_script(), encoding="utf-8")
    environment = {**os.environ, "SCHEMAD_SOCKET": str(running.address),
                   "PATH": f"{program('schemadctl').parent}:{os.environ['PATH']}"}

    def run(release):
        return subprocess.run(["sh", str(script), release], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)

    run.daemon = running
    return run


def test_the_deploy_script_of_the_man_page_runs_as_it_stands(deploy, schemadctl, database):
    first, again = deploy("42"), deploy("42")
    assert (first.returncode, again.returncode) == (DONE, DONE), first.stderr + again.stderr
    assert version_rows(database) == [HEAD]
    jobs = ok(schemadctl("jobs", "--json", address=deploy.daemon.address)).json["jobs"]
    assert [job["run"]["outcome"] for job in jobs] == ["nothing-to-do", "succeeded"]
    assert {job["run"]["reason"] for job in jobs} == {"release 42"}


def test_the_deploy_script_stops_where_the_database_is_not_known(deploy, database):
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);"
                                 "INSERT INTO alembic_version VALUES ('abc123');")
    result = deploy("43")
    assert result.returncode == DATABASE and "abc123" in result.stderr
    assert version_rows(database) == ["abc123"]


# Terminals


def interrupt(pid):
    os.kill(pid, signal.SIGINT)


def on_terminal(command, environment=None, interrupt_at=None, deeds=(), typed=(), columns=100):
    """Run it on a terminal of its own: (exit code, everything it wrote). Interrupts it once it wrote interrupt_at; or
    does each of the deeds, pairs of what is waited for and a function of its process id; or types, likewise."""
    deeds = [(interrupt_at, interrupt)] if interrupt_at else list(deeds)
    deeds += [(seen, lambda _, keys=keys: os.write(terminal, keys)) for seen, keys in typed]
    try:
        pid, terminal = pty.fork()
    except OSError as error:
        pytest.skip(f"no terminal to be had: {error}")
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(command[0], [str(word) for word in command], {**os.environ, "TERM": "xterm", **(environment or {})})
    text = b""
    while select.select([terminal], [], [], TIMEOUT)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: the other side is closed
            break
        if not data:
            break
        text += data
        if deeds and deeds[0][0] in text:
            deeds.pop(0)[1](pid)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode("utf-8")


@pytest.fixture
def command(database):
    return [str(program("schemadctl")), "--database", str(database), "--scripts", str(VERSIONS)]


def test_colour_is_for_terminals(command, schemadctl, offline):
    ok(offline("upgrade"))
    assert f"\033[33m{HEAD}\033[0m" in on_terminal([*command, "heads"])[1]
    assert "\033" not in offline("heads").out + offline("status").out + offline("upgrade", "nowhere").err
    assert "\033" not in on_terminal([*command, "heads"], {"NO_COLOR": "1"})[1]
    assert "\033" not in on_terminal([*command, "--color=never", "status"])[1]
    assert "\033[33m" in offline("heads", "--color", "always").out
    assert "\033[31m" in offline("upgrade", "nowhere", "--color=always").err


def test_progress_is_shown_on_a_terminal_and_erased(command, scripts):
    write_script(scripts, "aaaa", slow_sql(1_500_000))
    command[4] = str(scripts)
    exit_code, text = on_terminal([*command, "upgrade"])
    assert exit_code == DONE
    assert re.search(r"\r\[#*> *\] +\d+ %  running aaaa, step 1 of 1, statement 1 of 1, 0:0\d\033\[K", text)
    assert text.endswith("\r\033[KRunning upgrade  -> aaaa, Test aaaa\r\n")


@pytest.mark.parametrize("columns", [25, 50, 80])
def test_no_bar_is_wider_than_its_terminal(command, scripts, columns):
    write_script(scripts, "aaaa", slow_sql(1_500_000))
    command[4] = str(scripts)
    exit_code, text = on_terminal([*command, "upgrade"], columns=columns)
    lines = re.findall(r"\r([^\r\033]*)\033\[K", text)
    assert exit_code == DONE and any("running aaaa" in line for line in lines)
    assert max(map(len, lines)) < columns


def test_a_bar_is_the_same_with_a_daemon_and_has_no_colour(daemon, scripts):
    write_script(scripts, "aaaa", slow_sql(3_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
    exit_code, text = on_terminal([program("schemadctl"), "--socket", running.address, "upgrade"], {"NO_COLOR": "1"})
    assert exit_code == DONE
    assert re.search(r"\r\[#*> *\] +\d+ %  running aaaa, step 1 of 1, statement 1 of 1, 0:0\d", text)
    assert text.endswith("\r\033[KRunning upgrade  -> aaaa, Test aaaa\r\n")
    assert not re.search(r"\033\[[\d;]*m", text)


def test_a_quiet_run_shows_no_progress(command):
    assert on_terminal([*command, "-q", "upgrade"]) == (DONE, "")


# Signals


def test_interrupting_a_run_rolls_it_back(command, scripts, database):
    write_script(scripts, "aaaa", "CREATE TABLE t (x);\n" + slow_sql(2_000_000_000))
    command[4] = str(scripts)
    exit_code, text = on_terminal([*command, "upgrade"], interrupt_at=b"statement 2 of 2")
    assert exit_code == CANCELLED
    assert "cancelling the run; interrupt again to leave" in text
    assert "schemadctl: " in text and "cancelled" in text
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 't'").fetchone() == (0,)


def test_interrupting_a_command_that_waits_for_a_daemon_cancels_the_job(daemon, scripts, database):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)
    exit_code, text = on_terminal(
        [str(program("schemadctl")), "--socket", str(running.address), "upgrade"], interrupt_at=b"statement 1 of 1")
    assert exit_code == CANCELLED, text
    assert text.count("cancelling the run") == 1
    assert not database.exists() or version_rows(database) == []
    assert running.http.get("/jobs").json["jobs"][0]["state"] == "cancelled"


def test_a_second_interrupt_leaves_without_the_end(daemon, scripts):
    write_script(scripts, "aaaa", slow_sql(2_000_000_000))
    running = daemon("--upgrade-to", "none", wait="serving", scripts=scripts)

    def interrupt_while_the_daemon_is_stopped(pid):
        running.signal(signal.SIGSTOP)
        interrupt(pid)

    try:
        exit_code, text = on_terminal(
            [program("schemadctl"), "--socket", running.address, "upgrade"],
            deeds=[(b"statement 1 of 1", interrupt_while_the_daemon_is_stopped), (b"cancelling", interrupt)])
    finally:
        running.signal(signal.SIGCONT)
    assert exit_code == -signal.SIGINT, text
    job = running.http.get("/jobs").json["jobs"][0]["id"]
    running.http.delete(f"/jobs/{job}")


def test_an_ignored_signal_stays_ignored(command, scripts, database):
    write_script(scripts, "aaaa", slow_sql(1_500_000))
    command[4] = str(scripts)
    lock = database.with_name(database.name + ".schemad-lock")
    with subprocess.Popen(["nohup", *command, "upgrade"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as run:
        wait_until(lambda: lock.exists() and str(run.pid) in lock.read_text(encoding="utf-8"), "the run")
        run.send_signal(signal.SIGHUP)
        run.communicate(timeout=TIMEOUT)
    assert run.returncode == DONE
    assert version_rows(database) == ["aaaa"]


def test_output_that_cannot_be_written_is_a_failure(command):
    with open("/dev/full", "w", encoding="utf-8") as full:
        run = subprocess.run([*command, "history"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == FAILED and "could not write to standard output" in run.stderr
