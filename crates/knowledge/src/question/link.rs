//! Which words of a question name an entity, and which a metric.

use super::groups;
use super::partial;
use super::token::{Token, TokenKind};
use super::words::{self, Cue};
use crate::names;
use crate::store::{Alias, AliasKind, Entity, Metric, Store};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The most words that a name is looked up with.
const LONGEST_NAME: usize = 6;
/// Names that begin or end with a word at most, for them to be looked through; so many are read of each at most.
const MOST_OF_WORD: usize = 1_000;
/// Names shorter than this are not matched with typing errors.
const SHORTEST_NEAR: usize = 5;

/// What a token of the question was understood as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Not yet understood.
    Free,
    /// Part of a time.
    Time(usize),
    /// Names an entity.
    Entity,
    /// Names a metric.
    Metric(usize),
    /// Names a relation.
    Relation,
    /// A word of the language.
    Cue(Cue),
    /// A number that the plan uses.
    Number,
    /// Punctuation.
    Symbol,
}

/// An entity of the question, and how it was found.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// The entity.
    pub entity: Entity,
    /// Further values that the words stand for: "banks" are Diversified Banks and Regional Banks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Entity>,
    /// The words that name it.
    pub text: String,
    /// The kind of alias they are.
    pub alias: AliasKind,
    /// Typing errors between the words and the alias.
    pub distance: u8,
    /// How certain the link is, 0 to 1.
    pub certainty: f64,
    /// Whether it has observations.
    pub observed: bool,
    /// The relations that lead to it as a value.
    pub value_of: Vec<String>,
    /// Its first token.
    #[serde(skip)]
    pub token: usize,
}

impl Link {
    /// The link of words, which begin at `token`, to what an alias names.
    pub(super) fn to(alias: &Alias, text: String, token: usize, distance: u8, certainty: f64) -> Link {
        Link {
            entity: alias.entity.clone(),
            also: vec![],
            text,
            alias: alias.kind,
            distance,
            certainty,
            observed: alias.observed,
            value_of: alias.value_of.clone(),
            token,
        }
    }
}

/// Entities that are listed where words may mean any of several.
const LISTED: usize = 20;

/// Words that name more than one entity.
#[derive(Clone, Debug, Serialize)]
pub struct Ambiguity {
    /// The words.
    pub text: String,
    /// What they may mean.
    pub candidates: Vec<Entity>,
}

/// A metric of the question.
#[derive(Clone, Debug, Serialize)]
pub struct MetricLink {
    /// The metric.
    pub metric: Metric,
    /// The words that name it; empty when the question names none.
    pub text: String,
    /// The words are general ("price") and do not tell it from others of its family.
    pub general: bool,
    /// How certain the link is, 0 to 1.
    pub certainty: f64,
}

/// Everything that linking found.
#[derive(Debug, Default)]
pub struct Links {
    /// Entities, left to right.
    pub entities: Vec<Link>,
    /// Words with several meanings.
    pub ambiguous: Vec<Ambiguity>,
    /// Metrics, left to right, each once.
    pub metrics: Vec<MetricLink>,
}

impl Links {
    /// Links words to what the candidates name, or lists the candidates where these are several; false where there is none.
    pub(super) fn add(
        &mut self,
        mut candidates: Vec<&Alias>,
        text: String,
        token: usize,
        distance: u8,
        certainty: f64,
    ) -> bool {
        candidates.sort_by_key(|alias| (alias.entity.id, alias.kind));
        candidates.dedup_by_key(|alias| alias.entity.id);
        match candidates[..] {
            [] => return false,
            [alias] => self.entities.push(Link::to(alias, text, token, distance, certainty)),
            _ => {
                let candidates = candidates.iter().take(LISTED).map(|alias| alias.entity.clone()).collect();
                self.ambiguous.push(Ambiguity { text, candidates });
            }
        }
        true
    }
}

