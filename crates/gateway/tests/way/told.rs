//! What a client hears of an error that its provider's stream brings behind the
//! first content.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use domain::record::Outcome;
use serde_json::Value;
use testkit::{FakeProvider, Reply};

use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

const CLAUDE: &[&str] = &[
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello.\"}}\n\n",
];
const OVERLOADED: &str = "event: error\ndata: {\"type\":\"error\", \"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"req_theirs\"}\n\n";
const RESPONSE: &[&str] = &[
    "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"in_progress\",\"model\":\"gpt\",\"output\":[]}}\n\n",
    "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"status\":\"in_progress\",\"content\":[]}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hello.\"}\n\n",
    "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":3,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"failed\",\"model\":\"gpt\",\"output\":[],\"error\":{\"code\":\"server_is_overloaded\",\"message\":\"busy\"},\"x\":1e400}}\n\n",
];
const GPT: &str = "data: {\"id\":\"a\",\"model\":\"gpt\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello.\"},\"finish_reason\":null}]}\n\n";

fn gpt_fails(error: &str) -> [String; 2] {
    [GPT.to_owned(), format!("data: {error}\n\n")]
}

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

fn chat() -> Ask {
    Ask::chat(r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#)
}

fn messages() -> Ask {
    let body = r#"{"model":"m","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    Ask::to("POST", "/v1/messages", body).with("x-api-key", KEY)
}

fn responses() -> Ask {
    let body = r#"{"model":"m","input":"Hi","stream":true}"#;
    Ask::to("POST", "/v1/responses", body).with("authorization", &format!("Bearer {KEY}"))
}

fn gemini(query: &str) -> Ask {
    let path = format!("/v1beta/models/m:streamGenerateContent{query}");
    let body = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#;
    Ask::to("POST", &path, body).with("x-goog-api-key", KEY)
}

/// What a client hears of this stream by a provider of this dialect. The answer
/// is booked as broken, with what came.
async fn heard(dialect: Dialect, pieces: &[impl AsRef<str>], ask: Ask) -> Answer {
    let fake = FakeProvider::start().await;
    let pieces: Vec<String> = pieces.iter().map(|it| it.as_ref().to_owned()).collect();
    fake.script(vec![Reply::sse(pieces)]);
    let stage = Stage::open(usual(&fake).with(speaks(dialect)));
    let answer = stage.ask(ask).await;
    let settled = stage.settled(1).await;
    assert_eq!(settled[0].outcome, Outcome::UpstreamBroke);
    assert!(settled[0].usage.total() > 0, "{:?}", settled[0].usage);
    assert!(answer.text().contains("Hello."), "{}", answer.text());
    answer
}

/// The data of the events of this kind.
fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn last(answer: &Answer) -> Value {
    events(answer.text()).pop().expect("an event")
}

#[test]
fn who_speaks_as_the_provider_does_gets_its_own_event() {
    play(async || {
        let gpt = gpt_fails(
            r#"{"error": {"message":"It is busy.","type":"server_error","code":503,"x":1e400}}"#,
        );
        let answer = heard(Dialect::OpenAi, &gpt, chat()).await;
        assert_eq!(answer.text(), gpt.concat());
        let answer = heard(Dialect::Responses, RESPONSE, responses()).await;
        assert_eq!(answer.text(), RESPONSE.concat());
    });
}

#[test]
fn an_error_that_carries_an_id_carries_the_gateways() {
    play(async || {
        let claude = [CLAUDE, &[OVERLOADED]].concat();
        let answer = heard(Dialect::Anthropic, &claude, messages()).await;
        assert!(answer.text().starts_with(&CLAUDE.concat()));
        let told = last(&answer);
        assert_eq!(told["error"]["type"], "overloaded_error");
        assert_eq!(told["error"]["message"], "Overloaded");
        assert_eq!(told["request_id"], answer.header("x-request-id"));
        let google = [
            "data: {\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hello.\"}]}}]}\r\n\r\n",
            "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n",
        ];
        let answer = heard(Dialect::Gemini, &google, gemini("?alt=sse")).await;
        let error = &last(&answer)["error"];
        assert_eq!(
            (&error["code"], &error["message"]),
            (&503.into(), &"busy".into())
        );
        assert!(answer.text().contains(answer.header("x-request-id")));
    });
}

#[test]
fn who_speaks_otherwise_hears_the_same_kind_and_sentence() {
    play(async || {
        let claude = [CLAUDE, &[OVERLOADED]].concat();
        let error = last(&heard(Dialect::Anthropic, &claude, chat()).await)["error"].take();
        assert_eq!(error["code"], "overloaded");
        assert_eq!(error["message"], "Overloaded");
        let status = &last(&heard(Dialect::Anthropic, &claude, gemini("?alt=sse")).await)["error"];
        assert_eq!(
            (&status["code"], &status["status"]),
            (&503.into(), &"UNAVAILABLE".into())
        );
        for error in [
            r#"{"error":{"message":"It is busy.","type":"server_error","code":503}}"#,
            r#"{"error":{"message":"It is busy.","code":"service_unavailable"}}"#,
        ] {
            let answer = heard(Dialect::OpenAi, &gpt_fails(error), messages()).await;
            let error = last(&answer)["error"].take();
            assert_eq!(error["type"], "overloaded_error", "{}", answer.text());
            assert_eq!(error["message"], "It is busy.");
        }
    });
}

#[test]
fn what_is_said_of_the_gateways_account_stays_here_but_for_its_kind() {
    play(async || {
        for (error, code, kind) in [
            (
                r#"{"error":{"message":"org-7 is at its limit","code":"rate_limit_exceeded"}}"#,
                "upstream_rate_limit",
                "rate_limit_error",
            ),
            (
                r#"{"error":{"message":"org-7 has no money","code":"insufficient_quota"}}"#,
                "upstream_authentication",
                "api_error",
            ),
        ] {
            let same = heard(Dialect::OpenAi, &gpt_fails(error), chat()).await;
            assert_eq!(last(&same)["error"]["code"], code);
            let other = heard(Dialect::OpenAi, &gpt_fails(error), messages()).await;
            assert_eq!(last(&other)["error"]["type"], kind);
            for answer in [same, other] {
                assert!(!answer.text().contains("org-7"), "{}", answer.text());
            }
        }
    });
}

#[test]
fn an_array_stays_one_and_ends_with_the_error() {
    play(async || {
        let claude = [CLAUDE, &[OVERLOADED]].concat();
        let answer = heard(Dialect::Anthropic, &claude, gemini("")).await;
        let items: Value = serde_json::from_str(answer.text()).expect("one array");
        let last = items
            .as_array()
            .and_then(|items| items.last())
            .expect("an item");
        assert_eq!(last["error"]["status"], "UNAVAILABLE", "{items}");
    });
}

#[test]
fn a_response_that_failed_is_the_one_that_began() {
    play(async || {
        let claude = [CLAUDE, &[OVERLOADED]].concat();
        let events = events(heard(Dialect::Anthropic, &claude, responses()).await.text());
        let numbers: Vec<_> = events
            .iter()
            .map(|it| it["sequence_number"].as_u64())
            .collect();
        let wanted: Vec<_> = (0..events.len() as u64).map(Some).collect();
        assert_eq!(numbers, wanted);
        let (first, last) = (
            &events[0]["response"],
            &events[events.len() - 1]["response"],
        );
        assert_eq!(
            (&last["id"], &last["model"]),
            (&first["id"], &first["model"])
        );
        assert_eq!(last["error"]["code"], "server_is_overloaded");
    });
}

#[test]
fn an_error_that_openais_sdks_would_take_for_a_chunk_is_said_in_their_form() {
    play(async || {
        let failed =
            ["event: error\ndata: {\"message\":\"It broke.\",\"code\":500}\n\n".to_owned()];
        let pieces = [&[GPT.to_owned()], &failed[..]].concat();
        let answer = heard(Dialect::OpenAi, &pieces, chat()).await;
        assert_eq!(last(&answer)["error"]["message"], "It broke.");
    });
}

#[test]
fn an_overloaded_upstream_has_the_status_that_the_dialect_has_for_it() {
    play(async || {
        for status in [503, 529] {
            for (ask, wanted) in [(messages(), 529), (chat(), 503), (gemini("?alt=sse"), 503)] {
                let fake = FakeProvider::start().await;
                fake.script(vec![Reply::status(status); 9]);
                let stage = Stage::open(usual(&fake));
                let answer = stage.ask(ask).await;
                assert_eq!(answer.status, wanted, "{}", answer.text());
                assert_eq!(stage.settled(1).await[0].status, wanted);
            }
        }
    });
}
