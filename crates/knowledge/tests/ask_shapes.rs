//! Questions whose shape changes what is computed: extremes of daily changes, several days, shares of days, differences and
//! ratios, by month, which companies meet a condition. The answers are computed here from the CSV of the sample.

#[path = "support/csv.rs"]
mod csv;
#[path = "support/sample.rs"]
mod sample;
#[path = "support/mod.rs"]
mod support;

use sample::{Prices, sample};
use serde_json::{Value, json};
use std::sync::LazyLock;
use support::Memory;
use sutra_knowledge::answer::{Kind, Row, answer};
use sutra_knowledge::question::understand;

static SAMPLE: LazyLock<(Memory, Prices)> = LazyLock::new(sample);

fn ask(question: &str) -> Row {
    let (store, _) = &*SAMPLE;
    let plan = understand(question, store);
    answer(question, &plan, store, 10, 0.0).into_iter().next().unwrap()
}

/// The answer's value, and it has to be a computed one that cites what it was computed from.
fn computed(question: &str) -> Value {
    let row = ask(question);
    assert_eq!(row.kind, Kind::Computed, "{question}: {}", row.answer);
    assert!(!row.evidence.is_empty(), "{question}");
    row.value.unwrap()
}

/// (day, value) of a metric of a company in a stretch of days.
fn series(ticker: &str, metric: &str, from: &str, to: &str) -> Vec<(String, f64)> {
    let days = SAMPLE.1[ticker].iter().filter(|(day, _)| from <= day.as_str() && day.as_str() <= to);
    days.map(|(day, bar)| (day.clone(), bar[metric])).collect()
}

/// (day, change in percent) of the days of a stretch, the first of them from the day before.
fn changes(ticker: &str, from: &str, to: &str) -> Vec<(String, f64)> {
    let all = series(ticker, "close", "0000", to);
    let steps = all.windows(2).map(|pair| (pair[1].0.clone(), (pair[1].1 / pair[0].1 - 1.0) * 100.0));
    steps.filter(|(day, _)| day.as_str() >= from).collect()
}

fn sorted(mut series: Vec<(String, f64)>) -> Vec<(String, f64)> {
    series.sort_by(|one, two| one.1.total_cmp(&two.1));
    series
}

#[track_caller]
fn near(found: &Value, wanted: f64) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

#[test]
fn extremes_of_daily_changes() {
    let worst = sorted(changes("BA", "2019-03-01", "2019-03-31"));
    for question in [
        "largest one-day drop of Boeing in March 2019",
        "What was Boeing's biggest daily loss in March 2019?",
        "worst day for Boeing in March 2019",
    ] {
        let value = computed(question);
        near(&value["value"], worst[0].1);
        assert_eq!(value["date"], json!(worst[0].0), "{question}");
    }
    let value = computed("What was Boeing's second worst day in March 2019?");
    assert_eq!(value["date"], json!(worst[1].0));
    let best = sorted(changes("AAPL", "2019-01-01", "2019-12-31"));
    near(&computed("biggest daily gain of Apple")["value"], best.last().unwrap().1);
    let may = changes("AAPL", "2019-05-01", "2019-05-31");
    let mean = may.iter().map(|(_, change)| change).sum::<f64>() / may.len() as f64;
    near(&computed("average daily change of Apple in May 2019")["value"], mean);
    // Over all companies, of each its own.
    let each: Vec<(String, f64)> = SAMPLE
        .1
        .keys()
        .map(|ticker| (ticker.clone(), sorted(changes(ticker, "2019-03-01", "2019-03-31"))[0].1))
        .collect();
    for question in [
        "which stock fell the most on a single day in March 2019?",
        "largest one-day drop of any company in March 2019",
    ] {
        let value = computed(question);
        assert_eq!(value["entity"], json!(sorted(each.clone())[0].0), "{question}");
        near(&value["value"], sorted(each.clone())[0].1);
    }
}

#[test]
fn several_days() {
    let mut volume = sorted(series("INTC", "volume", "0000", "9999"));
    volume.reverse();
    let wanted: Vec<&String> = volume.iter().take(3).map(|(day, _)| day).collect();
    for question in ["Which 3 days had the highest volume for Intel?", "top three days of Intel by volume"] {
        let value = computed(question);
        let days: Vec<&str> =
            value["days"].as_array().unwrap().iter().map(|day| day["date"].as_str().unwrap()).collect();
        assert_eq!(days, wanted, "{question}");
    }
    let falls: Vec<String> =
        changes("BA", "0000", "9999").into_iter().filter(|(_, change)| *change < -4.0).map(|(day, _)| day).collect();
    assert!(falls.len() > 1);
    assert_eq!(computed("list the days Boeing fell more than 4%")["dates"], json!(falls));
    let above: Vec<String> = series("AAPL", "close", "0000", "9999")
        .into_iter()
        .filter(|(_, close)| *close > 208.0)
        .map(|(day, _)| day)
        .collect();
    assert_eq!(computed("On what dates did Apple close above $208?")["dates"], json!(above));
}

