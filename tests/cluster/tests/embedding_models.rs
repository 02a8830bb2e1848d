//! Other models than the default one: another dimension throughout, a change of models that is killed half-way, model
//! folders that are not in order.

#[path = "../../../crates/embedder/tests/common/mod.rs"]
mod common;

use common::{SmallModel, sha256, write_manifest};
use postgres::Client;
use postgres::error::SqlState;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use sutra_cluster_tests::Cluster;

const PATIENCE: Duration = Duration::from_secs(120);
const DEFAULT: &str = "all-MiniLM-L6-v2";

/// A cluster whose model folder has the default model and, as "small", one of 768 dimensions.
fn with_small_model(settings: &str) -> (Cluster, PathBuf) {
    let cluster = Cluster::with_settings(settings);
    let models = cluster.socket().join("models");
    std::fs::create_dir(&models).unwrap();
    let installed = PathBuf::from(std::env::var("SUTRA_MODELS").expect("scripts/test sets it"));
    symlink(installed.join(DEFAULT), models.join(DEFAULT)).unwrap();
    let small = models.join("small");
    std::fs::create_dir(&small).unwrap();
    let manifest = SmallModel { rows: 40, vocabulary: 40, ..SmallModel::default() }.write(&small);
    write_manifest(&small, &manifest);
    open_to_all(&models);
    open_to_all(&small);
    // Not ALTER SYSTEM: before PostgreSQL 17 it knows no setting of a library that the session has not loaded.
    cluster.configure(&format!("sutra.model_folder = '{}'", models.display()));
    cluster.restart();
    (cluster, models)
}

fn open_to_all(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.is_symlink() {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn number(client: &mut Client, query: &str) -> i64 {
    client.query_one(query, &[]).unwrap_or_else(|error| panic!("{query}: {error:?}")).get(0)
}

fn word(client: &mut Client, query: &str) -> String {
    client.query_one(query, &[]).unwrap_or_else(|error| panic!("{query}: {error:?}")).get(0)
}

fn database_model(client: &mut Client) -> String {
    word(client, "SELECT name FROM sutra.models WHERE active")
}

fn use_model(client: &mut Client, name: &str) -> i64 {
    client.query_one("SELECT sutra_use_model($1)", &[&name]).unwrap_or_else(|error| panic!("{error:?}")).get(0)
}

fn job_state(client: &mut Client, job: i64) -> (String, i64) {
    let row = client.query_one("SELECT state, done FROM sutra.job WHERE id = $1", &[&job]).unwrap();
    (row.get(0), row.get(1))
}

fn wait_for_job(client: &mut Client, job: i64, ready: impl Fn(&str, i64) -> bool) {
    let started = Instant::now();
    loop {
        let (state, done) = job_state(client, job);
        if ready(&state, done) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "job {job} is {state} with {done} done");
        sleep(Duration::from_millis(50));
    }
}

fn learn(client: &mut Client, from: i32, to: i32) {
    let query = "SELECT count(*) FROM (SELECT sutra_learn_batch(array_agg(
        'Report ' || n || ' of the w' || 1 + n % 30 || ' market: shares of banks rose on news of day ' || n))
        FROM generate_series($1::int, $2::int) AS n) AS learned";
    assert_eq!(client.query_one(query, &[&from, &to]).unwrap().get::<_, i64>(0), i64::from(to - from + 1));
}

/// Every statement has one vector of the model, and no vector is without its statement.
fn check_vectors(client: &mut Client, table: &str, statements: i64) {
    let query = format!(
        "SELECT count(*) FROM sutra.concept AS c FULL JOIN sutra.{table} AS v ON (v.space, v.concept) = (c.space, c.id)
         WHERE c.kind IS DISTINCT FROM 'entity' AND (c.id IS NULL OR v.concept IS NULL)"
    );
    assert_eq!(number(client, &query), 0, "statements without a vector, or vectors without a statement");
    assert_eq!(number(client, &format!("SELECT count(*) FROM sutra.{table}")), statements);
}

