"""What was said of a job is said after the daemon's end, too: by its id, and to whoever asks again with the same key.

The daemon is ended by SIGTERM and by SIGKILL, with jobs in every state they can have.
"""

import fcntl
import os
import re
import sqlite3
import struct
from contextlib import closing, contextmanager

import pytest

from conftest import (FOREVER, SECONDS, Post, add_broken, add_slow, locked, repair, version_rows, wait_until,
                      write_script)

ENDED = ("succeeded", "failed", "cancelled", "interrupted")


class Requests:
    """Requests with a key each, and what was answered."""

    def __init__(self):
        self.paths, self.answers = {}, {}

    def headers(self, name):
        return {"Idempotency-Key": name.replace(" ", "-")}

    def do(self, http, name, path):
        self.paths[name] = path
        self.answers[name] = http.post(path, headers=self.headers(name))
        return self.answers[name]

    def submit(self, http, name, path):
        self.paths[name] = path
        return http.submit(path, headers=self.headers(name))

    def again(self, http, name):
        return http.post(self.paths[name], headers=self.headers(name))


def cancel(http, job):
    http.delete(f"/jobs/{job}")
    http.wait_for_job(job)


def eventful_life(started, history):
    """Requests that came to every end there is; and the names of jobs, by id."""
    requests, names, http = Requests(), {}, started.http
    assert requests.do(http, "nothing to do", "/upgrade?reason=none").json["outcome"] == "nothing-to-do"
    assert requests.do(http, "failed before its intent", "/upgrade?target=nowhere").status == 404
    assert requests.do(http, "not where expected", "/upgrade?expect=cccc").status == 412
    add_broken(history)
    assert requests.do(http, "failed", "/upgrade").status == 422
    assert requests.do(http, "planned to fail", "/upgrade?dry_run=true").json["outcome"] == "planned"
    assert requests.do(http, "backed up", "/backup?reason=m%C3%B6glichst%20fr%C3%BCh").status == 200
    repair(history)
    assert requests.do(http, "planned", "/upgrade?dry_run=true").json["outcome"] == "planned"
    assert requests.do(http, "succeeded", "/upgrade?backup=never&reason=release").status == 200
    assert requests.do(http, "down", "/downgrade").status == 200
    assert requests.do(http, "stamped", "/stamp?target=bbbb").status == 200
    add_slow(history, FOREVER, "cccc", "bbbb")
    for name, path in [("cancelled", "/upgrade"), ("cancelled in time", "/upgrade?transaction=revision")]:
        job = requests.submit(http, name, path)
        http.wait_for_script("cccc")
        queued = requests.submit(http, f"{name} while queued", "/backup")
        cancel(http, queued)
        cancel(http, job)
        for one in (name, f"{name} while queued"):
            requests.answers[one] = requests.again(http, one)
    for name, answer in requests.answers.items():
        names[answer.json["id"] if "id" in answer.json else answer.json["run"]["id"]] = name
    return requests, names


def lasting(answer):
    """The text of an answer without what a 412 says of the moment."""
    return re.sub(r'^  "current": \{.*?^  \},?\n', "", answer.text, flags=re.M | re.S)


def bodies(http):
    """Every job there is, by its id, as it is told."""
    jobs = http.get("/jobs?limit=1000").json["jobs"]
    return {job["id"]: http.get(f"/jobs/{job['id']}").body for job in jobs}


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_every_job_is_what_it_was_before_the_restart(daemon, history, ending):
    started = daemon(scripts=history)
    requests, names = eventful_life(started, history)
    before = bodies(started.http)
    assert set(names) <= set(before) and len(names) == len(requests.answers)
    getattr(started, ending)()
    http = daemon("--upgrade-to", "none", scripts=history).http
    for job, body in before.items():
        assert http.get(f"/jobs/{job}").body == body, names.get(job)
    listed = {job["id"]: job for job in http.get("/jobs?limit=1000").json["jobs"]}
    for name, answer in requests.answers.items():
        again = requests.again(http, name)
        assert (again.status, lasting(again)) == (answer.status, lasting(answer)), name
        assert again.headers["Idempotent-Replayed"] == "true"
    assert bodies(http) == before, "asking again made no job"
    assert list(listed) == list(before), "nor is one missing from the list, or twice in it"


