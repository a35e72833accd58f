//! What a key may use: answers without an upstream.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use dialects::json::{Object, object};
use dialects::openai;
use domain::ability::{Ability, Mode};
use domain::canon::Dialect;
use domain::model::Model;
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Snapshot;

use super::cut::{Cut, HasMore};
use super::released::{self, date};
use super::{AnswerBody, Served, headers};
use crate::accept::Listing;
use crate::admit::Known;
use crate::plane::Plane;
use crate::settle::Refused;

/// `GET /v1/models` and `/v1/models/{id}`: what this key may use.
///
/// # Errors
/// 404 for a model that does not exist or that the key may not use, 400 for a page
/// that cannot be.
pub fn models(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    known: &Known,
    listing: &Listing,
) -> Result<Served, Refused> {
    let principal = &known.principal;
    let body = match listing.name.as_deref() {
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
            let rows = [Row {
                name: name.to_owned(),
                model: Some(model),
            }];
            body_of(known.head.dialect, &rows, Listed::One)
        }
        None => {
            let listed = snapshot.listed(|name| principal.may_use(name));
            let models = listed.into_iter().map(|model| Row {
                name: model.name.to_string(),
                model: Some(Arc::clone(model)),
            });
            let mut rows: Vec<Row> = models.chain(aliases(snapshot, principal)).collect();
            rows.sort_by(|a, b| a.name.cmp(&b.name));
            let dialect = known.head.dialect;
            let cut = Cut::of(dialect, &listing.query)?.applied(rows, |row| &row.name);
            body_of(dialect, &cut.rows, Listed::All(cut.has_more))
        }
    };
    let mut served = Served::new(AnswerBody::whole(body)).of_type("application/json");
    headers::id(&mut served.fields, plane.next_ticket());
    Ok(served)
}

/// Whether a list was asked for, or one of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// A page of it, and whether there are more.
    All(HasMore),
    One,
}

/// A name, and what it stands for.
struct Row {
    name: String,
    /// Nothing where an alias leads nowhere.
    model: Option<Arc<Model>>,
}

impl Row {
    fn owner(&self) -> &str {
        let model = self.model.as_ref();
        model.map_or("portcullis", |model| model.owned_by.as_str())
    }

    fn context(&self) -> Option<u64> {
        self.model.as_ref()?.context()
    }

    /// When the model came out, in seconds since 1970, as far as its name says
    /// it; nobody else knows, and 0 is what clients take for that.
    fn released(&self) -> i64 {
        let deployments = self.model.iter().flat_map(|model| &model.deployments);
        let mut names = deployments.map(|one| one.upstream_model.as_str());
        let named = names.find_map(released::of);
        named.or_else(|| released::of(&self.name)).unwrap_or(0)
    }

    fn max_output(&self) -> Option<u64> {
        self.model.as_ref()?.max_output
    }
}

/// Models, as the dialect lists them.
fn body_of(dialect: Dialect, rows: &[Row], listed: Listed) -> Bytes {
    let write = match dialect {
        Dialect::Anthropic => anthropic,
        Dialect::Gemini => gemini,
        // Nobody asks in those that only providers speak.
        _ => {
            return match (listed, rows) {
                (Listed::One, [row]) => openai::model_body(&row.name, row.owner(), row.released()),
                _ => {
                    let rows = rows.iter();
                    let rows = rows.map(|row| (&*row.name, row.owner(), row.released()));
                    openai::models_body(&rows.collect::<Vec<_>>())
                }
            };
        }
    };
    let body = match (listed, rows) {
        (Listed::One, [row]) => object(|o| write(o, row)),
        (listed, _) => object(|o| {
            let has_more = listed == Listed::All(HasMore::Yes);
            let list = if dialect == Dialect::Gemini {
                "models"
            } else {
                "data"
            };
            o.array(list, |a| {
                for row in rows {
                    a.object(|o| write(o, row));
                }
            });
            if dialect == Dialect::Anthropic {
                o.bool("has_more", has_more);
                for (field, row) in [("first_id", rows.first()), ("last_id", rows.last())] {
                    match row {
                        Some(row) => o.string(field, &row.name),
                        None => o.null(field),
                    };
                }
            } else if let Some(last) = rows.last().filter(|_| has_more) {
                o.string("nextPageToken", &last.name);
            }
        }),
    };
    body.into()
}

fn anthropic(o: &mut Object<'_>, row: &Row) {
    o.string("type", "model")
        .string("id", &row.name)
        .string("display_name", &row.name)
        .string("created_at", &date(row.released()));
    let limits = [
        ("max_input_tokens", row.context()),
        ("max_tokens", row.max_output()),
    ];
    for (field, limit) in limits {
        match limit {
            Some(limit) => o.number(field, limit),
            None => o.null(field),
        };
    }
}

fn gemini(o: &mut Object<'_>, row: &Row) {
    o.string("name", &format!("models/{}", row.name))
        .string("displayName", &row.name);
    if let Some(context) = row.context() {
        o.number("inputTokenLimit", context);
    }
    if let Some(most) = row.max_output() {
        o.number("outputTokenLimit", most);
    }
    let model = row.model.as_ref();
    let methods: &[&str] = match model.map(|model| model.mode()) {
        Some(Mode::Embedding) => &["embedContent", "batchEmbedContents"],
        _ => &["generateContent", "streamGenerateContent", "countTokens"],
    };
    o.array("supportedGenerationMethods", |a| {
        for method in methods {
            a.string(method);
        }
    });
    if model.is_some_and(|model| model.can(Ability::Reasoning)) {
        o.bool("thinking", true);
    }
}

/// The aliases that this key may use, with their models.
fn aliases(snapshot: &Snapshot, principal: &Principal) -> Vec<Row> {
    let usable = snapshot
        .aliases
        .iter()
        .filter(|(alias, target)| principal.may_use(alias) || principal.may_use(target.as_str()));
    usable
        .map(|(alias, target)| Row {
            name: alias.clone(),
            model: snapshot.models.get(target).cloned(),
        })
        .collect()
}
