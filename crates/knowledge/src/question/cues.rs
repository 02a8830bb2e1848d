//! The words of a question that steer it: relations by their name, and the words of the language.

use super::link::Role;
use super::token::Token;
use super::words::{self, Cue};
use crate::names;

/// Marks the words that are relations by name: "sector", "industries", "ceo".
pub fn link_relations(tokens: &[Token], roles: &mut [Role], relations: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for index in 0..tokens.len() {
        let free = |index: usize| roles.get(index) == Some(&Role::Free);
        if !free(index) {
            continue;
        }
        let matching = relations.iter().find_map(|relation| {
            let words: Vec<String> = names::key(&relation.replace('_', " ")).split(' ').map(str::to_owned).collect();
            let fits = words.iter().enumerate().all(|(offset, word)| {
                free(index + offset)
                    && tokens.get(index + offset).is_some_and(|token| {
                        token.lower == *word
                            || token.lower == format!("{word}s")
                            || word.strip_suffix('y').is_some_and(|stem| token.lower == format!("{stem}ies"))
                    })
            });
            fits.then(|| (relation.clone(), words.len()))
        });
        if let Some((relation, length)) = matching {
            roles[index..index + length].fill(Role::Relation);
            if !found.contains(&relation) {
                found.push(relation);
            }
        }
    }
    // "Which part of the market is it in, by sector?": ordinary words, where another relation is named.
    if found.len() > 1 {
        found.retain(|relation| relation != "part of");
    }
    found
}

/// The words of the language in the question, in order.
pub struct Cues {
    /// Where each stands and what it does.
    pub found: Vec<(usize, Cue)>,
    /// How many of them were read despite a typing error.
    pub guessed: usize,
}

impl Cues {
    /// Reads them from the words that have no role yet, and gives them theirs.
    pub fn read(tokens: &[Token], roles: &mut [Role]) -> Self {
        let mut found = Vec::new();
        let mut guessed = 0;
        let mut index = 0;
        while index < tokens.len() {
            // "# of days", "return in %"
            let sign = match tokens[index].text.as_str() {
                "#" => Some(Cue::Count),
                "%" => Some(Cue::Percent),
                _ => None,
            };
            if let Some(cue) = sign.filter(|_| roles[index] == Role::Symbol) {
                roles[index] = Role::Cue(cue);
                found.push((index, cue));
            }
            if roles[index] != Role::Free {
                index += 1;
                continue;
            }
            let run: Vec<&str> = (index..tokens.len())
                .take_while(|at| roles[*at] == Role::Free)
                .take(5)
                .map(|at| tokens[at].lower.as_str())
                .collect();
            if let Some(length) = words::foreign(&run) {
                index += length;
                continue;
            }
            let (cue, length) = match words::phrase(&run) {
                Some((cue, length)) => (Some(cue), length),
                None => {
                    let manner = words::adverb(run[0]) && (!tokens[index].capitalised() || tokens[index].initial);
                    let known = words::cue(run[0]).or_else(|| manner.then_some(Cue::Filler));
                    // A short word in capitals or with a possessive ending is rather a name.
                    let named = run[0].chars().count() < 6
                        && (tokens[index].possessive || tokens[index].capitalised() && !tokens[index].initial);
                    let near = || words::near_cue(run[0]).filter(|_| !named);
                    (known.or_else(|| near().inspect(|_| guessed += 1)), 1)
                }
            };
            if let Some(cue) = cue {
                roles[index..index + length].fill(Role::Cue(cue));
                found.push((index, cue));
            }
            index += length;
        }
        Cues { found, guessed }
    }

    /// Whether the question has it.
    pub fn has(&self, cue: Cue) -> bool {
        self.found.iter().any(|(_, found)| *found == cue)
    }

    /// Whether the question has one of them.
    pub fn any(&self, cues: &[Cue]) -> bool {
        self.found.iter().any(|(_, found)| cues.contains(found))
    }

    /// The first of them in the question, and where it stands.
    pub fn first(&self, cues: &[Cue]) -> Option<(usize, Cue)> {
        self.found.iter().find(|(_, found)| cues.contains(found)).copied()
    }
}
