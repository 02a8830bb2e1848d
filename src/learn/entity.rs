//! Which concept a name stands for.
//!
//! A ticker names its entity. A name without a ticker is looked up among the aliases: when exactly one entity with a
//! ticker goes by it, or exactly one entity at all, it is that one; otherwise it is an entity of its own. When a
//! statement gives a ticker and the name of an entity that was learned without one, the two are proven the same, and the
//! latter is merged into the former. Known names in the text itself make mentions, with less than full confidence.

use super::statements::{column, run};
use crate::types::concept_id::ConceptId;
use pgrx::spi::SpiClient;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use sutra_knowledge::extract::Relation;
use sutra_knowledge::identity::{self, ContentDigest};
use sutra_knowledge::metadata::{Alias, AliasKind, Reading, Subject};
use sutra_knowledge::{mentions, names};

/// An entity that is not stored yet.
pub struct NewEntity {
    /// Its canonical name.
    pub content: String,
    /// Its digest.
    pub digest: ContentDigest,
    /// Its metadata, as JSON text.
    pub metadata: String,
}

/// What resolving the names of some statements asks to be stored.
#[derive(Default)]
pub struct Entities {
    /// Entities to store, by id.
    pub new: BTreeMap<u64, NewEntity>,
    /// Aliases to store: key, entity, kind; the text as written.
    pub aliases: BTreeMap<(String, u64, AliasKind), String>,
    /// Names of entities that were stored without one.
    pub named: BTreeMap<u64, String>,
    /// Entities that turned out to be another: from, into.
    pub merges: BTreeSet<(u64, u64)>,
    known: Known,
    resolved: HashMap<Subject, u64>,
    values: HashMap<String, u64>,
    mentioned: Vec<Vec<mentions::Mention>>,
}

/// Stored aliases and entities, as far as they matter here.
#[derive(Default)]
struct Known {
    // By key: the kind, none for one given by hand; the entity; the alias as written.
    aliases: HashMap<String, Vec<(Option<AliasKind>, u64, String)>>,
    entities: HashMap<u64, Stored>,
    // The entities as they are stored: whether they have a ticker and a name.
    read: HashMap<u64, (bool, bool)>,
}

struct Stored {
    ticker: bool,
    name: bool,
}

/// Resolves every subject and fact of some readings, and every known name in their texts, with one look-up. What it found
/// must then be held, see `hold`.
pub fn resolve(client: &mut SpiClient<'_>, space: &str, readings: &[&Reading], texts: &[&str]) -> Entities {
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    let mut subjects: Vec<&Subject> = Vec::new();
    let mut seen: HashSet<&Subject> = HashSet::new();
    let value_keys: Vec<String> =
        readings.iter().flat_map(|reading| &reading.facts).map(|fact| names::key(&fact.value)).collect();
    for subject in readings.iter().flat_map(|reading| &reading.subjects) {
        if seen.insert(subject) {
            subjects.push(subject);
            keys.extend(subject.aliases.iter().map(|alias| alias.key.as_str()));
        }
    }
    keys.extend(value_keys.iter().map(String::as_str));
    let candidates: Vec<_> = texts.iter().map(|text| mentions::candidates(text)).collect();
    keys.extend(candidates.iter().flatten().map(|candidate| candidate.key.as_str()));
    let mut entities = Entities { known: Known::load(client, space, keys), ..Entities::default() };
    // Tickers first, so that a name in the same batch finds the entity that goes by it.
    for subject in subjects.iter().filter(|subject| subject.ticker.is_some()) {
        entities.subject(space, subject);
    }
    for subject in subjects.iter().filter(|subject| subject.ticker.is_none()) {
        entities.subject(space, subject);
    }
    for fact in readings.iter().flat_map(|reading| &reading.facts) {
        entities.value(space, &fact.value, &fact.kind);
    }
    for (text, candidates) in texts.iter().zip(&candidates) {
        let known = &entities.known.aliases;
        let found = mentions::choose(text, candidates, |key| known.get(key).map_or(&[], Vec::as_slice));
        entities.mentioned.push(found);
    }
    entities
}

