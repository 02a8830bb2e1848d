//! Words that take something away from what a question names: what is denied or set aside, the exchange before a ticker, the
//! "low" of "closing low".

use super::link::{self, Role};
use super::token::Token;
use super::words::Cue;

/// "the close, not the open": a metric right after "not" is not asked for, where another is.
pub(super) fn deny(tokens: &[Token], roles: &mut [Role], links: &mut link::Links) {
    for at in 0..tokens.len() {
        let Role::Metric(metric) = roles[at] else { continue };
        let before: Vec<&str> = tokens[at.saturating_sub(2)..at].iter().map(|token| token.lower.as_str()).collect();
        let denied = matches!(before[..], [.., "not"] | ["not", "the" | "its"]);
        let others = links.metrics.iter().enumerate().any(|(other, link)| other != metric && link.certainty > 0.0);
        if denied && others && roles.iter().filter(|role| **role == Role::Metric(metric)).count() == 1 {
            links.metrics[metric].certainty = 0.0;
            roles[at] = Role::Symbol;
        }
    }
    links.metrics.retain(|link| link.certainty > 0.0);
}

/// "the closing low": of the highs or lows of a day nothing is asked, but the least of the closes.
pub(super) fn closing_extremes(tokens: &[Token], roles: &mut [Role], links: &mut link::Links) -> Vec<(usize, Cue)> {
    let mut found = Vec::new();
    for at in 1..tokens.len() {
        let cue = match tokens[at].lower.as_str() {
            "high" | "highs" => Cue::Highest,
            "low" | "lows" => Cue::Lowest,
            _ => continue,
        };
        if tokens[at - 1].lower == "closing"
            && let (Role::Metric(_), Role::Metric(extreme)) = (roles[at - 1], roles[at])
        {
            roles[at] = Role::Cue(cue);
            found.push((at, cue));
            if !roles.contains(&Role::Metric(extreme)) {
                links.metrics[extreme].certainty = 0.0;
            }
        }
    }
    links.metrics.retain(|link| link.certainty > 0.0);
    found
}

/// "Leaving the volume aside": what stands between is not asked for.
pub(super) fn set_aside(tokens: &[Token], roles: &mut [Role], links: &mut link::Links) {
    let Some(end) = tokens.iter().position(|token| token.lower == "aside") else { return };
    let opens =
        |token: &Token| matches!(token.lower.as_str(), "leaving" | "leave" | "setting" | "putting" | "set" | "put");
    let Some(start) = (end.saturating_sub(6)..end).find(|at| opens(&tokens[*at])) else { return };
    for role in &mut roles[start..=end] {
        if let Role::Metric(metric) = *role
            && let Some(link) = links.metrics.get_mut(metric)
        {
            link.certainty = 0.0;
        }
        *role = Role::Symbol;
    }
    links.metrics.retain(|link| link.certainty > 0.0);
    links.entities.retain(|link| !(start..end).contains(&link.token));
}

/// "NASDAQ:AAPL": an exchange before a ticker names nothing more.
pub(super) fn exchange(tokens: &[Token], roles: &mut [Role]) {
    for at in 2..tokens.len() {
        let joined = tokens[at - 1].text == ":"
            && tokens[at - 2].end == tokens[at - 1].start
            && tokens[at - 1].end == tokens[at].start;
        if joined && roles[at] == Role::Entity && roles[at - 2] == Role::Free && tokens[at - 2].all_capitals() {
            roles[at - 2] = Role::Symbol;
        }
    }
}
