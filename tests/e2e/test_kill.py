"""kill -9 of `schemadctl upgrade` at 200 moments: the database is as before or as after, never between (G1).

The moments are spread at random over the time a run takes just now, a little beyond its end. Set SCHEMAD_SEED to
repeat a failure, SCHEMAD_KILLS for another number.
"""

import hashlib
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import statistics
import subprocess
import time
from contextlib import closing

import pytest

from conftest import TIMEOUT, VERSIONS, program, version_rows

FIRST, HEAD, LAST = "9e9e70a4a06b", "c7f8a9b0d1e2", "ffffffffffff"
KILLS = int(os.environ.get("SCHEMAD_KILLS", "200"))
SEED = int(os.environ.get("SCHEMAD_SEED", "20261121"))
POSTS = 3000

# Work for the journal and for the loss guard: a rebuilt table, rows rewritten, an index over them.
LAST_SCRIPT = f"""-- Rewrite every post
--
-- Revision ID: {LAST}
-- Revises: {HEAD}
-- Create Date: 2026-11-20 15:03:04.806509

-- migrate:up
UPDATE posts SET content = content || ' (rewritten)';
CREATE TABLE sessions_new (session_id VARCHAR NOT NULL PRIMARY KEY, note VARCHAR);
CREATE INDEX ix_posts_content ON posts (content);
DROP TABLE sessions_new;

-- migrate:down
DROP INDEX ix_posts_content;
UPDATE posts SET content = replace(content, ' (rewritten)', '');
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("scripts") / "versions"
    shutil.copytree(VERSIONS, directory)
    (directory / f"{LAST}_rewrite.sql").write_text(LAST_SCRIPT, encoding="utf-8")
    return directory


class Site:
    """A database in a directory of its own, made anew for every kill."""

    def __init__(self, directory, scripts):
        self.directory, self.scripts = directory, scripts
        self.database = directory / "content.db"

    def command(self, *words):
        return [str(program("schemadctl")), "--database", str(self.database), "--scripts", str(self.scripts), *words]

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, check=False)

    def renew(self, template):
        shutil.rmtree(self.directory)
        shutil.copytree(template, self.directory)

    def upgrade_killed_after(self, seconds):
        """(whether it was still running when the time was over, and so was killed; how long it ran)"""
        start = time.monotonic()
        with subprocess.Popen(self.command("upgrade"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            handle = os.pidfd_open(run.pid)
            try:
                has_ended = select.select([handle], [], [], seconds)[0]
                if not has_ended:
                    run.kill()
            finally:
                os.close(handle)
            return run.wait(TIMEOUT) == -signal.SIGKILL, time.monotonic() - start


def state_of(database):
    """(version rows, digest of the schema and of every row); sound, or it fails."""
    with closing(sqlite3.connect(database, timeout=TIMEOUT)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        text = "\n".join(connection.iterdump())
    return version_rows(database), hashlib.sha256(text.encode("utf-8")).hexdigest()


def fill(database, journal_mode):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone() == (journal_mode,)
        connection.execute("INSERT INTO users (id, linkedin_sub, email, name, created_at)"
                           " VALUES (1, 'sub', 'ada@example.org', 'Ada', '2026-01-01')")
        connection.executemany(
            "INSERT INTO posts (id, content, platform, status, user_id, is_demo, created_at, updated_at)"
            " VALUES (?, ?, 'BLOG', 'DRAFT', 1, 0, '2026-01-01', '2026-01-01')",
            [(number, f"post {number} " * 10) for number in range(POSTS)])
        connection.commit()


def measure(site, template):
    """What an undisturbed run takes, in seconds, and the state it leaves."""
    times = []
    for _ in range(5):
        site.renew(template)
        was_killed, seconds = site.upgrade_killed_after(TIMEOUT)
        assert not was_killed
        times.append(seconds)
    return statistics.median(times), state_of(site.database)


def check_backups(site):
    """What is listed opens, is sound, and holds the rows from before; what is not whole is not listed."""
    answer = site.run("backups", "--json")
    assert answer.returncode == 0, answer.stderr
    for backup in json.loads(answer.stdout)["backups"]:
        with closing(sqlite3.connect(f"file:{backup['path']}?mode=ro&immutable=1", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT count(*) FROM posts").fetchone() == (POSTS,)


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_killed_at_any_moment_the_database_is_as_before_or_as_after(tmp_path, scripts, journal_mode):
    dice = random.Random(f"{SEED} {journal_mode}")
    template, site = tmp_path / "template", Site(tmp_path / "site", scripts)
    first = Site(template, scripts)
    template.mkdir()
    site.directory.mkdir()
    assert first.run("upgrade", FIRST).returncode == 0
    fill(first.database, journal_mode)
    before = state_of(first.database)
    duration, after = measure(site, template)
    killed = {"before": 0, "after": 0}
    for number in range(KILLS // 2):
        moment = dice.uniform(0, duration * 1.1)
        told = f"seed {SEED}, {journal_mode}, kill {number} after {moment * 1000:.2f} of {duration * 1000:.2f} ms"
        site.renew(template)
        was_killed, seconds = site.upgrade_killed_after(moment)
        state = state_of(site.database)
        assert state in (before, after), told
        assert was_killed or state == after, told
        check_backups(site)
        if was_killed:
            killed["before" if state == before else "after"] += 1
        # The machine is not always equally busy: follow what runs take now.
        duration = duration * 1.03 if was_killed else duration * 0.7 + seconds * 0.3
        again = site.run("upgrade", "--lock-timeout", "1ms", "--backup", "never")
        assert again.returncode == 0, f"{told}: {again.stderr}"
        assert state_of(site.database) == after, told
    print(f"{journal_mode}: {duration * 1000:.1f} ms a run, killed {killed}")
    assert killed["before"] >= KILLS // 8, "most moments lie within the run"
