"""GET /jobs, /events and /jobs/{id}/events: what was done, page by page, and what is done just now, as it happens."""

import itertools
import os
import re
import socket
import sqlite3
import time
from contextlib import ExitStack, closing

import pytest

from conftest import (FOREVER, SECONDS, Post, TokenFile, add_broken, add_slow, curl, repair, slow_sql, wait_until,
                      write_script)

RING = 1024  # events that the daemon remembers
MEMBERS = ["id", "state", "phase", "permille", "revision", "step", "step_count", "statement", "statement_count",
           "queued_at", "elapsed_ms", "remaining_ms", "cancel_requested", "interruptible", "run"]
ENDED = ("succeeded", "failed", "cancelled", "interrupted")


def is_end_of(job):
    return lambda event: event.kind == "job" and event.data["id"] == job and event.data["state"] in ENDED


def many_revisions(scripts, count):
    """aaaa and so many after it; each way leads through as many steps."""
    parent = "aaaa"
    for number in range(count):
        write_script(scripts, f"r{number:04}", f"CREATE TABLE t{number} (x);", f"DROP TABLE t{number};", parent)
        parent = f"r{number:04}"


def make_events(http, count):
    """At least so many events, of runs that are quick."""
    steps = 0
    for path in itertools.cycle(["/upgrade?backup=never", "/downgrade?target=aaaa&backup=never"]):
        steps += len(http.post(path).json["steps"])
        if steps >= count:
            return


# Jobs


@pytest.fixture
def busy_day(daemon, history, tmp_path):
    """A daemon whose jobs ended in every way, one is running and two are queued."""
    tokens = TokenFile(tmp_path / "tokens")
    secret = tokens.add("ci", "destroy")
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path, scripts=history)
    http, ci = started.http, started.tcp(secret)
    add_broken(history)
    assert [http.post("/upgrade").status, ci.post("/backup").status, ci.post("/upgrade").status] == [422, 200, 422]
    repair(history)
    assert [ci.post("/upgrade").status, http.post("/upgrade").status, http.post("/downgrade").status] == [200] * 3
    assert [http.post("/upgrade?dry_run=true").status, ci.post("/stamp?target=bbbb").status] == [200, 200]
    add_slow(history, FOREVER, "cccc", "bbbb")
    cancelled = http.submit("/upgrade")
    http.wait_for_script("cccc")
    http.delete(f"/jobs/{cancelled}")
    http.wait_for_job(cancelled)
    http.submit("/upgrade")
    http.wait_for_script("cccc")
    http.submit("/backup")
    ci.submit("/downgrade")
    return started


def identifiers(http, path):
    answer = http.get(path)
    assert answer.status == 200, answer
    return [job["id"] for job in answer.json["jobs"]]


def test_jobs_are_found_by_state_verb_actor_and_time(busy_day):
    http = busy_day.http
    jobs = http.get("/jobs?limit=1000").json["jobs"]
    assert len(jobs) == 13 and [list(job) for job in jobs] == [MEMBERS] * 13
    assert {job["state"] for job in jobs} == {"queued", "running", "succeeded", "failed", "cancelled"}
    queries = {"": lambda job: True}
    for state in ("queued", "running", *ENDED):
        queries[f"state={state}"] = lambda job, state=state: job["state"] == state
    for verb in ("upgrade", "downgrade", "stamp", "backup"):
        queries[f"verb={verb}"] = lambda job, verb=verb: job["run"]["verb"] == verb
    for actor in ("startup", "token%20ci", "nobody"):
        queries[f"actor={actor}"] = lambda job, actor=actor: job["run"]["actor"] == actor.replace("%20", " ")
    for job in jobs[::4]:
        queries[f"since={job['queued_at']}"] = lambda other, since=job["queued_at"]: other["queued_at"] >= since
    queries["since=2999-01-01T00:00:00Z"] = lambda job: False
    for (one, is_one), (other, is_other) in itertools.product(queries.items(), repeat=2):
        if one.split("=")[0] == other.split("=")[0] and one:
            continue
        expected = [job["id"] for job in jobs if is_one(job) and is_other(job)]
        path = "/jobs?" + "&".join(filter(None, ["limit=1000", one, other]))
        assert identifiers(http, path) == expected, path


