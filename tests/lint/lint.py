"""The house rules that a compiler does not know, each one a function below.

    lint.py [--root DIR] [--build DIR] [--tap] [RULE...]

A rule gets the tree and yields findings, printed as `path:line: rule: message`. What a rule needs
and this machine lacks is a reason to skip the rule, and is said. Exit status 1 when anything was
found. test_lint.py shows every rule catching something.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ctext  # noqa: E402

# Who may use whom: the left one includes and links to the right ones.
USES = {
    "base": {"base"},
    "migrations": {"base", "migrations"},
    "store": {"base", "migrations", "store"},
    "engine": {"base", "migrations", "store", "engine"},
    "api": {"base", "migrations", "api"},
    "daemon": {"base", "migrations", "engine", "api", "daemon"},
    "cli": {"base", "migrations", "engine", "api", "cli"},
}

# External library: its headers, its symbols, and the folders that may know it.
LIBRARIES = [
    (r"sqlite3(ext)?\.h", r"sqlite3_", {"store"}),
    (r"microhttpd\.h", r"MHD_", {"api"}),
    (r"jansson\.h", r"json(_|p_)", {"api", "cli"}),
    (r"curl/.*", r"curl_", {"cli"}),
    (r"systemd/.*", r"sd_", {"daemon"}),
    (r"ini\.h", r"ini_parse", {"daemon"}),
    (r"gnutls/.*", r"gnutls_", {"base"}),
    (r"cmocka\.h", r"_?(cmocka|assert_true|mock)_", set()),
]

# What pure code cannot ask for: files, clocks, the environment, processes, threads.
IMPURE_SYMBOLS = re.compile(
    r"(__)?(open(at)?(64)?(_2)?|f?open(64)?|fdopen|read(_chk)?|write|fread|fwrite|fputs|fprintf(_chk)?"
    r"|printf(_chk)?|puts|perror|[fl]?stat(64)?|access|unlink|rename|mkdir|opendir(64)?|time|clock"
    r"|clock_gettime|gettimeofday|localtime(_r)?|gmtime(_r)?|getenv|setlocale|socket|connect|fork"
    r"|execv[pe]*|system|getpid|getuid|random|rand|getrandom|pthread_\w+|malloc|calloc|realloc|free)"
)

BANNED_EVERYWHERE = """
    alloca asctime asctime_r atof atoi atol atoll ctime ctime_r drand48 gets gmtime localtime lrand48
    mktemp rand random scanf sleep sprintf srand srandom sscanf strcat strcpy strerror strncat
    strncpy strtod strtok strtol strtoll strtoul strtoull system tempnam tmpnam usleep vsprintf
""".split()

# In the programs only. Memory: base/oom.h or an arena. Ending: main() returns.
BANNED_IN_PROGRAMS = """
    asprintf calloc exit longjmp malloc nanosleep popen quick_exit realloc setjmp strdup strndup
    vasprintf
