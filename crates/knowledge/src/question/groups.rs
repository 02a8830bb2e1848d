//! Kinds of companies by the words people use: "tech stocks", "banks", "utility companies". A word stands for the
//! sectors and industries that carry it in the Global Industry Classification Standard (MSCI and S&P), as far as some
//! were learned; the singular and the plural of a learned value mean the same.

use super::link::{Link, Links, Role, stretches, text_of};
use super::token::{Token, TokenKind};
use super::words::{self, Cue};
use crate::names;
use crate::store::{Alias, AliasKind, Entity, Store};
use std::collections::BTreeSet;

/// Words, and the keys of the values they stand for. The first value that was learned of an entry's first group counts;
/// all of one group count together.
const KINDS: &[(&str, &str)] = &[
    ("tech|technology|it|information tech", "information technology|technology"),
    ("healthcare|health|medical|health care", "health care|healthcare"),
    (
        "communications|communication|comms|telecommunications",
        "communication services|communications|telecommunication services",
    ),
    ("financial|finance|financial services", "financials|financial services"),
    ("industrial|industrials", "industrials"),
    ("material|materials|basic materials", "materials|basic materials"),
    ("utility|utilities|utility providers", "utilities"),
    ("staples|defensive consumer|consumer defensive|staple", "consumer staples"),
    ("discretionary|consumer cyclical|cyclical consumer", "consumer discretionary"),
    ("property|realty|reit|reits|real estate", "real estate"),
    ("oil|oil and gas|oil & gas|petroleum|fossil fuel", "energy"),
    ("bank|banks|banking|lender|lenders", "diversified banks|regional banks|banks|commercial banks"),
    (
        "insurer|insurers|insurance|insurance companies",
        "property & casualty insurance|life & health insurance|multi-line insurance|insurance brokers|reinsurance|insurance",
    ),
    (
        "chip|chips|chipmaker|chipmakers|chip makers|semiconductor|semis",
        "semiconductors|semiconductor materials & equipment",
    ),
    ("software|software makers", "application software|systems software|software"),
    ("pharma|pharmaceutical|drugmaker|drugmakers|drug makers|drug", "pharmaceuticals"),
    ("biotech|biotechs", "biotechnology"),
    ("airline|airlines|carriers|air carriers", "passenger airlines|airlines"),
    (
        "retailer|retailers|retail|retailing",
        "broadline retail|apparel retail|home improvement retail|automotive retail|computer & electronics retail|\
         consumer staples merchandise retail|food retail|drug retail|other specialty retail|general merchandise stores|\
         homefurnishing retail|specialty stores|retail",
    ),
    ("carmaker|carmakers|automaker|automakers|auto|car|car makers|auto makers", "automobile manufacturers|automobiles"),
    ("restaurant|restaurants|fast food", "restaurants"),
    ("hotel|hotels|lodging", "hotels, resorts & cruise lines|hotels"),
    ("casino|casinos|gaming", "casinos & gaming"),
    ("railroad|railroads|rail|railways", "rail transportation|railroads"),
    ("defense|defence|aerospace|aerospace and defense", "aerospace & defense"),
    ("media|broadcasters", "publishing|broadcasting|movies & entertainment|cable & satellite|media"),
    ("telecom|telecoms|telco|telcos", "integrated telecommunication services|wireless telecommunication services"),
    ("tobacco|cigarette", "tobacco"),
    ("beverage|beverages|drinks", "soft drinks & non-alcoholic beverages|soft drinks|brewers|distillers & vintners"),
    ("food|foods", "packaged foods & meats|food distributors"),
    ("chemical|chemicals", "specialty chemicals|commodity chemicals|diversified chemicals|chemicals"),
    ("miner|miners|mining", "gold|copper|diversified metals & mining|metals & mining"),
    ("gold|gold miners", "gold"),
    ("steel|steelmakers|steel makers", "steel"),
    ("refiner|refiners|refining", "oil & gas refining & marketing"),
    ("homebuilder|homebuilders|home builders|builders", "homebuilding"),
    ("broker|brokers|brokerage", "investment banking & brokerage"),
    ("asset managers|asset manager|asset management", "asset management & custody banks"),
    ("trucking|truckers", "trucking|cargo ground transportation"),
    ("delivery|logistics|freight", "air freight & logistics"),
    ("electric utilities|electric utility|power|electricity", "electric utilities|multi-utilities"),
    ("water utilities|water utility", "water utilities"),
    ("medical device|medical devices|device makers", "health care equipment"),
];