/// Links names and metrics, and marks their tokens.
pub fn link(question: &str, tokens: &[Token], roles: &mut [Role], store: &dyn Store, metrics: &[Metric]) -> Links {
    let mut links = Links::default();
    let vocabulary = Vocabulary::new(metrics);
    link_entities(question, tokens, roles, store, &vocabulary, &mut links);
    link_metrics(question, tokens, roles, metrics, &vocabulary, &mut links);
    link_observed_metrics(question, tokens, roles, store, metrics, &mut links);
    if links.metrics.is_empty() {
        link_plainly_named_metrics(tokens, roles, store, metrics, &mut links);
    }
    groups::link_groups(question, tokens, roles, store, &mut links);
    link_near_metrics(tokens, roles, metrics, &vocabulary, &mut links);
    link_near_entities(question, tokens, roles, store, &mut links);
    partial::link_partial(question, tokens, roles, store, &mut links);
    links
}

/// The words for metrics, by key.
struct Vocabulary {
    by_key: HashMap<String, usize>,
}

impl Vocabulary {
    fn new(metrics: &[Metric]) -> Self {
        let mut by_key = HashMap::new();
        for (index, metric) in metrics.iter().enumerate() {
            for word in metric.words.iter().chain([&metric.label]) {
                by_key.entry(names::key(word)).or_insert(index);
            }
            by_key.entry(names::key(&metric.name.replace('_', " "))).or_insert(index);
        }
        by_key.remove("");
        Vocabulary { by_key }
    }

    fn metric(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }
}

/// Stretches of free tokens that may be a name: begin and end in a word or number, hold only joining punctuation.
pub(super) fn stretches(tokens: &[Token], roles: &[Role], longest: usize) -> Vec<(usize, usize)> {
    let mut stretches = Vec::new();
    for start in 0..tokens.len() {
        if roles[start] != Role::Free {
            continue;
        }
        let mut words = 0;
        for end in start..tokens.len() {
            match roles[end] {
                Role::Free => words += 1,
                Role::Symbol if matches!(tokens[end].text.as_str(), "-" | "&" | "." | "," | "/" | "(" | ")" | "!") => {
                    continue;
                }
                _ => break,
            }
            if words > longest {
                break;
            }
            stretches.push((start, end + 1));
            if tokens[end].possessive {
                break;
            }
        }
    }
    stretches
}

pub(super) fn text_of<'a>(question: &'a str, tokens: &[Token], (start, end): (usize, usize)) -> &'a str {
    &question[tokens[start].start..tokens[end - 1].end]
}

/// Whether the question is written in capitals throughout, so that capitals say nothing.
pub(super) fn shouted(tokens: &[Token]) -> bool {
    let words = tokens.iter().filter(|token| token.kind == TokenKind::Word);
    words.clone().count() > 1
        && words.clone().all(Token::all_capitals)
        && words.clone().any(|token| words::cue(&token.lower).is_some())
}

fn link_entities(
    question: &str,
    tokens: &[Token],
    roles: &mut [Role],
    store: &dyn Store,
    vocabulary: &Vocabulary,
    links: &mut Links,
) {
    let shouted = shouted(tokens);
    let stretches = stretches(tokens, roles, LONGEST_NAME);
    let mut keys: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for stretch in &stretches {
        let text = text_of(question, tokens, *stretch);
        let whole = names::key(text);
        let mut forms = vec![whole.clone()];
        if stretch.1 - stretch.0 > 1 {
            forms.extend(names::short(text).map(|short| names::key(&short)).filter(|short| *short != whole));
        }
        // "Lowe's": the ending may belong to the name.
        if tokens[stretch.1 - 1].possessive {
            forms.insert(0, format!("{whole}s"));
        }
        forms.retain(|form| !form.is_empty());
        keys.insert(*stretch, forms);
    }
    let wanted: BTreeSet<&String> = keys.values().flatten().collect();
    let wanted: Vec<String> = wanted.into_iter().cloned().collect();
    if wanted.is_empty() {
        return;
    }
    let mut by_key: HashMap<String, Vec<Alias>> = HashMap::new();
    for alias in store.aliases(&wanted) {
        by_key.entry(alias.key.clone()).or_default().push(alias);
    }
    let mut start = 0;
    while start < tokens.len() {
        let mut taken = None;
        for end in (start + 1..=tokens.len()).rev() {
            let Some(forms) = keys.get(&(start, end)) else { continue };
            let Some((form, found)) = forms.iter().find_map(|form| Some((form, by_key.get(form)?))) else { continue };
            // One word that is ordinary too needs a sign that it is a name; an article before it is none, and "all
            // companies" is not a company whose name is "All".
            let bare = form.strip_prefix("the ").unwrap_or(form);
            let only = (start..end).find(|at| {
                let key = names::key(&tokens[*at].text);
                key == bare || tokens[*at].possessive && format!("{key}s") == bare
            });
            let found: Vec<&Alias> = found
                .iter()
                .filter(|alias| only.is_none_or(|at| acceptable(tokens, at, alias, shouted, vocabulary)))
                .collect();
            if found.is_empty() {
                continue;
            }
            taken = Some((end, found));
            break;
        }
        let Some((end, found)) = taken else {
            start += 1;
            continue;
        };
        let text = text_of(question, tokens, (start, end)).to_owned();
        match choose(&found, tokens, start, end) {
            Ok(alias) => {
                let certainty = certainty(alias, &tokens[start], end - start);
                links.entities.push(Link::to(alias, text, start, 0, certainty));
            }
            Err(candidates) => links.ambiguous.push(Ambiguity { text, candidates }),
        }
        roles[start..end].fill(Role::Entity);
        start = end;
    }
}

