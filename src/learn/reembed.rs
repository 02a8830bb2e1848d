//! Changing the embedding model of a database: a job that makes the vectors of another model, then switches.
//!
//! Until the switch learning and asking use the former model and its table. What is learned meanwhile has no vector of
//! the new model and is found like all the rest: the job embeds whatever statement has none, and which has none is asked
//! of the table itself. So it goes on where it was after a crash or a pause, and nothing is embedded twice.
//!
//! The last few statements are embedded under a lock that holds off whoever wants to learn, and waits for no one: a
//! transaction that learns has the lock that conflicts with it (`active_for_learning`). In the same transaction the
//! model is switched. Asking takes neither lock.

use super::batch::{pieces, writable_space};
use super::statements::{column, run};
use super::store;
use crate::error::raise;
use crate::jobs::rights;
use crate::jobs::{self, Batch, Job, Kind, NewJob, Next};
use crate::model::{self, ActiveModel};
use crate::owner::AsRole;
use crate::types::concept_id::ConceptId;
use crate::types::embedding::Embedding;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use std::cell::RefCell;
use std::time::Duration;

/// The kind of these jobs; the source of a job is the name of the model.
pub const KIND: Kind =
    Kind { name: "reembed", batch, has_rows: |_| false, cancel: |_| (), close: |_| Next::Nothing, finish };

/// Statements of a batch, and bytes of their contents at which it is full.
const BATCH_ROWS: usize = 64;
const BATCH_BYTES: usize = 64 << 10;
/// How long to wait for transactions that learn.
const LEARNERS: Duration = Duration::from_millis(100);

thread_local! {
    // The job of the last batch and the last of its statements, so that the next batch need not pass by those again.
    static POSITION: RefCell<Option<(i64, String, ConceptId)>> = const { RefCell::new(None) };
}

/// A statement that has no vector of the model yet.
struct Missing {
    space: String,
    id: ConceptId,
    content: String,
}

/// Makes a model that of the database; returns the number of the job that embeds what was learned.
#[pg_extern]
fn sutra_use_model(name: &str) -> i64 {
    let space = writable_space();
    model::check_name(name);
    let model = model::named(name.to_owned());
    refuse_another_change(name);
    model::ensure_vector_table(name, false);
    let total = Spi::connect_mut(|client| count_missing(client, &model));
    let new = NewJob { kind: KIND.name, space: &space, source: Some(name), total, workers: 1 };
    let job = jobs::create(&new);
    if total == 0 {
        // Whoever learns now ends first. A job with nothing to do ends at once, so the switch is made here.
        model::lock_out_learners(true);
        if Spi::connect_mut(|client| count_missing(client, &model)) == 0 {
            model::make_active(name);
            jobs::set_total(job, 0);
            return job;
        }
    }
    jobs::after_commit(job, rights::current(), 1);
    job
}

/// Two changes at a time would each undo the other's.
fn refuse_another_change(name: &str) {
    let other = {
        let _rights = AsRole::extension_owner();
        Spi::connect_mut(|client| {
            // Two calls at the same time: one waits for the other's end.
            run(client, "LOCK TABLE sutra.model IN SHARE ROW EXCLUSIVE MODE", &[]);
            let rows = run(
                client,
                "SELECT id, source FROM sutra.job
                 WHERE kind OPERATOR(pg_catalog.=) $1 AND state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running', 'paused'])",
                &[KIND.name.into()],
            );
            rows.into_iter().next().map(|row| (column::<i64>(&row, 1), column::<String>(&row, 2)))
        })
    };
    if let Some((Some(job), source)) = other {
        raise(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            format!("the embedding model cannot be changed to \"{name}\" while another change is under way"),
            &format!("Job {job} embeds what was learned with \"{}\".", source.unwrap_or_default()),
            "Wait for it, resume it with sutra_resume_job, or end it with sutra_cancel_job.",
        );
    }
}

fn batch(job: &Job) -> Batch {
    let model = target(job);
    let _rights = AsRole::extension_owner();
    Spi::connect_mut(|client| {
        let after = POSITION.with_borrow(|position| match position {
            Some((known, space, id)) if *known == job.id => Some((space.clone(), *id)),
            _ => None,
        });
        let (missing, more) = take(client, &model, after.as_ref());
        if more {
            if let Some(last) = missing.last() {
                POSITION.set(Some((job.id, last.space.clone(), last.id)));
            }
            return embed(client, &model, &missing, Next::Now);
        }
        POSITION.set(None);
        if after.is_some() {
            // To the end; now what was learned before this place meanwhile.
            return embed(client, &model, &missing, Next::Now);
        }
        if !model::lock_out_learners(false) {
            return embed(client, &model, &missing, Next::Later(LEARNERS));
        }
        let (missing, more) = take(client, &model, None);
        embed(client, &model, &missing, if more { Next::Now } else { Next::Nothing })
    })
}

