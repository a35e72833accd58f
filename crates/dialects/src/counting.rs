//! Requests that ask a provider for the tokens of a prompt, and its answers.

use domain::counting::CountingForm;

use crate::json::{Document, Node, Object, object};

/// What a prompt is made of in Anthropic's dialect.
const MESSAGES: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
];
/// In that of Responses.
const RESPONSES: &[&str] = &[
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "text",
    "truncation",
];
/// In Gemini's.
const GEMINI: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
];
/// What Vertex AI counts of that.
const VERTEX: &[&str] = &["contents", "systemInstruction", "tools", "generationConfig"];
/// In Converse.
const CONVERSE: &[&str] = &[
    "messages",
    "system",
    "toolConfig",
    "additionalModelRequestFields",
];

/// Asks for the tokens of a conversation, which is written in the form's dialect
/// for this model.
#[must_use]
pub fn question(form: CountingForm, asked: &Document, model: &str) -> Vec<u8> {
    let root = asked.root();
    object(|o| match form {
        CountingForm::Messages => some(o, root, MESSAGES),
        CountingForm::Responses => some(o, root, RESPONSES),
        CountingForm::Contents => some(o, root, VERTEX),
        CountingForm::GenerateContent => {
            o.object("generateContentRequest", |o| {
                let model = model.strip_prefix("models/").unwrap_or(model);
                o.string("model", &format!("models/{model}"));
                some(o, root, GEMINI);
            });
        }
        CountingForm::Converse => {
            o.object("input", |o| {
                o.object("converse", |o| some(o, root, CONVERSE));
            });
        }
    })
}

fn some(o: &mut Object<'_>, root: Node<'_>, names: &[&str]) {
    for name in names {
        let value = root.get(name).map(Node::raw);
        if let Some(value) = value.and_then(|value| std::str::from_utf8(value).ok()) {
            o.raw(name, value);
        }
    }
}

/// The tokens that a provider counted; `None` if it says nothing of them.
#[must_use]
pub fn tokens(form: CountingForm, answer: &Document) -> Option<u64> {
    let field = match form {
        CountingForm::Messages | CountingForm::Responses => "input_tokens",
        CountingForm::GenerateContent | CountingForm::Contents => "totalTokens",
        CountingForm::Converse => "inputTokens",
    };
    let counted = answer.root().get(field)?.raw();
    std::str::from_utf8(counted).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = r#"{"model":"m","messages":[1],"system":"s","max_tokens":9,"stream":true,
        "input":[2],"store":false,"contents":[3],"toolConfig":{"x":1},"safetySettings":[],
        "inferenceConfig":{"maxTokens":9}}"#;

    fn parsed(text: &str) -> Document {
        Document::parse(text.as_bytes().to_vec().into(), 8).expect("JSON")
    }

    #[test]
    fn only_what_the_prompt_is_made_of_is_asked_about() {
        for (form, expected) in [
            (
                CountingForm::Messages,
                r#"{"model":"m","messages":[1],"system":"s"}"#,
            ),
            (CountingForm::Responses, r#"{"model":"m","input":[2]}"#),
            (CountingForm::Contents, r#"{"contents":[3]}"#),
            (
                CountingForm::GenerateContent,
                r#"{"generateContentRequest":{"model":"models/g","contents":[3],"toolConfig":{"x":1}}}"#,
            ),
            (
                CountingForm::Converse,
                r#"{"input":{"converse":{"messages":[1],"system":"s","toolConfig":{"x":1}}}}"#,
            ),
        ] {
            let asked = question(form, &parsed(ASKED), "g");
            assert_eq!(String::from_utf8(asked).expect("text"), expected);
        }
    }

    #[test]
    fn a_count_is_read_where_each_provider_says_it() {
        let answer = parsed(r#"{"input_tokens":1,"totalTokens":2,"inputTokens":3}"#);
        let read = CountingForm::ALL.map(|(form, _)| tokens(form, &answer));
        assert_eq!(read, [1, 1, 2, 2, 3].map(Some));
        assert_eq!(tokens(CountingForm::Converse, &parsed("{}")), None);
        assert_eq!(
            tokens(CountingForm::Messages, &parsed(r#"{"input_tokens":-1}"#)),
            None
        );
    }
}
