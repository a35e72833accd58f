//! How long a prompt is, in the client's dialect.

use dialects::json::object;
use domain::canon::Dialect;
use domain::record::Outcome;

use super::{AnswerBody, Served, headers};
use crate::send::Counted;

/// Answers with the tokens of a prompt, and says who counted them.
#[must_use]
pub fn count(counted: Counted) -> Served {
    let body = object(|o| {
        let field = match counted.dialect {
            Some(Dialect::Gemini) => "totalTokens",
            _ => "input_tokens",
        };
        if counted.dialect == Some(Dialect::Responses) {
            o.string("object", "response.input_tokens");
        }
        o.number(field, counted.tokens);
    });
    let mut served = Served::new(AnswerBody::whole(body)).of_type("application/json");
    headers::id(&mut served.fields, counted.ticket.id());
    headers::counted(&mut served.fields, counted.by);
    counted.ticket.settle(Outcome::Complete, 200);
    served
}
