//! Answers from facts: sectors, cities, tickers, and who shares them.

use super::measure;
use super::{Kind, Row, sentence};
use crate::graph::paths::{self, Query};
use crate::graph::{Direction, Step};
use crate::question::link::Link;
use crate::question::plan::Plan;
use crate::store::{Entity, Fact, Store};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

fn evidence(facts: &[&Fact]) -> Vec<u64> {
    facts.iter().filter_map(|fact| fact.evidence).collect()
}

fn edges(facts: &[&Fact]) -> Value {
    let edge = |fact: &&Fact| {
        json!({
            "from": fact.entity.name, "relation": fact.relation, "kind": fact.kind, "to": fact.target.name,
            "confidence": fact.confidence, "evidence": fact.evidence.map(|id| format!("{id:016x}")),
        })
    };
    Value::Array(facts.iter().map(edge).collect())
}

pub(super) fn computed(
    plan: &Plan,
    text: String,
    value: Map<String, Value>,
    facts: &[&Fact],
    explanation: &str,
) -> Row {
    let mut features = measure::plan_features(plan, None, &[]);
    features.operation = 1.0;
    features.metric = facts.iter().map(|fact| fact.confidence).fold(0.99, f64::min);
    let explanation =
        format!("{explanation}{}", measure::notes(plan, &crate::question::time::Period::unspecified(), None));
    let mut row = Row::computed(text, value, evidence(facts), features, explanation);
    row.path = Some(edges(facts));
    row.concept = facts.first().map(|fact| fact.entity.id);
    row
}

fn unknown_fact(link: &Link, relation: &str) -> Vec<Row> {
    vec![Row::abstention(
        format!("No {relation} of {} has been learned.", sentence::entity(&link.entity)),
        json!({ "entity": link.entity.name, "relation": relation }),
        "the entity is known, but no fact of this relation",
    )]
}

fn nobody() -> Vec<Row> {
    vec![Row::abstention(
        "The question names nothing that was learned.",
        json!({ "entity": Value::Null }),
        "no entity is named",
    )]
}

pub(super) fn with_support(row: Row, store: &dyn Store) -> Vec<Row> {
    let (evidence, confidence) = (row.evidence.clone(), row.confidence);
    let mut rows = vec![row];
    rows.extend(measure::supporting(&evidence[..evidence.len().min(5)], confidence, store));
    rows
}

fn fact_sentence(entity: &Entity, relation: &str, values: &str) -> String {
    let who = sentence::entity(entity);
    match relation {
        "headquarters" => format!("{who} is headquartered in {values}."),
        "founded" => format!("{who} was founded in {values}."),
        "part of" => format!("{who} is part of {values}."),
        "causes" | "contributes to" | "is a" | "acquires" | "owns" | "supplies" | "competes with" | "mentions" => {
            format!("{who} {relation} {values}.")
        }
        "similar to" => format!("{who} is similar to {values}."),
        relation => format!("The {relation} of {who} is {values}."),
    }
}

/// The value of a relation for each entity named.
pub fn fact(plan: &Plan, relation: &str, store: &dyn Store) -> Vec<Row> {
    let ids: Vec<u64> = plan.entities.iter().map(|link| link.entity.id).collect();
    let facts = store.facts(&ids, Some(relation));
    let mut sentences = Vec::new();
    for link in &plan.entities {
        let own: Vec<String> =
            facts.iter().filter(|fact| fact.entity.id == link.entity.id).map(|fact| fact.target.name.clone()).collect();
        if own.is_empty() {
            return unknown_fact(link, relation);
        }
        sentences.push(fact_sentence(&link.entity, relation, &sentence::list(&own)));
    }
    let Some(first) = plan.entities.first() else { return nobody() };
    let used: Vec<&Fact> = facts.iter().collect();
    let mut value = Map::new();
    let values: Vec<&str> =
        facts.iter().filter(|fact| fact.entity.id == first.entity.id).map(|fact| fact.target.name.as_str()).collect();
    value.insert("value".into(), if values.len() == 1 { json!(values[0]) } else { json!(values) });
    value.insert("relation".into(), json!(relation));
    value.insert("entity".into(), json!(first.entity.name));
    with_support(computed(plan, sentences.join(" "), value, &used, "facts learned of the entity"), store)
}