/// Runs in the transaction of the last batch, which has the lock.
fn finish(job: &Job) {
    model::make_active(&target(job).name);
}

/// The model that a job is for.
fn target(job: &Job) -> ActiveModel {
    let _rights = AsRole::extension_owner();
    let source = crate::catalog::read_one::<String>(
        "SELECT source FROM sutra.job WHERE id OPERATOR(pg_catalog.=) $1",
        &[job.id.into()],
    );
    match source {
        Ok(Some(name)) => {
            model::check_name(&name);
            model::named(name)
        }
        _ => error!("job {} names no embedding model", job.id),
    }
}

/// The next statements without a vector of the model, locked so that they stay while it is stored, and whether there
/// may be more after them.
fn take(client: &mut SpiClient<'_>, model: &ActiveModel, after: Option<&(String, ConceptId)>) -> (Vec<Missing>, bool) {
    let mut missing = Vec::new();
    let mut bytes = 0;
    let (space, id) = match after {
        Some((space, id)) => (space.as_str(), *id),
        // No space has the empty name.
        None => ("", ConceptId(0)),
    };
    // The rest of that space, then the spaces after it: each is a range of the primary key.
    for part in [
        "c.space OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR({schema}.>) $2",
        "c.space OPERATOR(pg_catalog.>) $1 AND ($2 IS NOT NULL)",
    ] {
        let sql = format!(
            "SELECT c.space, c.id, c.content FROM sutra.concept AS c
             WHERE {part} AND c.kind OPERATOR(pg_catalog.<>) 'entity' AND NOT EXISTS (
                SELECT FROM {} AS v WHERE v.space OPERATOR(pg_catalog.=) c.space
                    AND v.concept OPERATOR({{schema}}.=) c.id AND v.chunk OPERATOR(pg_catalog.=) 0)
             ORDER BY c.space, c.id LIMIT $3
             FOR KEY SHARE OF c",
            model.table
        );
        let wanted = (BATCH_ROWS - missing.len()) as i64;
        for row in run(client, &sql, &[space.into(), id.into(), wanted.into()]) {
            let (Some(space), Some(id), Some(content)) =
                (column::<String>(&row, 1), column::<ConceptId>(&row, 2), column::<String>(&row, 3))
            else {
                continue;
            };
            bytes += content.len();
            missing.push(Missing { space, id, content });
            if bytes > BATCH_BYTES {
                return (missing, true);
            }
        }
        if missing.len() == BATCH_ROWS {
            return (missing, true);
        }
    }
    (missing, false)
}

/// Stores the vectors of these statements.
fn embed(client: &mut SpiClient<'_>, model: &ActiveModel, missing: &[Missing], next: Next) -> Batch {
    let mut owners = Vec::new();
    let mut texts = Vec::new();
    for (owner, statement) in missing.iter().enumerate() {
        for (chunk, piece) in pieces(&statement.content).enumerate() {
            owners.push((owner, chunk as i32));
            texts.push(piece);
        }
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = model::embed_passages(&model.name, &texts);
    let mut rows: Vec<(usize, (u64, i32, pg_sys::Datum))> = Vec::new();
    for ((owner, chunk), vector) in owners.into_iter().zip(vectors) {
        if let Some(datum) = Embedding::from_slice(&vector).into_datum() {
            rows.push((owner, (missing[owner].id.0, chunk, datum)));
        }
    }
    for part in rows.chunk_by(|(a, _), (b, _)| missing[*a].space == missing[*b].space) {
        let space = &missing[part[0].0].space;
        let rows: Vec<_> = part.iter().map(|(_, row)| *row).collect();
        store::insert_vectors(client, &model.table, space, &rows);
    }
    Batch { done: missing.len() as i64, failed: 0, next }
}

fn count_missing(client: &mut SpiClient<'_>, model: &ActiveModel) -> i64 {
    let _rights = AsRole::extension_owner();
    let sql = format!(
        "SELECT pg_catalog.count(*) FROM sutra.concept AS c
         WHERE c.kind OPERATOR(pg_catalog.<>) 'entity' AND NOT EXISTS (
            SELECT FROM {} AS v WHERE v.space OPERATOR(pg_catalog.=) c.space
                AND v.concept OPERATOR({{schema}}.=) c.id AND v.chunk OPERATOR(pg_catalog.=) 0)",
        model.table
    );
    let rows = run(client, &sql, &[]);
    rows.into_iter().next().and_then(|row| column::<i64>(&row, 1)).unwrap_or_default()
}
