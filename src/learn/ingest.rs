//! sutra_ingest: makes a job of the rows of a query, a table or the inbox.
//!
//! The query runs here and now, with the rights of the caller and in a mode that only reads; its rows are copied to the
//! inbox, so that the job has the same rows whatever becomes of the table, and knows after a crash which are left.

use super::batch::writable_space;
use super::statements::run;
use crate::error::raise;
use crate::jobs::rights;
use crate::jobs::{self, NewJob};
use crate::owner::AsRole;
use crate::settings::Scoped;
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use std::panic::AssertUnwindSafe;

/// Rows copied at a time.
const ROWS: i64 = 1000;
/// What a daily bar is told from, as columns of a source and as keys of its row in the inbox.
const BAR: [&str; 8] = ["company", "ticker", "day", "open", "high", "low", "close", "volume"];

/// Makes a job and returns its number.
#[pg_extern]
fn sutra_ingest(source: Option<&str>, space: Option<&str>, workers: Option<i32>) -> i64 {
    let default_space = writable_space();
    let workers = jobs::check_workers(workers);
    check_may_learn();
    if let Some(space) = space
        && (space.is_empty() || space == "*")
    {
        raise(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("\"{space}\" is not a space that can be learned in"),
            "",
            "Name a space, or leave the argument out for that of sutra.space.",
        );
    }
    let query = source.and_then(query_of);
    let new = NewJob {
        kind: super::inbox::KIND.name,
        space: space.unwrap_or(&default_space),
        source: source.filter(|_| query.is_some()),
        total: 0,
        workers,
    };
    let (job, total) = match &query {
        Some(query) => copy(&new, query),
        None => {
            let job = jobs::create(&new);
            (job, take(job, space))
        }
    };
    jobs::set_total(job, total);
    if total > 0 {
        jobs::after_commit(job, rights::current(), workers.into());
    }
    job
}

/// Refuses a role that cannot learn before it has copied a million rows.
fn check_may_learn() {
    let schema = crate::catalog::schema();
    let allowed = crate::catalog::read_one::<bool>(
        &format!(
            "SELECT pg_catalog.has_function_privilege('{}.sutra_learn_batch(text[], jsonb[], {}.embedding[])', 'EXECUTE')",
            schema.replace('\'', "''"),
            schema.replace('\'', "''")
        ),
        &[],
    );
    if !matches!(allowed, Ok(Some(true))) {
        raise(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            "permission denied for function sutra_learn_batch",
            "A job learns with the rights of the role that puts its rows in.",
            "Grant the role what learning needs.",
        );
    }
}

/// The query of a source: itself, or all of the table that it names. None for the inbox.
fn query_of(source: &str) -> Option<String> {
    if !is_name(source) {
        return Some(source.to_owned());
    }
    let table = crate::catalog::read_one::<String>(
        "SELECT CASE WHEN r.oid OPERATOR(pg_catalog.<>) 'sutra.inbox'::pg_catalog.regclass
                AND r.oid OPERATOR(pg_catalog.<>) 'sutra.ohlcv_inbox'::pg_catalog.regclass
            THEN pg_catalog.format('SELECT * FROM %I.%I', n.nspname, r.relname) ELSE '' END
         FROM pg_catalog.pg_class AS r
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace
         WHERE r.oid OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.regclass",
        &[source.trim().into()],
    );
    match table {
        Ok(Some(query)) => Some(query).filter(|query| !query.is_empty()),
        _ => error!("could not look up the table {source}"),
    }
}

/// Whether a source is the name of a table, quoted and qualified as in SQL, and not a query.
fn is_name(source: &str) -> bool {
    let mut rest = source.trim();
    loop {
        rest = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut end = quoted.find('"');
                while let Some(at) = end
                    && quoted[at + 1..].starts_with('"')
                {
                    end = quoted[at + 2..].find('"').map(|next| at + 2 + next);
                }
                let Some(end) = end else { return false };
                &quoted[end + 1..]
            }
            None => {
                let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == '$'));
                let end = end.unwrap_or(rest.len());
                if end == 0 || rest.starts_with(|letter: char| letter.is_ascii_digit()) {
                    return false;
                }
                &rest[end..]
            }
        };
        match rest.trim_start().strip_prefix('.') {
            Some(after) => rest = after.trim_start(),
            None => return rest.trim().is_empty(),
        }
    }
}

/// Gives rows that wait in the inbox to a job: those that the caller put in, or a role that it is a member of.
fn take(job: i64, space: Option<&str>) -> i64 {
    let (caller, superuser) = (rights::current(), rights::is_superuser());
    let _rights = AsRole::extension_owner();
    Spi::connect_mut(|client| {
        let taken = run(
            client,
            "UPDATE sutra.inbox AS i SET job = $1
             WHERE i.job IS NULL AND ($2 IS NULL OR i.space OPERATOR(pg_catalog.=) $2)
                AND ($4 OR i.inserted_by OPERATOR(pg_catalog.=) ANY (ARRAY(
                    SELECT r.rolname FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role($3, r.oid, 'member'))))
             RETURNING 1",
            &[job.into(), space.into(), caller.into(), superuser.into()],
        );
        taken.len() as i64
    })
}