/// The ticker of an entity.
pub fn ticker(plan: &Plan, store: &dyn Store) -> Vec<Row> {
    let Some(link) = plan.entities.first() else { return nobody() };
    let entity = &link.entity;
    if !crate::names::looks_like_ticker(&entity.name) {
        return unknown_fact(link, "ticker");
    }
    let facts = store.facts(&[entity.id], None);
    let used: Vec<&Fact> = facts.iter().take(5).collect();
    let value = Map::from_iter([
        ("value".into(), json!(entity.name)),
        ("relation".into(), json!("ticker")),
        ("entity".into(), json!(entity.name)),
    ]);
    let who = entity.title.clone().unwrap_or_else(|| link.text.clone());
    let mut row =
        computed(plan, format!("The ticker of {who} is {}.", entity.name), value, &used, "the entity's own name");
    row.path = None;
    row.concept = Some(entity.id);
    if row.evidence.is_empty() {
        row.evidence = vec![entity.id];
    }
    with_support(row, store)
}

/// Every fact of an entity.
pub fn profile(plan: &Plan, store: &dyn Store) -> Vec<Row> {
    let Some(link) = plan.entities.first().or(plan.groups.first()) else { return nobody() };
    if plan.entities.is_empty() {
        return members(plan, false, store);
    }
    let facts = store.facts(&[link.entity.id], None);
    if facts.is_empty() {
        return unknown_fact(link, "fact");
    }
    let used: Vec<&Fact> = facts.iter().collect();
    let listed: Vec<String> = facts.iter().map(|fact| format!("{} {}", fact.relation, fact.target.name)).collect();
    let text = format!("{}: {}.", sentence::entity(&link.entity), listed.join("; "));
    let known: Map<String, Value> = facts.iter().map(|fact| (fact.relation.clone(), json!(fact.target.name))).collect();
    let value = Map::from_iter([("entity".into(), json!(link.entity.name)), ("facts".into(), Value::Object(known))]);
    with_support(computed(plan, text, value, &used, "all facts learned of the entity"), store)
}

/// The entities with the facts named.
pub fn members(plan: &Plan, count: bool, store: &dyn Store) -> Vec<Row> {
    let mut found: Option<Vec<Fact>> = None;
    for group in &plan.groups {
        let facts: Vec<Fact> = std::iter::once(&group.entity)
            .chain(&group.also)
            .flat_map(|value| store.members(value.id, None))
            .filter(|fact| fact.relation != "mentions")
            .collect();
        found = Some(match found {
            None => facts,
            Some(known) => {
                known.into_iter().filter(|fact| facts.iter().any(|other| other.entity.id == fact.entity.id)).collect()
            }
        });
    }
    let mut facts = found.unwrap_or_default();
    facts.sort_by(|one, two| one.entity.name.cmp(&two.entity.name).then(one.entity.id.cmp(&two.entity.id)));
    facts.dedup_by_key(|fact| fact.entity.id);
    let groups: Vec<String> = plan.groups.iter().map(sentence::group).collect();
    if facts.is_empty() {
        return vec![Row::abstention(
            format!("Nothing learned has {} as a fact.", sentence::list(&groups)),
            json!({ "groups": groups }),
            "no entity has all the facts named",
        )];
    }
    list_of(plan, &facts, count, &format!("In {}", sentence::list(&groups)), store)
}

