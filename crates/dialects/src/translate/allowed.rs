//! How long an answer may become by what a body asks of its provider.

use domain::canon::Dialect;

use crate::json::Node;

/// What a body lets its answers be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Tokens of each answer, thoughts included; `None` where the body leaves
    /// that to the provider.
    pub tokens: Option<u64>,
    /// How many answers are written; not all of them may come back.
    pub answers: u64,
}

/// What a body of this dialect allows.
#[must_use]
pub fn allowed(dialect: Dialect, body: Node<'_>) -> Allowed {
    let number = |path: &[&str]| {
        let found = path.iter().try_fold(body, |node, key| node.get(key));
        found.and_then(Node::u64)
    };
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| number(path));
    let most = |paths: &[&[&str]]| paths.iter().filter_map(|path| number(path)).max();
    let (tokens, answers) = match dialect {
        Dialect::OpenAi => (
            first(&[&["max_completion_tokens"], &["max_tokens"]]),
            // `best_of` of completions: all are written, and paid.
            most(&[&["n"], &["best_of"]]),
        ),
        Dialect::Responses => (first(&[&["max_output_tokens"]]), None),
        Dialect::Anthropic | Dialect::Cohere => (first(&[&["max_tokens"]]), None),
        Dialect::Gemini => (
            // Google takes either spelling.
            first(&[
                &["generationConfig", "maxOutputTokens"],
                &["generation_config", "max_output_tokens"],
            ]),
            most(&[
                &["generationConfig", "candidateCount"],
                &["generation_config", "candidate_count"],
            ]),
        ),
        Dialect::Converse => (first(&[&["inferenceConfig", "maxTokens"]]), None),
        Dialect::Ollama => (first(&[&["options", "num_predict"]]), None),
    };
    Allowed {
        tokens,
        answers: answers.unwrap_or(1).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    fn of(dialect: Dialect, body: &'static str) -> (Option<u64>, u64) {
        let document = Document::parse(body.into(), 16).expect("JSON");
        let allowed = allowed(dialect, document.root());
        (allowed.tokens, allowed.answers)
    }

    #[test]
    fn every_dialect_says_it_in_its_own_place() {
        for (dialect, body, expected) in [
            (Dialect::OpenAi, r#"{"max_tokens":7}"#, (Some(7), 1)),
            (
                Dialect::OpenAi,
                r#"{"max_tokens":7,"max_completion_tokens":9,"n":3}"#,
                (Some(9), 3),
            ),
            (
                Dialect::OpenAi,
                r#"{"max_tokens":7,"n":2,"best_of":5}"#,
                (Some(7), 5),
            ),
            (
                Dialect::Responses,
                r#"{"max_output_tokens":7}"#,
                (Some(7), 1),
            ),
            (Dialect::Anthropic, r#"{"max_tokens":7}"#, (Some(7), 1)),
            (Dialect::Cohere, r#"{"max_tokens":7}"#, (Some(7), 1)),
            (
                Dialect::Gemini,
                r#"{"generationConfig":{"maxOutputTokens":7,"candidateCount":2}}"#,
                (Some(7), 2),
            ),
            (
                Dialect::Gemini,
                r#"{"generation_config":{"max_output_tokens":7}}"#,
                (Some(7), 1),
            ),
            (
                Dialect::Converse,
                r#"{"inferenceConfig":{"maxTokens":7}}"#,
                (Some(7), 1),
            ),
            (
                Dialect::Ollama,
                r#"{"options":{"num_predict":7}}"#,
                (Some(7), 1),
            ),
        ] {
            assert_eq!(of(dialect, body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_left_to_the_provider_has_no_bound() {
        for (dialect, body) in [
            (Dialect::OpenAi, "{}"),
            (Dialect::OpenAi, r#"{"max_tokens":null,"n":null}"#),
            (Dialect::Ollama, r#"{"options":{"num_predict":-1}}"#),
            (Dialect::Gemini, r#"{"generationConfig":{}}"#),
        ] {
            assert_eq!(of(dialect, body), (None, 1), "{body}");
        }
    }
}
