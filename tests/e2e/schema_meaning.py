"""What a schema means, as a value that can be compared: white space, quoting, case of keywords, order and names of unnamed
constraints carry no meaning; everything else does. Asked of SQLite's pragmas, and of the tokens of the SQL where they are silent."""

import re

TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|\s+|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[A-Za-z_0-9.$\x80-\U0010ffff]+|.""",
    re.S,
)


def tokens(sql):
    """Tokens without white space and comments; names without quotes and case."""
    found = []
    for token in TOKEN.findall(sql or ""):
        if token.isspace() or token.startswith(("--", "/*")):
            continue
        if token[0] in '"`[':
            token = token[1:-1]
        found.append(token if token[0] == "'" else token.lower())
    return found


def closing_parenthesis(words, start):
    depth = 0
    for at in range(start, len(words)):
        depth += (words[at] == "(") - (words[at] == ")")
        if depth == 0:
            return at
    return len(words)


def checks(sql):
    """The CHECK constraints of a table, as a sorted list of token lists."""
    words = tokens(sql)
    return sorted(
        words[at + 1 : closing_parenthesis(words, at + 1)]
        for at, word in enumerate(words[:-1]) if word == "check" and words[at + 1] == "("
    )


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def columns(connection, table):
    return [
        (name.lower(), " ".join(kind.upper().split()).replace(" (", "("), notnull, tokens(default), primary, hidden)
        for _, name, kind, notnull, default, primary, hidden in connection.execute(f"PRAGMA table_xinfo({quoted(table)})")
    ]


def foreign_keys(connection, table):
    keys = {}
    for number, _, parent, child, target, *actions in connection.execute(f"PRAGMA foreign_key_list({quoted(table)})"):
        key = keys.setdefault(number, (parent.lower(), tuple(actions), []))
        key[2].append((child.lower(), target and target.lower()))
    return sorted((parent, actions, sorted(pairs, key=str)) for parent, actions, pairs in keys.values())


def index_columns(connection, index):
    return [
        (name and name.lower(), descending, collation)
        for _, _, name, descending, collation, is_key in connection.execute(f"PRAGMA index_xinfo({quoted(index)})") if is_key
    ]


def constraints(connection, table):
    """UNIQUE and PRIMARY KEY, which have no index of their own making."""
    return sorted(
        ((origin, unique, index_columns(connection, name))
         for _, name, unique, origin, _ in connection.execute(f"PRAGMA index_list({quoted(table)})") if origin != "c"),
        key=str)


def options(sql):
    words = tokens(sql)
    end = closing_parenthesis(words, words.index("(")) if "(" in words else len(words)
    return sorted(words[end + 1 :]), "autoincrement" in words


def collations(sql):
    words = tokens(sql)
    return sorted(words[at + 1] for at, word in enumerate(words[:-1]) if word == "collate")


def table_meaning(connection, name, sql):
    if tokens(sql)[:2] == ["create", "virtual"]:
        return tokens(sql)
    return {
        "columns": columns(connection, name), "foreign keys": foreign_keys(connection, name),
        "constraints": constraints(connection, name), "checks": checks(sql), "options": options(sql),
        "collations": collations(sql),
    }


def index_meaning(connection, name, table, sql):
    words = tokens(sql)
    is_plain = "where" not in words and all(column[0] for column in index_columns(connection, name))
    return (table.lower(), words[1] == "unique", index_columns(connection, name), None if is_plain else words[words.index("on"):])


def meaning(connection):
    """{(type, name): what it means} of everything but version tables (some projects name theirs) and SQLite's own."""
    schema = {}
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    for kind, name, table, sql in rows:
        if name.lower().startswith(("alembic_version", "sqlite_")):
            continue
        if kind == "table":
            schema[kind, name.lower()] = table_meaning(connection, name, sql)
        elif kind == "index":
            schema[kind, name.lower()] = index_meaning(connection, name, table, sql)
        else:
            schema[kind, name.lower()] = tokens(sql)
    return schema
