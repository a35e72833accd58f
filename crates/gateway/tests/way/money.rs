//! What a request costs in the ledger, to the last nano-dollar, whatever its
//! tokens were.

use domain::canon::Dialect;
use domain::model::{Deployment, Price, Tier, WireFormat};
use domain::money::{NanoUsd, Rate};
use testkit::{FakeProvider, Reply};

use crate::stage::{Ask, KEY, Stage, play, usual};

/// 3 and 15 dollars, and twice that above 1,000 tokens of prompt.
fn priced(deployment: &mut Deployment) {
    let short = Price {
        input: Rate(3_000_000_000),
        cached_input: Some(Rate(300_000_000)),
        cache_write: Some(Rate(3_750_000_000)),
        cache_write_1h: Some(Rate(6_000_000_000)),
        audio_input: Some(Rate(32_000_000_000)),
        output: Rate(15_000_000_000),
        reasoning: Some(Rate(16_000_000_000)),
        audio_output: Some(Rate(64_000_000_000)),
        per_request: NanoUsd(11),
        tiers: None,
    };
    let long = Price {
        input: Rate(6_000_000_000),
        output: Rate(30_000_000_000),
        ..short.clone()
    };
    let tier = Tier {
        above: 1_000,
        price: long,
    };
    deployment.price = Some(Price {
        tiers: Some([tier].into()),
        ..short
    });
}

const USAGE: &str = r#"{"input_tokens":7,"cache_read_input_tokens":5,"cache_creation_input_tokens":30,
    "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":3}"#;
/// 7 × 3000 + 5 × 300 + 10 × 3750 + 20 × 6000 + 3 × 15000 + 11.
const COST: NanoUsd = NanoUsd(21_000 + 1_500 + 37_500 + 120_000 + 45_000 + 11);

fn message(usage: &str) -> String {
    format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{{"type":"text","text":"Hi."}}],
        "stop_reason":"end_turn","stop_sequence":null,"usage":{usage}}}"#
    )
}

fn stream(usage: &str) -> Vec<String> {
    let data = [
        format!(
            r#"{{"type":"message_start","message":{{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{usage}}}}}"#
        ),
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.into(),
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi."}}"#.into(),
        r#"{"type":"content_block_stop","index":0}"#.into(),
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":3}}"#.into(),
        r#"{"type":"message_stop"}"#.into(),
    ];
    let events = data.map(|data: String| {
        let kind = data.split('"').nth(3).unwrap_or_default().to_owned();
        format!("event: {kind}\ndata: {}\n\n", data.replace('\n', ""))
    });
    events.into()
}

fn stage(fake: &FakeProvider, dialect: Dialect) -> Stage {
    let scene = usual(fake).with(move |it| it.format = WireFormat::Dialect(dialect));
    Stage::open(scene.known(priced))
}

#[test]
fn what_anthropic_caches_for_an_hour_is_paid_at_its_own_rate() {
    play(async || {
        let fake = FakeProvider::start().await;
        let replies = [(); 2].map(|()| {
            [
                Reply::json(message(USAGE)),
                Reply::sse(stream(&USAGE.replace('\n', ""))),
            ]
        });
        fake.script(replies.into_iter().flatten().collect());
        let stage = stage(&fake, Dialect::Anthropic);
        let body = r#"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}"#;
        let streamed = body.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
        for body in [body, &streamed] {
            let own = Ask::to("POST", "/v1/messages", body.to_owned()).with("x-api-key", KEY);
            assert_eq!(stage.ask(own).await.status, 200);
        }
        for body in [body, &streamed] {
            assert_eq!(stage.ask(Ask::chat(body.to_owned())).await.status, 200);
        }
        for record in stage.settled(4).await {
            assert_eq!(record.usage.cache_write_1h, 20, "{record:?}");
            assert_eq!(record.cost, Some(COST), "{record:?}");
        }
    });
}

#[test]
fn sounds_and_thoughts_are_paid_at_their_own_rates_and_a_long_prompt_at_its_tier() {
    play(async || {
        let fake = FakeProvider::start().await;
        let answer = |prompt: u64| {
            let usage = format!(
                r#""usage":{{"prompt_tokens":{prompt},"completion_tokens":60,"total_tokens":0,
                "prompt_tokens_details":{{"cached_tokens":4,"audio_tokens":6}},
                "completion_tokens_details":{{"reasoning_tokens":20,"audio_tokens":10}}}}"#
            );
            Reply::json(format!(
                r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,
                "message":{{"role":"assistant","content":"Hi."}},"finish_reason":"stop"}}],{usage}}}"#
            ))
        };
        fake.script(vec![answer(1_000), answer(1_001)]);
        let stage = stage(&fake, Dialect::OpenAi);
        let body = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#;
        for _ in 0..2 {
            assert_eq!(stage.ask(Ask::chat(body)).await.status, 200);
        }
        let costs: Vec<_> = stage.settled(2).await.iter().map(|it| it.cost).collect();
        // Cached, heard, thought and spoken cost the same in both.
        let same = 4 * 300 + 6 * 32_000 + 20 * 16_000 + 10 * 64_000 + 11;
        let short = 990 * 3_000 + 30 * 15_000 + same;
        let long = 991 * 6_000 + 30 * 30_000 + same;
        assert_eq!(costs, [Some(NanoUsd(short)), Some(NanoUsd(long))]);
    });
}
