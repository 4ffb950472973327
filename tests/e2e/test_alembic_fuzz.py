"""The same random commands to Debian's Alembic and to schemadctl, on twin databases with the same random history.

After every command: the version rows, the tables, whether it succeeded, and what it printed, in sorted order. Where the
two are meant to differ stands in `DEVIATIONS`, by rule; each rule is a row of docs/ALEMBIC.md. Anything else fails, and
says how to see it again.

    SCHEMAD_SEED=N      another series of histories
    SCHEMAD_COMMANDS=N  so many commands in all (default 500; the long form is 10,000 and more)
    SCHEMAD_GRAPH=N     only this history of the series
"""

import os
import random
import re

import pytest

from conftest import ROOT, program

twins = pytest.importorskip("alembic_twins")

SEED = int(os.environ.get("SCHEMAD_SEED", "1"))
COMMANDS = int(os.environ.get("SCHEMAD_COMMANDS", "500"))
COMMANDS_EACH = 25  # on each history
GRAPH = os.environ.get("SCHEMAD_GRAPH")
SHOWN_MAX = 10


# Commands


def random_name(dice, nodes):
    node = dice.choice(nodes)
    return dice.choice([node.id, node.id, node.id, node.id[:5], node.id[:2], node.id[:1]])


def random_target(dice, nodes):
    labels = [label for node in nodes for label in node.labels] or [dice.choice(nodes).id]
    name, label, count = random_name(dice, nodes), dice.choice(labels), dice.choice([1, 1, 1, 2, 3, 7])
    return dice.choice([
        "head", "head", "heads", "heads", "heads", "base", name, name, name, name, label, "nosuch", "current",
        f"{label}@head", f"{label}@heads", f"{label}@base", f"{label}@{name}", f"{label}@current", f"nosuch@{name}",
        f"+{count}", f"+{count}", f"-{count}", f"-{count}", f"{label}@+{count}", f"{label}@-{count}",
        f"{name}+{count}", f"{name}-{count}", f"head-{count}", f"heads-{count}", f"base+{count}",
        f"{label}@{name}+{count}", f"{label}@{name}-{count}",
    ])


def random_range(dice, nodes):
    lower = dice.choice(["", "", "base", "current", random_name(dice, nodes), f"-{dice.randint(1, 3)}"])
    upper = dice.choice(["", "", "head", "heads", "current", random_name(dice, nodes), f"+{dice.randint(1, 3)}"])
    return f"{lower}:{upper}"


def some(dice, *flags):
    return [flag for flag in flags if dice.random() < 0.3]


def random_command(dice, nodes, known):
    """Its words, as Alembic takes them."""
    verb = dice.choice(["upgrade"] * 6 + ["downgrade"] * 4 + ["stamp"] * 2 + ["current", "history", "history", "show"] +
                       [word for word in ("heads", "branches", "merge") if word in known])
    if verb in ("upgrade", "downgrade", "show"):
        return [verb, random_target(dice, nodes)]
    if verb == "stamp":
        targets = [random_target(dice, nodes) for _ in range(dice.choice([1, 1, 1, 2]))]
        return [verb, *targets, *some(dice, "--purge")]
    if verb == "history":
        return [verb, *(["-r", random_range(dice, nodes)] if dice.random() < 0.7 else []), *some(dice, "-i", "-v")]
    if verb == "merge":
        names = ["heads"] if dice.random() < 0.6 else [random_target(dice, nodes) for _ in range(dice.choice([1, 2, 2, 3]))]
        return [verb, "--rev-id", f"m{dice.getrandbits(24):06x}", *names]
    return [verb, *some(dice, "-v", *(["--resolve-dependencies"] if verb == "heads" and "--resolve" in known else []))]


# Comparing


class Case:
    """One command and what both did."""

    def __init__(self, theirs, ours, words):
        self.words, self.verb, self.targets = words, words[0], [word for word in words[1:] if not word.startswith("--")]
        self.before, self.map = twins.version_rows(ours.database), theirs
        self.theirs, self.ours = theirs.run(words), ours.run(words)

    @property
    def command(self):
        return " ".join(self.words)

    @property
    def is_crash(self):
        return self.theirs.failure is not None and not isinstance(self.theirs.failure, twins.CommandError)

    def lines(self, answer):
        if self.verb in ("upgrade", "downgrade", "stamp", "merge") or not answer.is_ok:
            return []
        return twins.normal_text(answer.text, "-v" in self.words, self.verb)

    def is_same(self):
        return (self.ours.is_ok == self.theirs.is_ok and self.ours.rows == self.theirs.rows and
                self.ours.tables == self.theirs.tables and self.lines(self.ours) == self.lines(self.theirs))

    def is_sane(self):
        """Rows that could be Alembic's: none implies another."""
        return self.ours.rows == self.map.maximal(self.ours.rows)

    def is_refused(self):
        """By us alone, and nothing was touched."""
        return not self.ours.is_ok and self.ours.rows == self.before

    def said(self, text):
        return text in str(self.theirs.failure)


