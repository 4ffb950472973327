"""The words are held to the programs: man pages, README, guarantees and error codes say what is there."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, program, wait_until

MAN = sorted((ROOT / "docs/man").glob("*.[1-9]"))


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def output_of(*command):
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def plain_man_page(path):
    """The page as text, without overstrikes and with every run of white space one space."""
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    rendered = output_of("mandoc", "-T", "utf8", "-O", "width=200", str(path))
    return re.sub(r"\s+", " ", re.sub(r".\x08", "", rendered))


# Man pages


def test_all_four_man_pages_are_there():
    names = [page.name for page in MAN]
    assert names == ["schemad-script.7", "schemad.8", "schemad.conf.5", "schemadctl.1"]


@pytest.mark.parametrize("page", MAN, ids=lambda page: page.name)
def test_man_page_renders_without_warnings(page):
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed")
    lint = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", str(page)],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert (lint.returncode, lint.stdout) == (0, "")


def options_of(help_text):
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", help_text))


@pytest.mark.parametrize("name, page", [("schemad", "schemad.8"), ("schemadctl", "schemadctl.1")])
def test_every_option_of_help_stands_in_the_man_page(name, page):
    options = options_of(output_of(str(program(name)), "--help"))
    man = options_of(plain_man_page(ROOT / "docs/man" / page))
    assert options and sorted(options - man) == []


def test_the_man_page_of_the_daemon_invents_no_option():
    options = options_of(output_of(str(program("schemad")), "--help"))
    man = options_of(plain_man_page(ROOT / "docs/man/schemad.8"))
    assert sorted(man - options - {"fail-with-body", "unix-socket"}) == []  # these are curl's


# Configuration


def config_keys_of_code():
    """(section, key) of the rows of the daemon's table."""
    return set(re.findall(r'\{ "(\w+)", "(\w+)", KIND_', text_of("daemon/config.c")))


def config_keys_of_man():
    keys, section = set(), None
    for line in text_of("docs/man/schemad.conf.5").splitlines():
        header = re.match(r"\.Ss \[(\w+)\]", line)
        if header:
            section = header.group(1)
        elif line.startswith(".Sh"):
            section = None
        item = re.match(r"\.It (.+)", line)
        if item and section:
            keys.update((section, key) for key in re.findall(r"\b[a-z_]+\b", item.group(1)))
    return keys


def test_every_key_of_the_configuration_is_documented_and_no_other():
    code, man = config_keys_of_code(), config_keys_of_man()
    assert code, "no table of keys found in daemon/config.c"
    assert sorted(code - man) == [] and sorted(man - code) == []


def test_the_example_in_the_man_page_is_a_configuration_that_the_daemon_accepts(tmp_path):
    example = re.search(r"\.Sh EXAMPLES\n\.Bd -literal\n(.*?)\.Ed", text_of("docs/man/schemad.conf.5"), re.S)
    (tmp_path / "schemad.conf").write_text(example.group(1) + "\n[nonsense]\n", encoding="utf-8")
    run = subprocess.run(
        [str(program("schemad")), "--config", str(tmp_path / "schemad.conf")],
        capture_output=True, text=True, timeout=60, check=False,
    )
    last_line = len(example.group(1).splitlines()) + 2
    assert run.returncode == 78
    assert f"schemad.conf:{last_line}" in run.stderr, "only the line that was added is wrong"


# Scripts


def test_every_header_word_is_documented_and_no_other():
    table = re.search(r"word_names\[HEADER_WORD_COUNT\] = \{(.*?)\};", text_of("migrations/script_header.c"), re.S)
    man = re.findall(r"^\.It Ic ([A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)*) : ", text_of("docs/man/schemad-script.7"), re.M)
    assert sorted(re.findall(r'"([^"]+)"', table.group(1))) == sorted(man)


def example_of_man():
    page = text_of("docs/man/schemad-script.7")
    return re.search(r"\.Sh EXAMPLES\n\.Bd -literal\n(.*?)\.Ed", page, re.S).group(1)


def example_of_readme():
    return re.search(r"```sql\n(.*?)```", text_of("README.md"), re.S).group(1)


@pytest.mark.parametrize("example", [example_of_man, example_of_readme], ids=["man page", "README"])
def test_a_script_that_is_shown_goes_up_and_down(schemadctl, database, scripts, example):
    shutil.copytree(ROOT / "migrations/versions", scripts, dirs_exist_ok=True)
    (scripts / "shown.sql").write_text(example(), encoding="utf-8")
    for words in (["upgrade"], ["downgrade"]):
        result = schemadctl("--database", database, "--scripts", scripts, *words)
        assert result.exit_code == 0 and "5e8c83c1a2b3" in result.out, result


# Error codes


def slugs():
    return re.findall(r'ERROR_CODE\(\w+, "([a-z-]+)"', text_of("base/error_codes.def"))


def test_error_slugs_are_unique():
    assert len(slugs()) > 30 and len(slugs()) == len(set(slugs()))


def test_every_error_code_is_in_the_man_page_with_its_exit_code():
    man = plain_man_page(ROOT / "docs/man/schemadctl.1")
    assert [slug for slug in slugs() if slug != "ok" and slug not in man] == []


