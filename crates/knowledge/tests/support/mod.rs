//! A store in memory, filled by the code that learning uses from statements with metadata, for tests without a server.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use sutra_knowledge::graph::{Budget, Edge, Edges, paths};
use sutra_knowledge::metadata::{self, Role, Roles};
use sutra_knowledge::store::*;
use sutra_knowledge::{identity, names};

/// The tables as their definition ships them: the words for metrics and the roles of metadata keys are data there.
const TABLES: &str = include_str!("../../../../sql/40_tables.sql");

struct Observed {
    entity: u64,
    unit: Option<String>,
    point: Point,
}

/// Everything learned, in plain vectors.
pub struct Memory {
    entities: BTreeMap<u64, Entity>,
    aliases: Vec<(String, String, AliasKind, u64)>,
    // By metric, in the order of learning.
    observations: BTreeMap<String, Vec<Observed>>,
    facts: Vec<(u64, String, String, u64, u64)>,
    statements: BTreeMap<u64, String>,
    // The words of each statement by key, for retrieval.
    words: BTreeMap<u64, HashSet<String>>,
    // The statements that observations were read from.
    observed: HashSet<u64>,
    times: BTreeMap<u64, i64>,
    metrics: Vec<Metric>,
    roles: Roles,
    // Bytes of the names that were looked up at once, at most.
    most_asked: AtomicUsize,
}

/// The rows of one INSERT of the table definitions: each row's fields, quotes taken off.
fn shipped(table: &str) -> Vec<Vec<String>> {
    let start = TABLES.find(&format!("INSERT INTO sutra.{table} ")).expect("the table has shipped rows");
    let body = &TABLES[start..];
    let body = &body[body.find("VALUES").unwrap() + 6..body.find(";\n").unwrap()];
    let mut rows = Vec::new();
    for line in body.lines().map(str::trim).filter(|line| line.starts_with('(')) {
        let mut fields = vec![String::new()];
        let mut quoted = false;
        for character in line.trim_start_matches('(').trim_end_matches([',', ';']).trim_end_matches(')').chars() {
            match character {
                '\'' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                ' ' if !quoted => {}
                character => fields.last_mut().unwrap().push(character),
            }
        }
        rows.push(fields);
    }
    rows
}

fn present(field: &str) -> Option<String> {
    (field != "NULL").then(|| field.to_owned())
}

impl Memory {
    /// A store that has learned nothing.
    pub fn new() -> Self {
        let metrics: Vec<Metric> = shipped("metric")
            .into_iter()
            .map(|row| Metric {
                name: row[0].clone(),
                words: row[1].trim_matches(['{', '}']).split(',').map(str::to_owned).collect(),
                label: row[2].clone(),
                unit: present(&row[3]),
                aggregate: match row[4].as_str() {
                    "sum" => Aggregate::Sum,
                    "last" => Aggregate::Last,
                    _ => Aggregate::Mean,
                },
            })
            .collect();
        let mut roles = Roles::default();
        for row in shipped("metadata_role") {
            let role = match row[1].as_str() {
                "company" => Role::Company,
                "ticker" => Role::Ticker,
                "name" => Role::Name,
                "date" => Role::Date,
                "period" => Role::Period,
                "metric" => Role::Metric(present(&row[2])),
                "fact" => Role::Fact { relation: row[3].clone(), kind: row[4].clone() },
                _ => Role::Ignore,
            };
            roles.keys.insert(row[0].clone(), role);
        }
        for metric in &metrics {
            roles.units.extend(metric.unit.clone().map(|unit| (metric.name.clone(), unit)));
        }
        Memory {
            most_asked: AtomicUsize::new(0),
            entities: BTreeMap::new(),
            aliases: vec![],
            observations: BTreeMap::new(),
            facts: vec![],
            statements: BTreeMap::new(),
            words: BTreeMap::new(),
            observed: HashSet::new(),
            times: BTreeMap::new(),
            metrics,
            roles,
        }
    }

