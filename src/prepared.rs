//! Statements prepared once in a session: parsing and planning them costs more than most of them do.

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
    // DROP and CREATE EXTENSION give types new OIDs, and its schema may be renamed: what was prepared belongs to one life of
    // the extension under one name.
    life: Option<(pg_sys::Oid, String)>,
    reading: HashMap<String, Rc<OwnedPreparedStatement>>,
    writing: HashMap<String, Rc<OwnedPreparedStatement>>,
}

thread_local! {
    static PREPARED: RefCell<Prepared> = RefCell::default();
}

#[derive(Clone, Copy)]
enum Access {
    Reads,
    Writes,
}

/// The prepared statement of a text that only reads. `{schema}` in it stands for the extension's schema. There must be few
/// texts: what differs from call to call is an argument.
pub fn reading(
    client: &SpiClient<'_>,
    sql: &str,
    arguments: &[DatumWithOid<'_>],
) -> Result<Rc<OwnedPreparedStatement>, pgrx::spi::Error> {
    statement(client, Access::Reads, sql, arguments)
}

/// The prepared statement of a text that writes, or must see what this transaction has written; else as [`reading`].
pub fn writing(
    client: &SpiClient<'_>,
    sql: &str,
    arguments: &[DatumWithOid<'_>],
) -> Result<Rc<OwnedPreparedStatement>, pgrx::spi::Error> {
    statement(client, Access::Writes, sql, arguments)
}

fn statement(
    client: &SpiClient<'_>,
    access: Access,
    sql: &str,
    arguments: &[DatumWithOid<'_>],
) -> Result<Rc<OwnedPreparedStatement>, pgrx::spi::Error> {
    // SAFETY: the function takes a NUL-terminated name and raises an ERROR when the extension is missing.
    let extension = unsafe { pg_sys::get_extension_oid(c"sutra".as_ptr(), false) };
    let life = (extension, schema());
    let known = PREPARED.with_borrow_mut(|prepared| {
        if prepared.life.as_ref() != Some(&life) {
            *prepared = Prepared { life: Some(life.clone()), ..Prepared::default() };
        }
        prepared.of(access).get(sql).cloned()
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let types: Vec<PgOid> = arguments.iter().map(|argument| PgOid::from(argument.oid())).collect();
    let text = sql.replace("{schema}", &life.1);
    let kept = Rc::new(match access {
        Access::Reads => client.prepare(text.as_str(), &types)?.keep(),
        Access::Writes => client.prepare_mut(text.as_str(), &types)?.keep(),
    });
    PREPARED.with_borrow_mut(|prepared| prepared.of(access).insert(sql.to_owned(), Rc::clone(&kept)));
    Ok(kept)
}

impl Prepared {
    fn of(&mut self, access: Access) -> &mut HashMap<String, Rc<OwnedPreparedStatement>> {
        match access {
            Access::Reads => &mut self.reading,
            Access::Writes => &mut self.writing,
        }
    }
}