# Guarantees


def names_of_tests_in(path):
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return set(re.findall(r"^\s*def (test_\w+)", source, re.M))
    return set(re.findall(r"\b(test_\w+|\w+)\s*\(void \*\*\w*\)", source))



def cited_tests():
    return re.findall(r"`((?:tests/)[\w./-]+)::(\w+)`", text_of("docs/GUARANTEES.md"))


def test_every_test_that_a_guarantee_cites_exists():
    missing = [
        f"{path}::{name}"
        for path, name in cited_tests()
        if not (ROOT / path).is_file() or name not in names_of_tests_in(ROOT / path)
    ]
    assert cited_tests() and missing == []


def test_every_guarantee_cites_a_test():
    sections = re.split(r"^## (G\d)\b", text_of("docs/GUARANTEES.md"), flags=re.M)[1:]
    bodies = dict(zip(sections[::2], sections[1::2]))
    assert sorted(bodies) == [f"G{number}" for number in range(1, 10)]
    assert [name for name, body in bodies.items() if "::" not in body] == []


# Markdown


DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/*.md", "docs/adr/*.md", "docs/monitoring/*.md")
    for path in ROOT.glob(pattern)
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_between_documents_lead_somewhere(document):
    dead = []
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text_of(document)):
        if "://" not in link and not (ROOT / document.parent / link).exists():
            dead.append(link)
    assert dead == []


SOURCE_FILE = re.compile(r"(?<![\w/])((?:base|migrations|store|engine|api|daemon|cli)/\w+\.[ch])\b")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_source_files_that_a_document_names_exist(document):
    assert [name for name in SOURCE_FILE.findall(text_of(document)) if not (ROOT / name).exists()] == []


def test_every_decision_is_listed():
    index = text_of("docs/adr/README.md")
    pages = [page.name for page in (ROOT / "docs/adr").glob("[0-9]*.md")]
    assert pages and [page for page in pages if f"({page})" not in index] == []


# README


def readme_block(name):
    """The fenced block that follows `<!-- name -->`."""
    block = re.search(rf"<!-- {name} -->\n+```\w*\n(.*?)```", text_of("README.md"), re.S)
    assert block, f"README has no block {name}"
    return block.group(1)


@pytest.fixture
def readme_directory(tmp_path):
    """A directory in which README's commands work: the programs on PATH, the scripts where they are in the tree."""
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    for name in ("schemad", "schemadctl"):
        (bin_directory / name).symlink_to(program(name))
    shutil.copytree(ROOT / "migrations/versions", tmp_path / "migrations/versions")
    return tmp_path


def run_block(directory, block, tail=""):
    environment = {**os.environ, "PATH": f"{directory / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block + tail],
        cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )


def test_readme_without_a_daemon(readme_directory):
    run = run_block(readme_directory, readme_block("offline"))
    assert run.returncode == 0, run.stderr
    assert "c7f8a9b0d1e2" in run.stdout


def test_readme_by_hand(readme_directory):
    run = run_block(
        readme_directory,
        readme_block("by hand"),
        "\nstatus=0; schemadctl --socket ./schemad.sock current || status=$?"
        "\nkill %1; wait %1; exit $status",
    )
    assert run.returncode == 0, run.stderr
    assert "c7f8a9b0d1e2 (head)" in run.stdout


REWORK = """-- Rework job_queue
--
-- Revision ID: 5e8c83c1a2b3
-- Revises: c7f8a9b0d1e2
-- Create Date: 2026-11-20 15:03:04.806509

-- migrate:up
CREATE TABLE job_queue_new AS SELECT * FROM job_queue;
DROP TABLE job_queue;
ALTER TABLE job_queue_new RENAME TO job_queue;

-- migrate:down
"""


def test_the_failure_in_readme_is_what_the_daemon_answers(daemon, scripts):
    shown = json.loads(readme_block("failure"))
    shutil.copytree(ROOT / "migrations/versions", scripts, dirs_exist_ok=True)
    running = daemon(scripts=scripts)
    (scripts / Path(shown["file"]).name).write_text(REWORK, encoding="utf-8")
    running.signal(signal.SIGHUP)
    wait_until(lambda: running.http.get("/current").json["pending"] == 1, "the new script to be seen")
    answer = running.http.post("/upgrade")
    told = {name: value for name, value in answer.json.items() if name != "run"}
    assert (answer.status, list(told)) == (shown["status"], list(shown)), answer
    for name in set(shown) - {"file", "instance"}:
        assert told[name] == shown[name]


def test_readme_commands_exist():
    help_text = output_of(str(program("schemadctl")), "--help")
    commands = set(re.findall(r"`schemadctl (\w+)", text_of("README.md")))
    assert commands and [command for command in commands if not re.search(rf"\b{command}\b", help_text)] == []


def test_readme_routes_exist():
    paths = set(re.findall(r"`(?:GET|POST) (/\w+)", text_of("README.md")))
    contract = text_of("openapi.yaml")
    assert paths and [path for path in paths if f"\n  {path}" not in contract] == []