def test_a_job_is_what_it_was_after_many_restarts(daemon, history):
    started = daemon(scripts=history)
    _, names = eventful_life(started, history)
    before = bodies(started.http)
    for ending in ["kill", "stop", "kill"]:
        getattr(started, ending)()
        started = daemon("--upgrade-to", "none", scripts=history)
        for job in names:
            assert started.http.get(f"/jobs/{job}").body == before[job], names[job]


# Cut off


def left_over(daemon, history, ending, **options):
    """A daemon that was ended while one job ran and two waited; what its clients heard, and their requests."""
    started = daemon(scripts=history, **options)
    add_slow(history, FOREVER)
    requests = Requests()
    jobs = {"running": requests.submit(started.http, "running", "/upgrade?reason=cut")}
    started.http.wait_for_script("bbbb")
    for name in ("queued", "queued too"):
        jobs[name] = requests.submit(started.http, name, "/downgrade")
    clients = {}
    if ending == "stop":
        clients = {name: Post(started.http, requests.paths[name], headers=requests.headers(name)) for name in jobs}
        wait_until(lambda: "\nschemad_http_waiting 3\n" in started.http.get("/metrics").text, "the clients to wait")
    getattr(started, ending)()
    return requests, jobs, {name: client.wait() for name, client in clients.items()}


def test_killed_jobs_say_what_became_of_them_and_of_the_database(daemon, database, history):
    requests, jobs, _ = left_over(daemon, history, "kill")
    assert version_rows(database) == ["aaaa"]
    again = daemon("--upgrade-to", "none", scripts=history)
    found = {name: again.http.get(f"/jobs/{job}").json for name, job in jobs.items()}
    for name, job in found.items():
        run, error = job["run"], job["run"]["error"]
        assert (job["state"], run["outcome"], error["code"]) == ("interrupted", "interrupted", "interrupted"), name
        assert error["hint"] and "aaaa" in error["detail"], (name, job)
        assert run["actor"].startswith(f"uid {os.getuid()}") and run["to"] == ["aaaa"]
    assert found["running"]["run"]["reason"] == "cut"
    assert "process ended" in found["running"]["run"]["error"]["detail"]
    for name in ("queued", "queued too"):
        assert "nothing was run" in found[name]["run"]["error"]["detail"]
    replays = {name: requests.again(again.http, name) for name in jobs}
    for name, replay in replays.items():
        assert (replay.json["code"], replay.json["instance"]) == ("interrupted", f"/jobs/{jobs[name]}")
        assert replay.headers["Idempotent-Replayed"] == "true"
    assert version_rows(database) == ["aaaa"], "asked again with the same key, nothing is done twice"
    again.kill()
    later = daemon("--upgrade-to", "none", scripts=history).http
    assert {name: later.get(f"/jobs/{job}").json for name, job in jobs.items()} == found
    assert {name: requests.again(later, name).body for name in jobs} == {
        name: replay.body for name, replay in replays.items()}


def test_stopped_the_clients_hear_what_is_still_true_afterwards(daemon, database, history):
    requests, jobs, heard = left_over(daemon, history, "stop", config="[http]\nstop_timeout_ms = 500\n")
    assert heard["running"].json["code"] == "cancelled" and version_rows(database) == ["aaaa"]
    http = daemon("--upgrade-to", "none", scripts=history).http
    for name, job in jobs.items():
        found = http.get(f"/jobs/{job}").json
        assert found["state"] in ENDED and found["run"]["error"]["code"] == heard[name].json["code"], name
        again = requests.again(http, name)
        assert (again.status, again.body) == (heard[name].status, heard[name].body), name


# Killed at a certain point


@contextmanager
def schema_lock(database):
    """The lock that every run takes first, held by somebody else."""
    with open(f"{database}.schemad-lock", "a+b") as file:
        # struct flock: type, whence, start, length, pid
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        yield


