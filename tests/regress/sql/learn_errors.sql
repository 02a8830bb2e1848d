-- What cannot be learned, with its SQLSTATE, and that it leaves nothing behind.
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE FUNCTION refused(statement text) RETURNS TABLE (state text, message text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    message := 'accepted';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;
\x on
-- content
SELECT * FROM refused($$SELECT sutra_learn(NULL)$$);
SELECT * FROM refused($$SELECT sutra_learn('')$$);
SELECT * FROM refused($$SELECT sutra_learn(E' \t\n\u00a0')$$);
SELECT * FROM refused($$SELECT sutra_learn(repeat('x', 16 * 1024 * 1024 + 1))$$);
-- metadata
SELECT * FROM refused($$SELECT sutra_learn('x', '[1]')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '"text"')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '3')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', 'null')$$);
SELECT state, message FROM refused($$SELECT sutra_learn('x', '{"a": "\u0000"}')$$);
-- a date that is no date
SELECT * FROM refused($$SELECT sutra_learn('x', '{"date": "soon"}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"date": "2019-02-30"}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"date": "03/04/2019"}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"date": 20190304}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"date": ""}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"period": "FY2019"}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"date": "2019-01-02", "timestamp": "2019-01-03T10:00:00Z"}')$$);
-- a price that is none
SELECT * FROM refused($$SELECT sutra_learn('x', '{"price_close": "n/a"}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"company": "AAPL", "date": "2019-01-02", "price_close": "NaN"}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"price_close": "Infinity"}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"price_close": 1e400}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"price_close": true}')$$);
-- names
SELECT * FROM refused($$SELECT sutra_learn('x', '{"company": " "}')$$);
SELECT * FROM refused($$SELECT sutra_learn('x', jsonb_build_object('company', repeat('x', 600)))$$);
SELECT * FROM refused($$SELECT sutra_learn('x', '{"company": ["AAPL", "MSFT"], "price_close": 3}')$$);
-- batches: the place is named
SELECT * FROM refused($$SELECT sutra_learn_batch(NULL)$$);
SELECT * FROM refused($$SELECT sutra_learn_batch(ARRAY['a', NULL])$$);
SELECT * FROM refused($$SELECT sutra_learn_batch(ARRAY['a', 'b'], ARRAY['{}']::jsonb[])$$);
SELECT * FROM refused($$SELECT sutra_learn_batch(ARRAY['a', 'b'], NULL, ARRAY['[1]']::embedding[])$$);
SELECT * FROM refused($$SELECT sutra_learn_batch(ARRAY['a'], NULL, ARRAY['[1,2]']::embedding[])$$);
SELECT * FROM refused($$SELECT sutra_learn_batch(ARRAY['a'], NULL, ARRAY[NULL]::embedding[])$$);
SELECT * FROM refused($$SELECT sutra_learn_batch(ARRAY['a', 'b', 'c'], ARRAY['{}', '{}', '{"date": "never"}']::jsonb[])$$);
SELECT state, message FROM refused($$SELECT sutra_learn_batch(ARRAY['a'], NULL, ARRAY['[NaN]']::embedding[])$$);
-- spaces
SELECT * FROM refused($$SET LOCAL sutra.space = ''; SELECT sutra_learn('x')$$);
SELECT * FROM refused($$SET LOCAL sutra.space = '*'; SELECT sutra_learn('x')$$);
-- edges
SELECT * FROM refused($$SELECT sutra_associate('0000000000000001', '0000000000000001')$$);
SELECT * FROM refused($$SELECT sutra_associate('0000000000000001', '0000000000000002')$$);
SELECT * FROM refused($$SELECT sutra_associate('0000000000000001', '0000000000000002', confidence => 2)$$);
SELECT * FROM refused($$SELECT sutra_associate('0000000000000001', '0000000000000002', relation => ' ')$$);
-- forgetting
SELECT * FROM refused($$SELECT sutra_forget(NULL)$$);
SELECT * FROM refused($$SELECT sutra_forget_where(NULL)$$);
SELECT * FROM refused($$SELECT sutra_forget_where('{}')$$);
SELECT * FROM refused($$SELECT sutra_forget_where('[]')$$);
\x off
-- Nothing was left behind.
SELECT (SELECT count(*) FROM sutra.concept) AS concepts, (SELECT count(*) FROM sutra.association) AS associations,
    (SELECT count(*) FROM sutra.observation) AS observations, (SELECT count(*) FROM sutra.alias) AS aliases;

-- null is "no value", and a key without a meaning may hold anything.
SELECT sutra_learn('x', '{"date": null, "price_close": null, "company": null, "anything": {"date": "soon"}}');
-- Another content with the same id is refused and not overwritten.
UPDATE sutra.concept SET digest = sha256('other');
SELECT * FROM refused($$SELECT sutra_learn('x')$$);
SELECT content, times_learned FROM sutra.concept;

-- Learning is granted role by role.
CREATE ROLE regress_learner;
SET ROLE regress_learner;
SELECT state, message FROM refused($$SELECT sutra_learn('x')$$);
SELECT state, message FROM refused($$SELECT sutra_forget('0000000000000001')$$);
RESET ROLE;
DROP ROLE regress_learner;

-- A transaction that only reads, as on a standby.
BEGIN READ ONLY;
SELECT * FROM refused($$SELECT sutra_learn('x')$$);
SELECT * FROM refused($$SELECT sutra_forget_where('{"a": 1}')$$);
ROLLBACK;
