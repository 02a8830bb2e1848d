//! When two names are the same, and the other names a company goes by.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The key under which a name is looked up: case folded, accents and punctuation dropped, words one blank apart.
///
/// `&` between words reads as "and" ("Procter & Gamble"), inside a word it is dropped ("AT&T"); points and apostrophes
/// join what they stand in ("U.S." gives "us", "Macy's" gives "macys"), all other punctuation separates. A name of
/// nothing but punctuation is its own key. Folding twice changes nothing; the key of a blank text is empty.
pub fn key(text: &str) -> String {
    let folded: Vec<char> = text.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkd().collect();
    let mut key = String::with_capacity(text.len());
    let mut blank = false;
    for (position, &character) in folded.iter().enumerate() {
        let wordly = character.is_alphanumeric() || is_combining_mark(character);
        if ('\u{300}'..='\u{36f}').contains(&character) || matches!(character, '.' | '\'' | '\u{2019}' | '\u{2018}') {
            continue;
        }
        if wordly {
            if blank && !key.is_empty() {
                key.push(' ');
            }
            blank = false;
            key.push(character);
        } else if character == '&' {
            let blank_at = |neighbour: Option<&char>| neighbour.is_none_or(|character| character.is_whitespace());
            let before = position.checked_sub(1).and_then(|before| folded.get(before));
            if !key.is_empty() && blank_at(before) && blank_at(folded.get(position + 1)) {
                key.push_str(" and");
                blank = true;
            }
        } else {
            blank = true;
        }
    }
    if key.is_empty() {
        let whole: String = folded.iter().collect();
        return whole.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect();
    }
    key.nfc().collect()
}

/// Words at the end of a company's name that say what form it has, not which it is; as [`key`] writes them.
const LEGAL_FORMS: &[&str] = &[
    "ab",
    "ag",
    "asa",
    "bv",
    "co",
    "companies",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "group",
    "holding",
    "holdings",
    "inc",
    "incorporated",
    "kgaa",
    "limited",
    "llc",
    "lp",
    "ltd",
    "nv",
    "oyj",
    "plc",
    "pte",
    "pty",
    "sa",
    "sab",
    "sarl",
    "se",
    "spa",
    "the",
];

/// The name without its legal form, share class and article, as people say it: "Apple" for "Apple Inc.", "Coca-Cola"
/// for "Coca-Cola Company (The)", "Amazon" for "Amazon.com, Inc."; `None` when that leaves the name as it is.
pub fn short(name: &str) -> Option<String> {
    let mut rest = name.trim();
    loop {
        let before = rest;
        // A class or article in parentheses: "(Class A)", "(The)", an inverted first name: "Lilly (Eli)".
        if rest.ends_with(')')
            && let Some(open) = rest.rfind('(')
            && open > 0
        {
            rest = rest[..open].trim_end();
        }
        if let Some((head, class)) = rest.rsplit_once(' ')
            && class.chars().count() == 1
            && let Some((head, word)) = head.rsplit_once(' ')
            && word.eq_ignore_ascii_case("class")
        {
            rest = head.trim_end();
        }
        if let Some((head, last)) = rest.rsplit_once([' ', ',']) {
            let head = head.trim_end_matches([' ', ',', '&']);
            if !head.is_empty() && LEGAL_FORMS.contains(&key(last).as_str()) {
                rest = head;
            }
        }
        rest = rest.trim_end_matches([' ', ',']);
        if rest == before {
            break;
        }
    }
    if let Some(found) = rest.get(..4)
        && found.eq_ignore_ascii_case("the ")
    {
        rest = rest[4..].trim_start();
    }
    if let Some(stem) = rest.len().checked_sub(4)
        && rest.get(stem..).is_some_and(|end| end.eq_ignore_ascii_case(".com"))
    {
        rest = &rest[..stem];
    }
    let meaningful = key(rest).chars().count() >= 2 && key(rest) != key(name);
    meaningful.then(|| rest.to_owned())
}

