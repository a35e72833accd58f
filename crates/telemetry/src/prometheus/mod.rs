//! What `/metrics` answers: the `OpenMetrics` text of one registry.

use prometheus_client::encoding::text;
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

#[cfg(test)]
mod tests {
    use super::*;
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
