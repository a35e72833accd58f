//! Lists of models, in each dialect's form.

use domain::ability::{Ability, Mode};
use serde_json::Value;
use testkit::FakeProvider;

use crate::stage::{Ask, KEY, Stage, play, usual};

#[test]
fn models_are_listed_as_each_dialect_lists_them() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let get = |path: &str| Ask::to("GET", path, "").with("x-api-key", KEY);
        let asked = get("/v1/models").with("anthropic-version", "2023-06-01");
        let listed = stage.ask(asked).await.json();
        assert_eq!(listed["data"][0]["type"], "model");
        assert_eq!(listed["has_more"], false);
        let listed = stage.ask(get("/v1beta/models")).await.json();
        let names = listed["models"].as_array().expect("a list").iter();
        assert!(
            names
                .map(|model| &model["name"])
                .any(|name| name == "models/m")
        );
        for asked in [
            Ask::to("GET", "/v1/models", "").with("x-goog-api-key", KEY),
            Ask::to("GET", &format!("/v1/models?key={KEY}"), ""),
        ] {
            let listed = stage.ask(asked).await.json();
            assert_eq!(listed["models"][0]["name"], "models/m", "{listed}");
        }
        let listed = stage.ask(get("/v1/models")).await.json();
        assert_eq!(listed["object"], "list");
    });
}

#[test]
fn a_models_limits_are_listed_where_they_are_known() {
    play(async || {
        let fake = FakeProvider::start().await;
        let scene = usual(&fake).model("known").known(|model| {
            model.context = Some(200_000);
            model.max_output = Some(64_000);
            model.abilities = Some([Ability::Reasoning].into_iter().collect());
        });
        let scene = scene.model("e").known(|model| model.mode = Mode::Embedding);
        let stage = Stage::open(scene.alias("same", "known"));
        let get = |path: &str| Ask::to("GET", path, "").with("x-api-key", KEY);
        let gemini = async |name: &str| {
            stage
                .ask(get(&format!("/v1beta/models/{name}")))
                .await
                .json()
        };
        let known = gemini("known").await;
        assert_eq!(known["inputTokenLimit"], 200_000, "{known}");
        assert_eq!(known["outputTokenLimit"], 64_000, "{known}");
        assert_eq!(known["thinking"], true, "{known}");
        let methods = &gemini("e").await["supportedGenerationMethods"];
        assert_eq!(methods[0], "embedContent", "{methods}");
        let unknown = gemini("m").await;
        assert!(unknown.get("inputTokenLimit").is_none(), "{unknown}");
        for name in ["known", "same"] {
            let asked = get(&format!("/v1/models/{name}")).with("anthropic-version", "2026-10-21");
            let model = stage.ask(asked).await.json();
            assert_eq!(model["max_input_tokens"], 200_000, "{model}");
            assert_eq!(model["max_tokens"], 64_000, "{model}");
            assert_eq!(model["display_name"], name, "{model}");
        }
        let asked = get("/v1/models/m").with("anthropic-version", "2026-10-21");
        assert_eq!(stage.ask(asked).await.json()["max_tokens"], Value::Null);
    });
}

#[test]
fn lists_come_in_pages_where_a_dialect_has_them() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake).model("a").model("z-2024-08-06"));
        let claudes = async |query: &str| {
            let asked = Ask::to("GET", &format!("/v1/models?{query}"), "").with("x-api-key", KEY);
            let asked = asked.with("anthropic-version", "2023-06-01");
            stage.ask(asked).await.json()
        };
        let first = claudes("limit=1").await;
        assert_eq!(
            (&first["has_more"], &first["last_id"]),
            (&true.into(), &"a".into())
        );
        let rest = claudes("limit=9&after_id=a").await;
        assert_eq!(
            (&rest["has_more"], &rest["first_id"]),
            (&false.into(), &"m".into())
        );
        let last = rest["data"]
            .as_array()
            .and_then(|all| all.last())
            .expect("one");
        assert_eq!(last["created_at"], "2024-08-06T00:00:00Z");
        assert_eq!(
            claudes("limit=0").await["error"]["type"],
            "invalid_request_error"
        );

        let googles = async |query: &str| {
            let path = format!("/v1beta/models?{query}");
            stage
                .ask(Ask::to("GET", &path, "").with("x-goog-api-key", KEY))
                .await
                .json()
        };
        let first = googles("pageSize=2").await;
        assert_eq!(first["models"].as_array().map(Vec::len), Some(2));
        let token = first["nextPageToken"].as_str().expect("a token");
        let rest = googles(&format!("pageSize=2&pageToken={token}")).await;
        assert_eq!(rest["models"][0]["name"], "models/z-2024-08-06");
        assert_eq!(rest.get("nextPageToken"), None);

        let asked = Ask::to("GET", "/v1/models/z-2024-08-06", "").key(KEY);
        assert_eq!(stage.ask(asked).await.json()["created"], 1_722_902_400);
    });
}

#[test]
fn who_looks_at_the_root_finds_something() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let looked = stage.ask(Ask::to("HEAD", "/", "")).await;
        assert_eq!((looked.status, looked.text()), (200, ""));
        let got = stage.ask(Ask::to("GET", "/", "").key(KEY)).await;
        assert_eq!(got.status, 404);
        assert!(
            got.text().contains("/v1/chat/completions"),
            "{}",
            got.text()
        );
    });
}