    /// Adds a metric's words, as a row of sutra.metric would.
    #[allow(dead_code, reason = "not every test has a domain of its own")]
    pub fn metric(&mut self, name: &str, words: &[&str], label: &str, unit: &str, aggregate: Aggregate) {
        self.metrics.push(Metric {
            name: name.into(),
            words: words.iter().map(|word| (*word).into()).collect(),
            label: label.into(),
            unit: Some(unit.into()),
            aggregate,
        });
    }

    fn id(kind: &str, content: &str) -> u64 {
        identity::id(&identity::digest("default", kind, content))
    }

    fn alias(&mut self, text: &str, kind: AliasKind, entity: u64) {
        let row = (names::key(text), text.to_owned(), kind, entity);
        if !self.aliases.contains(&row) {
            self.aliases.push(row);
        }
    }

    /// Learns a statement.
    pub fn learn(&mut self, content: &str, json: &str) {
        let entries = metadata::entries(json).expect("metadata is an object");
        let reading = metadata::read(content, &entries, &self.roles, None).expect("metadata can be read");
        let statement = Self::id("statement", content);
        self.statements.insert(statement, content.to_owned());
        self.words.insert(statement, names::key(content).split(' ').map(str::to_owned).collect());
        if let Some((from, _)) = reading.observed {
            self.times.insert(statement, from.as_microsecond());
        }
        let mut subject_id = None;
        for subject in &reading.subjects {
            let known = subject
                .ticker
                .is_none()
                .then(|| {
                    self.aliases.iter().find(|alias| alias.0 == names::key(&subject.canonical)).map(|alias| alias.3)
                })
                .flatten();
            let id = known.unwrap_or_else(|| Self::id("entity", &subject.canonical));
            let entity =
                self.entities.entry(id).or_insert_with(|| Entity { id, name: subject.canonical.clone(), title: None });
            if entity.title.is_none() {
                entity.title = subject.name.clone().filter(|name| *name != entity.name);
            }
            for alias in &subject.aliases {
                let kind = match alias.kind {
                    metadata::AliasKind::Ticker => AliasKind::Ticker,
                    metadata::AliasKind::Name => AliasKind::Name,
                    metadata::AliasKind::Short => AliasKind::Short,
                };
                self.alias(&alias.text, kind, id);
            }
            subject_id = Some(id);
        }
        let Some(entity) = subject_id else { return };
        for fact in &reading.facts {
            let target = Self::id("entity", &fact.value);
            self.entities.entry(target).or_insert_with(|| Entity { id: target, name: fact.value.clone(), title: None });
            self.alias(&fact.value, AliasKind::Name, target);
            self.facts.push((entity, fact.relation.clone(), fact.kind.clone(), target, statement));
        }
        if !reading.observations.is_empty() {
            self.observed.insert(statement);
        }
        for observation in &reading.observations {
            let at = reading.at.expect("an observation has a time").as_microsecond();
            self.observations.entry(observation.metric.clone()).or_default().push(Observed {
                entity,
                unit: observation.unit.clone(),
                point: Point { at, value: observation.value, concept: statement },
            });
        }
    }

    /// The most bytes of names that were looked up at once.
    #[allow(dead_code, reason = "not every program of tests asks")]
    pub fn most_asked(&self) -> usize {
        self.most_asked.load(Ordering::Relaxed)
    }

    fn aliases_where(&self, wanted: impl Fn(&str) -> bool) -> Vec<Alias> {
        let found = self.aliases.iter().filter(|alias| wanted(&alias.0));
        let mut found: Vec<Alias> = found
            .map(|(key, alias, kind, entity)| {
                let mut value_of: Vec<String> =
                    self.facts.iter().filter(|fact| fact.3 == *entity).map(|fact| fact.1.clone()).collect();
                value_of.sort();
                value_of.dedup();
                Alias {
                    key: key.clone(),
                    alias: alias.clone(),
                    kind: *kind,
                    entity: self.entities[entity].clone(),
                    observed: self.observations.values().flatten().any(|observed| observed.entity == *entity),
                    value_of,
                }
            })
            .collect();
        found.sort_by(|one, two| (&one.key, one.entity.id, one.kind).cmp(&(&two.key, two.entity.id, two.kind)));
        found
    }

