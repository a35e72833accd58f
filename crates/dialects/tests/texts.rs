//! What guards read of the documents of every dialect: everything, but for what a
//! table says. `PORTCULLIS_BLESS=1 cargo test -p portcullis-dialects --test texts`
//! writes the lists of what is not read anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use dialects::json::Document;
use dialects::texts::{self, Form, Leaving, Text, decode};
use domain::canon::Dialect::{self, Anthropic, Gemini, OpenAi, Responses};
use serde_json::{Value, json};

const PLANTED: &str = "planted 7\n words";
const DIALECTS: [Dialect; 4] = [OpenAi, Responses, Anthropic, Gemini];

/// Objects in which nothing is read: counts, and what an answer repeats of its request.
const UNREAD: &[&str] = &[
    "usage",
    "usageMetadata",
    "timings",
    "prompt_filter_results",
    "billing",
    "incomplete_details",
];
const REPEATED: &[&str] = &[
    "instructions",
    "tools",
    "tool_choice",
    "text",
    "reasoning",
    "metadata",
    "user",
    "prompt",
    "conversation",
    "context_management",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Request,
    Answer,
}

fn folder(dialect: Dialect) -> PathBuf {
    let name = match dialect {
        Responses => "responses",
        Anthropic => "anthropic",
        Gemini => "gemini",
        _ => "openai",
    };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// The files of a folder, of its kind, by their names.
fn files(folder: &Path, begins: &str, ends: &str) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = found.map(|it| it.expect("a file").path()).collect();
    let name = |path: &PathBuf| {
        path.file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    all.retain(|path| name(path).starts_with(begins) && name(path).ends_with(ends));
    all.sort();
    all
}

/// Every recorded document of this side.
fn documents(dialect: Dialect, side: Side) -> Vec<(String, Value)> {
    let canon = folder(dialect).join("canon");
    let (word, list) = match side {
        Side::Request => ("request_", "requests"),
        Side::Answer => ("answer_", "answers"),
    };
    let all = [
        files(&canon, word, ".json"),
        files(&canon.join(list), "", ".json"),
    ]
    .concat();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        (
            path.display().to_string(),
            serde_json::from_str(&text).expect("JSON"),
        )
    };
    let all: Vec<_> = all.into_iter().map(read).collect();
    assert!(all.len() > 4, "{dialect:?} {side:?}: {}", all.len());
    all
}

fn read(dialect: Dialect, side: Side, value: &Value) -> Vec<String> {
    let bytes = Bytes::from(value.to_string());
    let document = Document::parse(bytes, 256).expect("JSON");
    let texts: Vec<Text> = match side {
        Side::Request => texts::of_request(dialect, &document),
        Side::Answer => texts::of_answer(dialect, &document),
    };
    let read = texts
        .iter()
        .map(|text| decode(&document, text).into_owned());
    read.collect()
}

/// Where each value stands, as a JSON pointer.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), out);
            }
        }
        Value::Object(members) => {
            for (key, item) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(item, &format!("{at}/{key}"), out);
            }
        }
        _ => {}
    }
}

fn all_pointers(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    pointers(value, "", &mut out);
    out
}

/// Keys and types of the objects on the way, without numbers.
fn shown(value: &Value, pointer: &str) -> String {
    let mut out = String::new();
    let mut node = value;
    for step in pointer.split('/').skip(1) {
        node = match node {
            Value::Array(items) => &items[step.parse::<usize>().expect("a number")],
            other => {
                if let Some(kind) = other.get("type").and_then(Value::as_str) {
                    out.push_str(&format!("({kind})"));
                }
                out.push('.');
                out.push_str(step);
                &other[step.replace("~1", "/").replace("~0", "~")]
            }
        };
    }
    out
}

fn is_within(pointer: &str, names: &[&str]) -> bool {
    pointer.split('/').any(|step| names.contains(&step))
}

fn is_repeated(dialect: Dialect, side: Side, pointer: &str) -> bool {
    let first = pointer.split('/').nth(1).unwrap_or_default();
    (dialect, side) == (Responses, Side::Answer) && REPEATED.contains(&first)
}

