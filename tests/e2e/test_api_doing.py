"""POST /upgrade, /downgrade, /stamp and /backup, as deploy scripts use them: waiting or not, retried with a key, on a
condition, cut off, queued, cancelled. Asked with curl, with http.client, and byte by byte."""

import sqlite3
import time
from contextlib import closing

import pytest

from conftest import (FOREVER, SECONDS, Curl, Post, TokenFile, add_broken, add_slow, curl, locked, repair, silent_sql,
                      version_rows, wait_until, write_script)

HEAD, PARENT = "c7f8a9b0d1e2", "b5e9f2a1c3d4"
QUEUE_MAX = 32


def queued(http):
    return http.get("/status").json["queue"]["length"]


def busy_for_ever(daemon, scripts):
    """A daemon whose worker does not come back by itself; and the id of what it is at."""
    started = daemon(scripts=scripts)
    add_slow(scripts, FOREVER)
    job = started.http.submit("/upgrade")
    started.http.wait_for_script("bbbb")
    return started, job


# Prefer


@pytest.mark.parametrize("preferences, applied, seconds", [
    (["respond-async"], "respond-async", 0),
    (["RESPOND-ASYNC; soon"], "respond-async", 0),
    (["handling=lenient, respond-async"], "respond-async", 0),
    (["handling=lenient", "respond-async"], "respond-async", 0),
    (["wait=0"], "wait=0", 0),
    (["wait=1"], "wait=1", 1),
    (["respond-async, wait=1"], "wait=1", 1),
    (["wait=1", "respond-async"], "wait=1", 1),
    (["wait=0, wait=60"], "wait=0", 0),
    (["wait=soon, respond-async"], "respond-async", 0),
    (["wait=-1, respond-async"], "respond-async", 0),
], ids=lambda value: "; ".join(value) if isinstance(value, list) else "")
def test_a_client_says_how_long_it_waits(daemon, history, preferences, applied, seconds):
    started, _ = busy_for_ever(daemon, history)
    words = [word for preference in preferences for word in ("-H", f"Prefer: {preference}")]
    begin = time.monotonic()
    answer = curl(started.http, "POST", "/backup", *words)
    took = time.monotonic() - begin
    assert answer.status == 202 and seconds <= took < seconds + 5, (answer, took)
    assert answer.json["state"] == "queued" and answer.headers["Location"] == f"/jobs/{answer.json['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert applied in [one.strip() for one in answer.headers["Preference-Applied"].split(",")]
    assert started.http.get(answer.headers["Location"]).json["id"] == answer.json["id"]