/// Whether a text has the form of a ticker: one to six capitals or digits, at least one of them a letter, with or
/// without a class or market after a point or hyphen ("AAPL", "BRK.B", "7203.T").
pub fn looks_like_ticker(text: &str) -> bool {
    let (stem, suffix) = match text.split_once(['.', '-']) {
        Some((stem, suffix)) => (stem, Some(suffix)),
        None => (text, None),
    };
    let capital = |part: &str, longest| {
        (1..=longest).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    capital(stem, 6) && suffix.is_none_or(|suffix| capital(suffix, 2)) && text.bytes().any(|b| b.is_ascii_uppercase())
}

/// The name that a text puts before a ticker: "Apple Inc." in "Apple Inc. (AAPL) rose" and in "Apple Inc. (NASDAQ:
/// AAPL)". `None` when the text does not, or when it cannot be told where the name begins.
pub fn before_ticker<'a>(text: &'a str, ticker: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(open) = text[from..].find('(').map(|at| from + at) {
        from = open + 1;
        let Some(length) = text[from..].find(')') else { break };
        let inside = text[from..from + length].trim();
        let symbol = inside.rsplit_once(':').map_or(inside, |(_market, symbol)| symbol.trim_start());
        if symbol == ticker
            && let Some(name) = name_at_end(&text[..open])
        {
            return Some(name);
        }
    }
    None
}

/// Words that begin a sentence with a capital without being part of a name.
const OPENERS: &[&str] = &[
    "a",
    "about",
    "according",
    "after",
    "all",
    "although",
    "an",
    "analysts",
    "and",
    "as",
    "at",
    "because",
    "before",
    "both",
    "but",
    "by",
    "despite",
    "during",
    "for",
    "from",
    "here",
    "how",
    "if",
    "in",
    "investors",
    "is",
    "it",
    "its",
    "like",
    "meanwhile",
    "on",
    "price",
    "prices",
    "profile",
    "rival",
    "shares",
    "since",
    "so",
    "stock",
    "that",
    "the",
    "then",
    "this",
    "today",
    "tomorrow",
    "unlike",
    "when",
    "while",
    "why",
    "with",
    "yesterday",
];

