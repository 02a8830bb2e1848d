//! Reading for answers: the store of the knowledge crate, served by SQL.
//!
//! One statement for each call, prepared once in a session, over indexes: the cost is that of the rows an answer uses.
//! Everything runs with the caller's rights and in the caller's space.

use crate::catalog::schema;
use crate::prepared;
use crate::search::jsonb::Jsonb;
use crate::types::concept_id::ConceptId;
use pgrx::datum::{DatumWithOid, TimestampWithTimeZone};
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use sutra_knowledge::graph::paths;
use sutra_knowledge::store::{
    Aggregate, Alias, AliasKind, Entity, Extent, Fact, Metric, Passage, Point, Scope, Series, Store, Window,
};

/// Seconds from 1970 to 2000, where PostgreSQL's timestamps begin, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;
/// The first and the last moment of timestamptz, in microseconds from 2000.
const FIRST: i64 = -211_813_488_000_000_000;
const LAST: i64 = 9_223_371_331_199_999_999;
/// Rows that are fetched at once of a long series; interrupts are checked in between.
const FETCHED: i64 = 10_000;
/// Observations that one answer may read: about 600 MB. Beyond it the question has to be narrowed.
const MOST_OBSERVATIONS: usize = 20_000_000;

/// The store of one question: its space, its filter, and a record of what was read.
pub struct SqlStore {
    space: String,
    filter: Option<Jsonb>,
    filter_text: Value,
    record: RefCell<Vec<Value>>,
    // What was found for a text: an answer may look at it twice, and a search is dear.
    searched: RefCell<HashMap<String, (usize, Vec<Passage>)>>,
}

fn failed<T>(result: Result<T, pgrx::spi::Error>) -> T {
    result.unwrap_or_else(|error| error!("a query of sutra_ask failed: {error}"))
}

fn column<T: FromDatum + IntoDatum>(row: &SpiHeapTupleData<'_>, number: usize) -> Option<T> {
    failed(row.get::<T>(number))
}

fn text(row: &SpiHeapTupleData<'_>, number: usize) -> String {
    column(row, number).unwrap_or_default()
}

fn concept(row: &SpiHeapTupleData<'_>, number: usize) -> u64 {
    column::<ConceptId>(row, number).map_or(0, |id| id.0)
}

fn moment(row: &SpiHeapTupleData<'_>, number: usize) -> Option<i64> {
    column::<TimestampWithTimeZone>(row, number).map(|at| i64::from(at).saturating_add(EPOCH))
}

fn timestamp(at: i64) -> TimestampWithTimeZone {
    let Ok(at) = TimestampWithTimeZone::try_from(at.saturating_sub(EPOCH).clamp(FIRST, LAST)) else {
        error!("a time lies outside the range of timestamptz")
    };
    at
}

fn ids(ids: &[u64]) -> Vec<ConceptId> {
    ids.iter().copied().map(ConceptId).collect()
}

fn entity(row: &SpiHeapTupleData<'_>, first: usize) -> Entity {
    let name = text(row, first + 1);
    let title = column::<String>(row, first + 2).filter(|title| *title != name);
    Entity { id: concept(row, first), name, title }
}

impl SqlStore {
    /// A store over what the caller may see in the session's space, restricted by a filter on metadata.
    pub fn new(filter: Option<Jsonb>) -> Self {
        let filter = filter.filter(|filter| !filter.is_empty_object());
        SqlStore {
            space: crate::settings::space(),
            filter_text: json!(filter.is_some()),
            filter,
            record: RefCell::default(),
            searched: RefCell::default(),
        }
    }

    /// What was read so far: statements with the number of their rows.
    pub fn record(&self) -> Value {
        Value::Array(self.record.borrow().clone())
    }

    fn note(&self, sql: &str, rows: usize) {
        let sql = sql.replace("{schema}", &schema()).split_whitespace().collect::<Vec<_>>().join(" ");
        self.record.borrow_mut().push(json!({ "sql": sql, "rows": rows, "filtered": self.filter_text }));
    }

