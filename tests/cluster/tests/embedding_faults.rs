//! Embedding where something is not in order that no model folder is to blame for: the helper's program is missing, a text
//! brings down whoever embeds it, memory ends.

use postgres::Client;
use postgres::error::{DbError, SqlState};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use sutra_cluster_tests::{Cluster, Setup};

const PATIENCE: Duration = Duration::from_secs(60);
const POOL: &str = "shared_preload_libraries = 'sutra'\nsutra.embedding_workers = 1\nsutra.embedding_cache = 0";

fn dimensions(client: &mut Client, text: &str) -> Result<i32, postgres::Error> {
    client.query_one("SELECT vector_dims(sutra_embed($1))", &[&text]).map(|row| row.get(0))
}

fn complaint(result: Result<i32, postgres::Error>) -> DbError {
    let error = result.expect_err("it cannot be embedded");
    error.as_db_error().unwrap_or_else(|| panic!("the connection is gone: {error:?}")).clone()
}

fn statistic(client: &mut Client, scope: &str, column: &str) -> i64 {
    let query = format!("SELECT {column}::bigint FROM sutra.embedding_stats WHERE scope = $1");
    client.query_one(&query, &[&scope]).expect("there is such a row").get(0)
}

fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(100));
    }
}

fn helper_of(cluster: &Cluster) -> u32 {
    let mut found = Vec::new();
    wait_until("there is no helper", || {
        found = cluster.embedding_helpers();
        found.len() == 1
    });
    found[0]
}

#[test]
fn without_the_helpers_program_sessions_embed_by_themselves_until_it_is_back() {
    let setup = Setup::get().copy("without-helper");
    let library = setup.output("pg_config", ["--pkglibdir"]).expect("there is a pg_config");
    let program = Path::new(library.trim()).join("sutra-embedder");
    let former = program.with_extension("former");
    std::fs::rename(&program, &former).unwrap();
    let cluster = Cluster::initialised(setup, POOL);
    cluster.start();
    let mut client = cluster.create_knowledge_base("base");
    assert_eq!(dimensions(&mut client, "nobody helps").unwrap(), 384);
    assert_eq!((statistic(&mut client, "session", "texts"), statistic(&mut client, "pool", "texts")), (1, 0));
    assert_eq!(statistic(&mut client, "pool", "workers"), 0);
    let log = cluster.log_text();
    assert!(log.contains("could not start") && log.contains("sutra-embedder"), "{log}");

    // Another program in its place is none either.
    symlink("/bin/true", &program).unwrap();
    cluster.restart();
    let mut client = cluster.connect("base");
    assert_eq!(dimensions(&mut client, "nobody helps").unwrap(), 384);
    assert_eq!((statistic(&mut client, "session", "texts"), statistic(&mut client, "pool", "texts")), (1, 0));

    std::fs::remove_file(&program).unwrap();
    std::fs::rename(&former, &program).unwrap();
    wait_until("no worker finds its helper", || statistic(&mut client, "pool", "workers") == 1);
    assert_eq!(dimensions(&mut client, "the pool does").unwrap(), 384);
    assert_eq!((statistic(&mut client, "session", "texts"), statistic(&mut client, "pool", "texts")), (1, 1));
    assert!(cluster.log_text().contains("has a helper again"), "{}", cluster.log_text());
}

