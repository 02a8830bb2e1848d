//! The table of a model's vectors: an ordinary table, made when the model is first used.
//!
//! It is no member of the extension, so pg_dump takes its definition, policies, grants and data along and builds its
//! index after the load.

use crate::catalog::schema;
use crate::error::raise;
use crate::model::{engine, registry};
use crate::owner::as_owner;
use pgrx::prelude::*;
use std::ffi::CString;

/// Makes the table of a model's vectors unless it is there. The model is tried out before, unless only vectors that were
/// made elsewhere are to be stored, which needs no runtime.
pub fn ensure_vector_table(model: &str, vectors_given: bool) {
    if find_table(&registry::table_name(model)).is_none() {
        if !vectors_given {
            engine::try_out(model);
        }
        // Whoever learns first makes it, and needs no privilege for that but the one to learn.
        as_owner(|| run_with_argument("SELECT sutra.make_vector_table($1)", model));
    }
}

/// Makes the table of a model's vectors, or brings the grants of an existing one up to those of sutra.concept.
///
/// Runs with the rights of the extension's owner and a pinned search_path. Nothing comes from the caller but the name,
/// which must be that of an installed model.
#[pg_extern]
fn make_vector_table(model: &str) -> String {
    registry::check_name(model);
    let manifest = registry::manifest(model);
    let table = registry::table_name(model);
    // One at a time; whoever waited here finds the table of the other.
    run("LOCK TABLE sutra.model IN SHARE ROW EXCLUSIVE MODE");
    if find_table(&table).is_none() {
        create(model, &table, manifest.dimension);
    }
    copy_grants(&table);
    register(&manifest, &table);
    format!("sutra.{table}")
}

fn create(model: &str, table: &str, dimension: usize) {
    let schema = schema();
    run(&format!(
        "CREATE TABLE sutra.{table} (
            space pg_catalog.text NOT NULL,
            concept {schema}.concept_id NOT NULL,
            chunk pg_catalog.int4 NOT NULL DEFAULT 0 CHECK (chunk OPERATOR(pg_catalog.>=) 0),
            embedding {schema}.embedding({dimension}) NOT NULL,
            PRIMARY KEY (space, concept, chunk),
            FOREIGN KEY (space, concept) REFERENCES sutra.concept (space, id) ON DELETE CASCADE)"
    ));
    let index = index_name(table);
    run(&format!("CREATE INDEX {index} ON sutra.{table} USING sutra_hnsw (embedding {schema}.embedding_cosine_ops)"));
    comment(&format!("INDEX sutra.{index}"), "nearest vectors by cosine distance");
    comment(&format!("TABLE sutra.{table}"), &format!("vectors of the embedding model {model}, one or more a concept"));
    for (column, text) in [
        ("space", "tenant or knowledge base"),
        ("concept", "the concept that was embedded"),
        ("chunk", "number of the part of a long text, from 0"),
        ("embedding", "the vector"),
    ] {
        comment(&format!("COLUMN sutra.{table}.{column}"), text);
    }
    copy_policies(table);
}

fn index_name(table: &str) -> String {
    format!("{}_idx", &table[..table.len().min(59)])
}

/// Row-level security of sutra.concept, policy by policy: a vector is visible to whom its concept is.
fn copy_policies(table: &str) {
    run(&format!("ALTER TABLE sutra.{table} ENABLE ROW LEVEL SECURITY"));
    let statements = texts(
        "SELECT pg_catalog.format(
            'CREATE POLICY %I ON sutra.%I AS %s FOR %s TO %s%s%s',
            policyname, $1, permissive, cmd,
            (SELECT pg_catalog.string_agg(
                CASE WHEN role OPERATOR(pg_catalog.=) 'public' THEN 'PUBLIC' ELSE pg_catalog.quote_ident(role::pg_catalog.text) END, ', ')
             FROM pg_catalog.unnest(roles) AS role),
            pg_catalog.format(CASE WHEN qual IS NULL THEN '' ELSE ' USING (%s)' END, qual),
            pg_catalog.format(CASE WHEN with_check IS NULL THEN '' ELSE ' WITH CHECK (%s)' END, with_check))
         FROM pg_catalog.pg_policies
         WHERE schemaname OPERATOR(pg_catalog.=) 'sutra' AND tablename OPERATOR(pg_catalog.=) 'concept'
         ORDER BY policyname",
        table,
    );
    statements.iter().for_each(|statement| run(statement));
}

