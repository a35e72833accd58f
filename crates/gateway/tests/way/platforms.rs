//! Claude on the clouds of others: what they take otherwise than Anthropic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::canon::Dialect;
use domain::model::{BaseModel, Deployment, Known, Paths, Provider, Shape, WireFormat};
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, KEY, Stage, play, usual};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

/// As the catalogue's `vertex_claude` is.
fn vertex(fake: &FakeProvider, model: &'static str) -> Scene {
    let scene = usual(fake).with(|provider: &mut Provider| {
        provider.format = WireFormat::Dialect(Dialect::Anthropic);
        provider.paths = Some(Paths {
            whole: "/models/{model}:rawPredict".to_owned(),
            stream: "/models/{model}:streamRawPredict".to_owned(),
            embeddings: None,
        });
        let known = |value: &str, told: Option<&str>, models: &[&str]| Known {
            value: value.to_owned(),
            told: told.map(str::to_owned),
            models: testkit::scene::models(models),
        };
        let betas = vec![
            known("all-2025", None, &[]),
            known("wide-2025", Some("tight-2025"), &["*opus*"]),
        ];
        provider.shape = Shape {
            omit: vec!["model".to_owned()],
            set: vec![("anthropic_version".to_owned(), r#""v-1""#.to_owned())],
            headers: vec![("anthropic-beta".to_owned(), betas)],
            wants_bytes: true,
            ..Shape::default()
        };
    });
    let scene = scene.model(model);
    scene.alias("m", model)
}

fn claude() -> Reply {
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": "Hello."}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3}});
    Reply::json(body.to_string())
}

fn messages(model: &str, content: &Value) -> Ask {
    let messages = json!([{"role": "user", "content": content}]);
    let body = json!({"model": model, "max_tokens": 50, "messages": messages});
    Ask::to("POST", "/v1/messages", body.to_string())
        .with("x-api-key", KEY)
        .with("anthropic-version", "2026-10-21")
}

#[test]
fn a_beta_goes_in_the_platforms_word_and_only_to_models_that_know_it() {
    play(async || {
        for (model, told) in [("opus-1", "tight-2025,all-2025"), ("haiku-1", "all-2025")] {
            let fake = FakeProvider::start().await;
            fake.always(claude());
            let stage = Stage::open(vertex(&fake, model));
            let betas = "wide-2025, unknown-2026,all-2025";
            let ask = messages(model, &json!("Hi")).with("anthropic-beta", betas);
            assert_eq!(stage.ask(ask).await.status, 200);
            let seen = fake.last_request();
            assert_eq!(seen.header("anthropic-beta"), told, "{model}");
            assert_eq!(seen.header("anthropic-version"), "");
            assert_eq!(seen.json()["anthropic_version"], "v-1");
            let unknown = messages(model, &json!("Hi")).with("anthropic-beta", "unknown-2026");
            assert_eq!(stage.ask(unknown).await.status, 200);
            assert!(!fake.last_request().headers.contains_key("anthropic-beta"));
        }
    });
}

#[test]
fn a_deployment_of_any_name_is_asked_as_the_model_that_it_is() {
    fn opus(deployment: &mut Deployment) {
        let id = "claude-opus-4-8".to_owned();
        deployment.traits = deployment.provider.traits.of(&id);
        deployment.base_model = Some(BaseModel { of: None, id });
    }
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(claude());
        let stage = Stage::open(vertex(&fake, "prod-1").known(opus));
        let openais = json!({"model": "prod-1", "reasoning_effort": "high",
            "messages": [{"role": "user", "content": "Hi"}]});
        let answer = stage.ask(Ask::chat(openais.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = fake.last_request();
        assert!(seen.path.ends_with("/models/prod-1:rawPredict"));
        let sent = seen.json();
        assert_eq!(sent["thinking"]["type"], "adaptive", "{sent}");
        assert_eq!(sent["output_config"]["effort"], "high");
        let beta = messages("prod-1", &json!("Hi")).with("anthropic-beta", "wide-2025");
        assert_eq!(stage.ask(beta).await.status, 200);
        assert_eq!(fake.last_request().header("anthropic-beta"), "tight-2025");
    });
}

fn image(url: &str) -> Value {
    json!([{"type": "image", "source": {"type": "url", "url": url}},
        {"type": "text", "text": "What is it?", "x-new": 1}])
}

#[test]
fn an_image_by_url_comes_as_bytes_where_the_platform_fetches_none() {
    play(async || {
        let (fake, host) = (FakeProvider::start().await, FakeProvider::start().await);
        fake.always(claude());
        host.always(Reply::json(PNG).header("content-type", "image/png"));
        let stage = Stage::fetching(vertex(&fake, "opus-1"), &host);
        let url = format!("http://{}/a.png", host.address());
        let parts = json!([{"type": "image_url", "image_url": {"url": url}}]);
        let openais = json!({"model": "opus-1", "max_tokens": 50,
            "messages": [{"role": "user", "content": parts}]});
        for ask in [
            messages("opus-1", &image(&url)),
            Ask::chat(openais.to_string()),
        ] {
            let answer = stage.ask(ask).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let sent = fake.last_request().json();
            let source = sent.pointer("/messages/0/content/0/source");
            let bytes = json!({"type": "base64", "media_type": "image/png",
                "data": STANDARD.encode(PNG)});
            assert_eq!(source, Some(&bytes), "{sent}");
        }
        assert_eq!(host.count(), 2);
    });
}

#[test]
fn what_names_no_url_is_the_clients_own_bytes_there_too() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(claude());
        let stage = Stage::open(vertex(&fake, "opus-1"));
        let content = json!([{"type": "text", "text": "Hi", "x-new": 1}]);
        assert_eq!(stage.ask(messages("opus-1", &content)).await.status, 200);
        let sent = fake.last_request().json();
        assert_eq!(sent["messages"][0]["content"], content);
    });
}
