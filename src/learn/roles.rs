//! What metadata keys mean in a space, from sutra.metadata_role and sutra.metric.

use super::statements::{column, run};
use pgrx::spi::SpiClient;
use sutra_knowledge::metadata::{Role, Roles};

/// Reads the roles that hold in a space: its own rows go before those of every space, a user's before a shipped one.
pub fn load(client: &mut SpiClient<'_>, space: &str) -> Roles {
    let mut roles = Roles::default();
    let rows = run(
        client,
        "SELECT DISTINCT ON (key) key, role, metric, relation, kind::pg_catalog.text
         FROM sutra.metadata_role
         WHERE space OPERATOR(pg_catalog.=) ANY (ARRAY['*', $1])
         ORDER BY key, space OPERATOR(pg_catalog.=) '*', builtin",
        &[space.into()],
    );
    for row in rows {
        let [key, role, metric, relation, kind] = std::array::from_fn(|number| column::<String>(&row, number + 1));
        let role = match role.as_deref() {
            Some("company") => Role::Company,
            Some("ticker") => Role::Ticker,
            Some("name") => Role::Name,
            Some("date") => Role::Date,
            Some("period") => Role::Period,
            Some("metric") => Role::Metric(metric),
            Some("fact") => Role::Fact { relation: relation.unwrap_or_default(), kind: kind.unwrap_or_default() },
            _ => Role::Ignore,
        };
        roles.keys.insert(key.unwrap_or_default(), role);
    }
    let rows = run(
        client,
        "SELECT DISTINCT ON (name) name, unit
         FROM sutra.metric
         WHERE space OPERATOR(pg_catalog.=) ANY (ARRAY['*', $1])
         ORDER BY name, space OPERATOR(pg_catalog.=) '*', builtin",
        &[space.into()],
    );
    for row in rows {
        if let (Some(name), Some(unit)) = (column(&row, 1), column(&row, 2)) {
            roles.units.insert(name, unit);
        }
    }
    roles
}