#[test]
fn a_share_of_days() {
    let may = changes("AAPL", "2019-05-01", "2019-05-31");
    let share = may.iter().filter(|(_, change)| *change > 0.0).count() as f64 / may.len() as f64 * 100.0;
    for question in
        ["percentage of days Apple rose in May 2019", "On what share of sessions did Apple gain in May 2019?"]
    {
        let value = computed(question);
        near(&value["value"], share);
        assert_eq!(value["unit"], json!("percent"));
    }
}

#[test]
fn differences_and_ratios() {
    let on = |ticker: &str, metric: &str, day: &str| SAMPLE.1[ticker][day][metric];
    let range = on("BA", "high", "2019-03-11") - on("BA", "low", "2019-03-11");
    for question in [
        "what is the difference between the high and the low of Boeing on 2019-03-11",
        "Boeing high minus low on 11 March 2019",
    ] {
        near(&computed(question)["value"], range);
    }
    near(
        &computed("spread between Apple and Microsoft closing price on 2019-05-01")["value"],
        on("AAPL", "close", "2019-05-01") - on("MSFT", "close", "2019-05-01"),
    );
    near(
        &computed("ratio of Apple to Microsoft price on 2019-06-03")["value"],
        on("AAPL", "close", "2019-06-03") / on("MSFT", "close", "2019-06-03"),
    );
    let mean = |values: &[(String, f64)]| values.iter().map(|(_, value)| value).sum::<f64>() / values.len() as f64;
    let of = |metric: &str, from: &str, to: &str| mean(&series("BA", metric, from, to));
    near(
        &computed("average daily range of Boeing in April 2019")["value"],
        of("high", "2019-04-01", "2019-04-30") - of("low", "2019-04-01", "2019-04-30"),
    );
}

#[test]
fn by_the_calendar() {
    let months = ["2019-01", "2019-02", "2019-03", "2019-04", "2019-05", "2019-06"];
    let change = |month: &str| {
        let days = series("BA", "close", &format!("{month}-01"), &format!("{month}-31"));
        (days.last().unwrap().1 / days[0].1 - 1.0) * 100.0
    };
    let value = computed("monthly returns of Boeing in 2019");
    let found = value["periods"].as_array().unwrap();
    assert_eq!(found.len(), months.len());
    for (found, month) in found.iter().zip(months) {
        near(&found["value"], change(month));
        assert_eq!(found["from"], json!(format!("{month}-01")));
    }
    let best = months.into_iter().max_by(|one, two| change(one).total_cmp(&change(two))).unwrap();
    let value = computed("which month was best for Boeing?");
    near(&value["value"], change(best));
    let volume = |month: &str| {
        let days = series("AAPL", "volume", &format!("{month}-01"), &format!("{month}-31"));
        days.iter().map(|(_, value)| value).sum::<f64>()
    };
    let most = months.into_iter().map(volume).fold(0.0, f64::max);
    near(&computed("In which month did Apple have the highest volume?")["value"], most);
}

#[test]
fn which_companies_meet_a_condition() {
    let closes = |ticker: &String| SAMPLE.1[ticker]["2019-06-28"]["close"];
    let mut below: Vec<&String> = SAMPLE.1.keys().filter(|ticker| closes(ticker) < 120.0).collect();
    below.sort_by(|one, two| closes(one).total_cmp(&closes(two)));
    assert_eq!(computed("which companies closed below $120 on 28 June 2019?")["entities"], json!(below));
    let change = |ticker: &String| {
        let days = series(ticker, "close", "2019-05-01", "2019-05-31");
        days.last().unwrap().1 / days[0].1 - 1.0
    };
    let fell = SAMPLE.1.keys().filter(|ticker| change(ticker) < 0.0).count();
    assert_eq!(computed("how many stocks fell in May 2019?")["value"], json!(fell));
    let rose: Vec<&String> = SAMPLE.1.keys().filter(|ticker| change(ticker) > 0.0).collect();
    assert_eq!(computed("Which stocks rose in May 2019?")["entities"], json!(rose));
}

#[test]
fn what_would_be_another_question_is_declined() {
    for question in [
        "What was the price of Apple when Boeing was at its highest?",
        "how far is Apple below its high?",
        "Apple return from its low to its high in 2019",
        "most correlated with Apple",
        "What was the close the day before Apple peaked?",
        "number of trading days in May 2019 for Apple",
        "biggest gap between high and low for Nvidia in a single day",
        "close of Apple on 2019-02-30",
    ] {
        let row = ask(question);
        assert_eq!(row.kind, Kind::Abstention, "{question}: {}", row.answer);
    }
}

