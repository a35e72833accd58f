//! Streams whose provider leaves the last mark out: whole if the answer said
//! why it ended and the bytes ended cleanly, broken otherwise.

use domain::canon::Dialect;
use domain::model::{Provider, WireFormat};
use domain::record::{Outcome, Settled};
use testkit::{FakeProvider, Reply};

use crate::stage::{Answer, Ask, KEY, Stage, play, usual};

const TEXT: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n";
const FINISH: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

const CLAUDE: &[&str] = &[
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":3}}\n\n",
];
const MESSAGE_STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const GEMINI: &str = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":3,\"totalTokenCount\":10}}\n\n";
const GEMINI_OPEN: &str = "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hi\"}]},\"index\":0}]}\n\n";

const RESPONSES: &[&str] = &[
    "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"in_progress\",\"model\":\"m\",\"output\":[]}}\n\n",
    "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"in_progress\",\"content\":[]}}\n\n",
    "event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hi\"}\n\n",
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"sequence_number\":4,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[]}]}}\n\n",
];

fn speaks(dialect: Dialect) -> impl FnOnce(&mut Provider) {
    move |provider| provider.format = WireFormat::Dialect(dialect)
}

/// A streamed question of each dialect.
fn question(dialect: Dialect) -> Ask {
    let ask = match dialect {
        Dialect::Anthropic => Ask::to(
            "POST",
            "/v1/messages",
            r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
        ),
        Dialect::Gemini => Ask::to(
            "POST",
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#,
        ),
        Dialect::Responses => Ask::to(
            "POST",
            "/v1/responses",
            r#"{"model":"m","stream":true,"store":false,"input":"Hi"}"#,
        ),
        _ => Ask::to(
            "POST",
            "/v1/chat/completions",
            r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
        ),
    };
    ask.key(KEY)
}

/// What a client of one dialect gets of a stream of another, and its record.
async fn streamed(theirs: Dialect, events: &[&str], ask: Ask) -> (Answer, Settled) {
    let fake = FakeProvider::start().await;
    let events: Vec<String> = events.iter().map(|&event| event.to_owned()).collect();
    fake.script(vec![Reply::sse(events)]);
    let stage = Stage::open(usual(&fake).with(speaks(theirs)));
    let answer = stage.ask(ask).await;
    let record = stage.settled(1).await.remove(0);
    (answer, record)
}

#[test]
fn a_stream_that_said_why_it_ended_is_whole_without_its_last_mark() {
    play(async || {
        let ask = question(Dialect::OpenAi);
        let events = [TEXT, FINISH, USAGE];
        let (answer, record) = streamed(Dialect::OpenAi, &events, ask).await;
        assert_eq!(answer.text(), [TEXT, FINISH, DONE].concat());
        assert_eq!(record.outcome, Outcome::Complete);
        assert_eq!((record.usage.input, record.usage.output), (7, 3));
        let ask = question(Dialect::OpenAi);
        let (answer, record) = streamed(Dialect::OpenAi, &[TEXT, FINISH], ask).await;
        assert_eq!(answer.text(), [TEXT, FINISH, DONE].concat());
        assert_eq!(record.outcome, Outcome::Complete);
    });
}

#[test]
fn a_stream_that_never_said_why_it_ended_is_broken() {
    play(async || {
        for events in [
            &[TEXT][..],
            &[TEXT, USAGE],
            &[TEXT, FINISH, "data: {\"choices\":[],\"us"],
        ] {
            let ask = question(Dialect::OpenAi);
            let (answer, record) = streamed(Dialect::OpenAi, events, ask).await;
            assert!(answer.text().contains("\"error\":{"), "{}", answer.text());
            assert!(!answer.text().contains("[DONE]"), "{}", answer.text());
            assert_eq!(record.outcome, Outcome::UpstreamBroke);
        }
    });
}

#[test]
fn who_asked_for_usage_is_not_told_that_a_stream_without_it_is_whole() {
    play(async || {
        let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},
            "messages":[{"role":"user","content":"Hi"}]}"#;
        let ask = || Ask::chat(body);
        let (answer, record) = streamed(Dialect::OpenAi, &[TEXT, FINISH], ask()).await;
        assert!(answer.text().contains("\"error\":{"), "{}", answer.text());
        assert_eq!(record.outcome, Outcome::UpstreamBroke);
        let (answer, record) = streamed(Dialect::OpenAi, &[TEXT, FINISH, USAGE], ask()).await;
        assert_eq!(answer.text(), [TEXT, FINISH, USAGE, DONE].concat());
        assert_eq!(record.outcome, Outcome::Complete);
    });
}

#[test]
fn anthropics_clients_get_the_mark_that_their_provider_left_out() {
    play(async || {
        let ask = question(Dialect::Anthropic);
        let (answer, record) = streamed(Dialect::Anthropic, CLAUDE, ask).await;
        assert_eq!(answer.text(), [&CLAUDE.concat(), MESSAGE_STOP].concat());
        assert_eq!(record.outcome, Outcome::Complete);
        let ask = question(Dialect::Anthropic);
        let (answer, record) = streamed(Dialect::Anthropic, &CLAUDE[..4], ask).await;
        assert!(!answer.text().contains("message_stop"), "{}", answer.text());
        assert!(answer.text().contains("event: error"), "{}", answer.text());
        assert_eq!(record.outcome, Outcome::UpstreamBroke);
    });
}

#[test]
fn every_client_gets_its_own_end_of_a_stream_without_its_last_mark() {
    let whole: [(Dialect, &[&str]); 3] = [
        (Dialect::OpenAi, &[TEXT, FINISH, USAGE]),
        (Dialect::Anthropic, CLAUDE),
        (Dialect::Gemini, &[GEMINI]),
    ];
    let ends = [
        (Dialect::OpenAi, DONE),
        (Dialect::Anthropic, MESSAGE_STOP),
        (Dialect::Gemini, "\"finishReason\":\"STOP\""),
        (Dialect::Responses, "event: response.completed\n"),
    ];
    play(async || {
        for (theirs, events) in whole {
            for (ours, end) in ends {
                let (answer, record) = streamed(theirs, events, question(ours)).await;
                let text = answer.text();
                assert!(text.contains(end), "{ours:?} of {theirs:?}: {text}");
                assert!(
                    !text.contains("\"error\":{"),
                    "{ours:?} of {theirs:?}: {text}"
                );
                assert_eq!(record.outcome, Outcome::Complete, "{ours:?} of {theirs:?}");
            }
        }
    });
}

#[test]
fn no_client_gets_an_end_of_a_stream_that_was_cut() {
    let cut: [(Dialect, &[&str]); 4] = [
        (Dialect::OpenAi, &[TEXT]),
        (Dialect::Anthropic, &CLAUDE[..4]),
        (Dialect::Gemini, &[GEMINI_OPEN]),
        // Of these only their own last event says that all is there.
        (Dialect::Responses, RESPONSES),
    ];
    play(async || {
        for (theirs, events) in cut {
            for ours in Dialect::CLIENTS {
                let (answer, record) = streamed(theirs, events, question(ours)).await;
                let text = answer.text();
                assert!(
                    text.contains("\"error\":{"),
                    "{ours:?} of {theirs:?}: {text}"
                );
                for end in ["[DONE]", "message_stop", "response.completed\n"] {
                    assert!(!text.contains(end), "{ours:?} of {theirs:?}: {text}");
                }
                let outcome = record.outcome;
                assert_eq!(outcome, Outcome::UpstreamBroke, "{ours:?} of {theirs:?}");
            }
        }
    });
}