""".split()

LIMITS = {"function lines": 60, "file lines": 700, "parameters before err": 5, "columns": 100}

LEFTOVERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
WORKPLACE = re.compile(r"/wor" r"k/(main|shared)|/tm" r"p/b/|/tm" r"p/bash_jobs|/roo" r"t/\.\w")

NOT_OURS = re.compile(r"(^|/)(\.git|\.ci/cache|build[^/]*|quickstart-data[^/]*|__pycache__|\.pytest_cache)(/|$)")
BINARY_DATA = re.compile(r"(^|/)data/")


class Finding:
    def __init__(self, path, line, message):
        self.path, self.line, self.message = path, line, message


class Skip(Exception):
    """Why a rule cannot be asked here."""


class Tree:
    """The files below root, read once. Paths are relative, with slashes."""

    def __init__(self, root, build=None):
        self.root = Path(root)
        self.build = Path(build) if build else None
        self.cache = {}
        self.paths = sorted(
            relative
            for path in self.root.rglob("*")
            if path.is_file() and not NOT_OURS.search(relative := path.relative_to(self.root).as_posix())
        )

    def text(self, path):
        if path not in self.cache:
            self.cache[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self.cache[path]

    def c_files(self, *suffixes, tests=True):
        """C sources and headers of the layers, and of the tests if asked."""
        for path in self.paths:
            if path.endswith(suffixes or (".c", ".h")) and not BINARY_DATA.search(path):
                if folder_of(path) in USES or (tests and folder_of(path) == "tests"):
                    yield path

    def texts(self):
        """Everything people read: no test data, nothing binary."""
        for path in self.paths:
            if not BINARY_DATA.search(path) and "\0" not in self.text(path):
                yield path


def folder_of(path):
    return path.split("/", 1)[0] if "/" in path else ""


def line_of(text, at):
    return text.count("\n", 0, at) + 1


# ---- Layers ----


def include_direction(tree):
    """A folder includes only what stands left of it."""
    for path in tree.c_files(tests=False):
        folder = folder_of(path)
        for line, name in ctext.includes(tree.text(path)):
            if name[0] == "<" or name == '"config.h"':
                continue
            other = folder_of(name.strip('"'))
            if other not in USES:
                yield Finding(path, line, f"{name}: ours is included as \"folder/file.h\"")
            elif other not in USES[folder]:
                yield Finding(path, line, f"{folder}/ does not use {other}/: {name}")


def external_headers(tree):
    """A library's header is included only in the folder that wraps the library."""
    for path in tree.c_files(tests=False):
        for line, name in ctext.includes(tree.text(path)):
            for header, _, folders in LIBRARIES:
                if re.fullmatch(f'[<"]{header}[>"]', name) and folder_of(path) not in folders:
                    where = ", ".join(sorted(folders)) or "tests"
                    yield Finding(path, line, f"{name} belongs to {where}")


def own_header_first(tree):
    """a.c includes folder/a.h before anything else, so that a.h needs nothing but itself."""
    for path in tree.c_files(".c", tests=False):
        header = path[:-2] + ".h"
        found = list(ctext.includes(tree.text(path)))
        if header in tree.paths and (not found or found[0][1] != f'"{header}"'):
            yield Finding(path, found[0][0] if found else 1, f'"{header}" is not the first include')


def nm(library, flag):
    """(symbol, object file) of what `library` defines or lacks."""
    out = subprocess.run(
        ["nm", "-A", "--extern-only", flag, str(library)], capture_output=True, text=True, check=True
    ).stdout
    for entry in out.splitlines():
        yield entry.split()[-1], re.sub(r"^.*[:/]([^:/]*\.o):.*$", r"\1", entry)


def libraries_of(tree):
    if shutil.which("nm") is None:
        raise Skip("nm is not installed")
    if tree.build is None:
        raise Skip("no build directory was given")
    found = {}
    for folder in USES:
        for library in tree.build.glob(f"{folder}/lib{folder}.a"):
            found[folder] = library
    if not found:
        raise Skip(f"no library was built in {tree.build}")
    return found


def source_of(folder, member):
    return f"{folder}/{re.sub(r'(.c)?.o$', '', member)}.c"


def symbols(tree):
    """The libraries do what the includes say, hand-written prototypes included."""
    libraries = libraries_of(tree)
    defined = {
        symbol: folder for folder, lib in libraries.items() for symbol, _ in nm(lib, "--defined-only")
    }
    for folder, library in libraries.items():
        for symbol, member in nm(library, "--undefined-only"):
            path = source_of(folder, member)
            other = defined.get(symbol, folder)
            if other not in USES[folder]:
                yield Finding(path, 1, f"{folder}/ does not use {other}/: {symbol}()")
            for _, pattern, folders in LIBRARIES:
                if re.match(pattern, symbol) and symbol not in defined and folder not in folders:
                    yield Finding(path, 1, f"{folder}/ must not know {symbol}()")
            if folder == "migrations" and IMPURE_SYMBOLS.fullmatch(symbol):
                yield Finding(path, 1, f"migrations/ is pure, but needs {symbol}()")


