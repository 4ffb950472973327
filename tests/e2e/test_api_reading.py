"""GET /current, /status, /history, /heads and /readyz: waiting for a state, tags that mean bytes, text for people, and
what an application says it runs on."""

import random
import re
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from conftest import (FOREVER, SECONDS, Post, add_broken, add_slow, curl, locked, repair, version_rows, wait_until,
                      write_script)

CHAIN = ["9e9e70a4a06b", "4864d1c47cec", "4a0e3b03ab4c", "b5e9f2a1c3d4", "c7f8a9b0d1e2"]
HEAD = CHAIN[-1]
TAG = re.compile(r'"[0-9a-f]{16}\.[0-9a-f]{16}"')
TEXT = {"Accept": "text/plain"}

GETS = ["/current", "/status", "/healthz", "/readyz", "/metrics", "/openapi.yaml", "/history", "/heads",
        f"/revisions/{HEAD}", "/plan", "/jobs", "/jobs/{job}", "/backups", "/denials", "/events", "/jobs/{job}/events"]


MOVING = ["Date", "Connection", "Transfer-Encoding"]  # of the moment, or of the connection


class Get(threading.Thread):
    """A client that waits for its answer; took is how long."""

    def __init__(self, http, path, **options):
        super().__init__(daemon=True)
        self.http, self.path, self.options, self.answer, self.took = http, path, options, None, None
        self.start()

    def run(self):
        begin = time.monotonic()
        answer = self.http.get(self.path, **self.options)
        self.took, self.answer = time.monotonic() - begin, answer

    def wait(self):
        self.join(30)
        assert self.answer is not None, f"GET {self.path} was never answered"
        return self.answer


