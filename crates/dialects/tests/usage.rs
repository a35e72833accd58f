//! A corpus of what providers say that was used, in every dialect: whole, streamed,
//! cut off and refused, and the right figure for each. `fixtures/usage` has a line a
//! shape; figures were worked out from the providers' own words, not by this code.

#[path = "support/eventstream.rs"]
mod eventstream;

use std::collections::BTreeMap;

use bytes::Bytes;
use dialects::Operation;
use dialects::framing::Cutter;
use dialects::json::Document;
use dialects::openai::{Tap, read_answer};
use dialects::sse::Frame;
use dialects::translate::{Names, upstream};
use domain::canon::{Chunk, Dialect};
use domain::usage::Usage;
use serde::Deserialize;
use serde_json::Value;

const DIALECTS: [(&str, Dialect); 7] = [
    ("anthropic", Dialect::Anthropic),
    ("cohere", Dialect::Cohere),
    ("converse", Dialect::Converse),
    ("gemini", Dialect::Gemini),
    ("ollama", Dialect::Ollama),
    ("openai", Dialect::OpenAi),
    ("responses", Dialect::Responses),
];

/// One of what providers say.
#[derive(Debug, Deserialize)]
struct Shape {
    name: String,
    form: Form,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    status: Option<u16>,
    /// The body; of streams each event's data.
    said: Value,
    /// Each part that is not zero; nothing where nobody says any.
    usage: Option<BTreeMap<String, u64>>,
    /// The provider's own sums: prompt and answer.
    #[serde(default)]
    totals: Option<[u64; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Plain,
    Stream,
    Cut,
    Error,
}

impl Shape {
    fn operation(&self) -> Operation {
        match self.operation.as_deref() {
            Some("completion") => Operation::Completion,
            Some("embedding") => Operation::Embedding,
            _ => Operation::Chat,
        }
    }

    fn body(&self) -> Bytes {
        self.said.to_string().into()
    }

    fn events(&self) -> &[Value] {
        self.said.as_array().expect("events")
    }

    fn wanted(&self) -> Option<Usage> {
        let parts = self.usage.as_ref()?;
        let part = |name: &str| parts.get(name).copied().unwrap_or(0);
        let usage = Usage {
            input: part("input"),
            cached_input: part("cached_input"),
            cache_write: part("cache_write"),
            cache_write_1h: part("cache_write_1h"),
            audio_input: part("audio_input"),
            output: part("output"),
            reasoning: part("reasoning"),
            audio_output: part("audio_output"),
        };
        assert_eq!(usage.total(), parts.values().sum::<u64>(), "{}", self.name);
        Some(usage)
    }
}

fn shapes(dialect: &str) -> Vec<Shape> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let path = format!("{folder}/fixtures/usage/{dialect}.jsonl");
    let text = std::fs::read_to_string(&path).expect("a corpus");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

/// The bytes of a stream of these events, and their content type.
fn wire(dialect: Dialect, events: &[Value]) -> (&'static [u8], Vec<u8>) {
    let mut out = Vec::new();
    for event in events {
        match dialect {
            Dialect::Converse => {
                let (kind, payload) = event.as_object().expect("one").iter().next().expect("one");
                let message = payload["message"].as_str();
                out.extend(match message.filter(|_| kind.ends_with("Exception")) {
                    Some(said) => eventstream::exception(kind, said),
                    None => eventstream::event(kind, payload),
                });
            }
            Dialect::Ollama => out.extend(format!("{event}\n").bytes()),
            _ => {
                if let Some(kind) = event["type"].as_str() {
                    out.extend(format!("event: {kind}\n").bytes());
                }
                out.extend(format!("data: {event}\n\n").bytes());
            }
        }
    }
    let media_type: &[u8] = match dialect {
        Dialect::Converse => b"application/vnd.amazon.eventstream",
        Dialect::Ollama => b"application/x-ndjson",
        _ => b"text/event-stream",
    };
    (media_type, out)
}

fn frames(dialect: Dialect, shape: &Shape) -> Vec<Frame> {
    let (media_type, bytes) = wire(dialect, shape.events());
    let cutter = Cutter::of(media_type, dialect, 1 << 20);
    let mut cutter = cutter.unwrap_or_else(|| panic!("{}: no stream", shape.name));
    let mut frames = Vec::new();
    cutter.push(bytes.into(), &mut frames).expect(&shape.name);
    frames
}

/// What the gateway takes for used.
fn read(dialect: Dialect, shape: &Shape) -> Option<Usage> {
    let document = |body| Document::parse(body, 512).expect("JSON");
    match (shape.form, dialect) {
        (Form::Error, Dialect::OpenAi) => {
            let answer = read_answer(shape.operation(), &document(shape.body()));
            assert!(!answer.is_answer || answer.is_error, "{}", shape.name);
            answer.usage
        }
        (Form::Error, _) => {
            let translators = upstream(dialect).expect("translators");
            let status = shape.status.expect("a status");
            let fault = (translators.read_fault)(status, &shape.body());
            assert!(!fault.message.is_empty(), "{}", shape.name);
            let answer = (translators.read_answer)(&document(shape.body()), &Names::default());
            answer.and_then(|answer| answer.usage)
        }
        (Form::Plain, Dialect::OpenAi) => {
            read_answer(shape.operation(), &document(shape.body())).usage
        }
        (Form::Plain, _) => {
            let translators = upstream(dialect).expect("translators");
            let answer = (translators.read_answer)(&document(shape.body()), &Names::default());
            answer.expect(&shape.name).usage
        }
        (_, Dialect::OpenAi) => {
            let mut tap = Tap::new(shape.operation(), 1, true);
            for frame in frames(dialect, shape) {
                tap.read(&frame);
            }
            tap.usage()
        }
        (..) => {
            let translators = upstream(dialect).expect("translators");
            let mut reader = (translators.read_stream)(Names::default());
            let mut chunks = Vec::new();
            for frame in frames(dialect, shape) {
                reader.push(&frame, &mut chunks).expect(&shape.name);
            }
            if shape.form == Form::Stream {
                reader.finish(&mut chunks);
            }
            let said = chunks.iter().rev();
            said.filter_map(|chunk| match chunk {
                Chunk::Usage(usage) => Some(*usage),
                _ => None,
            })
            .next()
        }
    }
}

#[test]
fn every_shape_of_usage_comes_to_the_right_figure() {
    let mut wrong = Vec::new();
    for (name, dialect) in DIALECTS {
        for shape in shapes(name) {
            let (found, wanted) = (read(dialect, &shape), shape.wanted());
            if found != wanted {
                wrong.push(format!("{name}: {}: {found:?}, not {wanted:?}", shape.name));
            }
            if let (Some([prompt, answer]), Some(found)) = (shape.totals, found) {
                let sums = [found.prompt(), found.completion()];
                assert_eq!(sums, [prompt, answer], "{name}: {}", shape.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_corpus_has_every_dialect_in_every_form() {
    let mut all = 0;
    for (name, _) in DIALECTS {
        let shapes = shapes(name);
        all += shapes.len();
        let forms: std::collections::BTreeSet<Form> = shapes.iter().map(|it| it.form).collect();
        assert_eq!(forms.len(), 4, "{name}: {forms:?}");
    }
    assert!(all >= 200, "{all} shapes");
}