impl Entities {
    /// The entity of a subject that was resolved.
    pub fn of(&self, subject: &Subject) -> Option<u64> {
        self.resolved.get(subject).map(|entity| self.merged(*entity))
    }

    /// The entity of a fact's value that was resolved.
    pub fn of_value(&self, value: &str) -> Option<u64> {
        self.values.get(value).map(|entity| self.merged(*entity))
    }

    /// The entities named in a text, by its place, and how surely.
    pub fn named_in(&self, text: usize) -> impl Iterator<Item = (u64, f32)> {
        let mentions = self.mentioned.get(text).into_iter().flatten();
        mentions.map(|mention| (self.merged(mention.entity), mention.confidence))
    }

    /// The concept that stands at the end of a relation: the entity that a known name there names, else the phrase
    /// itself. A phrase has no alias, so no text and no question takes it for a name.
    pub fn end(
        &mut self,
        space: &str,
        place: usize,
        text: &str,
        relation: &Relation,
        range: &Range<usize>,
        name: &str,
    ) -> u64 {
        // "Apple" causes as Apple; "weak sales of Apple" cause as what they are. Between companies the name decides.
        let phrase = names::key(&text[range.clone()]);
        let mut mentions = self.mentioned.get(place).into_iter().flatten().filter(|mention| {
            let overlaps = mention.range.start < range.end && range.start < mention.range.end;
            overlaps && (relation.between_names() || names::key(&text[mention.range.clone()]) == phrase)
        });
        if let Some(mention) = mentions.next_back() {
            return self.merged(mention.entity);
        }
        let id = self.merged(id_of(space, name));
        if !self.known.entities.contains_key(&id) && !self.new.contains_key(&id) {
            self.store(space, id, name, PHRASE.to_owned());
        }
        id
    }

    /// Whether an entity was stored before.
    pub fn is_stored(&self, entity: u64) -> bool {
        self.known.read.contains_key(&entity)
    }

    /// Whether an entity is still what it was when it was read: whether it has a ticker and a name.
    pub fn is_as_read(&self, entity: u64, now: Option<(bool, bool)>) -> bool {
        self.known.read.get(&entity).is_none_or(|read| now == Some(*read))
    }

    /// What an entity is after merging.
    fn merged(&self, entity: u64) -> u64 {
        self.merges.range((entity, 0)..=(entity, u64::MAX)).next().map_or(entity, |(_, into)| *into)
    }

    fn subject(&mut self, space: &str, subject: &Subject) {
        let own = id_of(space, &subject.canonical);
        let entity = match &subject.ticker {
            Some(_) => {
                let merged = self.known.named(subject).into_iter().filter(|other| {
                    *other != own && self.known.entities.get(other).is_some_and(|other| !other.ticker && other.name)
                });
                self.merges.extend(merged.map(|other| (other, own)));
                own
            }
            None => self.known.resolve_name(subject, own),
        };
        self.resolved.insert(subject.clone(), entity);
        match self.known.entities.get_mut(&entity) {
            Some(stored) if !stored.name && entity == own => {
                if let Some(name) = &subject.name {
                    stored.name = true;
                    match self.new.get_mut(&entity) {
                        Some(new) => new.metadata = metadata(subject.ticker.as_deref(), Some(name)),
                        None => {
                            self.named.insert(entity, name.clone());
                        }
                    }
                }
            }
            Some(_) => {}
            None => {
                let metadata = metadata(subject.ticker.as_deref(), subject.name.as_deref());
                self.store(space, entity, &subject.canonical, metadata);
                let stored = Stored { ticker: subject.ticker.is_some(), name: subject.name.is_some() };
                self.known.entities.insert(entity, stored);
            }
        }
        for alias in &subject.aliases {
            self.alias(entity, alias);
        }
    }

