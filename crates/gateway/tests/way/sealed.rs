//! Thoughts that one account has sealed, before targets of another.

use domain::credential::Key;
use domain::secret::Secret;
use serde_json::{Value, json};
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::{create, of_responses, response, usual_of_responses};
use crate::stage::{Answer, KEY, Stage, play};

const DROPPED: &str = "x-portcullis-dropped";

/// An answer whose thought is sealed.
fn answer(id: &str, seal: &str) -> Value {
    let thought = json!({"type":"reasoning","id":format!("rs_{id}"),"summary":[],
        "encrypted_content":seal});
    let part = json!({"type":"output_text","text":"One.","annotations":[]});
    let message = json!({"type":"message","id":format!("msg_{id}"),"role":"assistant",
        "status":"completed","content":[part]});
    json!({"id":format!("resp_{id}"),"object":"response","created_at":1,
        "status":"completed","model":"m","store":false,"output":[thought, message],
        "usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}})
}

/// The same as a stream.
fn stream(answer: &Value) -> Reply {
    let [thought, message] = [0, 1].map(|at| &answer["output"][at]);
    let mut begun = answer.clone();
    begun["status"] = "in_progress".into();
    begun["output"] = json!([]);
    let opened = json!({"type":"reasoning","id":thought["id"],"summary":[]});
    let events = [
        json!({"type":"response.created","response":begun}),
        json!({"type":"response.output_item.added","output_index":0,"item":opened}),
        json!({"type":"response.output_item.done","output_index":0,"item":thought}),
        json!({"type":"response.output_item.added","output_index":1,"item":message}),
        json!({"type":"response.output_item.done","output_index":1,"item":message}),
        json!({"type":"response.completed","response":answer}),
    ];
    let frames = events.iter().map(|event| {
        let kind = event["type"].as_str().expect("a type");
        format!("event: {kind}\ndata: {event}\n\n")
    });
    Reply::sse(frames.collect::<Vec<_>>())
}

/// What a client that keeps the conversation itself sends next.
fn next(seal: &str) -> Value {
    let said = |text: &str| json!({"role":"user","content":text});
    let thought = json!({"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":seal});
    let answer = json!({"type":"message","role":"assistant","content":[
        {"type":"output_text","text":"One."}]});
    json!({"model":"m","store":false,"include":["reasoning.encrypted_content"],
        "input":[said("1"), thought, answer, said("2")]})
}

fn refusal(code: Option<&str>, message: &str) -> Value {
    json!({"error":{"message":message,"type":"invalid_request_error","param":null,"code":code}})
}

/// As `OpenAI` says it, and as Azure has said it without a code.
fn refusals() -> [Reply; 2] {
    let by_code = refusal(
        Some("invalid_encrypted_content"),
        "The encrypted content gAAA...xQ== could not be verified.",
    );
    let by_words = refusal(
        None,
        "The encrypted content for item rs_1 could not be verified.",
    );
    [by_code, by_words].map(|body| Reply::json(body.to_string()).with_status(400))
}

fn was_told(fake: &FakeProvider, seal: &str) -> bool {
    let body = fake.last_request().body;
    String::from_utf8_lossy(&body).contains(seal)
}

#[test]
fn a_target_that_cannot_open_a_seal_is_asked_without_it() {
    play(async || {
        for refused in refusals() {
            let fake = FakeProvider::start().await;
            fake.script(vec![refused, response("resp_2", "Two.")]);
            let stage = Stage::keeping(usual_of_responses(&fake));
            let answer = stage.ask(create(&next("theirs"))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["id"], "resp_2");
            assert_eq!(answer.header(DROPPED), "input.signature");
            assert_eq!(fake.count(), 2);
            assert!(!was_told(&fake, "theirs") && !was_told(&fake, "rs_1"));
            assert!(was_told(&fake, "One.") && was_told(&fake, "reasoning.encrypted_content"));
            assert_eq!(stage.settled(1).await.len(), 1);
        }
    });
}

#[test]
fn a_stream_that_begins_with_that_error_is_asked_for_again() {
    play(async || {
        let fake = FakeProvider::start().await;
        let error = json!({"type":"error","code":"invalid_encrypted_content","param":null,
            "sequence_number":0,"message":"The encrypted content could not be verified."});
        let frame = format!("event: error\ndata: {error}\n\n");
        let second = answer("2", "ours");
        fake.script(vec![Reply::sse([frame]), stream(&second)]);
        let stage = Stage::keeping(usual_of_responses(&fake));
        let mut body = next("theirs");
        body["stream"] = true.into();
        let asked = stage.ask(create(&body)).await;
        assert!(asked.text().contains("resp_2"), "{}", asked.text());
        assert_eq!(asked.header(DROPPED), "input.signature");
        let requests = fake.requests();
        let told = |at: usize| String::from_utf8_lossy(&requests[at].body).contains("theirs");
        assert!(told(0) && !told(1));
    });
}

#[test]
fn who_refuses_for_another_reason_is_not_asked_again() {
    play(async || {
        let fake = FakeProvider::start().await;
        let other = refusal(Some("invalid_value"), "The encrypted content is too long.");
        fake.always(Reply::json(other.to_string()).with_status(400));
        let stage = Stage::keeping(usual_of_responses(&fake));
        let answer = stage.ask(create(&next("theirs"))).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"]["code"], "invalid_value");
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn a_request_without_a_seal_gets_the_providers_word() {
    play(async || {
        let fake = FakeProvider::start().await;
        let [refused, _] = refusals();
        fake.always(refused);
        let stage = Stage::keeping(usual_of_responses(&fake));
        let compacted = json!({"type":"compaction","id":"cmp_1","encrypted_content":"theirs"});
        let body = json!({"model":"m","store":false,"input":[compacted,
            {"role":"user","content":"2"}]});
        let answer = stage.ask(create(&body)).await;
        assert_eq!(answer.json()["error"]["code"], "invalid_encrypted_content");
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn the_next_target_is_told_the_seal_that_the_first_could_not_open() {
    play(async || {
        let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
        let [refused, _] = refusals();
        a.script(vec![refused, Reply::status(503)]);
        b.always(response("resp_b", "Two."));
        let scene = Scene::new()
            .provider_at("a", a.address())
            .with(of_responses)
            .provider_at("b", b.address())
            .with(of_responses)
            .key(KEY, Limits::default())
            .model_at("m", &["a", "b"]);
        let stage = Stage::keeping(scene);
        let answer: Answer = stage.ask(create(&next("of b"))).await;
        assert_eq!(answer.header("x-portcullis-provider"), "b");
        assert!(was_told(&b, "of b") && !was_told(&a, "of b"));
    });
}

#[test]
fn a_conversation_goes_on_where_its_thoughts_were_sealed() {
    play(async || {
        for streams in [false, true] {
            let (a, b) = (FakeProvider::start().await, FakeProvider::start().await);
            a.script(vec![Reply::status(503)]);
            a.always(response("resp_a", "From a."));
            let sealed = answer("1", "of b");
            b.always(match streams {
                true => stream(&sealed),
                false => Reply::json(sealed.to_string()),
            });
            let scene = Scene::new()
                .provider_at("a", a.address())
                .with(of_responses)
                .provider_at("b", b.address())
                .with(of_responses)
                .key(KEY, Limits::default())
                .key("sk-other", Limits::default())
                .model_at("m", &["a", "b"]);
            let stage = Stage::keeping(scene);
            let first = json!({"model":"m","store":false,"input":"1","stream":streams});
            let first = stage.ask(create(&first)).await;
            assert_eq!(first.header("x-portcullis-provider"), "b");
            assert!(first.text().contains("of b"), "{}", first.text());
            b.always(response("resp_b", "Two."));
            let next_turn = stage.ask(create(&next("of b"))).await;
            assert_eq!(next_turn.header("x-portcullis-provider"), "b");
            assert_eq!(b.last_request().json(), next("of b"));
            // Nobody else's seal is known to another key, nor is an unknown one.
            let other = create(&next("of b")).key("sk-other");
            let other = stage.ask(other).await;
            assert_eq!(other.header("x-portcullis-provider"), "a");
            let unknown = stage.ask(create(&next("of another"))).await;
            assert_eq!(unknown.header("x-portcullis-provider"), "a");
        }
    });
}

#[test]
fn the_key_that_sealed_a_thought_is_taken_again_unless_it_rests() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::json(answer("1", "of one key").to_string()));
        let scene = usual_of_responses(&fake).with(|provider| {
            let names = ["a", "b", "c", "d"];
            let keys = names.map(|name| Key::fixed(name, Secret::new(name)));
            provider.keys = keys.into();
        });
        let stage = Stage::keeping(scene);
        let first = json!({"model":"m","store":false,"input":"1"});
        stage.ask(create(&first)).await;
        let sealing = fake.last_request().header("authorization").to_owned();
        for _ in 0..10 {
            let answer = stage.ask(create(&next("of one key"))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(fake.last_request().header("authorization"), sealing);
        }
        fake.script(vec![Reply::status(429)]);
        let answer = stage.ask(create(&next("of one key"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let another = fake.last_request().header("authorization").to_owned();
        assert_ne!(another, sealing);
    });
}

#[test]
fn what_a_provider_keeps_for_one_of_its_keys_is_asked_of_it_with_that_key() {
    play(async || {
        for is_streamed in [false, true] {
            let fake = FakeProvider::start().await;
            let mut whole = answer("1", "x");
            whole["store"] = true.into();
            match is_streamed {
                true => fake.always(stream(&whole)),
                false => fake.always(Reply::json(whole.to_string())),
            }
            let scene = usual_of_responses(&fake).with(|provider| {
                let names = ["a", "b", "c", "d"];
                let keys = names.map(|name| Key::fixed(name, Secret::new(name)));
                provider.keys = keys.into();
            });
            let stage = Stage::keeping(scene);
            let first = json!({"model":"m","input":"1","stream":is_streamed});
            assert_eq!(stage.ask(create(&first)).await.status, 200);
            let keeping = fake.last_request().header("authorization").to_owned();
            fake.always(response("resp_2", "Two."));
            let goes_on = json!({"model":"m","input":"2","previous_response_id":"resp_1"});
            let names = json!({"model":"m","input":[{"type":"item_reference","id":"msg_1"},
                {"role":"user","content":"2"}]});
            for body in [&goes_on, &names] {
                for _ in 0..8 {
                    // Another turn than the one before.
                    fake.always(response("resp_2", "Two."));
                    let answer = stage.ask(create(body)).await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let taken = fake.last_request().header("authorization").to_owned();
                    assert_eq!(taken, keeping, "{body}");
                }
            }
        }
    });
}
