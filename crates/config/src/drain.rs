//! How the gateway stops.

use std::time::Duration;

use super::Config;
use super::error::Report;
use crate::secret::Env;

/// How long open requests may take after the last was let in.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a cluster takes until nobody sends requests to a pod that ends.
const IN_A_CLUSTER: Duration = Duration::from_secs(5);
/// The longest of either: more is a mistake of units.
const LONGEST: Duration = Duration::from_secs(3600);

impl Config {
    /// How long to go on accepting after SIGTERM. In Kubernetes, which removes
    /// a pod from its services only while it tells the pod to stop, some
    /// seconds; elsewhere whoever stops us has no one to wait for.
    pub fn drain_delay(&self, env: Env<'_>) -> Duration {
        let is_pod = || env("KUBERNETES_SERVICE_HOST").is_some();
        match self.drain_delay {
            Some(span) => span.0,
            None if is_pod() => IN_A_CLUSTER,
            None => Duration::ZERO,
        }
    }
}

/// Lengths that a supervisor might wait for.
pub(super) fn validate(config: &Config, report: &mut Report<'_>) {
    let spans = [
        ("drain_delay", config.drain_delay),
        ("drain_timeout", Some(config.drain_timeout)),
    ];
    for (path, span) in spans {
        if let Some(span) = span.filter(|span| span.0 > LONGEST) {
            report.wrong(
                path,
                format!("`{span}` is longer than an hour"),
                "the defaults are `5s` in Kubernetes (`0s` elsewhere) and `30s`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalars::Span;

    #[test]
    fn only_a_pod_waits_by_itself_and_everybody_as_told() {
        let pod = |name: &str| (name == "KUBERNETES_SERVICE_HOST").then(|| "10.0.0.1".to_owned());
        let mut config = Config::default();
        assert_eq!(config.drain_delay(&|_| None), Duration::ZERO);
        assert_eq!(config.drain_delay(&pod), IN_A_CLUSTER);
        config.drain_delay = Some(Span(Duration::from_secs(1)));
        assert_eq!(config.drain_delay(&pod), Duration::from_secs(1));
    }
}
