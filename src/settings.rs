//! Every setting of the extension, in one place.

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};
use std::ffi::{CStr, CString};

/// What an index scan does when the filters of the query have used up its first candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
#[allow(non_camel_case_types)]
pub enum IterativeScan {
    /// Stop: the scan returns the rows of ef_search nodes.
    off,
    /// Go on; rows may come slightly out of distance order.
    relaxed_order,
    /// Go on; rows come in distance order.
    strict_order,
}

/// `sutra.ef_search`
pub static EF_SEARCH: GucSetting<i32> = GucSetting::<i32>::new(40);
/// `sutra.iterative_scan`
pub static ITERATIVE_SCAN: GucSetting<IterativeScan> = GucSetting::<IterativeScan>::new(IterativeScan::strict_order);
/// `sutra.max_scan_tuples`
pub static MAX_SCAN_TUPLES: GucSetting<i32> = GucSetting::<i32>::new(20_000);
/// `sutra.scan_mem_multiplier`
pub static SCAN_MEM_MULTIPLIER: GucSetting<f64> = GucSetting::<f64>::new(1.0);
/// `sutra.space`
pub static SPACE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c"default"));
/// `sutra.model`
pub static MODEL: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// `sutra.model_folder`
pub static MODEL_FOLDER: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// `sutra.runtime_library`
pub static RUNTIME_LIBRARY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(Some(c""));
/// `sutra.embedding_threads`
pub static EMBEDDING_THREADS: GucSetting<i32> = GucSetting::<i32>::new(1);
/// `sutra.embedding_cache`
pub static EMBEDDING_CACHE: GucSetting<i32> = GucSetting::<i32>::new(1024);
/// `sutra.embedding_workers`
pub static EMBEDDING_WORKERS: GucSetting<i32> = GucSetting::<i32>::new(1);
/// `sutra.embedding_queue_size`
pub static EMBEDDING_QUEUE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(8192);
/// `sutra.graph_nodes`
pub static GRAPH_NODES: GucSetting<i32> = GucSetting::<i32>::new(50_000);
/// `sutra.graph_time`
pub static GRAPH_TIME: GucSetting<i32> = GucSetting::<i32>::new(1_000);
/// `sutra.similar_statements`
pub static SIMILAR_STATEMENTS: GucSetting<i32> = GucSetting::<i32>::new(3);
/// `sutra.similar_threshold`
pub static SIMILAR_THRESHOLD: GucSetting<f64> = GucSetting::<f64>::new(0.7);
/// `sutra.min_confidence`
pub static MIN_CONFIDENCE: GucSetting<f64> = GucSetting::<f64>::new(0.0);

