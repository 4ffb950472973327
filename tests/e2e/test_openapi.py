"""openapi.yaml by itself, and held against what the programs are made of: routes, error codes, version.

The table and the codes are printed by tests/api/route_list.c. What the daemon answers is test_contract.py's.
"""

import json
import os
import re
import subprocess

import pytest
import tools
from conftest import BUILD, ROOT, program
from contract import CONTRACT, OPERATIONS, breaches, resolve

# All but a form that only the command line uses.
GOLDEN = sorted(p for p in (ROOT / "tests/api/golden").glob("*.json") if p.stem != "plan_upgrade_short")


# ---- By itself ----


def test_the_linter_has_nothing_to_say():
    tools.need(tools.REDOCLY, tools.node())
    run = subprocess.run(
        [tools.node(), tools.REDOCLY, "lint", "--format=stylish", f"--config={ROOT}/tests/e2e/redocly.yaml",
         ROOT / "openapi.yaml"],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"})
    assert (run.returncode, "warning" in run.stdout + run.stderr) == (0, False), run.stdout + run.stderr


def schemas_with_examples(node):
    """(schema, example) of everything in the contract that has one."""
    if isinstance(node, dict):
        schema = node.get("schema") if isinstance(node.get("schema"), dict) else None
        examples = node.get("examples")
        if isinstance(examples, dict) and schema is not None:
            yield from ((schema, example["value"]) for example in examples.values())
        elif isinstance(examples, list):
            yield from ((node, example) for example in examples)
        if "example" in node and schema is not None:
            yield schema, node["example"]
        for child in node.values():
            yield from schemas_with_examples(child)
    elif isinstance(node, list):
        for child in node:
            yield from schemas_with_examples(child)


def test_every_example_is_as_described():
    examples = list(schemas_with_examples(CONTRACT))
    assert len(examples) > 100
    for schema, example in examples:
        assert breaches(example, schema) == [], example


def test_every_operation_and_every_error_has_an_example():
    without = []
    for operation in OPERATIONS:
        for status, response in operation.responses.items():
            for content_type, content in response.get("content", {}).items():
                if not content.get("examples"):
                    without.append((operation.id, status, content_type))
        if "requestBody" in operation.described:
            assert operation.described["requestBody"]["content"]["application/json"]["examples"]
    assert without == []


def test_every_operation_says_what_all_operations_say():
    for operation in OPERATIONS:
        assert {"400", "401", "403", "405", "429", "500"} <= set(operation.responses), operation.id


# ---- And the programs ----


@pytest.fixture(scope="module")
def table():
    """The lines of route_list, as lists of words."""
    printer = BUILD / "tests/api/route_list"
    if not printer.is_file():
        pytest.skip(f"route_list is not built in {BUILD}")
    lines = subprocess.run([printer], capture_output=True, text=True, check=True, timeout=30).stdout
    return [line.split() for line in lines.splitlines()]


@pytest.fixture(scope="module")
def routes(table):
    """Of each route: method, path, operation, access class, CHANGES or READS, BODY or -, parameters."""
    return [(*words[1:7], words[7:]) for words in table if words[0] == "route"]


def test_the_routes_are_the_described_ones(routes):
    routed = sorted((path, method, name) for method, path, name, *_ in routes)
    assert routed == sorted((o.path, o.method, o.id) for o in OPERATIONS)


def test_the_access_classes_are_the_described_ones(routes):
    assert {name: access for _, _, name, access, *_ in routes} == {o.id: o.access for o in OPERATIONS}


def test_the_query_parameters_are_the_described_ones(routes):
    routed = {name: sorted(parameters) for _, _, name, _, _, _, parameters in routes}
    assert routed == {o.id: sorted(o.names("query")) for o in OPERATIONS}


def test_bodies_are_taken_where_described_with_the_same_names_as_the_query(routes):
    takes_body = {name for _, _, name, _, _, body, _ in routes if body == "BODY"}
    described = {o.id: o for o in OPERATIONS if "requestBody" in o.described}
    assert takes_body == set(described)
    for operation in described.values():
        schema = resolve(operation.described["requestBody"]["content"]["application/json"]["schema"])
        assert sorted(schema["properties"]) == sorted(operation.names("query"))


def test_path_parameters_are_described():
    for operation in OPERATIONS:
        assert operation.names("path") == re.findall(r"{(\w+)}", operation.path), operation.id


def test_what_changes_something_is_never_a_get(routes):
    for method, path, _, _, changes, _, _ in routes:
        assert (changes == "CHANGES") == (method != "GET"), path


def test_the_error_codes_are_the_described_ones(table):
    codes = [words[1] for words in table if words[0] == "code"]
    assert codes == CONTRACT["components"]["schemas"]["ErrorCode"]["enum"]


def test_every_error_code_is_explained_where_its_status_is(table):
    explained = {}
    for operation in OPERATIONS:
        for status, response in operation.responses.items():
            explained.setdefault(status, set()).add(response["description"])
    for words in table:
        if words[0] == "code" and words[1] != "daemon-unreachable":
            assert f"`{words[1]}`" in "".join(explained[words[2]]), f"{words[1]} is not named at status {words[2]}"


def test_the_version_is_that_of_the_programs():
    for name in ("schemad", "schemadctl"):
        run = subprocess.run([program(name), "--version"], capture_output=True, text=True, check=True, timeout=30)
        assert CONTRACT["info"]["version"] in run.stdout.split()
    meson = re.search(r"^\s*version: '([^']+)'", (ROOT / "meson.build").read_text(encoding="utf-8"), re.M)
    assert CONTRACT["info"]["version"] == meson.group(1)


# ---- Golden files ----

# By the first word of a file's name: a schema, or the operation that answers so.
SCHEMA_OF = {
    "backup": "Backup", "branch": "Branch", "check": "getCheck", "current": "Current", "denials": "listDenials", "job": "Job", "jobs": "listJobs",
    "plan": "Plan", "problem": "Problem", "readiness": "getReadiness", "revision": "Revision", "run": "Run",
    "script": "Script", "status": "Status",
}


def schema_of_golden(stem):
    name = "RevisionFull" if stem.startswith("revision_full") else SCHEMA_OF[stem.split("_")[0]]
    for operation in OPERATIONS:
        if operation.id == name:
            return operation.responses["200"]["content"]["application/json"]["schema"]
    return CONTRACT["components"]["schemas"][name]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_answers_are_as_described(path):
    assert breaches(json.loads(path.read_text(encoding="utf-8")), schema_of_golden(path.stem)) == []


def test_a_breach_is_found():
    schema = CONTRACT["components"]["schemas"]["Job"]
    value = json.loads((ROOT / "tests/api/golden/job.json").read_text(encoding="utf-8"))
    assert breaches(value, schema) == []
    value["state"], value["permille"], value["queued_at"], value["surplus"] = "lost", 1001, "yesterday", None
    del value["phase"]
    assert len(breaches(value, schema)) == 5
