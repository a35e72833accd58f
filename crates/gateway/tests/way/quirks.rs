//! Providers that differ from `OpenAI`'s dialect: those of the catalogue, and
//! each quirk on the whole way.

use std::sync::Arc;

use domain::canon::Dialect;
use domain::model::{Losses, Provider};
use providers::{Catalogue, QuirksSpec};
use serde_json::{Value, json};
use testkit::{FakeProvider, Reply, openai};

use crate::stage::{Ask, KEY, Stage, play, usual};

/// The quirks of an entry of the catalogue.
fn of(name: &str) -> QuirksSpec {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let mut all = catalogue.providers.into_iter();
    let found = all.find(|known| known.name == name);
    found.expect("an entry").quirks
}

/// Gives a provider these quirks, as the configuration does.
fn quirky(spec: &QuirksSpec) -> impl FnOnce(&mut Provider) + use<> {
    let quirks = spec.quirks().expect("quirks");
    move |provider| {
        provider.stream_usage = !quirks.cuts("stream_options");
        provider.quirks = Arc::new(quirks);
    }
}

fn like(fake: &FakeProvider, name: &str) -> Stage {
    Stage::open(usual(fake).with(quirky(&of(name))))
}

/// What an SDK sends in the second turn of a conversation with tools.
fn second_turn() -> Value {
    json!({
        "model": "m", "max_completion_tokens": 50, "temperature": 0.5, "store": false,
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": "Hi", "name": "ann"},
            {"role": "assistant", "content": null, "refusal": null, "annotations": [], "audio": null,
             "function_call": null, "reasoning_content": "Look outside.",
             "tool_calls": [{"id": "call_0123456789abcdef", "type": "function",
                             "function": {"name": "weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_0123456789abcdef", "content": "sunny"},
        ],
    })
}

#[test]
fn every_entry_of_the_catalogue_forwards_conversations_and_streams() {
    play(async || {
        let catalogue = Catalogue::builtin().expect("the catalogue");
        let compatible = |known: &&providers::CatalogueProvider| known.dialect == Dialect::OpenAi;
        for known in catalogue.providers.iter().filter(compatible) {
            let fake = FakeProvider::start().await;
            let name = &known.name;
            let stage = Stage::open(usual(&fake).with(quirky(&known.quirks)));
            let mut body = second_turn();
            if name == "perplexity" {
                body.as_object_mut().expect("an object").remove("tools");
            }
            let replies = [
                Reply::chat("Hi"),
                Reply::chat_stream(&["Hi"]),
                Reply::embeddings(2),
            ];
            fake.script(replies.to_vec());
            for stream in [false, true] {
                body["stream"] = json!(stream);
                let answer = stage.ask(Ask::chat(body.to_string())).await;
                assert_eq!(answer.status, 200, "{name}: {}", answer.text());
                let seen = fake.last_request();
                assert_eq!(seen.path, "/v1/chat/completions", "{name}");
                let told = seen.json();
                assert_eq!(told["model"], "m", "{name}");
                let messages = told["messages"].as_array().expect("messages");
                assert_eq!(messages.len(), 4, "{name}");
                let call = &messages[2]["tool_calls"][0]["id"];
                assert!(call.is_string(), "{name}");
                assert_eq!(&messages[3]["tool_call_id"], call, "{name}");
            }
            let asked = Ask::to(
                "POST",
                "/v1/embeddings",
                openai::embeddings_request("m", &["a"]),
            );
            let answer = stage.ask(asked.key(KEY)).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(fake.last_request().path, "/v1/embeddings", "{name}");
        }
    });
}

#[test]
fn mistral_is_told_what_it_takes_and_nothing_else() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat_stream(&["Hi"]));
        let stage = like(&fake, "mistral");
        let mut body = second_turn();
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
        body["tool_choice"] = json!("required");
        body["seed"] = json!(7);
        let answer = stage.ask(Ask::chat(body.to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = fake.last_request().json();
        let id = told["messages"][2]["tool_calls"][0]["id"].clone();
        let fits = |id: &str| id.len() == 9 && id.bytes().all(|it| it.is_ascii_alphanumeric());
        assert!(id.as_str().is_some_and(fits), "{id}");
        assert_eq!(
            told,
            json!({
                "model": "m", "max_tokens": 50, "temperature": 0.5, "stream": true,
                "tool_choice": "any", "random_seed": 7, "tools": body["tools"],
                "messages": [
                    {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
                    {"role": "user", "content": "Hi"},
                    {"role": "assistant", "content": null, "tool_calls": [
                        {"id": id, "type": "function",
                         "function": {"name": "weather", "arguments": "{}"}}]},
                    {"role": "tool", "tool_call_id": id, "content": "sunny"},
                ],
            })
        );
        assert_eq!(
            answer.header("x-portcullis-dropped"),
            "messages[1].name, store, messages[2].reasoning_content"
        );
    });
}

#[test]
fn a_loss_that_changes_the_meaning_is_refused_or_told_as_the_provider_says() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi"));
        let body =
            r#"{"model":"m","logit_bias":{"1":2},"messages":[{"role":"user","content":"Hi"}]}"#;
        let strict = like(&fake, "mistral").ask(Ask::chat(body)).await;
        assert_eq!(strict.status, 400, "{}", strict.text());
        assert_eq!(strict.json()["error"]["param"], "logit_bias");
        assert_eq!(fake.count(), 0);
        let scene = usual(&fake).with(quirky(&of("mistral")));
        let lenient = Stage::open(scene.with(|provider| provider.losses = Losses::Drop));
        let answer = lenient.ask(Ask::chat(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("x-portcullis-dropped"), "logit_bias");
        assert!(fake.last_request().json().get("logit_bias").is_none());
    });
}