/// The value of a text setting; the empty string when it is unset.
pub fn text(setting: &'static GucSetting<Option<CString>>) -> String {
    setting.get().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The space that this session learns in and asks.
pub fn space() -> String {
    text(&SPACE)
}

/// While it lives, settings of the session have other values; dropped, the former ones come back.
pub struct Scoped {
    level: std::ffi::c_int,
}

impl Scoped {
    /// Sets settings that any user may set. Raises an ERROR for a value that they do not take.
    pub fn new(values: &[(&CStr, &CStr)]) -> Scoped {
        // SAFETY: the level is ended when the value is dropped, and by the abort after an ERROR; names and values are
        // NUL-terminated and copied.
        unsafe {
            let level = pgrx::pg_sys::NewGUCNestLevel();
            let scoped = Scoped { level };
            for (name, value) in values {
                pgrx::pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
                    pgrx::pg_sys::GucContext::PGC_USERSET,
                    pgrx::pg_sys::GucSource::PGC_S_SESSION,
                    pgrx::pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            }
            scoped
        }
    }
}

impl Drop for Scoped {
    fn drop(&mut self) {
        // SAFETY: levels are ended in the opposite order of their beginning, as values are dropped.
        unsafe { pgrx::pg_sys::AtEOXact_GUC(true, self.level) };
    }
}

/// Registers every setting; called once from `_PG_init`.
pub fn init() {
    const NONE: GucFlags = GucFlags::empty();
    let int = |name: &'static CStr, short: &'static CStr, long: &'static CStr, setting, low, high, context, flags| {
        GucRegistry::define_int_guc(name, short, long, setting, low, high, context, flags);
    };
    int(
        c"sutra.ef_search",
        c"Number of candidates a sutra_hnsw scan keeps (1 to 10000 rows).",
        c"Raise it when recall is too low; a query costs about in proportion.",
        &EF_SEARCH,
        1,
        10_000,
        GucContext::Userset,
        NONE,
    );
    GucRegistry::define_enum_guc(
        c"sutra.iterative_scan",
        c"What a sutra_hnsw scan does when filters have used up its candidates.",
        c"strict_order goes on in distance order, relaxed_order may return rows slightly out of order and finds more of them, off stops after the rows of ef_search nodes.",
        &ITERATIVE_SCAN,
        GucContext::Userset,
        NONE,
    );
    int(
        c"sutra.max_scan_tuples",
        c"Number of nodes an iterative scan meets before it goes over to passes over all codes (1 to 2147483647 nodes).",
        c"Lower it to bound the time of very selective filters, raise it when the graph still finds rows faster than a pass.",
        &MAX_SCAN_TUPLES,
        1,
        i32::MAX,
        GucContext::Userset,
        NONE,
    );
    GucRegistry::define_float_guc(
        c"sutra.scan_mem_multiplier",
        c"Memory of an iterative scan as a multiple of work_mem (1 to 1000).",
        c"Raise it when a filtered scan goes over to a pass over all codes although max_scan_tuples is not reached.",
        &SCAN_MEM_MULTIPLIER,
        1.0,
        1000.0,
        GucContext::Userset,
        NONE,
    );
    GucRegistry::define_string_guc(
        c"sutra.space",
        c"The space (tenant or knowledge base) that this session learns in and asks.",
        c"Set it per role or per session when one database holds several knowledge bases.",
        &SPACE,
        GucContext::Userset,
        NONE,
    );
    GucRegistry::define_string_guc(
        c"sutra.model",
        c"Name of the embedding model of this session: a folder under the model folder; empty means the one of the database.",
        c"Set it to compare models; sutra_use_model changes the model of the database and embeds again what was learned.",
        &MODEL,
        GucContext::Userset,
        NONE,
    );
    GucRegistry::define_string_guc(
        c"sutra.model_folder",
        c"Folder that holds the model folders; empty means the extension's own under sharedir.",
        c"Change it when the models live on another volume.",
        &MODEL_FOLDER,
        GucContext::Suset,
        GucFlags::SUPERUSER_ONLY,
    );
    GucRegistry::define_string_guc(
        c"sutra.runtime_library",
        c"Path of the ONNX Runtime library; empty means the one installed with the extension.",
        c"Change it to use a build of your own.",
        &RUNTIME_LIBRARY,
        GucContext::Suset,
        GucFlags::SUPERUSER_ONLY,
    );
    int(
        c"sutra.embedding_threads",
        c"Threads that embed texts in one backend or in one helper of the pool (1 to 64).",
        c"Raise it for bulk learning on a machine with idle cores; the pool takes the value of the configuration file.",
        &EMBEDDING_THREADS,
        1,
        64,
        GucContext::Userset,
        NONE,
    );
    int(
        c"sutra.embedding_cache",
        c"Memory for recent question vectors in one backend (0 to 1048576 kB).",
        c"Raise it when the same questions come again and again, 0 switches it off.",
        &EMBEDDING_CACHE,
        0,
        1_048_576,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    // What belongs to the start of the server cannot be defined later; then these are known and without effect.
    // SAFETY: it is set before libraries are preloaded.
    let at_start = || match unsafe { pgrx::pg_sys::process_shared_preload_libraries_in_progress } {
        true => GucContext::Postmaster,
        false => GucContext::Sighup,
    };
    int(
        c"sutra.embedding_workers",
        c"Background workers of the shared embedding pool (0 to 64); they run when sutra is in shared_preload_libraries.",
        c"Raise it towards the number of cores that may embed at the same time, 0 leaves embedding to the backends.",
        &EMBEDDING_WORKERS,
        0,
        64,
        at_start(),
        NONE,
    );
    int(
        c"sutra.embedding_queue_size",
        c"Shared memory for texts on their way through the embedding pool (2048 to 1048576 kB).",
        c"Raise it when many sessions embed long texts at the same time: what finds no room waits.",
        &EMBEDDING_QUEUE_SIZE,
        2048,
        1_048_576,
        at_start(),
        GucFlags::UNIT_KB,
    );
    int(
        c"sutra.graph_nodes",
        c"Concepts that one walk over the graph visits (100 to 10000000).",
        c"Raise it when a walk says that it ended early, lower it to bound its memory.",
        &GRAPH_NODES,
        100,
        10_000_000,
        GucContext::Userset,
        NONE,
    );
    int(
        c"sutra.graph_time",
        c"Time after which a walk over the graph returns what it has found (1 to 3600000 ms).",
        c"Raise it when a walk says that its time was up, lower it where answers must be quick.",
        &GRAPH_TIME,
        1,
        3_600_000,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    int(
        c"sutra.similar_statements",
        c"Nearest statements that a statement gets a semantic edge to when it is learned (0 to 100).",
        c"0 learns without such edges, which saves one search of the vector index a statement.",
        &SIMILAR_STATEMENTS,
        0,
        100,
        GucContext::Userset,
        NONE,
    );
    GucRegistry::define_float_guc(
        c"sutra.similar_threshold",
        c"Cosine similarity from which two statements get a semantic edge (0 to 1).",
        c"Raise it when unlike statements are linked, lower it when like ones are not; each model has a scale of its own.",
        &SIMILAR_THRESHOLD,
        0.0,
        1.0,
        GucContext::Userset,
        NONE,
    );
    GucRegistry::define_float_guc(
        c"sutra.min_confidence",
        c"Answers below this confidence are not returned (0 to 1).",
        c"Raise it when a wrong answer costs more than none.",
        &MIN_CONFIDENCE,
        0.0,
        1.0,
        GucContext::Userset,
        NONE,
    );
}
