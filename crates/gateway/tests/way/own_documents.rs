//! Guards and rules over clients of other dialects: what passes is the client's own
//! document and the provider's own answer.

use domain::canon::Dialect;
use domain::guard::{Action, Direction};
use domain::policy::{Policy, SystemRule};
use domain::record::Outcome;
use serde_json::Value;
use testkit::{FakeProvider, Reply};

use crate::doubles::{BOTH, guarded};
use crate::own_bodies::{OURS, answer, ask, request, scene, stream, streamed};
use crate::stage::{Answer, Ask, Stage, play, usual};

fn is_blocked(answer: &Answer) -> bool {
    answer.text().contains("guardrail")
}

#[test]
fn what_guards_find_nothing_in_passes_both_ways_as_the_same_bytes() {
    play(async || {
        for dialect in OURS {
            for action in [Action::Block, Action::Observe] {
                let fake = FakeProvider::start().await;
                let pieces = stream(dialect, ("a", "b"), &["a se", "cond ", "one"]);
                fake.script(vec![
                    Reply::json(answer(dialect)),
                    Reply::sse(pieces.clone()),
                ]);
                let policy = guarded("secret", action, BOTH);
                let stage = Stage::open(scene(&fake, dialect).policy(policy));
                let told = stage.ask(ask(dialect, request(dialect))).await;
                assert_eq!(told.text(), answer(dialect), "{dialect:?}");
                assert_eq!(told.header("x-portcullis-dropped"), "", "{dialect:?}");
                assert_eq!(fake.last_request().body, request(dialect), "{dialect:?}");
                let told = stage.ask(ask(dialect, &streamed(dialect))).await;
                assert_eq!(told.text(), pieces.concat(), "{dialect:?}");
                let settled = stage.settled(2).await;
                assert_eq!(settled[1].outcome, Outcome::Complete);
                assert!(settled.iter().all(|it| it.findings.is_empty()));
            }
        }
    });
}

#[test]
fn a_word_is_found_wherever_it_stands_in_a_request() {
    play(async || {
        for dialect in OURS {
            let fake = FakeProvider::start().await;
            let policy = guarded("secret", Action::Block, &[Direction::Request]);
            let stage = Stage::open(scene(&fake, dialect).policy(policy));
            let places: &[(&str, &str)] = match dialect {
                Dialect::Responses => &[
                    ("PLACE", "a s\\u0065cret"),
                    (
                        "\"low\"},",
                        "\"low\",\"filters\":{\"allowed_domains\":[\"secret\"]}},",
                    ),
                    ("\"x_new\"", "\"x_deep\":[[{\"y\":\"secret\"}]],\"x_new\""),
                    (
                        "\"input\":[",
                        "\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{\\\"secret\\\":1}\"},",
                    ),
                    (
                        "\"input\":[",
                        "\"input\":[{\"type\":\"x_new_call\",\"id\":\"x\",\"words\":\"secret\"},",
                    ),
                ],
                Dialect::Anthropic => &[
                    ("PLACE", "a s\\u0065cret"),
                    ("{\"n\":1.50}", "{\"secret\":1}"),
                    (
                        "{\"n\":1.50}",
                        "{\"n\":\"{\\\"a\\\":\\\"\\\\u0073ecret\\\"}\"}",
                    ),
                    (
                        "\"url\":\"https://x",
                        "\"authorization_token\":\"secret\",\"url\":\"https://x",
                    ),
                    ("Hm.", "A secret."),
                    (
                        "{\"type\":\"object\"}",
                        "{\"type\":\"object\",\"properties\":{\"secret\":{}}}",
                    ),
                    (
                        "\"content\":\"ok\"",
                        "\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"text/plain\",\"data\":\"YSBzZWNyZXQ=\"}}]",
                    ),
                ],
                _ => &[
                    ("PLACE", "a s\\u0065cret"),
                    (
                        "\"contents\":[",
                        "\"labels\":{\"secret\":\"x\"},\"contents\":[",
                    ),
                    (
                        "\"contents\":[",
                        "\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"secret\":1}}}]},",
                    ),
                    (
                        "{\"text\":",
                        "{\"inline_data\":{\"mime_type\":\"text/plain\",\"data\":\"YSBzZWNyZXQ\"}},{\"text\":",
                    ),
                ],
            };
            for (from, to) in places {
                let said = request(dialect).replacen(from, to, 1);
                assert_ne!(said, request(dialect), "{from}");
                let told = stage.ask(ask(dialect, &said)).await;
                assert_eq!(
                    (told.status, is_blocked(&told)),
                    (400, true),
                    "{dialect:?} {to}"
                );
                assert!(!told.text().contains("secret"), "{}", told.text());
            }
            assert_eq!(fake.count(), 0, "{dialect:?}");
        }
    });
}