/// The real runtime behind a library that ends the process when the model is asked for one token: "poison".
fn deadly_runtime(folder: &Path) -> PathBuf {
    let models = PathBuf::from(std::env::var("SUTRA_MODELS").expect("scripts/test sets it"));
    let tokenizer = std::fs::read(models.join("all-MiniLM-L6-v2/tokenizer.json")).unwrap();
    let tokenizer: serde_json::Value = serde_json::from_slice(&tokenizer).unwrap();
    let token = tokenizer["model"]["vocab"]["poison"].as_u64().expect("the word is one token");
    let real = std::env::var("SUTRA_ONNXRUNTIME").expect("scripts/test sets it");
    // Numbers of members of OrtApi, which never change.
    let source = r#"
        #include <dlfcn.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <string.h>
        enum { RUN = 9, DATA = 51, COUNT = 64, SHAPE = 65, RELEASE_SHAPE = 99, MEMBERS = 344 };
        typedef struct { const void *(*api)(uint32_t); const char *(*version)(void); } Base;
        typedef void *(*Run)(void *, const void *, const char *const *, void *const *, size_t, const char *const *, size_t, void **);
        static const Base *real;
        static void *members[MEMBERS];
        static Run real_run;
        static void *run(void *session, const void *options, const char *const *names, void *const *inputs, size_t count,
                         const char *const *outputs, size_t output_count, void **values) {
            int64_t *ids;
            void *shape;
            size_t number;
            ((void *(*)(void *, void **))members[DATA])(inputs[0], (void **)&ids);
            ((void *(*)(void *, void **))members[SHAPE])(inputs[0], &shape);
            ((void *(*)(void *, size_t *))members[COUNT])(shape, &number);
            ((void (*)(void *))members[RELEASE_SHAPE])(shape);
            for (size_t i = 0; i < number; i++)
                if (ids[i] == TOKEN) abort();
            return real_run(session, options, names, inputs, count, outputs, output_count, values);
        }
        static const void *api(uint32_t number) {
            const void *found = real->api(number);
            if (!found) return 0;
            memcpy(members, found, sizeof members);
            real_run = (Run)members[RUN];
            members[RUN] = (void *)run;
            return members;
        }
        static const char *version(void) { return real->version(); }
        static const Base base = { api, version };
        const Base *OrtGetApiBase(void) {
            if (!real) real = ((const Base *(*)(void))dlsym(dlopen(REAL, RTLD_NOW | RTLD_LOCAL), "OrtGetApiBase"))();
            return &base;
        }
    "#;
    compile(folder, "deadly", source, &[format!("-DTOKEN={token}"), format!("-DREAL=\"{real}\"")])
}

/// Builds a shared library from C, that the server may read.
fn compile(folder: &Path, name: &str, source: &str, options: &[String]) -> PathBuf {
    let (file, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &file]).args(options).arg("-ldl");
    assert!(compiler.status().unwrap().success());
    std::fs::set_permissions(&library, std::fs::Permissions::from_mode(0o755)).unwrap();
    library
}