fn list_of(plan: &Plan, facts: &[Fact], count: bool, which: &str, store: &dyn Store) -> Vec<Row> {
    let names: Vec<String> = facts.iter().map(|fact| fact.entity.name.clone()).collect();
    let shown: Vec<String> = facts.iter().take(50).map(|fact| sentence::entity(&fact.entity)).collect();
    let text = format!("{which} ({}): {}.", names.len(), sentence::list(&shown));
    let used: Vec<&Fact> = facts.iter().collect();
    let mut value = Map::from_iter([("entities".into(), json!(names)), ("n".into(), json!(names.len()))]);
    if count {
        value.insert("value".into(), json!(names.len()));
    }
    if let [only] = &names[..] {
        value.insert("entity".into(), json!(only));
    }
    with_support(computed(plan, text, value, &used, "facts that share the value"), store)
}

/// Whether an entity has the facts named.
pub fn is_member(plan: &Plan, store: &dyn Store) -> Vec<Row> {
    let Some(link) = plan.entities.first() else { return nobody() };
    let facts = store.facts(&[link.entity.id], None);
    let has = |group: &Link| {
        let means = |id: u64| id == group.entity.id || group.also.iter().any(|other| other.id == id);
        facts.iter().find(|fact| means(fact.target.id))
    };
    let all = plan.groups.iter().all(|group| has(group).is_some());
    let related = |fact: &&Fact| plan.groups.iter().any(|group| group.value_of.contains(&fact.relation));
    let used: Vec<&Fact> = facts.iter().filter(related).collect();
    if used.is_empty() {
        return unknown_fact(
            link,
            plan.groups.first().and_then(|group| group.value_of.first()).map_or("fact", String::as_str),
        );
    }
    let text = if all {
        let has: Vec<String> =
            used.iter().map(|fact| fact_sentence(&link.entity, &fact.relation, &fact.target.name)).collect();
        format!("Yes. {}", has.join(" "))
    } else {
        let instead: Vec<String> =
            used.iter().map(|fact| fact_sentence(&link.entity, &fact.relation, &fact.target.name)).collect();
        format!("No. {}", instead.join(" "))
    };
    let value = Map::from_iter([("value".into(), json!(all)), ("entity".into(), json!(link.entity.name))]);
    with_support(computed(plan, text, value, &used, "facts learned of the entity"), store)
}

/// The entities that share a fact with the one named; with two named, whether they share it.
pub fn same(plan: &Plan, relation: Option<&str>, count: bool, store: &dyn Store) -> Vec<Row> {
    let ids: Vec<u64> = plan.entities.iter().map(|link| link.entity.id).collect();
    let Some(link) = plan.entities.first() else { return nobody() };
    let mut own = store.facts(&ids, relation);
    if own.iter().any(|fact| fact.relation != "is a") {
        own.retain(|fact| fact.relation != "is a");
    }
    if plan.entities.len() >= 2 {
        return shared(plan, &own);
    }
    // Without a relation: the narrowest group the entity is in that has other members.
    let mut best: Option<(&Fact, Vec<Fact>)> = None;
    for fact in &own {
        let mut others = store.members(fact.target.id, Some(&fact.relation));
        others.retain(|other| other.entity.id != link.entity.id);
        others.sort_by(|one, two| one.entity.name.cmp(&two.entity.name).then(one.entity.id.cmp(&two.entity.id)));
        others.dedup_by_key(|other| other.entity.id);
        let better =
            best.as_ref().is_none_or(|(_, known)| known.is_empty() || !others.is_empty() && others.len() < known.len());
        if better {
            best = Some((fact, others));
        }
    }
    let Some((fact, others)) = best else { return unknown_fact(link, relation.unwrap_or("fact")) };
    if others.is_empty() {
        let text = format!("Nothing else learned has the {} {}.", fact.relation, fact.target.name);
        let value = Map::from_iter([("entities".into(), json!([])), ("n".into(), json!(0))]);
        return with_support(computed(plan, text, value, &[fact], "facts that share the value"), store);
    }
    let which = format!("Sharing the {} {} with {}", fact.relation, fact.target.name, sentence::entity(&link.entity));
    let mut rows = list_of(plan, &others, count, &which, store);
    if let Some(first) = rows.first_mut() {
        // The fact of the entity that was asked about is evidence too, and comes first.
        if let Some(statement) = fact.evidence {
            first.evidence.retain(|known| *known != statement);
            first.evidence.insert(0, statement);
        }
        first.concept = Some(link.entity.id);
    }
    rows
}