@pytest.mark.parametrize("preference, applied", [
    ("wait=60", "wait=60"), ("wait=86400", "wait=86400"), ("wait=soon", None), ("wait=-1", None), ("wait", None),
    ("wait=1 0", None), ("wait=99999999999999999999", None), ("handling=lenient", None), ("", None),
])
def test_who_has_the_time_gets_the_end(daemon, preference, applied):
    answer = curl(daemon().http, "POST", "/downgrade", "-H", f"Prefer: {preference}" if preference else "X: y")
    assert (answer.status, answer.json["outcome"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == applied and answer.headers["Location"] is None


def test_the_answer_to_a_wait_that_was_long_enough_comes_with_the_end_and_not_later(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS)
    begin = time.monotonic()
    answer = started.http.post("/upgrade", headers={"Prefer": "wait=25"})
    assert (answer.status, answer.json["to"]) == (200, ["bbbb"]) and time.monotonic() - begin < 20


def test_a_failed_run_names_its_job(daemon, history):
    started = daemon(scripts=history)
    add_broken(history)
    problem = started.http.post("/upgrade").json
    assert problem["instance"] == f"/jobs/{problem['run']['id']}"
    assert started.http.get(problem["instance"]).json["run"] == problem["run"]


# Idempotency-Key


def key(text):
    return {"Idempotency-Key": text}


def test_one_key_at_once_from_many_makes_one_run_and_equal_answers(daemon, database, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS // 2)
    clients = [Curl(started.http, "POST", "/upgrade", "-H", "Idempotency-Key: deploy-42") for _ in range(8)]
    answers = [client.wait() for client in clients]
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    replays = [answer.headers["Idempotent-Replayed"] for answer in answers]
    assert sorted(map(str, replays)) == ["None"] + ["true"] * 7
    assert len(started.http.get("/jobs?verb=upgrade").json["jobs"]) == 2, "this one, and that of the start"
    assert version_rows(database) == ["bbbb"]


def test_a_second_request_waits_like_the_first_or_not_as_it_prefers(daemon, history):
    started = daemon(scripts=history)
    add_slow(history, FOREVER)
    first = Post(started.http, "/upgrade", headers=key("one"))
    started.http.wait_for_script("bbbb")
    second = Post(started.http, "/upgrade", headers=key("one"))
    hasty = started.http.post("/upgrade", headers={**key("one"), "Prefer": "respond-async"})
    assert hasty.status == 202 and hasty.json["state"] == "running"
    assert hasty.headers["Idempotent-Replayed"] == "true"
    started.http.delete(hasty.headers["Location"])
    assert first.wait().json["code"] == "cancelled"
    assert second.wait().body == first.answer.body and second.answer.status == first.answer.status


def test_a_replay_changes_nothing_and_says_what_was_said_then(daemon, database, history):
    started = daemon(scripts=history)
    add_broken(history)
    asked = [("/upgrade", 422), ("/upgrade?target=nowhere", 404), ("/downgrade?dry_run=true", 200),
             ("/stamp?target=base", 200), ("/stamp?target=base", 200), ("/backup", 200)]
    first = [started.http.post(path, headers=key(f"key-{number}"))
             for number, (path, _) in enumerate(asked)]
    assert [answer.status for answer in first] == [status for _, status in asked]
    repair(history)
    jobs = started.http.get("/jobs").body
    again = [started.http.post(path, headers=key(f"key-{number}")) for number, (path, _) in enumerate(asked)]
    assert [(answer.status, answer.body) for answer in again] == [(answer.status, answer.body) for answer in first]
    assert [answer.headers["Content-Type"] for answer in again] == [answer.headers["Content-Type"] for answer in first]
    assert {answer.headers["Idempotent-Replayed"] for answer in again} == {"true"}
    assert started.http.get("/jobs").body == jobs and version_rows(database) == []


SAME = [  # of POST /upgrade {"target": "head", "reason": "why"}
    ("/upgrade", {"reason": "why", "target": "head"}, {}),
    ("/upgrade?reason=why", {"target": "head"}, {}),
    ("/upgrade?target=head&reason=why", None, {}),
    ("/upgrade", {"target": "head", "reason": "why"}, {"Prefer": "respond-async"}),
    ("/upgrade", {"target": "head", "reason": "why"}, {"If-Match": '"0000000000000000.0000000000000000"'}),
]

OTHER = [
    ("/downgrade", {"target": "head", "reason": "why"}),
    ("/stamp", {"target": "head", "reason": "why"}),
    ("/upgrade", {"target": HEAD, "reason": "why"}),
    ("/upgrade", {"target": "head"}),
    ("/upgrade", {"target": "head", "reason": "why not"}),
    ("/upgrade", {"target": "head", "reason": "why", "dry_run": True}),
    ("/upgrade", {"target": "head", "reason": "why", "backup": "always"}),
    ("/upgrade", {"target": "head", "reason": "why", "transaction": "run"}),
    ("/upgrade", {"target": "head", "reason": "why", "expect": []}),
    ("/upgrade", {"target": "head", "reason": "why", "lock_timeout_ms": 1}),
    ("/upgrade", {"target": "head", "reason": "why", "timeout_ms": 60000}),
    ("/backup", {"reason": "why"}),
]


def test_a_key_belongs_to_what_was_asked_and_not_to_how(daemon):
    started = daemon()
    first = started.http.post("/upgrade", {"target": "head", "reason": "why"}, headers=key("k"))
    assert first.status == 200
    for path, body, headers in SAME:
        answer = started.http.post(path, body, headers={**key("k"), **headers})
        assert answer.headers["Idempotent-Replayed"] == "true", (path, body, answer)
        assert answer.status in (200, 202) and (answer.status == 202 or answer.body == first.body)
    for path, body in OTHER:
        answer = started.http.post(path, body, headers=key("k"))
        assert (answer.status, answer.json["code"]) == (422, "idempotency-key-reused"), (path, body, answer)
        assert first.json["id"] in answer.json["hint"] and answer.headers["Idempotent-Replayed"] is None
    assert len(started.http.get("/jobs").json["jobs"]) == 2


def test_a_key_is_the_actors_own(daemon, tmp_path):
    tokens = TokenFile(tmp_path / "tokens")
    ada, bob = tokens.add("ada", "operate"), tokens.add("bob", "operate")
    started = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path)
    actors = [started.http, started.tcp(ada), started.tcp(bob)]
    runs = [http.post("/backup", headers=key("nightly")).json for http in actors]
    again = [http.post("/backup", headers=key("nightly")).json for http in actors]
    assert len({run["id"] for run in runs}) == 3 and again == runs
    assert [run["actor"] for run in runs[1:]] == ["token ada", "token bob"]


@pytest.mark.parametrize("text, same_as", [
    ("k", "k"), ('"k"', "k"), ("!#$%&'()*+,-./:;<=>?@[]^_`{|}~", None), ("k" * 255, None),
    ('"' + "q" * 255 + '"', "q" * 255),
], ids=["bare", "quoted", "signs", "longest", "longest quoted"])
def test_keys_that_are_taken(daemon, text, same_as):
    started = daemon()
    first = started.http.post("/backup", headers=key(text))
    assert first.status == 200, first
    assert started.http.post("/backup", headers=key(same_as or text)).json == first.json


@pytest.mark.parametrize("lines", [
    ["Idempotency-Key:"], ["Idempotency-Key: " + "k" * 256], ['Idempotency-Key: "' + "q" * 256 + '"'],
    ["Idempotency-Key: two words"], ['Idempotency-Key: "open'], ['Idempotency-Key: ""'],
    ["Idempotency-Key: sch\u00f6n"], ["Idempotency-Key: a\tb"], ["Idempotency-Key: a", "Idempotency-Key: b"],
], ids=["empty", "too long", "too long quoted", "space", "open quote", "nothing quoted", "no ASCII", "tab", "two"])
def test_keys_that_are_refused(daemon, lines):
    started = daemon()
    with started.http.raw() as raw:
        answer = raw.send("\r\n".join(["POST /backup HTTP/1.1", "Host: localhost", *lines, "", ""])).answer("POST")
    assert (answer.status, answer.json["code"]) == (400, "argument-invalid"), answer
    assert "Idempotency-Key" in answer.json["detail"]
    assert len(started.http.get("/jobs").json["jobs"]) == 1, "that of the start"


def test_what_was_refused_uses_up_no_key(daemon, history):
    started, job = busy_for_ever(daemon, history)
    http = started.http
    assert http.post("/backup?nonsense=1", headers=key("k")).status == 400
    assert http.post("/backup", headers={**key("k"), "If-Match": '"no.where"'}).status == 412
    assert http.post("/backup", headers={**key("k"), "Origin": "http://example.org"}).status == 403
    waiting = [http.submit("/backup") for _ in range(QUEUE_MAX)]
    assert http.post("/backup", headers=key("k")).status == 503
    for one in [*waiting, job]:
        http.delete(f"/jobs/{one}")
    assert http.post("/backup?reason=another", headers=key("k")).status == 200, "another request takes the key"


# If-Match


def test_a_tag_of_current_holds_while_the_version_rows_are_those(daemon):
    started = daemon()
    http = started.http
    json_tag = http.get("/current").headers["ETag"]
    text_tag = http.get("/current", headers={"Accept": "text/plain"}).headers["ETag"]
    status_tag = http.get("/status").headers["ETag"]
    assert len({json_tag, text_tag, status_tag}) == 3
    for tag in [json_tag, text_tag, f'"x", {json_tag}', "*"]:
        assert http.post("/upgrade?dry_run=true", headers={"If-Match": tag}).status == 200, tag
    for tag in ['"x"', f"W/{json_tag}", json_tag.strip('"'), ""]:
        answer = http.post("/upgrade", headers={"If-Match": tag})
        assert (answer.status, answer.json["code"]) == (412, "precondition-failed"), (tag, answer)
    assert http.post("/downgrade", headers={"If-Match": json_tag}).status == 200
    refused = http.post("/downgrade", headers={"If-Match": text_tag})
    assert refused.status == 412 and refused.json["current"] == http.get("/current").json
    assert http.get("/current").json["revisions"] == [PARENT]
    assert http.post("/upgrade", headers={"If-Match": "*"}).status == 200
    assert http.post("/downgrade", headers={"If-Match": json_tag}).status == 200, "the same rows are there again"


def test_a_tag_holds_until_the_run_begins(daemon, database, history):
    """What was true when it was asked is looked at again when its turn comes."""
    started, job = busy_for_ever(daemon, history)
    tag = started.http.get("/current").headers["ETag"]
    first, second = (Post(started.http, "/downgrade?backup=never", headers={"If-Match": tag}) for _ in range(2))
    wait_until(lambda: queued(started.http) == 2, "both to be queued")
    started.http.delete(f"/jobs/{job}")
    assert sorted([first.wait().status, second.wait().status]) == [200, 412]
    refused = first.answer if first.answer.status == 412 else second.answer
    assert refused.json["current"]["revisions"] == [] == version_rows(database)
    assert refused.json["run"]["outcome"] == "failed" and refused.json["instance"].startswith("/jobs/")


def test_an_expectation_that_fails_says_where_the_database_is(daemon):
    started = daemon()
    answer = curl(started.http, "POST", f"/downgrade?expect={PARENT}")
    assert (answer.status, answer.json["code"]) == (412, "precondition-failed")
    assert answer.json["current"] == started.http.get("/current").json
    tag = started.http.get("/current").headers["ETag"]
    both = started.http.post(f"/downgrade?expect={PARENT}", headers={"If-Match": tag})
    assert both.status == 412, "the request's own expectation counts too"


def test_a_known_key_wins_over_a_tag_that_holds_no_more(daemon):
    http = daemon().http
    headers = {**key("k"), "If-Match": http.get("/current").headers["ETag"]}
    first = http.post("/downgrade", headers=headers)
    again = http.post("/downgrade", headers=headers)
    assert (first.status, again.status) == (200, 200) and again.body == first.body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert http.get("/current").json["revisions"] == [PARENT], "once"
    assert http.post("/downgrade", headers={**headers, **key("another")}).status == 412


# Hanging up, and other ways to ask


def test_a_client_that_hangs_up_changes_nothing(daemon, database, history):
    started = daemon(scripts=history)
    add_slow(history, SECONDS)
    client = Curl(started.http, "POST", "/upgrade", "-H", "Idempotency-Key: k")
    started.http.wait_for_script("bbbb")
    client.hang_up()
    again = started.http.post("/upgrade", headers=key("k"))
    assert again.json["outcome"] == "succeeded" and again.headers["Idempotent-Replayed"] == "true"
    assert version_rows(database) == ["bbbb"]


HALF = "POST /downgrade HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("sent", [
    "POST /down", HALF, HALF + "Content-Length: 50\r\n\r\n{", HALF + "Transfer-Encoding: chunked\r\n\r\n2",
], ids=["line", "head", "body", "chunk"])
def test_half_a_request_is_no_request(daemon, sent):
    started = daemon(config="[http]\nrequest_timeout_ms = 300\n")
    with started.http.raw() as gone, started.http.raw() as silent:
        gone.send(sent).close()
        silent.send(sent)
        assert started.http.get("/current").status == 200, "others are served"
        if not silent.has_ended():
            assert silent.file.readline().startswith(b"TTP/1.1 408")
    assert started.http.get("/current").json["revisions"] == [HEAD]
    assert len(started.http.get("/jobs").json["jobs"]) == 1


