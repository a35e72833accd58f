//! Limits, budgets and scopes of everybody above a key.

use std::time::Duration;

use domain::party::Level;
use domain::principal::Principal;
use domain::terms::Terms;
use testkit::scene::principal_of;
use testkit::{FakeProvider, Reply, Scene};

use crate::stage::{Ask, Stage, play, usual};

fn terms(json: &str) -> Terms {
    serde_json::from_str(json).expect(json)
}

/// A key of a user in a team of a tenant, each with these terms.
fn held(id: &str, tenant: &str, team: &str, key: &str) -> Principal {
    let owners = [
        ("acme", Level::Tenant, terms(tenant)),
        ("core", Level::Team, terms(team)),
        ("ana", Level::User, Terms::default()),
    ];
    principal_of(id, &owners, terms(key))
}

const BODY: &str = r#"{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}"#;

fn chat(key: &str) -> Ask {
    Ask::chat(BODY).key(key)
}

fn sees(key: &str, body: &str) -> Ask {
    Ask::chat(body.to_owned()).key(key)
}

fn with(fake: &FakeProvider, all: Vec<(&str, Principal)>) -> Scene {
    let scene = usual(fake);
    all.into_iter()
        .fold(scene, |scene, (key, it)| scene.principal(key, it))
}

#[test]
fn a_limit_above_counts_all_keys_below_and_says_whose_it_is() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi."));
        let team = r#"{"limits":[{"requests":3,"per":"minute"}]}"#;
        let all = vec![
            ("sk-one", held("key_1", "{}", team, "{}")),
            (
                "sk-two",
                held(
                    "key_2",
                    "{}",
                    team,
                    r#"{"limits":[{"requests":9,"per":"minute"}]}"#,
                ),
            ),
        ];
        let stage = Stage::open(with(&fake, all));
        for key in ["sk-one", "sk-two", "sk-two"] {
            assert_eq!(stage.ask(chat(key)).await.status, 200);
        }
        let full = stage.ask(chat("sk-two")).await;
        assert_eq!(full.refusal(429), "rate_limit_exceeded");
        let told = full.text();
        assert!(
            told.contains("The limit of the team `core` of 3 requests per minute is reached"),
            "{told}"
        );
        assert_eq!(full.header("x-ratelimit-remaining-requests"), "0");
        assert_eq!(full.header("x-ratelimit-limit-requests"), "3");
        // The key's own was not taken from.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let again = stage.ask(chat("sk-two")).await;
        assert_eq!(again.header("x-ratelimit-remaining-requests"), "2");
    });
}

#[test]
fn a_budget_in_money_lets_through_exactly_what_it_pays() {
    play(async || {
        let fake = FakeProvider::start().await;
        // 11 + 7 tokens at 1 and 2 dollars a million: 25 micro-dollars.
        fake.always(Reply::chat("Hi.").delay_head(Duration::from_millis(50)));
        let budget = r#"{"budgets":[{"usd":"0.001","per":"month","calendar":"UTC"}]}"#;
        let all = vec![("sk-one", held("key_1", budget, "{}", "{}"))];
        let scene = with(&fake, all).adjust(|it| it.budget_wait = Duration::from_secs(60));
        let stage = Stage::open(scene);
        let mut asked = Vec::new();
        for _ in 0..100 {
            asked.push(stage.ask(chat("sk-one")));
        }
        let answers = futures_all(asked).await;
        let good = answers.iter().filter(|it| it.status == 200).count();
        // 40 answers would cost 1,000,000 nano-dollars; a request reserves at most
        // 160,000, so that the last that fit are those before there is less.
        let spent = good as u64 * 25_000;
        assert!(
            (840_000..=1_000_000).contains(&spent),
            "{good} answers: {spent}"
        );
        let refused = answers.iter().find(|it| it.status != 200).expect("one");
        assert_eq!(refused.refusal(429), "budget_exceeded");
        assert!(
            refused
                .text()
                .contains("The budget of the tenant `acme` of 0.001 USD per month"),
            "{}",
            refused.text()
        );
        assert_eq!(refused.header("x-should-retry"), "false");
    });
}

pub(crate) async fn futures_all<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).map(Some).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut is_over = true;
        for (future, out) in all.iter_mut().zip(&mut done) {
            let Some(running) = future else { continue };
            match running.as_mut().poll(cx) {
                std::task::Poll::Ready(it) => {
                    *out = Some(it);
                    *future = None;
                }
                std::task::Poll::Pending => is_over = false,
            }
        }
        if is_over {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().map(|it| it.expect("an answer")).collect()
}