/// Whoever may read or learn concepts may read or learn their vectors.
fn copy_grants(table: &str) {
    let statements = texts(
        "SELECT pg_catalog.format(
            'GRANT %s ON sutra.%I TO %s%s',
            granted.privilege_type, $1,
            CASE WHEN granted.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(grantee.rolname::pg_catalog.text) END,
            CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
         FROM pg_catalog.pg_class AS concept,
            pg_catalog.aclexplode(concept.relacl) AS granted
            LEFT JOIN pg_catalog.pg_roles AS grantee ON grantee.oid OPERATOR(pg_catalog.=) granted.grantee
         WHERE concept.oid OPERATOR(pg_catalog.=) 'sutra.concept'::pg_catalog.regclass
            AND granted.grantee OPERATOR(pg_catalog.<>) concept.relowner
            AND (granted.grantee OPERATOR(pg_catalog.=) 0 OR grantee.rolname IS NOT NULL)
         ORDER BY grantee.rolname NULLS FIRST, granted.privilege_type",
        table,
    );
    statements.iter().for_each(|statement| run(statement));
}

fn register(manifest: &sutra_embedder::Manifest, table: &str) {
    let pooling = format!("{:?}", manifest.pooling).to_lowercase();
    let taken = Spi::get_one_with_args::<String>(
        "SELECT name FROM sutra.model
         WHERE vector_table OPERATOR(pg_catalog.=) $1::pg_catalog.name AND name OPERATOR(pg_catalog.<>) $2",
        &[table.into(), manifest.name.as_str().into()],
    );
    if let Ok(Some(other)) = taken {
        raise(
            PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE,
            format!("embedding model \"{}\" would use the vector table of \"{other}\"", manifest.name),
            &format!("Both names make the table name sutra.{table}."),
            "Install one of the models under a name that differs in more than capitals and punctuation.",
        );
    }
    let inserted = Spi::run_with_args(
        "INSERT INTO sutra.model (name, folder, sha256, dimension, pooling, query_prefix, passage_prefix, vector_table, active)
         SELECT $1, $1, pg_catalog.decode($2, 'hex'), $3, $4, $5, $6, $7::pg_catalog.name,
            NOT EXISTS (SELECT FROM sutra.model WHERE active)
         ON CONFLICT (name) DO NOTHING",
        &[
            manifest.name.as_str().into(),
            manifest.model.sha256.as_str().into(),
            (manifest.dimension as i32).into(),
            pooling.as_str().into(),
            manifest.query_prefix.as_str().into(),
            manifest.passage_prefix.as_str().into(),
            table.into(),
        ],
    );
    if let Err(error) = inserted {
        error!("could not register embedding model \"{}\": {error}", manifest.name);
    }
}

/// Whether schema sutra has a table of this name.
fn find_table(table: &str) -> Option<pg_sys::Oid> {
    let name = CString::new(table).ok()?;
    // SAFETY: both take NUL-terminated names and read the system caches.
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), pg_sys::get_namespace_oid(c"sutra".as_ptr(), true)) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

fn comment(object: &str, text: &str) {
    // Comments are made of words of this file and of a model's name, which has no quote.
    run(&format!("COMMENT ON {object} IS '{text}'"));
}

fn run(statement: &str) {
    if let Err(error) = Spi::run(statement) {
        error!("could not run \"{statement}\": {error}");
    }
}

fn run_with_argument(statement: &str, argument: &str) {
    if let Err(error) = Spi::run_with_args(statement, &[argument.into()]) {
        error!("could not run \"{statement}\": {error}");
    }
}

/// The first column of a query's rows.
fn texts(query: &str, argument: &str) -> Vec<String> {
    let rows = Spi::connect(|client| {
        let rows = client.select(query, None, &[argument.into()])?;
        rows.into_iter().map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, _>>()
    });
    match rows {
        Ok(rows) => rows.into_iter().flatten().collect(),
        Err(error) => error!("could not read the catalog: {error}"),
    }
}
