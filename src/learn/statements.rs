//! SQL statements of learning: run as prepared, and their results read.

use crate::prepared;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::{SpiClient, SpiTupleTable};

/// Runs a statement, which sees what ran before it in this transaction; `{schema}` in it is the extension's schema.
pub fn run<'conn>(client: &mut SpiClient<'conn>, sql: &str, arguments: &[DatumWithOid<'_>]) -> SpiTupleTable<'conn> {
    pgrx::check_for_interrupts!();
    let outcome =
        prepared::writing(client, sql, arguments).and_then(|statement| client.update(&*statement, None, arguments));
    match outcome {
        Ok(rows) => rows,
        Err(error) => error!("could not run \"{sql}\": {error}"),
    }
}

/// A column of a result row; an ERROR when it has another type than asked for.
pub fn column<T: FromDatum + IntoDatum>(row: &pgrx::spi::SpiHeapTupleData<'_>, number: usize) -> Option<T> {
    match row.get::<T>(number) {
        Ok(value) => value,
        Err(error) => error!("column {number} of a result cannot be read: {error}"),
    }
}
