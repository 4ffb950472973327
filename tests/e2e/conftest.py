"""The real programs, started in directories of their own and ended by their process id.

`daemon(...)` starts schemad and gives back a Daemon; `schemadctl(...)` runs the command line. Both come from the build
directory in SCHEMAD_BUILD (default: build/ in the root of the tree).
"""

import hashlib
import http.client
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from contextlib import closing, contextmanager, suppress
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

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @classmethod
    def read(cls, file, method="GET"):
        """The next one of a connection; interim answers (1xx) are passed over."""
        while True:
            line = file.readline()
            assert line, "the connection was closed instead of an answer"
            status, headers = int(line.split()[1]), http.client.parse_headers(file)
            if status >= 200:
                has_body = method != "HEAD" and status not in (204, 304)
                size = int(headers["Content-Length"]) if "Content-Length" in headers else -1
                return cls(status, headers, file.read(size) if has_body else b"")

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
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def head(self, path, **options):
        return self.request("HEAD", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body=body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def submit(self, path, body=None, headers=None):
        """POST without waiting for the end; the job's id."""
        answer = self.post(path, body, headers={"Prefer": "respond-async", **(headers or {})})
        assert answer.status == 202, answer
        return answer.json["id"]

    def events(self, path="/events", **options):
        return EventStream(self, path, **options)

    def raw(self, timeout=TIMEOUT):
        return RawConnection(self, timeout)

    def wait_for_job(self, identifier):
        def ended():
            job = self.get(f"/jobs/{identifier}").json
            return job if job["state"] not in ("queued", "running") else None

        return wait_until(ended, f"job {identifier} to end")

    def running_revision(self):
        """The revision whose script runs just now, or None."""
        running = self.get("/current").json["running"]
        return running and running["revision"]

    def wait_for_script(self, revision):
        wait_until(lambda: self.running_revision() == revision, f"the script of {revision} to run")


class Post(threading.Thread):
    """A client that waits for its answer."""

    def __init__(self, http, path, body=None, headers=None):
        super().__init__(daemon=True)
        self.http, self.path, self.body, self.headers, self.answer = http, path, body, headers, None
        self.start()

    def run(self):
        self.answer = self.http.post(self.path, self.body, headers=self.headers, timeout=60)

    def wait(self):
        self.join(60)
        assert self.answer is not None, f"POST {self.path} was never answered"
        return self.answer


class Event:
    """One server-sent event."""

    def __init__(self, number, kind, data):
        self.number, self.kind, self.data = number, kind, data

    def __repr__(self):
        return f"<{self.number} {self.kind} {self.data}>"


class EventStream:
    """A client of server-sent events: reads them one by one, as the WHATWG's standard says."""

    def __init__(self, http, path, headers=None, timeout=TIMEOUT):
        self.connection = http.connection(timeout)
        self.connection.request("GET", path, headers={**http.headers, **(headers or {})})
        self.response = self.connection.getresponse()
        self.status, self.headers = self.response.status, self.response.headers
        self.retry, self.comments = None, []

    def next(self):
        """The next event; None when the stream ended as it should."""
        fields = {}
        while line := self.response.readline().decode("utf-8"):
            name, _, value = line.rstrip("\n").partition(": ")
            if line == "\n" and "data" in fields:
                return Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            if line.startswith(":"):
                self.comments.append(line.strip())
            elif name == "retry":
                self.retry = int(value)
            elif line != "\n":
                assert name in ("id", "event", "data") and name not in fields, line
                fields[name] = value
        assert not fields, f"cut off within an event: {fields}"
        return None

    def until(self, condition):
        """The events up to the first that the condition holds for, that one included."""
        seen = []
        while not seen or not condition(seen[-1]):
            seen.append(self.next())
            assert seen[-1] is not None, f"the stream ended after {seen[-5:-1]}"
        return seen

    def rest(self):
        """The events up to the stream's end."""
        return list(iter(self.next, None))

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RawConnection:
    """A connection whose bytes are the test's own."""

    def __init__(self, http, timeout=TIMEOUT):
        connection = http.connection(timeout)
        connection.connect()
        self.socket, self.file = connection.sock, connection.sock.makefile("rb")

    def send(self, text):
        self.socket.sendall(text.encode("latin-1"))
        return self

    def answer(self, method="GET"):
        return Answer.read(self.file, method)

    def has_ended(self):
        """Waits for the other side to close, and fails when it says something instead."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Curl:
    """curl itself, asking; wait() gives its answer.

    uid, gid, groups  as whom it asks; needs root.
    """

    def __init__(self, http, method, path, *words, uid=None, gid=None, groups=()):
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        host = "localhost"
        command = ["curl", "-sS", "-i", "--max-time", "60", "-X", method]
        if method == "HEAD":
            command[-2:] = ["--head"]
        if isinstance(http.address, tuple):
            host = f"{http.address[0]}:{http.address[1]}"
        else:
            command += ["--unix-socket", str(http.address)]
        for name, value in http.headers.items():
            command += ["-H", f"{name}: {value}"]
        if uid is not None:
            identity = [f"--reuid={uid}", f"--regid={uid if gid is None else gid}"]
            identity += [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
            command = ["setpriv", *identity, *command]
        self.method = method
        self.process = subprocess.Popen([*command, *words, f"http://{host}{path}"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait(self):
        out, err = self.process.communicate(timeout=70)
        assert self.process.returncode == 0, err.decode()
        return Answer.read(io.BytesIO(out), self.method)

    def hang_up(self):
        self.process.kill()
        self.process.communicate()


def curl(http, method, path, *words, **identity):
    return Curl(http, method, path, *words, **identity).wait()


class TokenFile:
    """A token file, as `schemadctl token` keeps it."""

    def __init__(self, path):
        self.path, self.lines = path, {}
        self.write()

    def write(self):
        self.path.write_text("# who may what over TCP\n" + "".join(self.lines.values()), encoding="utf-8")
        self.path.chmod(0o600)

    def add(self, name, access):
        """The secret of a new token."""
        secret = "schemad_" + secrets.token_hex(32)
        self.lines[name] = f"{name}:{access}:sha256:{hashlib.sha256(secret.encode()).hexdigest()}\n"
        self.write()
        return secret

    def revoke(self, name):
        del self.lines[name]
        self.write()


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

    @property
    def port(self):
        return int(re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.log)[-1])

    def tcp(self, secret=None):
        """A client over TCP, with this token or none."""
        return Http(("127.0.0.1", self.port), {"Authorization": f"Bearer {secret}"} if secret else {})

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.wait_exit()

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait_exit()

    def end(self):
        """Whatever state it is in, gone. The second signal cuts off a run that the first one let go on."""
        for number, patience in [(signal.SIGTERM, 0.2), (signal.SIGTERM, 10), (signal.SIGKILL, TIMEOUT)]:
            if not self.has_ended:
                self.signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.wait_exit(patience)


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
    config       text of its configuration file.
    scripts      directory or directories; ContentEngine's own by default.
    notify       a NotifySocket to which it reports.
    environment  more variables.
    """
    started = []

    def start(*options, wait="ready", config=None, scripts=VERSIONS, notify=None, environment=None, **popen):
        address = short_directory / "s"
        directories = [scripts] if isinstance(scripts, (str, Path)) else scripts
        command = [str(program("schemad")), "--database", str(database), "--socket", str(address)]
        for directory in directories:
            command += ["--scripts", str(directory)]
        if config is not None:
            (short_directory / "schemad.conf").write_text(config, encoding="utf-8")
            command += ["--config", str(short_directory / "schemad.conf")]
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


SECONDS = 4_000_000  # rows of slow_sql for about a second
FOREVER = 10**12


def slow_sql(rows):
    """A statement that keeps SQLite busy without writing much: about a second for four million rows."""
    return (f"CREATE TABLE counted AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows})"
            " SELECT count(*) AS n FROM c;")


@pytest.fixture
def history(scripts):
    """Scripts to which tests add slow or broken ones: aaaa, bbbb, cccc."""
    write_script(scripts, "aaaa", "CREATE TABLE a (x);", "DROP TABLE a;")
    return scripts


def add_slow(scripts, rows, identifier="bbbb", revises="aaaa"):
    write_script(scripts, identifier, slow_sql(rows), "DROP TABLE counted;", revises)


def add_broken(scripts):
    write_script(scripts, "bbbb", "CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);", "DROP TABLE b;", "aaaa")


def repair(scripts):
    write_script(scripts, "bbbb", "CREATE TABLE b (x);", "DROP TABLE b;", "aaaa")


@contextmanager
def locked(database, kind="EXCLUSIVE"):
    """Somebody else's transaction on a database, rolled back at the end."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=TIMEOUT)) as connection:
        connection.execute(f"BEGIN {kind}")
        yield connection
        connection.execute("ROLLBACK")


def silent_sql(seconds):
    """A statement within which SQLite gives no sign of life for about so long: one call of one function."""
    sql = "SELECT instr(replace(hex(zeroblob({0})), '0', 'a'), replace(hex(zeroblob({0} / 2)), '0', 'a') || 'b') AS n"
    size, took = 50_000, 0
    with closing(sqlite3.connect(":memory:")) as connection:
        while took < 0.05:
            size *= 2
            begin = time.monotonic()
            connection.execute(sql.format(size)).fetchone()
            took = time.monotonic() - begin
    return f"CREATE TABLE searched AS {sql.format(int(size * (seconds / took) ** 0.5))};"
