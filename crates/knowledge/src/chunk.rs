//! Long texts in pieces that one vector can stand for.
//!
//! The vector of a text is a mean over its words: of a page it says what the page is about, and hardly that one of its
//! sentences gives the number asked for. So a long text has a vector of the whole and one of each of its [`chunks`].
//! A chunk is made of whole sentences; a heading goes with what follows it; a table stays whole, and one too large for
//! that repeats its first row in each part.

use std::collections::HashSet;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Tokens that a chunk is filled up to: a few sentences.
const SIZE: usize = 64;

/// A text of so many tokens is one piece: its own vector says it all.
const SHORT: usize = 96;

/// Tokens that a table kept whole, or a chunk of a very long text, has at most; encoders take 256 with their own marks.
const LARGE: usize = 224;

/// Chunks that a text is cut into at most, which bounds the time to learn it. Of a text of more than about 28,000
/// tokens the rest is found by its words and by the vector of the whole only.
const MOST: usize = 128;

/// The pieces of a long text, in order; none for a text that is short enough to be one piece.
pub fn chunks(text: &str) -> Vec<String> {
    let total = approximate_tokens(text);
    if total <= SHORT {
        return Vec::new();
    }
    let size = total.div_ceil(MOST).clamp(SIZE, LARGE);
    let mut chunks = assemble(text, segments(text, size), size);
    // What is said again is no nearer than what was said before.
    let mut said = HashSet::new();
    chunks.retain(|chunk| said.insert(chunk.clone()));
    chunks.truncate(MOST);
    if chunks.len() == 1 {
        chunks.clear();
    }
    chunks
}

/// About how many tokens a word-piece tokenizer makes of a text: one for eight letters of a word or three digits of a
/// number, and one for each mark.
pub fn approximate_tokens(text: &str) -> usize {
    let mut tokens = 0;
    let (mut letters, mut digits) = (0usize, 0usize);
    let close = |letters: &mut usize, digits: &mut usize| {
        let tokens = letters.div_ceil(8) + digits.div_ceil(3);
        (*letters, *digits) = (0, 0);
        tokens
    };
    for character in text.chars() {
        if character.is_alphabetic() {
            letters += 1;
        } else if character.is_numeric() {
            digits += 1;
        } else {
            tokens += close(&mut letters, &mut digits) + usize::from(!character.is_whitespace());
        }
    }
    tokens + close(&mut letters, &mut digits)
}

/// A part of a text that is not cut.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    /// The first row of the table it belongs to, when it does not begin with it.
    header: Option<Range<usize>>,
    range: Range<usize>,
    tokens: usize,
    heading: bool,
}

/// Joins segments to chunks of about `size` tokens.
fn assemble(text: &str, segments: Vec<Segment>, size: usize) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut current: Vec<Segment> = Vec::new();
    let mut tokens = 0;
    let mut close = |segments: &mut Vec<Segment>| {
        let mut chunk = String::new();
        for segment in segments.drain(..) {
            for range in segment.header.into_iter().chain([segment.range]) {
                if !chunk.is_empty() {
                    chunk.push(' ');
                }
                chunk.push_str(text[range].trim());
            }
        }
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
    };
    for segment in segments {
        let headed = current.iter().rposition(|segment| !segment.heading).map_or(0, |last| last + 1);
        if segment.heading && headed == current.len() || tokens + segment.tokens > size {
            // Headings at the end go with what they head, unless they are a list of short lines that fills the chunk.
            let headings = if headed > 0 { current.split_off(headed) } else { Vec::new() };
            close(&mut current);
            current = headings;
            tokens = current.iter().map(|segment| segment.tokens).sum();
        }
        tokens += segment.tokens;
        current.push(segment);
    }
    close(&mut current);
    chunks
}

