"""What Alembic can say, by curl: lists, ranges and targets, plans and SQL for both directions, new scripts, stamps, a check
for CI; and every trouble with its way out."""

import json
import shutil
import sqlite3
import stat
import subprocess
import threading
from contextlib import closing

import pytest

from conftest import VERSIONS, curl, version_rows, wait_until

BASE, LEFT, TIP, RIGHT = "aaaa1111", "bbbb1111", "cccc1111", "bbbb2222"
WRITABLE = "[scripts]\nwritable = yes\n"


def write(directory, identifier, revises, up, down, header=""):
    (directory / f"{identifier}_test.sql").write_text(
        f"-- {identifier} is a test\n--\n-- Revision ID: {identifier}\n-- Revises: {revises}\n{header}\n"
        f"-- migrate:up\n{up}\n\n-- migrate:down\n{down}\n", encoding="utf-8")


@pytest.fixture
def tree(scripts):
    """aaaa1111 -> bbbb1111 (left) -> cccc1111, and aaaa1111 -> bbbb2222 (right)."""
    write(scripts, BASE, "", "CREATE TABLE a (x);", "DROP TABLE a;")
    write(scripts, LEFT, BASE, "CREATE TABLE l (x);", "DROP TABLE l;", "-- Branch Labels: left\n")
    write(scripts, TIP, LEFT, "CREATE TABLE t (x);\nINSERT INTO t VALUES (1);", "DROP TABLE t;")
    write(scripts, RIGHT, BASE, "CREATE TABLE r (x);", "DROP TABLE r;", "-- Branch Labels: right\n")
    return scripts


@pytest.fixture
def http(daemon, tree):
    """A daemon of the tree, at aaaa1111, that writes scripts."""
    return daemon("--upgrade-to", BASE, scripts=tree, config=WRITABLE).http


def post(http, path, body=None):
    words = [] if body is None else ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return curl(http, "POST", path, *words)


def text(http, path):
    answer = curl(http, "GET", path, "-H", "Accept: text/plain")
    assert answer.status == 200, answer
    return answer.text


def ids(http, path, member):
    answer = curl(http, "GET", path)
    assert answer.status == 200, answer
    return [revision["id"] for revision in answer.json[member]]