def branch_of(target):
    return target.partition("@")[0] if "@" in target else None


def is_relative(target):
    return target.lstrip("+-") != target or "@-" in target or "@+" in target


# Refused by us alone, because Alembic would guess, or forget what was asked; nothing is touched.
STRICTER = {
    "-N from several rows": lambda c: c.verb == "downgrade" and c.targets[0][0] == "-" and len(c.before) > 1,
    "unknown branch": lambda c: any(branch_of(target) == "nosuch" for target in c.targets),
    "revision outside of the branch": lambda c: "@" in c.command and re.search(
        "is not a member of branch|can't locate revision", c.ours.failure),
    "ambiguous branch": lambda c: "@" in c.command and "several revisions or labels begin with" in c.ours.failure,
    "heads of a branch as the end of a downgrade": lambda c: c.verb == "downgrade" and "@head" in c.command,
    "below base": lambda c: "base-" in c.command,
    "relative stamp": lambda c: c.verb == "stamp" and any(is_relative(target) for target in c.targets),
    "stamp of revisions that need each other": lambda c: c.verb == "stamp" and "cannot be stamped" in c.ours.failure,
    "merge of what needs none": lambda c: c.verb == "merge" and re.search(
        "nothing to merge|is named twice|is an ancestor|walked too far", c.ours.failure),
}

# Alembic fails or forgets where we do what was asked for.
BETTER = {
    "rows that imply each other": lambda c: c.theirs.rows != c.ours.rows == c.map.maximal(c.theirs.rows),
    "crash of Alembic": lambda c: c.is_crash and "sqlalchemy" not in type(c.theirs.failure).__module__,
    "heads of a branch that need each other": lambda c: c.said("overlaps with") and "@heads" in c.command,
    "branch of a downgrade": lambda c: c.verb == "downgrade" and "@" in c.command and not c.theirs.is_ok,
    "beginning of an id on a branch": lambda c: "@" in c.command and c.said("Can't locate"),
    "relative to an id with a dot": lambda c: re.search(r"\.\S*[+-]\d+$", c.command) and c.said("Can't locate"),
    "current:current": lambda c: "current:current" in c.words,
    "stamp of several targets": lambda c: c.verb == "stamp" and (len(c.targets) > 1 or "heads" in c.command),
    "stamp on a branch": lambda c: c.verb == "stamp" and "@" in c.command,
}

# Both fail, and Alembic leaves something behind.
CLEANER = {
    "targets are known before rows are purged": lambda c: "--purge" in c.words,
    "half a run": lambda c: c.is_crash,
}

# Both succeed, or one of them.
OTHER = {
    "-N as the lower end of a range": lambda c: c.verb == "history" and "-r" in c.words and c.words[2][0] == "-",
    "current at base": lambda c: c.verb == "history" and "current" in c.command and not c.before,
    "show of one revision below several heads": lambda c: (
        c.verb == "show" and c.targets[0][0] == "-" and set(c.lines(c.ours)) == set(c.lines(c.theirs))),
    "show of branch@-N": lambda c: c.verb == "show" and "@-" in c.command and c.theirs.is_ok and not c.theirs.text,
}

def rules(names, outcome):
    """Each holds for cases of that outcome only."""
    return {name: lambda c, applies=applies: outcome(c) and applies(c) for name, applies in names.items()}


DEVIATIONS = {
    **OTHER,
    **rules(STRICTER, lambda c: c.theirs.is_ok and c.is_refused()),
    **rules(BETTER, lambda c: c.ours.is_ok and c.is_sane()),
    **rules(CLEANER, lambda c: not c.theirs.is_ok and c.is_refused()),
}


def check(case):
    """The rule that explains a difference, and what is wrong when none does."""
    if case.is_same():
        return None, None
    for name, applies in DEVIATIONS.items():
        if applies(case):
            return name, None
    told = f"  rows {sorted(case.before)}: {case.command}\n    ours   {case.ours}\n    theirs {case.theirs}\n"
    ours, theirs = case.lines(case.ours), case.lines(case.theirs)
    told += "".join(f"    only ours   {line!r}\n" for line in ours if line not in theirs)
    return None, told + "".join(f"    only theirs {line!r}\n" for line in theirs if line not in ours)


