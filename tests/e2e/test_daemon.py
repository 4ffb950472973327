"""The life of the daemon: starting, what systemd is told, serving while it works, stopping, and starting again."""

import ctypes
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager

import pytest
from conftest import (FOREVER, SECONDS, Http, Post, TokenFile, add_broken, add_slow, program, repair, version_rows,
                      wait_until)

HEAD = "c7f8a9b0d1e2"
USAGE, SCRIPTS, UNAVAILABLE, FAILED, SOCKETS, CONFIG = 64, 65, 69, 70, 71, 78


# Starting


def test_ready_is_said_when_the_schema_is_at_head_and_not_before(daemon, database, notify):
    daemon(notify=notify, wait=None)
    notify.wait_for("READY=1")
    assert version_rows(database) == [HEAD]
    assert notify.statuses()[-1] == f"schema is at {HEAD}"


def test_http_answers_while_the_upgrade_of_the_start_runs(daemon, history, notify):
    add_slow(history, 2 * SECONDS)
    started = daemon(scripts=history, notify=notify, wait="serving")
    started.http.wait_for_script("bbbb")
    answer = started.http.get("/readyz")
    assert answer.status == 503 and answer.json["detail"] == "upgrading to bbbb: 2 of 2"
    assert not notify.has("READY=1")
    notify.wait_for("READY=1")
    assert started.http.get("/readyz").status == 200


def test_systemd_is_told_in_words_what_is_done_and_to_be_patient(daemon, history, notify):
    add_slow(history, 2 * SECONDS)
    daemon(scripts=history, notify=notify, wait=None)
    notify.wait_for("READY=1")
    statuses = notify.statuses()
    assert "upgrading to bbbb: 2 of 2" in statuses
    before_ready = notify.lines()[: notify.lines().index("READY=1")]
    assert sum(line.startswith("EXTEND_TIMEOUT_USEC=") for line in before_ready) >= 2


def test_nothing_is_touched_when_nothing_is_required(daemon, database, notify):
    started = daemon("--upgrade-to", "none", notify=notify)
    notify.wait_for("READY=1")
    assert started.http.get("/current").json["verdict"] == "empty"
    started.stop()
    assert list(database.parent.iterdir()) == []


def test_a_target_can_be_required(daemon, database):
    started = daemon("--upgrade-to", "4a0e3b03ab4c")
    assert version_rows(database) == ["4a0e3b03ab4c"]
    current = started.http.get("/current").json
    assert (current["verdict"], current["ready"], current["pending"]) == ("behind", True, 2)


def test_a_daemon_that_starts_at_head_changes_nothing(daemon, database):
    daemon().stop()
    before = database.read_bytes()
    started = daemon()
    assert started.http.get("/backups").json == {"backups": []}
    assert started.stop() == 0
    assert database.read_bytes() == before


# Starting that fails


def test_a_failed_upgrade_ends_the_daemon_with_the_reason(daemon, database, history, notify):
    add_broken(history)
    started = daemon(scripts=history, notify=notify, wait=None)
    assert started.wait_exit() == FAILED
    assert not notify.has("READY=1")
    wait_until(lambda: any("bbbb_test.sql:9" in status and "nowhere" in status for status in notify.statuses()),
               "the reason")
    assert "bbbb_test.sql:9" in started.log and "no such table" in started.log
    assert version_rows(database) == [], "all or nothing"


def test_scripts_that_cannot_be_read_end_the_daemon(daemon, history):
    (history / "zzzz.sql").write_text("-- Revision ID: zzzz\n", encoding="utf-8")
    started = daemon(scripts=history, wait=None)
    assert started.wait_exit() == SCRIPTS
    assert "zzzz.sql" in started.log


def test_a_file_that_is_no_database_ends_the_daemon(daemon, database):
    database.write_bytes(b"this is not a database" * 1000)
    assert daemon(wait=None).wait_exit() == UNAVAILABLE


@pytest.mark.parametrize("options, status, words", [
    (["--databse", "x"], USAGE, "Did you mean --database?"),
    (["--on-failure", "retry"], USAGE, "--on-failure: 'retry' is not one of exit|hold"),
    (["--tcp", "0.0.0.0:8420"], USAGE, "is not a loopback address"),
    (["--config", "/nonexistent/schemad.conf"], CONFIG, "/nonexistent/schemad.conf"),
    (["--token-file", "/dev/null"], CONFIG, "/dev/null"),
    (["--socket", "/nonexistent/s"], SOCKETS, "could not open the directory of '/nonexistent/s'"),
    (["--socket", "x" * 200], CONFIG, "has 200 bytes, and the kernel takes 107"),
])
def test_a_mistake_at_start_is_one_line_and_an_exit_status(daemon, options, status, words):
    started = daemon(*options, wait=None)
    assert started.wait_exit() == status
    assert words in started.log
    assert len([line for line in started.log.splitlines() if "error" in line]) == 1