def test_the_body_is_asked_for_only_when_it_is_wanted(daemon):
    started = daemon()
    head = ("POST /downgrade HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 16\r\n"
            "Expect: 100-continue\r\n\r\n")
    with started.http.raw() as raw:
        raw.send(head.format("localhost"))
        assert raw.file.readline() == b"HTTP/1.1 100 Continue\r\n" and raw.file.readline() == b"\r\n"
        answer = raw.send('{"target": "-1"}').answer("POST")
        assert (answer.status, answer.json["to"]) == (200, [PARENT])
    with started.http.raw() as raw:
        raw.send(head.format("localhost\r\nOrigin: http://example.org"))
        assert raw.file.readline().startswith(b"HTTP/1.1 403 ")


def test_an_old_client_gets_its_answer_and_the_end_of_the_connection(daemon):
    with daemon().http.raw() as raw:
        raw.send("POST /downgrade HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert raw.answer("POST").json["outcome"] == "succeeded" and raw.has_ended()


def test_requests_in_a_row_are_answered_in_that_row(daemon):
    with daemon().http.raw() as raw:
        raw.send("".join(f"{line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n" for line in [
            "POST /downgrade", "GET /current", "POST /upgrade", "GET /current", "GET /healthz"]))
        answers = [raw.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5
    assert [answers[number].json["revisions"] for number in (1, 3)] == [[PARENT], [HEAD]]


# The queue


def test_a_full_queue_says_when_to_come_back(daemon, history):
    started, job = busy_for_ever(daemon, history)
    waiting = [Post(started.http, "/backup") for _ in range(QUEUE_MAX // 2)]
    identifiers = [started.http.submit("/backup") for _ in range(QUEUE_MAX // 2)]
    wait_until(lambda: queued(started.http) == QUEUE_MAX, "the queue to be full")
    refused = curl(started.http, "POST", "/backup")
    assert (refused.status, refused.json["code"]) == (503, "queue-full")
    assert int(refused.headers["Retry-After"]) >= 1
    begin = time.monotonic()
    assert started.http.get("/current").json["running"]["id"] == job and time.monotonic() - begin < 1
    started.http.delete(f"/jobs/{identifiers[0]}")
    assert started.http.post("/backup", headers={"Prefer": "respond-async"}).status == 202, "there is a place again"
    started.http.delete(f"/jobs/{job}")
    assert {client.wait().status for client in waiting} == {200}


def test_reading_waits_neither_for_a_run_nor_for_the_journal(daemon, database):
    started = daemon()
    with locked(database.parent / "content.db.schemad/journal.db", "IMMEDIATE"):
        client = Post(started.http, "/downgrade")
        for path in ["/current", "/status", "/readyz", "/metrics", "/healthz", "/heads"] * 10:
            begin = time.monotonic()
            assert started.http.get(path).status == 200
            assert time.monotonic() - begin < 1, path
        assert client.answer is None
    assert client.wait().status == 200, "it is recorded first, and then done"


# Cancelling


def test_a_queued_job_is_cancelled_at_once(daemon, history):
    started, _ = busy_for_ever(daemon, history)
    client = Post(started.http, "/backup", headers=key("k"))
    wait_until(lambda: queued(started.http) == 1, "the second job")
    job = started.http.get("/jobs?state=queued").json["jobs"][0]
    assert (job["cancel_requested"], job["interruptible"], job["elapsed_ms"]) == (False, True, 0)
    answer = curl(started.http, "DELETE", f"/jobs/{job['id']}")
    assert (answer.status, answer.json["id"]) == (202, job["id"])
    assert client.wait().json["code"] == "cancelled"
    ended = started.http.get(f"/jobs/{job['id']}").json
    assert (ended["state"], ended["interruptible"], ended["run"]["outcome"]) == ("cancelled", False, "cancelled")
    again = started.http.post("/backup", headers=key("k"))
    assert (again.status, again.body) == (client.answer.status, client.answer.body)


def test_a_long_statement_is_cut_off(daemon, database, history):
    started, job = busy_for_ever(daemon, history)
    running = started.http.get(f"/jobs/{job}").json
    assert (running["cancel_requested"], running["interruptible"]) == (False, True)
    begin = time.monotonic()
    answer = curl(started.http, "DELETE", f"/jobs/{job}")
    assert (answer.status, answer.json["cancel_requested"]) == (202, True)
    assert started.http.wait_for_job(job)["state"] == "cancelled" and time.monotonic() - begin < 2
    assert version_rows(database) == ["aaaa"]
    after = curl(started.http, "DELETE", f"/jobs/{job}")
    assert after.status == 202 and after.json == started.http.get(f"/jobs/{job}").json, "an ended job stays as it is"


def test_a_commit_is_not_cancelled(daemon, database, history):
    started = daemon(scripts=history, config="[run]\nlock_timeout_ms = 60000\n")
    repair(history)
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM a").fetchall()
        client = Post(started.http, "/upgrade?backup=never")
        job = wait_until(lambda: started.http.get("/current").json["running"], "the run")["id"]
        wait_until(lambda: started.http.get(f"/jobs/{job}").json["phase"] == "committing", "the commit")
        assert started.http.get(f"/jobs/{job}").json["interruptible"] is False
        answer = started.http.delete(f"/jobs/{job}").json
        assert (answer["phase"], answer["cancel_requested"], answer["interruptible"]) == ("committing", True, False)
        reader.execute("ROLLBACK")
    assert client.wait().json["outcome"] == "succeeded"
    ended = started.http.get(f"/jobs/{job}").json
    assert (ended["state"], ended["cancel_requested"], ended["permille"]) == ("succeeded", False, 1000)
    assert version_rows(database) == ["bbbb"]


def test_a_job_in_which_sqlite_gives_no_sign_of_life_says_so(daemon, database, history):
    started = daemon(scripts=history)
    write_script(history, "bbbb", silent_sql(4), "DROP TABLE searched;", "aaaa")
    job = started.http.submit("/upgrade")
    started.http.wait_for_script("bbbb")
    wait_until(lambda: not started.http.get(f"/jobs/{job}").json["interruptible"], "the silence to be noticed", 4)
    answer = started.http.delete(f"/jobs/{job}").json
    assert (answer["state"], answer["cancel_requested"], answer["interruptible"]) == ("running", True, False)
    assert started.http.wait_for_job(job)["state"] == "cancelled", "as soon as SQLite is back"
    assert version_rows(database) == ["aaaa"]