fn name_at_end(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let mut start = text.len();
    let mut following: Option<&str> = None;
    // A name is at most eight words.
    for word in text.rsplit(' ').take(8) {
        let at = start - usize::from(following.is_some()) - word.len();
        let first = word.chars().next().unwrap_or(' ');
        let inner = following.is_some() && matches!(word, "&" | "de" | "du" | "von" | "van");
        // "Bank of America": the one preposition that names hold, after the one word that calls for it.
        let inner = inner || word == "of" && text[..at].trim_end().ends_with("Bank");
        // Some names begin small: eBay, iRobot.
        let capital = first.is_ascii_digit() || word.contains(char::is_uppercase);
        if word.contains(['\n', '(', ')', '"']) || !(capital || inner) || OPENERS.contains(&key(word).as_str()) {
            break;
        }
        if let Some(following) = following {
            let legal = |word: &str| LEGAL_FORMS.contains(&key(word).as_str());
            let clause = word.ends_with(',') && !legal(following);
            let sentence = word.ends_with(['.', '!', '?', ';', ':']) && !legal(word) && key(word).chars().count() > 1;
            if clause || sentence {
                break;
            }
        }
        start = at;
        following = Some(word);
    }
    let name = text[start..].trim_matches([' ', '&']);
    let legal_forms = key(name).split(' ').all(|word| LEGAL_FORMS.contains(&word));
    (name.chars().any(char::is_alphabetic) && !legal_forms).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_fold_what_people_write_differently() {
        for (text, expected) in [
            ("Apple Inc.", "apple inc"),
            ("  APPLE,  inc ", "apple inc"),
            ("AT&T", "att"),
            ("Procter & Gamble", "procter and gamble"),
            ("Procter and Gamble", "procter and gamble"),
            ("O\u{2019}Reilly Automotive", "oreilly automotive"),
            ("O'Reilly Automotive", "oreilly automotive"),
            ("Est\u{e9}e Lauder", "estee lauder"),
            ("Coca-Cola", "coca cola"),
            ("U.S. Bancorp", "us bancorp"),
            ("stra\u{df}e", "strasse"),
            ("\u{9a8}\u{9a4}\u{9c1}\u{9a8}", "\u{9a8}\u{9a4}\u{9c1}\u{9a8}"),
            ("\u{1f34e}", "\u{1f34e}"),
            ("!?", "!?"),
            (" ", ""),
        ] {
            assert_eq!(key(text), expected, "{text:?}");
        }
    }

    #[test]
    fn short_names_drop_form_class_and_article() {
        for (name, expected) in [
            ("Apple Inc.", Some("Apple")),
            ("Tapestry, Inc.", Some("Tapestry")),
            ("Amazon.com, Inc.", Some("Amazon")),
            ("Coca-Cola Company (The)", Some("Coca-Cola")),
            ("The Home Depot", Some("Home Depot")),
            ("Alphabet Inc. (Class A)", Some("Alphabet")),
            ("Berkshire Hathaway Inc. Class B", Some("Berkshire Hathaway")),
            ("JPMorgan Chase & Co.", Some("JPMorgan Chase")),
            ("Est\u{e9}e Lauder Companies (The)", Some("Est\u{e9}e Lauder")),
            ("Lilly (Eli)", Some("Lilly")),
            ("TKO Group Holdings", Some("TKO")),
            ("Anheuser-Busch InBev SA/NV", None),
            ("Vertex Pharmaceuticals", None),
            ("Microsoft", None),
            ("Inc.", None),
            ("The", None),
            ("", None),
        ] {
            assert_eq!(short(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn tickers_are_told_from_names() {
        for ticker in ["A", "AAPL", "BRK.B", "BF-B", "7203.T", "GOOGL"] {
            assert!(looks_like_ticker(ticker), "{ticker}");
        }
        for name in ["", "Apple", "aapl", "TOOLONGNAME", "7203", "A B", "BRK.", ".B", "BRK.BBB", "\u{c4}PFEL"] {
            assert!(!looks_like_ticker(name), "{name}");
        }
    }

    #[test]
    fn a_name_stands_before_its_ticker() {
        for (text, ticker, expected) in [
            ("Apple Inc. (AAPL) financial data for 2019-01-02: Stock", "AAPL", Some("Apple Inc.")),
            ("Apple Inc. (NASDAQ: AAPL) rose", "AAPL", Some("Apple Inc.")),
            ("Shares of Bank of America Corp (BAC) rose", "BAC", Some("Bank of America Corp")),
            ("The CEO of Microsoft (MSFT) spoke", "MSFT", Some("Microsoft")),
            ("It fell. Phillips 66 (PSX) rose", "PSX", Some("Phillips 66")),
            ("The Procter & Gamble Company (PG) said", "PG", Some("Procter & Gamble Company")),
            ("Yesterday, Tapestry, Inc. (TPR) rose", "TPR", Some("Tapestry, Inc.")),
            ("eBay Inc. (EBAY) rose", "EBAY", Some("eBay Inc.")),
            ("the big Corp. (BIG) rose", "BIG", None),
            ("a company (AAPL)", "AAPL", None),
            ("(AAPL)", "AAPL", None),
            ("Apple Inc. (AAPL", "AAPL", None),
            ("Apple Inc. (MSFT)", "AAPL", None),
        ] {
            assert_eq!(before_ticker(text, ticker), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in ".*") {
            let once = key(&text);
            prop_assert_eq!(key(&once), once.clone());
            prop_assert_eq!(once.trim(), once.as_str());
        }

        #[test]
        fn case_does_not_change_a_key(text in "[A-Za-z0-9 .,&'-]*") {
            prop_assert_eq!(key(&text.to_uppercase()), key(&text.to_lowercase()));
        }

        #[test]
        fn any_text_is_safe(text in ".*", ticker in "[A-Z]{1,3}") {
            let _ = (short(&text), looks_like_ticker(&text), before_ticker(&text, &ticker));
            let named = format!("{text} ({ticker})");
            let _ = before_ticker(&named, &ticker);
        }
    }
}