def sources_listed(tree):
    """Every source is in its folder's meson.build, in alphabetical order."""
    for folder in USES:
        if f"{folder}/meson.build" not in tree.paths:
            continue
        text = tree.text(f"{folder}/meson.build") + tree.text("meson.build")
        for path in tree.c_files(".c", tests=False):
            name = path.split("/")[-1]
            if folder_of(path) == folder and f"'{name}'" not in text and f"'{path}'" not in text:
                yield Finding(path, 1, f"not listed in {folder}/meson.build")
        for block in re.finditer(r"_sources = files\((.*?)\)", text, re.S):
            names = re.findall(r"'([^']+)'", block.group(1))
            if names != sorted(names):
                yield Finding(f"{folder}/meson.build", line_of(text, block.start()), "not sorted")


# ---- Sizes ----


def function_size(tree):
    """At most 60 lines from brace to brace."""
    for path in tree.c_files():
        for f in ctext.functions(tree.text(path)):
            lines = f.body_to - f.body_from + 1
            if lines > LIMITS["function lines"]:
                yield Finding(path, f.line, f"{f.name}() has {lines} lines, at most "
                                            f"{LIMITS['function lines']} are allowed")


def file_size(tree):
    """At most 700 lines."""
    for path in tree.c_files():
        lines = tree.text(path).count("\n")
        if lines > LIMITS["file lines"]:
            yield Finding(path, lines, f"{lines} lines, at most {LIMITS['file lines']} are allowed")


def parameter_count(tree):
    """At most 5 before err. A callback, whose first is void *, has the shape its library asks for."""
    for path in tree.c_files():
        text = tree.text(path)
        for f in [*ctext.functions(text), *ctext.prototypes(text)]:
            names = [p for p in ctext.parameters(f.declaration) if p != "..."]
            if names and re.fullmatch(r"struct error \*\w+", names[-1]):
                names.pop()
            if len(names) > LIMITS["parameters before err"] and not names[0].startswith("void *"):
                yield Finding(path, f.line, f"{f.name}() has {len(names)} parameters")


def width(tree):
    """100 columns. clang-format leaves comments and literals alone, so this looks too."""
    for path in tree.c_files(".c", ".h", ".def"):
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            if len(line) > LIMITS["columns"]:
                yield Finding(path, number, f"{len(line)} columns")


# ---- What is not written ----


def banned_calls(tree):
    """Functions that overflow, block, end the process, or are not safe on threads."""
    for path in tree.c_files():
        banned = set(BANNED_EVERYWHERE)
        if folder_of(path) != "tests" and path != "base/oom.c":
            banned |= set(BANNED_IN_PROGRAMS)
        code = ctext.code_only(tree.text(path))
        for m in re.finditer(r"(?<![\w.>])([a-z_0-9]+)\s*\(", code):
            if m.group(1) in banned:
                yield Finding(path, line_of(code, m.start()), f"{m.group(1)}() is banned")


def no_goto(tree):
    """Cleanup attributes and small functions do what goto did."""
    for path in tree.c_files():
        code = ctext.code_only(tree.text(path))
        for m in re.finditer(r"\bgoto\b|\(\{", code):
            what = "goto" if m.group() == "goto" else "statement expression"
            yield Finding(path, line_of(code, m.start()), what)


def no_line_comments(tree):
    """Comments are /* sentences */."""
    for path in tree.c_files():
        for line, comment in ctext.comments(tree.text(path)):
            if comment.startswith("//"):
                yield Finding(path, line, "// comment")


def no_leftovers(tree):
    """What is left to do stands in the tracker."""
    for path in tree.texts():
        for m in LEFTOVERS.finditer(tree.text(path)):
            yield Finding(path, line_of(tree.text(path), m.start()), m.group())


