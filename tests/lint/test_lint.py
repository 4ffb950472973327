"""Every rule of lint.py catches what it is there for, and lets good code pass."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import lint  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]

HEAD = "/*\n * {name} - what it is.\n */\n"

GOOD_HEADER = HEAD.format(name="plan.h") + """\
#pragma once

#include "base/error.h"

/* Order the steps. Fails ERR_IO. */
must_check bool plan_upgrade(const struct graph *graph, const char *target, struct error *err);
"""

GOOD_SOURCE = HEAD.format(name="plan.c") + """\
#include "migrations/plan.h"

#include <string.h>

bool plan_upgrade(const struct graph *graph, const char *target, struct error *err)
{
    /* The word goto in a comment, "rand()" in a text and http://here are fine. */
    if (strlen(target) == 0)
        return error_set(err, ERR_IO, "no // target, XXXXXX, goto rand()");
    return graph->sleep(target);
}
"""


def tree_of(tmp_path, files, build=None):
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return lint.Tree(tmp_path, build)


def findings(rule, tree):
    return [f"{f.path}:{f.line}: {f.message}" for f in rule(tree)]


WITHOUT_BUILD = [rule for rule in lint.RULES if rule is not lint.symbols]


@pytest.mark.parametrize("rule", WITHOUT_BUILD, ids=lint.name_of)
def test_good_code_passes(rule, tmp_path):
    tree = tree_of(tmp_path, {
        "base/error_codes.def": HEAD.format(name="error_codes.def") + 'ERROR_CODE(ERR_IO, "io", "x")\n',
        "migrations/plan.h": GOOD_HEADER,
        "migrations/plan.c": GOOD_SOURCE,
        "migrations/meson.build": "migrations_sources = files(\n  'plan.c',\n)\n",
        "tests/unit/test_plan.c": HEAD.format(name="test_plan.c"),
        "meson.build": "project('x')\n",
        ".clang-format": (ROOT / ".clang-format").read_text(),
    })
    try:
        assert findings(rule, tree) == []
    except lint.Skip as skip:
        pytest.skip(str(skip))


LONG_BODY = "void f(void)\n{\n" + "    g();\n" * 59 + "}\n"

# Rule, path, what stands there, and the line and words of the one finding.
BAD = [
    ("include-direction", "store/a.c", '#include "api/server.h"\n', 1, "store/ does not use api/"),
    ("include-direction", "api/a.c", '\n#include "store/db.h"\n', 2, "api/ does not use store/"),
    ("include-direction", "base/a.h", '#include "migrations/plan.h"\n', 1, "base/ does not use"),
    ("include-direction", "migrations/a.c", '#include "store/db.h"\n', 1, "migrations/ does not use"),
    ("include-direction", "cli/a.c", '#include "daemon/queue.h"\n', 1, "cli/ does not use daemon/"),
    ("include-direction", "cli/a.c", '#include "printer.h"\n', 1, 'included as "folder/file.h"'),
    ("external-headers", "engine/a.c", "#include <sqlite3.h>\n", 1, "belongs to store"),
    ("external-headers", "daemon/a.c", "#include <microhttpd.h>\n", 1, "belongs to api"),
    ("external-headers", "migrations/a.c", "#include <jansson.h>\n", 1, "belongs to api, cli"),
    ("external-headers", "cli/a.c", "#include <systemd/sd-daemon.h>\n", 1, "belongs to daemon"),
    ("external-headers", "api/a.c", "#include <curl/curl.h>\n", 1, "belongs to cli"),
    ("external-headers", "store/a.c", "#include <cmocka.h>\n", 1, "belongs to tests"),
    ("function-size", "store/a.c", LONG_BODY, 1, "f() has 61 lines"),
    ("file-size", "store/a.c", "\n" * 701, 701, "701 lines"),
    ("parameter-count", "store/a.h", "int f(int a, int b, int c, int d, int e, int g);\n", 1, "6"),
    ("parameter-count", "store/a.c",
     "int f(int a, int b,\n      int c, int d, int e, int (*g)(int, int), struct error *err)\n{\n}\n",
     1, "f() has 6 parameters"),
    ("width", "store/a.h", "/* " + "x" * 98 + " */\n", 1, "104 columns"),
    ("banned-calls", "store/a.c", "\n    strcpy(a, b);\n", 2, "strcpy() is banned"),
    ("banned-calls", "store/a.c", "    return atoi (text);\n", 1, "atoi() is banned"),
    ("banned-calls", "store/a.c", "    tm = localtime(&t);\n", 1, "localtime() is banned"),
    ("banned-calls", "store/a.c", "    p = malloc(1);\n", 1, "malloc() is banned"),
    ("banned-calls", "cli/main.c", "    exit(1);\n", 1, "exit() is banned"),
    ("banned-calls", "tests/store/a.c", "    sleep(1);\n", 1, "sleep() is banned"),
    ("no-goto", "store/a.c", "{\n    goto out;\n}\n", 2, "goto"),
    ("no-goto", "store/a.c", "    x = ({ 1; });\n", 1, "statement expression"),
    ("no-line-comments", "store/a.c", 'f("//"); // no\n', 1, "// comment"),
    ("no-leftovers", "docs/a.md", "first\nTO" "DO second\n", 2, "TO" "DO"),
    ("no-leftovers", "store/a.c", "/* FIX" "ME: later */\n", 1, "FIX" "ME"),
    ("no-workplace", "docs/a.md", "see /wor" "k/main/x\n", 1, "path of a workplace"),
    ("whitespace", "docs/a.md", "two \n", 1, "trailing space"),
    ("whitespace", "store/a.c", "\tint a;\n", 1, "tab"),
    ("whitespace", "store/a.c", "int a;", 1, "does not end with one line end"),
    ("whitespace", "store/a.c", "int a;\n\n", 3, "does not end with one line end"),
    ("no-output", "engine/a.c", '    fprintf(stderr, "x");\n', 1, "fprintf() below the programs"),
    ("no-output", "api/problem.c", '\n    puts("x");\n', 2, "puts() below the programs"),
    ("sql-parameters", "store/a.c", 'x = "DELETE FROM t WHERE a = ?1";\n', 1, "without name"),
    ("sql-parameters", "store/a.c", 'x =\n    "VALUES (?, :b)";\n', 2, "without name"),
    ("file-head", "store/a.c", "int a;\n", 1, 'does not begin with " * a.c - '),
    ("file-head", "store/a.c", "/*\n * b.c - copied.\n */\n", 1, 'does not begin with " * a.c - '),
    ("file-head", "tests/e2e/test_a.py", "import os\n", 1, "docstring"),
    ("pragma-once", "store/a.h", "#ifndef A_H\n#define A_H\n#endif\n", 1, "no #pragma once"),
    ("header-contract", "store/a.h", "/* One. */\nint f(int a);\n\nint g(int a);\n", 4, "g()"),
    ("header-contract", "store/a.h", "struct a *f(void)\n    format_printf(1, 2);\n", 1, "f()"),
    ("must-check", "store/a.h", "/* It. */\nbool f(int a, struct error *err);\n", 2, "f() is not"),
    ("sources-listed", "store/a.c", "", 1, "not listed in store/meson.build"),
    ("error-codes-used", "base/error_codes.def", 'ERROR_CODE(ERR_IO, "io", "x")\n', 1, "ERR_IO"),
    ("clang-format", "store/a.c", "int  a;\n", 1, "clang-format would change 1 lines"),
]


@pytest.mark.parametrize("name,path,text,line,words", BAD, ids=lambda value: str(value)[:24])
def test_bad_code_is_found_at_its_place(name, path, text, line, words, tmp_path):
    rule = next(rule for rule in lint.RULES if lint.name_of(rule) == name)
    tree = tree_of(tmp_path, {"store/meson.build": "store_sources = files(\n)\n", "meson.build": "",
                              path: text})
    try:
        found = findings(rule, tree)
    except lint.Skip as skip:
        pytest.skip(str(skip))
    assert len(found) == 1, found
    assert found[0].startswith(f"{path}:{line}: ") and words in found[0]


def test_own_header_comes_first(tmp_path):
    tree = tree_of(tmp_path, {"store/a.h": "", "store/a.c": '#include <stdio.h>\n#include "store/a.h"\n'})
    assert findings(lint.own_header_first, tree) == ['store/a.c:1: "store/a.h" is not the first include']


def test_sources_stand_in_alphabetical_order(tmp_path):
    tree = tree_of(tmp_path, {
        "store/meson.build": "store_sources = files(\n  'b.c',\n  'a.c',\n)\n", "meson.build": "",
        "store/a.c": "", "store/b.c": "",
    })
    assert findings(lint.sources_listed, tree) == ["store/meson.build:1: not sorted"]


def test_a_pure_module_has_a_unit_test(tmp_path):
    tree = tree_of(tmp_path, {
        "migrations/scan.h": "", "migrations/scan.c": '#include "migrations/token.h"\n',
        "migrations/token.h": "", "migrations/token.c": "", "migrations/words.h": "",
        "store/db.h": "", "store/db.c": '#include "migrations/scan.h"\n',
        "engine/run.c": '#include "migrations/words.h"\n#include "store/db.h"\n',
    })
    assert findings(lint.unit_mirror, tree) == [
        "migrations/scan.h:1: has no tests/unit/test_scan.c"]


def test_a_callback_has_the_shape_its_library_asks_for(tmp_path):
    tree = tree_of(tmp_path, {
        "store/a.c": "static int guard(void *ctx, int a, int b, int c, int d, int e, int f)\n{\n}\n"})
    assert findings(lint.parameter_count, tree) == []


def test_prototypes_of_a_group_share_its_contract(tmp_path):
    tree = tree_of(tmp_path, {"store/a.h": "/* All of them. */\nint f(int a);\nint g(int a,\n      int b);\n"
                                           "int h(void);\n\nint k(void); /* Of its own. */\n"})
    assert findings(lint.header_contract, tree) == []


def test_an_error_code_in_a_table_is_not_raised(tmp_path):
    tree = tree_of(tmp_path, {
        "base/error_codes.def": 'ERROR_CODE(ERR_A, "a", "a")\nERROR_CODE(ERR_B, "b", "b")\n',
        "api/problem.c": "[ERR_A] = 400, [ERR_B] = 400,\n",
        "store/db.c": "return error_set(err, ERR_A, \"ERR_B\");\n",
    })
    assert findings(lint.error_codes_used, tree) == [
        "base/error_codes.def:2: ERR_B is raised nowhere"]


def library(build, folder, source):
    """build/FOLDER/libFOLDER.a of one object file made from source."""
    if shutil.which("gcc") is None or shutil.which("ar") is None:
        pytest.skip("gcc and ar are not installed")
    (build / folder).mkdir(parents=True)
    (build / folder / "x.c").write_text(source)
    subprocess.run(["gcc", "-c", "x.c", "-o", "x.c.o"], cwd=build / folder, check=True)
    subprocess.run(["ar", "rc", f"lib{folder}.a", "x.c.o"], cwd=build / folder, check=True)


@pytest.mark.parametrize("folder,source,words", [
    ("store", "void json_decref(void); void f(void) { json_decref(); }", "must not know json_decref()"),
    ("store", "void MHD_stop(void); void f(void) { MHD_stop(); }", "must not know MHD_stop()"),
    ("api", "void sqlite3_open(void); void f(void) { sqlite3_open(); }", "know sqlite3_open()"),
    ("engine", "void sqlite3_open(void); void f(void) { sqlite3_open(); }", "know sqlite3_open()"),
    ("cli", "void sd_notify(void); void f(void) { sd_notify(); }", "must not know sd_notify()"),
    ("migrations", "long time(long *); long f(void) { return time(0); }", "pure, but needs time()"),
    ("migrations", "int open(const char *, int); int f(void) { return open(\"\", 0); }", "open()"),
    ("migrations", "void *fopen(void); void *f(void) { return fopen(); }", "pure, but needs fopen()"),
])
def test_a_symbol_of_another_layer_is_found(folder, source, words, tmp_path):
    library(tmp_path / "build", folder, source)
    found = findings(lint.symbols, tree_of(tmp_path, {}, tmp_path / "build"))
    assert len(found) == 1 and words in found[0] and found[0].startswith(f"{folder}/x.c:1: ")


def test_a_call_upwards_without_include_is_found(tmp_path):
    library(tmp_path / "build", "store", "void store_f(void) {}")
    library(tmp_path / "build", "api", "void store_f(void); void api_f(void) { store_f(); }")
    found = findings(lint.symbols, tree_of(tmp_path, {}, tmp_path / "build"))
    assert found == ["api/x.c:1: api/ does not use store/: store_f()"]


def test_a_private_function_of_the_same_name_is_no_call(tmp_path):
    library(tmp_path / "build", "store", "void list(void) {}")
    library(tmp_path / "build", "engine", "void list(void); void engine_f(void) { list(); }")
    library(tmp_path / "build", "daemon", "static void list(void) {} void f(void) { list(); }")
    assert findings(lint.symbols, tree_of(tmp_path, {}, tmp_path / "build")) == []


def test_symbols_are_skipped_with_a_reason_without_a_build(tmp_path):
    with pytest.raises(lint.Skip, match="no build directory"):
        list(lint.symbols(tree_of(tmp_path, {})))


def run_lint(root, *options):
    return subprocess.run([sys.executable, lint.__file__, "--root", str(root), *options],
                          capture_output=True, text=True, check=False)


def test_the_program_prints_findings_and_fails(tmp_path):
    tree_of(tmp_path, {"store/a.c": "    goto out;\n"})
    run = run_lint(tmp_path, "no-goto")
    assert run.returncode == 1
    assert run.stdout == "store/a.c:1: no-goto: goto\n1 findings, 1 rules, 0 skipped, 1 files\n"


def test_the_program_speaks_tap(tmp_path):
    tree_of(tmp_path, {"store/a.c": "    goto out;\n"})
    run = run_lint(tmp_path, "--tap", "no-goto", "symbols", "pragma-once")
    assert run.stdout.splitlines() == [
        "1..3",
        "not ok 1 - no-goto",
        "# store/a.c:1: no-goto: goto",
        "ok 2 - symbols # SKIP no build directory was given",
        "ok 3 - pragma-once",
        "# 1 findings, 3 rules, 1 skipped, 1 files",
    ]


def test_an_unknown_rule_is_refused(tmp_path):
    run = run_lint(tmp_path, "no-such-rule")
    assert run.returncode == 2 and "no-such-rule" in run.stderr
