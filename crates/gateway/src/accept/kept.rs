//! Answers that the gateway keeps: what a path and its query ask about one.

use dialects::responses::kept::{Order, Page};
use domain::refusal::{Reason, Refusal};
use http::Method;

use super::route::Target;
use super::segment::decoded;

/// An answer that the gateway keeps, and what of it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub about: About,
}

/// What is asked about a kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The answer itself.
    Answer,
    /// The answer as a stream, behind the event of this number.
    Replay(Option<u64>),
    /// What it answered.
    Items(Page),
    /// That it be forgotten.
    Forget,
    /// That it be stopped.
    Cancel,
}

/// What a path asks about an answer.
///
/// # Errors
/// There is no such thing to ask.
pub(super) fn at(path: &str) -> Result<(Method, Target), Refusal> {
    let mut parts = path.trim_start_matches("/responses/").splitn(2, '/');
    let id = decoded(parts.next().unwrap_or_default())?;
    let (method, about) = match parts.next() {
        None if !id.is_empty() => (Method::GET, About::Answer),
        Some("input_items") => (Method::GET, About::Items(Page::default())),
        Some("cancel") => (Method::POST, About::Cancel),
        _ => {
            let sentence = "There is nothing at this path. Use /v1/responses, \
                            /v1/responses/{id}, its /input_items or /cancel, or \
                            /v1/responses/input_tokens.";
            return Err(Refusal::new(Reason::UnknownRoute, sentence));
        }
    };
    Ok((method, Target::Kept(Kept { id, about })))
}

/// Items that a page has at most.
const LONGEST_PAGE: usize = 100;

impl About {
    /// Takes what a query says.
    ///
    /// # Errors
    /// A value makes no sense.
    pub(super) fn say(&mut self, query: &str) -> Result<(), Refusal> {
        let all = || query.split('&').filter_map(|part| part.split_once('='));
        let said = |name: &str| {
            let found = all().find(|(key, _)| *key == name);
            found.map(|(_, value)| decoded(value)).transpose()
        };
        match self {
            Self::Answer if said("stream")?.as_deref() == Some("true") => {
                let after = said("starting_after")?;
                let after = after.map(|number| number.parse());
                let after = after.transpose();
                let number = || wrong("starting_after", "the number of an event");
                *self = Self::Replay(after.map_err(|_| number())?);
            }
            Self::Items(page) => {
                page.order = match said("order")?.as_deref() {
                    None => page.order,
                    Some("asc") => Order::Rising,
                    Some("desc") => Order::Falling,
                    Some(_) => return Err(wrong("order", "`asc` or `desc`")),
                };
                if let Some(limit) = said("limit")? {
                    let limit = limit.parse().ok();
                    let limit = limit.filter(|limit| (1..=LONGEST_PAGE).contains(limit));
                    let number = || wrong("limit", "a whole number from 1 to 100");
                    page.limit = limit.ok_or_else(number)?;
                }
                page.after = said("after")?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn wrong(name: &str, wanted: &str) -> Refusal {
    let sentence = format!("The query's `{name}` is to be {wanted}.");
    Refusal::new(Reason::BadField, sentence).at(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(query: &str) -> Result<Page, Refusal> {
        let mut about = About::Items(Page::default());
        about.say(query)?;
        let About::Items(page) = about else {
            panic!("items");
        };
        Ok(page)
    }

    #[test]
    fn its_items_are_paged_through() {
        let page = items("order=asc&limit=100&after=msg%5F1&include=x").expect("a page");
        assert_eq!((page.order, page.limit), (Order::Rising, 100));
        assert_eq!(page.after.as_deref(), Some("msg_1"));
        assert_eq!(items("order=desc").expect("a page").order, Order::Falling);
    }

    #[test]
    fn what_a_query_says_wrong_is_named() {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=many", "limit"),
            ("order=up", "order"),
        ] {
            let refusal = items(query).expect_err(query);
            assert_eq!(refusal.param.as_deref(), Some(field), "{query}");
        }
        let refusal = About::Answer.say("stream=true&starting_after=x");
        assert!(refusal.is_err() && About::Answer.say("stream=false").is_ok());
    }

    #[test]
    fn there_is_nothing_else_to_ask() {
        assert!(at("/responses/resp_1/other").is_err());
        assert!(at("/responses/").is_err());
    }
}