/// Cuts a text into headings, sentences and tables; what is larger than may be, into parts.
fn segments(text: &str, size: usize) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut table: Vec<Range<usize>> = Vec::new();
    for line in lines(text) {
        if is_row(&text[line.clone()]) {
            table.push(line);
            continue;
        }
        push_table(text, &std::mem::take(&mut table), size, &mut segments);
        let heading = is_heading(text, &line);
        for sentence in sentences(text, line) {
            for part in parts(text, sentence, size) {
                let tokens = approximate_tokens(&text[part.clone()]);
                segments.push(Segment { header: None, range: part, tokens, heading });
            }
        }
    }
    push_table(text, &table, size, &mut segments);
    segments
}

/// The lines of a text, and the rows of tables that are written as nested lists, `[['a', 'b'], ['c', 'd']]`.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut cut = |end: usize| {
        if !text[start..end].trim().is_empty() {
            lines.push(start..end);
        }
        start = end;
    };
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => cut(index + 1),
            b'[' if bytes[index..].starts_with(b"[[") => cut(index),
            b',' if index > 0 && bytes[index - 1] == b']' && bytes[index..].starts_with(b", [") => cut(index + 1),
            b']' if index > 0 && bytes[index - 1] == b']' => cut(index + 1),
            _ => (),
        }
    }
    cut(text.len());
    lines
}

/// The sentences of a text, without the rows of its tables.
pub fn prose(text: &str) -> Vec<Range<usize>> {
    lines(text).into_iter().filter(|line| !is_row(&text[line.clone()])).flat_map(|line| sentences(text, line)).collect()
}

/// A line with cells: between bars, after tabs, or in a list of quoted values.
fn is_row(line: &str) -> bool {
    let line = line.trim();
    let listed = line.trim_end_matches([',', ']']).trim_start_matches('[');
    line.matches('|').count() >= 2
        || line.matches('\t').count() >= 2
        || (line.starts_with('[') && line.trim_end_matches(',').ends_with(']') && listed.starts_with(['\'', '"']))
}

/// A short line that does not end like a sentence and has something below it.
fn is_heading(text: &str, line: &Range<usize>) -> bool {
    let words = text[line.clone()].trim();
    text[line.clone()].ends_with('\n')
        && !text[line.end..].trim().is_empty()
        && !words.ends_with(['.', '!', '?', ';', ','])
        && words.unicode_words().count() <= 12
}

/// Adds a table whole unless it is too large for that, and, when it is larger than a chunk of prose, in parts too: the
/// vector of the whole says what the table is about, and that of a part which rows it has.
fn push_table(text: &str, rows: &[Range<usize>], size: usize, segments: &mut Vec<Segment>) {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
    let whole = first.start..last.end;
    let tokens = approximate_tokens(&text[whole.clone()]);
    if tokens <= LARGE {
        segments.push(Segment { header: None, range: whole, tokens, heading: false });
    }
    if tokens > size {
        push_rows(text, rows, size, segments);
    }
}

/// Adds the rows of a table in parts of at most `size` tokens, which begin with its first row.
fn push_rows(text: &str, rows: &[Range<usize>], size: usize, segments: &mut Vec<Segment>) {
    let measure = |range: &Range<usize>| approximate_tokens(&text[range.clone()]);
    // A first row that would fill half of every part is no header.
    let header = rows.first().filter(|first| measure(first) <= size / 2);
    let header_tokens = header.map_or(0, measure);
    let mut parts_of_rows: Vec<Segment> = Vec::new();
    for row in rows.iter().flat_map(|row| parts(text, row.clone(), size - header_tokens)) {
        let tokens = measure(&row);
        match parts_of_rows.last_mut() {
            Some(part) if part.tokens + tokens <= size => {
                part.range.end = row.end;
                part.tokens += tokens;
            }
            last => {
                let header = header.filter(|_| last.is_some()).cloned();
                let tokens = tokens + header.as_ref().map_or(0, |_| header_tokens);
                parts_of_rows.push(Segment { header, range: row, tokens, heading: false });
            }
        }
    }
    segments.append(&mut parts_of_rows);
}

