//! The admin listener: is the process alive, is it ready, what has it done.
//! It shares nothing with the listener of clients, so that a flood there
//! leaves health checks answered.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use domain::probe::{PROBES, Probe};
use serde_json::json;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the process may be sent requests, and which part says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The verdict.
    pub ready: bool,
    /// Each part by name, with the reason where it is not ready.
    pub parts: Vec<(String, Result<(), String>)>,
}

/// What the listener asks the process.
pub trait Admin: Send + Sync {
    /// Whether requests may come.
    fn ready(&self) -> Readiness;

    /// The `OpenMetrics` page.
    fn metrics(&self) -> String;
}

/// Answers on `listener` until `stop` is done.
///
/// # Errors
/// The listener's own failure; a broken connection is none.
pub async fn serve(
    listener: tokio::net::TcpListener,
    admin: Arc<dyn Admin>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(admin))
        .with_graceful_shutdown(stop)
        .await
}

/// The routes.
fn router(admin: Arc<dyn Admin>) -> Router {
    let probes = PROBES.iter().fold(Router::new(), |router, (path, probe)| {
        let answer = match probe {
            Probe::Alive => get(alive),
            Probe::Ready => get(ready),
        };
        router.route(path, answer)
    });
    probes
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(admin)
}

async fn alive() -> &'static str {
    "ok\n"
}

async fn ready(State(admin): State<Arc<dyn Admin>>, RawQuery(query): RawQuery) -> Response {
    let readiness = admin.ready();
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let text = match is_verbose(query.as_deref()) {
        true => verbose(&readiness),
        false => verdict(&readiness).to_owned(),
    };
    (status, text).into_response()
}

/// Kubernetes' form: `?verbose`, with or without a value.
fn is_verbose(query: Option<&str>) -> bool {
    query.is_some_and(|query| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some("verbose"))
    })
}

fn verdict(readiness: &Readiness) -> &'static str {
    if readiness.ready {
        "ok\n"
    } else {
        "not ready\n"
    }
}

fn verbose(readiness: &Readiness) -> String {
    let mut text = String::new();
    for (name, state) in &readiness.parts {
        match state {
            Ok(()) => text.push_str(&format!("[+]{name} ok\n")),
            Err(reason) => text.push_str(&format!("[-]{name} failed: {reason}\n")),
        }
    }
    let is_whole = readiness.parts.iter().all(|(_, state)| state.is_ok());
    text + match readiness.ready && !is_whole {
        true => "degraded\n",
        false => verdict(readiness),
    }
}

async fn metrics(State(admin): State<Arc<dyn Admin>>) -> Response {
    ([(header::CONTENT_TYPE, OPENMETRICS)], admin.metrics()).into_response()
}

async fn unknown() -> Response {
    let error = json!({"error": {
        "message": "No such path on the admin listener; it has /livez, /readyz and /metrics.",
        "type": "invalid_request_error",
        "param": null,
        "code": "unknown_route",
    }});
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

async fn wrong_method() -> Response {
    let error = json!({"error": {
        "message": "This path answers GET only.",
        "type": "invalid_request_error",
        "param": null,
        "code": "method_not_allowed",
    }});
    (StatusCode::METHOD_NOT_ALLOWED, Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;

    struct Fake(Result<(), String>);

    impl Admin for Fake {
        fn ready(&self) -> Readiness {
            Readiness {
                ready: self.0.is_ok(),
                parts: vec![("store".into(), self.0.clone()), ("journal".into(), Ok(()))],
            }
        }

        fn metrics(&self) -> String {
            "# EOF\n".into()
        }
    }

    /// Sends `lines` to a listener over `fake`; the whole answer as text.
    async fn ask(fake: Fake, method: &str, path: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, Arc::new(fake), async {
            let _ = stopped.await;
        }));
        let mut client = TcpStream::connect(address).await.expect("connects");
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("writes");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("reads");
        let _ = stop.send(());
        server.await.expect("joins").expect("stops cleanly");
        answer
    }

    #[tokio::test]
    async fn a_living_process_says_so_under_every_usual_name() {
        for path in [
            "/livez",
            "/healthz",
            "/health",
            "/health/liveliness",
            "/health/liveness",
        ] {
            let answer = ask(Fake(Err("down".into())), "GET", path).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    }

    #[tokio::test]
    async fn an_unready_part_turns_traffic_away() {
        for path in ["/readyz", "/health/readiness"] {
            let answer = ask(Fake(Err("locked".into())), "GET", path).await;
            assert!(answer.starts_with("HTTP/1.1 503"), "{path}: {answer}");
            assert!(
                !answer.contains("locked"),
                "details only on request: {answer}"
            );
            let answer = ask(Fake(Ok(())), "GET", path).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    }

    #[tokio::test]
    async fn verbose_readiness_names_each_part() {
        let answer = ask(Fake(Err("locked".into())), "GET", "/readyz?verbose").await;
        assert!(
            answer.contains("[-]store failed: locked\n[+]journal ok\n"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn metrics_come_as_openmetrics() {
        let answer = ask(Fake(Ok(())), "GET", "/metrics").await;
        assert!(answer.contains("application/openmetrics-text"), "{answer}");
        assert!(answer.ends_with("# EOF\n"), "{answer}");
    }

    #[tokio::test]
    async fn everything_else_is_refused_in_json() {
        let answer = ask(Fake(Ok(())), "GET", "/v1/models").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains(r#""code":"unknown_route""#), "{answer}");
        let answer = ask(Fake(Ok(())), "POST", "/metrics").await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
}
