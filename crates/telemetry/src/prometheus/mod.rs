//! What `/metrics` answers: the `OpenMetrics` text of one registry.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::gauge::ConstGauge;
pub use prometheus_client::registry::Registry;

/// The content type of [`Exposition::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A registry that everything is registered with; it only reads from then on.
#[derive(Debug)]
pub struct Exposition(Registry);

impl Exposition {
    /// Takes a registry whose metrics are all registered.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self(registry)
    }

    /// The page, with the values of now.
    #[must_use]
    pub fn render(&self) -> String {
        let mut page = String::new();
        if text::encode(&mut page, &self.0).is_err() {
            // Writing to a `String` fails only if a metric's own encoder does.
            tracing::error!("metrics: the page is incomplete");
        }
        page
    }
}

/// Registers a gauge whose value is asked for when the page is.
pub fn gauge(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
    read: impl Fn() -> u64 + Send + Sync + 'static,
) {
    registry.register_collector(Box::new(Asked {
        name,
        help,
        read: Box::new(read),
    }));
}

struct Asked {
    name: &'static str,
    help: &'static str,
    read: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked({})", self.name)
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let value = ConstGauge::new((self.read)());
        let metric = encoder.encode_descriptor(self.name, self.help, None, value.metric_type())?;
        value.encode(metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_asked_when_the_page_is() {
        let mut registry = Registry::default();
        gauge(&mut registry, "portcullis_depth", "Depth.", || 7);
        let page = Exposition::new(registry).render();
        assert!(page.contains("portcullis_depth 7\n"), "{page}");
        assert!(page.contains("# HELP portcullis_depth Depth.\n"), "{page}");
    }

    use prometheus_client::metrics::counter::Counter;

    #[test]
    fn a_page_shows_the_values_of_now_and_ends() {
        let counter = Counter::<u64>::default();
        let mut registry = Registry::default();
        registry.register("portcullis_things", "Things", counter.clone());
        let exposition = Exposition::new(registry);
        assert!(exposition.render().contains("portcullis_things_total 0\n"));
        counter.inc_by(3);
        let page = exposition.render();
        assert!(page.contains("portcullis_things_total 3\n"), "{page}");
        assert!(page.ends_with("# EOF\n"), "{page}");
    }
}