fn shared(plan: &Plan, own: &[Fact]) -> Vec<Row> {
    let first = plan.entities[0].entity.id;
    let common: Vec<&Fact> = own
        .iter()
        .filter(|fact| fact.entity.id == first)
        .filter(|fact| {
            plan.entities[1..].iter().all(|link| {
                own.iter().any(|other| {
                    other.entity.id == link.entity.id
                        && other.relation == fact.relation
                        && other.target.id == fact.target.id
                })
            })
        })
        .collect();
    let names: Vec<String> = plan.entities.iter().map(|link| sentence::entity(&link.entity)).collect();
    let who = sentence::list(&names);
    let (text, used): (String, Vec<&Fact>) = if common.is_empty() {
        let own: Vec<&Fact> = own.iter().collect();
        (format!("No: {who} share none of the facts asked about."), own)
    } else {
        let listed: Vec<String> = common.iter().map(|fact| format!("{} {}", fact.relation, fact.target.name)).collect();
        let used = own
            .iter()
            .filter(|fact| {
                common.iter().any(|shared| shared.target.id == fact.target.id && shared.relation == fact.relation)
            })
            .collect();
        (format!("Yes: {who} share {}.", sentence::list(&listed)), used)
    };
    let value = Map::from_iter([
        ("value".into(), json!(!common.is_empty())),
        ("entities".into(), json!(plan.entities.iter().map(|link| &link.entity.name).collect::<Vec<_>>())),
    ]);
    if used.is_empty() {
        return unknown_fact(&plan.entities[0], "fact");
    }
    vec![computed(plan, text, value, &used, "facts of each, held against each other")]
}

/// How two things are related: a fact that leads from one to the other, or a value that both have.
pub fn path(plan: &Plan, store: &dyn Store) -> Vec<Row> {
    let links: Vec<&Link> = plan.entities.iter().chain(&plan.groups).collect();
    let [first, second, ..] = links[..] else { return nobody() };
    let facts = store.facts(&[first.entity.id, second.entity.id], None);
    let (one, two): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|fact| fact.entity.id == first.entity.id);
    let direct: Vec<&Fact> = facts
        .iter()
        .filter(|fact| {
            let ends = (fact.entity.id, fact.target.id);
            ends == (first.entity.id, second.entity.id) || ends == (second.entity.id, first.entity.id)
        })
        .collect();
    let (text, used) = if direct.is_empty() {
        let mut used = Vec::new();
        let mut ways = Vec::new();
        // That both are companies says little beside a sector they share.
        let telling = |fact: &Fact| fact.relation != "is a";
        let better = one.iter().any(|fact| telling(fact) && two.iter().any(|other| other.target.id == fact.target.id));
        for fact in one.iter().filter(|fact| !better || telling(fact)) {
            if let Some(other) = two.iter().find(|other| other.target.id == fact.target.id) {
                ways.push(format!("{} {}", fact.relation, fact.target.name));
                used.extend([*fact, *other]);
            }
        }
        (
            format!(
                "{} and {} share {}.",
                sentence::entity(&first.entity),
                sentence::entity(&second.entity),
                sentence::list(&ways)
            ),
            used,
        )
    } else {
        let said: Vec<String> =
            direct.iter().map(|fact| fact_sentence(&fact.entity, &fact.relation, &fact.target.name)).collect();
        (said.join(" "), direct)
    };
    if used.is_empty() {
        return ways(plan, first, second, store);
    }
    let value = Map::from_iter([
        ("entities".into(), json!([first.entity.name, second.entity.name])),
        ("n".into(), json!(used.len())),
    ]);
    let mut row = computed(plan, text, value, &used, "facts that lead from one to the other, or to a common value");
    row.kind = Kind::Path;
    with_support(row, store)
}

/// Kinds of edges in the order in which ways are looked for over them: what statements say first, then also what they
/// merely name together.
const WALKED: [&[&str]; 2] =
    [&["causal", "hierarchical", "compositional"], &["causal", "hierarchical", "compositional", "semantic"]];
