//! `sutra_times`: the times that a text states, as learning reads them.

use crate::error::raise;
use pgrx::datum::{Date, Range, RangeBound};
use pgrx::prelude::*;
use sutra_knowledge::date::relative;

/// Bytes of a text that times are read from.
const READ: usize = 64 << 10;

fn to_date(day: jiff::civil::Date) -> Date {
    match Date::new(i32::from(day.year()), day.month() as u8, day.day() as u8) {
        Ok(date) => date,
        Err(_) => error!("{day} lies outside the range of date"),
    }
}

fn from_date(date: Date) -> Option<jiff::civil::Date> {
    jiff::civil::Date::new(date.year().try_into().ok()?, date.month() as i8, date.day() as i8).ok()
}

/// The times that a text states; those told by the day of the document when that is given.
#[pg_extern]
#[allow(clippy::type_complexity)]
fn sutra_times(
    text: Option<&str>,
    document: Option<Date>,
) -> TableIterator<
    'static,
    (name!(expression, String), name!(period, Range<Date>), name!(relative, bool), name!(as_of, bool)),
> {
    pgrx::check_for_interrupts!();
    let read = text.map(|text| &text[..text.floor_char_boundary(READ)]).unwrap_or_default();
    if document.is_some_and(|day| day.is_infinity() || day.is_neg_infinity()) {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the day of the document must be finite",
            "",
            "Leave it out when it is not known; then no time that is told by it is read.",
        );
    }
    let rows: Vec<_> = relative::stated(read, document.and_then(from_date))
        .into_iter()
        .filter_map(|time| {
            // A range of days is kept with its end excluded, as PostgreSQL does.
            let after = time.span.last.tomorrow().ok()?;
            let period =
                Range::new(RangeBound::Inclusive(to_date(time.span.first)), RangeBound::Exclusive(to_date(after)));
            Some((read[time.range].to_owned(), period, time.relative, time.as_of))
        })
        .collect();
    TableIterator::new(rows)
}

/// From when until when a text speaks, in UTC, when its metadata do not say: by the times written out in it.
pub fn observed(text: &str) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    let stated = relative::stated(&text[..text.floor_char_boundary(READ)], None);
    let (first, last) = relative::whole(&stated)?;
    let midnight = sutra_knowledge::metadata::midnight;
    Some((midnight(first)?, midnight(last.tomorrow().ok()?)?))
}
