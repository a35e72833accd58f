//! Models that refuse chat completions for Responses.

use testkit::{FakeProvider, Reply};

use crate::responses::response;
use crate::spoken::{both, paths};
use crate::stage::{Ask, KEY, play};

#[test]
fn a_model_that_refuses_chat_for_responses_is_asked_there_by_whatever_client() {
    play(async || {
        let fake = FakeProvider::start().await;
        let refused = r#"{"error":{"message":"Function tools with reasoning_effort are not supported for m in /v1/chat/completions. Please use /v1/responses instead.","type":"invalid_request_error","param":"reasoning_effort","code":null}}"#;
        let refused = || Reply::json(refused).with_status(400);
        fake.script(vec![
            refused(),
            response("resp_1", "One."),
            refused(),
            response("resp_2", "Two."),
        ]);
        let stage = both(&fake);
        let chat = r#"{"model":"m","reasoning_effort":"high","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"messages":[{"role":"user","content":"1"}]}"#;
        let answer = stage.ask(Ask::chat(chat).key(KEY)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "One.");
        let messages =
            r#"{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"2"}]}"#;
        let asked = Ask::to("POST", "/v1/messages", messages).key(KEY);
        let answer = stage
            .ask(asked.with("anthropic-version", "2023-06-01"))
            .await;
        assert_eq!(
            answer.json()["content"][0]["text"],
            "Two.",
            "{}",
            answer.text()
        );
        let (chat, responses) = ("/v1/chat/completions", "/v1/responses");
        assert_eq!(paths(&fake), [chat, responses, chat, responses]);
        let rows = stage.settled(2).await;
        assert_eq!((rows[0].attempts, rows[0].status), (2, 200));
    });
}
