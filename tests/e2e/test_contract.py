"""Real daemons answer as openapi.yaml says: every example of it is asked, and then whatever a generator thinks of.

An example of an answer carries `x-replay`: the request that gets it, the state it needs (`given`, a function below),
and whether it goes `over` TCP. The answer must be as described, and look like the example: the same members, types and
nulls everywhere, and the same values where a value means something. Where no test can make it so, `x-not-replayed` says
why.
"""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
from contextlib import closing, contextmanager
from urllib.parse import quote, urlsplit

import pytest
import tools
from conftest import ROOT, VERSIONS, TokenFile, slow_sql, wait_until, write_script
from contract import (CONTRACT, OPERATIONS, breaches, events_of, expect_as, expect_described, header_breaches,
                      operation_of)

HEAD = "c7f8a9b0d1e2"
NEW = "5e8c83c1a2b3"
FOREVER = 10**12


# ---- States ----


class Site:
    """A daemon in a state, with clients of both kinds and what the placeholders of examples stand for."""

    def __init__(self, daemon, database, scripts, tmp_path):
        self.database, self.scripts, self.start_daemon = database, scripts, daemon
        self.tokens = TokenFile(tmp_path / "tokens")
        self.secrets = {access: self.tokens.add(access, access) for access in ("read", "operate", "destroy")}
        for script in VERSIONS.glob("*.sql"):
            (self.scripts / script.name).write_bytes(script.read_bytes())

    def start(self, *options, **settings):
        self.daemon = self.start_daemon(*options, "--tcp", "127.0.0.1:0", "--token-file", self.tokens.path,
                                        scripts=self.scripts, **settings)
        wait_until(lambda: "listening on 127.0.0.1:" in self.daemon.log, "schemad to listen on TCP")
        self.http, self.tcp = self.daemon.http, self.daemon.tcp()

    def reload(self, condition):
        """Read the scripts again, and wait until /current shows it."""
        self.daemon.signal(signal.SIGHUP)
        wait_until(lambda: condition(self.http.get("/current").json), "the scripts to be read again")

    def add(self, identifier, up, revises=HEAD):
        write_script(self.scripts, identifier, up, revises=revises)

    def fill(self, text):
        """A request of an example with its placeholders replaced."""
        for name in re.findall(r"{(\w+)}", text):
            text = text.replace(f"{{{name}}}", self.meaning(name))
        return text

    def meaning(self, name):
        if name == "job":
            return self.http.get("/jobs?limit=1").json["jobs"][0]["id"]
        if name == "etag":
            return self.http.get("/current").headers["ETag"]
        return self.secrets[name]


def head(site):
    site.start()


def writable(site):
    site.start(config="[scripts]\nwritable = yes\n")


def empty(site):
    site.start("--upgrade-to", "none")


def behind(site):
    empty(site)
    assert site.http.post("/upgrade?target=9e9e70a4a06b").status == 200


def backed_up(site):
    head(site)
    assert site.http.post("/backup").status == 200


def keyed(site):
    head(site)
    assert site.http.post("/backup", headers={"Idempotency-Key": "release-42"}).status == 200


def denied(site):
    head(site)
    assert site.tcp.post("/upgrade").status == 401
    wait_until(lambda: site.http.get("/denials").json["denials"], "the refusal to be written down")


def stormed(site):
    head(site)
    wait_until(lambda: site.tcp.get("/current").status == 429, "too many failures", timeout=10)


def bad_script(site):
    site.add(NEW, "SELECT 1;")
    script = next(site.scripts.glob(f"{NEW}*"))
    script.write_text(script.read_text(encoding="utf-8").replace("Revises:", "Revise:"), encoding="utf-8")
    site.start("--on-failure", "hold", wait="serving")
    wait_until(lambda: site.http.get("/current").json["running"] is None, "the upgrade of the start to fail")


def bad_statement(site):
    head(site)
    site.add(NEW, "CREATE TABLE users (id INTEGER PRIMARY KEY);")
    site.reload(lambda current: current["pending"] == 1)