/// Edges of a way at most, as in sutra_paths.
const MOST_STEPS: usize = 4;
/// Ways that are shown at most.
const MOST_WAYS: usize = 5;
/// Characters that are shown of a concept on the way that is a whole statement.
const SHOWN_OF_STATEMENT: usize = 80;

/// How two things are related by several steps: the surest ways over the graph.
fn ways(plan: &Plan, first: &Link, second: &Link, store: &dyn Store) -> Vec<Row> {
    let query = Query {
        from: first.entity.id,
        to: second.entity.id,
        max_depth: MOST_STEPS,
        max_paths: MOST_WAYS,
        direction: Direction::Both,
    };
    let mut ended = false;
    for kinds in WALKED {
        let found = store.ways(query, kinds);
        ended |= found.limit.is_some();
        let on_the_way = |path: &paths::Path| path.steps.iter().map(|step| step.to).collect::<Vec<_>>();
        let mut nodes: Vec<u64> = found.paths.iter().flat_map(on_the_way).chain([first.entity.id]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let known: HashMap<u64, Entity> =
            store.entities(&nodes).into_iter().map(|entity| (entity.id, shortened(entity))).collect();
        // A way over something that may not be seen is not shown.
        let rows: Vec<Row> = found.paths.iter().filter_map(|path| way(plan, path, &known, ended)).collect();
        if !rows.is_empty() {
            return rows;
        }
    }
    vec![Row::abstention(
        format!(
            "No relation between {} and {} has been learned.",
            sentence::entity(&first.entity),
            sentence::entity(&second.entity)
        ),
        json!({ "from": first.entity.name, "to": second.entity.name, "complete": !ended }),
        format!(
            "neither a fact leads from one to the other, nor do they share one, nor is there a way of {MOST_STEPS} edges{}",
            if ended { EARLY } else { "" }
        ),
    )]
}

/// What is said of a walk that its budget ended.
const EARLY: &str = "; the walk ended early, by sutra.graph_nodes or sutra.graph_time, so there may be one";

fn shortened(mut entity: Entity) -> Entity {
    if entity.name.chars().count() > SHOWN_OF_STATEMENT {
        let shown: String = entity.name.chars().take(SHOWN_OF_STATEMENT).collect();
        entity.name = format!("\"{}...\"", shown.trim_end());
    }
    entity
}

fn way(plan: &Plan, path: &paths::Path, known: &HashMap<u64, Entity>, ended: bool) -> Option<Row> {
    let fact = |step: &Step| {
        Some(Fact {
            entity: known.get(&step.edge.source)?.clone(),
            relation: step.edge.relation.to_string(),
            kind: step.edge.kind.to_string(),
            target: known.get(&step.edge.target)?.clone(),
            // As it is printed, and not with the digits that a wider type makes of it.
            confidence: step.edge.confidence.to_string().parse().unwrap_or_default(),
            evidence: step.edge.evidence,
        })
    };
    let facts: Vec<Fact> = path.steps.iter().map(fact).collect::<Option<_>>()?;
    let said: Vec<String> =
        facts.iter().map(|fact| fact_sentence(&fact.entity, &fact.relation, &sentence::entity(&fact.target))).collect();
    let ends = [known.get(&path.steps.first()?.from)?, known.get(&path.steps.last()?.to)?];
    let value =
        Map::from_iter([("entities".into(), json!(ends.map(|entity| &entity.name))), ("n".into(), json!(facts.len()))]);
    let used: Vec<&Fact> = facts.iter().collect();
    let explanation = format!("the surest ways over the graph{}", if ended { EARLY } else { "" });
    let mut row = computed(plan, said.join(" "), value, &used, &explanation);
    row.kind = Kind::Path;
    row.concept = Some(ends[0].id);
    if let Some(features) = row.features.as_mut() {
        features.metric = features.metric.min(path.confidence);
    }
    Some(row)
}