    fn value(&mut self, space: &str, value: &str, kind: &str) {
        if self.values.contains_key(value) {
            return;
        }
        let own = id_of(space, value);
        let alias = Alias { kind: AliasKind::Name, text: value.to_owned(), key: names::key(value) };
        // What a company is part of is a company; a sector or a town is not one, whatever it is called.
        let entity = match kind {
            "compositional" => {
                let subject = Subject {
                    canonical: value.to_owned(),
                    ticker: None,
                    name: Some(value.to_owned()),
                    aliases: vec![alias.clone()],
                };
                self.known.resolve_name(&subject, own)
            }
            _ => own,
        };
        self.values.insert(value.to_owned(), entity);
        if entity == own && !self.known.entities.contains_key(&own) {
            self.store(space, own, value, "{}".to_owned());
            self.known.entities.insert(own, Stored { ticker: false, name: false });
        }
        // A number ("founded": 1977) would be found in every question with that number in it.
        if alias.key.chars().any(char::is_alphabetic) {
            self.alias(entity, &alias);
        }
    }

    fn store(&mut self, space: &str, id: u64, content: &str, metadata: String) {
        let digest = identity::digest(space, "entity", content);
        self.new.insert(id, NewEntity { content: content.to_owned(), digest, metadata });
    }

    fn alias(&mut self, entity: u64, alias: &Alias) {
        let known = self.known.aliases.entry(alias.key.clone()).or_default();
        if !known.iter().any(|(kind, known, _)| *kind == Some(alias.kind) && *known == entity) {
            known.push((Some(alias.kind), entity, alias.text.clone()));
            self.aliases.insert((alias.key.clone(), entity, alias.kind), alias.text.clone());
        }
    }
}

/// Metadata of an entity that is known by what texts say of it only.
const PHRASE: &str = r#"{"phrase": true}"#;

fn id_of(space: &str, name: &str) -> u64 {
    identity::id(&identity::digest(space, "entity", name))
}

fn metadata(ticker: Option<&str>, name: Option<&str>) -> String {
    let entries = [("name", name), ("ticker", ticker)];
    let object: BTreeMap<&str, &str> = entries.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    serde_json::to_string(&object).unwrap_or_else(|_| "{}".to_owned())
}

impl Known {
    fn load(client: &mut SpiClient<'_>, space: &str, keys: BTreeSet<&str>) -> Known {
        let mut known = Known::default();
        if keys.is_empty() {
            return known;
        }
        let keys: Vec<&str> = keys.into_iter().collect();
        let rows = run(
            client,
            "SELECT a.key, a.kind, a.entity, e.ticker, e.name, a.alias
             FROM sutra.alias AS a
             CROSS JOIN LATERAL (
                SELECT c.metadata OPERATOR(pg_catalog.?) 'ticker', c.metadata OPERATOR(pg_catalog.?) 'name'
                FROM sutra.concept AS c
                WHERE c.space OPERATOR(pg_catalog.=) a.space AND c.id OPERATOR({schema}.=) a.entity
                OFFSET 0
             ) AS e (ticker, name)
             WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.key OPERATOR(pg_catalog.=) ANY ($2)
             ORDER BY a.key, a.entity, a.kind",
            &[space.into(), keys.into()],
        );
        for row in rows {
            let (Some(key), Some(kind), Some(ConceptId(entity))) =
                (column::<String>(&row, 1), column::<String>(&row, 2), column::<ConceptId>(&row, 3))
            else {
                continue;
            };
            let kind = match kind.as_str() {
                "ticker" => Some(AliasKind::Ticker),
                "name" => Some(AliasKind::Name),
                "short" => Some(AliasKind::Short),
                _ => None,
            };
            let stored = Stored {
                ticker: column::<bool>(&row, 4).unwrap_or_default(),
                name: column::<bool>(&row, 5).unwrap_or_default(),
            };
            let alias = column::<String>(&row, 6).unwrap_or_default();
            known.aliases.entry(key).or_default().push((kind, entity, alias));
            known.read.insert(entity, (stored.ticker, stored.name));
            known.entities.insert(entity, stored);
        }
        known
    }