/// Makes a job and copies the rows of a query to the inbox; number of the job and of the rows.
fn copy(new: &NewJob<'_>, query: &str) -> (i64, i64) {
    let role = rights::name_of(rights::current());
    // What is a date in the query is written as one that is read again without doubt.
    let _settings = Scoped::new(&[(c"datestyle", c"ISO, YMD"), (c"intervalstyle", c"postgres")]);
    Spi::connect_mut(|client| {
        let cursor = Cursor::open(query);
        let columns = Columns::of(&cursor);
        let job = jobs::create(new);
        let mut total = 0;
        loop {
            check_for_interrupts!();
            let rows = cursor.fetch(&columns, new.space);
            if rows.spaces.is_empty() {
                return (job, total);
            }
            total += rows.spaces.len() as i64;
            let _rights = AsRole::extension_owner();
            run(
                client,
                "INSERT INTO sutra.inbox (job, kind, inserted_by, space, content, metadata)
                 SELECT $1, $2, $3::pg_catalog.name, n.space, n.content, n.metadata::pg_catalog.jsonb
                 FROM ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6))
                    AS n (space, content, metadata)",
                &[
                    job.into(),
                    columns.kind().into(),
                    role.as_str().into(),
                    rows.spaces.into(),
                    rows.contents.into(),
                    rows.metadata.into(),
                ],
            );
        }
    })
}

/// Rows as they go into the inbox, column by column.
#[derive(Default)]
struct Rows {
    spaces: Vec<String>,
    contents: Vec<Option<String>>,
    metadata: Vec<Option<String>>,
}

/// Where in a source the columns are that a row of the inbox is made of, from 1.
enum Columns {
    Statements { content: i32, metadata: Option<i32>, space: Option<i32> },
    Bars { bar: [i32; 8], space: Option<i32> },
}

impl Columns {
    fn kind(&self) -> &'static str {
        match self {
            Columns::Statements { .. } => "statement",
            Columns::Bars { .. } => "ohlcv",
        }
    }

    /// Finds the columns by their names. Raises an ERROR for those that are missing or too many.
    fn of(cursor: &Cursor) -> Columns {
        let names = cursor.columns();
        let find = |name: &str| {
            let mut found = (1..).zip(&names).filter(|(_, (column, _))| column == name).map(|(number, _)| number);
            (found.next(), found.next())
        };
        let one = |name: &str| match find(name) {
            (_, Some(_)) => raise_columns(&names, &format!("the source has two columns {name}")),
            (found, None) => found,
        };
        let space = one("space");
        let (columns, used): (Columns, &[&str]) = match one("content") {
            Some(content) => {
                let metadata = one("metadata");
                check_type(&names, content, &[pg_sys::TEXTOID, pg_sys::VARCHAROID, pg_sys::BPCHAROID], "text");
                if let Some(metadata) = metadata {
                    check_type(&names, metadata, &[pg_sys::JSONBOID, pg_sys::JSONOID], "jsonb");
                }
                (Columns::Statements { content, metadata, space }, &["content", "metadata", "space"])
            }
            None => {
                let mut bar = [0; 8];
                for (place, name) in bar.iter_mut().zip(BAR) {
                    *place = one(name)
                        .or_else(|| (name == "day").then(|| one("date")).flatten())
                        .unwrap_or_else(|| raise_columns(&names, "the source has no column content"));
                }
                let used = &["company", "ticker", "day", "date", "open", "high", "low", "close", "volume", "space"];
                (Columns::Bars { bar, space }, used)
            }
        };
        if let Some((other, _)) = names.iter().find(|(name, _)| !used.contains(&name.as_str())) {
            raise_columns(&names, &format!("the source has a column {other}, which is no part of what is learned"));
        }
        columns
    }
}

fn raise_columns(names: &[(String, pg_sys::Oid)], message: &str) -> ! {
    let list: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    raise(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        message,
        &format!("Its columns are: {}.", list.join(", ")),
        "Select content, and if wanted metadata (jsonb) and space; or a daily bar: company, ticker, day, open, high, low, close, volume.",
    )
}

fn check_type(names: &[(String, pg_sys::Oid)], number: i32, types: &[pg_sys::Oid], wanted: &str) {
    let (name, found) = &names[number as usize - 1];
    if !types.contains(found) {
        // SAFETY: it returns a NUL-terminated string for any OID.
        let found = unsafe { CStr::from_ptr(pg_sys::format_type_be(*found)) }.to_string_lossy().into_owned();
        raise(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("the column {name} of the source is of type {found}"),
            "",
            &format!("Cast it, as in {name}::{wanted}."),
        );
    }
}

/// A query that is read, and cannot write.
struct Cursor {
    portal: pg_sys::Portal,
}