    fn select<T>(
        &self,
        sql: &str,
        arguments: &[DatumWithOid<'_>],
        read: impl Fn(&SpiHeapTupleData<'_>) -> T,
    ) -> Vec<T> {
        pgrx::check_for_interrupts!();
        let rows: Vec<T> = Spi::connect(|client| {
            let statement = failed(prepared::reading(client, sql, arguments));
            failed(client.select(&*statement, None, arguments)).map(|row| read(&row)).collect()
        });
        self.note(sql, rows.len());
        rows
    }

    /// The condition that the filter puts on a concept; `$9` is the filter.
    fn filtered(&self, concept: &str) -> String {
        if self.filter.is_none() {
            return String::new();
        }
        format!(
            " AND EXISTS (SELECT FROM sutra.concept AS f WHERE f.space OPERATOR(pg_catalog.=) $1
                 AND f.id OPERATOR({{schema}}.=) {concept} AND f.metadata OPERATOR(pg_catalog.@>) $2)"
        )
    }

    /// Arguments of a statement: the space, the filter (null without one), and its own.
    fn arguments<'a>(&self, own: Vec<DatumWithOid<'a>>) -> Vec<DatumWithOid<'a>> {
        let mut arguments: Vec<DatumWithOid<'a>> = vec![self.space.clone().into(), self.filter.clone().into()];
        arguments.extend(own);
        arguments
    }

    fn read_series(&self, sql: &str, arguments: &[DatumWithOid<'_>]) -> Vec<Series> {
        let mut by_entity: BTreeMap<u64, Series> = BTreeMap::new();
        let mut total = 0;
        Spi::connect(|client| {
            let statement = failed(prepared::reading(client, sql, arguments));
            let mut cursor = client.open_cursor(&*statement, arguments);
            loop {
                pgrx::check_for_interrupts!();
                let rows = failed(cursor.fetch(FETCHED));
                let fetched = rows.len();
                for row in rows {
                    let (Some(at), Some(value)) = (moment(&row, 2), column::<f64>(&row, 3)) else { continue };
                    let point = Point { at, value, concept: concept(&row, 4) };
                    let owner = concept(&row, 1);
                    let series = by_entity.entry(owner).or_insert_with(|| Series {
                        entity: owner,
                        unit: column(&row, 5),
                        points: Vec::new(),
                    });
                    if series.points.try_reserve(1).is_err() {
                        too_much();
                    }
                    series.points.push(point);
                }
                total += fetched;
                if total > MOST_OBSERVATIONS {
                    too_much();
                }
                if fetched < FETCHED as usize {
                    break;
                }
            }
        });
        self.note(sql, total);
        by_entity.into_values().collect()
    }
}

fn too_much() -> ! {
    crate::error::raise(
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        "the question ranges over too many observations",
        &format!("At most {MOST_OBSERVATIONS} observations are read for one answer."),
        "Name a period, a company or a group of companies.",
    )
}

impl Store for SqlStore {
    fn aliases(&self, keys: &[String]) -> Vec<Alias> {
        self.aliases_where("a.key OPERATOR(pg_catalog.=) ANY ($2)", keys)
    }

