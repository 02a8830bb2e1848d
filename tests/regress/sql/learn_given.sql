-- Given vectors need neither runtime nor model: the manifest tells their dimension.
SET sutra.runtime_library = '/nonexistent/libonnxruntime.so';
SELECT count(*) FROM sutra_learn_batch(
    ARRAY['Apple rose.', 'Microsoft fell.'],
    ARRAY['{"company": "AAPL", "date": "2019-01-02", "price_close": 157.92}', '{"company": "MSFT"}']::jsonb[],
    ARRAY[('[' || repeat('0,', 383) || '1]')::embedding, ('[1' || repeat(',0', 383) || ']')::embedding]);
SELECT c.content, v.embedding <=> ('[1' || repeat(',0', 383) || ']')::embedding AS distance
FROM sutra.vector_all_minilm_l6_v2 AS v JOIN sutra.concept AS c ON c.id = v.concept ORDER BY 2;
SELECT ticker, day, close FROM sutra.ohlcv;
-- Learning again without a vector needs none either, because there is one.
SELECT sutra_learn('Apple rose.') IS NOT NULL AS learned;
-- A new content does, and leaves nothing behind.
\set VERBOSITY sqlstate
SELECT sutra_learn('Garmin rose.', '{"company": "GRMN"}');
SELECT content FROM sutra.concept ORDER BY content;
