//! Binary COPY of the types with bytes that no client of good will sends: an error, never a crash, and no row.

use std::io::Write;

use postgres::Client;
use postgres::error::SqlState;
use sutra_cluster_tests::Cluster;

/// COPY of one row with one column of these bytes.
fn copy(client: &mut Client, table: &str, field: &[u8]) -> Result<u64, postgres::Error> {
    let mut data = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    data.extend(1_i16.to_be_bytes());
    data.extend((field.len() as i32).to_be_bytes());
    data.extend(field);
    data.extend((-1_i16).to_be_bytes());
    let mut writer = client.copy_in(&format!("COPY {table} FROM STDIN (FORMAT binary)"))?;
    writer.write_all(&data).expect("the bytes are buffered");
    writer.finish()
}

/// The binary form of an embedding: the number of elements, two bytes kept zero, the elements.
fn embedding(dimension: i16, unused: i16, elements: &[f32]) -> Vec<u8> {
    let mut bytes = [dimension.to_be_bytes(), unused.to_be_bytes()].concat();
    bytes.extend(elements.iter().flat_map(|element| element.to_be_bytes()));
    bytes
}

/// One server for all cases, so that a crash of the server in any of them shows.
struct Target {
    client: Client,
    cluster: Cluster,
    started: String,
}

impl Target {
    fn new() -> Self {
        let cluster = Cluster::new();
        let mut client = cluster.create_knowledge_base("base");
        client
            .batch_execute(
                "CREATE TABLE vectors (v embedding(3)); CREATE TABLE any_vectors (v embedding); CREATE TABLE ids (i concept_id);
                 CREATE INDEX ON vectors USING sutra_hnsw (v embedding_l2_ops)",
            )
            .expect("the tables can be made");
        let started = Self::start_time(&mut client);
        Self { client, cluster, started }
    }

    fn start_time(client: &mut Client) -> String {
        client.query_one("SELECT pg_postmaster_start_time()::text || pg_backend_pid()", &[]).expect("it answers").get(0)
    }

    fn rows(&mut self, table: &str) -> i64 {
        self.client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).expect("a count").get(0)
    }

    fn assert_alive(&mut self) {
        assert_eq!(
            Self::start_time(&mut self.client),
            self.started,
            "the backend crashed: {}",
            self.cluster.log_text()
        );
    }
}

#[test]
fn what_is_no_vector_is_refused() {
    let mut target = Target::new();
    let three = [1.0, 2.0, 3.0];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("no bytes", vec![]),
        ("one byte", vec![0]),
        ("no elements", embedding(0, 0, &[])),
        ("a negative number of elements", embedding(-1, 0, &[])),
        ("the smallest number of elements", embedding(i16::MIN, 0, &[])),
        ("too many elements", embedding(16001, 0, &[])),
        ("16,000 elements that do not follow", embedding(16000, 0, &[])),
        ("fewer elements than said", embedding(3, 0, &three[..2])),
        ("more elements than said", embedding(3, 0, &[1.0, 2.0, 3.0, 4.0])),
        ("half an element", embedding(3, 0, &three)[..14].to_vec()),
        ("another dimension than the column's", embedding(2, 0, &three[..2])),
        ("unused bytes that are used", embedding(3, 1, &three)),
        ("NaN", embedding(3, 0, &[1.0, f32::NAN, 3.0])),
        ("infinity", embedding(3, 0, &[1.0, f32::INFINITY, 3.0])),
        ("minus infinity", embedding(3, 0, &[f32::NEG_INFINITY, 2.0, 3.0])),
    ];
    for (what, bytes) in cases {
        let error = copy(&mut target.client, "vectors", &bytes).expect_err(what);
        let code = error.code().unwrap_or_else(|| panic!("{what}: {error:?}")).code().to_owned();
        assert!(code.starts_with("22") || code == "08P01" || code == "54000", "{what}: {code} {error:?}");
        target.assert_alive();
    }
    assert_eq!(target.rows("vectors"), 0);
    // The same way in works for a vector.
    assert_eq!(copy(&mut target.client, "vectors", &embedding(3, 0, &three)).expect("a vector"), 1);
    let text: String = target.client.query_one("SELECT v::text FROM vectors", &[]).expect("one row").get(0);
    assert_eq!(text, "[1,2,3]");
    let large = embedding(16000, 0, &[0.5; 16000]);
    assert_eq!(copy(&mut target.client, "any_vectors", &large).expect("the largest vector"), 1);
}

#[test]
fn what_is_no_concept_id_is_refused() {
    let mut target = Target::new();
    for length in [0_usize, 1, 7, 9, 16] {
        let error = copy(&mut target.client, "ids", &vec![0xab; length]).expect_err("a wrong length");
        let code = error.code().unwrap_or_else(|| panic!("{length} bytes: {error:?}"));
        assert!(
            [&SqlState::PROTOCOL_VIOLATION, &SqlState::INVALID_BINARY_REPRESENTATION].contains(&code),
            "{length} bytes: {error:?}"
        );
        target.assert_alive();
    }
    assert_eq!(copy(&mut target.client, "ids", &[0xab; 8]).expect("eight bytes"), 1);
    let text: String = target.client.query_one("SELECT i::text FROM ids", &[]).expect("one row").get(0);
    assert_eq!(text, "abababababababab");
}

#[test]
fn random_bytes_are_refused_or_stored_and_never_crash() {
    let mut target = Target::new();
    // A linear congruential generator (Knuth's MMIX constants): the same bytes in every run.
    let mut state = 20_190_102_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    let mut stored = 0;
    for round in 0..400 {
        let mut bytes: Vec<u8> = (0..next() % 40).map(|_| next() as u8).collect();
        if round % 2 == 0 {
            // Half of them with a header that fits, so that the elements are reached.
            let count = (bytes.len() / 4) as i16;
            bytes.truncate(count as usize * 4);
            bytes = [count.to_be_bytes().to_vec(), vec![0, 0], bytes].concat();
        }
        match copy(&mut target.client, "any_vectors", &bytes) {
            Ok(rows) => stored += rows,
            Err(error) => assert!(error.code().is_some(), "round {round}: the connection broke: {error:?}"),
        }
    }
    target.assert_alive();
    assert!(stored > 0, "some of the bytes are vectors");
    assert_eq!(target.rows("any_vectors"), stored as i64);
    // What was stored can be read in both forms.
    target.client.batch_execute("SELECT v::text FROM any_vectors").expect("every stored vector has a text");
}