/// Whether one word may be a name although it is also an ordinary word.
fn acceptable(tokens: &[Token], index: usize, alias: &Alias, shouted: bool, vocabulary: &Vocabulary) -> bool {
    let token = &tokens[index];
    let ordinary = words::cue(&token.lower).is_some()
        || vocabulary.metric(&token.lower).is_some()
        || words::phrase(&[token.lower.as_str()]).is_some();
    if !ordinary {
        // One letter or figure in lower case is no name.
        return token.text.chars().count() > 1 || token.all_capitals();
    }
    if shouted {
        return false;
    }
    match alias.kind {
        AliasKind::User => true,
        AliasKind::Ticker if token.all_capitals() => {
            if token.text.chars().count() > 1 {
                return true;
            }
            // "A" and "I" begin sentences: a ticker only before what is measured.
            let next = tokens.get(index + 1).map_or("", |next| next.lower.as_str());
            token.possessive
                || !token.initial
                || !matches!(token.lower.as_str(), "a" | "i")
                || vocabulary.metric(next).is_some()
                || matches!(
                    words::cue(next),
                    Some(Cue::Trend | Cue::Volatile | Cue::Peak | Cue::Bottom | Cue::Highest | Cue::Lowest)
                )
        }
        AliasKind::Ticker => false,
        // "Target" in the middle of a sentence is the company.
        AliasKind::Name | AliasKind::Short => token.capitalised() && (!token.initial || token.possessive),
    }
}

fn certainty(alias: &Alias, first: &Token, words: usize) -> f64 {
    let by_kind = match alias.kind {
        AliasKind::User | AliasKind::Name => 0.99,
        AliasKind::Ticker if first.all_capitals() => 0.99,
        AliasKind::Ticker => 0.95,
        AliasKind::Short => 0.97,
    };
    if words == 1 && !first.capitalised() && alias.kind != AliasKind::Ticker { by_kind - 0.03 } else { by_kind }
}

/// One entity for words that may mean several: something observed before a mere value, unless "Energy companies" shows
/// that a group is meant; several of a rank are ambiguous.
fn choose<'a>(found: &[&'a Alias], tokens: &[Token], start: usize, end: usize) -> Result<&'a Alias, Vec<Entity>> {
    let group =
        tokens.get(end).is_some_and(|next| words::cue(&next.lower) == Some(Cue::Thing) || next.lower == "sector");
    let rank = |alias: &Alias| {
        let wanted = if group { !alias.value_of.is_empty() } else { alias.observed };
        let exact = alias.kind == AliasKind::Ticker && alias.alias == tokens[start].text;
        (alias.kind != AliasKind::User, !wanted, !exact)
    };
    let best = found.iter().map(|alias| rank(alias)).min().unwrap_or_default();
    let mut chosen: Vec<&'a Alias> = found.iter().filter(|alias| rank(alias) == best).copied().collect();
    chosen.sort_by_key(|alias| (alias.entity.id, alias.kind));
    chosen.dedup_by_key(|alias| alias.entity.id);
    match chosen[..] {
        [only] => Ok(only),
        _ => Err(chosen.iter().map(|alias| alias.entity.clone()).collect()),
    }
}

