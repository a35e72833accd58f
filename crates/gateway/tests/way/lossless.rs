//! What no policy touches goes through byte for byte.

use bytes::Bytes;
use proptest::prelude::*;
use testkit::{FakeProvider, Reply};

use crate::stage::{Ask, Stage, play, usual};

const ODD_REQUEST: &str = "{ \"messages\" :[\t{\"content\":\"\\u00e9\\/\\ud83d\\ude00 \u{2028}\",\"role\":\"user\"} ] ,\r\n \"x-unknown\":{\"deep\":[1e400,-0.0,1E+2,12345678901234567890123]},\"model\":\"m\", \"temperature\":0.10 }\n";
const ODD_ANSWER: &str = "{\"choices\" : [{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":\"\\u0041\"}}],\n\"id\":\"x\",\"odd\":1e400,\"model\":\"m\"}";

#[test]
fn a_plain_body_reaches_the_upstream_and_comes_back_byte_for_byte() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(ODD_ANSWER)]);
        let stage = Stage::open(usual(&fake));
        let answer = stage.ask(Ask::chat(ODD_REQUEST)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(fake.last_request().body, ODD_REQUEST);
        assert_eq!(answer.body, ODD_ANSWER);
    });
}

#[test]
fn another_upstream_model_changes_only_the_name() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![Reply::json(ODD_ANSWER)]);
        let stage = Stage::open(usual(&fake));
        let asked = ODD_REQUEST.replace("\"m\"", "\"fake/other\"");
        stage.ask(Ask::chat(asked)).await;
        let wanted = ODD_REQUEST.replace("\"m\"", "\"other\"");
        assert_eq!(fake.last_request().body, wanted);
    });
}

const EVENTS: &[&str] = &[
    ": hello\n\n",
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "event: x\r\ndata:{\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\u{e9}\\u00e9\"},\"finish_reason\":null}],\"odd\":1e400}\r\n\r\n",
    "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
];
const USAGE: &str = "data: {\"id\":\"a\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// Cuts a text at the places given in thousandths.
fn cut(whole: &str, places: &[u16]) -> Vec<Bytes> {
    let mut at: Vec<usize> = places
        .iter()
        .map(|p| usize::from(*p) * whole.len() / 1000)
        .collect();
    at.push(whole.len());
    at.sort_unstable();
    let mut from = 0;
    let mut out = Vec::new();
    for to in at {
        out.push(Bytes::copy_from_slice(&whole.as_bytes()[from..to]));
        from = to;
    }
    out
}

async fn streamed(options: &str, pieces: Vec<Bytes>) -> (String, Bytes) {
    let fake = FakeProvider::start().await;
    fake.script(vec![Reply::sse(pieces)]);
    let stage = Stage::open(usual(&fake));
    let asked = format!(
        "{{\"model\":\"m\",\"stream\":true{options},\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}]}}"
    );
    let answer = stage.ask(Ask::chat(asked)).await;
    let settled = stage.settled(1).await;
    assert_eq!(settled[0].usage.total(), 5);
    (answer.text().to_owned(), fake.last_request().body)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_cut_anywhere_comes_out_byte_for_byte(places in prop::collection::vec(0_u16..1000, 0..8)) {
        let whole = EVENTS.concat() + USAGE + DONE;
        play(async || {
            let options = ",\"stream_options\":{\"include_usage\":true}";
            let (out, _) = streamed(options, cut(&whole, &places)).await;
            assert_eq!(out, whole);
        });
    }

    #[test]
    fn usage_that_only_the_gateway_asked_for_leaves_no_trace(places in prop::collection::vec(0_u16..1000, 0..8)) {
        let whole = EVENTS.concat() + USAGE + DONE;
        play(async || {
            let (out, asked) = streamed("", cut(&whole, &places)).await;
            assert_eq!(out, EVENTS.concat() + DONE);
            let asked: serde_json::Value = serde_json::from_slice(&asked).expect("JSON");
            assert_eq!(asked["stream_options"]["include_usage"], true);
        });
    }
}
