"""The tables of an index, and the check that a file on disk is one.

Reading guide, from the file on the user's disk to the answer:

- ``files``: one row a file as it was when last indexed; size, mtime and content hash tell what changed.
- ``chunks``: one row a chunk. The id is handed out once and never again (AUTOINCREMENT), so it can
  serve as a label in the vector graph, and a result that was removed meanwhile is missing, not wrong.
  ``text_hash`` identifies the text that the model sees: an edited file keeps the chunks, and so the
  vectors, whose text did not change.
- ``definitions``: which names a chunk defines, case-folded, for "where is X defined".
- ``lexical``: the full-text index, one row a chunk under the chunk's id. Its columns hold tokens joined
  by spaces, made by ``lexical.py``: SQLite's own tokenizer only splits at the spaces again.
- ``vectors``: one row a vector, dim float16 numbers. ``seq`` grows with every vector ever written and
  is never reused: "newer than seq N" is all that a reader needs to follow a writer.
- ``pending``: chunks that have no vector yet.
- ``meta``: everything said once about the whole index. ``generation`` grows with every commit that
  changed anything, so that caches in other threads and processes know when they are stale.
  ``identity`` is drawn at creation: what was derived from another database is never mistaken for ours.

Removing a file removes its chunks, definitions, vectors and full-text rows, by the foreign keys and
triggers below: no code path can forget one.
"""

from __future__ import annotations

from sqlite3 import complete_statement

from codesearch.errors import IndexFormatError, IndexNotFound
from codesearch.storage.sqlite.database import Database

__all__ = ["APPLICATION_ID", "FORMAT", "create", "empty_lexical", "lexical_problem", "verify"]

APPLICATION_ID = 0x43534458
"""Written in the file's header ("CSDX"): tells our files from other SQLite databases."""
FORMAT = 1
"""Written as ``user_version``. Changes when an older program would misread the tables."""

_TABLES = """
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE files (
    id           INTEGER PRIMARY KEY,
    path         TEXT NOT NULL UNIQUE,
    size         INTEGER NOT NULL,
    mtime_ns     INTEGER NOT NULL,  -- SourceFile.stamp: times and inode, mixed
    content_hash BLOB NOT NULL,
    language     TEXT
);

CREATE TABLE chunks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id     INTEGER NOT NULL REFERENCES files ON DELETE CASCADE,
    start_byte  INTEGER NOT NULL,
    end_byte    INTEGER NOT NULL,
    start_line  INTEGER NOT NULL,
    end_line    INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    symbol      TEXT NOT NULL,
    scope       TEXT NOT NULL,  -- JSON list of names, outermost first
    signature   TEXT NOT NULL,
    definitions TEXT NOT NULL,  -- JSON list of names as they are spelt
    text_hash   BLOB NOT NULL,
    text        TEXT NOT NULL
);
CREATE INDEX chunks_of_file ON chunks (file_id, start_byte);

CREATE TABLE definitions (
    name     TEXT NOT NULL,
    chunk_id INTEGER NOT NULL REFERENCES chunks ON DELETE CASCADE,
    PRIMARY KEY (name, chunk_id)
) WITHOUT ROWID;
CREATE INDEX definitions_of_chunk ON definitions (chunk_id);

CREATE TABLE vectors (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    chunk_id INTEGER NOT NULL UNIQUE REFERENCES chunks ON DELETE CASCADE,
    vector   BLOB NOT NULL
);

CREATE TABLE pending (
    chunk_id INTEGER PRIMARY KEY REFERENCES chunks ON DELETE CASCADE
);

CREATE TRIGGER chunk_added AFTER INSERT ON chunks BEGIN
    INSERT INTO pending (chunk_id) VALUES (new.id);
END;
CREATE TRIGGER vector_added AFTER INSERT ON vectors BEGIN
    DELETE FROM pending WHERE chunk_id = new.chunk_id;
END;
CREATE TRIGGER chunk_removed AFTER DELETE ON chunks BEGIN
    DELETE FROM lexical WHERE rowid = old.id;
END;
"""


_LEXICAL = """
CREATE VIRTUAL TABLE lexical USING fts5 (
    symbol, path, body,
    tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
)"""


def create(database: Database) -> None:
    """Write the tables into an empty file, in one transaction. Nothing happens where they are already."""
    if _has_tables(database):  # so that opening waits for nobody who is writing
        return
    with database.transaction():
        if _has_tables(database):
            return
        for statement in (*_statements(_TABLES), _LEXICAL):
            database.run(statement)
        database.run("INSERT INTO meta (key, value) VALUES ('generation', '0')")
        database.run("INSERT INTO meta (key, value) VALUES ('identity', lower(hex(randomblob(16))))")
        database.run(f"PRAGMA application_id = {APPLICATION_ID}")
        database.run(f"PRAGMA user_version = {FORMAT}")


def _has_tables(database: Database) -> bool:
    return bool(database.value("SELECT count(*) FROM sqlite_master"))


def _statements(script: str) -> list[str]:
    """One string a statement: ``executescript`` would commit the open transaction."""
    statements, rest = [], ""
    for line in script.splitlines(keepends=True):
        rest += line
        if complete_statement(rest):
            statements.append(rest)
            rest = ""
    return statements


def verify(database: Database, *, root: str) -> None:
    """Refuse what is no index of this format. Costs a few pages, not the size of the index.

    Raises:
        IndexNotFound: an empty file, left by a process that was killed while creating it.
        IndexFormatError: another program's file, another format, or a damaged one.
    """
    application = database.value("PRAGMA application_id")
    if application == 0 and not _has_tables(database):
        raise IndexNotFound(root)
    if application != APPLICATION_ID:
        raise IndexFormatError(f"another program's database ({database.path})", FORMAT, database.remedy)
    found = database.value("PRAGMA user_version")
    if found > FORMAT:
        raise IndexFormatError(found, FORMAT, f"upgrade codesearch, or: {database.remedy}")
    if found < FORMAT:
        raise IndexFormatError(found, FORMAT, database.remedy)


def lexical_problem(database: Database) -> str | None:
    """Look cheaply for a fault of the full-text index: rows missing, or a tree that cannot be read.

    A full check (``Store.check``) reads every row; this one counts and asks one question.
    """
    with database.reading():
        chunks = database.value("SELECT count(*) FROM chunks")
        rows = database.value("SELECT count(*) FROM lexical_docsize")
        if rows != chunks:
            return f"the full-text index has {rows} rows for {chunks} chunks"
        try:
            database.rows('SELECT rowid FROM lexical WHERE lexical MATCH \'"a" OR "return"\' LIMIT 1')
        except IndexFormatError as error:
            return str(error)
    return None


def empty_lexical(database: Database) -> None:
    """Begin the full-text index anew, also where the old one can no longer be read."""
    with database.transaction():
        database.run("DROP TABLE IF EXISTS lexical")
        database.run(_LEXICAL)
