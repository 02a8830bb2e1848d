-- What sutra_hnsw refuses, and how.
\set VERBOSITY default
CREATE TABLE item (id int, v embedding(3), free embedding, wide embedding(8000), wider embedding(7921), text text);
CREATE INDEX ON item USING sutra_hnsw (free);
CREATE INDEX ON item USING sutra_hnsw (wide);
CREATE INDEX ON item USING sutra_hnsw (wider);
\set VERBOSITY sqlstate
CREATE INDEX ON item USING sutra_hnsw (wider);
\set VERBOSITY default
CREATE INDEX ON item USING sutra_hnsw (text);
CREATE INDEX ON item USING sutra_hnsw (v) WITH (m = 1);
CREATE INDEX ON item USING sutra_hnsw (v) WITH (m = 101);
CREATE INDEX ON item USING sutra_hnsw (v) WITH (ef_construction = 3);
CREATE INDEX ON item USING sutra_hnsw (v) WITH (ef_construction = 1001);
CREATE INDEX ON item USING sutra_hnsw (v) WITH (m = 16, ef_construction = 31);
CREATE INDEX ON item USING sutra_hnsw (v) WITH (lists = 10);
CREATE INDEX ON item USING sutra_hnsw (v, v);
CREATE UNIQUE INDEX ON item USING sutra_hnsw (v);
CREATE INDEX ON item USING sutra_hnsw (v) INCLUDE (id);
CREATE INDEX ON item USING sutra_hnsw (v DESC);
CREATE INDEX item_v ON item USING sutra_hnsw (v);
INSERT INTO item (id, v) VALUES (1, '[1,2]');
INSERT INTO item (id, v) VALUES (1, '[1,2,3]');
SET enable_seqscan = off;
SELECT id FROM item ORDER BY v <-> '[1,2]';
RESET enable_seqscan;
SET sutra.ef_search = 0;
SET sutra.ef_search = 10001;
SET sutra.iterative_scan = 'sometimes';
SELECT * FROM sutra_index_stats('item');
SELECT * FROM sutra_index_check('pg_catalog.pg_class_oid_index');
-- Only for those who may read the table.
CREATE ROLE sutra_regress_stranger;
SET ROLE sutra_regress_stranger;
SELECT count(*) FROM sutra_index_stats('item_v');
SELECT count(*) FROM sutra_index_check('item_v');
RESET ROLE;
DROP ROLE sutra_regress_stranger;
-- The operator classes are sound, and one without its support function is not.
SELECT opcname, amvalidate(opclass.oid) FROM pg_opclass AS opclass JOIN pg_am ON pg_am.oid = opcmethod
 WHERE amname = 'sutra_hnsw' ORDER BY 1;
CREATE OPERATOR CLASS no_support FOR TYPE embedding USING sutra_hnsw AS OPERATOR 1 <-> (embedding, embedding) FOR ORDER BY float_ops;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'no_support';
CREATE INDEX ON item USING sutra_hnsw (v no_support);
DROP OPERATOR FAMILY no_support USING sutra_hnsw;
DROP TABLE item;