#[test]
fn what_a_provider_refuses_is_refused_whatever_becomes_of_losses() {
    play(async || {
        let fake = FakeProvider::start().await;
        let spec = serde_json::from_value::<QuirksSpec>(json!({
            "request": [{"at": ["audio"], "refuse": true}]
        }));
        let scene = usual(&fake).with(quirky(&spec.expect("a spec")));
        let stage = Stage::open(scene.with(|provider| provider.losses = Losses::Drop));
        let body =
            r#"{"model":"m","audio":{"voice":"x"},"messages":[{"role":"user","content":"Hi"}]}"#;
        let answer = stage.ask(Ask::chat(body)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(answer.json()["error"]["param"], "audio");
        assert_eq!(fake.count(), 0);
    });
}

#[test]
fn the_plan_of_a_dry_run_says_what_would_be_dropped() {
    play(async || {
        let fake = FakeProvider::start().await;
        let ask = Ask::chat(second_turn().to_string()).with("x-portcullis-dry-run", "true");
        let answer = like(&fake, "mistral").ask(ask).await;
        let dropped = &answer.json()["targets"][0]["dropped"];
        assert_eq!(
            *dropped,
            json!(["messages[1].name", "store", "messages[2].reasoning_content"])
        );
    });
}

#[test]
fn thoughts_and_usage_of_a_stream_stand_where_clients_look() {
    play(async || {
        let fake = FakeProvider::start().await;
        let used = json!({"id": "req", "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}});
        let chunk = |delta: Value, finish: Option<&str>| {
            let text = openai::chunk("m", &delta, finish);
            String::from_utf8(text.to_vec()).expect("text")
        };
        let last = chunk(json!({}), Some("stop"))
            .replace("data: {", &format!("data: {{\"x_groq\":{used},"));
        fake.always(Reply::sse([
            chunk(json!({"role": "assistant", "reasoning": "Look."}), None),
            chunk(json!({"content": "Sunny."}), None),
            last,
            "data: [DONE]\n\n".to_owned(),
        ]));
        let stage = like(&fake, "groq");
        let asked = openai::stream_request_with_usage("m", "Hi");
        let answer = stage.ask(Ask::chat(asked)).await;
        let events = openai::read_sse(&answer.body);
        let chunks: Vec<Value> = events
            .iter()
            .filter_map(|event| serde_json::from_str(event).ok())
            .collect();
        let delta = |at: usize| &chunks[at]["choices"][0]["delta"];
        assert_eq!(delta(0)["reasoning_content"], "Look.");
        assert!(delta(0).get("reasoning").is_none());
        assert_eq!(delta(1)["content"], "Sunny.");
        assert!(chunks[2].get("usage").is_none());
        assert_eq!(chunks[3]["usage"], used["usage"]);
        assert_eq!(chunks.len(), 4);
        let plain = stage
            .ask(Ask::chat(openai::stream_request("m", "Hi")))
            .await;
        assert!(!plain.text().contains(
            "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6,\"total_tokens\":11},\"id\""
        ));
        for settled in stage.settled(2).await {
            assert_eq!((settled.usage.input, settled.usage.output), (5, 6));
        }
    });
}

#[test]
fn a_client_of_another_dialect_gets_the_thoughts_too() {
    play(async || {
        let fake = FakeProvider::start().await;
        let thought = json!([
            {"type": "thinking", "thinking": [{"type": "text", "text": "Look."}]},
            {"type": "text", "text": "Sunny."},
        ]);
        let message = json!({"role": "assistant", "content": thought});
        fake.always(Reply::json(openai::chat_answer(
            "m",
            &message,
            "model_length",
        )));
        let stage = like(&fake, "mistral");
        let body = json!({
            "model": "m", "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024},
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_01A", "name": "weather", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01A", "content": "sunny"}]},
            ],
            "tools": [{"name": "weather", "input_schema": {"type": "object"}}],
        });
        let ask = Ask::to("POST", "/v1/messages", body.to_string())
            .with("x-api-key", KEY)
            .with("anthropic-version", "2023-06-01");
        let answer = stage.ask(ask).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let said = answer.json();
        assert_eq!(said["content"][0]["thinking"], "Look.");
        assert_eq!(said["content"][1]["text"], "Sunny.");
        assert_eq!(said["stop_reason"], "max_tokens");
        let told = fake.last_request().json();
        let id = told["messages"][1]["tool_calls"][0]["id"]
            .as_str()
            .expect("an id");
        assert_eq!(id.len(), 9);
        assert_eq!(told["messages"][2]["tool_call_id"], id);
        assert!(told.get("max_completion_tokens").is_none());
    });
}