def two_heads(site):
    writable(site)
    site.add(NEW, "SELECT 1;")
    site.add("6f9d94d2b3c4", "SELECT 1;")
    site.reload(lambda current: len(current["heads"]) == 2)


def foreign_row(site):
    head(site)
    with closing(sqlite3.connect(site.database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        connection.commit()


def no_database(site):
    site.database.write_text("this is not a database " * 100, encoding="utf-8")
    site.start("--on-failure", "hold", wait="serving")
    wait_until(lambda: site.http.get("/jobs").json["jobs"][0]["state"] == "failed", "the upgrade of the start to fail")


def busy(site):
    head(site)
    site.add(NEW, slow_sql(FOREVER))
    site.reload(lambda current: current["pending"] == 1)
    site.http.submit("/upgrade", {"target": "head", "reason": "release 42"})
    wait_until(lambda: (site.http.get("/current").json["running"] or {}).get("revision") == NEW, "the script to run")


def full(site):
    busy(site)
    while site.http.post("/backup", headers={"Prefer": "respond-async"}).status == 202:
        pass


STATES = {function.__name__.replace("_", "-"): function for function in (
    head, writable, empty, behind, backed_up, keyed, denied, stormed, bad_script, bad_statement, two_heads, foreign_row,
    no_database, busy, full)}


@pytest.fixture
def site(daemon, database, scripts, tmp_path):
    return Site(daemon, database, scripts, tmp_path)


# ---- Examples of answers ----


def answer_examples():
    """(name, response, content type, example) of every example of an answer."""
    answers = {id(r): (f"{o.id}-{status}", r) for o in OPERATIONS for status, r in o.responses.items()}
    shared = {id(r): (name, r) for name, r in CONTRACT["components"]["responses"].items()}
    for name, response in {**answers, **shared}.values():
        for content_type, content in response.get("content", {}).items():
            for example, value in content["examples"].items():
                kind = content_type.partition("/")[2].partition(";")[0]
                yield pytest.param(response, content_type, value, id=f"{name}-{kind}-{example}")


# Values that mean the same in an example and in its answer.
SAME = {"code", "from", "lines", "outcome", "phase", "revision", "revisions", "state", "status", "title", "to", "type",
        "verb", "verdict"}


def unlike(shown, told, where="$"):
    """In what an answer does not look like its example."""
    name = re.sub(r"\[\d+\]", "", where).rpartition(".")[2]
    if isinstance(shown, dict) and isinstance(told, dict):
        yield from (f"{where}.{key} is on one side only" for key in set(shown) ^ set(told))
        for key in set(shown) & set(told):
            yield from unlike(shown[key], told[key], f"{where}.{key}")
    elif isinstance(shown, list) and isinstance(told, list):
        if bool(shown) != bool(told):
            yield f"{where}: {shown} is shown, {told} was told"
        for index, (one, other) in enumerate(zip(shown, told)):
            yield from unlike(one, other, f"{where}[{index}]")
    elif kind(shown) != kind(told) or (name in SAME and shown != told):
        yield f"{where}: {shown!r} is shown, {told!r} was told"


def kind(value):
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def test_what_is_unlike_is_found():
    shown = {"code": "locked", "line": 1, "hint": None, "steps": [{"line": 2}], "to": []}
    told = {"code": "internal", "line": "1", "hint": "x", "steps": [{}], "to": ["a"], "more": 1}
    assert list(unlike(shown, shown)) == []
    assert len(list(unlike(shown, told))) == 6


def request_of(site, replay):
    """The request of an example: its operation (None: there is none), method, target, client and headers."""
    method, target = site.fill(replay["request"]).split(" ", 1)
    http = site.tcp if replay.get("over") == "tcp" else site.http
    headers = {name: site.fill(value) for name, value in replay.get("headers", {}).items()}
    return operation_of(method, urlsplit(target).path), method, target, http, headers


def expect_events(operation, shown, http, target):
    """The stream begins with the events shown."""
    with http.events(target) as stream:
        assert stream.status == 200 and stream.headers["Content-Type"] == "text/event-stream"
        assert list(header_breaches(stream.headers, operation.responses["200"]["headers"])) == []
        for name, data in events_of(shown):
            event = stream.next()
            assert (event.kind, list(unlike(json.loads(data), event.data))) == (name, [])
            assert breaches(event.data, operation.described["x-events"][name]) == []
        assert stream.retry == 1000


def test_every_example_is_replayed_or_says_why_not():
    for _, _, example in (param.values for param in answer_examples()):
        assert ("x-replay" in example) != ("x-not-replayed" in example), example


@pytest.mark.parametrize("response, content_type, example",
                         [param for param in answer_examples() if "x-replay" in param.values[2]])
def test_an_example_is_what_a_daemon_answers(site, response, content_type, example):
    replay = example["x-replay"]
    STATES[replay.get("given", "head")](site)
    operation, method, target, http, headers = request_of(site, replay)
    if content_type == "text/event-stream":
        expect_events(operation, example["value"], http, target)
        return
    answer = http.request(method, target, headers=headers, body=replay.get("body"))
    if operation is not None and str(answer.status) in operation.responses:
        assert operation.responses[str(answer.status)] is response, answer
    expect_as(response, answer)
    assert answer.headers["Content-Type"] == content_type
    if content_type.endswith("json"):
        assert list(unlike(example["value"], answer.json)) == [], answer
    elif method == "GET" and content_type != "text/plain; version=0.0.4":
        assert answer.text.startswith(example["value"])


# ---- Examples of requests ----


def body_examples():
    for operation in OPERATIONS:
        content = operation.described.get("requestBody", {}).get("content", {})
        for name, example in content.get("application/json", {}).get("examples", {}).items():
            yield pytest.param(operation, example, id=f"{operation.id}-{name}")


@pytest.mark.parametrize("operation, example", body_examples())
def test_an_example_of_a_body_is_taken(site, operation, example):
    STATES[example.get("x-given", "head")](site)
    answer = site.http.request(operation.method, operation.path, body=example["value"])
    assert answer.status in (200, 201), answer
    expect_described(operation, answer)


def parameter_examples(operation):
    """(where, name, value, other query parameters) of every example of a parameter."""
    for parameter in operation.parameters:
        for example in parameter.get("examples", {}).values():
            others = {k: v for k, v in example.get("x-with", {}).items() if k in operation.names("query")}
            yield parameter["in"], parameter["name"], example["value"], others


def in_query(value):
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_every_example_of_a_parameter_is_taken(site, operation):
    writable(site)
    assert site.http.post("/backup").status == 200
    for place, name, value, others in parameter_examples(operation):
        if operation.id == "merge":
            assert site.http.post("/revisions?head=base").status == 201
        query = {"target": "head", "dry_run": True} if operation.id == "stamp" else {}
        query.update({"dry_run": True} if "dry_run" in operation.names("query") else {})
        query.update(others)
        if name == "targets":
            query.pop("target", None)
        query.update({name: value} if place == "query" else {})
        path = operation.path.replace("{id}", str(value) if place == "path" else site.meaning("job"))
        target = path + "".join(f"{'&?'[i == 0]}{k}={in_query(v)}" for i, (k, v) in enumerate(query.items()))
        headers = {name: site.fill(str(value))} if place == "header" else {}
        if operation.streams:
            with site.http.events(target, headers=headers) as stream:
                assert stream.status in (200, 204), target
        else:
            answer = site.http.request(operation.method, target, headers=headers)
            assert answer.status < 400, (target, headers, answer)
            expect_described(operation, answer)


def test_the_daemon_serves_this_very_contract(site):
    head(site)
    assert site.http.get("/openapi.yaml").text == (ROOT / "openapi.yaml").read_text(encoding="utf-8")


# ---- Refusals that all share ----


@pytest.fixture
def headed(site):
    head(site)
    return site


def test_every_operation_refuses_as_described(headed):
    for operation in OPERATIONS:
        path = operation.path.replace("{id}", "0" * 16)
        refusals = [
            (400, headed.http.request(operation.method, f"{path}?surplus=1")),
            (403, headed.http.request(operation.method, path, headers={"Origin": "https://example.org"})),
            (401, headed.tcp.request(operation.method, path)),
            (405, headed.http.request("PUT", path)),
        ]
        for status, answer in refusals:
            assert answer.status in (status, 429), (operation.id, answer)
            expect_described(operation, answer)


def test_a_token_may_what_its_class_says_and_no_more(headed):
    classes = ["read", "operate", "destroy"]
    for operation in OPERATIONS:
        for access in classes[:classes.index(operation.access)]:
            client = headed.daemon.tcp(headed.secrets[access])
            answer = client.request(operation.method, operation.path.replace("{id}", "0" * 16))
            assert answer.status == 403, (operation.id, access, answer)
            expect_described(operation, answer)
            assert operation.access in answer.json["detail"] + answer.json["hint"]


def test_an_ended_job_whose_last_event_was_seen_has_no_more_events(site):
    backed_up(site)
    operation = next(o for o in OPERATIONS if o.id == "streamJobEvents")
    path = f"/jobs/{site.meaning('job')}/events"
    with site.http.events(path) as stream:
        last = stream.rest()[-1].number
    answer = site.http.get(path, headers={"Last-Event-ID": str(last)})
    assert answer.status == 204
    expect_described(operation, answer)


def test_what_is_known_already_is_not_sent_again(headed):
    for operation in (o for o in OPERATIONS if "304" in o.responses):
        for accept in ("application/json", "text/plain"):
            first = headed.http.get(operation.path, headers={"Accept": accept})
            again = headed.http.get(operation.path, headers={"Accept": accept, "If-None-Match": first.headers["ETag"]})
            assert again.status == 304
            expect_described(operation, again)


# ---- Whatever a generator thinks of ----


class Relay:
    """A loopback port that leads to a unix socket: for clients that know no other."""

    def __init__(self, path):
        self.path, self.listener = str(path), socket.create_server(("127.0.0.1", 0))
        self.port, self.threads = self.listener.getsockname()[1], []
        self._begin(self._accept)

    def _begin(self, function, *arguments):
        self.threads.append(threading.Thread(target=function, args=arguments, daemon=True))
        self.threads[-1].start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            self._begin(self._copy, client, server)
            self._begin(self._copy, server, client)

    @staticmethod
    def _copy(source, target):
        """All bytes, and then the end."""
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for one, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                one.shutdown(how)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)


@contextmanager
def unix(site):
    relay = Relay(site.daemon.address)
    yield relay.port, []
    relay.close()


@contextmanager
def tcp(site):
    yield site.daemon.port, ["--header", f"Authorization: Bearer {site.secrets['destroy']}"]


# Each of both sockets has so long; more is asked for by the environment.
GENERATOR_S = int(os.environ.get("SCHEMAD_GENERATOR_S", "25"))


@pytest.mark.parametrize("way", [unix, tcp], ids=["unix", "tcp"])
def test_a_generator_finds_nothing_that_is_not_described(site, tmp_path, record_property, way):
    tools.need(tools.PYTHON)
    writable(site)
    with way(site) as (port, options):
        run = subprocess.run(
            [tools.PYTHON, "-m", "schemathesis.cli", f"--config-file={ROOT}/tests/e2e/schemathesis.toml", "run",
             ROOT / "openapi.yaml", f"--url=http://127.0.0.1:{port}", "--seed=20261121", f"--max-time={GENERATOR_S}",
             *options],
            capture_output=True, text=True, timeout=GENERATOR_S + 120, check=False, cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1"})
    assert run.returncode == 0, run.stdout + run.stderr
    counts = re.search(r"^Test cases:\n(.*?)\n\n", run.stdout, re.M | re.S)
    record_property("note", f"generator over {way.__name__}: {' '.join(counts[1].split())}")
    assert not site.daemon.has_ended and site.http.get("/healthz").status == 200