def test_a_mistake_in_the_configuration_is_told_with_file_and_line(daemon, tmp_path):
    path = tmp_path / "schemad.conf"
    path.write_text("[run]\nbakup = never\n", encoding="utf-8")
    started = daemon("--config", path, wait=None)
    assert started.wait_exit() == CONFIG
    assert f"{path}:2: unknown key 'bakup' in section [run]; hint: Did you mean 'backup'?" in started.log


# Holding


def test_holding_serves_and_becomes_ready_by_a_request(daemon, database, history, notify):
    add_broken(history)
    started = daemon("--on-failure", "hold", scripts=history, notify=notify, wait="serving")
    notify.wait_for("STATUS=not ready, waiting for a request: ")
    notify.wait_for("EXTEND_TIMEOUT_USEC=", count=2)
    answer = started.http.get("/readyz")
    assert answer.status == 503 and "bbbb_test.sql:9" in answer.json["detail"]
    assert started.http.get("/current").json["problem"]["code"] == "statement-failed"
    assert not notify.has("READY=1")
    repair(history)
    assert started.http.post("/upgrade").json["to"] == ["bbbb"]
    notify.wait_for("READY=1")
    assert started.http.get("/current").json["problem"] is None
    assert version_rows(database) == ["bbbb"]


def test_holding_notices_that_somebody_else_brought_the_schema_there(daemon, database, history, notify):
    add_broken(history)
    daemon("--on-failure", "hold", scripts=history, notify=notify, wait="serving")
    notify.wait_for("STATUS=not ready")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)); INSERT INTO alembic_version VALUES ('bbbb');")
    notify.wait_for("READY=1")


# The watchdog


@contextmanager
def hanging_thread(pid, name):
    """One thread of a process, stopped by the debugger's interface while the others go on."""
    threads = {(open(f"/proc/{pid}/task/{tid}/comm", encoding="ascii").read().strip()): int(tid)
               for tid in os.listdir(f"/proc/{pid}/task")}
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    attach, detach, wait_all = 16, 17, 0x40000000
    if libc.ptrace(attach, threads[name], None, None) != 0:
        pytest.skip(f"ptrace is not allowed here: {os.strerror(ctypes.get_errno())}")
    os.waitpid(threads[name], wait_all)
    try:
        yield
    finally:
        libc.ptrace(detach, threads[name], None, None)


def beats(notify):
    return sum(line == "WATCHDOG=1" for line in notify.lines())


def test_the_watchdog_is_fed_while_the_worker_works_or_waits_and_not_while_it_hangs(daemon, history, notify):
    add_slow(history, FOREVER)
    started = daemon(config="[run]\nlock_timeout_ms = 1\n[startup]\non_failure = hold\n", scripts=history,
                     notify=notify, wait="serving", environment={"WATCHDOG_USEC": "600000"})
    started.http.wait_for_script("bbbb")
    count = beats(notify)
    wait_until(lambda: beats(notify) >= count + 3, "the watchdog to be fed while working")
    with hanging_thread(started.pid, "worker"):
        silence = Silence(notify)
        wait_until(lambda: silence.lasts(2), "the watchdog to starve")
        assert started.http.get("/healthz").status == 200, "only the worker hangs"
    count = beats(notify)
    wait_until(lambda: beats(notify) > count, "the watchdog to be fed again")
    started.http.delete("/jobs/" + started.http.get("/current").json["running"]["id"])
    wait_until(lambda: started.http.get("/current").json["running"] is None, "the run to end")
    count = beats(notify)
    wait_until(lambda: beats(notify) >= count + 3, "the watchdog to be fed while waiting")


class Silence:
    """How long no watchdog message came."""

    def __init__(self, notify):
        self.notify, self.count, self.since = notify, beats(notify), time.monotonic()

    def lasts(self, seconds):
        if beats(self.notify) != self.count:
            self.count, self.since = beats(self.notify), time.monotonic()
        return time.monotonic() - self.since > seconds