#[test]
fn what_is_not_text_is_listed_and_nothing_else_is_left_out() {
    for dialect in DIALECTS {
        let mut unread = BTreeSet::new();
        for side in [Side::Request, Side::Answer] {
            for (_, value) in documents(dialect, side) {
                for pointer in all_pointers(&value) {
                    let place = value.pointer(&pointer).expect("there");
                    if !place.is_string() || is_repeated(dialect, side, &pointer) {
                        continue;
                    }
                    let mut planted = value.clone();
                    *planted.pointer_mut(&pointer).expect("there") = PLANTED.into();
                    let found = read(dialect, side, &planted);
                    if !found.iter().any(|text| text == PLANTED) {
                        unread.insert(format!("{side:?} {}", shown(&value, &pointer)));
                    }
                }
            }
        }
        let listed: String = unread.iter().map(|line| format!("{line}\n")).collect();
        let path = folder(dialect).join("not_text.txt");
        if std::env::var_os("PORTCULLIS_BLESS").is_some() {
            fs::write(&path, &listed).expect("writable");
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(listed, known, "{}", path.display());
    }
}

#[test]
fn a_new_field_is_read_on_the_day_it_appears_in_whatever_object() {
    for dialect in DIALECTS {
        for side in [Side::Request, Side::Answer] {
            for (name, value) in documents(dialect, side) {
                for pointer in all_pointers(&value) {
                    let is_unread = is_within(&pointer, UNREAD) && side == Side::Answer;
                    if !value.pointer(&pointer).expect("there").is_object()
                        || is_unread
                        || is_repeated(dialect, side, &pointer)
                    {
                        continue;
                    }
                    for new in [json!(PLANTED), json!([[{"deep": PLANTED}]])] {
                        let mut planted = value.clone();
                        planted.pointer_mut(&pointer).expect("there")["x_new"] = new;
                        let found = read(dialect, side, &planted);
                        let is_found = found.iter().any(|text| text == PLANTED);
                        assert!(is_found, "{name} at `{pointer}`");
                    }
                }
            }
        }
    }
}

#[test]
fn keys_and_numbers_of_a_tools_json_are_texts() {
    let value = json!({"a key": [{"b key": 7.50}, "c"], "d": null});
    let anthropic = json!({"messages": [{"role": "assistant", "content": [
        {"type": "tool_use", "id": "t", "name": "n", "input": value}]}]});
    let gemini = json!({"contents": [{"parts": [{"functionCall": {"name": "n", "args": value}},
        {"function_response": {"name": "n", "response": value}}]}]});
    let wanted = ["a key", "b key", "7.5", "c", "d"];
    let mut all = read(Anthropic, Side::Request, &anthropic);
    for text in ["n"].iter().chain(&wanted) {
        assert!(all.iter().any(|it| it == text), "{text} in {all:?}");
    }
    all = read(Gemini, Side::Request, &gemini);
    for text in wanted {
        assert_eq!(
            all.iter().filter(|it| *it == text).count(),
            2,
            "{text} in {all:?}"
        );
    }
    let responses = json!({"model": "m", "input": "x", "metadata": {"a key": "b"}});
    assert!(read(Responses, Side::Request, &responses).contains(&"a key".to_owned()));
}

#[test]
fn a_member_written_in_escapes_is_the_same_member() {
    let body = r#"{"mod\u0065l":"m","messages":[{"r\u006fle":"user","content":"h\u0069"}]}"#;
    let document = Document::parse(Bytes::from(body), 64).expect("JSON");
    let texts = texts::of_request(Anthropic, &document);
    let read: Vec<_> = texts.iter().map(|text| decode(&document, text)).collect();
    assert_eq!(read, ["hi"]);
}

/// What is read of a stream: lanes, put together, and what is whole.
fn heard(dialect: Dialect, form: Form, pieces: &[&str]) -> (Vec<(String, String)>, Vec<String>) {
    let mut leaving = Leaving::new(dialect, form);
    let (mut lanes, mut whole) = (Vec::<(String, String)>::new(), Vec::new());
    for piece in pieces {
        for event in leaving.push(&Bytes::copy_from_slice(piece.as_bytes())) {
            for said in event.said {
                match said.lane {
                    None => whole.push(said.text),
                    Some(name) => match lanes.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, text)) => text.push_str(&said.text),
                        None => lanes.push((name, said.text)),
                    },
                }
            }
        }
    }
    (lanes, whole)
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