class Tally:
    """What came of a series."""

    def __init__(self):
        self.same, self.explained, self.wrong = 0, {}, []

    def add(self, case, number, nodes):
        rule, problem = check(case)
        if problem:
            graph = [(n.id, n.down, n.deps, n.labels) for n in nodes]
            self.wrong.append(f"history {number}: {graph}\n{problem}  again: SCHEMAD_SEED={SEED} SCHEMAD_GRAPH={number} "
                              f"/usr/bin/python3 -m pytest tests/e2e/test_alembic_fuzz.py -k same_commands")
        elif rule:
            self.explained[rule] = self.explained.get(rule, 0) + 1
        else:
            self.same += 1

    @property
    def total(self):
        return self.same + sum(self.explained.values()) + len(self.wrong)


def take_merge(case, nodes, theirs, ours):
    """A merge that both wrote is part of both histories from here on; one that only Alembic wrote is forgotten."""
    identifier = case.words[2]
    if case.ours.is_ok:
        text = next(ours.directory.glob(f"{identifier}_*.sql")).read_text(encoding="utf-8")
        down = re.search(r"^-- Revises: (.*)$", text, re.M)[1].split(", ")
        if case.theirs.is_ok:  # of heads that need each other it takes the upper one only
            assert set(theirs.scripts.get_revision(identifier)._versioned_down_revisions) <= set(down), case.command
        nodes = [*nodes, twins.Node(None, identifier, down, [], [], "empty message")]
        nodes[-1].date = re.search(r"^-- Create Date: (.*)$", text, re.M)[1]
    theirs.load(nodes)
    return nodes


def run_history(number, place, monkeypatch, tally, path, known):
    dice = random.Random(f"{SEED}/{number}")
    nodes = twins.random_nodes(dice)
    theirs, ours = twins.Theirs(place, monkeypatch, nodes), twins.Ours(place, path, nodes)
    for _ in range(COMMANDS_EACH):
        case = Case(theirs, ours, random_command(dice, nodes, known))
        if twins.is_unready(case.ours, known):
            continue
        tally.add(case, number, nodes)
        if case.verb == "merge":
            nodes = take_merge(case, nodes, theirs, ours)
        if case.ours.rows != case.theirs.rows or case.ours.tables != case.theirs.tables:
            theirs.take_over(ours.database)


def test_the_same_commands_do_the_same(tmp_path, monkeypatch):
    path, tally = program("schemadctl"), Tally()
    known = twins.known_commands(path)
    numbers = [int(GRAPH)] if GRAPH else range(max(1, COMMANDS // COMMANDS_EACH))
    for number in numbers:
        place = tmp_path / str(number)
        place.mkdir()
        run_history(number, place, monkeypatch, tally, path, known)
    print(f"seed {SEED}: {tally.total} commands, {tally.same} the same")
    for name, count in sorted(tally.explained.items(), key=lambda pair: -pair[1]):
        print(f"{count:6} {name}")
    assert not tally.wrong, f"{len(tally.wrong)} of {tally.total} differ:\n" + "\n".join(tally.wrong[:SHOWN_MAX])
    assert tally.same > tally.total * 0.8, "too few commands compare anything"


def test_every_rule_is_a_row_of_the_document():
    text = (ROOT / "docs/ALEMBIC.md").read_text(encoding="utf-8")
    missing = [name for name in DEVIATIONS if f"| {name} |" not in text]
    assert not missing, missing


def test_both_in_turns_on_one_database(tmp_path, monkeypatch):
    """Over a hundred steps, now the one and now the other; after each both say the same of it."""
    path, steps = program("schemadctl"), 0
    for number in range(6):
        place, dice = tmp_path / str(number), random.Random(f"turns {SEED}/{number}")
        place.mkdir()
        nodes = twins.random_nodes(dice, has_dependencies=False)
        theirs = twins.Theirs(place, monkeypatch, nodes, place / "content.db")
        ours = twins.Ours(place, path, nodes, place / "content.db")
        for _ in range(COMMANDS_EACH):
            words = [dice.choice(["upgrade", "upgrade", "downgrade"]), random_target(dice, nodes)]
            tool = dice.choice([theirs, ours])
            rows = tool.run(words).rows
            told = f"history {number}, {' '.join(words)} by {type(tool).__name__}, rows {sorted(rows)}"
            assert rows == theirs.maximal(rows), told
            applied = {node.table for node in nodes if node.id in theirs.ancestors(rows)}
            assert twins.tables(place / "content.db") == applied, told
            answers = [twins.normal_text(one.run(["current"]).text, False, "current") for one in (theirs, ours)]
            assert answers[0] == answers[1], told
            steps += 1
    assert steps > 100