def set_row(database, revision):
    """As Alembic would, from another process's connection."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])


# Waiting


def waiting_now(http):
    return int(re.search(r"^schemad_http_waiting (\d+)$", http.get("/metrics").text, re.M).group(1))


def test_our_own_run_releases_who_waits(daemon):
    started = daemon("--upgrade-to", CHAIN[0])
    for_head = Get(started.http, "/current?wait=head")
    for_middle = Get(started.http, f"/current?wait={CHAIN[2]}&timeout=30s")
    for_prefix = Get(started.http, f"/current?wait={CHAIN[1][:6]}&timeout=5m")
    wait_until(lambda: waiting_now(started.http) == 3, "all to wait")
    assert started.http.post(f"/upgrade?target={CHAIN[2]}").status == 200
    assert for_middle.wait().json["revisions"] == for_prefix.wait().json["revisions"] == [CHAIN[2]]
    assert for_head.answer is None
    begin = time.monotonic()
    assert started.http.post("/upgrade").status == 200
    assert for_head.wait().json["verdict"] == "equal" and time.monotonic() - begin < 2
    assert waiting_now(started.http) == 0


def test_somebody_elses_commit_releases_who_waits(daemon, database):
    started = daemon("--upgrade-to", CHAIN[0])
    waiting = Get(started.http, "/current?wait=head&timeout=20s")
    wait_until(lambda: waiting_now(started.http) == 1, "it to wait")
    set_row(database, HEAD)
    begin = time.monotonic()
    assert waiting.wait().json["revisions"] == [HEAD]
    assert time.monotonic() - begin < 1, "looked at every quarter of a second"


def test_readiness_is_waited_for(daemon, history):
    add_broken(history)
    started = daemon("--on-failure", "hold", scripts=history, wait="serving")
    waiting = Get(started.http, "/current?wait=ready&timeout=25")
    wait_until(lambda: waiting_now(started.http) == 1, "it to wait")
    repair(history)
    assert started.http.post("/upgrade").status == 200
    assert waiting.wait().json["ready"] is True


def test_what_is_there_already_is_told_at_once(daemon):
    http = daemon().http
    for wait in ["ready", "head", HEAD, CHAIN[0], CHAIN[2][:5]]:
        begin = time.monotonic()
        answer = http.get(f"/current?wait={wait}&timeout=1h")
        assert (answer.status, answer.json["revisions"]) == (200, [HEAD]) and time.monotonic() - begin < 1, wait
    etag = http.get("/current").headers["ETag"]
    assert http.get("/current?wait=head", headers={"If-None-Match": etag}).status == 304


@pytest.mark.parametrize("timeout, seconds", [("0", 0), ("0s", 0), ("300ms", 0.3), ("1", 1), ("1s", 1)])
def test_waiting_ends_at_its_time(daemon, timeout, seconds):
    started = daemon("--upgrade-to", CHAIN[0])
    begin = time.monotonic()
    answer = curl(started.http, "GET", f"/current?wait=head&timeout={timeout}")
    assert seconds <= time.monotonic() - begin < seconds + 1
    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, "not-ready", "1")
    assert answer.json["detail"] == started.http.get("/status").json["status"]


@pytest.mark.parametrize("query, status, code", [
    ("wait=nowhere", 404, "revision-unknown"), ("wait=", 409, "target-invalid"), ("wait=%2B1", 409, "target-invalid"),
    ("timeout=1s", 400, "argument-invalid"), ("wait=head&timeout=", 400, "argument-invalid"),
    ("wait=head&timeout=-1", 400, "argument-invalid"), ("wait=head&timeout=1.5s", 400, "argument-invalid"),
    ("wait=head&timeout=1d", 400, "argument-invalid"), ("wait=head&timeout=61m", 400, "argument-invalid"),
    ("wait=head&timeout=3601", 400, "argument-invalid"),
])
def test_waiting_for_nonsense_is_refused_at_once(daemon, query, status, code):
    answer = daemon("--upgrade-to", CHAIN[0]).http.get(f"/current?{query}")
    assert (answer.status, answer.json["code"]) == (status, code), answer


def test_who_hangs_up_while_waiting_is_forgotten(daemon, history):
    started = daemon("--upgrade-to", "none", scripts=history, config="[http]\nconnections_max = 20\n")
    for _ in range(30):
        with started.http.raw() as raw:
            raw.send("GET /current?wait=head&timeout=1h HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: waiting_now(started.http) == 0, "all to be forgotten")
    assert started.http.get("/current?wait=head&timeout=0").json["code"] == "not-ready"


# Tags


def test_equal_tags_mean_equal_bytes(daemon, database, history):
    """A walk through states at random: whatever was tagged once has these bytes for ever, also after a restart."""
    dice, known = random.Random(20261121), {}
    write_script(history, "aaaa", "CREATE TABLE IF NOT EXISTS a (x);", "DROP TABLE IF EXISTS a;")
    write_script(history, "bbbb", "CREATE TABLE IF NOT EXISTS b (x);", "DROP TABLE IF EXISTS b;", "aaaa")
    started = daemon("--upgrade-to", "none", scripts=history)
    http = started.http

    def look():
        for path in ["/current", "/status"]:
            for headers in ({}, TEXT):
                answer = http.get(path, headers=headers)
                tag = answer.headers["ETag"]
                assert TAG.fullmatch(tag) and known.setdefault(tag, answer.body) == answer.body, (path, headers)

    def lock():
        with locked(database):
            wait_until(lambda: http.get("/current").json["stale"], "the lock to be noticed")
            look()
        wait_until(lambda: not http.get("/current").json["stale"], "the lock to be gone")

    def unknown_row():
        if version_rows(database):
            set_row(database, "unheard_of")
            look()
            set_row(database, "aaaa")

    def another_script():
        write_script(history, "cccc", dice.choice(["SELECT 1;", "INSERT INTO nowhere VALUES (1);"]), "", "bbbb")

    moves = [lambda: http.post("/upgrade"), lambda: http.post("/downgrade?target=base"), lambda: http.post("/backup"),
             lambda: http.post("/stamp?target=aaaa"), lambda: http.post("/upgrade?dry_run=true"), lock, unknown_row,
             another_script]
    for _ in range(60):
        dice.choice(moves)()
        for _ in range(3):
            look()
    assert http.post("/stamp?target=bbbb").status == 200
    current = http.get("/current")
    started.stop()
    http = daemon("--upgrade-to", "none", scripts=history).http
    look()
    again = http.get("/current")
    assert (again.text, again.headers["ETag"]) == (current.text, current.headers["ETag"])
    assert len(known) > 20


def test_tags_mean_bytes_while_a_run_goes_on_too(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, 2 * SECONDS)
    client, known, count = Post(started.http, "/upgrade"), {}, 0
    while client.answer is None:
        answer = started.http.get("/current")
        count += 1
        assert known.setdefault(answer.headers["ETag"], answer.body) == answer.body
    assert count > 20 and len(known) > 2


def test_a_known_tag_saves_the_body(daemon):
    http = daemon().http
    for path in ["/current", "/status"]:
        for headers in ({}, TEXT):
            tag = http.get(path, headers=headers).headers["ETag"]
            for known in [tag, f'"x", {tag}', f'{tag}, "x"', f"W/{tag}", "*"]:
                answer = curl(http, "GET", path, "-H", f"If-None-Match: {known}",
                              *(word for name, value in headers.items() for word in ("-H", f"{name}: {value}")))
                assert (answer.status, answer.body) == (304, b""), (path, known)
                assert (answer.headers["ETag"], answer.headers["Vary"]) == (tag, "Accept")
            for other in ['"x"', tag.strip('"'), ""]:
                assert http.get(path, headers={**headers, "If-None-Match": other}).status == 200, other
    json_tag = http.get("/current").headers["ETag"]
    assert http.get("/current", headers={**TEXT, "If-None-Match": json_tag}).status == 200, "another form, another tag"


def test_the_first_part_of_a_tag_is_the_version_rows(daemon):
    http = daemon().http

    def rows_part():
        return http.get("/current").headers["ETag"].strip('"').split(".")[0]

    at_head = rows_part()
    assert at_head == http.get("/status").headers["ETag"].strip('"').split(".")[0] != "0" * 16
    http.post("/downgrade")
    assert rows_part() != at_head
    http.post("/upgrade")
    assert rows_part() == at_head


def test_observed_at_is_said_only_when_it_is_not_now(daemon, database):
    http = daemon().http
    assert http.get("/current").json["observed_at"] is None
    with locked(database):
        stale = wait_until(lambda: (lambda now: now["stale"] and now)(http.get("/current").json), "the lock")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stale["observed_at"])


# HEAD


def test_head_has_the_headers_of_get_on_every_route(daemon):
    http = daemon().http
    job = http.get("/jobs").json["jobs"][0]["id"]
    for path in GETS:
        path = path.format(job=job)
        for headers in ({}, TEXT):
            with http.events(path, headers=headers) as get:
                status, expected = get.status, dict(get.headers)
            answer = http.head(path, headers=headers)
            assert (answer.status, answer.body) == (status, b""), path
            told = dict(answer.headers)
            for name in MOVING + ["Content-Length"] * (path == "/metrics"):
                told.pop(name, None)
                expected.pop(name, None)
            assert told == expected, path
    assert curl(http, "HEAD", "/current").status == 200
    with http.raw() as raw:
        for _ in range(3):
            assert raw.send("HEAD /status HTTP/1.1\r\nHost: localhost\r\n\r\n").answer("HEAD").status == 200


def test_head_of_what_is_not_there(daemon):
    http = daemon().http
    assert [http.head(path).status for path in ["/nowhere", f"/jobs/{'0' * 16}", "/upgrade"]] == [404, 404, 405]
    assert http.head("/current?wait=nowhere").status == 404


def test_many_questions_in_one_go_are_answered_in_their_order(daemon):
    with daemon().http.raw() as raw:
        raw.send("".join(f"GET /revisions/{one} HTTP/1.1\r\nHost: localhost\r\n\r\n" for one in CHAIN * 10))
        assert [raw.answer().json["id"] for _ in CHAIN * 10] == CHAIN * 10


# Text


@pytest.mark.parametrize("accept, is_text", [
    (None, False), ("", False), ("*/*", False), ("text/plain", True), ("text/*", True), ("application/json", False),
    ("application/*", False), ("text/plain, application/json", False), ("text/plain, */*;q=0.1", True),
    ("text/plain;q=0.5, application/json;q=0.4", True), ("text/plain;q=0.4, application/json;q=0.5", False),
    ("text/plain;q=0, */*", False), ("*/*, application/json;q=0", True), ("text/html, text/plain;q=0.9", True),
    ("text/html", False),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False), ("TEXT/PLAIN", True),
    ("text/plain; q=0.001", True), ("nonsense", False),
])
def test_text_is_for_who_prefers_it(daemon, accept, is_text):
    http = daemon().http
    for path in ["/current", "/history", "/heads", "/status"]:
        with http.raw() as raw:
            line = "" if accept is None else f"Accept: {accept}\r\n"
            answer = raw.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{line}\r\n").answer()
        assert answer.status == 200 and answer.headers["Vary"] == "Accept", path
        kind = answer.headers["Content-Type"]
        assert kind.startswith("text/plain") == is_text and (is_text or kind == "application/json"), (path, kind)
        assert answer.body.endswith(b"\n")


def test_the_lines_are_those_of_the_command_line(daemon, schemadctl):
    started = daemon("--upgrade-to", CHAIN[2])
    for path, words in [("/current", ["current"]), ("/history", ["history"]), ("/heads", ["heads"]),
                        ("/history?range=4864:head", ["history", "-r", "4864:head"])]:
        said = schemadctl(*words, address=started.address)
        assert said.exit_code == 0 and curl(started.http, "GET", path, "-H", "Accept: text/plain").text == said.out
    assert started.http.get("/current", headers=TEXT).text == f"{CHAIN[2]}\n"
    assert started.http.post("/upgrade").status == 200
    assert started.http.get("/current", headers=TEXT).text == f"{HEAD} (head)\n"


def test_text_says_what_is_not_certain(daemon, database):
    http = daemon("--upgrade-to", "none").http
    assert http.get("/current", headers=TEXT).text == "(base)\n"
    http.post("/upgrade")
    with locked(database):
        wait_until(lambda: http.get("/current").json["stale"], "the lock to be noticed")
        first, second = http.get("/current", headers=TEXT).text.splitlines()
        assert first == f"{HEAD} (head)" and second.startswith("stale: ")
    database.write_bytes(b"no database" * 1000)
    wait_until(lambda: http.get("/current").json["verdict"] == "unknown", "the damage to be noticed")
    assert re.search(r"^unknown: \S", http.get("/current", headers=TEXT).text, re.M)


def test_status_as_text_is_lines_of_keys(daemon, history):
    started = daemon(scripts=history)
    started.http.post("/backup")
    first, *lines = started.http.get("/status", headers=TEXT).text.splitlines()
    assert first == "schema is at aaaa" and all(re.fullmatch(r"[a-z ]+: .*", line) for line in lines), lines
    keys = [line.partition(":")[0] for line in lines]
    for key in ["verdict", "revisions", "pending", "queue", "last run", "last backup", "database"]:
        assert key in keys, lines
    add_slow(history, FOREVER)
    started.http.submit("/upgrade")
    started.http.wait_for_script("bbbb")
    assert re.search(r"^running: .*bbbb", started.http.get("/status", headers=TEXT).text, re.M)


# Status


def test_status_tells_of_the_last_run_and_backup(daemon, history):
    started = daemon("--upgrade-to", "none", scripts=history)
    status = started.http.get("/status").json
    assert (status["last_run"], status["last_backup"], status["accept"]) == (None, None, None)
    run = started.http.post("/upgrade").json
    last = started.http.get("/status").json["last_run"]
    assert (last["verb"], last["outcome"], last["succeeded"], last["duration_ms"]) == (
        "upgrade", "succeeded", True, run["duration_ms"])
    add_broken(history)
    assert started.http.post("/upgrade").status == 422
    for path in ["/upgrade?dry_run=true", "/stamp?target=aaaa"]:
        started.http.post(path)
    expected = {"verb": "upgrade", "outcome": "failed", "succeeded": False}
    for _ in range(2):
        status = started.http.get("/status").json
        assert {name: status["last_run"][name] for name in expected} == expected, "what did nothing is no run"
        assert status["last_backup"]["revisions"] == ["aaaa"] and status["last_backup"]["bytes"] > 0
        started.stop()
        started = daemon("--upgrade-to", "none", scripts=history)


# What an application runs on


ACCEPTS = [  # while the database is at CHAIN[2]
    (f"{CHAIN[2]}..", True), (f"..{CHAIN[2]}", True), (f"{CHAIN[2]}..{CHAIN[2]}", True), (f"{CHAIN[0]}..{HEAD}", True),
    (f"{CHAIN[0]}..head", True), ("..head", True), (f"{CHAIN[1][:4]}..{CHAIN[3][:4]}", True),
    (f"{CHAIN[3]}..", False), (f"..{CHAIN[1]}", False), (f"{CHAIN[3]}..{HEAD}", False), (f"head..", False),
]


def test_an_application_asks_whether_it_can_run(daemon):
    http = daemon("--upgrade-to", CHAIN[2]).http
    for accepts, is_inside in ACCEPTS:
        answer = http.get(f"/readyz?accepts={accepts}")
        assert answer.status == (200 if is_inside else 503), (accepts, answer)
        if is_inside:
            assert (answer.json["ready"], answer.json["revisions"]) == (True, [CHAIN[2]]) and "status" in answer.json
        else:
            assert answer.json["code"] == "not-ready"
            assert CHAIN[2] in answer.json["detail"] and accepts in answer.json["detail"]
    assert http.get("/readyz").status == 200, "the startup's own requirement is met"
    for accepts in ["head", "..", "", "a..b..c"]:
        assert http.get(f"/readyz?accepts={accepts}").json["code"] == "argument-invalid", accepts
    for accepts in ["nowhere..", "..nowhere"]:
        assert http.get(f"/readyz?accepts={accepts}").json["code"] == "revision-unknown", accepts
    assert http.post("/downgrade?target=base").status == 200
    assert http.get(f"/readyz?accepts=..{HEAD}").status == 200, "base included"
    assert http.get(f"/readyz?accepts={CHAIN[0]}..").status == 503


def test_the_schema_is_ready_inside_the_configured_range_too(daemon, history):
    """A release whose last step fails still serves an application that runs on the step before."""
    daemon(scripts=history).stop()
    add_broken(history)
    started = daemon("--on-failure", "hold", config="[startup]\naccept = aaaa..head\n", scripts=history)
    status = started.http.get("/status").json
    assert (status["ready"], status["accept"], status["required"]) == (True, "aaaa..head", "head")
    assert status["last_run"]["outcome"] == "failed", "which is told all the same"
    assert started.http.post("/downgrade?target=base").status == 200
    assert started.http.get("/readyz").status == 503
    repair(history)
    assert started.http.post("/upgrade?target=aaaa").status == 200
    assert started.http.get("/readyz").status == 200


@pytest.mark.parametrize("text", ["head", "..", "a..b..c"])
def test_a_range_that_is_none_stops_the_start_with_file_and_line(daemon, text):
    started = daemon(config=f"[startup]\naccept = {text}\n", wait=None)
    assert started.wait_exit() == 78
    assert "schemad.conf:2: " in started.log and "accept" in started.log
