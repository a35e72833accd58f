//! Fields are named to a client as it names them itself.

use dialects::json::Document;
use dialects::translate::{Terms, codec};
use domain::canon::{Dialect, Fault, FaultKind};
use serde_json::{Value, json};

#[track_caller]
fn check(dialect: Dialect, body: &Value, lines: &[(&str, &str)]) {
    let document = Document::parse(body.to_string().into(), 64).expect("JSON");
    let terms = Terms {
        codec: codec(dialect).expect("a client's dialect"),
        body: &document,
        is_whole: true,
    };
    for (canonical, clients) in lines {
        assert_eq!(terms.place(canonical), *clients, "{canonical} of {body}");
    }
}

#[test]
fn a_setting_has_its_name_in_every_dialect() {
    check(
        Dialect::Gemini,
        &json!({"contents": []}),
        &[
            ("max_tokens", "generationConfig.maxOutputTokens"),
            ("stop", "generationConfig.stopSequences"),
        ],
    );
    check(
        Dialect::Anthropic,
        &json!({"messages": [], "max_tokens": 5}),
        &[
            ("max_tokens", "max_tokens"),
            ("max_completion_tokens", "max_tokens"),
            ("stop", "stop_sequences"),
            ("user", "metadata.user_id"),
        ],
    );
    check(
        Dialect::Responses,
        &json!({"input": "Hi"}),
        &[("max_tokens", "max_output_tokens"), ("messages", "input")],
    );
}

#[test]
fn a_block_has_the_place_where_the_client_put_it() {
    let said = json!({"role": "user", "content": [{"type": "input_text", "text": "Hi"}]});
    let answered =
        json!({"role": "assistant", "content": [{"type": "output_text", "text": "Yes"}]});
    let body = json!({"model": "m", "instructions": "Be brief.", "input": [said, answered, said]});
    check(
        Dialect::Responses,
        &body,
        &[
            ("messages[0].content[0]", "instructions"),
            ("messages[1].content[0]", "input[0].content[0]"),
            ("messages[3].content[0]", "input[2].content[0]"),
        ],
    );
    let parts = json!([{"text": "Hi"}, {"text": "there"}]);
    let body = json!({"contents": [{"role": "user", "parts": parts}]});
    check(
        Dialect::Gemini,
        &body,
        &[("messages[0].content[1]", "contents[0].parts[1]")],
    );
}

#[test]
fn a_providers_sentence_names_the_clients_field() {
    let document = Document::parse(r#"{"contents":[]}"#.into(), 64).expect("JSON");
    let terms = Terms {
        codec: codec(Dialect::Gemini).expect("a client's dialect"),
        body: &document,
        is_whole: true,
    };
    let mut fault = Fault {
        kind: FaultKind::Invalid,
        message: "max_tokens: must be less".to_owned(),
        code: None,
        field: Some("max_tokens".to_owned()),
    };
    terms.tell(Dialect::Anthropic, &mut fault);
    assert_eq!(
        fault.message,
        "generationConfig.maxOutputTokens: must be less"
    );
    assert_eq!(
        fault.field.as_deref(),
        Some("generationConfig.maxOutputTokens")
    );
}