#[test]
fn now_the_first_and_the_last() {
    let closes = series("AMZN", "close", "0000", "9999");
    let now = closes.last().unwrap().1;
    let row = ask(&format!("Is Amazon above {}?", now.floor()));
    assert!(row.answer.starts_with("Yes."), "{}", row.answer);
    let row = ask(&format!("Is Amazon above {}?", now.ceil()));
    assert!(row.answer.starts_with("No."), "{}", row.answer);
    let april = series("INTC", "close", "2019-04-01", "2019-04-30");
    near(&computed("first close of Intel in April 2019")["value"], april[0].1);
    near(&computed("Intel's last close in April 2019")["value"], april.last().unwrap().1);
    let wanted = series("AAPL", "close", "0000", "9999").last().unwrap().1;
    near(&computed("NASDAQ:AAPL close")["value"], wanted);
}

#[test]
fn times_as_traders_and_others_write_them() {
    let mean = |from: &str, to: &str| {
        let closes = series("BA", "close", from, to);
        closes.iter().map(|(_, close)| close).sum::<f64>() / closes.len() as f64
    };
    for (question, from, to) in [
        // The year of the newest observation makes a month of it, any other two figures a day.
        ("average close of Boeing in Mar-19", "2019-03-01", "2019-03-31"),
        ("average close of Boeing, Mar-15", "2019-03-15", "2019-03-15"),
        ("average close of Boeing 4 to 8 March 2019", "2019-03-04", "2019-03-08"),
        ("average close of Boeing 4-8 Mar 2019", "2019-03-04", "2019-03-08"),
        ("average close of Boeing in the months February to March 2019", "2019-02-01", "2019-03-31"),
        ("average close of Boeing through February to March 2019", "2019-02-01", "2019-03-31"),
        ("boeing average close over march", "2019-03-01", "2019-03-31"),
        ("boeing average close march through april", "2019-03-01", "2019-04-30"),
    ] {
        let value = computed(question);
        near(&value["value"], mean(from, to));
    }
    let closes = series("BA", "close", "0000", "9999");
    let newest: Vec<f64> = closes.iter().rev().take(20).map(|(_, close)| *close).collect();
    near(&computed("Boeing 20d avg close")["value"], newest.iter().sum::<f64>() / 20.0);
    let quarter = series("BA", "close", "2019-01-01", "2019-03-31");
    let change = (quarter.last().unwrap().1 / quarter[0].1 - 1.0) * 100.0;
    for question in [
        "If I bought Boeing at the start of Q1 2019 and held to the end, what is my percentage?",
        "By what percentage was Boeing up at the end of Q1 2019 compared with its beginning?",
    ] {
        near(&computed(question)["value"], change);
    }
}

#[test]
fn short_forms_of_what_is_asked() {
    let march = changes("BA", "2019-03-01", "2019-03-31");
    let falls = march.iter().filter(|(_, change)| *change < 0.0).count() as f64;
    for question in
        ["BA down days March 2019", "Boeing losing sessions in March 2019", "# of days BA fell in March 2019"]
    {
        near(&computed(question)["value"], falls);
    }
    let lows = sorted(series("BA", "low", "2019-03-01", "2019-03-31"));
    near(&computed("To what price did Boeing fall in March 2019?")["value"], lows[0].1);
    let (open, boeing, intel) = (
        series("BA", "open", "2019-03-11", "2019-03-11"),
        SAMPLE.1["BA"]["2019-03-11"]["close"],
        SAMPLE.1["INTC"]["2019-03-11"]["close"],
    );
    near(&computed("with what price did boeing start on 11 march 2019")["value"], open[0].1);
    assert!(boeing > intel);
    assert_eq!(computed("Did Intel close above Boeing on 2019-03-11?")["entity"], json!("BA"));
    let volumes = series("BA", "volume", "2019-03-01", "2019-03-31");
    let mean = volumes.iter().map(|(_, volume)| volume).sum::<f64>() / volumes.len() as f64;
    near(&computed("BA adv March 2019")["value"], mean);
    let closes = series("BA", "close", "2019-03-01", "2019-03-31");
    let value = computed("boeing dollar gain or loss march 2019");
    near(&value["value"], closes.last().unwrap().1 - closes[0].1);
    // A part of a name with a typing error.
    assert_eq!(computed("JPMogran close 2019-03-11")["entity"], json!("JPM"));
}

#[test]
fn what_sounds_like_a_number_and_is_none_is_declined() {
    for question in [
        "Who is running Boeing?",
        "is intel a buy",
        "would you sell Apple now",
        "is Boeing overpriced",
        "what is Intel's return on equity",
        "What's Boeing's enterprise value?",
        "what products does Boeing sell",
        "What was the closing price of UPS on 2019-03-11?",
        "price of semiconductors on 2019-03-11",
    ] {
        let row = ask(question);
        assert_eq!(row.kind, Kind::Abstention, "{question}: {}", row.answer);
    }
}
