//! Learning: from statements to concepts, vectors, aliases, associations and observations, set by set.
//!
//! A batch is learned in parts of bounded size, and a part in one statement for each table. Rows are written in the
//! order of their keys, so that sessions which learn the same meet in one order and wait for each other without a
//! deadlock; two transactions that learn several batches each can still meet crosswise, as with any rows. What a
//! statement said before and what it says now are merged under a lock on its row.

use super::entity::{self, Entities};
use super::failure::{Place, raise_problem};
use super::hold;
use super::json::Json;
use super::lonely;
use super::relations;
use super::roles;
use super::series;
use super::similar;
use super::store::{self, Existing, Statement};
use super::times;
use crate::error::raise;
use crate::model::{self, ActiveModel};
use crate::observe::counters::{self, Timer};
use crate::settings;
use crate::types::concept_id::ConceptId;
use crate::types::embedding::Embedding;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use sutra_knowledge::chunk;
use sutra_knowledge::identity::{self, ContentDigest};
use sutra_knowledge::metadata::{self, Entries, Reading, Role, Roles};

/// The longest content, in bytes.
pub const LONGEST_CONTENT: usize = 16 << 20;
/// Statements and bytes that are learned with one statement for each table.
const PART_STATEMENTS: usize = 10_000;
const PART_BYTES: usize = 32 << 20;
/// Bytes of a content that its words are taken from; those of any text of this length fit into one tsvector.
const WORDS_BYTES: usize = 192 << 10;
/// Bytes of a content that the model is given: several times what the tokens it reads can be.
const EMBEDDED_BYTES: usize = 32 << 10;

/// How often names are resolved again because entities changed meanwhile.
const RESOLUTIONS: usize = 20;

/// One statement to learn.
pub struct Item<'a> {
    /// The text.
    pub content: &'a str,
    /// Its metadata; none is an empty object.
    pub metadata: Option<Json>,
    /// The name of its subject, where it is known otherwise than from metadata and text.
    pub name: Option<&'a str>,
    /// Its vector; without one the active model makes it.
    pub embedding: Option<pg_sys::Datum>,
    /// Where it stands in the batch.
    pub place: Place,
}

/// Learns statements in the session's space and returns their ids in order.
pub fn learn(items: &[Item<'_>]) -> Vec<ConceptId> {
    let (counters, _) = counters::get();
    let timer = Timer::start(&counters.learn);
    let space = writable_space();
    items.iter().for_each(check_content);
    let model = model::active_for_learning();
    for item in items {
        check_dimension(item, &model);
    }
    model::ensure_vector_table(&model.name, items.iter().all(|item| item.embedding.is_some()));
    let mut ids = Vec::new();
    super::reserve(&mut ids, items.len());
    let mut rest = items;
    let mut roles = None;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(part_length(rest));
        rest = after;
        Spi::connect_mut(|client| {
            let roles = roles.get_or_insert_with(|| roles::load(client, &space));
            ids.extend(Part::learn(client, &space, &model, roles, part));
        });
    }
    counters::add(&counters.statements, items.len() as u64);
    timer.end();
    ids
}

/// The session's space, refused when it is none that can be learned in, or when this transaction only reads.
pub fn writable_space() -> String {
    // Said before anything is read, and on a standby with the SQLSTATE that drivers go by.
    // SAFETY: the name is NUL-terminated; an ERROR is raised in a transaction that only reads.
    unsafe { pg_sys::PreventCommandIfReadOnly(c"learning".as_ptr()) };
    let space = settings::space();
    if space.is_empty() || space == "*" {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("\"{space}\" is not a space that can be learned in"),
            "The setting sutra.space names the space of this session; * stands for every space and the empty name for none.",
            "Set it, as in SET sutra.space = 'default'.",
        );
    }
    space
}

fn check_content(item: &Item<'_>) {
    if item.content.len() > LONGEST_CONTENT {
        raise(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("content of {} bytes is too long", item.content.len()),
            &item.place.detail(&format!("A content has at most {LONGEST_CONTENT} bytes.")),
            "Split the text and learn its parts.",
        );
    }
    if item.content.trim().is_empty() {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "content is empty",
            &item.place.detail("It has no character but white space."),
            "Pass the text to learn.",
        );
    }
}

fn check_dimension(item: &Item<'_>, model: &ActiveModel) {
    let Some(datum) = item.embedding else { return };
    // SAFETY: the datum is an element of an argument of type embedding[], which lives during the call.
    let dimensions = unsafe { crate::types::embedding::view(datum) }.dimensions();
    if dimensions != model.dimension {
        raise(
            PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            format!("expected {} dimensions, not {dimensions}", model.dimension),
            &item.place.detail(&format!("Vectors of the model {} have {} dimensions.", model.name, model.dimension)),
            "Make the vectors with the model in sutra.model, or set sutra.model to the one that made them.",
        );
    }
}