#[test]
fn a_change_of_models_that_is_killed_half_way_is_resumed_and_answers_all_the_time() {
    let (cluster, _) = with_small_model("");
    let mut client = cluster.create_knowledge_base("base");
    // Nothing was learned: the change is made at once.
    let job = use_model(&mut client, "small");
    assert_eq!(job_state(&mut client, job).0, "done");
    assert_eq!(database_model(&mut client), "small");
    learn(&mut client, 1, 400);
    assert_eq!(number(&mut client, "SELECT vector_dims(embedding)::bigint FROM sutra.vector_small LIMIT 1"), 768);
    let search = "SELECT count(*) FROM sutra_search('shares of the w7 market', 5)";
    assert_eq!(number(&mut client, search), 5);

    // Back to the default model, which takes its time.
    let job = use_model(&mut client, DEFAULT);
    let error = client.query_one("SELECT sutra_use_model('small')", &[]).expect_err("one change at a time");
    assert_eq!(error.code(), Some(&SqlState::OBJECT_IN_USE), "{error:?}");
    wait_for_job(&mut client, job, |_, done| done >= 64);
    assert_eq!(database_model(&mut client), "small", "the former model until the last vector is made");
    assert_eq!(number(&mut client, search), 5, "it answers meanwhile");
    learn(&mut client, 401, 420);
    cluster.kill();
    cluster.start();
    let mut client = cluster.connect("base");
    let (state, done) = job_state(&mut client, job);
    let made = number(&mut client, "SELECT count(*) FROM sutra.vector_all_minilm_l6_v2");
    assert_eq!((state.as_str(), made), ("running", done), "a batch and what is counted of it are one");
    assert!((64..420).contains(&done), "{done} done");
    assert_eq!(database_model(&mut client), "small");
    assert_eq!(number(&mut client, search), 5);
    client.execute("SELECT sutra_resume_job($1)", &[&job]).unwrap();
    learn(&mut client, 421, 430);
    wait_for_job(&mut client, job, |state, _| state == "done");
    assert_eq!(database_model(&mut client), DEFAULT);
    check_vectors(&mut client, "vector_all_minilm_l6_v2", 430);
    assert_eq!(job_state(&mut client, job).1, 430, "nothing was embedded twice");
    assert_eq!(number(&mut client, search), 5);
    // A session that was there all the time goes over too, and what it learns now has a vector of the new model.
    learn(&mut client, 431, 432);
    check_vectors(&mut client, "vector_all_minilm_l6_v2", 432);

    // To go back only what is new has to be embedded.
    let job = use_model(&mut client, "small");
    wait_for_job(&mut client, job, |state, _| state == "done");
    check_vectors(&mut client, "vector_small", 432);
    assert!(job_state(&mut client, job).1 < 100);
}

#[test]
fn learning_at_the_same_time_leaves_no_statement_behind() {
    let (cluster, _) = with_small_model("");
    let mut client = cluster.create_knowledge_base("base");
    learn(&mut client, 1, 20);
    let learners: Vec<_> = (0..3)
        .map(|learner| {
            let mut client = cluster.connect("base");
            std::thread::spawn(move || {
                for round in 0..12 {
                    let first = 1000 * (learner + 1) + 4 * round;
                    learn(&mut client, first, first + 3);
                }
            })
        })
        .collect();
    for name in ["small", DEFAULT, "small"] {
        let job = use_model(&mut client, name);
        wait_for_job(&mut client, job, |state, _| state == "done");
        assert_eq!(database_model(&mut client), name);
    }
    learners.into_iter().for_each(|learner| learner.join().unwrap());
    check_vectors(&mut client, "vector_small", 20 + 3 * 12 * 4);
}

#[test]
fn a_standby_follows_a_change_and_refuses_to_make_one() {
    let (primary, _) = with_small_model("");
    let mut client = primary.create_knowledge_base("base");
    learn(&mut client, 1, 10);
    let standby = primary.replica();
    let mut reader = standby.connect("base");
    let error = reader.query_one("SELECT sutra_use_model('small')", &[]).expect_err("a standby only reads");
    assert_eq!(error.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION), "{error:?}");
    standby.wait_for(&primary);
    assert_eq!(number(&mut reader, "SELECT count(*) FROM sutra_search('banks', 3)"), 3);
    let job = use_model(&mut client, "small");
    wait_for_job(&mut client, job, |state, _| state == "done");
    standby.wait_for(&primary);
    assert_eq!(database_model(&mut reader), "small");
    assert_eq!(number(&mut reader, "SELECT count(*) FROM sutra_search('banks', 3)"), 3);
}

