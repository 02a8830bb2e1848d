-- The graph: neighbours by kind and direction, the views.
SELECT sutra_learn('Apple (AAPL) makes phones.', '{"company": "AAPL", "name": "Apple", "sector": "Information Technology", "part_of": "Big Tech"}') AS phones \gset
SELECT sutra_learn('Microsoft (MSFT) makes software.', '{"company": "MSFT", "name": "Microsoft", "sector": "Information Technology"}') AS software \gset
SELECT sutra_learn('A shortage of chips.') AS shortage \gset
SELECT sutra_associate(:'shortage', :'phones', 'causal', 'delays', 0.7) AS new;
SELECT id AS apple FROM sutra.concept WHERE content = 'AAPL' \gset
SELECT id AS sector FROM sutra.concept WHERE content = 'Information Technology' \gset

SELECT content, outgoing, kind, relation, confidence FROM sutra_neighbors(:'apple') ORDER BY content;
SELECT content, relation FROM sutra_neighbors(:'apple', '{hierarchical}');
SELECT content, relation FROM sutra_neighbors(:'apple', direction => 'in');
SELECT content, relation FROM sutra_neighbors(:'sector', '{hierarchical}', 'in') ORDER BY content;
SELECT content, relation, confidence FROM sutra_neighbors(:'phones', max_neighbors => 100, direction => 'in');
SELECT count(*) FROM sutra_neighbors(:'apple', max_neighbors => 1);
SELECT count(*) FROM sutra_neighbors('0000000000000000');
SELECT kind, count(*) FROM sutra.graph_nodes GROUP BY kind ORDER BY kind;
SELECT source_label, relation, target_label FROM sutra.graph_edges WHERE kind = 'compositional';

-- Another space has another graph.
SET sutra.space = 'elsewhere';
SELECT count(*) FROM sutra_neighbors(:'apple');
RESET sutra.space;

\set SHOW_CONTEXT never
SELECT * FROM sutra_neighbors(NULL);
SELECT * FROM sutra_neighbors(:'apple', direction => 'up');
SELECT * FROM sutra_neighbors(:'apple', max_neighbors => 0);
SELECT * FROM sutra_neighbors(:'apple', '{friendly}');