fn add_metric(links: &mut Links, metric: &Metric, text: &str, certainty: f64) -> usize {
    if let Some(known) = links.metrics.iter().position(|link| link.metric.name == metric.name) {
        let link = &mut links.metrics[known];
        link.certainty = link.certainty.max(certainty);
        link.general &= general(metric, text);
        return known;
    }
    links.metrics.push(MetricLink {
        metric: metric.clone(),
        text: text.to_owned(),
        general: general(metric, text),
        certainty,
    });
    links.metrics.len() - 1
}

/// "price" names the close, but not by its name.
fn general(metric: &Metric, text: &str) -> bool {
    let stem: String = metric.name.chars().take(4).collect();
    let text = text.to_lowercase();
    let end_of_day = ["day", "session", "bell", "finish", "settle"].iter().any(|word| text.contains(word));
    metric.name == "close" && !text.contains(&stem) && !end_of_day
}

fn link_metrics(
    question: &str,
    tokens: &[Token],
    roles: &mut [Role],
    metrics: &[Metric],
    vocabulary: &Vocabulary,
    links: &mut Links,
) {
    let stretches: BTreeSet<(usize, usize)> = stretches(tokens, roles, 5).into_iter().collect();
    let mut start = 0;
    while start < tokens.len() {
        let found = (start + 1..=tokens.len().min(start + 8)).rev().find_map(|end| {
            if !stretches.contains(&(start, end)) {
                return None;
            }
            let key = names::key(text_of(question, tokens, (start, end)));
            let metric = vocabulary.metric(&key)?;
            // One word that the language itself needs ("stock", "shares") is left to it.
            let needed = end - start == 1 && !matches!(words::cue(&key), None | Some(Cue::Filler));
            (!needed).then_some((end, metric))
        });
        let Some((end, metric)) = found else {
            start += 1;
            continue;
        };
        let text = text_of(question, tokens, (start, end));
        let index = add_metric(links, &metrics[metric], text, 1.0);
        roles[start..end].fill(Role::Metric(index));
        start = end;
    }
    // "how many shares": the unit stands for what is counted in it.
    for index in 0..tokens.len() {
        let counted = index >= 2 && tokens[index - 2].lower == "how" && tokens[index - 1].lower == "many"
            || index >= 2 && tokens[index - 2].lower == "number" && tokens[index - 1].lower == "of";
        if !counted || matches!(roles[index], Role::Metric(_)) {
            continue;
        }
        let unit = &tokens[index].lower;
        // "how many shars"
        let near = |metric: &&Metric| {
            words::cue(unit).is_none()
                && unit.chars().count() >= SHORTEST_NEAR
                && metric.unit.as_ref().is_some_and(|known| words::one_error(unit, known))
        };
        let exact = metrics.iter().find(|metric| metric.unit.as_ref() == Some(unit)).map(|metric| (metric, 0.97));
        if let Some((metric, certainty)) = exact.or_else(|| metrics.iter().find(near).map(|metric| (metric, 0.85))) {
            let found = add_metric(links, metric, unit, certainty);
            links.metrics[found].general = false;
            roles[index - 2..=index].fill(Role::Metric(found));
        }
    }
}

