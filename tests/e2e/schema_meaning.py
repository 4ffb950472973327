"""What a schema means, as a value: two schemas that mean the same give the same, whatever their texts are.

Asked of SQLite's pragmas, and of the tokens of the SQL where they are silent.
"""

import re
import sqlite3

TOKEN = re.compile(r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\w+|.""",
                   re.DOTALL)


def tokens(sql):
    """Without white space, comments, quotes around plain names, and case."""
    found = []
    for token in TOKEN.findall(sql or ""):
        if token.isspace() or token.startswith(("--", "/*")):
            continue
        if token[0] in "\"`[" and re.fullmatch(r"\w+", token[1:-1]):
            token = token[1:-1]
        found.append(token if token[0] == "'" else token.lower())
    return found


def bracketed(words, start):
    """The words from the bracket at `start` to its end."""
    depth = 0
    for end in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[end], 0)
        if depth == 0:
            return tuple(words[start:end + 1])
    return tuple(words[start:])


def written_only(sql):
    """What no PRAGMA tells of a table: checks, collations, generated columns, and its options."""
    words = tokens(sql)
    opening = words.index("(") if "(" in words else len(words)
    options = words[opening + len(bracketed(words, opening)):]
    found = [("check", bracketed(words, at + 1)) for at, word in enumerate(words) if word == "check"]
    found += [("collate", words[at + 1]) for at, word in enumerate(words) if word == "collate"]
    found += [("as", bracketed(words, at + 1)) for at, word in enumerate(words[:-1])
              if at > opening and word == "as" and words[at + 1] == "("]
    found += [("word", word) for word in words if word in ("autoincrement", "deferrable")]
    return sorted(found), sorted(options)


def pragma(connection, name, of):
    quoted = of.replace("'", "''")
    return connection.execute(f"SELECT * FROM pragma_{name}('{quoted}')").fetchall()


def plain_default(value):
    return None if value is None else tuple(tokens(value))


def index_meaning(connection, index):
    _, name, unique, origin, partial = index
    columns = [(row[2], row[3], row[4], row[5]) for row in pragma(connection, "index_xinfo", name)]
    sql = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?", (name,)).fetchone()
    text = tuple(tokens(sql[0])) if sql and sql[0] else ()
    expressions = text[text.index("on"):] if text else ()  # no PRAGMA tells them, nor a partial index's WHERE
    return ("" if origin != "c" else name.lower(), unique, origin, partial, tuple(map(repr, columns)), expressions)


def table_meaning(connection, name, sql):
    columns = [(row[0], row[1], row[2].upper(), row[3], plain_default(row[4]), row[5], row[6])
               for row in pragma(connection, "table_xinfo", name)]
    keys = {}
    for key, position, table, source, target, *actions in pragma(connection, "foreign_key_list", name):
        keys.setdefault(key, []).append((position, table.lower(), source, target, tuple(actions)))
    indexes = [index_meaning(connection, row) for row in pragma(connection, "index_list", name)]
    return columns, sorted(map(repr, keys.values())), sorted(map(repr, indexes)), written_only(sql)


def schema_rows(connection):
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema"
        " WHERE tbl_name NOT IN ('alembic_version', 'sqlite_sequence') ORDER BY type, name").fetchall()


def meaning(connection):
    """Two schemas that mean the same give the same, whatever their texts are."""
    found = {}
    for kind, name, table, sql in schema_rows(connection):
        if kind == "table":
            found[kind, name.lower()] = table_meaning(connection, name, sql)
        elif kind in ("view", "trigger"):
            found[kind, name.lower()] = (table.lower(), tokens(sql))
    return found


def assert_same_schema(connection, expected, where):
    """Equal texts mean the same, and are much faster compared."""
    if schema_rows(connection) == schema_rows(expected):
        return
    ours, theirs = meaning(connection), meaning(expected)
    for key in sorted({*ours, *theirs}):
        assert ours.get(key) == theirs.get(key), f"{where}: {key}"


def schema_of(rows):
    """A database with a recorded schema: tables before what stands on them."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for kind in ("table", "view", "index", "trigger"):
        for row in rows:
            if row[0] == kind and row[3] and not row[1].startswith("sqlite_"):
                connection.execute(row[3])
    return connection
