//! Events go to a webhook, each until it is taken: at least once, with an id to
//! tell the second time by. Requests are signed as
//! [Standard Webhooks](https://www.standardwebhooks.com) has it.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use credentials::http::Http;
use domain::secret::Secret;
use domain::time::UnixMicros;
use store::Unsent;

use crate::serve::world::World;

/// How long it waits for news, where nothing was to be sent.
const IDLE: Duration = Duration::from_secs(5);
/// How many are taken at once, and for how long nobody else takes them.
const BATCH: u32 = 4;
const TAKEN: Duration = Duration::from_secs(120);
/// The pauses before an event is tried again; then it is given up.
const PAUSES: [u64; 8] = [1, 10, 60, 600, 3_600, 6 * 3_600, 24 * 3_600, 48 * 3_600];

/// Where events go, and what their requests are signed with.
struct Hook {
    url: String,
    secret: Option<Secret>,
}

/// Sends what is due for as long as the process lives.
pub(super) async fn send(world: &World) {
    loop {
        let hook = hook(world);
        let sent = match &hook {
            Some(Ok(hook)) => round(world, hook).await,
            Some(Err(error)) => Err(anyhow::anyhow!("alerts.webhook: {error}")),
            None => Ok(0),
        };
        match sent {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "alerts: will try again"),
        }
        tokio::select! {
            () = world.alerts.news.notified() => {}
            () = tokio::time::sleep(IDLE) => {}
        }
    }
}

/// As the file says it now; a secret may have been changed since.
fn hook(world: &World) -> Option<Result<Hook, String>> {
    let alerts = world.alerts_to();
    let webhook = alerts.webhook?;
    let env = config::environment::process;
    let resolved = || {
        Ok(Hook {
            url: webhook.resolve(&env)?.reveal().to_owned(),
            secret: alerts.secret.map(|it| it.resolve(&env)).transpose()?,
        })
    };
    Some(resolved())
}

/// Sends some that are due; how many there were.
async fn round(world: &World, hook: &Hook) -> anyhow::Result<usize> {
    let now = crate::clock::now();
    let taken = world
        .store
        .take_events(now, after(now, TAKEN), BATCH)
        .await?;
    for unsent in &taken {
        let posted = post(world.credentials.http(), hook, unsent).await;
        let due = match posted {
            Ok(()) => {
                world.shared.metrics.delivery("taken");
                None
            }
            Err(fault) => again(world, unsent, &fault),
        };
        world.store.event_is_due(&unsent.event.id, due).await?;
    }
    Ok(taken.len())
}

/// When an event is tried again that was not taken.
fn again(world: &World, unsent: &Unsent, fault: &credentials::Fault) -> Option<UnixMicros> {
    let id = &unsent.event.id;
    let pause = PAUSES.get(unsent.tries as usize);
    let result = if pause.is_some() {
        "failed"
    } else {
        "given_up"
    };
    world.shared.metrics.delivery(result);
    match pause {
        Some(seconds) => {
            tracing::warn!(event_id = %id, %fault, again_in_s = seconds, "alerts: the webhook did not take an event");
            Some(after(crate::clock::now(), Duration::from_secs(*seconds)))
        }
        None => {
            tracing::error!(event_id = %id, %fault, "alerts: the webhook never took an event; it is given up");
            None
        }
    }
}

fn after(now: UnixMicros, span: Duration) -> UnixMicros {
    let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    UnixMicros(now.0.saturating_add(micros))
}

async fn post(http: &Http, hook: &Hook, unsent: &Unsent) -> Result<(), credentials::Fault> {
    let event = &unsent.event;
    let seconds = crate::clock::now().seconds().to_string();
    let mut headers = vec![
        ("webhook-id", event.id.clone()),
        ("webhook-timestamp", seconds.clone()),
    ];
    if let Some(secret) = &hook.secret {
        let signature = signature(secret.reveal(), &event.id, &seconds, &event.body);
        headers.push(("webhook-signature", signature));
    }
    http.post_json(&hook.url, &headers, event.body.clone())
        .await
}

/// `v1,` and the HMAC-SHA256 of `id.timestamp.body`. A secret that begins with
/// `whsec_` is base64.
fn signature(secret: &str, id: &str, seconds: &str, body: &str) -> String {
    let encoded = secret.strip_prefix("whsec_");
    let decoded = encoded.and_then(|it| STANDARD.decode(it).ok());
    let key = decoded.as_deref().unwrap_or(secret.as_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        // The example of its own libraries.
        let signature = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
