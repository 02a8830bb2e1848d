//! SQL statements of learning, prepared once in a session.

use crate::catalog::schema;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::PgOid;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiTupleTable};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

#[derive(Default)]
struct Prepared {
    // DROP and CREATE EXTENSION give types new OIDs, so what was prepared belongs to one life of the extension.
    extension: Option<pg_sys::Oid>,
    statements: HashMap<String, Rc<OwnedPreparedStatement>>,
}

thread_local! {
    static PREPARED: RefCell<Prepared> = RefCell::default();
}

/// Runs a statement, which sees what ran before it in this transaction; `{schema}` in it is the extension's schema.
pub fn run<'conn>(client: &mut SpiClient<'conn>, sql: &str, arguments: &[DatumWithOid<'_>]) -> SpiTupleTable<'conn> {
    pgrx::check_for_interrupts!();
    let outcome = statement(client, sql, arguments).and_then(|prepared| client.update(&*prepared, None, arguments));
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

fn statement(
    client: &SpiClient<'_>,
    sql: &str,
    arguments: &[DatumWithOid<'_>],
) -> Result<Rc<OwnedPreparedStatement>, pgrx::spi::Error> {
    // SAFETY: the function takes a NUL-terminated name and raises an ERROR when the extension is missing.
    let extension = unsafe { pg_sys::get_extension_oid(c"sutra".as_ptr(), false) };
    let known = PREPARED.with_borrow_mut(|prepared| {
        if prepared.extension != Some(extension) {
            *prepared = Prepared { extension: Some(extension), statements: HashMap::new() };
        }
        prepared.statements.get(sql).cloned()
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let types: Vec<PgOid> = arguments.iter().map(|argument| PgOid::from(argument.oid())).collect();
    let kept = Rc::new(client.prepare_mut(sql.replace("{schema}", &schema()).as_str(), &types)?.keep());
    PREPARED.with_borrow_mut(|prepared| prepared.statements.insert(sql.to_owned(), Rc::clone(&kept)));
    Ok(kept)
}
