"""The comparison of schemas by meaning, which other tests stand on: what it must tell apart, and what not."""

import sqlite3
from contextlib import closing

import pytest

from schema_meaning import meaning

TABLE = 'CREATE TABLE t (id INTEGER PRIMARY KEY, "a" VARCHAR(3) DEFAULT \'x\' CHECK (a <> \'\'))'
SAME = [
    'create table "t" ("id" integer primary key, a varchar(3) default \'x\' check(a<>\'\')) -- with a comment',
]
DIFFERENT = [
    TABLE.replace("VARCHAR(3)", "VARCHAR(4)"), TABLE.replace("DEFAULT 'x'", "DEFAULT 'X'"),
    TABLE.replace("<>", ">"), TABLE.replace("'x'", "'x' COLLATE NOCASE"), TABLE.replace("'x'", "'x' UNIQUE"),
    TABLE.replace("KEY", "KEY AUTOINCREMENT"), TABLE.replace("'x'", "'x' REFERENCES t"),
    TABLE.replace("'x'", "'x' NOT NULL"), TABLE + "; CREATE INDEX i ON t (a)", TABLE + " WITHOUT ROWID",
    TABLE + "; CREATE VIEW v AS SELECT 1",
]


def meaning_of(sql):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(sql)
        return meaning(connection)


@pytest.mark.parametrize("sql", SAME)
def test_texts_that_mean_the_same(sql):
    assert meaning_of(sql) == meaning_of(TABLE)


@pytest.mark.parametrize("sql", DIFFERENT)
def test_texts_that_mean_something_else(sql):
    assert meaning_of(sql) != meaning_of(TABLE)


@pytest.mark.parametrize("changed", ["i ON t (b)", "i ON t (a) WHERE a > 1", "i ON t (a + 2)", "j ON t (a + 1)"])
def test_indexes_that_mean_something_else(changed):
    table = "CREATE TABLE t (a, b); CREATE INDEX "
    assert meaning_of(table + changed) != meaning_of(table + "i ON t (a + 1)")
    assert meaning_of(table + changed) == meaning_of(table + changed.replace(" ", "  "))
