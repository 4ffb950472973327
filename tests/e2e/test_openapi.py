"""openapi.yaml is the contract: held against the route table, the error codes, and real answers.

The table and the codes are printed by tests/api/route_list.c; the answers are the golden files of tests/api and
those of a real daemon, asked for every operation that the contract describes.
"""

import json
import re
import subprocess

import pytest

from conftest import BUILD, ROOT

yaml = pytest.importorskip("yaml")

CONTRACT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "post", "delete", "put", "patch")
# All but a form that only the command line uses.
GOLDEN = sorted(p for p in (ROOT / "tests/api/golden").glob("*.json") if p.stem != "plan_upgrade_short")


# ---- Reading the contract ----


def resolve(node):
    """The node, or what its $ref stands for."""
    while "$ref" in node:
        found = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def operations():
    """(path, method, operation, parameters) of everything described."""
    for path, item in CONTRACT["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                yield path, method, item[method], [resolve(p) for p in parameters]


def breaches(value, schema, where="$"):
    """What is wrong with a value: the part of JSON Schema that the contract uses."""
    schema = resolve(schema)
    if "oneOf" in schema:
        fitting = [one for one in schema["oneOf"] if not list(breaches(value, one, where))]
        if len(fitting) != 1:
            yield f"{where}: fits {len(fitting)} of {len(schema['oneOf'])} forms"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not one of {schema['enum']}"
    if "type" in schema and not has_type(value, schema["type"]):
        yield f"{where}: {value!r} is not {schema['type']}"
    elif isinstance(value, str):
        if not re.search(schema.get("pattern", ""), value) or len(value) < schema.get("minLength", 0):
            yield f"{where}: {value!r} is not as described"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{where}: {value} is out of bounds"
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from breaches(element, schema["items"], f"{where}[{index}]")
    elif isinstance(value, dict):
        yield from member_breaches(value, schema, where)


def member_breaches(value, schema, where):
    properties = schema["properties"]
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, member in value.items():
        if name in properties:
            yield from breaches(member, properties[name], f"{where}.{name}")
        elif schema.get("additionalProperties", True) is False:
            yield f"{where}: {name} is not described"


def has_type(value, types):
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list,
             "object": dict, "null": type(None)}
    return any(
        isinstance(value, kinds[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in ([types] if isinstance(types, str) else types)
    )


def expect_described(operation, answer):
    """Status, type, headers and body of an answer are as the operation says."""
    assert str(answer.status) in operation["responses"], answer
    response = resolve(operation["responses"][str(answer.status)])
    for name, header in response.get("headers", {}).items():
        header = resolve(header)
        value = answer.headers.get(name)
        if value is None:
            assert not header["required"], f"{name} is missing in {dict(answer.headers)}"
        else:
            typed = int(value) if header["schema"].get("type") == "integer" else value
            assert not list(breaches(typed, header["schema"], name))
    if "content" not in response:
        assert answer.body == b""
        return
    (content_type, content), = response["content"].items()
    assert answer.headers["Content-Type"] == content_type
    value = answer.json if content_type.endswith("json") else answer.text
    assert list(breaches(value, content["schema"])) == []


# ---- The table ----


@pytest.fixture(scope="module")
def table():
    """The lines of route_list, as lists of words."""
    program = BUILD / "tests/api/route_list"
    if not program.is_file():
        pytest.skip(f"route_list is not built in {BUILD}")
    lines = subprocess.run([program], capture_output=True, text=True, check=True, timeout=30).stdout
    return [line.split() for line in lines.splitlines()]


def test_the_routes_are_the_described_ones(table):
    routed = sorted((w[2], w[1].lower(), w[3]) for w in table if w[0] == "route")
    described = sorted((path, method, op["operationId"]) for path, method, op, _ in operations())
    assert routed == described


def test_the_query_parameters_are_the_described_ones(table):
    routed = {w[3]: sorted(w[6:]) for w in table if w[0] == "route"}
    described = {
        op["operationId"]: sorted(p["name"] for p in parameters if p["in"] == "query")
        for _, _, op, parameters in operations()
    }
    assert routed == described


def test_bodies_are_taken_where_described_with_the_same_names_as_the_query(table):
    takes_body = {w[3] for w in table if w[0] == "route" and w[5] == "BODY"}
    described = {op["operationId"] for _, _, op, _ in operations() if "requestBody" in op}
    assert takes_body == described
    for _, _, operation, parameters in operations():
        if "requestBody" in operation:
            schema = resolve(operation["requestBody"]["content"]["application/json"]["schema"])
            assert sorted(schema["properties"]) == sorted(
                p["name"] for p in parameters if p["in"] == "query")


def test_path_parameters_are_described(table):
    for path, _, operation, parameters in operations():
        named = re.findall(r"{(\w+)}", path)
        assert [p["name"] for p in parameters if p["in"] == "path"] == named, operation["operationId"]


def test_what_changes_something_is_never_a_get(table):
    for words in table:
        if words[0] == "route":
            assert (words[4] == "CHANGES") == (words[1] != "GET"), words


def test_the_error_codes_are_the_described_ones(table):
    codes = [w[1] for w in table if w[0] == "code"]
    assert codes == CONTRACT["components"]["schemas"]["ErrorCode"]["enum"]


def test_every_error_code_is_explained_where_its_status_is(table):
    statuses = {}
    for _, _, operation, _ in operations():
        for status, response in operation["responses"].items():
            statuses.setdefault(status, set()).add(resolve(response)["description"])
    for words in table:
        if words[0] == "code" and words[1] != "daemon-unreachable":
            explained = "".join(statuses[words[2]])
            assert f"`{words[1]}`" in explained, f"{words[1]} is not named at status {words[2]}"


def test_every_reference_and_example_holds():
    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                resolve(node)
            schema = node.get("schema", {}) if isinstance(node.get("schema"), dict) else {}
            for example in node.get("examples", {}).values() if isinstance(node.get("examples"), dict) else ():
                if "value" in example:
                    assert list(breaches(example["value"], schema)) == [], example
            for example in node.get("examples", ()) if isinstance(node.get("examples"), list) else ():
                assert list(breaches(example, node)) == [], example
            if "example" in node:
                assert list(breaches(node["example"], schema)) == [], node["example"]
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(CONTRACT)


# ---- Answers ----

SCHEMA_OF = {
    "backup": "Backup", "current": "Current", "job": "Job", "plan": "Plan", "problem": "Problem",
    "revision": "Revision", "run": "Run", "status": "Status",
}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_answers_are_as_described(path):
    name = "RevisionFull" if path.stem.startswith("revision_full") else SCHEMA_OF[path.stem.split("_")[0]]
    value = json.loads(path.read_text(encoding="utf-8"))
    assert list(breaches(value, CONTRACT["components"]["schemas"][name])) == []


def test_a_breach_is_found():
    schema = CONTRACT["components"]["schemas"]["Job"]
    value = json.loads((ROOT / "tests/api/golden/job.json").read_text(encoding="utf-8"))
    value["state"], value["permille"], value["surplus"] = "lost", 1001, None
    del value["phase"]
    assert len(list(breaches(value, schema))) == 4


def test_the_daemon_answers_as_described(daemon):
    """Every operation in an order in which it has something to say; then every refusal that all share."""
    http = daemon("--upgrade-to", "none").http
    described = {op["operationId"]: (path, method.upper(), op) for path, method, op, _ in operations()}
    asked = set()

    def ask(operation_id, query="", expect=200, headers=None, body=None, **path_parameters):
        path, method, operation = described[operation_id]
        asked.add(operation_id)
        answer = http.request(method, path.format(**path_parameters) + query, headers=headers, body=body)
        assert answer.status == expect, answer
        expect_described(operation, answer)
        return answer

    for operation_id in ("getHealth", "getStatus", "getCurrent", "listHistory", "listHeads", "getPlan", "listJobs",
                         "listBackups", "getMetrics", "getReadiness"):
        ask(operation_id)
    assert ask("getOpenapi").text == (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    etag = ask("getCurrent").headers["ETag"]
    ask("getCurrent", headers={"If-None-Match": etag}, expect=304)
    head = ask("listHeads").json["heads"][0]["id"]
    ask("getRevision", id=head)
    ask("getRevision", id="nothing", expect=404)
    ask("upgrade", "?target=nothing", expect=404)
    ask("upgrade", "?expect=abc", expect=412)
    run = ask("upgrade", body={"target": "head", "reason": "contract"}).json
    ask("getJob", id=run["id"])
    ask("cancelJob", id=run["id"], expect=202)
    ask("getJob", id="0" * 16, expect=404)
    ask("backup")
    ask("stamp", "?target=head&dry_run=true")
    ask("downgrade", headers={"Prefer": "respond-async"}, expect=202)
    ask("getPlan", "?verb=downgrade&target=base")
    for operation_id in ("getStatus", "getCurrent", "listHistory", "listJobs", "listBackups", "getMetrics"):
        ask(operation_id)
    ask("upgrade", "?purge=true", expect=400)
    ask("upgrade", body=[1], expect=400)
    ask("upgrade", headers={"Content-Type": "text/plain"}, body="{}", expect=415)
    ask("upgrade", headers={"Content-Type": "application/json", "Content-Length": "70000"}, body=" ", expect=413)
    for operation_id in described:
        parameters = {"id": "x"} if "{id}" in described[operation_id][0] else {}
        ask(operation_id, "?surplus=1", expect=400, **parameters)
        ask(operation_id, headers={"Origin": "https://example.org"}, expect=403, **parameters)
    assert asked == set(described)