    fn select(&self, scope: Scope<'_>, metric: &str, window: Window) -> Vec<Series> {
        let mut by_entity: BTreeMap<u64, Series> = BTreeMap::new();
        for observed in self.observations.get(metric).into_iter().flatten() {
            let inside = match scope {
                Scope::Entities(ids) => ids.contains(&observed.entity),
                Scope::Everything => true,
            };
            let at = observed.point.at;
            if inside && window.from.is_none_or(|from| at >= from) && window.before.is_none_or(|before| at < before) {
                let series = by_entity.entry(observed.entity).or_insert_with(|| Series {
                    entity: observed.entity,
                    unit: observed.unit.clone(),
                    points: vec![],
                });
                series.points.push(observed.point);
            }
        }
        let mut found: Vec<Series> = by_entity.into_values().collect();
        for series in &mut found {
            series.points.sort_by_key(|point| (point.at, point.concept));
        }
        found
    }

    fn fact(&self, row: &(u64, String, String, u64, u64)) -> Fact {
        Fact {
            entity: self.entities[&row.0].clone(),
            relation: row.1.clone(),
            kind: row.2.clone(),
            target: self.entities[&row.3].clone(),
            confidence: 1.0,
            evidence: Some(row.4),
        }
    }
}

/// The facts as edges of a graph.
struct Walk<'a> {
    facts: &'a [(u64, String, String, u64, u64)],
    kinds: &'a [&'a str],
}

impl Walk<'_> {
    fn edges(&self, wanted: impl Fn(&(u64, String, String, u64, u64)) -> bool) -> Vec<Edge> {
        let found = self.facts.iter().filter(|fact| self.kinds.contains(&fact.2.as_str()) && wanted(fact));
        let edge = |fact: &(u64, String, String, u64, u64)| Edge {
            source: fact.0,
            target: fact.3,
            kind: fact.2.as_str().into(),
            relation: fact.1.as_str().into(),
            confidence: 1.0,
            evidence: Some(fact.4),
        };
        found.map(edge).collect()
    }
}

impl Edges for Walk<'_> {
    fn leaving(&mut self, nodes: &[u64], _most: usize) -> Vec<Edge> {
        self.edges(|fact| nodes.contains(&fact.0))
    }

    fn entering(&mut self, nodes: &[u64], _most: usize) -> Vec<Edge> {
        self.edges(|fact| nodes.contains(&fact.3))
    }

    fn expired(&mut self) -> bool {
        false
    }
}

impl Store for Memory {
    fn aliases(&self, keys: &[String]) -> Vec<Alias> {
        self.most_asked.fetch_max(keys.iter().map(String::len).sum(), Ordering::Relaxed);
        self.aliases_where(|key| keys.iter().any(|wanted| wanted == key))
    }

    fn names_with(&self, words: &[String]) -> Vec<Alias> {
        self.aliases_where(|key| {
            let (first, last) = (key.split(' ').next(), key.rsplit(' ').next());
            first != last && words.iter().any(|word| first == Some(word) || last == Some(word))
        })
    }

    fn metrics(&self) -> Vec<Metric> {
        self.metrics.clone()
    }

    fn observed_metrics(&self, names: &[String]) -> Vec<String> {
        let observed = |name: &&String| self.observations.contains_key(*name);
        names.iter().filter(observed).cloned().collect()
    }

    fn relations(&self) -> Vec<String> {
        let mut relations: Vec<String> = self
            .roles
            .keys
            .values()
            .filter_map(|role| if let Role::Fact { relation, .. } = role { Some(relation.clone()) } else { None })
            .collect();
        relations.sort();
        relations
    }

    fn entities(&self, ids: &[u64]) -> Vec<Entity> {
        ids.iter().filter_map(|id| self.entities.get(id)).cloned().collect()
    }

    fn extents(&self, entities: &[u64], metric: &str) -> Vec<Extent> {
        self.select(Scope::Entities(entities), metric, Window::default())
            .into_iter()
            .map(|series| Extent {
                entity: series.entity,
                first: series.points[0].at,
                last: series.points[series.points.len() - 1].at,
            })
            .collect()
    }

