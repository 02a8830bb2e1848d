-- Forgetting takes along everything that hangs on a concept, and nothing else.
CREATE VIEW census AS
    SELECT (SELECT count(*) FROM sutra.concept WHERE kind = 'statement') AS statements,
        (SELECT string_agg(content, ', ' ORDER BY content) FROM sutra.concept WHERE kind = 'entity') AS entities,
        (SELECT count(*) FROM sutra.association) AS associations, (SELECT count(*) FROM sutra.observation) AS observations,
        (SELECT count(*) FROM sutra.alias) AS aliases;
SELECT sutra_learn_ohlcv('Apple Inc.', 'AAPL', '2019-01-02', 154.89, 158.85, 154.23, 157.92, 37039700) AS first \gset
SELECT sutra_learn_ohlcv('Apple Inc.', 'AAPL', '2019-01-03', 143.98, 145.72, 142, 142.19, 91312200) AS second \gset
SELECT sutra_learn('Apple makes phones.', '{"company": "AAPL", "sector": "Information Technology", "topic": "products"}') AS phones \gset
SELECT sutra_learn('Microsoft makes software.', '{"company": "MSFT", "sector": "Information Technology", "topic": "products"}') AS software \gset
SELECT * FROM census;
SELECT count(*) AS vectors FROM sutra.vector_all_minilm_l6_v2;

SELECT sutra_forget('0000000000000000') AS unknown;
SELECT sutra_forget(:'first');
SELECT * FROM census;
SELECT count(*) AS vectors FROM sutra.vector_all_minilm_l6_v2;
SELECT sutra_forget(:'first') AS again;

-- By filter: Apple stays because a bar speaks of it, Microsoft and the sector go.
SELECT sutra_forget_where('{"topic": "products"}');
SELECT * FROM census;
SELECT sutra_forget_where('{"topic": "products"}') AS again;
SELECT sutra_forget(:'second');
SELECT * FROM census;
SELECT count(*) AS vectors FROM sutra.vector_all_minilm_l6_v2;

-- An entity named by hand stays.
SELECT sutra_learn('Apple rose.', '{"company": "AAPL"}') AS rose \gset
INSERT INTO sutra.alias (key, entity, kind, alias) SELECT 'the fruit', target, 'user', 'the fruit' FROM sutra.association WHERE source = :'rose';
SELECT sutra_forget(:'rose');
SELECT * FROM census;

-- Forgetting is undone by a rollback, and what is learned again is new.
SELECT sutra_learn('Rain fell.') AS rain \gset
BEGIN;
SELECT sutra_forget(:'rain');
ROLLBACK;
SELECT count(*) FROM sutra.concept WHERE id = :'rain';
SELECT sutra_forget(:'rain');
SELECT sutra_learn('Rain fell.') = :'rain' AS same_id;
SELECT times_learned FROM sutra.concept WHERE id = :'rain';

-- What a statement refers to no more when it is learned again goes as well, unless something else keeps it.
SELECT sutra_learn('Globex profile.', '{"ticker": "GLBX", "name": "Globex Corp.", "sector": "Mining"}') AS globex \gset
SELECT sutra_learn('Another profile.', '{"ticker": "OTHR", "sector": "Shipping"}') AS other \gset
SELECT count(sutra_learn('Globex profile.', '{"sector": "Shipping"}'));
SELECT * FROM census;
SELECT count(sutra_learn('Globex profile.', '{"sector": "Energy"}'));
SELECT * FROM census;
SELECT count(sutra_learn('Globex profile.', '{"ticker": "INIT", "name": "Initech", "date": "2024-01-02", "staff": 5}'));
SELECT * FROM census;
SELECT count(sutra_learn('Globex profile.', '{"ticker": "GLBX", "name": "Globex Corp."}'));
SELECT * FROM census;
SELECT sutra_forget(:'globex'), sutra_forget(:'other');
SELECT * FROM census;

-- Only in the session's space.
SET sutra.space = 'elsewhere';
SELECT sutra_forget(:'rain') AS seen_from_elsewhere;
