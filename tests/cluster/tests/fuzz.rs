//! Made-up input for everything that a role can call: an answer or an error of the caller's, never a crash and never an
//! internal error.
//!
//! `SUTRA_FUZZ_SECONDS` says for how long (default 4), `SUTRA_FUZZ_SEED` from where (default the same every run). What
//! was found stays in `FOUND`, and is tried first.

use std::time::{Duration, Instant};

use postgres::Client;
use sutra_cluster_tests::Cluster;

/// Statements that failed once, kept as regression tests.
const FOUND: [&str; 0] = [];

/// A linear congruential generator (Knuth's MMIX constants): one seed, one course.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    /// Words of the grammar and of none, glued with and without blanks.
    fn text(&mut self, words: &[&str], most: usize) -> String {
        let mut text = String::new();
        for _ in 0..self.below(most + 1) {
            match self.below(12) {
                0 => {
                    text.push(char::from_u32(self.below(0x11_0000) as u32).filter(|c| *c != '\0').unwrap_or('\u{fffd}'))
                }
                1 => text.push_str(&self.below(1_000_000).to_string()),
                _ => text.push_str(self.of(words)),
            }
            if self.below(5) > 0 {
                text.push(' ');
            }
        }
        text
    }

    fn json(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => "null".into(),
            1 => "true".into(),
            2 => self.of(&["0", "-1", "1e308", "1e-400", "1.5", "99999999999999999999999999", "-0"]).into(),
            3..6 => quoted(&self.text(&VALUES, 3)),
            6 => format!("[{}]", (0..self.below(4)).map(|_| self.json(depth - 1)).collect::<Vec<_>>().join(",")),
            _ => {
                let members =
                    (0..self.below(5)).map(|_| format!("{}:{}", quoted(self.of(&KEYS)), self.json(depth - 1)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }
}

const KEYS: [&str; 16] = [
    "company",
    "ticker",
    "name",
    "date",
    "period",
    "price_close",
    "price_volume",
    "sector",
    "headquarters",
    "entity",
    "source",
    "",
    "a\"b",
    "Ключ",
    "$.x",
    "temperature",
];
const VALUES: [&str; 22] = [
    "AAPL",
    "Apple Inc.",
    "2019-01-02",
    "Q1 2019",
    "02/30/2019",
    "$1,234.5",
    "12.3%",
    "-",
    "1e999",
    "NaN",
    "Infinity",
    "(3.5)",
    "2019-13-01",
    "from 2019 to 2018",
    "",
    "\t",
    "'",
    "\\",
    "null",
    "1.2M",
    "Société Générale",
    "9999-12-31",
];
const WORDS: [&str; 72] = [
    "what",
    "was",
    "the",
    "closing",
    "price",
    "of",
    "AAPL",
    "Apple",
    "and",
    "MSFT",
    "in",
    "March",
    "2019",
    "Q1",
    "between",
    "2019-01-02",
    "11/20/2018",
    "highest",
    "lowest",
    "average",
    "median",
    "volume",
    "trend",
    "volatility",
    "correlation",
    "why",
    "did",
    "fall",
    "top",
    "5",
    "companies",
    "by",
    "return",
    "which",
    "sector",
    "how",
    "many",
    "days",
    "above",
    "$200",
    "last",
    "week",
    "before",
    "since",
    "until",
    "is",
    "related",
    "to",
    "a",
    "?",
    ",",
    ".",
    ";",
    "'s",
    "'",
    "\"",
    "%",
    "$",
    "(",
    ")",
    "-",
    "vs",
    "first",
    "quarter",
    "half",
    "year",
    "due",
    "led",
    "because",
    "caused",
    "10-K",
    "№",
];
const NUMBERS: [&str; 18] = [
    "1", "-1", "0", "3.5", "1e38", "1e39", "-1e-46", "NaN", "inf", "Infinity", "-", "+", ".", "1.", "0x10", "1_000",
    "", " 2 ",
];

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if (c as u32) < 0x20 => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// One statement of whatever a role can call.
fn statement(dice: &mut Dice) -> String {
    let vector = |dice: &mut Dice| {
        let elements = (0..dice.below(5)).map(|_| dice.of(&NUMBERS)).collect::<Vec<_>>();
        let open = dice.of(&["[", "[", "[", "", "[[", "{"]);
        let close = dice.of(&["]", "]", "]", "", "]]", "}"]);
        literal(&format!("{open}{}{close}", elements.join(",")))
    };
    let question = |dice: &mut Dice| literal(&dice.text(&WORDS, 24));
    let number = |dice: &mut Dice| dice.of(&["1", "0", "-1", "10", "10000", "2147483647", "NULL"]);
    match dice.below(14) {
        0 => format!("SELECT {}::embedding", vector(dice)),
        1 => format!("SELECT {}::embedding({})", vector(dice), dice.of(&["3", "1", "16000", "16001", "0", "-1"])),
        2 => format!(
            "SELECT ({}::embedding {} {}::embedding)::text",
            vector(dice),
            dice.of(&["<->", "<=>", "<#>", "<+>", "+", "-", "*", "<", "="]),
            vector(dice)
        ),
        3 => format!("SELECT {}::concept_id", literal(&dice.text(&["0", "f", "00000000000000ff", "G", "-", "0x"], 4))),
        4 => format!("SELECT subvector({}::embedding, {}, {})", vector(dice), number(dice), number(dice)),
        5 | 6 => format!("SELECT * FROM sutra_ask({}, {}, {}::jsonb)", question(dice), number(dice), {
            let filter = dice.json(2);
            if dice.below(2) == 0 { "NULL".into() } else { literal(&filter) }
        }),
        7 => format!("SELECT sutra_explain({})", question(dice)),
        8 => format!(
            "SELECT * FROM sutra_search({}, {}, {}::jsonb)",
            question(dice),
            number(dice),
            literal(&dice.json(2))
        ),
        9..12 => format!("SELECT sutra_learn({}, {}::jsonb)", literal(&dice.text(&WORDS, 30)), literal(&dice.json(2))),
        12 => format!("SELECT sutra_forget_where({}::jsonb)", literal(&dice.json(2))),
        _ => format!("SELECT * FROM sutra_extract({})", question(dice)),
    }
}

/// Runs a statement; a failure of the server's own, instead of the caller's, is what is looked for.
fn try_one(client: &mut Client, statement: &str) -> Result<bool, String> {
    match client.simple_query(statement) {
        Ok(_) => Ok(true),
        Err(error) => match error.code().map(|code| code.code().to_owned()) {
            None => Err(format!("the connection broke: {error:?}\n{statement}")),
            Some(code) if code.starts_with("XX") || code == "57014" => Err(format!("{code}: {error:?}\n{statement}")),
            Some(_) => Ok(false),
        },
    }
}

#[test]
fn nothing_that_a_role_can_say_is_an_internal_error() {
    let environment =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let time = Duration::from_secs(environment("SUTRA_FUZZ_SECONDS", 4));
    let seed = environment("SUTRA_FUZZ_SEED", 20_190_102);
    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    client
        .batch_execute(
            "SET statement_timeout = '20s';
             SELECT sutra_learn_ohlcv('Apple Inc.', 'AAPL', d::date, 150, 155, 145, 150 + extract(day FROM d), 1000)
             FROM generate_series('2019-01-02'::timestamp, '2019-01-31', '1 day') AS d",
        )
        .expect("bars can be learned");
    for found in FOUND {
        if let Err(failure) = try_one(&mut client, found) {
            panic!("{failure}");
        }
    }
    let mut dice = Dice(seed);
    let started = Instant::now();
    let (mut answered, mut refused) = (0, 0);
    while started.elapsed() < time {
        let statement = statement(&mut dice);
        match try_one(&mut client, &statement) {
            Ok(true) => answered += 1,
            Ok(false) => refused += 1,
            Err(failure) => panic!("seed {seed}, after {answered} answers and {refused} errors: {failure}"),
        }
    }
    println!("{answered} statements answered, {refused} refused, seed {seed}");
    assert!(answered > 0 && refused > 0, "both happen: {answered} answered, {refused} refused");
    let faults: i64 = client
        .query_one("SELECT count(*) FROM sutra_index_check('sutra.vector_all_minilm_l6_v2_idx')", &[])
        .expect("the index can be checked")
        .get(0);
    assert_eq!(faults, 0);
}