#[test]
fn a_word_is_found_in_what_a_provider_runs_itself_and_at_any_cut() {
    play(async || {
        for dialect in OURS {
            let fake = FakeProvider::start().await;
            let policy = guarded("secret", Action::Block, &[Direction::Answer]);
            let stage = Stage::open(scene(&fake, dialect).policy(policy));
            let hosted = answer(dialect).replace("PLACE", "a s\\u0065cret");
            fake.script(vec![Reply::json(hosted)]);
            let told = stage.ask(ask(dialect, request(dialect))).await;
            assert_eq!((told.status, is_blocked(&told)), (400, true), "{dialect:?}");
            let hosted = stream(dialect, ("my sec", "ret"), &["x"]);
            fake.script(vec![Reply::sse(hosted)]);
            let told = stage.ask(ask(dialect, &streamed(dialect))).await;
            assert!(is_blocked(&told), "{dialect:?}: {}", told.text());
            assert!(!told.text().contains("my sec"), "{}", told.text());
            for at in 1.."secret".len() {
                let (first, second) = "secret".split_at(at);
                let pieces = [
                    format!("it is {first}"),
                    format!("{second}!"),
                    " more".to_owned(),
                ];
                let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
                fake.script(vec![Reply::sse(stream(dialect, ("a", "b"), &pieces))]);
                let told = stage.ask(ask(dialect, &streamed(dialect))).await;
                assert!(is_blocked(&told), "{dialect:?} {at}: {}", told.text());
                for part in [
                    "it is",
                    "secret",
                    second,
                    "more",
                    "completed",
                    "message_stop",
                ] {
                    let said = told.text().replace("guardrail", "").replace("returned", "");
                    let said = said.replace("event: error", "").replace("operator", "");
                    assert!(
                        part.len() < 3 || !said.contains(part),
                        "{part} {dialect:?}: {said}"
                    );
                }
            }
        }
    });
}

fn house(rules: &[SystemRule]) -> Policy {
    Policy {
        name: "house".to_owned(),
        system: rules.to_vec(),
        ..guarded("secret", Action::Block, BOTH)
    }
}

