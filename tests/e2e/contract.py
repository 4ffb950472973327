"""Reading openapi.yaml, and holding answers against it."""

import re
from datetime import datetime

import pytest

from conftest import ROOT

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")

CONTRACT = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "post", "delete", "put", "patch")
# Headers that are HTTP's own and not the contract's.
FRAMING = {"connection", "content-length", "content-type", "date", "transfer-encoding"}

FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", ValueError)
def is_time(value):
    return not isinstance(value, str) or datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None


def resolve(node):
    """The node, or what its $ref stands for."""
    while "$ref" in node:
        found = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


class Operation:
    """One method of one path."""

    def __init__(self, path, method, item):
        self.path, self.method, self.described = path, method.upper(), item[method]
        self.id, self.access = self.described["operationId"], self.described["x-access"]
        self.parameters = [resolve(p) for p in item.get("parameters", []) + self.described.get("parameters", [])]
        self.responses = {status: resolve(r) for status, r in self.described["responses"].items()}
        self.streams = "x-events" in self.described

    def names(self, place):
        return [p["name"] for p in self.parameters if p["in"] == place]

    def matches(self, method, path):
        template = re.sub(r"{\w+}", "[^/]+", re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}"))
        return method == self.method and re.fullmatch(template, path) is not None


OPERATIONS = [Operation(path, method, item)
              for path, item in CONTRACT["paths"].items() for method in METHODS if method in item]


def operation_of(method, path):
    """The operation that a request is for; None when there is none."""
    return next((o for o in OPERATIONS if o.matches(method, path)), None)


def breaches(value, schema):
    """What is wrong with a value, as texts."""
    # References lead into the document: it comes along.
    whole = {**schema, "components": CONTRACT["components"]}
    validator = jsonschema.Draft202012Validator(whole, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def header_breaches(headers, described):
    """What is wrong with the headers of an answer: missing, surplus, or of another form."""
    for name, header in described.items():
        header, value = resolve(header), headers.get(name)
        if value is not None:
            typed = int(value) if header["schema"].get("type") == "integer" else value
            yield from (f"{name}{breach}" for breach in breaches(typed, header["schema"]))
        elif header["required"]:
            yield f"{name} is missing"
    known = FRAMING | {name.lower() for name in described}
    yield from (f"{name} is not described" for name in headers if name.lower() not in known)


def expect_described(operation, answer):
    """Status, headers, type and body of an answer are as the operation says."""
    assert str(answer.status) in operation.responses, answer
    expect_as(operation.responses[str(answer.status)], answer)


def expect_as(response, answer):
    assert list(header_breaches(answer.headers, response.get("headers", {}))) == [], answer
    if "content" not in response:
        assert answer.body == b""
        return
    content_type = answer.headers["Content-Type"]
    assert content_type in response["content"], answer
    value = answer.json if content_type.endswith("json") else answer.text
    assert breaches(value, response["content"][content_type]["schema"]) == []


def events_of(text):
    """(kind, data as text) of a stream's events; its comments and its `retry` aside."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            assert re.fullmatch("[0-9]+", fields["id"]), block
            events.append((fields["event"], fields["data"]))
    return events