def execute(database, *statements):
    """As another program would."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def refusal(answer, status, code, *words):
    """It is refused so, and detail and hint hold the words."""
    assert (answer.status, answer.json["code"]) == (status, code), answer
    told = f"{answer.json['detail']} {answer.json.get('hint', '')}"
    assert [word for word in words if word not in told] == [], told


# ---- Reading ----


@pytest.mark.parametrize("range_, expected", [
    ("", [RIGHT, TIP, LEFT, BASE]),
    (":", [RIGHT, TIP, LEFT, BASE]),
    ("bbbb1111:", [TIP, LEFT]),
    ("aaaa:cccc", [TIP, LEFT, BASE]),
    (":left@head", [TIP, LEFT, BASE]),
    ("right@base:right@head", [RIGHT, BASE]),
    ("-1:cccc", [TIP, LEFT]),
    ("aaaa:+1", None),
    ("current:cccc", [TIP, LEFT, BASE]),
    ("aaaa:bbbb1111", [LEFT, BASE]),
])
def test_ranges_of_the_history(http, range_, expected):
    path = f"/history?range={range_}"
    if expected is None:
        refusal(curl(http, "GET", path), 409, "target-invalid", "+1")
    else:
        assert sorted(ids(http, path, "revisions")) == sorted(expected)


def test_lists_are_alembics_lines(http):
    assert text(http, "/heads") == "bbbb2222 (right) (head)\ncccc1111 (left) (head)\n"
    assert text(http, "/branches") == ("aaaa1111 (branchpoint)\n"
                                       "         -> bbbb1111 (left)\n"
                                       "         -> bbbb2222 (right) (head)\n")
    assert text(http, "/history?range=bbbb1111:cccc1111") == (
        "bbbb1111 -> cccc1111 (left) (head), cccc1111 is a test\n"
        "aaaa1111 -> bbbb1111 (left), bbbb1111 is a test\n")
    branch = curl(http, "GET", "/branches").json["branches"][0]
    assert branch["children"] == [LEFT, RIGHT] and branch["is_current"]
    assert branch["entry"] + "\n" == text(http, "/branches")
    assert branch["detail"].startswith("Rev: aaaa1111 (branchpoint) (current)\n")


def test_heads_that_others_depend_on_can_be_left_out(daemon, tree):
    write(tree, "dddd1111", TIP, "SELECT 1;", "", f"-- Depends On: {RIGHT}\n")
    started = daemon("--upgrade-to", "none", scripts=tree)
    assert ids(started.http, "/heads", "heads") == [RIGHT, "dddd1111"]
    assert ids(started.http, "/heads?resolve_dependencies=true", "heads") == ["dddd1111"]
    assert text(started.http, "/heads").startswith("bbbb2222 (right) (effective head)\n")


@pytest.mark.parametrize("name, identifier", [
    ("cccc1111", TIP), ("cc", TIP), ("left@head", TIP), ("left@cc", TIP), ("right", RIGHT), ("current", BASE),
])
def test_a_revision_is_found_by_all_its_names(http, name, identifier):
    revision = curl(http, "GET", f"/revisions/{name}").json
    assert revision["id"] == identifier


def test_a_revision_has_both_parts_of_its_sql(http):
    revision = curl(http, "GET", "/revisions/cccc").json
    assert [s["sql"] for s in revision["upgrade"]] == ["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"]
    assert [s["sql"] for s in revision["downgrade"]] == ["DROP TABLE t"]


@pytest.mark.parametrize("query, revisions, to, sql", [
    ("target=heads", [LEFT, TIP, RIGHT], [RIGHT, TIP], "CREATE TABLE l (x)"),
    ("target=left@head", [LEFT, TIP], [TIP], "CREATE TABLE l (x)"),
    ("target=right@%2B1", [RIGHT], [RIGHT], "CREATE TABLE r (x)"),
    ("target=bbbb1", [LEFT], [LEFT], "CREATE TABLE l (x)"),
    ("target=bbbb1111%2B1", [LEFT, TIP], [TIP], "CREATE TABLE l (x)"),
    ("verb=downgrade", [BASE], [], "DROP TABLE a"),
    ("verb=downgrade&target=base", [BASE], [], "DROP TABLE a"),
])
def test_a_plan_has_its_sql_in_both_directions(http, query, revisions, to, sql):
    answer = curl(http, "GET", f"/plan?{query}")
    assert answer.status == 200, answer
    assert sorted(step["revision"] for step in answer.json["steps"]) == sorted(revisions)
    assert (answer.json["to"], answer.json["steps"][0]["statements"][0]["sql"]) == (to, sql)


# ---- SQL for the shell ----


@pytest.fixture
def shell(tmp_path):
    """shell(script) runs it on a database of its own."""
    if shutil.which("sqlite3") is None:
        pytest.skip("there is no sqlite3 shell")
    path = tmp_path / "shell.db"

    def run(script):
        return subprocess.run(["sqlite3", "-batch", "-init", "/dev/null", path], input=script, capture_output=True,
                              text=True, timeout=60, check=False)

    run.database = path
    return run


def schema(database):
    with closing(sqlite3.connect(database)) as connection:
        return sorted(connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'"))


@pytest.mark.parametrize("verb, range_, target", [
    ("upgrade", "aaaa:left@head", "left@head"),
    ("upgrade", "current:heads", "heads"),
    ("upgrade", "current:right@%2B1", "right@%2B1"),
    ("downgrade", "current:base", "base"),
    ("stamp", "current:cccc", "cccc"),
])
def test_a_script_of_sql_does_what_the_run_does(http, shell, database, verb, range_, target):
    shell(curl(http, "GET", f"/sql?range=base:{BASE}").text)
    assert schema(shell.database) == schema(database)
    script = curl(http, "GET", f"/sql?verb={verb}&range={range_}")
    assert (script.status, script.headers["Content-Type"]) == (200, "application/sql")
    done = shell(script.text)
    assert (done.returncode, done.stderr) == (0, "")
    assert post(http, f"/{verb}?target={target}").status == 200
    assert schema(shell.database) == schema(database)
    assert version_rows(shell.database) == version_rows(database)


def test_a_script_refuses_a_database_that_is_elsewhere(http, shell):
    done = shell(curl(http, "GET", f"/sql?range={BASE}:cccc").text)
    assert done.returncode != 0 and "the database must be at aaaa1111" in done.stderr
    assert version_rows(shell.database) == []


def test_a_script_is_of_the_configured_table_and_transaction(daemon, tree, database):
    started = daemon("--upgrade-to", BASE, scripts=tree,
                     config="[database]\nversion_table = content_version\n[run]\ntransaction = revision\n")
    script = curl(started.http, "GET", "/sql?range=current:left@head").text
    assert script.count("COMMIT;") == 2 and "content_version" in script and "alembic_version" not in script
    assert curl(started.http, "GET", "/sql?range=current:left@head&transaction=run").text.count("COMMIT;") == 1


# ---- Stamps ----


def test_stamps_of_several_and_purged_ones(http, database):
    assert post(http, "/stamp", {"targets": [TIP, "right@head"]}).json["to"] == [RIGHT, TIP]
    execute(database, "INSERT INTO alembic_version VALUES ('gone')")
    refusal(post(http, "/stamp", {"targets": [TIP]}), 409, "database-revision-unknown", "gone", "purge")
    assert post(http, "/stamp", {"targets": [LEFT], "purge": True}).json["to"] == [LEFT]
    assert version_rows(database) == [LEFT]


def test_the_version_table_is_ensured(daemon, tree, database):
    http = daemon("--upgrade-to", "none", scripts=tree).http
    refusal(post(http, "/stamp"), 400, "argument-invalid", "'target' is missing")
    first = post(http, "/stamp", {"targets": []})
    assert (first.status, first.json["outcome"], first.json["to"]) == (200, "succeeded", [])
    assert [name for name, _ in schema(database)] == ["alembic_version"]
    again = post(http, "/stamp", {"targets": []})
    assert (again.status, again.json["outcome"]) == (200, "nothing-to-do")
    refusal(post(http, "/stamp", {"targets": [], "purge": True}), 400, "argument-invalid", "'target' is missing")


def test_ensuring_the_version_table_changes_no_row(http, database):
    assert post(http, "/stamp", {"targets": []}).json["outcome"] == "nothing-to-do"
    assert version_rows(database) == [BASE]


# ---- New scripts ----


def test_a_new_script_is_known_at_once(http, tree):
    answer = post(http, "/revisions", {"message": "Add tags", "head": "left@head", "rev_id": "dddd1111"})
    assert (answer.status, answer.headers["Location"]) == (201, "/revisions/dddd1111")
    assert answer.json == {"id": "dddd1111", "path": f"{tree}/dddd1111_add_tags.sql"}
    revision = curl(http, "GET", answer.headers["Location"]).json
    assert (revision["parents"], revision["message"], revision["upgrade"]) == ([TIP], "Add tags", [])
    assert revision["path"] == answer.json["path"]
    assert stat.S_IMODE((tree / "dddd1111_add_tags.sql").stat().st_mode) & 0o111 == 0
    assert ids(http, "/heads", "heads") == [RIGHT, "dddd1111"]


def test_scripts_of_every_kind(http):
    branch = post(http, "/revisions", {"head": BASE, "splice": True, "branch_labels": ["news"], "depends_on": ["right"]})
    assert branch.status == 201, branch
    revision = curl(http, "GET", "/revisions/news").json
    assert (revision["id"], revision["parents"], revision["labels"]) == (branch.json["id"], [BASE], ["news"])
    assert revision["depends_on"] == [RIGHT]
    root = post(http, "/revisions?head=base&message=Begin%20anew")
    assert curl(http, "GET", root.headers["Location"]).json["parents"] == []
    merge = post(http, "/merge", {"revisions": ["left@head", "right"], "message": "Join", "branch_labels": ["joined"]})
    assert merge.status == 201, merge
    assert sorted(curl(http, "GET", "/revisions/joined").json["parents"]) == [RIGHT, TIP]
    assert post(http, "/merge?revisions=heads").status == 201
    assert len(ids(http, "/heads", "heads")) == 1
    assert post(http, "/upgrade").json["outcome"] == "succeeded"


@pytest.mark.parametrize("message", [
    "", "Umlauts \u00e4\u00f6\u00fc and \U0001f418", "two\nlines", "-- migrate:up\nDROP TABLE a;", "'); DROP TABLE a; --",
    "Revision ID: eeee1111", "a\tb", "/* */ ../../etc/passwd %(rev)s", "x" * 1000,
], ids=range(9))
def test_a_message_of_any_text_comes_back(http, tree, message):
    answer = post(http, "/revisions", {"message": message, "head": "left@head"})
    assert answer.status == 201, answer
    revision = curl(http, "GET", answer.headers["Location"]).json
    assert (revision["message"], revision["upgrade"], revision["parents"]) == (message, [], [TIP])
    assert len(list(tree.rglob("*.sql"))) == 5 and answer.json["path"].startswith(f"{tree}/")


def test_no_control_character_gets_into_a_script(http, tree):
    answer = post(http, "/revisions", {"message": "a\x1b[2Jb\x01\r\nc\x7f", "rev_id": "dddd", "head": "left@head"})
    assert curl(http, "GET", "/revisions/dddd").json["message"] == "a [2Jb\nc"
    assert not set(next(tree.glob("dddd*")).read_bytes()) & (set(range(32)) - {10} | {127}), answer


def test_names_and_dates_are_as_configured(daemon, tree):
    http = daemon("--upgrade-to", "none", scripts=tree, config=WRITABLE + "file_template = %(year)d/%(rev)s-%(slug)s\n"
                  "slug_length = 5\ntimezone = utc\n").http
    answer = post(http, "/revisions?head=left@head&rev_id=dddd&message=Add%20tags")
    revision = curl(http, "GET", "/revisions/dddd").json
    year = revision["create_date"][:4]
    assert answer.json["path"] == f"{tree}/{year}/dddd-add_.sql"
    assert revision["create_date"].endswith("+00:00")


def test_many_at_once_make_one_line(daemon, scripts):
    write(scripts, BASE, "", "SELECT 1;", "")
    http = daemon("--upgrade-to", "none", scripts=scripts, config=WRITABLE).http
    threads = [threading.Thread(target=http.post, args=[f"/revisions?message=number{i}"]) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = curl(http, "GET", "/history").json["revisions"]
    assert len(history) == 17 and len(ids(http, "/heads", "heads")) == 1
    assert not any(revision["is_branch_point"] for revision in history)


def test_a_daemon_writes_scripts_only_where_it_may(daemon, tree):
    http = daemon("--upgrade-to", "none", scripts=tree).http
    for path in ("/revisions", "/merge?revisions=heads"):
        refusal(post(http, path), 403, "forbidden", "[scripts]", "writable = yes")
    assert len(list(tree.iterdir())) == 4


@pytest.mark.parametrize("path, body, status, code, words", [
    ("/revisions", {"sql": "DROP TABLE a"}, 400, "argument-invalid", ["'sql'", "No SQL is taken over HTTP"]),
    ("/revisions", {}, 409, "heads-multiple", ["bbbb2222, cccc1111", "merge heads"]),
    ("/revisions", {"head": BASE}, 409, "target-invalid", ["aaaa1111", "splice"]),
    ("/revisions", {"head": "nothing"}, 404, "revision-unknown", ["nothing"]),
    ("/revisions", {"head": "bbbb"}, 409, "revision-ambiguous", ["bbbb1111, bbbb2222"]),
    ("/revisions", {"head": TIP, "rev_id": RIGHT}, 422, "revision-duplicate", [RIGHT]),
    ("/revisions", {"head": TIP, "rev_id": "no id"}, 400, "argument-invalid", ["no id", "1 to 32"]),
    ("/revisions", {"head": TIP, "rev_id": "../../x"}, 400, "argument-invalid", ["../../x"]),
    ("/revisions", {"head": TIP, "rev_id": ".hidden"}, 400, "argument-invalid", ["'.'"]),
    ("/revisions", {"head": TIP, "branch_labels": ["left"]}, 422, "label-duplicate", ["left"]),
    ("/revisions", {"head": TIP, "branch_labels": ["a b"]}, 400, "argument-invalid", ["a b"]),
    ("/revisions", {"head": TIP, "depends_on": ["nothing"]}, 404, "revision-unknown", ["nothing"]),
    ("/revisions", {"head": TIP, "version_path": "/tmp"}, 400, "argument-invalid", ["/tmp", "scripts"]),
    ("/revisions", {"head": TIP, "mesage": "x"}, 400, "argument-invalid", ["'mesage'", "message"]),
    ("/merge", {}, 400, "argument-invalid", ["'revisions' is missing"]),
    ("/merge", {"revisions": [TIP]}, 409, "target-invalid", ["nothing to merge"]),
    ("/merge", {"revisions": [TIP, LEFT]}, 409, "target-invalid", [LEFT, "ancestor"]),
    ("/merge", {"revisions": [TIP, TIP]}, 409, "target-invalid", ["named twice"]),
])
def test_a_script_that_cannot_be_is_refused(http, tree, path, body, status, code, words):
    refusal(post(http, path, body), status, code, *words)
    assert len(list(tree.iterdir())) == 4


# ---- Checking ----


def findings(http):
    answer = curl(http, "GET", "/check")
    assert answer.status == 200, answer
    assert answer.json["ok"] == (answer.json["findings"] == [])
    assert all(finding["hint"] for finding in answer.json["findings"]), answer
    return [finding["code"] for finding in answer.json["findings"]]


@pytest.fixture
def line(daemon, scripts):
    """A daemon of one line, at its head, and its scripts."""
    for script in VERSIONS.glob("*.sql"):
        (scripts / script.name).write_bytes(script.read_bytes())
    return daemon(scripts=scripts), scripts


def test_a_check_of_a_database_at_its_head_is_good(line):
    assert findings(line[0].http) == []


def test_a_check_finds_pending_revisions_and_several_heads(http):
    assert findings(http) == ["heads-multiple", "not-ready"]


def test_a_check_finds_rows_that_nobody_knows_and_that_overlap(http, database):
    execute(database, f"INSERT INTO alembic_version VALUES ('gone'), ('{TIP}')")
    wait_until(lambda: len(curl(http, "GET", "/current").json["revisions"]) == 3, "the rows to be seen")
    assert findings(http)[:2] == ["database-revision-unknown", "version-rows-overlap"]


def test_a_check_finds_scripts_that_changed_and_are_gone(line):
    daemon, scripts = line
    script = next(scripts.glob("c7f8*"))
    script.write_text(script.read_text(encoding="utf-8") + "DROP TABLE users;\n", encoding="utf-8")
    daemon.signal(1)
    wait_until(lambda: findings(daemon.http) == ["script-changed"], "the changed script to be found")
    script.unlink()
    daemon.signal(1)
    wait_until(lambda: findings(daemon.http) == ["database-revision-unknown"], "the missing script to be found")


def test_a_check_finds_scripts_that_cannot_be_read(daemon, scripts):
    write(scripts, BASE, "nothing", "SELECT 1;", "")
    http = daemon("--on-failure", "hold", scripts=scripts, wait="serving").http
    wait_until(lambda: findings(http) == ["parent-missing"], "the scripts to be read")


# ---- Troubles ----


@pytest.mark.parametrize("method, path, status, code, words", [
    ("GET", "/revisions/bbbb111x", 404, "revision-unknown", ["bbbb111x", LEFT]),
    ("GET", "/revisions/bbbb", 409, "revision-ambiguous", [f"{LEFT}, {RIGHT}"]),
    ("GET", "/revisions/heads", 409, "revision-ambiguous", [f"{RIGHT}, {TIP}", "Name one"]),
    ("GET", "/revisions/nowhere@head", 404, "revision-unknown", ["nowhere"]),
    ("GET", "/revisions/left@base", 404, "revision-unknown", ["names no revision"]),
    ("GET", "/plan", 409, "heads-multiple", [f"{RIGHT}, {TIP}", "merge heads", "heads"]),
    ("GET", "/plan?verb=downgrade&target=cccc", 409, "target-invalid", [TIP]),
    ("GET", "/plan?target=%2B1", 409, "target-invalid", [f"{LEFT}, {RIGHT}", "<branch>@+1"]),
    ("GET", "/plan?target=left@%2B9", 409, "target-invalid", ["+9"]),
    ("GET", "/plan?target=left@bbbb2222", 404, "revision-unknown", ["left"]),
    ("GET", "/history?range=a:b:c", 409, "target-invalid", ["range"]),
    ("GET", "/sql?verb=downgrade&range=left:right", 409, "target-invalid", [RIGHT]),
    ("GET", "/sql?verb=downgrade&range=cccc", 409, "target-invalid", ["<fromrev>:<torev>"]),
    ("POST", "/upgrade", 409, "heads-multiple", [f"{RIGHT}, {TIP}", "merge heads"]),
    ("POST", "/upgrade?target=bbbb", 409, "revision-ambiguous", [f"{LEFT}, {RIGHT}"]),
    ("POST", "/upgrade?target=bbbb111x", 404, "revision-unknown", [LEFT]),
    ("POST", "/downgrade?target=cccc", 409, "target-invalid", [TIP]),
    ("POST", "/stamp?target=head", 409, "heads-multiple", [f"{RIGHT}, {TIP}"]),
])
def test_a_trouble_is_told_with_its_way_out(http, database, method, path, status, code, words):
    refusal(curl(http, method, path), status, code, *words)
    assert version_rows(database) == [BASE]


@pytest.mark.parametrize("statements, status, code, words", [
    (["UPDATE alembic_version SET version_num = 'gone'"], 409, "database-revision-unknown", ["gone"]),
    ([f"INSERT INTO alembic_version VALUES ('{TIP}')"], 409, "version-rows-overlap", [BASE, TIP]),
    (["DROP TABLE alembic_version", "CREATE TABLE alembic_version (version_num)",
      "INSERT INTO alembic_version VALUES (NULL)"], 409, "version-table-odd", ["alembic_version"]),
    (["DROP TABLE alembic_version", "CREATE TABLE alembic_version (version_num)",
      "INSERT INTO alembic_version VALUES (x'6161')"], 409, "version-table-odd", ["alembic_version"]),
    (["DROP TABLE alembic_version", "CREATE TABLE alembic_version (version_num)",
      f"INSERT INTO alembic_version VALUES ('{BASE}'), ('{BASE}')"], 409, "version-table-odd", ["alembic_version"]),
    (["DROP TABLE alembic_version", f"CREATE VIEW alembic_version AS SELECT '{BASE}' AS version_num"], 409,
     "version-table-odd", ["alembic_version"]),
], ids=["unknown", "overlap", "null", "blob", "duplicate", "view"])
def test_odd_rows_of_the_database_are_told_with_a_way_out(http, database, statements, status, code, words):
    execute(database, *statements)
    answer = curl(http, "POST", "/upgrade?target=heads")
    refusal(answer, status, code, *words)
    assert answer.json["hint"], answer


def test_a_script_that_changed_since_it_was_applied_is_told(line):
    daemon, scripts = line
    script = next(scripts.glob("c7f8*"))
    script.write_text(script.read_text(encoding="utf-8") + "DROP TABLE users;\n", encoding="utf-8")
    daemon.signal(1)
    wait_until(lambda: findings(daemon.http) == ["script-changed"], "the changed script to be read")
    answer = curl(daemon.http, "POST", "/downgrade?target=-1")
    refusal(answer, 409, "script-changed", "c7f8a9b0d1e2")
    assert answer.json["hint"], answer
