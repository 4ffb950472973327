"""Recorded sessions of Alembic 1.8.1, played again by schemadctl: what was printed, whether it succeeded, the rows after it.

The recordings are not part of this tree; without them the test is skipped. Where we are meant to differ stands in
`DIFFERENT`, by the words of docs/ALEMBIC.md.
"""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conftest import ROOT, program

twins = pytest.importorskip("alembic_twins")

RECORDS = Path(os.environ.get("SCHEMAD_SHARED", ROOT / "../shared")) / "alembic/transcripts-1.8.1.txt"
DATE = "2024-01-01 00:00:00.000000"
READING = ("current", "heads", "history", "branches", "show")

LINE = [("aaaa1111", [], [], [], "first"), ("bbbb2222", ["aaaa1111"], [], [], "second"),
        ("cccc3333", ["bbbb2222"], [], [], "third"), ("abab4444", ["cccc3333"], [], [], "fourth")]
FORK = [("aaaa1111", [], [], [], "root"),
        ("bbbb1111", ["aaaa1111"], [], ["left"], "left one"), ("bbbb2222", ["bbbb1111"], [], [], "left two"),
        ("cccc1111", ["aaaa1111"], [], ["right"], "right one"), ("cccc2222", ["cccc1111"], [], [], "right two")]
NEEDS = [("nnnn1111", [], [], ["net"], "net one"), ("nnnn2222", ["nnnn1111"], [], [], "net two"),
         ("nnnn3333", ["nnnn2222"], [], [], "net three"), ("pppp1111", [], [], ["app"], "app one"),
         ("pppp2222", ["pppp1111"], ["nnnn2222"], [], "app two"), ("pppp3333", ["pppp2222"], [], [], "app three")]
HEADS = [("nnnn1111", [], [], ["net"], "net one"), ("pppp1111", [], ["net"], ["app"], "app one"),
         ("qqqq1111", [], ["nnnn1111", "pppp1111"], [], "q one")]

# Where a session begins and ends, and its history.
SESSIONS = {
    "history and targets on a line": ("##### history relative", "################ s3.sh", LINE),
    "stamps": ("##### stamp", "##### unknown rev in db", LINE),
    "two heads": ("##### two heads", "$ alembic revision -m x", FORK),
    "dependencies": ("##### depends_on", "### dep on head", NEEDS),
    "heads that are needed": ("### dep on head", "$ alembic revision --head base", HEADS),
}

DIFFERENT = {
    "history -r-1:current": "-N as the lower end of a range",
    "history -r-2:current": "-N as the lower end of a range",
    "history -r bbbb+1:head": "+N and -N at either end of a range",
    "history -r current:current": "current:current",
    "upgrade aaaa+1x": "a target is understood whole or not at all",
    "stamp --purge nope": "targets are known before rows are purged",
    "stamp head aaaa": "stamp of revisions that need each other",
    "stamp --purge aaaa bbbb": "stamp of revisions that need each other",
    "downgrade -1": "-N from several rows",
    "stamp aaaa1111 cccc2222": "stamp of revisions that need each other",
}
# The recorder went to base without a word, before one of these at least.
FROM_BASE = ("upgrade base", "upgrade +2", "upgrade app@+2", "upgrade app@head")


def read_session(begin, end):
    """[(command, what followed it)]"""
    text = RECORDS.read_text(encoding="utf-8")
    text = text[text.index(f"\n{begin}"):]
    parts = re.split(r"^\$ alembic ?", text[:text.index(f"\n{end}") + 1], flags=re.M)[1:]
    return [part.partition("\n")[::2] for part in parts]


def words_of(command):
    verb, *rest = command.split()
    if verb != "history":
        return [verb, *(word for word in rest if word != "--")]
    found = re.search(r"(?:-r|--rev-range=)\s*(\S+)", command)
    return [verb, *(["-r", found[1]] if found else []), *(word for word in rest if word in ("-v", "-i"))]


def printed(followed, words):
    """The lines of standard output, in one order."""
    lines = followed.split("\n")
    ends = [i for i, line in enumerate(lines) if re.match(r"  \[|  alembic_version|FAILED|#|CREATE TABLE", line)]
    text = re.sub(r'^(    Revises: )"(.*)"$', r"\1\2", "\n".join(lines[:min(ends, default=len(lines))]), flags=re.M)
    return twins.normal_text(re.sub("^(    Revises: )None$", r"\1", text, flags=re.M), "-v" in words, words[0])


def set_rows(database, rows):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.executemany("INSERT INTO alembic_version VALUES (?)", [(row,) for row in rows])
        connection.commit()


class Player:
    """schemadctl in the place of Alembic."""

    def __init__(self, ours, path):
        self.ours, self.known, self.wrong, self.count = ours, twins.known_commands(path), [], 0

    def is_played(self, words):
        """Offline SQL has tests of its own; of an empty argument nothing is left in the recording."""
        lacks = {"--sql", *(["--resolve-dependencies"] if "--resolve" not in self.known else [])}
        return len(words) + (words[0] in READING) > 1 and not lacks & set(words) and words[0] in self.known

    def play(self, command, followed):
        words = words_of(command)
        if not self.is_played(words):
            return
        answer = self.ours.run(words)
        if twins.is_unready(answer, self.known):
            return
        is_read, is_ok = words[0] in READING, "[rc=" not in followed
        rows = re.search(r"^  alembic_version = (.*)$", followed, re.M)
        wanted = set(filter(None, rows[1].split(" | "))) if rows else answer.rows
        if answer.rows != wanted and command in FROM_BASE:
            set_rows(self.ours.database, [])
            answer = self.ours.run(words)
        text = answer.text.replace(twins.DATE, DATE)
        ours = twins.normal_text(text, "-v" in words, words[0]) if is_read and answer.is_ok else []
        theirs = printed(followed, words) if is_read and is_ok else []
        is_same = (answer.is_ok, answer.rows, ours) == (is_ok, wanted, theirs)
        if not is_same and command.strip() not in DIFFERENT:
            self.wrong.append(f"{command}\n  ours   {answer} {ours}\n  theirs {followed:.400}")
        if answer.rows != wanted:
            set_rows(self.ours.database, wanted)
        self.count += 1


@pytest.mark.skipif(not RECORDS.is_file(), reason=f"{RECORDS} is not there")
@pytest.mark.parametrize("session", SESSIONS)
def test_a_recorded_session(tmp_path, session):
    begin, end, history = SESSIONS[session]
    nodes = [twins.Node(None, name, down, deps, labels, message) for name, down, deps, labels, message in history]
    path = program("schemadctl")
    player = Player(twins.Ours(tmp_path, path, nodes), path)
    for command, followed in read_session(begin, end):
        player.play(command, followed)
    assert not player.wrong, "\n".join(player.wrong)
    assert player.count > 5
