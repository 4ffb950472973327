"""The installed units under a real systemd: the application starts when its schema is ready, and not before.

A boot takes about a second. Skipped without root or systemd-nspawn; SCHEMAD_BUILD names the build directory.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("SCHEMAD_BUILD", ROOT / "build")).resolve()
UNITS = ["schemad@.service", "schemad@.socket", "schemad-tcp@.socket", "schemad-ready@.service"]

ENGINE = """
[Unit]
Description=Stand-in for the application

[Service]
ExecStart=/bin/sleep infinity
"""

FIRST = "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT);"
SLOW = """CREATE TABLE counted AS
WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 8000000) SELECT count(*) AS n FROM c;"""
BROKEN = "INSERT INTO nowhere VALUES (1);"


def script(identifier, revises, up):
    return (f"-- Test {identifier}\n--\n-- Revision ID: {identifier}\n-- Revises: {revises}\n"
            f"-- Create Date: 2026-11-20 15:03:04.806509\n\n-- migrate:up\n{up}\n\n-- migrate:down\nSELECT 1;\n")


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """What `meson install` puts into the root of a system."""
    if not (BUILD / "schemad").is_file() or not (BUILD / "schemadctl").is_file():
        pytest.skip(f"schemad and schemadctl are not built in {BUILD}")
    tree = tmp_path_factory.mktemp("installed")
    run = subprocess.run(
        ["meson", "install", "-C", str(BUILD), "--destdir", str(tree), "--no-rebuild", "--quiet"],
        capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return tree


def unit_directory(tree):
    return next(tree.rglob("schemad@.service")).parent


class Booted:
    """What a scenario left: its exit status, and the files it wrote."""

    def __init__(self, output, status):
        self.output, self.status = output, status

    def text(self, name):
        path = self.output / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def properties(self, name):
        """`systemctl show` as a dictionary."""
        return dict(line.split("=", 1) for line in self.text(name).splitlines() if "=" in line)

    def __repr__(self):
        return "\n".join(f"-- {path.name}\n{self.text(path.name)}" for path in sorted(self.output.iterdir()))


def run_boot(directory, scenario, tree):
    """The exit status of a scenario in a booted system, and what was said when it could not be booted."""
    output = directory / "output"
    output.mkdir()
    (directory / "scenario").write_text(scenario, encoding="utf-8")
    process = subprocess.run(
        [str(HERE / "boot"), str(directory / "scenario"), str(output), str(tree)],
        capture_output=True, text=True, timeout=300, check=False)
    console = output / "console.log"
    return process.returncode, process.stderr + (console.read_text(errors="replace") if console.exists() else "")


@pytest.fixture(scope="session")
def bootable(tmp_path_factory):
    """Skips where not even a system with nothing to do can be booted."""
    if os.getuid() != 0:
        pytest.skip("booting a container needs root")
    for tool in ("systemd-nspawn", "unshare", "setpriv"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    directory = tmp_path_factory.mktemp("probe")
    (directory / "tree").mkdir()
    status, said = run_boot(directory, "exit 0\n", directory / "tree")
    if status != 0:
        pytest.skip(f"no container can be booted here: {' '.join(said.split())[-300:]}")


@pytest.fixture
def boot(bootable, installed, tmp_path):
    """boot(scenario, revisions) runs a bash scenario in a booted system; its $1 is where it may write."""

    def run(scenario, revisions):
        tree = tmp_path / "tree"
        shutil.copytree(installed, tree, symlinks=True)
        units = unit_directory(tree)
        (units / "content-engine.service").write_text(ENGINE, encoding="utf-8")
        # In a build with sanitizers the search for leaks needs ptrace, which the sandbox refuses.
        for unit in ("schemad@.service.d", "schemad-ready@.service.d"):
            (units / unit).mkdir()
            (units / unit / "test.conf").write_text(
                "[Service]\nEnvironment=ASAN_OPTIONS=detect_leaks=0\n", encoding="utf-8")
        versions = tree / "usr/share/schemad/content/versions"
        shutil.rmtree(versions, ignore_errors=True)
        versions.mkdir(parents=True)
        for name, text in revisions.items():
            (versions / name).write_text(text, encoding="utf-8")
        status, _ = run_boot(tmp_path, PRELUDE + scenario, tree)
        return Booted(tmp_path / "output", status)

    return run


PRELUDE = r"""
set -u
out=$1
unit=schemad@content.service
versions=/usr/share/schemad/content/versions
systemd-sysusers