def no_workplace(tree):
    """The tree does not know on which machine it was written."""
    for path in tree.texts():
        for m in WORKPLACE.finditer(tree.text(path)):
            yield Finding(path, line_of(tree.text(path), m.start()), f"path of a workplace: {m.group()}")


def whitespace(tree):
    """No tabs, no trailing space, one line end at the end."""
    for path in tree.texts():
        text = tree.text(path)
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield Finding(path, line_of(text, len(text)), "does not end with one line end")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() or "\t" in line:
                yield Finding(path, number, "tab or trailing space")


def no_output(tree):
    """Below the programs an error is returned, not printed; api/server.c logs."""
    for path in tree.c_files(tests=False):
        if folder_of(path) in ("daemon", "cli") or path == "api/server.c":
            continue
        code = ctext.code_only(tree.text(path))
        for m in re.finditer(r"(?<![\w.>])(v?f?printf|perror|v?syslog|f?puts|putchar)\s*\(", code):
            yield Finding(path, line_of(code, m.start()), f"{m.group(1)}() below the programs")


def sql_parameters(tree):
    """Parameters of our own SQL have names."""
    for path in tree.c_files(".c", tests=False):
        text = ctext.without_comments(tree.text(path))
        for m in re.finditer(r'"(?:\\.|[^"\\\n])*"', text if folder_of(path) == "store" else ""):
            if re.search(r"(= |\(|, )\?\d*( |,|\)|;|\"|\\|$)", m.group()):
                yield Finding(path, line_of(text, m.start()), f"parameter without name: {m.group()}")


# ---- What is written ----


def file_head(tree):
    """A file says first what it is: ` * name - what`, or a docstring."""
    for path in tree.paths:
        name = path.split("/")[-1]
        text = tree.text(path) if path.endswith((".c", ".h", ".def", ".py")) else ""
        if BINARY_DATA.search(path) or not text:
            continue
        if path.endswith(".py"):
            if not re.match(r'(#!.*\n)?"""\S', text):
                yield Finding(path, 1, "does not begin with a docstring")
        elif not re.match(rf"/\*\n \* {re.escape(name)} - \S", text):
            yield Finding(path, 1, f'does not begin with " * {name} - what it is"')


def pragma_once(tree):
    """Every header, once."""
    for path in tree.c_files(".h"):
        if "\n#pragma once\n" not in tree.text(path):
            yield Finding(path, 1, "has no #pragma once")


def header_contract(tree):
    """A prototype outside base/ stands below its contract, or in a group that does."""
    for path in tree.c_files(".h", tests=False):
        if folder_of(path) == "base":
            continue
        text = tree.text(path)
        lines = text.split("\n")
        covered = {line + comment.count("\n") for line, comment in ctext.comments(text)}
        for f in ctext.prototypes(text):
            last = f.line + f.declaration.count("\n")
            if f.line - 1 in covered or last in covered and "/*" in lines[last - 1]:
                covered.add(last)
            else:
                yield Finding(path, f.line, f"{f.name}() has no contract")


def must_check(tree):
    """What can fail with an error is must_check, in its header."""
    for path in tree.c_files(".h", tests=False):
        for f in ctext.prototypes(tree.text(path)):
            fails = ctext.parameters(f.declaration)[-1:] == ["struct error *err"]
            returns_bool = re.match(r"(extern )?bool\b", f.declaration)
            if fails and returns_bool:
                yield Finding(path, f.line, f"{f.name}() is not must_check")