@pytest.mark.parametrize("after_restart", [False, True], ids=["running", "after a restart"])
def test_pages_lead_through_all_jobs_at_every_size(daemon, history, busy_day, after_restart):
    http = busy_day.http
    if after_restart:
        busy_day.kill()
        http = daemon("--upgrade-to", "none", scripts=history).http
    for query in ["", "verb=upgrade&", "state=succeeded&", "verb=upgrade&state=failed&", "actor=token%20ci&"]:
        everything = identifiers(http, f"/jobs?{query}limit=1000")
        assert len(everything) >= 2
        for limit in range(1, len(everything) + 2):
            path, found = f"/jobs?{query}limit={limit}", []
            while path:
                answer = http.get(path)
                found += [job["id"] for job in answer.json["jobs"]]
                path = answer.json["next"]
                assert answer.headers["Link"] == (f'<{path}>; rel="next"' if path else None)
                assert path is None or f"before={found[-1]}" in path and query.rstrip("&") in path
            assert found == everything, (query, limit)
    assert http.get("/jobs?limit=1000").headers["Link"] is None


@pytest.mark.parametrize("query", ["state=done", "state=", "verb=restore", "since=yesterday", "since=",
                                   "since=2026-02-30T00:00:00Z", "limit=0", "limit=1001", "limit=x"])
def test_a_filter_that_means_nothing_is_refused(daemon, query):
    answer = daemon().http.get(f"/jobs?{query}")
    assert (answer.status, answer.json["code"]) == (400, "argument-invalid"), answer
    assert query.partition("=")[0] in answer.json["detail"]


def test_a_page_that_begins_nowhere_is_unknown(daemon):
    answer = daemon().http.get(f"/jobs?before={'0' * 16}")
    assert (answer.status, answer.json["code"]) == (404, "job-unknown")


def test_a_run_says_how_long_it_waited_for_the_lock(daemon):
    run = daemon().http.post("/downgrade").json
    assert list(run).index("lock_wait_ms") == list(run).index("duration_ms") + 1
    assert 0 <= run["lock_wait_ms"] <= run["duration_ms"]


# A stream


def test_a_stream_is_what_browsers_expect(daemon):
    with daemon().http.events() as stream:
        assert stream.status == 200 and stream.headers["Content-Type"] == "text/event-stream"
        assert (stream.headers["Cache-Control"], stream.headers["X-Accel-Buffering"]) == ("no-store", "no")
        first = stream.next()
        assert (stream.retry, first.kind, first.data["verdict"]) == (1000, "current", "equal")


def test_a_stream_byte_by_byte(daemon):
    started = daemon()
    with started.http.raw() as raw:
        raw.send("GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n")
        head = b"".join(iter(raw.file.readline, b"\r\n"))
        assert head.startswith(b"HTTP/1.") and b"chunked" not in head.lower()
        assert raw.file.readline() == b"retry: 1000\n"
        text = b"".join(iter(raw.file.readline, b"\n")) or b"".join(iter(raw.file.readline, b"\n"))
        number, kind, data = text.decode("utf-8").splitlines()
        assert re.fullmatch(r"id: \d+", number) and kind == "event: current"
        assert data.startswith('data: {"verdict":"equal",'), "compact JSON"
        started.stop()
        assert b"HTTP" not in raw.file.read(), "to an old client the end of the connection is the end"