# until_true SECONDS COMMAND...: ask until it succeeds.
until_true() {
    local end=$((SECONDS + $1)); shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "waited in vain for: $*"; return 1; }
        sleep 0.02
    done
}
keep() { "${@:2}" >"$out/$1" 2>&1; }
ask() { curl -sS --max-time 20 --unix-socket /run/schemad/content.sock "$@"; }
"""

REVISIONS = {"1_first.sql": script("aaaa", "", FIRST), "2_slow.sql": script("bbbb", "aaaa", SLOW)}


def test_the_application_starts_when_the_schema_is_ready_and_not_before(boot):
    booted = boot(r"""
        systemctl start --no-block content-engine.service || exit 1
        while ! systemctl is-active --quiet content-engine.service; do
            systemctl show --property=StatusText --value $unit
            systemctl is-failed --quiet content-engine.service schemad-ready@content.service && break
            [ $SECONDS -lt 60 ] || break
            sleep 0.02
        done | uniq >$out/statuses
        keep engine systemctl show content-engine.service
        keep daemon systemctl show $unit
        keep current ask http://localhost/current
        keep files stat --format='%A %U %G %n' /var/lib/schemad/content /var/lib/schemad/content/content.db \
            /run/schemad/content.sock
        keep ready_events journalctl --output=cat MESSAGE_ID=9aac0457c57047719ef63e7ff5e09deb SCHEMAD_INSTANCE=content
        keep verify systemd-analyze verify --man=no $unit schemad@content.socket schemad-tcp@content.socket \
            schemad-ready@content.service content-engine.service
        exit 0
    """, REVISIONS)
    assert booted.status == 0, booted
    engine, daemon = booted.properties("engine"), booted.properties("daemon")
    assert (engine["ActiveState"], daemon["ActiveState"]) == ("active", "active"), booted
    ready, began = int(daemon["ActiveEnterTimestampMonotonic"]), int(daemon["ExecMainStartTimestampMonotonic"])
    assert int(engine["ExecMainStartTimestampMonotonic"]) > ready > began + 500_000, "after a slow upgrade"
    assert "upgrading to bbbb: 2 of 2" in booted.text("statuses").splitlines(), booted
    assert daemon["StatusText"] == "schema is at bbbb"
    assert '"verdict": "equal"' in booted.text("current")
    assert booted.text("files").splitlines() == [
        "drwxrws--- schemad content /var/lib/schemad/content",
        "-rw-rw---- schemad content /var/lib/schemad/content/content.db",
        "srw-rw---- root content /run/schemad/content.sock",
    ]
    assert booted.text("ready_events") == "ready: schema is at bbbb\n"
    assert booted.text("verify") == "", "systemd-analyze verify has nothing to say"


def test_the_application_stays_down_with_a_reason_when_the_upgrade_fails(boot):
    booted = boot(r"""
        systemctl start content-engine.service >$out/start 2>&1; echo $? >$out/start_status
        keep engine systemctl show content-engine.service
        keep daemon systemctl show $unit
        keep engine_status systemctl status content-engine.service
        keep gate_status systemctl status schemad-ready@content.service
        keep daemon_status systemctl status $unit
        # The cause is removed, and everything is started as in a deploy.
        rm $versions/2_broken.sql
        systemctl restart $unit content-engine.service
        keep engine_after systemctl show content-engine.service
        exit 0
    """, {"1_first.sql": script("aaaa", "", FIRST), "2_broken.sql": script("bbbb", "aaaa", BROKEN)})
    assert booted.status == 0, booted
    engine, daemon = booted.properties("engine"), booted.properties("daemon")
    assert booted.text("start_status") != "0\n"
    assert engine["ActiveState"] == "inactive" and engine["ExecMainStartTimestampMonotonic"] == "0", "it never ran"
    assert (daemon["ActiveState"], daemon["ExecMainStatus"], daemon["NRestarts"]) == ("failed", "70", "0"), booted
    for place in ["daemon_status", "gate_status"]:
        assert "2_broken.sql:8" in booted.text(place) and "no such table: nowhere" in booted.text(place), booted
    assert "Dependency failed" in booted.text("engine_status") + booted.text("journal.txt")
    assert booted.properties("engine_after")["ActiveState"] == "active", booted


def test_a_restart_of_the_daemon_is_not_noticed(boot):
    booted = boot(r"""
        systemctl start content-engine.service || exit 1
        systemctl show --property=MainPID --value content-engine.service >$out/engine_before
        systemctl show --property=MainPID --value $unit >$out/daemon_before
        # Requests that come while the daemon is away wait in systemd's socket.
        for i in 1 2 3; do
            systemctl restart --no-block $unit
            ask -o /dev/null -w '%{http_code}\n' http://localhost/healthz
        done >$out/answers 2>&1
        until_true 30 systemctl is-active $unit
        kill -KILL $(systemctl show --property=MainPID --value $unit)
        ask -o /dev/null -w '%{http_code}\n' --retry 5 --retry-all-errors http://localhost/healthz >>$out/answers 2>&1
        until_true 30 systemctl is-active $unit
        systemctl show --property=MainPID --value content-engine.service >$out/engine_after
        systemctl show --property=MainPID --value $unit >$out/daemon_after
        exit 0
    """, {"1_first.sql": script("aaaa", "", FIRST)})
    assert booted.status == 0, booted
    assert booted.text("answers").split() == ["200"] * 4, booted
    assert booted.text("engine_before") == booted.text("engine_after")
    assert booted.text("daemon_before") != booted.text("daemon_after")


def test_a_deploy_restarts_the_application_after_the_new_upgrade(boot):
    booted = boot(r"""
        mv $versions/2_slow.sql /srv && systemctl start content-engine.service || exit 1
        mv /srv/2_slow.sql $versions
        systemctl restart $unit content-engine.service || exit 1
        keep engine systemctl show content-engine.service
        keep daemon systemctl show $unit
        exit 0
    """, REVISIONS)
    assert booted.status == 0, booted
    engine, daemon = booted.properties("engine"), booted.properties("daemon")
    assert (engine["ActiveState"], daemon["StatusText"]) == ("active", "schema is at bbbb"), booted
    assert int(engine["ExecMainStartTimestampMonotonic"]) > int(daemon["ActiveEnterTimestampMonotonic"]), booted


def test_a_deploy_whose_upgrade_fails_leaves_the_application_down(boot):
    booted = boot(r"""
        mv $versions/2_broken.sql /srv && systemctl start content-engine.service || exit 1
        mv /srv/2_broken.sql $versions
        systemctl restart $unit content-engine.service; echo $? >$out/restart_status
        keep engine systemctl show content-engine.service
        keep daemon systemctl show $unit
        exit 0
    """, {"1_first.sql": script("aaaa", "", FIRST), "2_broken.sql": script("bbbb", "aaaa", BROKEN)})
    assert booted.status == 0, booted
    assert booted.text("restart_status") != "0\n"
    assert booted.properties("engine")["ActiveState"] == "inactive", booted
    assert "no such table: nowhere" in booted.properties("daemon")["StatusText"]


def test_tokens_come_as_a_credential_and_tcp_from_a_socket_unit(boot):
    booted = boot(r"""
        mkdir -p /etc/schemad
        token=$(schemadctl token create ci --file /etc/schemad/content.token) || exit 1
        systemctl start schemad@content.socket schemad-tcp@content.socket $unit || exit 1
        status() { curl -sS -o /dev/null -w '%{http_code}\n' "$@" >>$out/answers; }
        status http://127.0.0.1:8420/current
        status -X POST http://127.0.0.1:8420/backup
        status -X POST http://127.0.0.1:8420/backup -H "Authorization: Bearer $token"
        # Somebody who is in the group may read; to operate he needs to be named.
        useradd --no-create-home --groups content alice
        as_alice() { runuser -u alice -- curl -sS --unix-socket /run/schemad/content.sock -o /dev/null \
            -w '%{http_code}\n' "$@" >>$out/answers; }
        as_alice http://localhost/current
        as_alice -X POST http://localhost/backup
        printf '[http]\noperate = @content\n' >/etc/schemad/content.conf
        systemctl restart $unit
        as_alice -X POST http://localhost/backup
        as_alice -X POST http://localhost/downgrade
        exit 0
    """, {"1_first.sql": script("aaaa", "", FIRST)})
    assert booted.status == 0, booted
    assert booted.text("answers").split() == ["401", "401", "200", "200", "403", "200", "403"], booted


# Without booting


@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_the_sandbox_is_tight(installed, unit):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=5",
         str(unit_directory(installed) / unit)],
        capture_output=True, text=True, check=False)
    assert run.returncode == 0, "the exposure is above 0.5:\n" + run.stdout + run.stderr


def test_paths_in_units_are_those_of_the_installation(installed):
    for unit in UNITS:
        text = (unit_directory(installed) / unit).read_text(encoding="utf-8")
        assert not re.search(r"@\w+@", text), f"{unit} was not rendered"
        for program in re.findall(r"^Exec\w+=(/usr/\S+)", text, re.M):
            assert (installed / program.lstrip("/")).is_file(), program
    assert (unit_directory(installed) / "content-engine.service.d/schemad.conf").is_file()


def test_the_example_configuration_is_accepted_and_names_every_key(installed, tmp_path):
    example = next(installed.rglob("schemad.conf.example")).read_text(encoding="utf-8")
    keys = set(re.findall(r"^#(\w+) =", example, re.M))
    table = set(re.findall(r'\{ "\w+", "(\w+)", KIND_', (ROOT / "daemon/config.c").read_text(encoding="utf-8")))
    assert keys == table
    everything = re.sub(r"^#(\w+) =", r"\1 =", example, flags=re.M)
    everything = re.sub(r"^(operate|destroy) =$", r"\1 = root", everything, flags=re.M)
    everything = re.sub(r"^accept =$", "accept = ..head", everything, flags=re.M)
    (tmp_path / "c").write_text(everything + "[nonsense]\n", encoding="utf-8")
    run = subprocess.run([str(BUILD / "schemad"), "--config", str(tmp_path / "c")], capture_output=True, text=True,
                         timeout=60, check=False)
    assert run.returncode == 78 and "unknown section [nonsense]" in run.stderr, run.stderr
