-- k results whenever k pass the filter, and else all that pass: also of a filter so wide that candidates are tried, whose
-- statements share no word with the query and lie opposite to it; the same for the owner and under row-level security.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_filter_reader;
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
SELECT sutra.grant_access('regress_filter_reader');
INSERT INTO sutra.space_role (space, role_name, may_read) VALUES ('wide', 'regress_filter_reader', true);
CREATE TABLE made AS
    SELECT n, CASE WHEN n % 2 = 0 THEN 'Storm over the northern harbour, report ' ELSE 'Ledger of the bakery, page ' END || n AS content,
        jsonb_build_object('half', n % 2, 'page', n, 'third', n % 3) AS metadata,
        -- Even numbers lie around the query, odd ones around its opposite.
        (SELECT array_agg(CASE WHEN d = 1 + n % 384 THEN x + 0.3 ELSE x * (1 - 2 * (n % 2)) END ORDER BY d)
         FROM unnest(sutra_embed('storm in the harbour')::real[]) WITH ORDINALITY AS q (x, d))::embedding AS vector
    FROM generate_series(1, 6000) AS n;
SET sutra.similar_statements = 0;
SET sutra.space = 'wide';
SELECT count(*) FROM (SELECT sutra_learn_batch(array_agg(content ORDER BY n), array_agg(metadata ORDER BY n), array_agg(vector ORDER BY n)) FROM made) AS learned;
-- The same again in a space of another, which the role may not read.
SET sutra.space = 'other';
SELECT count(*) FROM (SELECT sutra_learn_batch(array_agg(content ORDER BY n), array_agg(metadata ORDER BY n), array_agg(vector ORDER BY n)) FROM made) AS learned;
ANALYZE;
SET sutra.space = 'wide';
CREATE TABLE seen (who name, filter jsonb, k integer, found bigint, passing bigint, content text);
GRANT INSERT ON seen TO regress_filter_reader;
PREPARE look(integer, jsonb) AS
    INSERT INTO seen SELECT current_user, $2, $1, count(*), count(*) FILTER (WHERE metadata @> $2), string_agg(content, '|' ORDER BY score DESC, concept_id)
    FROM sutra_search('storm in the harbour', $1, $2);
\set run 'EXECUTE look(100, \'{"half": 0}\'); EXECUTE look(100, \'{"half": 1}\'); EXECUTE look(10000, \'{"half": 1}\'); EXECUTE look(100, \'{"half": 1, "third": 1}\'); EXECUTE look(1000, \'{"half": 1, "third": 1}\'); EXECUTE look(5, \'{"page": 4711}\'); EXECUTE look(100, \'{}\');'
:run
SET ROLE regress_filter_reader;
:run
RESET ROLE;
SELECT filter, k, min(found) AS found, bool_and(found = passing) AS exact, count(*) AS readers, count(DISTINCT content) AS results
FROM seen GROUP BY filter, k ORDER BY filter, k;
-- A score is the same whatever k and the filter are.
SELECT count(*) AS compared, bool_and(few.score = every.score) AS same
FROM sutra_search('storm in the harbour', 100, '{"half": 1}') AS few
JOIN sutra_search('storm in the harbour', 10000, '{}') AS every USING (concept_id);
-- A policy of one's own hides the best that pass: the next take their place, and none is missing.
CREATE POLICY hidden ON sutra.concept AS RESTRICTIVE FOR SELECT TO regress_filter_reader USING ((metadata ->> 'page')::integer % 10 IN (3, 5, 7, 9));
SET ROLE regress_filter_reader;
SELECT filter, k, count(s.concept_id), count(*) FILTER (WHERE (s.metadata ->> 'page')::integer % 10 = 1) AS hidden
FROM (VALUES ('{"half": 1, "third": 1}'::jsonb, 100), ('{"half": 1, "third": 1}', 1000), ('{"half": 1}', 100), ('{"page": 4711}', 5)) AS w (filter, k)
LEFT JOIN LATERAL sutra_search('storm in the harbour', k, filter) AS s ON true GROUP BY filter, k ORDER BY filter, k;
RESET ROLE;
DROP POLICY hidden ON sutra.concept;
SELECT sutra.revoke_access('regress_filter_reader');
DROP TABLE seen, made;
DROP ROLE regress_filter_reader;
