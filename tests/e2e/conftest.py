"""The real programs, started in directories of their own and ended by their process id.

`daemon(...)` starts schemad and gives back a Daemon; `schemadctl(...)` runs the command line. Both come from the build
directory in SCHEMAD_BUILD (default: build/ in the root of the tree).
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SCHEMAD_BUILD", ROOT / "build")).resolve()
VERSIONS = ROOT / "migrations/versions"
SANITIZER = re.compile(r"Sanitizer|runtime error:")
TIMEOUT = 30  # seconds: the most that any condition is waited for


def program(name):
    path = BUILD / name
    if not path.is_file():
        pytest.skip(f"{name} is not built in {BUILD}")
    return path


def wait_until(condition, what="the condition", timeout=TIMEOUT):
    """Ask until the condition gives something true, and return that."""
    end, pause = time.monotonic() + timeout, threading.Event()
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        pause.wait(0.005)


def version_rows(database):
    """Asked of Python's own SQLite; no table means no rows."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=TIMEOUT)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'alembic_version'").fetchall()
        return sorted(row[0] for row in connection.execute("SELECT version_num FROM alembic_version")) if names else []


# HTTP


class Answer:
    """What a server said."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.text}>"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Http:
    """A client of one server: over a unix socket (a path) or TCP (a pair of host and port)."""

    def __init__(self, address, headers=None):
        self.address, self.headers = address, dict(headers or {})

    def connection(self, timeout=TIMEOUT):
        if isinstance(self.address, tuple):
            return http.client.HTTPConnection(*self.address, timeout=timeout)
        return UnixConnection(self.address, timeout)

    def request(self, method, path, body=None, headers=None, timeout=TIMEOUT):
        headers = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        with closing(self.connection(timeout)) as connection:
            try:
                connection.request(method, path, body=body, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before the body was sent; the answer is there to be read
            return Answer(connection.getresponse())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body=body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def submit(self, path, body=None):
        """POST without waiting for the end; the job's id."""
        answer = self.post(path, body, headers={"Prefer": "respond-async"})
        assert answer.status == 202, answer
        return answer.json["id"]

    def wait_for_job(self, identifier):
        def ended():
            job = self.get(f"/jobs/{identifier}").json
            return job if job["state"] not in ("queued", "running") else None

        return wait_until(ended, f"job {identifier} to end")


# What systemd would hear


class NotifySocket:
    """The other end of sd_notify(3): keeps every message with the moment it came."""

    def __init__(self, path):
        self.path, self.messages, self.changed = str(path), [], threading.Condition()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while True:
            data = self.socket.recv(65536)
            if data == b"end of test":
                return
            with self.changed:
                self.messages.append((time.monotonic(), data.decode("utf-8").splitlines()))
                self.changed.notify_all()

    def lines(self):
        """Every assignment so far, in order: "READY=1", "STATUS=..."."""
        with self.changed:
            return [line for _, lines in self.messages for line in lines]

    def has(self, prefix):
        return any(line.startswith(prefix) for line in self.lines())

    def statuses(self):
        return [line.partition("=")[2] for line in self.lines() if line.startswith("STATUS=")]

    def wait_for(self, prefix, count=1, timeout=TIMEOUT):
        with self.changed:
            heard = self.changed.wait_for(
                lambda: sum(line.startswith(prefix) for _, lines in self.messages for line in lines) >= count, timeout)
        assert heard, f"{prefix!r} was not said in {timeout} s, only {self.lines()}"

    def close(self):
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as end:
            end.sendto(b"end of test", self.path)
        self.thread.join(TIMEOUT)
        self.socket.close()


# schemad