    fn names_with(&self, words: &[String]) -> Vec<Alias> {
        // Each half has an index of its own; a word that very many names share names none of them.
        self.aliases_where(
            "a.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(
                (SELECT f.ctid FROM sutra.alias AS f
                 WHERE f.space OPERATOR(pg_catalog.=) $1 AND f.first_word OPERATOR(pg_catalog.=) ANY ($2) LIMIT 1000)
                UNION ALL
                (SELECT l.ctid FROM sutra.alias AS l
                 WHERE l.space OPERATOR(pg_catalog.=) $1 AND l.last_word OPERATOR(pg_catalog.=) ANY ($2) LIMIT 1000)))
             AND a.first_word OPERATOR(pg_catalog.<>) a.last_word",
            words,
        )
    }

    fn metrics(&self) -> Vec<Metric> {
        // Rows of one's own come first: a word that a shipped row has too means what they say.
        const SQL: &str = "SELECT o.name, o.words, o.label, o.unit, o.aggregate
            FROM (SELECT DISTINCT ON (m.name) m.name, m.words, m.label, m.unit, m.aggregate, m.builtin
                  FROM sutra.metric AS m
                  WHERE m.space OPERATOR(pg_catalog.=) $1 OR m.space OPERATOR(pg_catalog.=) '*'
                  ORDER BY m.name, m.space OPERATOR(pg_catalog.=) '*', m.builtin) AS o
            ORDER BY o.builtin, o.name COLLATE pg_catalog.\"C\"";
        self.select(SQL, &[self.space.clone().into()], |row| Metric {
            name: text(row, 1),
            words: column(row, 2).unwrap_or_default(),
            label: text(row, 3),
            unit: column(row, 4),
            aggregate: match text(row, 5).as_str() {
                "sum" => Aggregate::Sum,
                "last" => Aggregate::Last,
                _ => Aggregate::Mean,
            },
        })
    }

    fn observed_metrics(&self, names: &[String]) -> Vec<String> {
        const SQL: &str = "SELECT n.name FROM pg_catalog.unnest($2) AS n(name)
            WHERE EXISTS (SELECT FROM sutra.observation AS o
                          WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.metric OPERATOR(pg_catalog.=) n.name)
            ORDER BY n.name COLLATE pg_catalog.\"C\"";
        self.select(SQL, &[self.space.clone().into(), names.to_vec().into()], |row| text(row, 1))
    }

    fn relations(&self) -> Vec<String> {
        const SQL: &str = "SELECT DISTINCT r.relation FROM sutra.metadata_role AS r
            WHERE r.role OPERATOR(pg_catalog.=) 'fact'
                AND (r.space OPERATOR(pg_catalog.=) $1 OR r.space OPERATOR(pg_catalog.=) '*')
            ORDER BY r.relation";
        self.select(SQL, &[self.space.clone().into()], |row| text(row, 1))
    }

    fn entities(&self, wanted: &[u64]) -> Vec<Entity> {
        const SQL: &str = "SELECT e.id, e.content, e.metadata OPERATOR(pg_catalog.->>) 'name' FROM sutra.concept AS e
            WHERE e.space OPERATOR(pg_catalog.=) $1 AND e.id OPERATOR({schema}.=) ANY ($2)";
        let found = self.select(SQL, &[self.space.clone().into(), ids(wanted).into()], |row| entity(row, 1));
        let by_id: HashMap<u64, Entity> = found.into_iter().map(|entity| (entity.id, entity)).collect();
        wanted.iter().filter_map(|id| by_id.get(id).cloned()).collect()
    }

    fn extents(&self, entities: &[u64], metric: &str) -> Vec<Extent> {
        let condition = self.filtered("o.concept");
        let end = |order: &str| {
            format!(
                "(SELECT o.at FROM sutra.observation AS o
                  WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.entity OPERATOR({{schema}}.=) e.id
                      AND o.metric OPERATOR(pg_catalog.=) $4{condition}
                  ORDER BY o.at {order} LIMIT 1)"
            )
        };
        let sql = format!(
            "SELECT e.id, {}, {} FROM pg_catalog.unnest($3) AS e(id), (SELECT $2::pg_catalog.jsonb) AS filter",
            end("ASC"),
            end("DESC")
        );
        let found = self.select(&sql, &self.arguments(vec![ids(entities).into(), metric.to_owned().into()]), |row| {
            Some(Extent { entity: concept(row, 1), first: moment(row, 2)?, last: moment(row, 3)? })
        });
        found.into_iter().flatten().collect()
    }

    fn newest(&self, metric: &str) -> Option<i64> {
        let sql = format!(
            "SELECT o.at FROM sutra.observation AS o, (SELECT $2::pg_catalog.jsonb) AS filter
             WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.metric OPERATOR(pg_catalog.=) $3{}
             ORDER BY o.at DESC LIMIT 1",
            self.filtered("o.concept")
        );
        self.select(&sql, &self.arguments(vec![metric.to_owned().into()]), |row| moment(row, 1))
            .into_iter()
            .flatten()
            .next()
    }

    fn series(&self, scope: Scope<'_>, metric: &str, window: Window) -> Vec<Series> {
        let (which, entities) = match scope {
            Scope::Entities(entities) => (" AND o.entity OPERATOR({schema}.=) ANY ($6)", entities),
            Scope::Everything => ("", &[] as &[u64]),
        };
        let sql = format!(
            "SELECT o.entity, o.at, o.value, o.concept, o.unit
             FROM sutra.observation AS o, (SELECT $2::pg_catalog.jsonb, $6) AS unused
             WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.metric OPERATOR(pg_catalog.=) $3
                 AND o.at OPERATOR(pg_catalog.>=) $4 AND o.at OPERATOR(pg_catalog.<) $5{which}{}
             ORDER BY o.entity USING OPERATOR({{schema}}.<), o.at, o.concept USING OPERATOR({{schema}}.<)",
            self.filtered("o.concept")
        );
        let from = window.from.unwrap_or(i64::MIN);
        let before = window.before.unwrap_or(i64::MAX);
        let own =
            vec![metric.to_owned().into(), timestamp(from).into(), timestamp(before).into(), ids(entities).into()];
        self.read_series(&sql, &self.arguments(own))
    }

    fn last(&self, entities: &[u64], metric: &str, count: usize, before: Option<i64>) -> Vec<Series> {
        let condition = self.filtered("o.concept");
        let sql = format!(
            "SELECT o.entity, o.at, o.value, o.concept, o.unit
             FROM pg_catalog.unnest($3) AS e(id)
             CROSS JOIN (SELECT $2::pg_catalog.jsonb) AS unused
             CROSS JOIN LATERAL (SELECT pg_catalog.min(m.at) AS at FROM (
                 SELECT DISTINCT o.at FROM sutra.observation AS o
                 WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.entity OPERATOR({{schema}}.=) e.id
                     AND o.metric OPERATOR(pg_catalog.=) $4 AND o.at OPERATOR(pg_catalog.<) $5{condition}
                 ORDER BY o.at DESC LIMIT $6) AS m) AS start
             CROSS JOIN LATERAL (
                 SELECT o.* FROM sutra.observation AS o
                 WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.entity OPERATOR({{schema}}.=) e.id
                     AND o.metric OPERATOR(pg_catalog.=) $4 AND o.at OPERATOR(pg_catalog.>=) start.at
                     AND o.at OPERATOR(pg_catalog.<) $5{condition}) AS o
             ORDER BY o.entity USING OPERATOR({{schema}}.<), o.at, o.concept USING OPERATOR({{schema}}.<)"
        );
        let own = vec![
            ids(entities).into(),
            metric.to_owned().into(),
            timestamp(before.unwrap_or(i64::MAX)).into(),
            i64::try_from(count).unwrap_or(i64::MAX).into(),
        ];
        self.read_series(&sql, &self.arguments(own))
    }

    fn neighbours(&self, owner: u64, metric: &str, at: i64) -> (Option<i64>, Option<i64>) {
        let condition = self.filtered("o.concept");
        let near = |operator: &str, order: &str| {
            format!(
                "(SELECT o.at FROM sutra.observation AS o
                  WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.entity OPERATOR({{schema}}.=) $3
                      AND o.metric OPERATOR(pg_catalog.=) $4 AND o.at OPERATOR(pg_catalog.{operator}) $5{condition}
                  ORDER BY o.at {order} LIMIT 1)"
            )
        };
        let sql =
            format!("SELECT {}, {} FROM (SELECT $2::pg_catalog.jsonb) AS unused", near("<", "DESC"), near(">", "ASC"));
        let own = vec![ConceptId(owner).into(), metric.to_owned().into(), timestamp(at).into()];
        self.select(&sql, &self.arguments(own), |row| (moment(row, 1), moment(row, 2)))
            .into_iter()
            .next()
            .unwrap_or((None, None))
    }

    fn facts(&self, entities: &[u64], relation: Option<&str>) -> Vec<Fact> {
        self.edges("a.source OPERATOR({schema}.=) ANY ($3)", entities, relation)
    }

    fn members(&self, value: u64, relation: Option<&str>) -> Vec<Fact> {
        self.edges("a.target OPERATOR({schema}.=) ANY ($3)", &[value], relation)
    }

    fn ways(&self, query: paths::Query, kinds: &[&str]) -> paths::Found {
        let mut found = crate::graph::walk(query, kinds.iter().map(|kind| (*kind).to_owned()).collect());
        self.record.borrow_mut().push(json!({
            "walk": { "kinds": kinds, "max_depth": query.max_depth, "visited": found.visited, "complete": found.limit.is_none() },
            "rows": found.paths.len(), "filtered": self.filter_text,
        }));
        if self.filter.is_some() && !found.paths.is_empty() {
            let steps = found.paths.iter().flat_map(|path| &path.steps);
            let stated: Vec<u64> = steps.filter_map(|step| step.edge.evidence).collect();
            let sql = format!(
                "SELECT e.id FROM pg_catalog.unnest($3) AS e(id), (SELECT $2::pg_catalog.jsonb) AS unused WHERE true{}",
                self.filtered("e.id")
            );
            let passing = self.select(&sql, &self.arguments(vec![ids(&stated).into()]), |row| concept(row, 1));
            let passes = |evidence: Option<u64>| evidence.is_some_and(|id| passing.contains(&id));
            found.paths.retain(|path| path.steps.iter().all(|step| passes(step.edge.evidence)));
        }
        found
    }

    fn statements(&self, wanted: &[u64]) -> Vec<(u64, String)> {
        const SQL: &str = "SELECT c.id, c.content FROM sutra.concept AS c
            WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)
            ORDER BY c.id USING OPERATOR({schema}.<)";
        self.select(SQL, &[self.space.clone().into(), ids(wanted).into()], |row| (concept(row, 1), text(row, 2)))
    }

    fn passages(&self, question: &str, count: usize, worth: &dyn Fn(&[Passage]) -> bool) -> Vec<Passage> {
        let known = self.searched.borrow().get(question).filter(|(wanted, _)| *wanted >= count).cloned();
        if let Some((_, mut known)) = known {
            known.truncate(count);
            return known;
        }
        let mut by_words = None;
        let found = crate::search::find(question, count, self.filter.clone(), &mut |found| {
            let read = self.read_passages(found);
            let go_on = worth(&read);
            by_words = Some(read);
            go_on
        });
        self.record.borrow_mut().push(json!({
            "search": question, "by": if found.is_some() { "words and meaning" } else { "words" }, "filtered": self.filter_text,
        }));
        match found {
            Some(found) => {
                let found = self.read_passages(&found);
                self.searched.borrow_mut().insert(question.to_owned(), (count, found.clone()));
                found
            }
            None => by_words.unwrap_or_default(),
        }
    }
}

