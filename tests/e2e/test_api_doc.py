"""docs/API.md: its commands are run as they are written, in order, by one shell."""

import os
import re
import shutil
import subprocess

from conftest import ROOT, VERSIONS, TokenFile, program

PAGE = (ROOT / "docs/API.md").read_text(encoding="utf-8")


def commands(socket, port):
    """All of them, with the daemon's real addresses."""
    text = "".join(re.findall(r"```bash\n(.*?)```", PAGE, re.S))
    assert "/run/schemad/content.sock" in text and "127.0.0.1:8420" in text
    return text.replace("/run/schemad/content.sock", str(socket)).replace("127.0.0.1:8420", f"127.0.0.1:{port}")


def test_the_commands_do_what_is_said(daemon, scripts, tmp_path):
    tokens = TokenFile(tmp_path / "content.tokens")
    tokens.add("monitoring", "read")
    for script in VERSIONS.glob("*.sql"):
        shutil.copy(script, scripts)
    running = daemon("--tcp", "127.0.0.1:0", "--token-file", tokens.path, scripts=scripts,
                     config="[scripts]\nwritable = yes\n")
    # What the unit's ExecReload does.
    reload = ("systemctl() { test \"$*\" = 'reload schemad@content'; kill -HUP \"$PID\"; "
              "until curl -fs -o /dev/null -H \"Authorization: Bearer $secret\" http://127.0.0.1:$PORT/current; "
              "do sleep 0.05; done; }\n")
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", reload + commands(running.address, running.port)],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PATH": f"{program('schemadctl').parent}:{os.environ['PATH']}", "PID": str(running.pid),
             "PORT": str(running.port)})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "c7f8a9b0d1e2 (head)\n" in run.stdout, "the text of /current"
    assert "event: current" in run.stdout and '"state":"succeeded"' in run.stdout, "the events"
    assert '"ready": true' in run.stdout
    assert "\nc7f8a9b0d1e2\n" in run.stdout, "the version row that the shell wrote"
    assert len(list(scripts.glob("5e8c83c1a2b3_add_tags.sql"))) == len(list(scripts.glob("*_merge.sql"))) == 1


def test_every_route_of_the_page_is_in_the_contract():
    contract = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    paths = set(re.findall(r"http://localhost(/\w+)", PAGE)) | set(re.findall(r"`(/\w+)[`/]", PAGE))
    assert len(paths) > 8 and sorted(p for p in paths if not re.search(rf"^  {p}[:/]", contract, re.M)) == []


def test_every_code_of_the_page_is_an_error_code():
    table = re.search(r"\| the answer.*?\n\n", PAGE, re.S).group(0)
    contract = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    codes = set(re.findall(r"`([a-z]+-[a-z-]+)`", table))
    assert len(codes) >= 4 and sorted(c for c in codes if f"\n        - {c}\n" not in contract) == []
