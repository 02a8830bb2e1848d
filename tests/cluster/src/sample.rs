//! The shipped sample, as the tests learn it.

use postgres::{Client, GenericClient};

/// A daily price bar of data/sample/bars.csv.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The company's name.
    pub company: String,
    /// The company's ticker.
    pub ticker: String,
    /// The trading day, as YYYY-MM-DD.
    pub day: String,
    /// Open, high, low, close and volume.
    pub numbers: [f64; 5],
}

impl Bar {
    /// The closing price.
    pub fn close(&self) -> f64 {
        self.numbers[3]
    }
}

/// The first bars of a company, in the order of the days.
pub fn bars(ticker: &str, count: usize) -> Vec<Bar> {
    let path = crate::project_file("data/sample/bars.csv");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let found: Vec<Bar> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| fields[1] == ticker)
        .take(count)
        .map(|fields| Bar {
            company: fields[0].to_owned(),
            ticker: fields[1].to_owned(),
            day: fields[2].to_owned(),
            numbers: std::array::from_fn(|index| fields[3 + index].parse().expect("a number")),
        })
        .collect();
    assert_eq!(found.len(), count, "the sample has too few bars of {ticker}");
    found
}

/// Learns one bar and returns its concept's id.
pub fn learn(client: &mut impl GenericClient, bar: &Bar) -> Result<String, postgres::Error> {
    let [open, high, low, close, volume] = &bar.numbers;
    let query = "SELECT sutra_learn_ohlcv($1, $2, $3::text::date, $4, $5, $6, $7, $8)::text";
    let row = client.query_one(query, &[&bar.company, &bar.ticker, &bar.day, open, high, low, close, volume])?;
    Ok(row.get(0))
}

/// Learns bars in one transaction.
pub fn learn_all(client: &mut Client, bars: &[Bar]) {
    let mut transaction = client.transaction().expect("a transaction begins");
    for bar in bars {
        learn(&mut transaction, bar).unwrap_or_else(|error| panic!("{bar:?} is not learned: {error:?}"));
    }
    transaction.commit().expect("what was learned is committed");
}

/// Every row of the answer to a question, whole, as text.
pub fn ask(client: &mut Client, question: &str) -> Vec<String> {
    client
        .query("SELECT answer::text FROM sutra_ask($1) AS answer", &[&question])
        .unwrap_or_else(|error| panic!("{question:?} is not answered: {error:?}"))
        .iter()
        .map(|row| row.get(0))
        .collect()
}