class Daemon:
    """A running schemad. Its standard error goes to a file, so that it never blocks."""

    def __init__(self, command, directory, address, environment, **popen):
        self.address, self.log_path = address, directory / "schemad.log"
        self.http = Http(address)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, **popen)
        self.pid = self.process.pid

    @property
    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    @property
    def has_ended(self):
        return self.process.poll() is not None

    def answers(self, path="/healthz", status=200):
        """Whether it answers this path with this status; fails when the daemon is gone."""
        assert not self.has_ended, f"schemad ended with {self.process.returncode}: {self.log}"
        try:
            return self.http.get(path).status == status
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def wait_serving(self):
        wait_until(lambda: self.answers("/healthz"), "schemad to answer")
        return self

    def wait_ready(self):
        wait_until(lambda: self.answers("/readyz"), "schemad to be ready")
        return self

    def wait_exit(self, timeout=TIMEOUT):
        """The exit code; negative for a signal."""
        return self.process.wait(timeout)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait_exit()

    def end(self):
        """Whatever state it is in, gone."""
        if not self.has_ended:
            self.signal(signal.SIGTERM)
            try:
                self.wait_exit(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait_exit()


@pytest.fixture
def short_directory():
    """For sockets: their paths are limited to 107 bytes, and pytest's own directories can be longer."""
    directory = Path(tempfile.mkdtemp(prefix="schemad-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def database(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data/content.db"


@pytest.fixture
def notify(short_directory):
    listener = NotifySocket(short_directory / "notify")
    yield listener
    listener.close()


@pytest.fixture
def daemon(short_directory, database):
    """daemon(*options, ...) starts schemad on `database` and waits until it is ready.

    wait         "ready", "serving" or None: until when to wait.
    scripts      directory or directories; ContentEngine's own by default.
    notify       a NotifySocket to which it reports.
    environment  more variables.
    """
    started = []

    def start(*options, wait="ready", scripts=VERSIONS, notify=None, environment=None, **popen):
        address = short_directory / "s"
        directories = [scripts] if isinstance(scripts, (str, Path)) else scripts
        command = [str(program("schemad")), "--database", str(database), "--socket", str(address)]
        for directory in directories:
            command += ["--scripts", str(directory)]
        variables = {name: value for name, value in os.environ.items()
                     if name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY")}
        if notify is not None:
            variables["NOTIFY_SOCKET"] = notify.path
        variables.update(environment or {})
        new = Daemon([*command, *map(str, options)], short_directory, address, variables, **popen)
        started.append(new)
        if wait == "ready":
            new.wait_ready()
        elif wait == "serving":
            new.wait_serving()
        return new

    yield start
    for one in started:
        one.end()
        print(f"-- schemad, exit {one.process.returncode}:\n{one.log}")  # pytest shows it beside a failure
    for one in started:
        assert not SANITIZER.search(one.log), "a sanitizer found something"


# schemadctl


class Result:
    """What a command line did."""

    def __init__(self, run):
        self.exit_code, self.out, self.err = run.returncode, run.stdout, run.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"<exit {self.exit_code}\n{self.out}{self.err}>"


@pytest.fixture
def schemadctl():
    """schemadctl(*words) runs it; address=daemon.address goes through that daemon."""

    def run(*words, address=None, environment=None, **options):
        command = [str(program("schemadctl"))]
        if address is not None:
            command += ["--socket", str(address)]
        return Result(subprocess.run(
            [*command, *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})}, **options))

    return run


# Scripts


@pytest.fixture
def scripts(tmp_path):
    """An empty directory of scripts."""
    directory = tmp_path / "scripts"
    directory.mkdir()
    return directory


def write_script(directory, identifier, up, down="", revises="", message=None):
    """A revision; the SQL may be anything."""
    (directory / f"{identifier}_test.sql").write_text(
        f"-- {message or 'Test ' + identifier}\n--\n-- Revision ID: {identifier}\n-- Revises: {revises}\n"
        f"-- Create Date: 2026-11-20 15:03:04.806509\n\n-- migrate:up\n{up}\n\n-- migrate:down\n{down}\n",
        encoding="utf-8")


def slow_sql(rows):
    """A statement that keeps SQLite busy without writing much: about a second for five million rows."""
    return (f"CREATE TABLE counted AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows})"
            " SELECT count(*) AS n FROM c;")
