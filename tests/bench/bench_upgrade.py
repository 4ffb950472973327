#!/usr/bin/env python3
"""How long and how much memory it takes to bring a new file to head: schemadctl against Alembic.

Both run the same statements: an Alembic project is generated whose revisions execute the SQL of migrations/versions.
Whole processes are measured, in turns (A B A B ...), so that a busy machine is busy for both. Only the ratio travels
to another machine. Also shown: the memory of an idle daemon, and, if bench_current was built, GET /current in requests
a second.

    tests/bench/bench_upgrade.py [--rounds N] [--build DIR] [--alembic COMMAND]
"""

import argparse
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "migrations/versions"
HEAD = "c7f8a9b0d1e2"

ENV_PY = """
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION_PY = '''"""{message}

Revision ID: {revision}
Revises: {revises}
"""
from alembic import op

revision = {revision!r}
down_revision = {down_revision!r}
branch_labels = None
depends_on = None


def upgrade():
    for statement in {statements!r}:
        op.execute(statement)


def downgrade():
    pass
'''


def statements_of(text):
    """The up part, cut at semicolons that end a line; ContentEngine's scripts have no others."""
    part = text.split("-- migrate:up", 1)[1].split("-- migrate:down", 1)[0]
    part = "\n".join(line for line in part.splitlines() if not line.lstrip().startswith("--"))
    return [statement.strip() for statement in re.split(r";\s*(?:\n|$)", part) if statement.strip()]


def header_of(text, word):
    found = re.search(rf"^-- {word}: *(.*)$", text, re.M)
    return found.group(1).strip() if found else ""


def write_alembic_project(directory):
    (directory / "versions").mkdir(parents=True)
    (directory / "env.py").write_text(ENV_PY, encoding="utf-8")
    (directory / "script.py.mako").write_text("", encoding="utf-8")
    for path in sorted(VERSIONS.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        revision, revises = header_of(text, "Revision ID"), header_of(text, "Revises")
        (directory / f"versions/{path.stem}.py").write_text(REVISION_PY.format(
            message=path.stem, revision=revision, revises=revises, down_revision=revises or None,
            statements=statements_of(text),
        ), encoding="utf-8")
    (directory / "alembic.ini").write_text(
        f"[alembic]\nscript_location = {directory}\nsqlalchemy.url = sqlite:///{directory}/content.db\n",
        encoding="utf-8",
    )


def forget(directory, name):
    for path in directory.glob(f"{name}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def measure(command):
    """Seconds and peak memory (MiB) of one run of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if status != 0:
        sys.exit(f"{command[0]} failed:\n{complaint.decode()}")
    return seconds, usage.ru_maxrss / 1024


def check_head(database):
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0]
    connection.close()
    assert rows == [(HEAD,)] and tables >= 9, (rows, tables)


def compare(name, ours, theirs, rounds, prepare):
    """Run two commands in turns and print medians and their ratio."""
    results = {"ours": [], "theirs": []}
    for number in range(rounds + 1):
        for who, command in (("ours", ours), ("theirs", theirs)):
            prepare(who)
            result = measure(command)
            if number > 0:  # the first round warms the caches
                results[who].append(result)
    print(f"\n{name} ({rounds} rounds each, whole process)")
    print(f"  {'':12} {'min ms':>9} {'median ms':>10} {'max ms':>9} {'peak MiB':>9}")
    for who, label in (("ours", "schemadctl"), ("theirs", "alembic")):
        times = [seconds * 1000 for seconds, _ in results[who]]
        peak = statistics.median(memory for _, memory in results[who])
        print(f"  {label:12} {min(times):9.1f} {statistics.median(times):10.1f} {max(times):9.1f} {peak:9.1f}")
    by_time = statistics.median(b[0] / a[0] for a, b in zip(results["ours"], results["theirs"]))
    by_memory = statistics.median(b[1] / a[1] for a, b in zip(results["ours"], results["theirs"]))
    print(f"  alembic / schemadctl: {by_time:.1f} x time, {by_memory:.1f} x memory (median of the rounds' ratios)")


def bench_upgrade(directory, build, alembic, rounds):
    write_alembic_project(directory / "alembic")
    ours_database, theirs_database = directory / "content.db", directory / "alembic/content.db"
    ours = [str(build / "schemadctl"), "--database", str(ours_database), "--scripts", str(VERSIONS), "-q", "upgrade"]
    theirs = [*alembic, "-c", str(directory / "alembic/alembic.ini"), "upgrade", "head"]

    def new_files(who):
        forget(directory if who == "ours" else directory / "alembic", "content.db")

    compare("five revisions on a new file", ours, theirs, rounds, new_files)
    check_head(ours_database)
    check_head(theirs_database)
    compare("at head, nothing to do", ours, theirs, rounds, lambda who: None)


def wait_for_socket(path, process):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
                client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if b" 200 " in client.recv(4096).split(b"\r\n")[0]:
                    return
            except OSError:
                pass
        time.sleep(0.01)
    sys.exit("schemad did not become ready")


def bench_daemon(directory, build):
    listener = directory / "schemad.sock"
    started = time.perf_counter()
    process = subprocess.Popen([
        str(build / "schemad"), "--database", str(directory / "content.db"), "--scripts", str(VERSIONS),
        "--socket", str(listener),
    ], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_socket(listener, process)
        ready_ms = (time.perf_counter() - started) * 1000
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        sizes = dict(re.findall(r"^(VmRSS|RssAnon|Threads):\s+(\d+)", status, re.M))
        print("\nidle daemon, at head")
        print(f"  ready after {ready_ms:.1f} ms; resident {int(sizes['VmRSS']) / 1024:.1f} MiB, "
              f"of these private {int(sizes['RssAnon']) / 1024:.1f} MiB; {sizes['Threads']} threads")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def bench_current(build):
    program = next((path for path in (build / "tests").glob("**/bench_current") if path.is_file()), None)
    if program is None:
        print("\nGET /current: bench_current was not built")
        return
    print("\nGET /current against a fixed reply of the same server", flush=True)
    subprocess.run([str(program)], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--build", type=Path, default=Path(os.environ.get("SCHEMAD_BUILD", ROOT / "build")))
    parser.add_argument("--alembic", default="/usr/bin/alembic")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(prefix="schemad-bench-") as name:
        directory = Path(name)
        if shutil.which(arguments.alembic) is None:
            sys.exit(f"{arguments.alembic} is not installed")
        bench_upgrade(directory, arguments.build.resolve(), [arguments.alembic], arguments.rounds)
        bench_daemon(directory, arguments.build.resolve())
        bench_current(arguments.build.resolve())


if __name__ == "__main__":
    main()