/// Words that end in a full stop without ending a sentence, in lower case and without the stop.
pub(crate) const ABBREVIATIONS: [&str; 52] = [
    "inc", "corp", "co", "ltd", "plc", "llc", "bros", "no", "nos", "vs", "etc", "mr", "mrs", "ms", "dr", "prof", "st",
    "jr", "sr", "fig", "figs", "eq", "ref", "refs", "sec", "vol", "pp", "ca", "approx", "est", "dept", "gen", "gov",
    "sen", "rep", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "al", "cf",
    "resp", "incl", "excl",
];

/// The sentences of a line. A full stop inside a number, after an abbreviation or after a single letter ends none, and
/// neither does one before a word in lower case, unless it stands alone.
fn sentences(text: &str, line: Range<usize>) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = line.start;
    let content = &text[line.clone()];
    for (offset, mark) in content.char_indices().filter(|(_, character)| matches!(character, '.' | '!' | '?')) {
        let after =
            content[offset + mark.len_utf8()..].trim_start_matches(['"', '\'', ')', ']', '”', '’', '.', '!', '?']);
        let Some(next) = after.trim_start().chars().next().filter(|_| after.starts_with(char::is_whitespace)) else {
            continue;
        };
        let before = &content[..offset];
        let alone = before.ends_with(char::is_whitespace);
        if mark == '.' && !alone {
            let word = before.rsplit(|character: char| character.is_whitespace() || "(['\"".contains(character)).next();
            let word = word.unwrap_or_default();
            let abbreviated = word.chars().count() == 1 && word.chars().all(char::is_alphabetic)
                || word.contains('.') && word.chars().all(|character| character.is_alphabetic() || character == '.')
                || ABBREVIATIONS.contains(&word.to_lowercase().as_str());
            if next.is_lowercase() || abbreviated {
                continue;
            }
        }
        let end = line.end - after.len();
        if end > start {
            sentences.push(start..end);
            start = end;
        }
    }
    if !text[start..line.end].trim().is_empty() {
        sentences.push(start..line.end);
    }
    sentences
}

