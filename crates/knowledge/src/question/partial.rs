//! Names that are said by a part: "Disney" for Walt Disney, "Goldman" for Goldman Sachs, "Houston" for Houston, Texas.
//! One learned name must begin or end with the words; where several do, the candidates are listed.

use super::link::{Links, Role, shouted, stretches, text_of};
use super::token::{Token, TokenKind};
use super::words::{self, Cue};
use crate::names;
use crate::store::{Alias, Store};
use std::collections::BTreeSet;

/// A part of a name that is shorter than this is not matched with a typing error.
const SHORTEST_NEAR: usize = 6;
/// The most words of a name that are said.
const LONGEST: usize = 4;

/// Whether words may be part of a name: written with capitals where the question has any, and no words of the language.
///
/// True for words before a kind of thing, which only a place may be: "which Atlanta company".
fn may_name(tokens: &[Token], (start, end): (usize, usize), plain: bool) -> Option<bool> {
    let words = tokens[start..end].iter().filter(|token| token.kind == TokenKind::Word);
    let ordinary = |token: &Token| words::cue(&token.lower).is_some() || words::near_cue(&token.lower).is_some();
    let capital =
        |token: &Token| token.capitalised() && !(token.initial && ordinary(token)) || token.kind != TokenKind::Word;
    let written = if plain {
        words.clone().all(|token| words::cue(&token.lower).is_none() && token.lower.chars().count() > 3)
    } else {
        words.clone().all(capital)
    };
    // "Which American company" asks for a kind, "American's stock" for a name.
    let thing = tokens.get(end).is_some_and(|next| words::cue(&next.lower) == Some(Cue::Thing));
    let kind = thing
        && (tokens[end].lower.ends_with('s')
            || start > 0
                && matches!(
                    words::cue(&tokens[start - 1].lower),
                    Some(
                        Cue::Which
                            | Cue::What
                            | Cue::Every
                            | Cue::Filler
                            | Cue::Volatile
                            | Cue::Stable
                            | Cue::Top
                            | Cue::Best
                    )
                ));
    (words.count() > 0 && written).then_some(kind)
}

/// Links words that are the beginning or the end of exactly one learned name.
pub(super) fn link_partial(question: &str, tokens: &[Token], roles: &mut [Role], store: &dyn Store, links: &mut Links) {
    if shouted(tokens) {
        return;
    }
    // A question without any capital may mean a name by any word.
    let plain = !tokens.iter().zip(roles.iter()).any(|(token, role)| {
        token.capitalised() && token.kind == TokenKind::Word && !token.initial && !matches!(role, Role::Time(_))
    });
    let mut found = stretches(tokens, roles, LONGEST);
    found.retain(|stretch| may_name(tokens, *stretch, plain).is_some());
    found.sort_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
    found.truncate(40);
    let keys: Vec<String> = found.iter().map(|stretch| names::key(text_of(question, tokens, *stretch))).collect();
    let wanted: BTreeSet<String> = keys.iter().filter_map(|key| key.split(' ').next()).map(str::to_owned).collect();
    if wanted.is_empty() {
        return;
    }
    let aliases: Vec<Alias> = store.names_with(&wanted.into_iter().collect::<Vec<_>>());
    let place = |alias: &Alias| alias.value_of.iter().any(|relation| relation == "headquarters");
    for (stretch, key) in found.into_iter().zip(keys) {
        if (stretch.0..stretch.1).any(|index| roles[index] != Role::Free && roles[index] != Role::Symbol) {
            continue;
        }
        let begins = |alias: &&Alias| alias.key.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with(' '));
        let ends = |alias: &&Alias| alias.key.strip_suffix(key.as_str()).is_some_and(|rest| rest.ends_with(' '));
        let named = |alias: &&Alias| alias.observed || place(alias) || alias.value_of.is_empty();
        let mut candidates: Vec<&Alias> = aliases.iter().filter(named).filter(begins).collect();
        let mut certainty = 0.88;
        if candidates.is_empty() {
            candidates = aliases.iter().filter(named).filter(ends).collect();
            certainty = 0.85;
        }
        let before_kind = may_name(tokens, stretch, plain) == Some(true);
        if before_kind {
            candidates.retain(|alias| place(alias));
        }
        // A place is meant only where places are spoken of; a company before an entity nothing was observed of.
        let placed = before_kind
            || tokens.iter().any(|token| words::cue(&token.lower) == Some(Cue::Headquarters))
            || stretch.0 > 0 && matches!(tokens[stretch.0 - 1].lower.as_str(), "in" | "from" | "near");
        let rank = |alias: &Alias| if place(alias) == placed { 0 } else { 1 };
        let best = candidates.iter().map(|alias| (rank(alias), !alias.observed)).min();
        candidates.retain(|alias| Some((rank(alias), !alias.observed)) == best);
        let text = text_of(question, tokens, stretch).to_owned();
        if !links.add(candidates, text, stretch.0, 0, certainty) {
            continue;
        }
        roles[stretch.0..stretch.1].fill(Role::Entity);
    }
    link_near_partial(tokens, roles, store, plain, links);
    links.entities.sort_by_key(|link| link.token);
}

/// "Colate" for Colgate-Palmolive: a word that nothing else explains, one typing error from the beginning of one name.
fn link_near_partial(tokens: &[Token], roles: &mut [Role], store: &dyn Store, plain: bool, links: &mut Links) {
    let strange = |index: &usize| {
        let token = &tokens[*index];
        roles[*index] == Role::Free
            && token.kind == TokenKind::Word
            && (plain || token.capitalised() && !token.all_capitals())
            && token.lower.chars().count() >= SHORTEST_NEAR
            && words::cue(&token.lower).is_none()
            && words::near_cue(&token.lower).is_none()
    };
    // Each word is looked up by some hundred keys.
    let strange: Vec<usize> = (0..tokens.len()).filter(strange).take(3).collect();
    for index in strange {
        let word = &tokens[index].lower;
        let aliases = store.names_with(&words::near_keys(word));
        let begins = |alias: &&Alias| {
            let first = alias.key.split(' ').next().unwrap_or_default();
            alias.observed && first.chars().count() >= SHORTEST_NEAR && words::one_error(word, first)
        };
        let candidates: Vec<&Alias> = aliases.iter().filter(begins).collect();
        if links.add(candidates, tokens[index].text.clone(), index, 1, 0.75) {
            roles[index] = Role::Entity;
        }
    }
}
