//! A knowledge base as people have it: spaces of two tenants, words of one's own, statements learned again, edges drawn
//! by hand, vectors made elsewhere.

use postgres::Client;
use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::{Cluster, sample, vector};

/// The roles that `learn` makes, each with its space.
pub const ROLES: [(&str, &str); 3] = [("tenant_a", "fund_a"), ("tenant_b", "fund_b"), ("reader", "default")];

/// Makes the roles, which are of a whole cluster.
pub fn make_roles(client: &mut Client) {
    for (role, _) in ROLES {
        client.batch_execute(&format!("CREATE ROLE {role} LOGIN")).expect("a role can be made");
    }
}

/// Learns for all of them in a new database `base`. The roles must be there.
pub fn learn(cluster: &Cluster) -> Client {
    let mut client = cluster.create_knowledge_base("base");
    client
        .batch_execute(
            "INSERT INTO sutra.space_role (space, role_name, may_read, may_learn) VALUES
                 ('fund_a', 'tenant_a', true, true), ('fund_b', 'tenant_b', true, true);
             INSERT INTO sutra.metric (name, words, label, unit) VALUES ('temperature', '{temp,warm}', 'temperature', 'degrees');
             INSERT INTO sutra.metadata_role (key, role) VALUES ('remark', 'ignore')",
        )
        .expect("settings can be made");
    sample::learn_all(&mut client, &[sample::bars("AAPL", 12), sample::bars("MSFT", 12)].concat());
    let bar = &sample::bars("AAPL", 1)[0];
    sample::learn(&mut client, bar).expect("it is learned again");
    client
        .batch_execute(
            "SELECT sutra_learn('Station Kew Gardens reported 21.4 degrees on 2024-07-01.',
                 '{\"entity\": \"Kew Gardens\", \"date\": \"2024-07-01\", \"temperature\": 21.4, \"remark\": 7}');
             SELECT sutra_associate(a.id, b.id, 'causal', 'watches', 0.5)
             FROM sutra.concept AS a, sutra.concept AS b
             WHERE a.kind = 'entity' AND a.content = 'AAPL' AND b.kind = 'entity' AND b.content = 'MSFT'",
        )
        .expect("an edge can be drawn");
    // Vectors that the model would not make: made anew, they would differ.
    let mut rng = SmallRng::seed_from_u64(7);
    let contents: Vec<String> = (0..30).map(|n| format!("Given vector number {n} of a station.")).collect();
    let vectors: Vec<String> = contents.iter().map(|_| vector(384, &mut rng)).collect();
    client
        .execute("SELECT sutra_learn_batch($1, NULL, $2::text[]::embedding[])", &[&contents, &vectors])
        .expect("statements with vectors are learned");
    for (role, space) in ROLES {
        let access = if space == "default" { "reader" } else { "learner" };
        client
            .execute("SELECT sutra.grant_access($1::text::regrole, $2)", &[&role, &access])
            .expect("access can be granted");
        if space == "default" {
            continue;
        }
        let mut session = cluster.address().connect_as(role, "base").expect("the role may connect");
        session.execute("SELECT set_config('sutra.space', $1, false)", &[&space]).expect("a setting");
        for day in 1..4 {
            session
                .execute(
                    "SELECT sutra_learn('Station Kew Gardens of ' || current_user || ' reported on 2024-07-0' || $1,
                         jsonb_build_object('entity', 'Kew Gardens', 'date', '2024-07-0' || $1, 'temperature', 10 + $1::int4))",
                    &[&day.to_string()],
                )
                .unwrap_or_else(|error| panic!("{role} learns: {error:?}"));
        }
    }
    client
}

/// What each role and the owner see in a database.
pub fn views(cluster: &Cluster, database: &str) -> Vec<(String, Vec<String>)> {
    let mut views = Vec::new();
    for (role, space) in ROLES {
        for at in [space, "fund_a", "default"] {
            let mut session = cluster.address().connect_as(role, database).expect("the role may connect");
            views.push((format!("{role} in {at}"), crate::backup::view(&mut session, at)));
        }
    }
    let mut owner = cluster.connect(database);
    views.push(("the owner".to_owned(), crate::backup::view(&mut owner, "default")));
    views
}