#[test]
fn a_text_that_brings_down_every_helper_fails_for_its_caller_and_for_nobody_else() {
    let cluster = Cluster::initialised(Setup::get(), POOL);
    let library = deadly_runtime(&cluster.socket());
    cluster.configure(&format!("sutra.runtime_library = '{}'", library.display()));
    cluster.start();
    let mut client = cluster.create_knowledge_base("base");
    assert_eq!(dimensions(&mut client, "a harmless text").unwrap(), 384);
    let (ended, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for session in 0..4 {
            let (cluster, ended, answered) = (&cluster, &ended, &answered);
            scope.spawn(move || {
                let mut client = cluster.connect("base");
                let mut number = session;
                while !ended.load(Ordering::Relaxed) {
                    number += 4;
                    let text = format!("report {number} of the market");
                    assert_eq!(dimensions(&mut client, &text).expect("a harmless text is embedded"), 384);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 1..=2 {
            let error = complaint(dimensions(&mut client, "one drop of poison"));
            assert_eq!(*error.code(), SqlState::EXTERNAL_ROUTINE_EXCEPTION, "{error:?}");
            assert!(error.message().contains("dies of this text"), "{error:?}");
            assert!(error.detail().is_some() && error.hint().is_some(), "{error:?}");
            let restarts = statistic(&mut client, "pool", "restarts");
            // Three helpers for it alone, and at most one before that which had others too.
            assert!((3 * round..=4 * round).contains(&restarts), "{restarts} restarts in round {round}");
        }
        let texts: Vec<String> = (0..30).map(|number| format!("text {number}")).chain(["poison".into()]).collect();
        let error = client.query_one("SELECT cardinality(sutra_embed($1::text[]))", &[&texts]).map(|row| row.get(0));
        assert_eq!(*complaint(error).code(), SqlState::EXTERNAL_ROUTINE_EXCEPTION);
        let before = answered.load(Ordering::Relaxed);
        wait_until("the others are not served", || answered.load(Ordering::Relaxed) > before + 8);
        ended.store(true, Ordering::Relaxed);
    });
    assert_eq!(dimensions(&mut client, "nothing is left behind").unwrap(), 384);
    assert_eq!(statistic(&mut client, "pool", "queue_depth"), 0);
    assert!(cluster.log_text().contains("SIGABRT"), "the log says how the helper ended: {}", cluster.log_text());
}

#[test]
fn a_memory_limit_is_an_error_and_neither_the_session_nor_the_helper_ends() {
    const MIB: u64 = 1 << 20;
    let setup = Setup::get();
    let check = |client: &mut Client, process: u32, more: u64, what: &str| {
        setup.leave_address_space(process, more);
        let error = complaint(dimensions(client, &format!("too little memory: {what}")));
        setup.limit_address_space(process, None);
        assert_eq!(*error.code(), SqlState::OUT_OF_MEMORY, "{what}: {error:?}");
        assert!(error.message().contains("all-MiniLM-L6-v2"), "{what}: {error:?}");
        assert!(error.hint().is_some(), "{what}: {error:?}");
        assert_eq!(dimensions(client, &format!("enough: {what}")).expect("the session lives on"), 384, "{what}");
    };

    let cluster = Cluster::new();
    let mut client = cluster.create_knowledge_base("base");
    let limits = [(4, "for the library"), (48, "for its start"), (96, "for the model")];
    for (more, what) in limits {
        // A session loads the model once, so each check has a new one.
        let mut client = cluster.connect("base");
        client.batch_execute("SET sutra.embedding_cache = 0; SELECT count(*) FROM sutra.models").unwrap();
        let process: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        check(&mut client, process as u32, more * MIB, what);
        check(&mut client, process as u32, 2 * MIB, "for a text");
    }
    client.batch_execute("SELECT 1").expect("no session has taken another with it");

    let cluster = Cluster::with_settings(POOL);
    let mut client = cluster.create_knowledge_base("base");
    assert_eq!(dimensions(&mut client, "the helper has its model").unwrap(), 384);
    let helper = helper_of(&cluster);
    check(&mut client, helper, 2 * MIB, "in the helper");
    assert_eq!(helper_of(&cluster), helper);
    assert_eq!(statistic(&mut client, "pool", "restarts"), 0, "{}", cluster.log_text());
}

#[test]
fn a_runtime_of_another_version_is_refused_by_name_in_a_session_and_in_the_pool() {
    // The first two members of OrtApiBase, as every version has them.
    let source = "static const void *api(unsigned number) { (void)number; return 0; }
        static const char *version(void) { return \"1.10.0\"; }
        static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
        const void *OrtGetApiBase(void) { return &base; }";
    for settings in ["", POOL] {
        let cluster = Cluster::with_settings(settings);
        let library = compile(&cluster.socket(), "old", source, &[]);
        let mut client = cluster.create_knowledge_base("base");
        client.batch_execute(&format!("SET sutra.runtime_library = '{}'", library.display())).unwrap();
        let error = complaint(dimensions(&mut client, "too old"));
        assert_eq!(*error.code(), SqlState::FEATURE_NOT_SUPPORTED, "{error:?}");
        assert!(error.message().contains("old.so") && error.message().contains("1.10.0"), "{error:?}");
        assert!(error.detail().is_some() && error.hint().is_some(), "{error:?}");
        client.batch_execute("RESET sutra.runtime_library").unwrap();
        assert_eq!(dimensions(&mut client, "the right one").unwrap(), 384);
    }
}