/// How many of the statements are learned together: as many as the limits allow, and at least one.
fn part_length(items: &[Item<'_>]) -> usize {
    let mut bytes = 0;
    let within = items.iter().take(PART_STATEMENTS).take_while(|item| {
        bytes += item.content.len();
        bytes <= PART_BYTES
    });
    within.count().max(1)
}

/// The texts of which a statement's vectors are made: the whole, or its beginning, and the chunks of a long one.
pub fn pieces(content: &str) -> impl Iterator<Item = String> {
    // The model refuses a text without a word, and a page may well have a line of dots that fills a chunk.
    let chunks = chunk::chunks(content).into_iter().filter(|chunk| chunk.contains(char::is_alphanumeric));
    std::iter::once(prefix(content, EMBEDDED_BYTES).to_owned()).chain(chunks)
}

/// A prefix of at most that many bytes, whole characters.
fn prefix(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A statement that is stored, and what it says in the end.
struct Learned<'i> {
    statement: Statement<'i>,
    reading: Reading,
    /// Where it stands first among the items.
    place: usize,
    /// Whether it was there before this call.
    existed: bool,
    /// Whether a value of its metadata was replaced, so that it may not give all it gave before.
    outdated: bool,
}

impl Learned<'_> {
    /// Whether its observations are new.
    fn is_placed(&self) -> bool {
        (!self.existed || self.statement.changed) && !self.reading.observations.is_empty()
    }
}

struct Part<'a, 'p> {
    space: &'a str,
    model: &'a ActiveModel,
    roles: &'a Roles,
    // Of each statement the vector of the whole text, then those of its chunks.
    vectors: HashMap<u64, Vec<pg_sys::Datum>>,
    digests: HashMap<u64, ContentDigest>,
    items: &'p [Item<'p>],
}