#[test]
fn what_costs_nothing_passes_a_spent_budget_and_what_has_no_price_a_budget_never() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi."));
        let spent = r#"{"budgets":[{"usd":"0","per":"month"}]}"#;
        let all = vec![("sk-one", held("key_1", spent, "{}", "{}"))];
        let stage = Stage::open(
            with(&fake, all)
                .model("free")
                .known(|it| {
                    it.price = Some(domain::model::Price::default());
                })
                .model("unknown")
                .unpriced(),
        );
        let full = stage.ask(chat("sk-one")).await;
        assert_eq!(full.refusal(400), "request_exceeds_limit");
        let free = stage
            .ask(sees("sk-one", &BODY.replace("\"m\"", "\"free\"")))
            .await;
        assert_eq!(free.status, 200, "{}", free.text());
        let unknown = stage
            .ask(sees("sk-one", &BODY.replace("\"m\"", "\"unknown\"")))
            .await;
        assert_eq!(unknown.refusal(400), "price_unknown");
        assert_eq!(fake.count(), 1);
    });
}

#[test]
fn a_soft_budget_refuses_nobody() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi."));
        let soft = r#"{"budgets":[{"usd":"0.00001","per":"month","hard":false}]}"#;
        let all = vec![("sk-one", held("key_1", soft, "{}", "{}"))];
        let stage = Stage::open(with(&fake, all));
        for _ in 0..3 {
            let answer = stage.ask(chat("sk-one")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-portcullis-budget-usd"), "");
        }
    });
}

#[test]
fn who_waits_in_line_is_let_in_when_another_ends() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi.").delay_head(Duration::from_millis(200)));
        let one = r#"{"limits":[{"parallel":1}],"when_full":{"queue":"5s"}}"#;
        let short = r#"{"limits":[{"parallel":1}],"when_full":{"queue":"100ms"}}"#;
        let all = vec![
            ("sk-one", held("key_1", one, "{}", "{}")),
            (
                "sk-two",
                principal_of(
                    "key_2",
                    &[("b", Level::Tenant, terms(short))],
                    Terms::default(),
                ),
            ),
        ];
        let stage = Stage::open(with(&fake, all));
        let answers = futures_all((0..3).map(|_| stage.ask(chat("sk-one"))).collect()).await;
        assert!(answers.iter().all(|it| it.status == 200));
        let answers = futures_all((0..2).map(|_| stage.ask(chat("sk-two"))).collect()).await;
        let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 429], "one waited in vain");
    });
}

#[test]
fn a_window_that_opens_by_itself_lets_those_in_that_wait_for_it() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi."));
        let key = r#"{"limits":[{"requests":1,"per":"2s"}],"when_full":{"queue":"30s"}}"#;
        let all = vec![("sk-one", held("key_1", "{}", "{}", key))];
        let stage = Stage::open(with(&fake, all));
        let begun = tokio::time::Instant::now();
        let answers = futures_all((0..4).map(|_| stage.ask(chat("sk-one"))).collect()).await;
        assert!(answers.iter().all(|it| it.status == 200));
        assert!(
            begun.elapsed() >= Duration::from_secs(6),
            "{:?}",
            begun.elapsed()
        );
    });
}

#[test]
fn a_full_limit_may_ask_a_cheaper_model_and_says_so() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi."));
        let key = r#"{"limits":[{"requests":1,"per":"minute","models":["m"]}],"when_full":{"degrade":"small"}}"#;
        let all = vec![("sk-one", held("key_1", "{}", "{}", key))];
        let stage = Stage::open(with(&fake, all).model("small"));
        let first = stage.ask(chat("sk-one")).await;
        assert_eq!(first.header("x-portcullis-degraded-to"), "");
        let second = stage.ask(chat("sk-one")).await;
        assert_eq!(second.status, 200, "{}", second.text());
        assert_eq!(second.header("x-portcullis-degraded-to"), "small");
        assert_eq!(fake.last_request().json()["model"], "small");
        let rows = stage.settled(2).await;
        assert_eq!(rows[1].model.as_ref().map(|it| it.as_str()), Some("small"));
        let who = rows[1].who.as_ref().expect("somebody");
        assert_eq!(who.degraded_from.as_ref().map(|it| it.as_str()), Some("m"));
        assert_eq!(who.team.as_ref().map(|it| it.as_str()), Some("core"));
    });
}