/// Metrics that were observed without a row of sutra.metric: "wind speed" for wind_speed.
fn link_observed_metrics(
    question: &str,
    tokens: &[Token],
    roles: &mut [Role],
    store: &dyn Store,
    metrics: &[Metric],
    links: &mut Links,
) {
    let mut stretches = stretches(tokens, roles, 4);
    stretches.retain(|(start, end)| {
        (*start..*end).any(|index| words::cue(&tokens[index].lower).is_none() && tokens[index].kind == TokenKind::Word)
    });
    if stretches.is_empty() {
        return;
    }
    let mut names_of: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for stretch in stretches {
        let key = names::key(text_of(question, tokens, stretch));
        let mut names = vec![key.replace(' ', "_"), key.clone(), key.replace(' ', ""), key.replace(' ', "-")];
        if let Some(one) = key.strip_suffix('s') {
            names.extend([one.replace(' ', "_"), one.to_owned()]);
        }
        names.dedup();
        names_of.insert(stretch, names);
    }
    let wanted: BTreeSet<&String> = names_of.values().flatten().collect();
    let observed = store.observed_metrics(&wanted.into_iter().cloned().collect::<Vec<_>>());
    let mut stretches: Vec<&(usize, usize)> = names_of.keys().collect();
    stretches.sort_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
    for stretch in stretches {
        let Some(name) = names_of[stretch].iter().find(|name| observed.contains(name)) else { continue };
        if (stretch.0..stretch.1).any(|index| matches!(roles[index], Role::Metric(_))) {
            continue;
        }
        let text = text_of(question, tokens, *stretch);
        let index = add_metric(links, &observed_metric(metrics, name), text, 0.98);
        links.metrics[index].general = false;
        roles[stretch.0..stretch.1].fill(Role::Metric(index));
    }
}

/// The row of sutra.metric for a metric that was observed, or what stands for it where there is none.
pub(super) fn observed_metric(metrics: &[Metric], name: &str) -> Metric {
    metrics.iter().find(|metric| metric.name == name).cloned().unwrap_or_else(|| Metric {
        name: name.to_owned(),
        words: vec![],
        label: name.replace('_', " "),
        unit: None,
        aggregate: crate::store::Aggregate::Mean,
    })
}

/// Metrics that go by a word which says nothing elsewhere: the "level" of a tank, the "reading" of a meter. Taken where
/// no other metric is named and the entities asked for have it.
fn link_plainly_named_metrics(
    tokens: &[Token],
    roles: &mut [Role],
    store: &dyn Store,
    metrics: &[Metric],
    links: &mut Links,
) {
    let plain = |index: &usize| {
        roles[*index] == Role::Free
            && tokens[*index].kind == TokenKind::Word
            && words::cue(&tokens[*index].lower) == Some(Cue::Filler)
    };
    let indexes: Vec<usize> = (0..tokens.len()).filter(plain).collect();
    let names_of = |index: usize| {
        let word = tokens[index].lower.clone();
        let one = word.strip_suffix('s').map(str::to_owned);
        std::iter::once(word).chain(one)
    };
    let wanted: BTreeSet<String> = indexes.iter().flat_map(|index| names_of(*index)).collect();
    if wanted.is_empty() {
        return;
    }
    let observed = store.observed_metrics(&wanted.into_iter().collect::<Vec<_>>());
    let entities: Vec<u64> = links.entities.iter().map(|link| link.entity.id).collect();
    for index in indexes {
        let Some(name) = names_of(index).find(|name| observed.contains(name)) else { continue };
        if !entities.is_empty() && store.extents(&entities, &name).is_empty() {
            continue;
        }
        let link = add_metric(links, &observed_metric(metrics, &name), &tokens[index].text, 0.95);
        links.metrics[link].general = false;
        roles[index] = Role::Metric(link);
    }
}

/// "closng price": a word one typing error from a word for exactly one metric.
fn link_near_metrics(
    tokens: &[Token],
    roles: &mut [Role],
    metrics: &[Metric],
    vocabulary: &Vocabulary,
    links: &mut Links,
) {
    for index in 0..tokens.len() {
        let token = &tokens[index];
        let unknown = roles[index] == Role::Free && token.kind == TokenKind::Word && words::cue(&token.lower).is_none();
        if !unknown || token.all_capitals() || token.lower.chars().count() < SHORTEST_NEAR {
            continue;
        }
        let found: BTreeSet<usize> = words::near_keys(&token.lower)
            .iter()
            .filter(|near| near.chars().count() >= SHORTEST_NEAR)
            .filter_map(|near| vocabulary.metric(near))
            .collect();
        if let Some(metric) = found.first().filter(|_| found.len() == 1) {
            let text = token.text.clone();
            let link = add_metric(links, &metrics[*metric], &text, 0.85);
            roles[index] = Role::Metric(link);
        }
    }
}

