//! The extension as the catalog describes it, by names only, for comparing two databases.

use std::collections::BTreeSet;

use postgres::Client;

/// One line for each property of each object of the extension sutra.
pub fn objects(client: &mut Client) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    client
        .batch_execute(
            "SET search_path = pg_catalog; SET quote_all_identifiers = off;
             DROP TABLE IF EXISTS pg_temp.member;
             CREATE TEMPORARY TABLE member AS
                 SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'sutra';
             -- What belongs to members: composite and array types, sequences of columns, indexes, constraints, triggers, policies.
             INSERT INTO pg_temp.member
                 SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_temp.member AS m ON m.classid = d.refclassid AND m.objid = d.refobjid
                 WHERE d.deptype IN ('a', 'i') AND d.objsubid = 0
                     -- A TOAST table has a number for a name.
                     AND NOT EXISTS (SELECT FROM pg_class AS c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 't')",
        )
        .expect("the members can be listed");
    for (what, query) in QUERIES {
        for row in client.query(query, &[]).unwrap_or_else(|error| panic!("{what}: {error:?}")) {
            let line: Option<String> = row.get(0);
            lines.insert(format!("{what}: {}", line.unwrap_or_else(|| "null".to_owned())));
        }
    }
    client
        .batch_execute("DROP TABLE pg_temp.member; RESET search_path; RESET quote_all_identifiers")
        .expect("it can be dropped");
    lines
}