/// A range as it is, or cut between words into parts of at most `size` tokens. A word without end is cut too.
fn parts(text: &str, range: Range<usize>, size: usize) -> Vec<Range<usize>> {
    if approximate_tokens(&text[range.clone()]) <= size {
        return vec![range];
    }
    let mut parts = Vec::new();
    let mut start = range.start;
    let mut tokens = 0;
    for (offset, word) in text[range.clone()].split_word_bound_indices() {
        let position = range.start + offset;
        // Longer than any word: no tokenizer makes something of the rest.
        let cost = approximate_tokens(word).min(size);
        if tokens + cost > size && position > start {
            parts.push(start..position);
            start = position;
            tokens = 0;
        }
        tokens += cost;
    }
    parts.push(start..range.end);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text, 0..text.len()).into_iter().map(|range| text[range].trim()).collect()
    }

    #[test]
    fn numbers_abbreviations_and_tickers_do_not_end_a_sentence() {
        assert_eq!(
            split("Apple Inc. closed at $178.28 on Nov. 6. It rose 1.2% vs. Monday. Mr. T. Cook spoke."),
            ["Apple Inc. closed at $178.28 on Nov. 6.", "It rose 1.2% vs. Monday.", "Mr. T. Cook spoke."]
        );
        assert_eq!(split("Sales in the U.S. Market grew."), ["Sales in the U.S. Market grew."]);
        assert_eq!(
            split("BRK.B fell. Why? \"No idea.\" (Nobody knew.) End"),
            ["BRK.B fell.", "Why?", "\"No idea.\"", "(Nobody knew.)", "End"]
        );
        assert_eq!(
            split("e.g. this one, i.e. one. see fig. 3 and no. 4"),
            ["e.g. this one, i.e. one. see fig. 3 and no. 4"]
        );
        assert_eq!(
            split("flow past a plate .  the shock wave is curved . end"),
            ["flow past a plate .", "the shock wave is curved .", "end"]
        );
    }

    #[test]
    fn a_short_text_is_one_piece() {
        assert!(chunks("").is_empty());
        assert!(chunks("Apple closed at 180.99.").is_empty());
    }

    #[test]
    fn a_long_text_is_cut_between_sentences() {
        let sentence =
            |year: u32| format!("The quarterly revenue of {year} grew because demand for its products was strong. ");
        let text: String = (2000..2020).map(sentence).collect();
        let chunks = chunks(&text);
        assert!(chunks.len() > 3);
        for chunk in &chunks {
            assert!(chunk.starts_with("The quarterly") && chunk.ends_with("strong."), "{chunk}");
            assert!(approximate_tokens(chunk) <= SIZE);
        }
        assert_eq!(chunks.join(" "), text.trim());
    }

    #[test]
    fn a_heading_goes_with_what_follows() {
        let sentence = |year: u32| {
            format!("Revenue of {year} is recognised when control passes to the customer under the contract. ")
        };
        let body = |years: Range<u32>| years.map(sentence).collect::<String>();
        let text = format!("{}\nRevenue recognition\n{}\n", body(2000..2004), body(2004..2008));
        let chunks = chunks(&text);
        assert!(chunks.iter().any(|chunk| chunk.starts_with("Revenue recognition Revenue of 2004")), "{chunks:?}");
        assert!(!chunks.iter().any(|chunk| chunk.ends_with("recognition")), "{chunks:?}");
    }

    #[test]
    fn a_table_stays_whole_and_a_large_one_repeats_its_first_row() {
        let prose = "The following table shows the charge of each plan for the two years, in millions of pounds. ";
        let row = "['Sharesave scheme', '0.3', '0.4']";
        let table = |rows: usize| format!("[['Plan', '2019', '2018'], {}]", vec![row; rows].join(", "));
        let small = chunks(&format!("{}{}", prose.repeat(5), table(5)));
        assert!(small.iter().any(|chunk| *chunk == table(5)), "{small:?}");
        let large = chunks(&format!("{}{}", prose.repeat(5), table(40)));
        let with_rows: Vec<_> = large.iter().filter(|chunk| chunk.contains("Sharesave")).collect();
        assert!(with_rows.len() > 1);
        for chunk in with_rows {
            assert!(chunk.contains("[['Plan', '2019', '2018']"), "{chunk}");
        }
    }

    #[test]
    fn a_text_without_end_has_a_bounded_number_of_chunks() {
        let text: String = (0..60_000).map(|number| format!("Price {number} rose again. ")).collect();
        let chunks = chunks(&text);
        assert_eq!(chunks.len(), MOST);
        assert!(chunks.iter().all(|chunk| approximate_tokens(chunk) <= LARGE));
        assert!(super::chunks(&"x".repeat(1_000_000)).len() <= MOST);
        assert_eq!(super::chunks(&"Prices rose again. ".repeat(1_000)).len(), 2);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_made_up(text in "([A-Za-z]{1,9}[ .,!?\n]{1,2}|é|\\[\\['|'\\]\\]|\\|[a-z]\\|\n|[0-9.]{1,9} ){0,400}") {
            let chunks = chunks(&text);
            let plain = |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<String>();
            let joined = plain(&chunks.concat());
            let whole = plain(&text);
            // Only the first row of a table may come more than once.
            if !chunks.is_empty() && !text.contains('|') && !text.contains("[[") {
                prop_assert_eq!(joined, whole);
            } else if !chunks.is_empty() {
                // Between the rows of a table that is cut, brackets and commas may go; letters and digits never do.
                let words = |text: &str| text.chars().filter(|character| character.is_alphanumeric()).count();
                prop_assert!(words(&joined) >= words(&whole));
            }
            for chunk in &chunks {
                prop_assert!(approximate_tokens(chunk) <= LARGE + SIZE);
            }
        }
    }
}
