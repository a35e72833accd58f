//! What a key may use, and how long a prompt is: answers without an upstream.

use std::rc::Rc;

use bytes::Bytes;
use dialects::json::{Object, object};
use dialects::openai;
use domain::canon::Dialect;
use domain::principal::Principal;
use domain::record::Outcome;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

use super::{AnswerBody, Served, headers};
use crate::accept::Accepted;
use crate::admit::Known;
use crate::plane::Plane;
use crate::settle::Refused;

/// The tokens of a prompt by the gateway's own count; nothing is asked.
///
/// # Errors
/// The key may not use this model, or there is none of this name.
pub fn count(snapshot: &Snapshot, accepted: Accepted) -> Result<Served, Refused> {
    let (principal, name) = (&accepted.principal, &accepted.view.model);
    let may_use = |name: &str| principal.may_use(name);
    let model = snapshot
        .resolve(name)
        .filter(|model| may_use(name) || may_use(model.name.as_str()));
    if model.is_none() {
        let refusal = Refusal::new(Reason::UnknownModel, "This model does not exist here.");
        return Err(Refused::new(accepted.ticket, refusal.at("model")));
    }
    let tokens = accepted.ticket.meter.prompt_estimate;
    let dialect = accepted.foreign.map(|foreign| foreign.codec.dialect);
    let body = object(|o| {
        let field = match dialect {
            Some(Dialect::Gemini) => "totalTokens",
            _ => "input_tokens",
        };
        if dialect == Some(Dialect::Responses) {
            o.string("object", "response.input_tokens");
        }
        o.number(field, tokens);
    });
    let mut served = Served::new(AnswerBody::whole(body)).of_type("application/json");
    headers::id(&mut served.fields, accepted.ticket.id());
    accepted.ticket.settle(Outcome::Complete, 200);
    Ok(served)
}

/// `GET /v1/models` and `/v1/models/{id}`: what this key may use.
///
/// # Errors
/// 404 for a model that does not exist or that the key may not use.
pub fn models(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    known: &Known,
    which: Option<&str>,
) -> Result<Served, Refused> {
    let principal = &known.principal;
    let body = match which {
        Some(name) => {
            let model = snapshot
                .resolve(name)
                .filter(|m| principal.may_use(name) || principal.may_use(m.name.as_str()));
            let Some(model) = model else {
                return Err(
                    Refusal::new(Reason::UnknownModel, "This model does not exist here.")
                        .at("model")
                        .into(),
                );
            };
            let rows = [(name.to_owned(), model.owned_by.clone())];
            body_of(known.head.dialect, &rows, Listed::One)
        }
        None => {
            let mut names: Vec<(String, String)> = snapshot
                .listed(|name| principal.may_use(name))
                .into_iter()
                .map(|m| (m.name.to_string(), m.owned_by.clone()))
                .chain(aliases(snapshot, principal))
                .collect();
            names.sort();
            body_of(known.head.dialect, &names, Listed::All)
        }
    };
    let mut served = Served::new(AnswerBody::whole(body)).of_type("application/json");
    headers::id(&mut served.fields, plane.next_ticket());
    Ok(served)
}

/// Whether a list was asked for, or one of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    All,
    One,
}

/// Names and owners, as the dialect lists models.
fn body_of(dialect: Dialect, rows: &[(String, String)], listed: Listed) -> Bytes {
    let write = match dialect {
        Dialect::Anthropic => anthropic,
        Dialect::Gemini => gemini,
        // Nobody asks in those that only providers speak.
        _ => {
            return match (listed, rows) {
                (Listed::One, [(name, owner)]) => openai::model_body(name, owner, 0),
                _ => {
                    let rows = rows.iter().map(|(name, owner)| (&**name, &**owner, 0));
                    openai::models_body(&rows.collect::<Vec<_>>())
                }
            };
        }
    };
    let body = match (listed, rows) {
        (Listed::One, [(name, _)]) => object(|o| write(o, name)),
        _ => object(|o| {
            let list = if dialect == Dialect::Gemini {
                "models"
            } else {
                "data"
            };
            o.array(list, |a| {
                for (name, _) in rows {
                    a.object(|o| write(o, name));
                }
            });
            if dialect == Dialect::Anthropic {
                o.bool("has_more", false);
                for (field, row) in [("first_id", rows.first()), ("last_id", rows.last())] {
                    match row {
                        Some((name, _)) => o.string(field, name),
                        None => o.null(field),
                    };
                }
            }
        }),
    };
    body.into()
}

fn anthropic(o: &mut Object<'_>, name: &str) {
    o.string("type", "model")
        .string("id", name)
        .string("display_name", name)
        .string("created_at", "1970-01-01T00:00:00Z");
}

fn gemini(o: &mut Object<'_>, name: &str) {
    o.string("name", &format!("models/{name}"))
        .string("displayName", name)
        .array("supportedGenerationMethods", |a| {
            a.string("generateContent")
                .string("streamGenerateContent")
                .string("countTokens");
        });
}

/// The aliases that this key may use, with the owners of their models.
fn aliases(snapshot: &Snapshot, principal: &Principal) -> Vec<(String, String)> {
    let owner = |target| {
        let model = snapshot.models.get(target);
        model
            .map_or("portcullis", |m| m.owned_by.as_str())
            .to_owned()
    };
    let usable = snapshot
        .aliases
        .iter()
        .filter(|(alias, target)| principal.may_use(alias) || principal.may_use(target.as_str()));
    usable
        .map(|(alias, target)| (alias.clone(), owner(target)))
        .collect()
}
