//! What a running process cannot change.

use super::Config;

impl Config {
    /// Settings that `next` says otherwise, and that a running process cannot
    /// change.
    pub fn needs_restart(&self, next: &Self) -> Vec<&'static str> {
        [
            ("listen", self.listen != next.listen),
            ("admin.listen", self.admin != next.admin),
            ("tls", self.tls.is_some() != next.tls.is_some()),
            ("data_dir", self.data_dir != next.data_dir),
            ("store", self.store != next.store),
            ("audit", self.audit != next.audit),
            ("workers", self.workers != next.workers),
            ("cache.max_bytes", self.cache_bytes() != next.cache_bytes()),
            (
                "reasoning.max_bytes",
                self.reasoning_bytes() != next.reasoning_bytes(),
            ),
            ("log", self.log != next.log),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}
