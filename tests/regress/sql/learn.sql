-- Learning: what one statement gives, learning again, batches, given vectors.
\set VERBOSITY terse
SET sutra.embedding_threads = 1;

-- A price bar in the reference's form, without any set-up.
SELECT sutra_learn(
    'Apple Inc. (AAPL) financial data for 2019-01-02: Stock opened at $154.89, closed at $157.92, with high of $158.85 and low of $154.23. Trading volume was 37,039,700 shares.',
    '{"source": "financial_market_data", "company": "AAPL", "date": "2019-01-02", "data_type": "daily_ohlcv", "price_open": "154.89", "price_high": "158.85", "price_low": "154.23", "price_close": "157.92", "price_volume": "37039700"}'
) AS bar \gset
SELECT id, kind, left(content, 40) AS content, metadata, observed AT TIME ZONE 'UTC' IS NOT NULL AS has_time, times_learned
FROM (SELECT id, kind, content, metadata, lower(observed) AS observed, times_learned FROM sutra.concept) AS c ORDER BY kind, content;
SELECT lower(observed) AT TIME ZONE 'UTC' AS since, upper(observed) AT TIME ZONE 'UTC' AS until FROM sutra.concept WHERE id = :'bar';
SELECT key, kind, alias, entity FROM sutra.alias ORDER BY key;
SELECT source_label, kind, relation, target_label, confidence, evidence = source AS by_itself FROM (
    SELECT left(source_label, 17) AS source_label, kind, relation, target_label, confidence, evidence, source FROM sutra.graph_edges) AS e;
SELECT metric, at AT TIME ZONE 'UTC' AS at, value, unit, concept = :'bar' AS from_bar FROM sutra.observation ORDER BY metric;
SELECT vector_dims(embedding), chunk, concept = :'bar' AS of_bar FROM sutra.vector_all_minilm_l6_v2;
SELECT terms @@ to_tsquery('english', 'trading & volumes') AS found FROM sutra.concept WHERE id = :'bar';

-- The profile knows name and facts; the entity is the same.
SELECT sutra_learn(
    'Apple Inc. (AAPL) is a company in the Information Technology sector, headquartered in Cupertino, California, founded in 1977.',
    '{"source": "company_profile", "data_type": "profile", "company": "AAPL", "name": "Apple Inc.", "sector": "Information Technology", "headquarters": "Cupertino, California", "founded": 1977}') AS profile \gset
SELECT content, metadata FROM sutra.concept WHERE kind = 'entity' ORDER BY content;
SELECT source_label, kind, relation, target_label FROM sutra.graph_edges WHERE kind <> 'semantic' ORDER BY relation;
SELECT key, kind FROM sutra.alias ORDER BY key, kind;

-- Learning the same again, written with other white space, keeps the id and merges the metadata.
SELECT sutra_learn(E'  Apple Inc. (AAPL) is a company in the Information Technology sector,\n headquartered in Cupertino, California, founded in 1977. ',
    '{"sector": "Technology", "employees": "164K"}') = :'profile' AS same;
SELECT times_learned, strength > 1 AS stronger, metadata, replaced #- '{0,until}' AS replaced, replaced -> 0 ? 'until' AS dated,
    content ~ E'\n' AS rewritten
FROM sutra.concept WHERE id = :'profile';
SELECT target_label FROM sutra.graph_edges WHERE relation = 'sector';
SELECT count(*) AS vectors FROM sutra.vector_all_minilm_l6_v2;

-- Other metadata add their observations; a changed number takes the place of the old one.
SELECT sutra_learn('Apple reported record earnings.', '{"company": "AAPL"}') AS report \gset
SELECT sutra_learn('Apple reported record earnings.', '{"period": "Q1 2019", "revenue": "$84.3 billion", "margin": "38%"}') = :'report' AS same;
SELECT metric, at AT TIME ZONE 'UTC' AS at, value, unit FROM sutra.observation WHERE concept = :'report' ORDER BY metric;
SELECT sutra_learn('Apple reported record earnings.', '{"period": "Q2 2019"}') = :'report' AS same;
SELECT metric, at AT TIME ZONE 'UTC' AS at, value, unit FROM sutra.observation WHERE concept = :'report' ORDER BY metric;
SELECT sutra_learn('Apple reported record earnings.', NULL) = :'report' AS same;
SELECT times_learned, metadata FROM sutra.concept WHERE id = :'report';

-- A name without a ticker finds the entity, and one learned first is merged when proven the same.
SELECT sutra_learn('Apple opened a store.', '{"company": "apple"}') AS store \gset
SELECT target_label FROM sutra.graph_edges WHERE source = :'store';
SELECT sutra_learn('Garmin sells watches.', '{"company": "Garmin", "date": "2019-05-01", "headcount": 13000}') AS watches \gset
SELECT target_label FROM sutra.graph_edges WHERE source = :'watches';
SELECT sutra_learn('Garmin (GRMN) is a company.', '{"company": "GRMN", "name": "Garmin"}') IS NOT NULL AS learned;
SELECT target_label FROM sutra.graph_edges WHERE source = :'watches';
SELECT e.content, o.metric, o.value FROM sutra.observation o JOIN sutra.concept e ON e.id = o.entity WHERE o.concept = :'watches';
SELECT content, metadata FROM sutra.concept WHERE kind = 'entity' AND content ~* 'garmin|grmn';

