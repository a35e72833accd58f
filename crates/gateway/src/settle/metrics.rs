//! What `/metrics` shows of requests. Labels are bounded: never a key, a user
//! or a name that a client made up.

use std::cell::OnceCell;

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    result: &'static str,
}

/// The way's metrics.
#[derive(Clone)]
pub struct Metrics {
    /// Requests with an open ticket.
    pub in_flight: Gauge,
    /// Those of them that no client waits for.
    pub background: Gauge,
    ended: Family<Ended, Counter>,
    tokens: Family<Tokens, Counter>,
    cost: Family<Labels, Counter>,
    duration: Family<Labels, Histogram>,
    first_content: Family<Labels, Histogram>,
    failed_attempts: Family<Attempt, Counter>,
    strangers: Family<Reason, Counter>,
    cache_hits: Counter,
    events: Family<Kind, Counter>,
    deliveries: Family<Delivery, Counter>,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 18))
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            in_flight: Gauge::default(),
            background: Gauge::default(),
            ended: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
            duration: Family::new_with_constructor(seconds),
            first_content: Family::new_with_constructor(seconds),
            failed_attempts: Family::default(),
            strangers: Family::default(),
            cache_hits: Counter::default(),
            events: Family::default(),
            deliveries: Family::default(),
        }
    }
}

impl Metrics {
    /// Counts an event of this kind.
    pub fn event(&self, kind: &str) {
        let kind = kind.to_owned();
        self.events.get_or_create(&Kind { kind }).inc();
    }

    /// Counts what came of sending one.
    pub fn delivery(&self, result: &'static str) {
        self.deliveries.get_or_create(&Delivery { result }).inc();
    }

    /// Registers everything. Names follow the `GenAI` conventions of
    /// `OpenTelemetry` where those have one.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "portcullis_events",
            "Events that somebody is told: budgets nearly spent, what is wrong in the books",
            self.events.clone(),
        );
        registry.register(
            "portcullis_webhook_deliveries",
            "Events sent to the webhook, by what came of it",
            self.deliveries.clone(),
        );
        registry.register(
            "portcullis_requests_in_flight",
            "Requests running now",
            self.in_flight.clone(),
        );
        registry.register(
            "portcullis_responses_in_background",
            "Responses that are worked on in the background now",
            self.background.clone(),
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

    /// What requests of this kind count on.
    pub(super) fn series(&self, facts: &Settled, unlisted: Option<&str>) -> Series {
        let text = |id: Option<&str>| id.unwrap_or("none").to_owned();
        let listed = facts.model.as_ref().map(|m| m.as_str());
        let model = text(unlisted.or(listed));
        let provider = text(facts.provider.as_ref().map(|p| p.as_str()));
        let ended = self.ended.get_or_create_owned(&Ended {
            operation: facts.operation.to_string(),
            model: model.clone(),
            provider: provider.clone(),
            outcome: facts.outcome.as_str(),
            status: facts.status,
        });
        let labels = Labels {
            gen_ai_operation_name: facts.operation.to_string(),
            gen_ai_provider_name: provider,
            gen_ai_request_model: model,
        };
        Series {
            metrics: self.clone(),
            labels,
            ended,
            input: OnceCell::new(),
            output: OnceCell::new(),
            cost: OnceCell::new(),
            duration: OnceCell::new(),
            first_content: OnceCell::new(),
        }
    }
}

/// What requests of one kind count on: looked up once, since a look-up costs
/// more than the counting. A series comes into being with its first sample.
pub(super) struct Series {
    metrics: Metrics,
    labels: Labels,
    ended: Counter,
    input: OnceCell<Counter>,
    output: OnceCell<Counter>,
    cost: OnceCell<Counter>,
    duration: OnceCell<Histogram>,
    first_content: OnceCell<Histogram>,
}

impl Series {
    /// Counts a request's end.
    pub(super) fn count(&self, facts: &Settled) {
        let Self {
            metrics, labels, ..
        } = self;
        self.ended.inc();
        if facts.cache_hit {
            metrics.cache_hits.inc();
        }
        if facts.outcome == Outcome::Refused && facts.attempts == 0 {
            return;
        }
        let (prompt, completion) = (facts.usage.prompt(), facts.usage.completion());
        for (cell, kind, count) in [
            (&self.input, "input", prompt),
            (&self.output, "output", completion),
        ] {
            if count > 0 {
                cell.get_or_init(|| self.tokens(kind)).inc_by(count);
            }
        }
        if let Some(cost) = facts.cost {
            let counter = self
                .cost
                .get_or_init(|| metrics.cost.get_or_create_owned(labels));
            counter.inc_by(u64::try_from(cost.0).unwrap_or(0));
        }
        let duration = || metrics.duration.get_or_create_owned(labels);
        let all = self.duration.get_or_init(duration);
        all.observe(micros(facts.duration_us));
        if let Some(first) = facts.first_content_us {
            let first_content = || metrics.first_content.get_or_create_owned(labels);
            let all = self.first_content.get_or_init(first_content);
            all.observe(micros(first));
        }
    }

    fn tokens(&self, kind: &'static str) -> Counter {
        let labels = self.labels.clone();
        self.metrics.tokens.get_or_create_owned(&Tokens {
            gen_ai_operation_name: labels.gen_ai_operation_name,
            gen_ai_provider_name: labels.gen_ai_provider_name,
            gen_ai_request_model: labels.gen_ai_request_model,
            gen_ai_token_type: kind,
        })
    }
}

fn micros(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}
