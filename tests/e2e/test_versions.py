"""ContentEngine's own five revisions: what they build, that they are who they say, and that every way down is true."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT, VERSIONS, version_rows
from schema_meaning import assert_same_schema, meaning

SHARED = Path(os.environ.get("SCHEMAD_SHARED", ROOT.parent / "shared"))
CHAIN = ["9e9e70a4a06b", "4864d1c47cec", "4a0e3b03ab4c", "b5e9f2a1c3d4", "c7f8a9b0d1e2"]


@pytest.fixture
def run(schemadctl, database):
    def run(*words):
        done = schemadctl("--database", database, "--scripts", VERSIONS, "--json", *words)
        assert done.exit_code == 0, done
        return json.loads(done.out)

    return run


def schema(database):
    with closing(sqlite3.connect(database)) as connection:
        return meaning(connection)


def test_a_new_file_at_head_means_the_deployed_schema(run, database):
    deployed = SHARED / "contentengine/schema_at_head.sql"
    if not deployed.exists():
        pytest.skip(f"there is no {deployed}")
    run("upgrade")
    with closing(sqlite3.connect(":memory:")) as expected, closing(sqlite3.connect(database)) as connection:
        expected.executescript(deployed.read_text())
        assert_same_schema(connection, expected, "at head")


def test_ids_dates_and_messages_are_the_real_ones(run):
    recorded = SHARED / "histories/contentengine.json"
    if not recorded.exists():
        pytest.skip(f"there is no {recorded}")
    ours = {one["id"]: one for one in run("history")["revisions"]}
    theirs = json.loads(recorded.read_text())["revisions"]
    assert list(ours) == CHAIN[::-1]
    for one in theirs:
        mine = ours[one["revision"]]
        assert (mine["parents"], mine["message"], mine["create_date"]) == (
            one["down_revision"], one["message"].splitlines()[0], one["create_date"])


def test_every_way_down_is_the_inverse_of_the_way_up(run, database):
    schemas = []
    for revision in CHAIN:
        run("upgrade", revision)
        schemas.append(schema(database))
    assert len({repr(one) for one in schemas}) == len(CHAIN)
    for revision, expected in reversed(list(zip(CHAIN[:-1], schemas[:-1]))):
        run("downgrade", "-1")
        assert (version_rows(database), schema(database)) == ([revision], expected)


def test_down_to_base_and_up_again_ends_where_it_began(run, database):
    run("upgrade")
    at_head = schema(database)
    run("downgrade", "base")
    assert (version_rows(database), schema(database)) == ([], {})
    run("upgrade")
    assert (version_rows(database), schema(database)) == ([CHAIN[-1]], at_head)