#[test]
fn end_users_sessions_models_and_tags_are_counted_apart() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi."));
        let by =
            |by: &str| format!(r#"{{"limits":[{{"requests":1,"per":"minute","by":"{by}"}}]}}"#);
        let all = vec![
            ("sk-user", held("key_1", "{}", "{}", &by("end_user"))),
            ("sk-session", held("key_2", "{}", "{}", &by("session"))),
            ("sk-model", held("key_3", "{}", "{}", &by("model"))),
            ("sk-tag", held("key_4", "{}", "{}", &by("tag:env"))),
        ];
        let stage = Stage::open(with(&fake, all).model("n"));
        let apart = [
            (
                sees(
                    "sk-user",
                    &BODY.replace("\"model\"", "\"user\":\"a\",\"model\""),
                ),
                chat("sk-user").with("x-portcullis-user", "b"),
            ),
            (
                chat("sk-session").with("x-portcullis-session", "a"),
                chat("sk-session").with("x-portcullis-session", "b"),
            ),
            (
                chat("sk-model"),
                sees("sk-model", &BODY.replace("\"m\"", "\"n\"")),
            ),
            (
                chat("sk-tag").with("x-portcullis-tags", "env=a"),
                chat("sk-tag").with("x-portcullis-tags", "x=y, env=b"),
            ),
        ];
        for (one, two) in apart {
            for ask in [one, two] {
                assert_eq!(stage.ask(ask).await.status, 200);
            }
        }
        for again in [
            chat("sk-user").with("x-portcullis-user", "a"),
            chat("sk-session").with("x-portcullis-session", "b"),
            chat("sk-model"),
            chat("sk-tag").with("x-portcullis-tags", "env=b"),
        ] {
            assert_eq!(stage.ask(again).await.status, 429);
        }
        // Whoever names nobody is nobody's.
        assert_eq!(stage.ask(chat("sk-user")).await.status, 200);
    });
}

#[test]
fn scopes_above_a_key_hold_and_say_which() {
    play(async || {
        let fake = FakeProvider::start().await;
        fake.always(Reply::chat("Hi."));
        let tenant = r#"{"without":["tools","streaming","images"],"routes":["chat"]}"#;
        let team = r#"{"require":["ticket"],"tags":{"env":"test"}}"#;
        let all = vec![
            ("sk-one", held("key_1", tenant, "{}", "{}")),
            ("sk-tagged", held("key_2", "{}", team, "{}")),
            (
                "sk-far",
                held("key_3", r#"{"networks":["192.0.2.0/24"]}"#, "{}", "{}"),
            ),
            (
                "sk-near",
                held("key_4", r#"{"networks":["127.0.0.0/8"]}"#, "{}", "{}"),
            ),
        ];
        let stage = Stage::open(with(&fake, all));
        let tools = r#"{"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"hi"}]}"#;
        let image = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}"#;
        let stream = BODY.replace("\"model\"", "\"stream\":true,\"model\"");
        for (body, field) in [
            (tools, "tools"),
            (image, "messages"),
            (stream.as_str(), "stream"),
        ] {
            let answer = stage.ask(sees("sk-one", body)).await;
            assert_eq!(answer.refusal(403), "feature_not_allowed");
            assert_eq!(answer.json()["error"]["param"], field);
        }
        let embedding =
            Ask::to("POST", "/v1/embeddings", r#"{"model":"m","input":"x"}"#).key("sk-one");
        assert_eq!(stage.ask(embedding).await.refusal(403), "route_not_allowed");
        assert_eq!(stage.ask(chat("sk-one")).await.status, 200);
        let untagged = stage.ask(chat("sk-tagged")).await;
        assert_eq!(untagged.refusal(400), "missing_tag");
        assert!(untagged.text().contains("`ticket`"), "{}", untagged.text());
        let tagged = chat("sk-tagged").with("x-portcullis-tags", "ticket=7");
        assert_eq!(stage.ask(tagged).await.status, 200);
        let broken = chat("sk-tagged").with("x-portcullis-tags", "ticket");
        assert_eq!(stage.ask(broken).await.refusal(400), "invalid_header");
        assert_eq!(
            stage.ask(chat("sk-far")).await.refusal(403),
            "address_not_allowed"
        );
        assert_eq!(stage.ask(chat("sk-near")).await.status, 200);
    });
}

#[test]
fn a_retry_that_the_budget_does_not_pay_is_not_sent() {
    play(async || {
        let fake = FakeProvider::start().await;
        // It says nothing that could be told from an answer that was begun.
        fake.always(Reply::json("{").truncate_after(1));
        let budget = r#"{"budgets":[{"usd":"0.00025","per":"month"}]}"#;
        let all = vec![
            ("sk-one", held("key_1", budget, "{}", "{}")),
            ("sk-rich", held("key_2", "{}", "{}", "{}")),
        ];
        let stage = Stage::open(with(&fake, all));
        stage.ask(chat("sk-rich")).await;
        let tries = fake.count();
        assert!(tries > 1, "it is retried");
        stage.ask(chat("sk-one")).await;
        assert_eq!(fake.count(), tries + 1);
    });
}
