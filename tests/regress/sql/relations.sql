-- What a text states: the rows of sutra_extract, and the edges that learning makes of them.
\set VERBOSITY terse
SET client_min_messages = warning;
-- Vectors play no part here.
CREATE FUNCTION learn(content text, metadata jsonb DEFAULT '{}') RETURNS concept_id LANGUAGE sql AS
    $$SELECT sutra_learn_batch(ARRAY[content], ARRAY[metadata], ARRAY[array_fill(0.1::real, ARRAY[384])::embedding(384)])$$;

-- Either voice, either order, one direction.
SELECT t.text, e.relation, e.source, e.target, e.kind, e.confidence, e.span
FROM (VALUES
    (1, 'Heavy rain caused severe flooding.'),
    (2, 'Severe flooding was caused by heavy rain.'),
    (3, 'Revenue fell 3% because of weak demand for memory chips.'),
    (4, 'The outage was not caused by the storm.'),
    (5, 'What caused the outage?'),
    (6, 'A blister is a pocket of fluid under the skin.'),
    (7, 'Beats was acquired by Apple in 2014.'),
    (8, 'Foxconn supplies parts to Apple, and Apple competes with Samsung.'),
    (9, 'Stress-induced headaches are common.')
) AS t (n, text) LEFT JOIN LATERAL sutra_extract(t.text) AS e ON true
ORDER BY t.n, e.span, e.source;
-- The span is in characters, whatever their bytes.
SELECT substring(text FROM lower(span) FOR upper(span) - lower(span)) AS stated
FROM (VALUES ('Zürich, naïve: heavy snow led to späte Züge.')) AS t (text), sutra_extract(text);
SELECT count(*) FROM sutra_extract(NULL);
SELECT count(*) FROM sutra_extract('');
SELECT count(*) FROM sutra_extract(repeat('Rain caused floods. ', 100000));

-- Learned: the ends are concepts, the evidence is the statement.
SELECT learn('Apple Inc. makes phones.', '{"ticker": "AAPL", "name": "Apple Inc.", "sector": "Information Technology"}') IS NOT NULL AS learned;
SELECT learn('Severe flooding was caused by heavy rain.') IS NOT NULL AS learned;
SELECT learn('Heavy rain led to delays, and Apple acquired Beats.') IS NOT NULL AS learned;
SELECT source_label, e.kind, relation, target_label, e.confidence, c.content AS evidence
FROM sutra.graph_edges AS e JOIN sutra.concept AS c ON c.space = e.space AND c.id = e.evidence
WHERE e.kind = 'causal' OR relation IN ('is a', 'acquires') ORDER BY 1, 3, 4;
-- A known company is that company, whatever it is called in the text; a phrase is no name of anything.
SELECT e.content, e.metadata, array(SELECT a.key FROM sutra.alias AS a WHERE a.entity = e.id ORDER BY 1) AS aliases
FROM sutra.concept AS e WHERE e.kind = 'entity' ORDER BY e.content;
-- Learning again changes nothing; forgetting takes the edges and the phrases that nothing else speaks of.
SELECT learn('Severe flooding was caused by heavy rain.') IS NOT NULL AS learned;
SELECT count(*) FROM sutra.association WHERE kind = 'causal';
SELECT sutra_forget(id) FROM sutra.concept WHERE content = 'Severe flooding was caused by heavy rain.';
SELECT source_label, relation, target_label FROM sutra.graph_edges WHERE kind = 'causal';
SELECT content FROM sutra.concept WHERE kind = 'entity' ORDER BY content;

-- The edges of one text are bounded: the surest 64.
SELECT learn(string_agg(format('The number%s storm caused the number%s delay.', n, n), ' ')) IS NOT NULL AS learned FROM generate_series(1, 200) AS n;
SELECT count(*) FROM sutra.association AS a JOIN sutra.concept AS c ON c.space = a.space AND c.id = a.evidence
WHERE a.kind = 'causal' AND c.content LIKE 'The number1 storm%';

-- Nobody needs a right to read what a text states.
CREATE ROLE regress_reader;
SET ROLE regress_reader;
SELECT source, target FROM sutra_extract('Heavy rain caused severe flooding.');
RESET ROLE;
DROP ROLE regress_reader;
