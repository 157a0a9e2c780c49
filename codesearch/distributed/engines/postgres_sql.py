"""SQL of the Postgres engine. Values are bound by name; only ``DIM`` and ``{where}`` are put in as text."""

from __future__ import annotations

__all__ = ["NEAR", "TABLES", "WORDS", "WRITE", "WRITE_TERMS"]

TABLES = """
CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
CREATE TABLE IF NOT EXISTS record (format integer NOT NULL, value jsonb NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (
    uuid    uuid PRIMARY KEY,
    root    text NOT NULL,
    path    text NOT NULL,
    keys    text[] NOT NULL,
    length  integer NOT NULL,
    chunk   jsonb NOT NULL,
    vector  halfvec(DIM)
);
CREATE INDEX IF NOT EXISTS chunks_of_path ON chunks (root, path);
CREATE INDEX IF NOT EXISTS chunks_by_key ON chunks USING gin (keys);
CREATE INDEX IF NOT EXISTS chunks_by_vector ON chunks USING hnsw (vector halfvec_cosine_ops);
CREATE TABLE IF NOT EXISTS terms (
    term    text NOT NULL,
    root    text NOT NULL,
    uuid    uuid NOT NULL REFERENCES chunks ON DELETE CASCADE,
    weight  real NOT NULL,
    PRIMARY KEY (term, root, uuid)
);
CREATE INDEX IF NOT EXISTS terms_of_chunk ON terms (uuid)
"""
# Okapi BM25 with SQLite's constants and treatment of common terms; see searching/stores/bm25.py.
WORDS = """
WITH all_chunks AS (SELECT count(*) AS number, avg(length) AS mean FROM chunks WHERE root = ANY(:roots)),
     wanted AS (
        SELECT term, count(*) AS times FROM unnest(CAST(:terms AS text[])) AS term GROUP BY term
     ),
     found AS (SELECT term, uuid, weight FROM terms WHERE root = ANY(:roots) AND term = ANY(:terms)),
     held AS (SELECT term, count(*) AS number FROM found GROUP BY term)
SELECT uuid, sum(
    greatest(ln((all_chunks.number - held.number + 0.5) / (held.number + 0.5)), 1e-6)
    * wanted.times * weight * 2.2 / (weight + 1.2 * (0.25 + 0.75 * length / greatest(mean, 1)))
) AS score
FROM found JOIN held USING (term) JOIN wanted USING (term) JOIN chunks USING (uuid), all_chunks
WHERE {where} GROUP BY uuid ORDER BY score DESC, uuid LIMIT :limit
"""
NEAR = """
SELECT uuid, 1 - (vector <=> CAST(:vector AS halfvec)) FROM chunks
WHERE vector IS NOT NULL AND {where} ORDER BY vector <=> CAST(:vector AS halfvec) LIMIT :limit
"""
WRITE = """
INSERT INTO chunks (uuid, root, path, keys, length, chunk, vector)
SELECT one.uuid, :root, one.path, one.keys, one.length, one.chunk, CAST(one.vector AS halfvec)
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS one(uuid uuid, path text, keys text[], length integer, chunk jsonb, vector text)
ON CONFLICT (uuid) DO UPDATE SET
    path = excluded.path, keys = excluded.keys, length = excluded.length, chunk = excluded.chunk,
    vector = excluded.vector
"""
WRITE_TERMS = """
INSERT INTO terms (term, root, uuid, weight)
SELECT one.term, :root, one.uuid, one.weight
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS one(term text, uuid uuid, weight real)
ON CONFLICT (term, root, uuid) DO UPDATE SET weight = excluded.weight
"""
