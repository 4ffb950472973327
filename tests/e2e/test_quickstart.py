"""The README's first command, on a clean copy of the tree."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ["sqlite3", "libmicrohttpd", "jansson", "libsystemd", "libcurl", "inih", "gnutls"]

CLEAN = shutil.ignore_patterns(".git", "build*", "quickstart-data*", "__pycache__", ".pytest_cache", "*.pyc")


def needs_installing():
    missing = [tool for tool in ("gcc", "meson", "ninja", "pkg-config", "curl") if shutil.which(tool) is None]
    if missing:
        return missing
    return [
        library for library in LIBRARIES
        if subprocess.run(["pkg-config", "--exists", library], check=False).returncode != 0
    ]


@pytest.fixture
def clean_tree(tmp_path):
    """What somebody has who just cloned the repository: the files under version control, and new ones not ignored."""
    tree = tmp_path / "schemad"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    if listed.returncode != 0 or not names:
        shutil.copytree(ROOT, tree, symlinks=True, ignore=CLEAN)
        return tree
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    return tree


def test_quickstart_serves_a_new_database_at_head(clean_tree):
    if needs_installing():
        pytest.skip(f"not installed, and a test installs nothing: {needs_installing()}")
    run = subprocess.run(
        ["./quickstart", "--once"], cwd=clean_tree, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "TMPDIR": str(clean_tree.parent)},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    answers = [json.loads(text) for text in re.findall(r"^\{\n.*?^\}$", run.stdout, re.S | re.M)]
    assert [answer["verdict"] for answer in answers] == ["equal", "equal"], "by unix socket and by TCP"
    assert answers[0]["revisions"] == ["c7f8a9b0d1e2"]
    assert not re.search(r"schemad_[0-9a-f]{64}", run.stdout + run.stderr), "the token is nobody's business"
