//! People of LiteLLM's, as their tables have them.

use super::*;

fn tables() -> Tables {
    HashMap::from([
        (
            ORGANISATIONS,
            vec![
                json!({"organization_id": "o1", "organization_alias": "Acme, Inc.", "budget_id": "b1",
                "models": [], "spend": 3.5}),
            ],
        ),
        (
            TEAMS,
            vec![
                json!({"team_id": "t1", "team_alias": "research", "organization_id": "o1",
                "models": ["gpt-4o", "openai/*"], "tpm_limit": 1000, "rpm_limit": null,
                "max_budget": 100.0, "spend": 12.25, "budget_duration": "30d",
                "budget_reset_at": "2026-12-01T00:00:00", "blocked": false,
                "model_max_budget": {"gpt-4o": 5}}),
            ],
        ),
        (
            USERS,
            vec![
                json!({"user_id": "u1", "user_email": "ana@example.com", "models": ["no-default-models"],
                "max_budget": 1.0, "spend": 0.0, "budget_duration": "10d"}),
            ],
        ),
        (
            KEYS,
            vec![
                json!({"token": "ab".repeat(32), "key_alias": "bot", "team_id": "t1", "user_id": "u1",
                    "models": ["all-team-models"], "max_parallel_requests": 3, "blocked": true,
                    "expires": "2027-01-01T00:00:00+00:00", "spend": 1e-9, "max_budget": 2}),
                json!({"token": "sk-not-hashed", "key_name": "sk-...shed"}),
                json!({"token": "00".repeat(32), "user_id": "u1"}),
            ],
        ),
        (
            BUDGETS,
            vec![json!({"budget_id": "b1", "max_budget": 50, "rpm_limit": 7})],
        ),
    ])
}

#[test]
fn people_come_with_their_limits_and_what_is_spent_of_their_budgets() {
    let people = People::of(&tables()).expect("LiteLLM's");
    let terms = |at: usize| serde_json::to_value(&people.parties[at].terms).expect("JSON");
    let names: Vec<_> = people
        .parties
        .iter()
        .map(|it| (it.level.as_str(), &*it.name))
        .collect();
    assert_eq!(
        names,
        [
            ("tenant", "Acme- Inc."),
            ("team", "research"),
            ("user", "ana-example.com")
        ]
    );
    assert_eq!(
        terms(0)["limits"],
        json!([{"requests": 7, "per": "minute"}])
    );
    assert_eq!(
        terms(0)["budgets"],
        json!([{"usd": "50", "per": "ever", "calendar": "UTC", "already": {"usd": "3.5"}}])
    );
    assert_eq!(
        people.parties[1].parent.as_deref(),
        Some("litellm/organization/o1")
    );
    assert_eq!(terms(1)["models"], json!(["gpt-4o", "openai/*"]));
    assert_eq!(
        terms(1)["budgets"],
        json!([{"usd": "100", "per": "month", "calendar": "UTC",
            "already": {"usd": "12.25", "until": "2026-12-01T00:00:00Z"}}])
    );
    assert_eq!(terms(2)["models"], json!([]));
    assert_eq!(terms(2)["budgets"], json!([{"usd": "1", "per": "10d"}]));
    let notes = people.notes.join("\n");
    assert!(
        notes.contains("model_max_budget") && notes.contains("10d"),
        "{notes}"
    );
}

#[test]
fn keys_come_by_their_hashes_and_what_is_none_is_told() {
    let people = People::of(&tables()).expect("LiteLLM's");
    let [bot, other] = &people.keys[..] else {
        panic!("{:?}", people.keys)
    };
    assert_eq!(
        (bot.sha256, &*bot.name, bot.is_revoked),
        ([0xab; 32], "bot", true)
    );
    assert_eq!(bot.owner.as_deref(), Some("litellm/team/t1"));
    assert_eq!(bot.terms.tags["user"], "u1");
    assert_eq!(
        (bot.terms.models.clone(), bot.terms.limits.len()),
        (None, 1)
    );
    assert_eq!(bot.expires, Some(UnixMicros(1_798_761_600_000_000)));
    assert_eq!(other.owner.as_deref(), Some("litellm/user/u1"));
    let notes = people.notes.join("\n");
    assert!(
        notes.contains("SHA-256") && !notes.contains("sk-not-hashed"),
        "{notes}"
    );
    let told = people.told();
    assert!(
        told.contains("research") && !told.contains("abab"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_held_lets_nobody_in() {
    let key = |more: Value| {
        let mut row = json!({"token": "11".repeat(32), "key_alias": "k", "models": []});
        row.as_object_mut()
            .expect("a row")
            .extend(more.as_object().expect("more").clone());
        let people = People::of(&HashMap::from([(KEYS, vec![row])])).expect("LiteLLM's");
        (people.keys[0].terms.clone(), people.notes.join("\n"))
    };
    let (weeks, _) = key(json!({"max_budget": 5, "budget_duration": "2w", "spend": 1}));
    assert_eq!(
        serde_json::to_value(&weeks.budgets).expect("JSON"),
        json!([{"usd": "5", "per": "14d"}])
    );
    for wrong in [
        json!({"rpm_limit": 0}),
        json!({"max_budget": 5, "budget_duration": "soon"}),
    ] {
        let (terms, notes) = key(wrong);
        assert_eq!(terms.models, Some(Vec::new()), "{notes}");
        assert!(notes.contains("may use no model"), "{notes}");
    }
}

#[test]
fn another_database_is_told_from_theirs() {
    assert!(People::of(&Tables::new()).is_err());
}