#[test]
fn pieces_of_one_text_have_one_lane_in_every_dialect() {
    let chat = |delta: Value| event(&json!({"choices": [{"index": 0, "delta": delta}]}));
    let responses = |kind: &str, delta: &str| {
        event(&json!({"type": kind, "item_id": "i", "output_index": 1, "delta": delta}))
    };
    let block =
        |delta: Value| event(&json!({"type": "content_block_delta", "index": 2, "delta": delta}));
    let start = event(&json!({"type": "content_block_start", "index": 2,
        "content_block": {"type": "text", "text": "one "}}));
    let google =
        |part: Value| event(&json!({"candidates": [{"index": 0, "content": {"parts": [part]}}]}));
    let cases: [(Dialect, Vec<String>); 7] = [
        (
            OpenAi,
            ["one ", "text"]
                .map(|it| chat(json!({"content": it})))
                .into(),
        ),
        (
            OpenAi,
            ["one ", "text"]
                .map(|it| chat(json!({"x_new": {"deep": it}})))
                .into(),
        ),
        (
            Responses,
            ["one ", "text"]
                .map(|it| responses("response.output_text.delta", it))
                .into(),
        ),
        (
            Responses,
            ["one ", "text"]
                .map(|it| responses("response.x_new.delta", it))
                .into(),
        ),
        (
            Anthropic,
            vec![start, block(json!({"type": "text_delta", "text": "text"}))],
        ),
        (
            Anthropic,
            ["one ", "text"]
                .map(|it| block(json!({"type": "x", "x_new": it})))
                .into(),
        ),
        (
            Gemini,
            ["one ", "text"]
                .map(|it| google(json!({"text": it})))
                .into(),
        ),
    ];
    for (dialect, pieces) in cases {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let (lanes, _) = heard(dialect, Form::Events, &pieces);
        assert!(
            lanes.iter().any(|(_, text)| text == "one text"),
            "{dialect:?}: {lanes:?}"
        );
    }
}

#[test]
fn events_of_unknown_kinds_are_read_and_so_is_what_is_no_json() {
    for dialect in DIALECTS {
        let known = event(&json!({"type": "x_new", "deep": [{"words": PLANTED}]}));
        let (_, whole) = heard(
            dialect,
            Form::Events,
            &[&known, "data: planted\n\n", "data: last"],
        );
        assert_eq!(
            whole.iter().filter(|it| *it == PLANTED).count(),
            1,
            "{dialect:?}: {whole:?}"
        );
        assert!(whole.contains(&"planted".to_owned()) && whole.contains(&"last".to_owned()));
    }
}

#[test]
fn an_array_is_read_item_by_item_however_many_leave_at_once() {
    let item = |text: &str| json!({"candidates": [{"content": {"parts": [{"text": text}]}}]});
    let pieces = [
        format!("[{}\n,\n{}\n", item("a"), item("b")),
        format!(",{}", item("c")),
        "]".into(),
    ];
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let (lanes, whole) = heard(Gemini, Form::Array, &pieces);
    assert_eq!(
        (lanes.len(), lanes[0].1.as_str(), whole.len()),
        (1, "abc", 0)
    );
}

#[test]
fn the_end_of_a_block_ends_its_lanes_and_no_others() {
    let mut leaving = Leaving::new(Responses, Form::Events);
    let delta = event(
        &json!({"type": "response.output_text.delta", "item_id": "i",
        "output_index": 1, "content_index": 0, "delta": "a"}),
    );
    let done = |at: u64| event(&json!({"type": "response.output_item.done", "output_index": at}));
    let events = leaving.push(&Bytes::from([delta, done(1), done(10)].concat()));
    let lane = events[0].said[0].lane.clone().expect("a lane");
    let ends = |at: usize| lane.starts_with(events[at].ends.as_deref().expect("it ends one"));
    assert!(ends(1) && !ends(2), "{events:?}");
}