def error_codes_used(tree):
    """A code nobody raises is a promise nobody keeps."""
    definitions = "base/error_codes.def"
    tables = {"api/problem.c", "cli/exit_codes.c"}
    if definitions not in tree.paths:
        raise Skip(f"there is no {definitions}")
    code = "\n".join(
        ctext.code_only(tree.text(p)) for p in tree.c_files(".c", tests=False) if p not in tables
    )
    for m in re.finditer(r"^ERROR_CODE\((\w+)", tree.text(definitions), re.M):
        if not re.search(rf"\b{m.group(1)}\b", code):
            line = line_of(tree.text(definitions), m.start())
            yield Finding(definitions, line, f"{m.group(1)} is raised nowhere")


def unit_mirror(tree):
    """Every pure module that others use has its test: migrations/x.h, tests/unit/test_x.c."""
    used = {
        (name.strip('"'), folder_of(path))
        for path in tree.c_files(tests=False)
        for _, name in ctext.includes(tree.text(path))
    }
    for path in tree.c_files(".h", tests=False):
        folder, name = path.split("/", 1)
        is_module = path[:-2] + ".c" in tree.paths
        is_used = any((path, other) in used for other in USES if other != folder)
        if folder in ("base", "migrations") and is_module and is_used:
            if f"tests/unit/test_{name[:-2]}.c" not in tree.paths:
                yield Finding(path, 1, f"has no tests/unit/test_{name[:-2]}.c")


def clang_format(tree):
    """.clang-format is the law."""
    if shutil.which("clang-format") is None:
        raise Skip("clang-format is not installed")
    paths = list(tree.c_files())
    if not paths:
        return
    out = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", *paths],
        cwd=tree.root, capture_output=True, text=True, check=False,
    ).stderr
    found = {}
    for m in re.finditer(r"^(\S+?):(\d+):\d+: error:", out, re.M):
        found.setdefault(m.group(1), []).append(int(m.group(2)))
    for path, lines in found.items():
        yield Finding(path, lines[0], f"clang-format would change {len(set(lines))} lines")


RULES = [
    include_direction,
    external_headers,
    own_header_first,
    symbols,
    sources_listed,
    function_size,
    file_size,
    parameter_count,
    width,
    banned_calls,
    no_goto,
    no_line_comments,
    no_leftovers,
    no_workplace,
    whitespace,
    no_output,
    sql_parameters,
    file_head,
    pragma_once,
    header_contract,
    must_check,
    error_codes_used,
    unit_mirror,
    clang_format,
]


def name_of(rule):
    return rule.__name__.replace("_", "-")


def main():
    parser = argparse.ArgumentParser(description="look for breaches of the house rules")
    parser.add_argument("--root", default=Path(__file__).resolve().parents[2], type=Path)
    parser.add_argument("--build", type=Path, help="build directory whose libraries are looked at")
    parser.add_argument("--tap", action="store_true", help="one TAP line a rule")
    parser.add_argument("rules", nargs="*", metavar="RULE", help="default: all")
    options = parser.parse_args()
    known = {name_of(rule): rule for rule in RULES}
    if unknown := set(options.rules) - set(known):
        parser.error(f"unknown rule {sorted(unknown)}; known are {', '.join(known)}")
    chosen = [known[name] for name in options.rules] or RULES
    return report(Tree(options.root, options.build), chosen, options.tap)


def report(tree, rules, tap):
    total = skipped = 0
    if tap:
        print(f"1..{len(rules)}")
    for number, rule in enumerate(rules, 1):
        name = name_of(rule)
        reason = ""
        findings = []
        try:
            findings = sorted(rule(tree), key=lambda f: (f.path, f.line))
        except Skip as skip:
            skipped += 1
            reason = f" # SKIP {skip}"
        if tap:
            print(f"{'not ok' if findings else 'ok'} {number} - {name}{reason}")
        elif reason:
            print(f"{name}: skipped, {reason[8:]}")
        for f in findings:
            print(f"{'# ' if tap else ''}{f.path}:{f.line}: {name}: {f.message}")
        total += len(findings)
    print(f"{'# ' if tap else ''}{total} findings, {len(rules)} rules, {skipped} skipped, "
          f"{len(tree.paths)} files")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
