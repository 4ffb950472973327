"""C as text: what the lint needs to know of a file, without a compiler.

The house style makes this easy: a function's braces stand alone in column 0, and nothing else's do.
"""

import re
from dataclasses import dataclass

LITERAL_OR_COMMENT = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.X | re.S
)


@dataclass
class Function:
    """A definition or a prototype. `line` is the first of its declaration, 1-based."""

    name: str
    declaration: str
    line: int
    body_from: int = 0  # line of the opening brace
    body_to: int = 0  # line of the closing brace


def blank(text):
    """Spaces for everything but line ends, so that places stay."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return LITERAL_OR_COMMENT.sub(
        lambda m: blank(m.group()) if m.group()[0] == "/" else m.group(), text
    )


def code_only(text):
    """Without comments and without what stands between quotes."""

    def bare(m):
        found = m.group()
        return blank(found) if found[0] == "/" else found[0] + blank(found[1:-1]) + found[-1]

    return LITERAL_OR_COMMENT.sub(bare, text)


def comments(text):
    """(line, text) of every comment, // ones included."""
    for m in LITERAL_OR_COMMENT.finditer(text):
        if m.group()[0] == "/":
            yield text.count("\n", 0, m.start()) + 1, m.group()


def without_directives(code):
    """Blank preprocessor lines with their continuations."""
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: blank(m.group()), code, flags=re.M)


def includes(text):
    """(line, how it is written: '<a.h>' or '"a/b.h"') of every #include."""
    for m in re.finditer(r"^[ \t]*#[ \t]*include[ \t]+([<\"][^>\"]*[>\"])", text, re.M):
        yield text.count("\n", 0, m.start()) + 1, m.group(1)


ATTRIBUTES = re.compile(r"\b(?:__attribute__|format_printf|cleanup|noreturn)\b")


def declared_name(declaration):
    """The identifier before the first parameter list that is not an attribute's."""
    plain = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", declaration, flags=re.S)
    plain = re.sub(r"\bformat_printf\s*\([^)]*\)", " ", plain)
    m = re.search(r"\b([A-Za-z_]\w*)\s*\(", plain)
    return (m.group(1), plain[m.end() - 1 :]) if m else (None, "")


def functions(text):
    """Every function definition of a .c file (or of a static inline in a header)."""
    lines = without_directives(code_only(text)).split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            first = number - 1
            while first > 1 and lines[first - 2].strip() and not re.search(r"[;}]\s*$", lines[first - 2]):
                first -= 1
            start = (first, number)
        elif line.startswith("}") and start is not None:
            declaration = "\n".join(lines[start[0] - 1 : start[1] - 1])
            name, _ = declared_name(declaration)
            if name is not None:
                yield Function(name, declaration, start[0], start[1], number)
            start = None


def prototypes(text):
    """Every function prototype at file level."""
    code = without_directives(code_only(text))
    depth = 0
    begin = 0
    for at, c in enumerate(code):
        if c in "{(":
            depth += 1
        elif c in "})":
            depth -= 1
            if c == "}" and depth == 0 and code[at + 1 : at + 2] == "\n":
                begin = at + 1
        elif c == ";" and depth == 0:
            declaration = code[begin:at]
            if is_prototype(declaration):
                skipped = len(declaration) - len(declaration.lstrip())
                line = code.count("\n", 0, begin + skipped) + 1
                yield Function(declared_name(declaration)[0], declaration.strip(), line)
            begin = at + 1


def is_prototype(declaration):
    plain = declaration.strip()
    if re.match(r"(typedef|static_assert|_Static_assert|return)\b", plain) or "=" in plain:
        return False
    if "{" in plain or re.search(r"\(\s*\*\s*\w*\s*\)\s*\(", plain.split("(", 1)[0] + "("):
        return False
    name, rest = declared_name(plain)
    before = plain.split(name, 1)[0] if name else ""
    return name is not None and before.strip() != "" and rest.startswith("(")


def parameters(declaration):
    """The parameters as written, [] for (void)."""
    _, rest = declared_name(declaration)
    depth = 0
    current = ""
    found = []
    for c in rest:
        if c == "(":
            depth += 1
            if depth == 1:
                continue
        elif c == ")":
            depth -= 1
            if depth == 0:
                break
        if c == "," and depth == 1:
            found.append(" ".join(current.split()))
            current = ""
        else:
            current += c
    found.append(" ".join(current.split()))
    return [] if found in ([""], ["void"]) else found