#[test]
fn model_folders_that_are_not_in_order_are_refused_by_name_in_a_session_and_in_the_pool() {
    let (cluster, models) = with_small_model("shared_preload_libraries = 'sutra'");
    let mut client = cluster.create_knowledge_base("base");
    assert_eq!(number(&mut client, "SELECT vector_dims(sutra_embed('w1 w2', 'small'))::bigint"), 768);
    let small = models.join("small");
    type Damage = (&'static str, SqlState, &'static str, fn(&Path));
    let damages: [Damage; 5] = [
        ("wrong-dimension", SqlState::CONFIG_FILE_ERROR, "model.onnx", |folder| {
            change_manifest(folder, |manifest| manifest.dimension = 767);
        }),
        ("truncated", SqlState::DATA_CORRUPTED, "model.onnx", |folder| {
            let path = folder.join("model.onnx");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            let hash = sha256(&path);
            change_manifest(folder, |manifest| manifest.model.sha256 = hash);
        }),
        ("other-tokenizer", SqlState::CONFIG_FILE_ERROR, "tokenizer.json", |folder| {
            let path = folder.join("tokenizer.json");
            let text = std::fs::read_to_string(&path).unwrap().replace("\"w39\":39", "\"w39\":390");
            std::fs::write(&path, text).unwrap();
            let hash = sha256(&path);
            change_manifest(folder, |manifest| manifest.tokenizer.sha256 = hash);
        }),
        ("changed", SqlState::DATA_CORRUPTED, "model.onnx", |folder| {
            let path = folder.join("model.onnx");
            let mut bytes = std::fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }),
        ("unreadable", SqlState::INSUFFICIENT_PRIVILEGE, "model.onnx", |folder| {
            std::fs::set_permissions(folder.join("model.onnx"), std::fs::Permissions::from_mode(0o0)).unwrap();
        }),
    ];
    for (name, code, file, damage) in damages {
        let folder = models.join(name);
        std::fs::create_dir(&folder).unwrap();
        for entry in ["manifest.json", "model.onnx", "tokenizer.json"] {
            std::fs::copy(small.join(entry), folder.join(entry)).unwrap();
        }
        change_manifest(&folder, |manifest| manifest.name = name.to_owned());
        open_to_all(&folder);
        damage(&folder);
        let error = client.query_one("SELECT sutra_embed('w1 w2', $1)::text", &[&name]).expect_err(name);
        let error = error.as_db_error().unwrap_or_else(|| panic!("{name}: the connection is gone"));
        assert_eq!(*error.code(), code, "{name}: {error:?}");
        assert!(error.message().contains(file), "{name}: {error:?}");
        assert!(error.hint().is_some(), "{name}: {error:?}");
        let error = client.query_one("SELECT sutra_use_model($1)", &[&name]).expect_err(name);
        assert_eq!(error.code(), Some(&code), "{name}: {error:?}");
        assert_eq!(number(&mut client, "SELECT vector_dims(sutra_embed('the pool lives on'))::bigint"), 384);
    }
    let pool = "SELECT restarts FROM sutra.embedding_stats WHERE scope = 'pool'";
    assert_eq!(number(&mut client, pool), 0, "{}", cluster.log_text());
    let long = "SELECT vector_dims(sutra_embed(repeat('market news ', 90000)))::bigint";
    assert_eq!(number(&mut client, long), 384, "1 MB of text");
    for empty in ["", " \\t\\n"] {
        let error = client.query_one(&format!("SELECT sutra_embed(E'{empty}')::text"), &[]).expect_err("no word");
        assert_eq!(error.code(), Some(&SqlState::INVALID_PARAMETER_VALUE), "{error:?}");
    }
    let error = client.query_one("SELECT sutra_embed(ARRAY['one', 'two', '  '])::text", &[]).expect_err("no word");
    assert_eq!(error.as_db_error().unwrap().detail(), Some("It is text 3 of the call."), "{error:?}");
    // A runtime library that is none: the pool says so and goes on with the right one.
    client.batch_execute("SET sutra.runtime_library = '/etc/hostname'").unwrap();
    assert!(client.query_one("SELECT sutra_embed('w1')::text", &[]).is_err());
    client.batch_execute("RESET sutra.runtime_library").unwrap();
    assert_eq!(number(&mut client, "SELECT vector_dims(sutra_embed('and goes on'))::bigint"), 384);
}

fn change_manifest(folder: &Path, change: impl FnOnce(&mut sutra_embedder::Manifest)) {
    let mut manifest = sutra_embedder::Manifest::read(folder).unwrap();
    change(&mut manifest);
    write_manifest(folder, &manifest);
}