def test_the_whole_life_of_a_job_is_told(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS)
    slow = slow_sql(SECONDS // 4).replace("counted", "counted_too")
    write_script(history, "cccc", f"CREATE TABLE c (x);\n{slow}", "", "bbbb")
    with started.http.events() as stream:
        events = [stream.next()]
        run = started.http.post("/upgrade").json
        events += stream.until(lambda event: event.kind == "job" and event.data["state"] in ENDED)
        if not any(is_at("cccc", event) for event in events):
            events += stream.until(lambda event: is_at("cccc", event))
    assert [event.number for event in events] == list(range(events[0].number, events[0].number + len(events)))
    jobs = [event.data for event in events if event.kind == "job"]
    assert [list(job) for job in jobs] == [MEMBERS] * len(jobs) and {job["id"] for job in jobs} == {run["id"]}
    assert in_order(job["state"] for job in jobs) == ["queued", "running", "succeeded"]
    phases = in_order(job["phase"] for job in jobs)
    assert phases[0] == "queued" and phases[-1] == "done" and {"backup", "running"} <= set(phases), phases
    assert [one for one in in_order(job["revision"] for job in jobs) if one] == ["bbbb", "cccc"]
    permille, elapsed = [job["permille"] for job in jobs], [job["elapsed_ms"] for job in jobs[:-1]]
    assert (permille, elapsed) == (sorted(permille), sorted(elapsed)), "never backwards"
    assert jobs[-1]["permille"] == 1000 and len(jobs) >= 8, "about ten a second"
    assert jobs[-1]["run"] == run and jobs[-1] == started.http.get(f"/jobs/{run['id']}").json


def in_order(values):
    """Without repetitions in a row."""
    return [value for value, _ in itertools.groupby(values)]


def is_at(revision, event):
    return event.kind == "current" and event.data["revisions"] == [revision]


def test_the_stream_of_a_job_ends_with_the_job(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS // 2)
    job = started.http.submit("/upgrade")
    with started.http.events(f"/jobs/{job}/events") as stream:
        events = stream.rest()
    assert {(event.kind, event.data["id"]) for event in events} == {("job", job)}
    numbers = [event.number for event in events]
    assert numbers == sorted(set(numbers)) and events[-1].data["state"] == "succeeded"
    assert events[-1].data == started.http.get(f"/jobs/{job}").json
    started.http.post("/backup")
    with started.http.events() as stream:
        newest = stream.next().number
    assert newest > numbers[-1]
    for number in [numbers[-1], newest]:
        answer = started.http.get(f"/jobs/{job}/events", headers={"Last-Event-ID": str(number)})
        assert (answer.status, answer.body) == (204, b""), "nothing more will come"
        assert started.http.get(f"/jobs/{job}/events?last_event_id={number}").status == 204
    with started.http.events(f"/jobs/{job}/events") as stream:
        late = stream.rest()
    assert [event.data for event in late] == [events[-1].data], "who comes late is told how it ended"


def test_a_stream_of_nothing_is_not_found(daemon):
    http = daemon().http
    assert http.get(f"/jobs/{'0' * 16}/events").json["code"] == "job-unknown"
    for wrong in ["x", "-1", "1.5", "99999999999999999999999"]:
        answer = http.get("/events", headers={"Last-Event-ID": wrong})
        assert (answer.status, answer.json["code"]) == (400, "argument-invalid"), wrong
        assert http.get(f"/events?last_event_id={wrong}").status == 400


def test_who_comes_back_misses_nothing_and_hears_nothing_twice(daemon, history):
    started = daemon(scripts=history)
    many_revisions(history, 40)
    with started.http.events() as steady:
        seen = [steady.next()]
        client, heard, last = Post(started.http, "/upgrade?backup=never"), [], seen[0].number
        while not any(event.data.get("state") in ENDED for event in heard):
            as_header = len(heard) % 2 == 0
            with started.http.events("/events" if as_header else f"/events?last_event_id={last}",
                                     headers={"Last-Event-ID": str(last)} if as_header else {}) as stream:
                heard += [stream.next() for _ in range(1 + len(heard) % 3)]
            last = heard[-1].number
        client.wait()
        seen += steady.until(lambda event: event.number >= last)
    assert [event.number for event in heard] == [event.number for event in seen[1:]]
    moving = ("elapsed_ms", "remaining_ms", "run", "interruptible", "cancel_requested")
    told = [[{name: value for name, value in event.data.items() if name not in moving}
             for event in events if event.kind == "job"] for events in (heard, seen[1:])]
    assert told[0] == told[1]


def test_the_beginning_of_a_stream_is_what_is_known_now(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, FOREVER)
    running = started.http.submit("/upgrade")
    started.http.wait_for_script("bbbb")
    waiting = [started.http.submit("/backup") for _ in range(2)]
    with started.http.events() as stream:
        current, *jobs = [stream.next() for _ in range(4)]
    assert current.kind == "current" and current.data["revisions"] == ["aaaa"]
    assert sorted((job.data["id"], job.data["state"]) for job in jobs) == sorted(
        [(running, "running"), *((one, "queued") for one in waiting)])
    assert len({event.number for event in [current, *jobs]}) == 1


# Gaps


def test_who_comes_back_too_late_is_told_of_the_gap(daemon, history):
    started = daemon(scripts=history)
    many_revisions(history, 300)
    with started.http.events() as stream:
        last = stream.next().number
    make_events(started.http, RING + 100)
    with started.http.events(headers={"Last-Event-ID": str(last)}) as stream:
        gap, current = stream.next(), stream.next()
    assert gap.kind == "gap" and gap.data["after"] == last and gap.data["detail"]
    assert current.kind == "current" and current.number >= last + RING
    assert {name: current.data[name] for name in ("verdict", "revisions")} == {
        name: started.http.get("/current").json[name] for name in ("verdict", "revisions")}


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_restart_is_a_gap(daemon, history, ending):
    first = daemon(scripts=history)
    with first.http.events() as stream:
        last = stream.next().number
        getattr(first, ending)()
    second = daemon(scripts=history)
    with second.http.events(headers={"Last-Event-ID": str(last)}) as stream:
        gap, current = stream.next(), stream.next()
        assert (gap.kind, gap.data["after"], current.kind) == ("gap", last, "current")
        assert current.number > last, "numbers ascend over restarts"
        repair(history)
        second.http.post("/upgrade")
        assert stream.next().number == current.number + 1


def test_a_reader_that_is_too_slow_gets_a_gap_and_then_the_truth(daemon, history):
    started = daemon(scripts=history)
    many_revisions(history, 300)
    connection = started.http.connection()
    connection.connect()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with connection.sock, connection.sock.makefile("rb") as lines:
        connection.sock.sendall(b"GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n")
        make_events(started.http, 4 * RING)
        begin = time.monotonic()
        assert started.http.get("/current").status == 200 and time.monotonic() - begin < 1, "others are not slow"
        expected = started.http.get("/current").json["revisions"]
        numbers, gaps, kind, revisions = [], 0, None, None
        for line in lines:
            name, _, value = line.decode("utf-8").rstrip("\n").partition(": ")
            if name == "id":
                numbers.append(int(value))
            elif name == "event":
                kind, gaps = value, gaps + (value == "gap")
            elif name == "data" and kind == "current" and gaps:
                revisions = value
                if f'"revisions":["{expected[0]}"]' in value:
                    break
    assert gaps >= 1 and revisions is not None
    assert numbers == sorted(numbers)


# Many, and the end


def test_listeners_take_at_most_half_of_the_places(daemon):
    started = daemon("--upgrade-to", "none", config="[http]\nconnections_max = 12\n")
    with ExitStack() as places:
        streams = [places.enter_context(started.http.events()) for _ in range(3)]
        assert {stream.next().kind for stream in streams} == {"current"}
        for _ in range(3):
            places.enter_context(started.http.raw()).send("GET /current?wait=head HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: not has_room(started.http), "the places to be taken")
        for path in ["/events", "/current?wait=head"]:
            refused = started.http.get(path)
            assert (refused.status, refused.json["code"]) == (503, "queue-full"), refused
            assert int(refused.headers["Retry-After"]) >= 1 and "wait already" in refused.json["detail"]
        assert started.http.get("/current").status == 200
        streams[0].close()
        started.http.post("/upgrade?dry_run=true")
        wait_until(lambda: has_room(started.http), "the next event to find nobody there any more")


def has_room(http):
    with http.events() as stream:
        return stream.status == 200


def test_sixty_four_listeners_hear_the_same_at_no_cost(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS // 4)
    with ExitStack() as streams:
        listeners = [streams.enter_context(started.http.events()) for _ in range(64)]
        begun = max([listener.next().number for listener in listeners])
        before, begin = cpu_seconds(started.pid), time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 1, "a second to pass")
        assert cpu_seconds(started.pid) - before < 0.2, "who listens to silence costs nothing"
        started.http.post("/upgrade?backup=never")
        heard = [[event.number for event in listener.until(lambda event: event.data.get("state") == "succeeded")
                  if event.number > begun] for listener in listeners]
    assert heard == [heard[0]] * 64 and heard[0]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_listener_that_hangs_up_is_forgotten(daemon, history):
    started = daemon(scripts=history, config="[http]\nconnections_max = 8\n")
    for _ in range(40):
        wait_until(lambda: has_room(started.http), "room for another one")
        started.http.post("/upgrade?dry_run=true")
    assert started.http.get("/healthz").status == 200


def test_stopping_tells_the_end_of_the_job_and_ends_the_streams(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS)
    job = started.http.submit("/upgrade")
    started.http.wait_for_script("bbbb")
    with started.http.events() as everything, started.http.events(f"/jobs/{job}/events") as one:
        started.signal(15)
        assert [event for event in everything.rest() if is_end_of(job)(event)][0].data["state"] == "succeeded"
        assert one.rest()[-1].data["state"] == "succeeded"
    assert started.wait_exit() == 0


def test_stopping_does_not_wait_for_listeners(daemon):
    started = daemon("--upgrade-to", "none")
    with started.http.events() as stream, started.http.raw() as raw:
        stream.next()
        raw.send("GET /current?wait=head&timeout=1h HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: "\nschemad_http_waiting 2\n" in started.http.get("/metrics").text, "both to wait")
        begin = time.monotonic()
        assert started.stop() == 0 and time.monotonic() - begin < 3
        assert {event.kind for event in stream.rest()} <= {"current"}
        assert raw.answer().json["code"] == "stopping"


def test_curl_prints_events_as_they_come(daemon, history):
    started = daemon(scripts=history)
    repair(history)
    job = started.http.post("/upgrade").json["id"]
    answer = curl(started.http, "GET", f"/jobs/{job}/events", "-N", "--raw")
    assert answer.status == 200 and b'"state":"succeeded"' in answer.body
    assert answer.body.rstrip().endswith(b"0"), "the last chunk: it ended as it should"


def test_somebody_elses_commit_is_an_event(daemon, database):
    started = daemon()
    with started.http.events() as stream, closing(sqlite3.connect(database)) as connection:
        stream.next()
        with connection:
            connection.execute("UPDATE alembic_version SET version_num = 'b5e9f2a1c3d4'")
        started.http.get("/current")
        event = stream.next()
    assert (event.kind, event.data["revisions"]) == ("current", ["b5e9f2a1c3d4"])
