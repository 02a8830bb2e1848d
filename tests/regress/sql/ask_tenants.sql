-- Asking under row-level security: what another tenant learned changes no answer, no confidence, no count and no
-- explanation, in READ ONLY transactions, prepared statements and within statement_timeout.
\set VERBOSITY terse
SET datestyle = ISO;
CREATE ROLE regress_shop_one;
CREATE ROLE regress_shop_two;
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
SELECT sutra.grant_access(role::regrole, 'learner') FROM unnest(ARRAY['regress_shop_one', 'regress_shop_two']) AS role;
INSERT INTO sutra.space_role (space, role_name, may_read, may_learn) VALUES
    ('shop one', 'regress_shop_one', true, true), ('shop two', 'regress_shop_two', true, true);
CREATE FUNCTION learned(products text[], days int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC
    SELECT count(*) FROM (
        SELECT sutra_learn_batch(
            array_agg(format('%s: takings of %s on %s.', product, 100 + n % 9, day) ORDER BY product, day),
            array_agg(jsonb_build_object('entity', product, 'date', day, 'takings', 100 + n % 9, 'sector', 'Furniture') ORDER BY product, day),
            array_agg((SELECT ('[' || string_agg((1 + (n * d) % 7)::text, ',') || ']')::embedding FROM generate_series(1, 384) AS d) ORDER BY product, day))
        FROM unnest(products) AS product, generate_series(0, days - 1) AS n, LATERAL (SELECT date '2024-03-01' + n AS day) AS d) AS s;
END;
GRANT EXECUTE ON FUNCTION learned TO regress_shop_one, regress_shop_two;
CREATE VIEW question AS SELECT * FROM unnest(ARRAY[
    'takings of Oak Chair on March 5, 2024', 'total takings in March 2024', 'average takings of all products', 'Which product had the highest takings in March 2024?',
    'Which company has the highest takings?', 'How many Furniture companies are there?', 'Which companies are in the same sector as Oak Chair?',
    'How is Oak Chair related to Birch Stool?', 'takings of Birch Stool on March 5, 2024', 'Why did the takings of Oak Chair rise?', 'Who delivers the boards of the oak chairs?',
    'What is a mortise?', 'latest takings', 'Oak Chair trend', 'Oak', 'profit of Oak Chair']) WITH ORDINALITY AS q(text, number);
GRANT SELECT ON question TO regress_shop_one, regress_shop_two;

SET ROLE regress_shop_two;
SET sutra.space = 'shop two';
SELECT learned(ARRAY['Oak Chair', 'Pine Table'], 20);
SELECT sutra_learn('The boards of the oak chairs are delivered by the mill in Fairview.') IS NOT NULL AS learned;
CREATE TEMP TABLE before AS SELECT q.number, a.* FROM question AS q, LATERAL sutra_ask(q.text) AS a;
CREATE TEMP TABLE explained AS SELECT q.number, sutra_explain(q.text) #- '{read}' AS e FROM question AS q;
SELECT count(*) > 16 AS answers, count(*) FILTER (WHERE rank = 1 AND kind <> 'abstention') AS answered FROM before;

-- The other learns the same names, more products, other numbers, reasons, definitions and other words for the metric.
RESET ROLE;
INSERT INTO sutra.metric (space, name, words, label, unit) VALUES ('shop one', 'takings', '{takings,profit}', 'takings', 'USD');
SET ROLE regress_shop_one;
SET sutra.space = 'shop one';
SELECT learned(ARRAY['Oak Chair', 'Birch Stool', 'Oak Bench', 'Walnut Desk'], 60);
SELECT count(*) AS learned FROM sutra_learn_batch(ARRAY[
    'The takings of Oak Chair rose because a hotel ordered two hundred.', 'A mortise is a hole that takes a tenon.', 'The boards of the oak chairs are delivered by Birch Stool.',
    'Oak Chair is a secret of shop one.', 'The mill in Fairview is owned by Oak Chair.']);
RESET ROLE;
ANALYZE;
SET ROLE regress_shop_two;
SET sutra.space = 'shop two';
CREATE TEMP TABLE after AS SELECT q.number, a.* FROM question AS q, LATERAL sutra_ask(q.text) AS a;
SELECT count(*) AS changed FROM ((TABLE before EXCEPT ALL TABLE after) UNION ALL (TABLE after EXCEPT ALL TABLE before)) AS d;
SELECT count(*) AS changed FROM explained AS x JOIN question AS q USING (number) WHERE sutra_explain(q.text) #- '{read}' <> x.e;
-- Under the name of the other's space there is nothing, and the same nothing as in a space that nobody has.
SET sutra.space = 'shop one';
CREATE TEMP TABLE foreign_space AS SELECT q.number, a.* FROM question AS q, LATERAL sutra_ask(q.text) AS a;
SET sutra.space = 'shop of nobody';
CREATE TEMP TABLE nobody AS SELECT q.number, a.* FROM question AS q, LATERAL sutra_ask(q.text) AS a;
SELECT (SELECT count(*) FROM foreign_space WHERE kind <> 'abstention') AS answered,
    (SELECT count(*) FROM ((TABLE foreign_space EXCEPT ALL TABLE nobody) UNION ALL (TABLE nobody EXCEPT ALL TABLE foreign_space)) AS d) AS different;

-- All of this only reads, in a prepared statement too, and ends when it is told to.
SET sutra.space = 'shop two';
BEGIN TRANSACTION READ ONLY;
PREPARE asked(text) AS SELECT kind, answer, confidence FROM sutra_ask($1, 1);
EXECUTE asked('takings of Oak Chair on March 5, 2024');
SELECT count(*) AS same FROM question AS q, LATERAL sutra_ask(q.text) AS a JOIN before AS b USING (rank, kind, answer, confidence) WHERE b.number = q.number AND rank = 1;
COMMIT;
SET statement_timeout = '30s';
EXECUTE asked('Which product had the highest takings in March 2024?');
SET statement_timeout = '1ms';
SELECT count(*) FROM question AS q, LATERAL sutra_ask(repeat(q.text || ' ', 200)) AS a;
RESET statement_timeout;
EXECUTE asked('takings of Oak Chair on March 5, 2024');

RESET ROLE;
DROP VIEW question;
DROP FUNCTION learned;
SELECT sutra.revoke_access(role::regrole) FROM unnest(ARRAY['regress_shop_one', 'regress_shop_two']) AS role;
DROP TABLE before, after, explained, foreign_space, nobody;
DROP ROLE regress_shop_one, regress_shop_two;