impl Cursor {
    fn open(query: &str) -> Cursor {
        let Ok(text) = CString::new(query) else { error!("a query contains a NUL byte") };
        reading(|| {
            // SAFETY: the text is NUL-terminated; a plan that is not one SELECT is refused before it could run, and the
            // portal lives as long as the caller's SPI connection.
            unsafe {
                let plan = pg_sys::SPI_prepare(text.as_ptr(), 0, std::ptr::null_mut());
                if plan.is_null() || !pg_sys::SPI_is_cursor_plan(plan) || !is_select(&text) {
                    raise(
                        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                        "the source is not one SELECT that only reads",
                        "A source is a SELECT, VALUES or TABLE without INTO, FOR UPDATE and WITH queries that write, or the name of a table.",
                        "Put the rows into a table first, and pass its name.",
                    );
                }
                let portal =
                    pg_sys::SPI_cursor_open(std::ptr::null(), plan, std::ptr::null_mut(), std::ptr::null(), true);
                Cursor { portal }
            }
        })
    }

    /// Names and types of the columns.
    fn columns(&self) -> Vec<(String, pg_sys::Oid)> {
        // SAFETY: an open portal of a SELECT has a descriptor; names are NUL-terminated and copied.
        unsafe {
            let descriptor = (*self.portal).tupDesc;
            (1..=(*descriptor).natts)
                .map(|number| {
                    let name = CStr::from_ptr(pg_sys::SPI_fname(descriptor, number)).to_string_lossy().into_owned();
                    (name, pg_sys::SPI_gettypeid(descriptor, number))
                })
                .collect()
        }
    }

    /// The next rows.
    fn fetch(&self, columns: &Columns, space: &str) -> Rows {
        let mut rows = Rows::default();
        // SAFETY: the portal is open; the table of tuples is read before it is freed.
        unsafe {
            reading(|| pg_sys::SPI_cursor_fetch(self.portal, true, ROWS as std::ffi::c_long));
            let table = pg_sys::SPI_tuptable;
            for place in 0..pg_sys::SPI_processed as usize {
                let tuple = *(*table).vals.add(place);
                let value = |number: i32| {
                    let value = pg_sys::SPI_getvalue(tuple, (*table).tupdesc, number);
                    (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
                };
                let named = |number: Option<i32>| number.and_then(value).unwrap_or_else(|| space.to_owned());
                match columns {
                    Columns::Statements { content, metadata, space } => {
                        rows.contents.push(value(*content));
                        rows.metadata.push(metadata.and_then(value));
                        rows.spaces.push(named(*space));
                    }
                    Columns::Bars { bar, space } => {
                        let object: serde_json::Map<String, serde_json::Value> = BAR
                            .iter()
                            .zip(bar)
                            .map(|(name, number)| ((*name).to_owned(), value(*number).into()))
                            .collect();
                        rows.contents.push(None);
                        rows.metadata.push(Some(serde_json::Value::Object(object).to_string()));
                        rows.spaces.push(named(*space));
                    }
                }
            }
            pg_sys::SPI_freetuptable(table);
        }
        rows
    }
}

/// Whether a text that parses is one SELECT without INTO, FOR UPDATE and WITH queries that write.
fn is_select(text: &CStr) -> bool {
    // SAFETY: the parser returns a list of RawStmt; each node is looked at as what its tag says it is.
    unsafe {
        let statements = pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
        if statements.is_null() || (*statements).length != 1 {
            return false;
        }
        let statement = (*(*(*statements).elements).ptr_value.cast::<pg_sys::RawStmt>()).stmt;
        if (*statement).type_ != pg_sys::NodeTag::T_SelectStmt {
            return false;
        }
        let select = statement.cast::<pg_sys::SelectStmt>();
        if !(*select).intoClause.is_null() || !(*select).lockingClause.is_null() {
            return false;
        }
        let with = (*select).withClause;
        if with.is_null() {
            return true;
        }
        let queries = (*with).ctes;
        (0..(*queries).length as usize).all(|place| {
            let query = (*(*queries).elements.add(place)).ptr_value.cast::<pg_sys::CommonTableExpr>();
            (*(*query).ctequery).type_ == pg_sys::NodeTag::T_SelectStmt
        })
    }
}

/// Does something while nothing may be written, not by a function either.
fn reading<R>(body: impl FnOnce() -> R) -> R {
    // SAFETY: the variable says whether this transaction may write; an ERROR, which ends the (sub)transaction, restores
    // it too.
    unsafe {
        let before = pg_sys::XactReadOnly;
        pg_sys::XactReadOnly = true;
        PgTryBuilder::new(AssertUnwindSafe(body))
            .catch_when(PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION, |error| {
                raise(
                    PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION,
                    "the source of sutra_ingest must not write",
                    &format!("It fails with: {}.", crate::jobs::failure::Failure::new(&error).message),
                    "Put the rows into a table first, and pass its name.",
                )
            })
            .finally(|| pg_sys::XactReadOnly = before)
            .execute()
    }
}