/// The aliases that may be one typing error from one of these keys, and others.
///
/// A name of several words has its first or its last as they were written, unless the error joined or parted two words;
/// so few keys are looked up for it. Of one word, or where very many names begin or end with the same one, all keys that
/// are an error away are.
fn near_aliases(keys: &[((usize, usize), String)], store: &dyn Store) -> Vec<Alias> {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut ends: BTreeSet<String> = BTreeSet::new();
    let mut several: Vec<&String> = Vec::new();
    for (_, key) in keys {
        // The keys that are looked for grow with the square of its length.
        if key.chars().count() > words::LONGEST_NEAR {
            continue;
        }
        let (Some((first, _)), Some((_, last))) = (key.split_once(' '), key.rsplit_once(' ')) else {
            wanted.extend(words::near_keys(key));
            continue;
        };
        ends.extend([first.to_owned(), last.to_owned()]);
        several.push(key);
        let parted = |at: usize| key.is_char_boundary(at).then(|| format!("{} {}", &key[..at], &key[at..]));
        let joined = |at: usize| format!("{}{}", &key[..at], &key[at + 1..]);
        wanted.extend((1..key.len()).filter_map(parted));
        wanted.extend(key.match_indices(' ').map(|(at, _)| joined(at)));
    }
    let mut found = Vec::new();
    if !ends.is_empty() {
        found = store.names_with(&ends.into_iter().collect::<Vec<_>>());
        if found.len() >= MOST_OF_WORD {
            found.clear();
            wanted.extend(several.into_iter().flat_map(|key| words::near_keys(key)));
        }
    }
    wanted.retain(|key| key.chars().count() >= SHORTEST_NEAR);
    if !wanted.is_empty() {
        found.extend(store.aliases(&wanted.into_iter().collect::<Vec<_>>()));
    }
    found.sort_by(|one, two| (&one.key, one.entity.id, one.kind).cmp(&(&two.key, two.entity.id, two.kind)));
    found
}

/// Names with one typing error, for words that nothing else explains.
fn link_near_entities(question: &str, tokens: &[Token], roles: &mut [Role], store: &dyn Store, links: &mut Links) {
    let shouted = shouted(tokens);
    let strange = |index: usize| {
        let token = &tokens[index];
        token.kind == TokenKind::Word
            && words::cue(&token.lower).is_none()
            && (token.capitalised() || words::near_cue(&token.lower).is_none())
            && (shouted || !token.all_capitals())
            && token.lower.chars().count() + 1 >= SHORTEST_NEAR
    };
    let mut stretches = stretches(tokens, roles, 4);
    stretches.retain(|(start, end)| {
        let part = |index: usize| {
            // "Bank of America": the small words that names hold.
            let inner =
                index > *start && index + 1 < *end && matches!(tokens[index].lower.as_str(), "of" | "and" | "the");
            inner
                || words::cue(&tokens[index].lower) != Some(Cue::Filler)
                || tokens[index].capitalised() && !tokens[index].initial
        };
        (*start..*end).any(strange) && (*start..*end).all(part)
    });
    stretches.sort_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
    // What a look-up of all near keys costs grows with their number; a sentence of unknown words is not worth it.
    stretches.truncate(12);
    let keys: Vec<((usize, usize), String)> =
        stretches.into_iter().map(|stretch| (stretch, names::key(text_of(question, tokens, stretch)))).collect();
    let mut found = near_aliases(&keys, store);
    found.retain(|alias| alias.kind != AliasKind::Ticker);
    for (stretch, key) in keys {
        if (stretch.0..stretch.1).any(|index| matches!(roles[index], Role::Entity)) {
            continue;
        }
        let candidates: Vec<&Alias> = found
            .iter()
            .filter(|alias| alias.key.chars().count() >= SHORTEST_NEAR && words::one_error(&key, &alias.key))
            .collect();
        let text = text_of(question, tokens, stretch).to_owned();
        if !links.add(candidates, text, stretch.0, 1, 0.8) {
            continue;
        }
        roles[stretch.0..stretch.1].fill(Role::Entity);
    }
    links.entities.sort_by_key(|link| link.token);
}
