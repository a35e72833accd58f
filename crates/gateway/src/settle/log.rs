//! The line that each request leaves in the log.

use domain::record::Settled;

/// One line a request. No prompt, key or answer in it.
pub(super) fn log(facts: &Settled) {
    tracing::info!(
        target: "portcullis::request",
        request_id = %facts.ticket,
        tenant = %facts.tenant,
        key = %facts.key,
        operation = &*facts.operation,
        model = facts.model.as_ref().map(|m| m.as_str()),
        provider = facts.provider.as_ref().map(|p| p.as_str()),
        deployment = facts.deployment.as_ref().map(|d| d.as_str()),
        status = facts.status,
        outcome = facts.outcome.as_str(),
        error = facts.error,
        streamed = facts.streamed,
        attempts = facts.attempts,
        cache_hit = facts.cache_hit,
        prompt_tokens = facts.usage.prompt(),
        completion_tokens = facts.usage.completion(),
        usage_source = facts.usage_source.as_str(),
        bytes_in = facts.passed.map(|passed| passed.bytes_in),
        bytes_out = facts.passed.map(|passed| passed.bytes_out),
        cost_usd = facts.cost.map(|c| c.to_string()),
        duration_ms = facts.duration_us as f64 / 1000.0,
        "request"
    );
}