def test_waiting_for_a_lock_is_not_hanging(daemon, database, history, notify):
    started = daemon(config="[run]\nlock_timeout_ms = 60000\n", scripts=history, notify=notify,
                     environment={"WATCHDOG_USEC": "300000"})
    repair(history)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        client = Post(started.http, "/upgrade?backup=never")
        wait_until(lambda: started.http.get("/current").json["running"], "the run to begin")
        count = beats(notify)
        wait_until(lambda: beats(notify) >= count + 8, "the watchdog to be fed beyond its limit")
        connection.execute("ROLLBACK")
    assert client.wait().json["outcome"] == "succeeded"


# Serving


def test_current_answers_in_milliseconds_while_a_run_is_on(daemon, database, history):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    started = daemon(scripts=history)
    add_slow(history, 3 * SECONDS)
    job = started.http.submit("/upgrade")
    started.http.wait_for_script("bbbb")
    took, answers = [], []
    while not answers or answers[-1]["running"]:
        begin = time.monotonic()
        answers.append(started.http.get("/current").json)
        took.append(time.monotonic() - begin)
    assert {tuple(answer["revisions"]) for answer in answers if answer["running"]} <= {("aaaa",), ("bbbb",)}
    assert answers[0]["revisions"] == ["aaaa"], "what is committed"
    assert len(took) > 20 and sorted(took)[len(took) // 2] < 0.05, sorted(took)[-5:]
    assert started.http.wait_for_job(job)["state"] == "succeeded"
    assert started.http.get("/current").json["revisions"] == ["bbbb"]


def test_current_says_that_it_is_stale_when_the_database_is_locked(daemon, database):
    started = daemon()
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        wait_until(lambda: started.http.get("/current").json["stale"], "the lock to be noticed", timeout=1)
        begin = time.monotonic()
        current = started.http.get("/current").json
        assert time.monotonic() - begin < 1
        assert (current["stale"], current["revisions"], current["verdict"]) == (True, [HEAD], "equal")
        connection.execute("ROLLBACK")
    wait_until(lambda: not started.http.get("/current").json["stale"], "the database to be asked again")


def test_current_tells_the_truth_right_after_the_file_changed_behind_our_back(daemon, database):
    started = daemon()
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for row in ["b5e9f2a1c3d4", "4a0e3b03ab4c", "unheard_of", HEAD] * 5:
            connection.execute("UPDATE alembic_version SET version_num = ?", [row])
            wait_until(lambda row=row: started.http.get("/current").json["revisions"] == [row], row, timeout=1)
    assert started.http.get("/current").json["verdict"] == "equal"


def test_the_etag_changes_with_the_answer_and_only_then(daemon):
    started = daemon()
    etag = started.http.get("/current").headers["ETag"]
    unchanged = started.http.get("/current", headers={"If-None-Match": etag})
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert started.http.post("/downgrade").status == 200
    changed = started.http.get("/current", headers={"If-None-Match": etag})
    assert changed.status == 200 and changed.headers["ETag"] != etag


def test_a_new_script_is_seen_without_being_told(daemon, history):
    started = daemon(scripts=history)
    repair(history)
    wait_until(lambda: started.http.get("/current").json["heads"] == ["bbbb"], "the new script")
    assert started.http.get("/readyz").status == 503, "head moved"
    assert started.http.post("/upgrade").status == 200
    assert started.http.get("/readyz").status == 200


def test_a_broken_script_leaves_the_others_in_force(daemon, history):
    started = daemon(scripts=history)
    (history / "zzzz.sql").write_text("-- Revision ID: zzzz\n", encoding="utf-8")
    current = wait_until(lambda: (lambda now: now["problem"] and now)(started.http.get("/current").json), "the problem")
    assert current["heads"] == ["aaaa"] and current["problem"]["file"].endswith("zzzz.sql")
    (history / "zzzz.sql").unlink()
    wait_until(lambda: started.http.get("/current").json["problem"] is None, "the problem to be over")


def test_requests_are_done_one_after_the_other(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS // 4)
    clients = [Post(started.http, path) for path in ["/upgrade", "/backup", "/upgrade", "/backup"]]
    assert [client.wait().status for client in clients] == [200] * 4
    runs = [job["run"] for job in started.http.get("/jobs").json["jobs"]]
    assert len(runs) == 5 and all(run["outcome"] in ("succeeded", "nothing-to-do") for run in runs)


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_rolled_back(daemon, database, history):
    started = daemon(scripts=history)
    add_slow(history, FOREVER)
    running, waiting = started.http.submit("/upgrade"), Post(started.http, "/downgrade")
    started.http.wait_for_script("bbbb")
    queued = wait_until(lambda: [job for job in started.http.get("/jobs").json["jobs"] if job["state"] == "queued"],
                        "the second job")[0]["id"]
    assert started.http.delete(f"/jobs/{queued}").status == 202
    assert waiting.wait().json["code"] == "cancelled"
    assert started.http.get(f"/jobs/{queued}").json["state"] == "cancelled"
    assert started.http.delete(f"/jobs/{running}").status == 202
    job = started.http.wait_for_job(running)
    assert (job["state"], job["run"]["error"]["code"]) == ("cancelled", "cancelled")
    assert version_rows(database) == ["aaaa"]
    assert started.http.post("/downgrade?target=base").status == 200, "the next one is done"


def test_a_client_that_hangs_up_does_not_stop_its_run(daemon, database, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS)
    connection = started.http.connection()
    connection.request("POST", "/upgrade")
    started.http.wait_for_script("bbbb")
    connection.close()
    wait_until(lambda: version_rows(database) == ["bbbb"], "the run to end well")


def test_every_run_says_who_asked_and_why(daemon):
    started = daemon()
    job = started.http.post("/downgrade", {"reason": "a test"}).json
    assert re.fullmatch(rf"uid {os.getuid()}( \(\w+\))?", job["actor"]) and job["reason"] == "a test"
    assert started.http.get("/jobs").json["jobs"][-1]["run"]["actor"] == "startup"
    assert f"downgrade for {job['actor']}" in started.log


def test_sighup_reads_the_scripts_again(daemon, history, notify):
    started = daemon(scripts=history, notify=notify)
    repair(history)
    started.signal(signal.SIGHUP)
    notify.wait_for("RELOADING=1")
    notify.wait_for("READY=1", count=2)
    assert [revision["id"] for revision in started.http.get("/heads").json["heads"]] == ["bbbb"]
    (history / "zzzz.sql").write_text("-- Revision ID: zzzz\n", encoding="utf-8")
    started.signal(signal.SIGHUP)
    notify.wait_for("READY=1", count=3)
    assert "scripts stay as they were" in started.log


# TCP


def test_over_tcp_nothing_is_told_and_nothing_done_without_a_token(daemon, tmp_path):
    tokens = TokenFile(tmp_path / "tokens")
    secret = tokens.add("ci", "destroy")
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path)
    stranger, known = started.tcp(), started.tcp(secret)
    assert (stranger.get("/current").status, stranger.post("/downgrade").status) == (401, 401)
    assert known.get("/current").json["verdict"] == "equal"
    assert known.post("/downgrade").json["actor"] == "token ci"
    assert secret not in started.log


# Stopping


def test_stopping_lets_the_run_end_and_the_client_have_its_answer(daemon, database, history, notify):
    started = daemon(scripts=history, notify=notify)
    add_slow(history, 2 * SECONDS)
    client = Post(started.http, "/upgrade")
    started.http.wait_for_script("bbbb")
    started.signal(signal.SIGTERM)
    notify.wait_for("STOPPING=1")
    notify.wait_for("STATUS=stopping: upgrading to bbbb: 1 of 1")
    answer = client.wait()
    assert (answer.status, answer.json["to"]) == (200, ["bbbb"])
    assert started.wait_exit() == 0
    assert version_rows(database) == ["bbbb"]
    assert not started.address.exists(), "the socket is gone"


@pytest.mark.parametrize("timeout_ms, signals", [(200, 1), (60000, 2)], ids=["timeout", "second signal"])
def test_stopping_rolls_back_a_run_that_does_not_end(daemon, database, history, notify, timeout_ms, signals):
    started = daemon(config=f"[http]\nstop_timeout_ms = {timeout_ms}\n", scripts=history, notify=notify)
    add_slow(history, FOREVER)
    client = Post(started.http, "/upgrade")
    started.http.wait_for_script("bbbb")
    started.signal(signal.SIGTERM)
    notify.wait_for("STOPPING=1")
    if signals == 2:
        started.signal(signal.SIGTERM)
    assert client.wait().json["code"] == "cancelled"
    assert started.wait_exit() == 0
    assert version_rows(database) == ["aaaa"]


def test_stopping_during_the_upgrade_of_the_start(daemon, database, history):
    add_slow(history, FOREVER)
    started = daemon(config="[http]\nstop_timeout_ms = 1\n", scripts=history, wait="serving")
    started.http.wait_for_script("bbbb")
    assert started.stop() == 0
    assert version_rows(database) == []


def test_stopping_ends_what_waits_in_the_queue(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS)
    first = Post(started.http, "/upgrade")
    started.http.wait_for_script("bbbb")
    second = Post(started.http, "/downgrade")
    wait_until(lambda: started.http.get("/status").json["queue"]["length"] == 1, "the second job")
    started.signal(signal.SIGTERM)
    assert first.wait().status == 200
    assert second.wait().json["code"] == "stopping"
    assert started.wait_exit() == 0


# Sockets


def test_a_socket_that_a_killed_daemon_left_is_taken_over(daemon):
    killed = daemon()
    killed.process.kill()
    killed.wait_exit()
    assert killed.address.exists()
    daemon()


def test_a_second_daemon_is_refused_and_the_first_serves_on(daemon):
    first = daemon()
    second = daemon(wait=None)
    assert second.wait_exit() == SOCKETS
    assert "another process does" in second.log
    assert first.http.get("/readyz").status == 200


def test_a_file_in_the_place_of_the_socket_is_left_alone(daemon, short_directory):
    (short_directory / "s").write_text("precious", encoding="utf-8")
    started = daemon(wait=None)
    assert started.wait_exit() == SOCKETS
    assert (short_directory / "s").read_text(encoding="utf-8") == "precious"


AS_SYSTEMD = 'exec 3<&"$0" 4<&"$1"; shift; export LISTEN_PID=$$; exec "$@"'


def test_sockets_from_systemd_are_taken_by_name_and_stay(daemon, short_directory, database, notify):
    unix, tcp = socket.socket(socket.AF_UNIX), socket.socket()
    with closing(unix), closing(tcp):
        unix.bind(str(short_directory / "passed"))
        tcp.bind(("127.0.0.1", 0))
        for passed in (unix, tcp):
            passed.listen()
        command = ["bash", "-c", AS_SYSTEMD, str(tcp.fileno()), str(unix.fileno()), str(program("schemad")),
                   "--database", str(database), "--scripts", str(database.parent), "--upgrade-to", "none",
                   "--socket", "unused", "--tcp", "127.0.0.1:1"]
        with subprocess.Popen(
                command, pass_fds=[unix.fileno(), tcp.fileno()], cwd=short_directory, stderr=subprocess.DEVNULL,
                env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "tcp:unix", "NOTIFY_SOCKET": notify.path},
        ) as process:
            try:
                notify.wait_for("READY=1")
                assert Http(short_directory / "passed").get("/healthz").status == 200
                assert Http(tcp.getsockname()).get("/healthz").status == 401, "it is heard there, too"
                assert not (short_directory / "unused").exists()
            finally:
                process.terminate()
                assert process.wait(30) == 0
        assert (short_directory / "passed").exists(), "it is systemd's"