impl Part<'_, '_> {
    fn learn(
        client: &mut SpiClient<'_>,
        space: &str,
        model: &ActiveModel,
        roles: &Roles,
        items: &[Item<'_>],
    ) -> Vec<ConceptId> {
        let mut part = Part { space, model, roles, vectors: HashMap::new(), digests: HashMap::new(), items };
        let mut ids = Vec::with_capacity(items.len());
        for item in items {
            let digest = identity::digest(space, "statement", item.content);
            let id = identity::id(&digest);
            if part.digests.insert(id, digest).is_some_and(|other| other != digest) {
                raise_collision(id, &item.place.detail(""));
            }
            ids.push(id);
        }
        part.embed(client, &ids);
        // What occurs twice is learned twice, one after the other. Only what it says in the end is connected, so that
        // entities are held once and in one order.
        let mut learned: BTreeMap<u64, Learned<'_>> = BTreeMap::new();
        let mut waiting: Vec<usize> = (0..items.len()).collect();
        while !waiting.is_empty() {
            let mut taken = HashSet::new();
            let (mut wave, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|place| taken.insert(ids[*place]));
            waiting = later;
            wave.sort_by_key(|place| ids[*place]);
            let wave: Vec<(u64, usize)> = wave.into_iter().map(|place| (ids[place], place)).collect();
            for mut again in part.store(client, &wave) {
                let id = again.statement.id;
                if let Some(before) = learned.remove(&id) {
                    again.place = before.place;
                    again.existed = before.existed;
                    again.outdated |= before.outdated;
                    again.statement.changed |= before.statement.changed;
                }
                learned.insert(id, again);
            }
        }
        part.connect(client, &learned.into_values().collect::<Vec<_>>());
        ids.into_iter().map(ConceptId).collect()
    }

    /// Gathers the vectors of each statement that has none yet, made by the model in one call where none is given.
    fn embed(&mut self, client: &mut SpiClient<'_>, ids: &[u64]) {
        let mut wanted: BTreeMap<u64, &str> = BTreeMap::new();
        for (id, item) in ids.iter().zip(self.items) {
            match item.embedding {
                Some(datum) => drop(self.vectors.insert(*id, vec![datum])),
                None => drop(wanted.insert(*id, item.content)),
            }
        }
        wanted.retain(|id, _| !self.vectors.contains_key(id));
        if wanted.is_empty() {
            return;
        }
        let have = store::with_vector(client, &self.model.table, self.space, wanted.keys().copied());
        let mut owners = Vec::new();
        let mut texts = Vec::new();
        for (id, content) in wanted.into_iter().filter(|(id, _)| !have.contains(id)) {
            texts.extend(pieces(content));
            owners.resize(texts.len(), id);
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (id, vector) in owners.into_iter().zip(model::embed_passages(&self.model.name, &texts)) {
            if let Some(datum) = Embedding::from_slice(&vector).into_datum() {
                self.vectors.entry(id).or_default().push(datum);
            }
        }
    }

    /// Stores statements of different ids, in the order of these, and what learning them again changes.
    fn store<'i>(&'i self, client: &mut SpiClient<'_>, wave: &[(u64, usize)]) -> Vec<Learned<'i>> {
        let mut statements = Vec::with_capacity(wave.len());
        let mut readings = Vec::with_capacity(wave.len());
        for (id, place) in wave {
            let item = &self.items[*place];
            let entries = match item.metadata {
                Some(json) => {
                    metadata::entries(&json.text()).unwrap_or_else(|problem| raise_problem(&problem, item.place))
                }
                None => Entries::new(),
            };
            let reading = self.read(item, &entries);
            statements.push(Statement {
                id: *id,
                digest: self.digests[id],
                content: item.content,
                words: (item.content.len() > WORDS_BYTES)
                    .then(|| prefix(item.content, WORDS_BYTES).chars().count() as i32),
                metadata: item.metadata,
                replaced: "[]".to_owned(),
                observed: reading.observed,
                changed: false,
            });
            readings.push((reading, entries));
        }
        let existing = store::upsert_statements(client, self.space, &statements);
        let mut merged = Vec::with_capacity(readings.len());
        for ((statement, (reading, entries)), (_, place)) in statements.iter_mut().zip(readings).zip(wave) {
            merged.push(match existing.get(&statement.id) {
                Some(existing) => self.again(&self.items[*place], statement, existing, entries),
                None => reading,
            });
        }
        let changed: Vec<&Statement<'_>> = statements.iter().filter(|statement| statement.changed).collect();
        store::update_metadata(client, self.space, &changed);

        let learned = statements.into_iter().zip(merged).zip(wave).map(|((statement, reading), (id, place))| Learned {
            place: *place,
            existed: existing.contains_key(id),
            outdated: statement.replaced != "[]",
            statement,
            reading,
        });
        learned.collect()
    }

    /// Writes what hangs on stored statements, which are in the order of their ids.
    ///
    /// Statements are locked before entities and these before edges, here as in forgetting.
    fn connect(&self, client: &mut SpiClient<'_>, learned: &[Learned<'_>]) {
        let texts: Vec<&str> = learned.iter().map(|learned| learned.statement.content).collect();
        let readings: Vec<&Reading> = learned.iter().map(|learned| &learned.reading).collect();
        let outdated: BTreeSet<u64> =
            learned.iter().filter(|learned| learned.outdated).map(|learned| learned.statement.id).collect();
        let mut tries = 0;
        let (entities, rows, left) = loop {
            let mut entities = entity::resolve(client, self.space, &readings, &texts);
            let relations = relations::resolve(&mut entities, self.space, &texts);
            let mut rows = Rows::default();
            for (place, Learned { statement, reading, .. }) in learned.iter().enumerate() {
                rows.gather(statement.id, reading, &entities, entities.named_in(place));
                relations::edges(statement.id, &relations[place], &mut rows.associations);
            }
            // Another session may name, merge or forget an entity between the look and the lock.
            tries += 1;
            let hold = || hold::entities(client, self.space, &entities, &rows, &outdated);
            // What is tried again begins without locks, so that they are had in their order, also those of a single statement:
            // it may refer to other entities then.
            let last = tries == RESOLUTIONS;
            match hold::kept_if(hold, |left| left.is_some() || last) {
                Some(left) => break (entities, rows, left),
                None if last => break (entities, rows, BTreeSet::new()),
                None => {}
            }
        };
        store::name_entities(client, self.space, &entities);
        store::insert_aliases(client, self.space, &entities);
        let reattached = series::observing(client, self.space, entities.merges.iter().map(|(from, _)| *from));
        entity::merge(client, self.space, &entities.merges);
        let mut moved = outdated.clone();
        moved.extend(reattached);
        let before = series::leading_to(client, self.space, &moved);
        if !outdated.is_empty() {
            let outdated: Vec<u64> = outdated.iter().copied().collect();
            store::delete_outdated(client, self.space, &outdated, &rows, self.roles);
        }
        let vectors: Vec<_> = learned
            .iter()
            .flat_map(|Learned { statement, .. }| {
                let vectors = self.vectors.get(&statement.id).into_iter().flatten();
                vectors.zip(0..).map(|(vector, chunk)| (statement.id, chunk, *vector))
            })
            .collect();
        store::insert_vectors(client, &self.model.table, self.space, &vectors);
        store::insert_associations(client, self.space, &rows);
        store::insert_observations(client, self.space, &rows);
        lonely::delete(client, self.space, &left);
        series::note(self.space, &rows, &entities);
        moved.extend(learned.iter().filter(|learned| learned.is_placed()).map(|learned| learned.statement.id));
        series::link(client, self.space, &moved, &before);
        let alone = learned.iter().filter(|learned| {
            let embedded = self.items[learned.place].embedding.is_none() && !learned.existed;
            embedded && learned.reading.observations.is_empty()
        });
        let alone: Vec<u64> = alone.map(|learned| learned.statement.id).collect();
        similar::link(client, &self.model.table, self.space, &alone);
    }

    fn read(&self, item: &Item<'_>, entries: &Entries) -> Reading {
        let mut reading = metadata::read(item.content, entries, self.roles, item.name)
            .unwrap_or_else(|problem| raise_problem(&problem, item.place));
        if reading.observed.is_none() {
            reading.observed = times::observed(item.content);
        }
        reading
    }

    /// What a statement says that is learned again: what it said before and what it says now.
    fn again(&self, item: &Item<'_>, statement: &mut Statement<'_>, existing: &Existing, entries: Entries) -> Reading {
        if existing.digest != statement.digest {
            raise_collision(statement.id, &item.place.detail(""));
        }
        let known = metadata::entries(&existing.metadata).unwrap_or_default();
        let before = known.len();
        let (merged, replaced) = merge(known, entries);
        let reading = self.read(item, &merged);
        statement.changed = merged.len() > before || replaced != "[]";
        statement.replaced = replaced;
        statement.observed = reading.observed;
        if statement.changed {
            let text = serde_json::to_string(&merged).unwrap_or_else(|_| "{}".to_owned());
            statement.metadata = Some(Json::from_text(&text));
        }
        reading
    }
}

/// What metadata are after learning again, and the values that were replaced, as a JSON array.
fn merge(mut known: Entries, new: Entries) -> (Entries, String) {
    let mut replaced = String::from("[");
    for (key, value) in new {
        let name = serde_json::to_string(&key).unwrap_or_default();
        if let Some(old) = known.insert(key, value.clone())
            && old.get() != value.get()
        {
            let separator = if replaced.len() > 1 { "," } else { "" };
            replaced.push_str(&format!("{separator}{{\"key\":{name},\"value\":{}}}", old.get()));
        }
    }
    replaced.push(']');
    (known, replaced)
}

/// Raises the ERROR for two contents whose ids are the same.
pub fn raise_collision(id: u64, place: &str) -> ! {
    raise(
        PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION,
        format!("another content has the concept_id {}", ConceptId(id)),
        format!("The first 8 bytes of the digests of the two contents are the same, the rest is not. {place}")
            .trim_end(),
        "Change the wording of the content, or learn it in another space.",
    )
}

/// Entity, metric, microseconds since 1970, statement.
type ObservationKey = (u64, String, i64, u64);

/// Edges and observations to store, in the order of their keys.
#[derive(Default)]
pub struct Rows {
    /// With confidence and evidence.
    pub associations: BTreeMap<relations::Edge, (f32, u64)>,
    /// With value and unit.
    pub observations: BTreeMap<ObservationKey, (f64, Option<String>)>,
}

impl Rows {
    fn gather(
        &mut self,
        statement: u64,
        reading: &Reading,
        entities: &Entities,
        named: impl Iterator<Item = (u64, f32)>,
    ) {
        let subjects: Vec<u64> = reading.subjects.iter().filter_map(|subject| entities.of(subject)).collect();
        let mut mentioned: BTreeMap<u64, f32> = BTreeMap::new();
        for (entity, confidence) in named.chain(subjects.iter().map(|subject| (*subject, 1.0))) {
            let known = mentioned.entry(entity).or_insert(confidence);
            *known = known.max(confidence);
        }
        for fact in &reading.facts {
            let (Some(subject), Some(value)) = (subjects.first(), entities.of_value(&fact.value)) else { continue };
            mentioned.insert(value, 1.0);
            if *subject != value {
                let key = (*subject, fact.kind.clone(), fact.relation.clone(), value);
                self.associations.entry(key).or_insert((1.0, statement));
            }
        }
        for (entity, confidence) in mentioned {
            let key = (statement, "semantic".to_owned(), "mentions".to_owned(), entity);
            self.associations.insert(key, (confidence, statement));
        }
        let (Some(subject), Some(at)) = (subjects.first(), reading.at) else { return };
        for observation in &reading.observations {
            let key = (*subject, observation.metric.clone(), at.as_microsecond(), statement);
            self.observations.insert(key, (observation.value, observation.unit.clone()));
        }
    }
}

/// The relations of the edges that statements of a space give by their metadata and by what their text states.
pub fn fact_relations(roles: &Roles) -> Vec<&str> {
    let facts = roles.keys.values().filter_map(|role| match role {
        Role::Fact { relation, .. } => Some(relation.as_str()),
        _ => None,
    });
    facts.chain(relations::STATED).collect::<BTreeSet<_>>().into_iter().collect()
}