def found_after(daemon, history, job):
    return daemon("--upgrade-to", "none", scripts=history).http.get(f"/jobs/{job}").json


def phase_of(http, job):
    return http.get(f"/jobs/{job}").json["phase"]


def test_killed_before_its_intent(daemon, database, history):
    started = daemon(scripts=history)
    repair(history)
    with schema_lock(database):
        job = started.http.submit("/upgrade?lock_timeout_ms=60000", headers={"Idempotency-Key": "k"})
        wait_until(lambda: started.http.get(f"/jobs/{job}").json["state"] == "running", "the run to wait for the lock")
        started.kill()
    found = found_after(daemon, history, job)
    assert (found["state"], found["run"]["error"]["code"]) == ("interrupted", "interrupted")
    assert "nothing was run" in found["run"]["error"]["detail"] and "aaaa" in found["run"]["error"]["detail"]
    assert version_rows(database) == ["aaaa"]


def test_killed_while_committing(daemon, database, history):
    started = daemon(scripts=history)
    repair(history)
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM a").fetchall()
        job = started.http.submit("/upgrade?backup=never&lock_timeout_ms=60000")
        wait_until(lambda: phase_of(started.http, job) == "committing", "the commit to wait for the reader")
        started.kill()
    found = found_after(daemon, history, job)
    assert (found["state"], found["run"]["from"], found["run"]["to"]) == ("interrupted", ["aaaa"], ["aaaa"])
    assert version_rows(database) == ["aaaa"]


def test_killed_after_the_commit_and_before_anybody_was_told(daemon, database, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS // 2)
    job = started.http.submit("/upgrade?backup=never", headers={"Idempotency-Key": "k"})
    started.http.wait_for_script("bbbb")
    with locked(database.parent / "content.db.schemad/journal.db", "IMMEDIATE"):
        wait_until(lambda: version_rows(database) == ["bbbb"], "the commit")
        started.kill()
    again = daemon("--upgrade-to", "none", scripts=history)
    found = again.http.get(f"/jobs/{job}").json
    assert (found["run"]["from"], found["run"]["to"]) == (["aaaa"], ["bbbb"]), "the database says that it was done"
    if found["state"] == "interrupted":
        assert "bbbb" in found["run"]["error"]["detail"]
    replay = again.http.post("/upgrade?backup=never", headers={"Idempotency-Key": "k"})
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert again.http.post("/upgrade").json["outcome"] == "nothing-to-do"


def test_killed_between_two_commits_of_a_run(daemon, database, history):
    started = daemon(scripts=history)
    repair(history)
    add_slow(history, FOREVER, "cccc", "bbbb")
    job = started.http.submit("/upgrade?transaction=revision")
    started.http.wait_for_script("cccc")
    started.kill()
    found = found_after(daemon, history, job)
    assert (found["state"], found["run"]["from"], found["run"]["to"]) == ("interrupted", ["aaaa"], ["bbbb"])
    assert "bbbb" in found["run"]["error"]["detail"] and "1 of 2" in found["run"]["error"]["detail"]
    assert version_rows(database) == ["bbbb"]


def test_killed_while_somebody_asks_for_many_things(daemon, history):
    """Whatever was acknowledged before a kill is known after it; ten times, at moments as they come."""
    write_script(history, "bbbb", "CREATE TABLE b (x);", "DROP TABLE b;", "aaaa")
    acknowledged = {}
    for number in range(10):
        started = daemon("--upgrade-to", "none", wait="serving", scripts=history)
        for job, run in acknowledged.items():
            answer = started.http.get(f"/jobs/{job}")
            assert answer.status == 200 and answer.json["state"] in ENDED
            assert run is None or answer.json["run"] == run
        for step in range(number + 2):
            path = ["/upgrade", "/backup", "/downgrade", "/upgrade?dry_run=true"][step % 4]
            acknowledged[started.http.submit(path, headers={"Idempotency-Key": f"{number}-{step}"})] = None
        done = started.http.post("/upgrade?reason=waited")
        acknowledged[done.json["id"]] = done.json
        acknowledged[started.http.submit("/downgrade?target=base")] = None
        started.kill()