const QUERIES: [(&str, &str); 20] = [
    ("extension", "SELECT extrelocatable || ' ' || extnamespace::regnamespace FROM pg_extension WHERE extname = 'sutra'"),
    (
        "dumped",
        "SELECT c.table_oid::regclass || ' ' || c.condition FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS c (table_oid, condition)
         WHERE e.extname = 'sutra'",
    ),
    (
        "member",
        "SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
         WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'sutra'",
    ),
    (
        "comment",
        "SELECT pg_describe_object(d.classoid, d.objoid, d.objsubid) || ': ' || d.description
         FROM pg_description AS d JOIN pg_temp.member AS m ON m.classid = d.classoid AND m.objid = d.objoid",
    ),
    (
        "function",
        "SELECT pg_get_functiondef(p.oid) || ' support ' || p.prosupport || ' ' || p.proleakproof
         FROM pg_proc AS p JOIN pg_temp.member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid WHERE p.prokind IN ('f', 'p')",
    ),
    (
        "aggregate",
        "SELECT p.oid::regprocedure || ' ' || row(a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
             a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggfinalmodify, a.aggsortop::regoperator, a.aggtranstype::regtype, a.aggtransspace,
             a.agginitval, p.proparallel, p.provolatile, p.procost, p.prorettype::regtype)
         FROM pg_proc AS p JOIN pg_aggregate AS a ON a.aggfnoid = p.oid
         JOIN pg_temp.member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid",
    ),
    (
        "rights on function",
        "SELECT p.oid::regprocedure || ' ' || a.grantee::regrole || ' ' || a.privilege_type || ' ' || a.is_grantable
         FROM pg_proc AS p JOIN pg_temp.member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid,
         aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a",
    ),
    (
        "type",
        "SELECT t.oid::regtype || ' ' || row(t.typtype, t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, t.typispreferred, t.typdelim,
             t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript, t.typelem::regtype,
             t.typarray::regtype, t.typbasetype::regtype, t.typnotnull, t.typdefault, t.typcollation::regcollation, t.typacl)
         FROM pg_type AS t JOIN pg_temp.member AS m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid",
    ),
    (
        "label",
        "SELECT e.enumtypid::regtype || ' ' || e.enumlabel || ' ' || rank() OVER (PARTITION BY e.enumtypid ORDER BY e.enumsortorder)
         FROM pg_enum AS e JOIN pg_temp.member AS m ON m.classid = 'pg_type'::regclass AND m.objid = e.enumtypid",
    ),
    (
        "operator",
        "SELECT o.oid::regoperator || ' ' || row(o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash)
         FROM pg_operator AS o JOIN pg_temp.member AS m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid",
    ),
    (
        "cast",
        "SELECT c.castsource::regtype || ' ' || c.casttarget::regtype || ' ' || c.castfunc::regprocedure || ' ' || row(c.castcontext, c.castmethod)
         FROM pg_cast AS c JOIN pg_temp.member AS m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid",
    ),
    (
        "access method, operator class or family",
        "SELECT a.amname || ' ' || row(a.amtype, a.amhandler)
         FROM pg_am AS a JOIN pg_temp.member AS m ON m.classid = 'pg_am'::regclass AND m.objid = a.oid
         UNION ALL
         SELECT pg_describe_object('pg_opclass'::regclass, c.oid, 0) || ' ' || row(c.opcintype::regtype, c.opcdefault, c.opckeytype::regtype,
             pg_describe_object('pg_opfamily'::regclass, c.opcfamily, 0))
         FROM pg_opclass AS c JOIN pg_temp.member AS m ON m.classid = 'pg_opclass'::regclass AND m.objid = c.oid
         UNION ALL
         SELECT pg_describe_object('pg_amop'::regclass, o.oid, 0) || ' ' || o.amoppurpose::text || ' ' || pg_describe_object('pg_opfamily'::regclass, nullif(o.amopsortfamily, 0), 0)
         FROM pg_amop AS o JOIN pg_temp.member AS m ON m.classid = 'pg_opfamily'::regclass AND m.objid = o.amopfamily
         UNION ALL
         SELECT pg_describe_object('pg_amproc'::regclass, p.oid, 0)
         FROM pg_amproc AS p JOIN pg_temp.member AS m ON m.classid = 'pg_opfamily'::regclass AND m.objid = p.amprocfamily",
    ),
    (
        "relation",
        "SELECT c.oid::regclass || ' ' || row(c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions,
             t.reloptions, (SELECT amname FROM pg_am WHERE oid = c.relam), CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
         FROM pg_class AS c JOIN pg_temp.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
         LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid",
    ),
    (
        "rights on relation",
        "SELECT c.oid::regclass || ' ' || a.grantee::regrole || ' ' || a.privilege_type || ' ' || a.is_grantable
         FROM pg_class AS c JOIN pg_temp.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid,
         aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner))) AS a
         WHERE c.relkind IN ('r', 'v', 'S', 'm')
         UNION ALL
         SELECT n.nspname || ' ' || a.grantee::regrole || ' ' || a.privilege_type || ' ' || a.is_grantable
         FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE n.nspname = 'sutra'",
    ),
    (
        // What pg_dump takes for the state after CREATE EXTENSION: only what differs from it is dumped. The owner's are
        // left out, because a list that names only them says the same as none.
        "initial rights",
        "SELECT pg_describe_object(i.classoid, i.objoid, i.objsubid) || ' ' || a.grantee::regrole || ' ' || a.privilege_type
         FROM pg_init_privs AS i JOIN pg_temp.member AS m ON m.classid = i.classoid AND m.objid = i.objoid, aclexplode(i.initprivs) AS a
         WHERE i.privtype = 'e' AND a.grantee <> (SELECT e.extowner FROM pg_extension AS e WHERE e.extname = 'sutra')",
    ),
    (
        "column",
        "SELECT a.attrelid::regclass || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || row(a.attnotnull, a.attidentity,
             a.attgenerated, a.attstorage, a.attcompression, a.attstattarget,
             -- PostgreSQL's releases of November 2026 mark each table's columns with a number of their own.
             ARRAY(SELECT o FROM unnest(a.attoptions) AS o WHERE NOT starts_with(o, 'pg_attver=')), a.attacl, pg_get_expr(d.adbin, d.adrelid))
         FROM pg_attribute AS a JOIN pg_temp.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = a.attrelid
         LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attnum > 0 AND NOT a.attisdropped",
    ),
    (
        "constraint",
        "SELECT c.conrelid::regclass || ' ' || c.conname || ' ' || pg_get_constraintdef(c.oid) || ' ' || c.convalidated
         FROM pg_constraint AS c JOIN pg_temp.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.conrelid",
    ),
    (
        "index",
        "SELECT pg_get_indexdef(i.indexrelid) || ' ' || row(i.indisvalid, i.indisprimary, i.indisclustered, i.indisreplident, i.indimmediate)
         FROM pg_index AS i JOIN pg_temp.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = i.indrelid
         WHERE i.indrelid::regclass::text NOT LIKE 'pg_toast%'",
    ),
    (
        "policy or trigger",
        "SELECT p.polrelid::regclass || ' ' || p.polname || ' ' || row(p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, p.polrelid),
             pg_get_expr(p.polwithcheck, p.polrelid))
         FROM pg_policy AS p JOIN pg_temp.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = p.polrelid
         UNION ALL
         SELECT pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
         FROM pg_trigger AS t JOIN pg_temp.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = t.tgrelid WHERE NOT t.tgisinternal
         UNION ALL
         SELECT evtname || ' ' || row(evtevent, evtfoid::regprocedure, evtenabled, evttags) FROM pg_event_trigger",
    ),
    (
        "shipped row",
        "SELECT 'metric ' || to_jsonb(m)::text FROM sutra.metric AS m
         UNION ALL SELECT 'metadata_role ' || to_jsonb(r)::text FROM sutra.metadata_role AS r
         UNION ALL SELECT 'space_role ' || to_jsonb(s)::text FROM sutra.space_role AS s
         UNION ALL SELECT 'sequence ' || (to_jsonb(s) - 'last_value')::text FROM pg_sequences AS s WHERE s.schemaname = 'sutra'",
    ),
];