    fn newest(&self, metric: &str) -> Option<i64> {
        self.observations.get(metric)?.iter().map(|observed| observed.point.at).max()
    }

    fn series(&self, scope: Scope<'_>, metric: &str, window: Window) -> Vec<Series> {
        self.select(scope, metric, window)
    }

    fn last(&self, entities: &[u64], metric: &str, count: usize, before: Option<i64>) -> Vec<Series> {
        let mut found = self.select(Scope::Entities(entities), metric, Window { from: None, before });
        for series in &mut found {
            let mut moments: Vec<i64> = series.points.iter().map(|point| point.at).collect();
            moments.dedup();
            if let Some(from) = moments.len().checked_sub(count).and_then(|skip| moments.get(skip)).copied() {
                series.points.retain(|point| point.at >= from);
            }
        }
        found
    }

    fn neighbours(&self, entity: u64, metric: &str, at: i64) -> (Option<i64>, Option<i64>) {
        let series = self.select(Scope::Entities(&[entity]), metric, Window::default());
        let moments: Vec<i64> = series.iter().flat_map(|series| series.points.iter().map(|point| point.at)).collect();
        (
            moments.iter().copied().filter(|moment| *moment < at).max(),
            moments.iter().copied().filter(|moment| *moment > at).min(),
        )
    }

    fn facts(&self, entities: &[u64], relation: Option<&str>) -> Vec<Fact> {
        let rows =
            self.facts.iter().filter(|fact| entities.contains(&fact.0) && relation.is_none_or(|one| fact.1 == one));
        let mut facts: Vec<Fact> = rows.map(|row| self.fact(row)).collect();
        facts.sort_by(|one, two| {
            (one.entity.id, &one.relation, &one.target.name).cmp(&(two.entity.id, &two.relation, &two.target.name))
        });
        facts
    }

    fn members(&self, value: u64, relation: Option<&str>) -> Vec<Fact> {
        let rows = self.facts.iter().filter(|fact| fact.3 == value && relation.is_none_or(|one| fact.1 == one));
        let mut facts: Vec<Fact> = rows.map(|row| self.fact(row)).collect();
        facts.sort_by(|one, two| (&one.entity.name, &one.relation).cmp(&(&two.entity.name, &two.relation)));
        facts
    }

    fn ways(&self, query: paths::Query, kinds: &[&str]) -> paths::Found {
        paths::find(&mut Walk { facts: &self.facts, kinds }, query, Budget { nodes: 10_000, edges: 100_000 })
    }

    fn statements(&self, ids: &[u64]) -> Vec<(u64, String)> {
        ids.iter().filter_map(|id| self.statements.get(id).map(|text| (*id, text.clone()))).collect()
    }

    /// By the share of the question's words that a statement holds, the rare ones counting more.
    fn passages(&self, question: &str, count: usize, _worth: &dyn Fn(&[Passage]) -> bool) -> Vec<Passage> {
        let key = names::key(question);
        let asked: HashSet<&str> = key.split(' ').collect();
        let rarity: Vec<(&str, f64)> = asked
            .into_iter()
            .map(|word| {
                let holding = self.words.values().filter(|held| held.contains(word)).count();
                (word, (1.0 + self.words.len() as f64 / (1 + holding) as f64).ln())
            })
            .collect();
        let all: f64 = rarity.iter().map(|(_, weight)| weight).sum();
        let mut found: Vec<(u64, f64)> = self
            .words
            .iter()
            .map(|(id, held)| {
                let common: f64 =
                    rarity.iter().filter(|(word, _)| held.contains(*word)).map(|(_, weight)| weight).sum();
                (*id, common / all.max(f64::MIN_POSITIVE))
            })
            .filter(|(_, score)| *score > 0.0)
            .collect();
        found.sort_by(|one, two| two.1.total_cmp(&one.1).then(one.0.cmp(&two.0)));
        found.truncate(count);
        let passage = |(concept, score)| Passage {
            concept,
            content: self.statements[&concept].clone(),
            score,
            observed: self.observed.contains(&concept),
            at: self.times.get(&concept).copied(),
        };
        found.into_iter().map(passage).collect()
    }
}