impl SqlStore {
    /// What the statements found say, in their order; those that the caller may not see are left out.
    fn read_passages(&self, found: &[(u64, f32)]) -> Vec<Passage> {
        const SQL: &str = "SELECT c.id, c.content, EXISTS (
                SELECT FROM sutra.observation AS o
                WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.concept OPERATOR({schema}.=) c.id),
                pg_catalog.lower(c.observed)
            FROM sutra.concept AS c
            WHERE c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.=) ANY ($2)";
        let wanted: Vec<u64> = found.iter().map(|(concept, _)| *concept).collect();
        let read = self.select(SQL, &[self.space.clone().into(), ids(&wanted).into()], |row| Passage {
            concept: concept(row, 1),
            content: text(row, 2),
            score: 0.0,
            observed: column(row, 3).unwrap_or(false),
            at: moment(row, 4),
        });
        let mut by_id: HashMap<u64, Passage> = read.into_iter().map(|passage| (passage.concept, passage)).collect();
        let scored = found.iter().filter_map(|(concept, score)| {
            let passage = by_id.remove(concept)?;
            Some(Passage { score: f64::from(*score), ..passage })
        });
        scored.collect()
    }
}

impl SqlStore {
    fn aliases_where(&self, which: &str, words: &[String]) -> Vec<Alias> {
        let sql = format!(
            "SELECT a.key, a.alias, a.kind, e.id, e.content, e.metadata OPERATOR(pg_catalog.->>) 'name', o.seen,
                CASE WHEN NOT o.seen THEN ARRAY(
                    SELECT DISTINCT t.relation
                    FROM (SELECT s.relation FROM sutra.association AS s
                          WHERE s.space OPERATOR(pg_catalog.=) $1 AND s.target OPERATOR({{schema}}.=) e.id
                              AND s.kind OPERATOR(pg_catalog.<>) 'semantic'
                          LIMIT 1000) AS t
                    ORDER BY t.relation) END
            FROM sutra.alias AS a
            JOIN sutra.concept AS e ON e.space OPERATOR(pg_catalog.=) a.space AND e.id OPERATOR({{schema}}.=) a.entity
            CROSS JOIN LATERAL (SELECT EXISTS (
                SELECT FROM sutra.observation AS b
                WHERE b.space OPERATOR(pg_catalog.=) $1 AND b.entity OPERATOR({{schema}}.=) e.id) AS seen) AS o
            WHERE a.space OPERATOR(pg_catalog.=) $1 AND {which}
            ORDER BY a.key, e.id USING OPERATOR({{schema}}.<), a.kind"
        );
        self.select(&sql, &[self.space.clone().into(), words.to_vec().into()], |row| Alias {
            key: text(row, 1),
            alias: text(row, 2),
            kind: match text(row, 3).as_str() {
                "ticker" => AliasKind::Ticker,
                "name" => AliasKind::Name,
                "short" => AliasKind::Short,
                _ => AliasKind::User,
            },
            entity: entity(row, 4),
            observed: column(row, 7).unwrap_or(false),
            value_of: column(row, 8).unwrap_or_default(),
        })
    }

