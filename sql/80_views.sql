-- Views for charts and notebooks. They show each role what it may see in the tables, by its own privileges.

CREATE VIEW sutra.ohlcv WITH (security_invoker = true) AS
    SELECT o.space, t.alias AS ticker,
        CASE WHEN e.metadata OPERATOR(pg_catalog.?) 'name' THEN e.metadata OPERATOR(pg_catalog.->>) 'name' ELSE e.content END AS name,
        (o.at AT TIME ZONE 'UTC')::date AS day,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'open'))[1] AS open,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'high'))[1] AS high,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'low'))[1] AS low,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'close'))[1] AS close,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'volume'))[1] AS volume,
        o.entity,
        pg_catalog.array_agg(DISTINCT o.concept) AS concepts
    FROM sutra.observation AS o
    JOIN sutra.concept AS c ON c.space OPERATOR(pg_catalog.=) o.space AND c.id OPERATOR(@extschema@.=) o.concept
    JOIN sutra.concept AS e ON e.space OPERATOR(pg_catalog.=) o.space AND e.id OPERATOR(@extschema@.=) o.entity
    LEFT JOIN sutra.alias AS t ON t.space OPERATOR(pg_catalog.=) o.space AND t.entity OPERATOR(@extschema@.=) o.entity
        AND t.kind OPERATOR(pg_catalog.=) 'ticker' AND t.alias OPERATOR(pg_catalog.=) e.content
    WHERE o.metric OPERATOR(pg_catalog.=) ANY (ARRAY['open', 'high', 'low', 'close', 'volume'])
    GROUP BY o.space, o.entity, t.alias, e.metadata, e.content, (o.at AT TIME ZONE 'UTC')::date;
COMMENT ON VIEW sutra.ohlcv IS 'daily price bars, one row a space, entity and day; where statements disagree the one learned last wins, then the lower concept_id';
COMMENT ON COLUMN sutra.ohlcv.space IS 'the space';
COMMENT ON COLUMN sutra.ohlcv.ticker IS 'ticker of the entity; null when none is known';
COMMENT ON COLUMN sutra.ohlcv.name IS 'its name, or what it is called where none is known';
COMMENT ON COLUMN sutra.ohlcv.day IS 'the day, in UTC';
COMMENT ON COLUMN sutra.ohlcv.open IS 'first price; null when it was not learned, as with the other numbers';
COMMENT ON COLUMN sutra.ohlcv.high IS 'highest price';
COMMENT ON COLUMN sutra.ohlcv.low IS 'lowest price';
COMMENT ON COLUMN sutra.ohlcv.close IS 'last price';
COMMENT ON COLUMN sutra.ohlcv.volume IS 'shares traded';
COMMENT ON COLUMN sutra.ohlcv.entity IS 'concept_id of the entity';
COMMENT ON COLUMN sutra.ohlcv.concepts IS 'the statements that the numbers come from';

CREATE VIEW sutra.graph_nodes WITH (security_invoker = true) AS
    SELECT c.space, c.id, c.kind, pg_catalog.left(c.content, 200) AS label, c.metadata, c.observed, c.confidence, c.strength,
        c.times_learned, c.created_at
    FROM sutra.concept AS c;
COMMENT ON VIEW sutra.graph_nodes IS 'the concepts as nodes of a graph';
COMMENT ON COLUMN sutra.graph_nodes.space IS 'the space';
COMMENT ON COLUMN sutra.graph_nodes.id IS 'concept_id of the node';
COMMENT ON COLUMN sutra.graph_nodes.kind IS 'statement, entity or chunk';
COMMENT ON COLUMN sutra.graph_nodes.label IS 'the first 200 characters of its content';
COMMENT ON COLUMN sutra.graph_nodes.metadata IS 'its metadata';
COMMENT ON COLUMN sutra.graph_nodes.observed IS 'the time that it speaks of';
COMMENT ON COLUMN sutra.graph_nodes.confidence IS 'how far it is believed, 0 to 1';
COMMENT ON COLUMN sutra.graph_nodes.strength IS 'grows when it is learned again';
COMMENT ON COLUMN sutra.graph_nodes.times_learned IS 'how often it was learned';
COMMENT ON COLUMN sutra.graph_nodes.created_at IS 'when it was learned first';

CREATE VIEW sutra.graph_edges WITH (security_invoker = true) AS
    SELECT a.space, a.source, pg_catalog.left(s.content, 200) AS source_label, a.kind, a.relation,
        a.target, pg_catalog.left(t.content, 200) AS target_label, a.confidence, a.evidence, a.created_at
    FROM sutra.association AS a
    JOIN sutra.concept AS s ON s.space OPERATOR(pg_catalog.=) a.space AND s.id OPERATOR(@extschema@.=) a.source
    JOIN sutra.concept AS t ON t.space OPERATOR(pg_catalog.=) a.space AND t.id OPERATOR(@extschema@.=) a.target;
COMMENT ON VIEW sutra.graph_edges IS 'the associations as edges of a graph, with what their ends say';
COMMENT ON COLUMN sutra.graph_edges.space IS 'the space';
COMMENT ON COLUMN sutra.graph_edges.source IS 'concept_id of the node that the edge leaves';
COMMENT ON COLUMN sutra.graph_edges.source_label IS 'the first 200 characters of its content';
COMMENT ON COLUMN sutra.graph_edges.kind IS 'what sort of relation it is';
COMMENT ON COLUMN sutra.graph_edges.relation IS 'the relation itself';
COMMENT ON COLUMN sutra.graph_edges.target IS 'concept_id of the node that the edge enters';
COMMENT ON COLUMN sutra.graph_edges.target_label IS 'the first 200 characters of its content';
COMMENT ON COLUMN sutra.graph_edges.confidence IS 'how far it is believed, 0 to 1';
COMMENT ON COLUMN sutra.graph_edges.evidence IS 'the statement that it was read from; null when it was given by hand';
COMMENT ON COLUMN sutra.graph_edges.created_at IS 'when it was learned first';