#[test]
fn thoughts_that_a_provider_demands_are_told_in_a_loop_of_tools() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = like(&fake, "deepseek");
        let mut body = second_turn();
        let _ = stage.ask(Ask::chat(body.to_string())).await;
        let told = fake.last_request().json();
        assert_eq!(told["messages"][2]["reasoning_content"], "Look outside.");
        let message = body["messages"][2].as_object_mut().expect("a message");
        message.remove("reasoning_content");
        let _ = stage.ask(Ask::chat(body.to_string())).await;
        assert_eq!(
            fake.last_request().json()["messages"][2]["reasoning_content"],
            " "
        );
    });
}

#[test]
fn openai_gets_no_thoughts_that_others_had() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = like(&fake, "openai");
        let mut body = second_turn();
        let _ = stage.ask(Ask::chat(body.to_string())).await;
        let message = body["messages"][2].as_object_mut().expect("a message");
        message.remove("reasoning_content");
        assert_eq!(fake.last_request().json(), body);
        let _ = stage.ask(Ask::chat(body.to_string())).await;
        assert_eq!(fake.last_request().body, body.to_string().as_bytes());
    });
}

#[test]
fn a_schema_is_told_in_words_to_who_takes_none() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::completion("{}"));
        let schema = json!({"name": "x", "schema": {"type": "object"}});
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}],
            "response_format": {"type": "json_schema", "json_schema": schema}});
        let answer = like(&fake, "deepseek")
            .ask(Ask::chat(body.to_string()))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = fake.last_request().json();
        assert_eq!(told["response_format"], json!({"type": "json_object"}));
        assert_eq!(told["messages"][1], body["messages"][0]);
    });
}

#[test]
fn a_paper_does_not_go_to_who_reads_none() {
    play(async || {
        let fake = FakeProvider::start().await;
        let file = json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}});
        let body = json!({"model": "m", "messages": [{"role": "user", "content": [file]}]});
        let answer = like(&fake, "deepseek")
            .ask(Ask::chat(body.to_string()))
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(
            answer.text().contains("messages[0].content[0].file"),
            "{}",
            answer.text()
        );
    });
}

#[test]
fn completions_keep_their_path() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::completion("Hi"));
        let ask = Ask::to(
            "POST",
            "/v1/completions",
            r#"{"model":"m","prompt":"Hi","n":1}"#,
        );
        let answer = like(&fake, "groq").ask(ask.key(KEY)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(fake.last_request().path, "/v1/completions");
    });
}