# Starting again


def test_the_record_of_runs_survives_a_restart(daemon):
    started = daemon()
    for path in ["/downgrade", "/upgrade", "/backup"]:
        assert started.http.post(path).status == 200
    before = started.http.get("/jobs").json["jobs"]
    started.stop()
    again = daemon()
    after = again.http.get("/jobs").json["jobs"]
    assert [job["id"] for job in after[1:]] == [job["id"] for job in before], "the newest is of the second start"
    assert after[1]["run"] == before[0]["run"]
    page = again.http.get(f"/jobs?limit=2&before={after[1]['id']}").json["jobs"]
    assert [job["id"] for job in page] == [job["id"] for job in after[2:4]]
    assert again.http.get("/status").json["last_backup"]["bytes"] > 0


def test_a_run_that_was_killed_is_recorded_as_interrupted_and_done_again(daemon, database, history):
    started = daemon(scripts=history)
    add_slow(history, FOREVER)
    job = started.http.submit("/upgrade")
    started.http.wait_for_script("bbbb")
    started.process.kill()
    started.wait_exit()
    assert version_rows(database) == ["aaaa"]
    repair(history)
    again = daemon(scripts=history)
    found = again.http.get(f"/jobs/{job}").json
    assert (found["state"], found["run"]["outcome"]) == ("interrupted", "interrupted")
    assert version_rows(database) == ["bbbb"]
    assert again.http.get("/jobs").json["jobs"][0]["run"]["actor"] == "startup"
