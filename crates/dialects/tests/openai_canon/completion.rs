//! The old completions, for clients whose model speaks another dialect.

use crate::grammar;
use crate::support::{document, events, head, json};
use dialects::openai::canon::{CompletionWriter, read_completion_request, write_completion_answer};
use domain::canon::{Answer, Block, Chunk, Request, Role};
use proptest::prelude::*;

fn texts(answer: &Answer) -> Vec<String> {
    let choices = answer.choices.iter();
    let said = choices.map(|choice| {
        let texts = choice.content.iter().map(|block| match block {
            Block::Text { text, .. } | Block::Refusal(text) => text.as_str(),
            _ => "",
        });
        texts.collect()
    });
    said.collect()
}

fn write(chunks: &[Chunk], request: &Request) -> Vec<u8> {
    let mut writer = CompletionWriter::new(&head(request));
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| writer.push(chunk, &mut out));
    out.concat()
}

#[test]
fn a_prompt_is_what_the_user_says() {
    let body = r#"{"model":"m","prompt":["Once"],"max_tokens":5,"stop":"\n","echo":true,"logprobs":2,"suffix":null}"#;
    let read = read_completion_request(&document(body)).expect("a request");
    assert_eq!(read.messages.len(), 1);
    assert_eq!(read.messages[0].role, Role::User);
    assert_eq!(read.messages[0].content, [Block::text("Once")]);
    assert_eq!((read.max_tokens, read.stop.len()), (Some(5), 1));
    let rest: Vec<_> = read.rest.iter().map(|member| &*member.name).collect();
    assert_eq!(rest, ["echo", "logprobs"]);
}

#[test]
fn several_prompts_or_tokens_are_refused() {
    for prompt in ["[\"a\",\"b\"]", "[1,2]", "[[1]]", "5", "[]"] {
        let body = format!("{{\"model\":\"m\",\"prompt\":{prompt}}}");
        let refusal = read_completion_request(&document(body)).expect_err(prompt);
        assert_eq!(refusal.param.as_deref(), Some("prompt"));
    }
    assert!(read_completion_request(&document(&br#"{"model":"m"}"#[..])).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_of_completions_says_what_the_whole_says((answer, chunks) in grammar::stream()) {
        let request = Request { model: "asked".to_owned(), stream: true, ..Request::default() };
        let whole = json(&write_completion_answer(&answer, &head(&request)));
        let mut said = vec![String::new(); answer.choices.len()];
        let mut reasons = vec![serde_json::Value::Null; answer.choices.len()];
        let bytes = write(&chunks, &request);
        prop_assert!(bytes.ends_with(b"data: [DONE]\n\n"));
        for event in events(&bytes) {
            for choice in event["choices"].as_array().expect("choices") {
                let index = usize::try_from(choice["index"].as_u64().expect("index")).expect("small");
                said[index].push_str(choice["text"].as_str().expect("text"));
                if !choice["finish_reason"].is_null() {
                    reasons[index] = choice["finish_reason"].clone();
                }
            }
        }
        prop_assert_eq!(&said, &texts(&answer));
        for (index, choice) in whole["choices"].as_array().expect("choices").iter().enumerate() {
            prop_assert_eq!(&choice["text"], &said[index]);
            prop_assert_eq!(&choice["finish_reason"], &reasons[index]);
        }
    }
}