-- Known names in the text are mentions too, by rules of writing; the longest wins, and an ambiguous one is none.
SELECT sutra_learn('Investors compared Apple with Garmin and AAPL with GRMN in a garmin shop.') AS compared \gset
SELECT target_label, confidence FROM sutra.graph_edges WHERE source = :'compared' ORDER BY target_label;
SELECT sutra_learn('Nobody compared an apple with anything in Cupertino, California.') AS fruit \gset
SELECT target_label, confidence FROM sutra.graph_edges WHERE source = :'fruit' ORDER BY target_label;

-- A user's row says what a key means here, and overrides the shipped one.
INSERT INTO sutra.metadata_role (space, key, role, metric) VALUES ('default', 'site', 'name', NULL), ('default', 'temp', 'metric', 'temperature'), ('default', 'source', 'name', NULL);
INSERT INTO sutra.metric (space, name, label, unit) VALUES ('default', 'temperature', 'temperature', 'degrees Celsius');
SELECT sutra_learn('It was warm.', '{"site": "Bergen", "day": "3 May 2019", "temp": 14.5}') AS weather \gset
SELECT e.content, o.metric, o.value, o.unit FROM sutra.observation o JOIN sutra.concept e ON e.id = o.entity WHERE o.concept = :'weather';

-- A batch: ids in the order of the contents, duplicates learned one after the other, numbers of any precision kept.
SELECT count(*), count(DISTINCT id) FROM sutra_learn_batch(
    ARRAY['One', 'Two', 'One', 'Three'],
    ARRAY['{"a": 1}', NULL, '{"a": 2}', '{"big": 123456789012345678901234567890.10}']::jsonb[]) AS id;
SELECT content, times_learned, metadata, jsonb_array_length(replaced) AS replaced FROM sutra.concept WHERE content IN ('One', 'Two', 'Three') ORDER BY content;
SELECT array_agg(c.content ORDER BY b.ordinality) AS in_order
FROM sutra_learn_batch(ARRAY['Three', 'One', 'Two']) WITH ORDINALITY AS b (id, ordinality) JOIN sutra.concept c USING (id);
SELECT count(*) FROM sutra_learn_batch('{}');

-- Given vectors are stored as they are; learning without one leaves them.
SELECT sutra_learn_batch(ARRAY['Given one', 'Given two'], NULL,
    ARRAY[('[' || repeat('0.5,', 383) || '1]')::embedding, ('[' || repeat('0,', 383) || '1]')::embedding]) IS NOT NULL AS learned;
SELECT sutra_learn('Given two') IS NOT NULL AS learned;
SELECT c.content, subvector(v.embedding, 384, 1) = '[1]' AS kept
FROM sutra.vector_all_minilm_l6_v2 v JOIN sutra.concept c ON c.id = v.concept WHERE c.content LIKE 'Given%' ORDER BY 1;

-- Quotes, backslashes and emoji are text like any other.
SELECT sutra_learn('It''s "quoted" \ back\\slashed; $1 %s 🍎 ½ é', '{"k\"ey": "v''al\\ue 🍎"}') AS quoted \gset
SELECT content, metadata FROM sutra.concept WHERE id = :'quoted';

-- A megabyte of text, and a megabyte of different words, which no tsvector could hold.
SELECT sutra_learn(repeat('A long story. ', 75000)) AS story \gset
SELECT length(content), length(terms) AS words FROM sutra.concept WHERE id = :'story';
SELECT sutra_learn((SELECT string_agg('w' || md5(n::text), ' ') FROM generate_series(1, 31000) AS n)) AS distinct_words \gset
SELECT length(content), length(terms) AS words FROM sutra.concept WHERE id = :'distinct_words';

-- Spaces are apart: the same content is another concept, and nothing is shared.
SET sutra.space = 'elsewhere';
SELECT sutra_learn('One', '{"company": "AAPL"}') IS NOT NULL AS learned;
SELECT space, count(DISTINCT id) FROM sutra.concept WHERE content IN ('One', 'AAPL') GROUP BY space ORDER BY space;
SELECT key FROM sutra.alias WHERE space = 'elsewhere';
RESET sutra.space;

-- Every edge and observation ends in a concept of its space.
SELECT count(*) FILTER (WHERE s.id IS NULL OR t.id IS NULL) AS dangling
FROM sutra.association a LEFT JOIN sutra.concept s ON (s.space, s.id) = (a.space, a.source) LEFT JOIN sutra.concept t ON (t.space, t.id) = (a.space, a.target);

-- An edge by hand.
SELECT sutra_associate(:'report', :'bar', 'causal', 'led to', 0.8) AS new, sutra_associate(:'report', :'bar', 'causal', 'led to', 0.9, :'profile') AS again;
SELECT kind, relation, confidence, evidence = :'profile' AS cited FROM sutra.association WHERE source = :'report' AND target = :'bar';