/// The values a word may stand for: those of its kind, or the word itself in another number.
fn values(key: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for (kinds, meant) in KINDS {
        if kinds.split('|').any(|kind| names::key(kind) == key) {
            values.extend(meant.split('|').map(names::key));
        }
    }
    if values.is_empty() {
        values.push(format!("{key}s"));
        values.extend(key.strip_suffix('y').map(|stem| format!("{stem}ies")));
        values.extend(key.strip_suffix("ies").map(|stem| format!("{stem}y")));
        values.extend(key.strip_suffix('s').map(str::to_owned));
    }
    values
}

/// Whether a stretch is spoken of as a kind: "tech stocks", "the tech sector", "among banks", "banks" alone.
fn as_kind(tokens: &[Token], roles: &[Role], (start, end): (usize, usize)) -> bool {
    let noun = |index: usize| {
        tokens.get(index).is_some_and(|token| {
            words::cue(&token.lower) == Some(Cue::Thing)
                || matches!(
                    token.lower.as_str(),
                    "sector" | "industry" | "space" | "name" | "names" | "group" | "peers" | "share" | "shares"
                )
        })
    };
    let plural = tokens[end - 1].lower.ends_with('s') && tokens[end - 1].lower.len() > 3;
    // "the best tech", "in tech", "Which airline"
    let open = start > 0
        && (matches!(
            words::cue(&tokens[start - 1].lower),
            Some(
                Cue::Which | Cue::What | Cue::Every | Cue::Count | Cue::Best | Cue::Worst | Cue::Volatile | Cue::Stable
            )
        ) || matches!(tokens[start - 1].lower.as_str(), "in" | "among" | "of" | "within" | "a" | "an" | "any"));
    noun(end) || plural || open || roles.len() == end
}

/// Links words for kinds of companies that no name explains.
pub(super) fn link_groups(question: &str, tokens: &[Token], roles: &mut [Role], store: &dyn Store, links: &mut Links) {
    let mut found = stretches(tokens, roles, 3);
    found.retain(|stretch| {
        let words = &tokens[stretch.0..stretch.1];
        let plain = words.iter().all(|token| token.kind != TokenKind::Number) && !words[0].possessive;
        let ordinary = words.iter().all(|token| words::cue(&token.lower).is_some());
        let it = stretch.1 - stretch.0 == 1 && words[0].lower == "it" && !words[0].all_capitals();
        plain && !it && (!ordinary || words[0].lower == "it") && as_kind(tokens, roles, *stretch)
    });
    if found.is_empty() {
        return;
    }
    found.sort_by_key(|(start, end)| (std::cmp::Reverse(end - start), *start));
    let meant: Vec<((usize, usize), Vec<String>)> =
        found.into_iter().map(|stretch| (stretch, values(&names::key(text_of(question, tokens, stretch))))).collect();
    let keys: BTreeSet<&String> = meant.iter().flat_map(|(_, values)| values).collect();
    let mut aliases: Vec<Alias> = store.aliases(&keys.into_iter().cloned().collect::<Vec<_>>());
    aliases.retain(|alias| {
        !alias.observed && alias.value_of.iter().any(|relation| matches!(relation.as_str(), "sector" | "industry"))
    });
    for (stretch, values) in meant {
        if (stretch.0..stretch.1).any(|index| roles[index] == Role::Entity) {
            continue;
        }
        let named: Vec<&Alias> =
            values.iter().flat_map(|value| aliases.iter().filter(move |alias| alias.key == *value)).collect();
        let Some(first) = named.first() else { continue };
        // A sector takes in its industries; industries count together.
        let relation = if first.value_of.iter().any(|relation| relation == "sector") { "sector" } else { "industry" };
        let mut entities: Vec<Entity> = named
            .iter()
            .filter(|alias| alias.value_of.iter().any(|known| known == relation))
            .map(|alias| alias.entity.clone())
            .collect();
        entities.dedup_by_key(|entity| entity.id);
        let entity = entities.remove(0);
        links.entities.push(Link {
            entity,
            also: entities,
            text: text_of(question, tokens, stretch).to_owned(),
            alias: AliasKind::Name,
            distance: 0,
            certainty: 0.93,
            observed: false,
            value_of: vec![relation.to_owned()],
            token: stretch.0,
        });
        roles[stretch.0..stretch.1].fill(Role::Entity);
    }
    links.entities.sort_by_key(|link| link.token);
}
