//! Models that refuse chat completions for Responses.

use domain::model::Deployment;
use domain::traits::Chats;
use testkit::scene::Limits;
use testkit::{FakeProvider, Reply, Scene};

use crate::responses::response;
use crate::spoken::{both, of_both, paths};
use crate::stage::{Ask, KEY, Stage, play};

/// What `OpenAI` says of tools beside an effort.
fn refused() -> Reply {
    let body = r#"{"error":{"message":"Function tools with reasoning_effort are not supported for m in /v1/chat/completions. Please use /v1/responses instead.","type":"invalid_request_error","param":"reasoning_effort","code":null}}"#;
    Reply::json(body).with_status(400)
}

const TOOLS: &str = r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"#;
const EFFORT: &str = r#""reasoning_effort":"high","#;

fn chat(more: &str) -> Ask {
    let body = format!(r#"{{"model":"m",{more}"messages":[{{"role":"user","content":"1"}}]}}"#);
    Ask::chat(body).key(KEY)
}

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

#[test]
fn a_model_that_refuses_chat_for_responses_is_asked_there_by_whatever_client() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            refused(),
            response("resp_1", "One."),
            refused(),
            response("resp_2", "Two."),
        ]);
        let stage = both(&fake);
        let answer = stage.ask(chat(&[EFFORT, TOOLS].concat())).await;
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
        assert_eq!(paths(&fake), [CHAT, RESPONSES, CHAT, RESPONSES]);
        let rows = stage.settled(2).await;
        assert_eq!((rows[0].attempts, rows[0].status), (2, 200));
    });
}

#[test]
fn what_a_server_refused_by_chat_is_asked_by_responses_for_an_hour_and_nothing_else_is() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            refused(),
            response("resp_1", "One."),
            response("resp_2", "Two."),
            Reply::chat("Three."),
            Reply::chat("Four."),
        ]);
        let stage = both(&fake);
        let both = [EFFORT, TOOLS].concat();
        let none = [r#""reasoning_effort":"none","#, TOOLS].concat();
        for more in [&both, &both, &none, ""] {
            let answer = stage.ask(chat(more)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let wanted = [CHAT, RESPONSES, RESPONSES, CHAT, CHAT];
        assert_eq!(paths(&fake), wanted);
    });
}

#[test]
fn what_responses_refused_too_is_learnt_of_nobody() {
    play(async || {
        let fake = FakeProvider::start().await;
        let no = r#"{"error":{"message":"No.","type":"invalid_request_error","param":null,"code":null}}"#;
        let no = || Reply::json(no).with_status(400);
        fake.script(vec![refused(), no(), Reply::chat("Two.")]);
        let stage = both(&fake);
        assert_eq!(stage.ask(chat("")).await.status, 400);
        assert_eq!(stage.ask(chat("")).await.status, 200);
        assert_eq!(paths(&fake), [CHAT, RESPONSES, CHAT]);
    });
}

#[test]
fn what_the_table_says_of_a_model_is_not_tried_first() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.script(vec![
            response("resp_1", "One."),
            Reply::chat("Two."),
            // A server without the route gets what it has.
            Reply::json(r#"{"detail":"Not Found"}"#).with_status(404),
            Reply::chat("Three."),
        ]);
        let stage = having(&fake, |it| it.traits.chats = Chats::UnlessToolsAndEffort);
        let both = [EFFORT, TOOLS].concat();
        for more in [&both, TOOLS, &both] {
            let answer = stage.ask(chat(more)).await;
            assert_eq!(answer.status, 200, "{} {:?}", answer.text(), paths(&fake));
        }
        assert_eq!(paths(&fake), [RESPONSES, CHAT, RESPONSES, CHAT]);
        let fake = FakeProvider::start().await;
        fake.always(response("resp_1", "One."));
        let stage = having(&fake, |it| it.traits.chats = Chats::Never);
        assert_eq!(stage.ask(chat("")).await.status, 200);
        assert_eq!(paths(&fake), [RESPONSES]);
    });
}

/// A provider of both dialects, of whose models the table says this.
fn having(fake: &FakeProvider, known: fn(&mut Deployment)) -> Stage {
    let scene = Scene::new().provider(fake).with(of_both);
    let scene = scene.key(KEY, Limits::default()).model("m");
    Stage::open(scene.known(known))
}
