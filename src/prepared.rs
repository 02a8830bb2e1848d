//! Statements that only read, prepared once in a session: parsing and planning them costs more than most of them do.

use crate::catalog::schema;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::PgOid;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient};
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

/// The prepared statement of a text, in which `{schema}` stands for the extension's schema. There must be few texts: what
/// differs from call to call is an argument.
pub fn statement(
    client: &SpiClient<'_>,
    sql: &str,
    arguments: &[DatumWithOid<'_>],
) -> Result<Rc<OwnedPreparedStatement>, pgrx::spi::Error> {
    // The schema may have been renamed since: the statement is known by its text with the name in it.
    let sql = &sql.replace("{schema}", &schema());
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
    let kept = Rc::new(client.prepare(sql.as_str(), &types)?.keep());
    PREPARED.with_borrow_mut(|prepared| prepared.statements.insert(sql.clone(), Rc::clone(&kept)));
    Ok(kept)
}
