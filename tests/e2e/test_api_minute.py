"""A minute of upgrading with 64 clients that watch: none of them is told late, told wrong, or not told.

tests/bench/watchers.c is the clients. The minute is one where CI=true or SCHEMAD_MINUTE=60, and ten seconds elsewhere.
Also what else needs time because it is about time.
"""

import functools
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from conftest import TokenFile, program, slow_sql, wait_until, write_script

MINUTE = float(os.environ.get("SCHEMAD_MINUTE", "60" if os.environ.get("CI") == "true" else "10"))


@functools.cache
def rows_a_second():
    """How many rows this machine counts."""
    rows, took = 100_000, 0.0
    while took < 0.2:
        rows *= 2
        with closing(sqlite3.connect(":memory:")) as connection:
            begin = time.monotonic()
            connection.executescript(slow_sql(rows))
            took = time.monotonic() - begin
    return rows / took


def count_sql(table, seconds):
    """A statement that keeps SQLite busy for about so long."""
    return slow_sql(int(rows_a_second() * seconds)).replace("counted", table)


def fill_sql(rows):
    return (f"INSERT INTO filled WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows})"
            " SELECT x, hex(x * 2654435761 % 4294967296) FROM c;")


def write_upgrade(scripts, seconds):
    """Revisions that take about so long: statements of many lengths, one of them a quarter of it."""
    lengths = [0.4, 0.1, 0.8, 0.3, 1.5]
    revisions, left = ["aaaa"], seconds * 0.75
    while left > 0:
        number = len(revisions)
        statements = []
        for length in lengths[: 1 + number % len(lengths)]:
            statements += [fill_sql(20_000), count_sql(f"counted{number}_{len(statements)}", length)]
            left -= length
        if number == 2:
            statements.append(count_sql("the_long_one", seconds / 4))
        if left <= 0:
            statements.append("CREATE INDEX filled_y ON filled (y);")
        revisions.append(f"m{number:03}")
        write_script(scripts, revisions[-1], "\n".join(statements), "", revisions[-2])
    return revisions


@pytest.fixture
def upgrading(daemon, database, scripts, tmp_path):
    """upgrading(seconds, journal_mode) begins an upgrade: the daemon, the job, and what the watchers are told."""

    def begin(seconds, journal_mode):
        write_script(scripts, "aaaa", "CREATE TABLE filled (x, y);")
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone() == (journal_mode,)
        tokens = TokenFile(tmp_path / "tokens")
        secret = tokens.add("watchers", "read")
        started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path, scripts=scripts)
        revisions = write_upgrade(scripts, seconds)
        job = started.http.submit("/upgrade?transaction=revision")
        wait_until(lambda: started.http.get(f"/jobs/{job}").json["state"] == "running", "the run to begin")
        limit = int(seconds * 4 + 30)
        return started, job, [program("tests/bench/watchers"), str(limit), started.address, str(started.port), secret,
                              database, job, *revisions]

    return begin


@pytest.mark.parametrize("journal_mode, part", [("wal", 1), ("delete", 0.4)], ids=["wal", "delete"])
def test_sixty_four_clients_are_told_the_truth_and_at_once(upgrading, journal_mode, part):
    started, job, command = upgrading(MINUTE * part, journal_mode)
    watchers = subprocess.run(command, capture_output=True, text=True, timeout=MINUTE * 5 + 60, check=False)
    run = started.http.wait_for_job(job)["run"]
    print(f"{run['duration_ms'] / 1000:.1f} s of upgrading in {len(run['steps'])} steps: {watchers.stdout}")
    assert watchers.returncode == 0, watchers.stderr + watchers.stdout
    assert run["outcome"] == "succeeded" and run["duration_ms"] > MINUTE * part * 400, "it was long enough to watch"


def test_the_watchers_notice_a_daemon_that_pauses(upgrading):
    started, _, command = upgrading(2, "wal")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watchers:
        wait_until(lambda: "schemad_http_waiting 32\n" in started.http.get("/metrics").text, "them to listen")
        started.signal(signal.SIGSTOP)
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 0.3, "the pause to be over")
        started.signal(signal.SIGCONT)
        _, said = watchers.communicate(timeout=60)
    assert watchers.returncode == 1 and "an answer took" in said, said


def test_the_watchers_notice_what_is_not_so(upgrading):
    started, job, command = upgrading(1, "wal")
    command[-1] = "nowhere"
    watchers = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert watchers.returncode == 1 and "is not on the way" in watchers.stderr
    assert started.http.wait_for_job(job)["state"] == "succeeded"


def test_a_stream_says_from_time_to_time_that_it_lives(daemon):
    with daemon().http.events(timeout=25) as stream:
        stream.next()
        assert stream.response.readline() == b": alive\n"
