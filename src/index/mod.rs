//! The access method.

/// Registers reloptions; called once from `_PG_init`.
pub fn init() {}
