//! What `/metrics` shows of requests. Labels are bounded: never a key, a user
//! or a name that a client made up.

use domain::record::{Outcome, Settled};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    gen_ai_operation_name: String,
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    operation: String,
    model: String,
    provider: String,
    outcome: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tokens {
    gen_ai_operation_name: String,
    gen_ai_provider_name: String,
    gen_ai_request_model: String,
    gen_ai_token_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    deployment: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// The way's metrics.
#[derive(Clone)]
pub struct Metrics {
    /// Requests with an open ticket.
    pub in_flight: Gauge,
    ended: Family<Ended, Counter>,
    tokens: Family<Tokens, Counter>,
    cost: Family<Labels, Counter>,
    duration: Family<Labels, Histogram>,
    first_content: Family<Labels, Histogram>,
    failed_attempts: Family<Attempt, Counter>,
    strangers: Family<Reason, Counter>,
    cache_hits: Counter,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 18))
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            in_flight: Gauge::default(),
            ended: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
            duration: Family::new_with_constructor(seconds),
            first_content: Family::new_with_constructor(seconds),
            failed_attempts: Family::default(),
            strangers: Family::default(),
            cache_hits: Counter::default(),
        }
    }
}

impl Metrics {
    /// Registers everything. Names follow the `GenAI` conventions of
    /// `OpenTelemetry` where those have one.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "portcullis_requests_in_flight",
            "Requests running now",
            self.in_flight.clone(),
        );
        registry.register(
            "portcullis_requests",
            "Requests by how they ended",
            self.ended.clone(),
        );
        registry.register(
            "gen_ai_client_token_usage",
            "Tokens by type",
            self.tokens.clone(),
        );
        registry.register(
            "portcullis_cost_nano_usd",
            "Cost in billionths of a dollar",
            self.cost.clone(),
        );
        registry.register(
            "gen_ai_server_request_duration_seconds",
            "From the request's head to the answer's end",
            self.duration.clone(),
        );
        registry.register(
            "gen_ai_server_time_to_first_token_seconds",
            "From the request's head to the first content",
            self.first_content.clone(),
        );
        registry.register(
            "portcullis_attempts_failed",
            "Attempts at a deployment that failed, whatever came of the request",
            self.failed_attempts.clone(),
        );
        registry.register(
            "portcullis_strangers_refused",
            "Refusals before identity",
            self.strangers.clone(),
        );
        registry.register(
            "portcullis_cache_hits",
            "Answers served from the cache",
            self.cache_hits.clone(),
        );
    }

    /// Counts an attempt that failed.
    pub fn attempt_failed(&self, deployment: &domain::ids::DeploymentId, kind: &'static str) {
        let deployment = deployment.to_string();
        let labels = Attempt { deployment, kind };
        self.failed_attempts.get_or_create(&labels).inc();
    }

    /// Counts a refusal that has no ticket.
    pub fn stranger(&self, reason: domain::refusal::Reason) {
        self.strangers
            .get_or_create(&Reason {
                reason: reason.code(),
            })
            .inc();
    }

    /// Counts a request's end.
    ///
    /// A model that nobody listed is `unlisted`: it counts under its
    /// provider, as `local/*`.
    pub fn settled(&self, facts: &Settled, unlisted: Option<&str>) {
        let text = |id: Option<&str>| id.unwrap_or("none").to_owned();
        let listed = facts.model.as_ref().map(|m| m.as_str());
        let model = text(unlisted.or(listed));
        let provider = text(facts.provider.as_ref().map(|p| p.as_str()));
        self.ended
            .get_or_create(&Ended {
                operation: facts.operation.clone(),
                model: model.clone(),
                provider: provider.clone(),
                outcome: facts.outcome.as_str(),
                status: facts.status,
            })
            .inc();
        if facts.cache_hit {
            self.cache_hits.inc();
        }
        if facts.outcome == Outcome::Refused && facts.attempts == 0 {
            return;
        }
        let labels = Labels {
            gen_ai_operation_name: facts.operation.clone(),
            gen_ai_provider_name: provider,
            gen_ai_request_model: model,
        };
        for (kind, count) in [
            ("input", facts.usage.prompt()),
            ("output", facts.usage.completion()),
        ] {
            if count > 0 {
                let tokens = Tokens {
                    gen_ai_operation_name: labels.gen_ai_operation_name.clone(),
                    gen_ai_provider_name: labels.gen_ai_provider_name.clone(),
                    gen_ai_request_model: labels.gen_ai_request_model.clone(),
                    gen_ai_token_type: kind,
                };
                self.tokens.get_or_create(&tokens).inc_by(count);
            }
        }
        if let Some(cost) = facts.cost {
            self.cost
                .get_or_create(&labels)
                .inc_by(u64::try_from(cost.0).unwrap_or(0));
        }
        self.duration
            .get_or_create(&labels)
            .observe(micros(facts.duration_us));
        if let Some(first) = facts.first_content_us {
            self.first_content
                .get_or_create(&labels)
                .observe(micros(first));
        }
    }
}

fn micros(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}