    /// Entities that go by a name of the subject. A name without its legal form is only half a proof: it must be the
    /// whole name of the other ("Apple" and "Apple Inc.", not "Apple Inc." and "Apple Ltd").
    fn named(&self, subject: &Subject) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        for alias in &subject.aliases {
            for (kind, entity, _) in self.aliases.get(&alias.key).into_iter().flatten() {
                let proven = match alias.kind {
                    AliasKind::Ticker => false,
                    AliasKind::Name => true,
                    AliasKind::Short => *kind != Some(AliasKind::Short),
                };
                if proven {
                    found.insert(*entity);
                }
            }
        }
        found
    }

    fn resolve_name(&self, subject: &Subject, own: u64) -> u64 {
        let mut candidates = self.named(subject);
        candidates.retain(|entity| self.entities.get(entity).is_some_and(|stored| stored.ticker || stored.name));
        let with_ticker: Vec<u64> = candidates
            .iter()
            .copied()
            .filter(|entity| self.entities.get(entity).is_some_and(|stored| stored.ticker))
            .collect();
        match (with_ticker.as_slice(), candidates.contains(&own), candidates.len()) {
            (&[only], _, _) => only,
            (_, false, 1) => candidates.first().copied().unwrap_or(own),
            _ => own,
        }
    }
}

/// Merges entities that are one: what refers to the first refers to the second from now on.
pub fn merge(client: &mut SpiClient<'_>, space: &str, merges: &BTreeSet<(u64, u64)>) {
    for (from, into) in merges {
        let arguments = || [space.into(), ConceptId(*from).into(), ConceptId(*into).into()];
        for statement in MERGE {
            run(client, statement, &arguments());
        }
    }
}

const MERGE: [&str; 4] = [
    "INSERT INTO sutra.observation (space, concept, entity, metric, at, value, unit)
     SELECT o.space, o.concept, $3, o.metric, o.at, o.value, o.unit
     FROM sutra.observation AS o
     WHERE o.space OPERATOR(pg_catalog.=) $1 AND o.entity OPERATOR({schema}.=) $2
     ON CONFLICT DO NOTHING",
    "INSERT INTO sutra.association (space, source, target, kind, relation, confidence, evidence, created_at)
     SELECT a.space, CASE WHEN a.source OPERATOR({schema}.=) $2 THEN $3 ELSE a.source END, CASE WHEN a.target OPERATOR({schema}.=) $2 THEN $3 ELSE a.target END,
        a.kind, a.relation, a.confidence, CASE WHEN a.evidence OPERATOR({schema}.=) $2 THEN NULL ELSE a.evidence END, a.created_at
     FROM sutra.association AS a
     WHERE a.space OPERATOR(pg_catalog.=) $1 AND (a.source OPERATOR({schema}.=) $2 OR a.target OPERATOR({schema}.=) $2)
        AND NOT (a.source OPERATOR({schema}.=) ANY (ARRAY[$2, $3]) AND a.target OPERATOR({schema}.=) ANY (ARRAY[$2, $3]))
     ON CONFLICT DO NOTHING",
    "INSERT INTO sutra.alias (space, key, entity, kind, alias, builtin, created_at)
     SELECT a.space, a.key, $3, a.kind, a.alias, a.builtin, a.created_at
     FROM sutra.alias AS a
     WHERE a.space OPERATOR(pg_catalog.=) $1 AND a.entity OPERATOR({schema}.=) $2
     ON CONFLICT DO NOTHING",
    "DELETE FROM sutra.concept WHERE space OPERATOR(pg_catalog.=) $1 AND id OPERATOR({schema}.=) $2",
];
