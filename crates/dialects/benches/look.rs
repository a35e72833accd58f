//! What a look at a body costs, in µs: `cargo bench -p portcullis-dialects`,
//! with ` -- WORD` for the cases whose names hold that word.
#![expect(clippy::print_stdout, reason = "a measurement talks to the terminal")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialects::Operation::Chat;
use dialects::json::{Document, write_string};
use dialects::openai::{Tap, estimate_prompt, read_answer, view};
use dialects::sse::Framer;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ENGLISH: &str = "The gateway reads what a client asks for, once, and passes it on. ";
const LINES: &str = "The gateway reads what a client asks for, once, and passes it on.\n";
const MIXED: &str = "Die Größe der Tür wäre für Zoë naïve. 門の大きさは十分です。 Привет, мир! ";
const CODE: &str = "fn main() {\n\tprintln!(\"{}\", 7);\n}\n";

/// Whether this case was asked for.
fn wanted(name: &str) -> bool {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    word.is_none_or(|word| name.contains(&word))
}

/// The best mean of some rounds, in µs.
fn best(mut work: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(400) {
        let round = Instant::now();
        let mut times = 0_u32;
        while round.elapsed() < Duration::from_millis(4) {
            for _ in 0..16 {
                work();
            }
            times += 16;
        }
        best = best.min(round.elapsed().as_secs_f64() * 1e6 / f64::from(times));
    }
    best
}

/// A chat of `messages` messages that together have about `bytes` of `text`.
fn chat(text: &str, bytes: usize, messages: usize) -> Bytes {
    let mut out = br#"{"model":"gpt-4o-mini","stream":false,"temperature":0.7,"max_tokens":256,"messages":[{"role":"system","content":"Be brief."}"#.to_vec();
    let long = text.repeat(bytes / messages / text.len() + 1);
    for at in 0..messages {
        let role = ["user", "assistant"][at % 2];
        out.extend_from_slice(format!(r#",{{"role":"{role}","content":"#).as_bytes());
        write_string(&mut out, &long);
        out.push(b'}');
    }
    out.extend_from_slice(br#"],"user":"u-1"}"#);
    out.into()
}

fn answer() -> Bytes {
    let text = ENGLISH.repeat(2);
    format!(
        r#"{{"id":"chatcmpl-A1b2C3d4E5f6","object":"chat.completion","created":1790000000,"model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":500,"completion_tokens":31,"total_tokens":531,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_44709d6fcb"}}"#
    )
    .into()
}

fn request(name: &str, body: &Bytes) {
    if !wanted(name) {
        return;
    }
    let parse = || Document::parse(black_box(body.clone()), 128).expect("valid");
    let scanned = best(|| drop(black_box(parse())));
    let doc = parse();
    let viewed = best(|| drop(black_box(view(Chat, black_box(&doc)))));
    let read = view(Chat, &doc).expect("a request");
    let counted = best(|| {
        black_box(estimate_prompt(black_box(&doc), black_box(&read)));
    });
    let whole = best(|| {
        let doc = parse();
        let view = view(Chat, &doc).expect("a request");
        black_box(estimate_prompt(&doc, &view));
    });
    println!(
        "{name:<34}{:>8} B {whole:>9.3} = parse {scanned:.3} + view {viewed:.3} + estimate {counted:.3}",
        body.len()
    );
}

fn plain(name: &str, answer: &Bytes) {
    if !wanted(name) {
        return;
    }
    let parse = || Document::parse(black_box(answer.clone()), 512).expect("valid");
    let read = best(|| drop(black_box(read_answer(Chat, &parse()))));
    let scanned = best(|| drop(black_box(parse())));
    println!(
        "{name:<34}{:>8} B {read:>9.3} of which parse {scanned:.3}",
        answer.len()
    );
}

fn stream(name: &str, chunk: &str) {
    if !wanted(name) {
        return;
    }
    let chunk = Bytes::from(format!("data: {chunk}\n\n"));
    let mut framer = Framer::new(1 << 20);
    let mut tap = Tap::new(Chat, 1, false);
    let mut frames = Vec::new();
    let whole = best(|| {
        framer
            .push(black_box(chunk.clone()), &mut frames)
            .expect("short");
        for frame in frames.drain(..) {
            black_box(tap.read(&frame));
        }
    });
    let framed = best(|| {
        framer
            .push(black_box(chunk.clone()), &mut frames)
            .expect("short");
        frames.clear();
    });
    println!(
        "{name:<34}{:>8} B {whole:>9.3} of which framing {framed:.3}",
        chunk.len()
    );
}

fn main() {
    request("request, one text", &chat(ENGLISH, 2000, 1));
    plain("answer with usage", &answer());
    for (name, text, messages) in [
        ("200 KB, one text", ENGLISH, 1),
        ("200 KB, 400 messages", ENGLISH, 400),
        ("200 KB, many lines", LINES, 1),
        ("200 KB, many escapes", CODE, 1),
        ("200 KB, many alphabets", MIXED, 1),
    ] {
        request(name, &chat(text, 200_000, messages));
    }
    stream(
        "chunk, OpenAI",
        r#"{"id":"chatcmpl-A1b2C3d4E5f6","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":" gateway"},"logprobs":null,"finish_reason":null}]}"#,
    );
    stream(
        "chunk, OpenAI with usage: null",
        r#"{"id":"chatcmpl-A1b2C3d4E5f6","object":"chat.completion.chunk","created":1790000000,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{"content":" gateway"},"logprobs":null,"finish_reason":null}],"usage":null}"#,
    );
}
