//! Health routes, the same on every listener: Kubernetes' names first, then
//! those that users of other gateways probe.

/// What a probe wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Does the process run?
    Alive,
    /// Does it take requests?
    Ready,
}

/// Every route.
pub const PROBES: &[(&str, Probe)] = &[
    ("/livez", Probe::Alive),
    ("/healthz", Probe::Alive),
    ("/health", Probe::Alive),
    ("/health/liveliness", Probe::Alive),
    ("/health/liveness", Probe::Alive),
    ("/readyz", Probe::Ready),
    ("/health/readiness", Probe::Ready),
];

impl Probe {
    /// What is asked at this path, if it is one of [`PROBES`].
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        let found = PROBES.iter().find(|(known, _)| *known == path);
        found.map(|(_, probe)| *probe)
    }
}