#[test]
fn rules_stand_in_the_clients_own_document_in_its_own_shape() {
    play(async || {
        let rules = [
            SystemRule::Prepend("Say \"please\".".into()),
            SystemRule::Append("Be brief.".into()),
        ];
        let text = r#"Say \"please\".\n\nBe brief."#;
        let around = |own: &str| format!(r#"Say \"please\".\n\n{own}\n\nBe brief."#);
        let block = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
        let part = |text: &str| format!(r#"{{"text":"{text}"}}"#);
        let (first, last) = (r#"Say \"please\"."#, "Be brief.");
        let own = r#"[ {"type":"text","text":"mine","cache_control":{"type":"ephemeral"}} ]"#;
        let own_block = &own[1..own.len() - 1];
        let cases = [
            (
                Dialect::Responses,
                None,
                format!(r#""instructions":"{text}","#),
            ),
            (
                Dialect::Responses,
                Some(r#""instructions" : "m\u0069ne","#.to_owned()),
                format!(r#""instructions" : "{}","#, around(r"m\u0069ne")),
            ),
            (Dialect::Anthropic, None, format!(r#""system":"{text}","#)),
            (
                Dialect::Anthropic,
                Some(r#""system":"mine","#.to_owned()),
                format!(r#""system":"{}","#, around("mine")),
            ),
            (
                Dialect::Anthropic,
                Some(format!(r#""system":{own},"#)),
                format!(
                    r#""system":[{},{own_block},{}],"#,
                    block(first),
                    block(last)
                ),
            ),
            (
                Dialect::Gemini,
                None,
                format!(
                    r#""systemInstruction":{{"parts":[{},{}]}},"#,
                    part(first),
                    part(last)
                ),
            ),
            (
                Dialect::Gemini,
                Some(r#""system_instruction":{"parts":[{"text":"mine"}]},"#.to_owned()),
                format!(
                    r#""system_instruction":{{"parts":[{},{{"text":"mine"}},{}]}},"#,
                    part(first),
                    part(last)
                ),
            ),
            (
                Dialect::Gemini,
                Some(r#""systemInstruction":{"parts":{"text":"mine"}},"#.to_owned()),
                format!(
                    r#""systemInstruction":{{"parts":[{},{{"text":"mine"}},{}]}},"#,
                    part(first),
                    part(last)
                ),
            ),
        ];
        for (dialect, own, wanted) in cases {
            let fake = FakeProvider::start().await;
            fake.always(Reply::json(answer(dialect)));
            let stage = Stage::open(scene(&fake, dialect).policy(house(&rules)));
            let own = own.unwrap_or_default();
            let said = request(dialect).replacen('{', &format!("{{{own}"), 1);
            let told = stage.ask(ask(dialect, &said)).await;
            let repeated = match own.is_empty() {
                true => "null",
                false => r#""m\u0069ne""#,
            };
            let repeated = format!(r#""instructions":{repeated}"#);
            let wanted_answer = answer(dialect).replace(r#""instructions":null"#, &repeated);
            assert_eq!(told.text(), wanted_answer, "{dialect:?}");
            let sent = fake.last_request().body;
            let wanted = request(dialect).replacen('{', &format!("{{{wanted}"), 1);
            assert_eq!(String::from_utf8_lossy(&sent), wanted, "{dialect:?}");
        }
    });
}

#[test]
fn an_answer_repeats_the_clients_instructions_and_not_the_houses() {
    play(async || {
        let fake = FakeProvider::start().await;
        let repeats = |text: &str| {
            text.replace(
                "\"instructions\":null",
                "\"instructions\":\"House.\\n\\nMine.\"",
            )
        };
        let own = |text: &str| text.replace("\"instructions\":null", "\"instructions\":\"Mine.\"");
        let pieces = stream(Dialect::Responses, ("a", "b"), &["a", "b"]);
        fake.script(vec![
            Reply::json(repeats(answer(Dialect::Responses))),
            Reply::sse(pieces.iter().map(|it| repeats(it))),
        ]);
        let rules = [SystemRule::Prepend("House.".into())];
        let stage = Stage::open(scene(&fake, Dialect::Responses).policy(house(&rules)));
        for body in [
            request(Dialect::Responses).to_owned(),
            streamed(Dialect::Responses),
        ] {
            let said = body.replacen('{', "{\"instructions\":\"Mine.\",", 1);
            let told = stage.ask(ask(Dialect::Responses, &said)).await;
            let wanted = match body.contains("\"stream\"") {
                true => own(&pieces.concat()),
                false => own(answer(Dialect::Responses)),
            };
            assert_eq!(told.text(), wanted);
            let sent = String::from_utf8_lossy(&fake.last_request().body).into_owned();
            assert!(
                sent.contains(r#""instructions":"House.\n\nMine.""#),
                "{sent}"
            );
        }
    });
}

#[test]
fn another_provider_is_told_of_the_rules_and_the_answer_is_read_as_it_leaves() {
    play(async || {
        let fake = FakeProvider::start().await;
        let said = r#"{"model":"m","input":"Hi","store":false}"#;
        fake.script(vec![
            Reply::json(answer(Dialect::Anthropic).replace("PLACE", "x")),
            Reply::json(answer(Dialect::Anthropic).replace("H\\u00ef", "my secret")),
        ]);
        let rules = [SystemRule::Prepend("House.".into())];
        let stage = Stage::open(scene(&fake, Dialect::Anthropic).policy(house(&rules)));
        let told = stage.ask(ask(Dialect::Responses, said)).await;
        assert_eq!(told.status, 200, "{}", told.text());
        assert_eq!(told.json()["instructions"], Value::Null);
        let sent = fake.last_request().json();
        assert_eq!(sent["system"][0]["text"], "House.", "{sent}");
        let told = stage.ask(ask(Dialect::Responses, said)).await;
        assert_eq!(
            (told.status, is_blocked(&told)),
            (400, true),
            "{}",
            told.text()
        );
    });
}

#[test]
fn members_of_a_chat_answer_that_nobody_knows_are_read_too() {
    play(async || {
        let fake = FakeProvider::start().await;
        let policy = guarded("secret", Action::Block, &[Direction::Answer]);
        let stage = Stage::open(usual(&fake).policy(policy));
        let chunk = |more: &str| {
            format!(
                "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",{more}}}\n\n"
            )
        };
        let said =
            chunk(r#""choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]"#);
        let end = chunk(r#""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]"#);
        let tokens = r#""choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":[{"token":"secret"}]},"finish_reason":null}]"#;
        for new in [
            r#""choices":[],"citations":["https://secret.example"]"#,
            tokens,
        ] {
            let pieces = [
                said.clone(),
                chunk(new),
                end.clone(),
                "data: [DONE]\n\n".to_owned(),
            ];
            fake.script(vec![Reply::sse(pieces)]);
            let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}"#;
            let told = stage.ask(Ask::chat(body)).await;
            assert!(is_blocked(&told), "{}", told.text());
            assert!(!told.text().contains("secret"), "{}", told.text());
        }
    });
}