    fn edges(&self, which: &str, entities: &[u64], relation: Option<&str>) -> Vec<Fact> {
        let sql = format!(
            "SELECT s.id, s.content, s.metadata OPERATOR(pg_catalog.->>) 'name',
                 t.id, t.content, t.metadata OPERATOR(pg_catalog.->>) 'name',
                 a.relation, a.kind::pg_catalog.text, a.confidence, a.evidence
             FROM sutra.association AS a
             JOIN sutra.concept AS s ON s.space OPERATOR(pg_catalog.=) $1 AND s.id OPERATOR({{schema}}.=) a.source
             JOIN sutra.concept AS t ON t.space OPERATOR(pg_catalog.=) $1 AND t.id OPERATOR({{schema}}.=) a.target
             CROSS JOIN (SELECT $2::pg_catalog.jsonb) AS unused
             WHERE a.space OPERATOR(pg_catalog.=) $1 AND {which}
                 AND ($4 IS NULL OR a.relation OPERATOR(pg_catalog.=) $4)
                 AND s.kind OPERATOR(pg_catalog.=) 'entity' AND t.kind OPERATOR(pg_catalog.=) 'entity'{}
             ORDER BY s.id USING OPERATOR({{schema}}.<), a.relation COLLATE pg_catalog.\"C\", t.content COLLATE pg_catalog.\"C\", t.id USING OPERATOR({{schema}}.<)",
            self.filtered("a.evidence")
        );
        let own = vec![ids(entities).into(), relation.map(str::to_owned).into()];
        self.select(&sql, &self.arguments(own), |row| Fact {
            entity: entity(row, 1),
            target: entity(row, 4),
            relation: text(row, 7),
            kind: text(row, 8),
            confidence: f64::from(column::<f32>(row, 9).unwrap_or(0.0)),
            evidence: column::<ConceptId>(row, 10).map(|id| id.0),
        })
    }
}
