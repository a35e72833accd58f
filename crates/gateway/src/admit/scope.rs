//! May this key ask for this, and from here? Whatever is set above it holds too.

use std::net::IpAddr;
use std::sync::Arc;

use domain::ability::Ability;
use domain::network::Network;
use domain::principal::Principal;
use domain::refusal::{Reason, Refusal};
use domain::terms::{Feature, Route, tag};
use http1::Fields;

use crate::accept::Accepted;
use dialects::Operation;

/// Names the end user on whose behalf an application asks.
const END_USER: &str = "x-portcullis-user";
/// Names the session that a request is of.
const SESSION: &str = "x-portcullis-session";
/// Tags of a request: `ticket=4711, env=test`.
const TAGS: &str = "x-portcullis-tags";
/// The longest name of an end user or session, in bytes.
const LONGEST: usize = 256;

/// What an application says of a request, beside what it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The end user.
    pub end_user: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// Tags: the key's, and the request's own, by name.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// Whether the request has some of its own.
    pub is_tagged: bool,
}

/// Where a request came from: whoever is connected, or whom trusted proxies name.
pub(crate) fn address(
    peer: Option<IpAddr>,
    fields: &Fields,
    trusted: &[Network],
) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    let mut address = peer?.to_canonical();
    if trusted.is_empty() || !is_trusted(address) {
        return Some(address);
    }
    let lines: Vec<&str> = fields
        .all("x-forwarded-for")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .collect();
    for named in lines.iter().flat_map(|line| line.split(',')).rev() {
        // What cannot be read was put there by somebody before the last that is
        // trusted: it and all before it say nothing.
        let Ok(named) = named.trim().parse::<IpAddr>() else {
            break;
        };
        address = named.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    Some(address)
}

/// Refuses a key that may not be used from there.
pub(super) fn place(principal: &Principal, address: Option<IpAddr>) -> Result<(), Refusal> {
    match principal.may_come_from(address) {
        true => Ok(()),
        false => {
            let sentence = "This key may not be used from this address. Ask your gateway's \
                            operator which networks it is for.";
            let cause = address.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
            Err(Refusal::new(Reason::WrongNetwork, sentence).because(cause))
        }
    }
}

/// Refuses a kind of request that the key may not make.
pub(super) fn route(principal: &Principal, route: Route) -> Result<(), Refusal> {
    match principal.may_ask(route) {
        true => Ok(()),
        false => {
            let sentence = format!(
                "This key may make no requests of the kind `{}`.",
                route.as_str()
            );
            Err(Refusal::new(Reason::RouteForbidden, sentence))
        }
    }
}

/// The route of a request that is answered by a model.
pub(super) fn route_of(accepted: &Accepted) -> Route {
    if accepted.foreign.as_ref().is_some_and(|it| it.is_count) {
        return Route::CountTokens;
    }
    match accepted.operation {
        Operation::Chat => Route::Chat,
        Operation::Completion => Route::Completion,
        Operation::Embedding => Route::Embedding,
    }
}

/// Refuses what the key may not have.
pub(super) fn features(principal: &Principal, accepted: &Accepted) -> Result<(), Refusal> {
    if !principal.lacks_any() {
        return Ok(());
    }
    let view = &accepted.view;
    let asks = [
        (Feature::Streaming, view.stream, "stream"),
        (
            Feature::Tools,
            view.tools > 0 || view.asks.has(Ability::Tools),
            "tools",
        ),
        (Feature::Images, view.asks.has(Ability::Vision), "messages"),
    ];
    let found = asks
        .iter()
        .find(|(feature, asks, _)| *asks && !principal.may_have(*feature));
    let Some((feature, _, field)) = found else {
        return Ok(());
    };
    let sentence = format!(
        "This key may not use `{}`. Ask without it, or your gateway's operator for another key.",
        feature.as_str()
    );
    let refusal = Refusal::new(Reason::FeatureForbidden, sentence);
    Err(refusal.at(name_of(field, accepted)))
}

/// What the client calls a field.
pub(super) fn name_of(field: &str, accepted: &Accepted) -> String {
    let foreign = accepted.foreign.as_deref();
    foreign.map_or_else(|| field.to_owned(), |it| it.terms().name(field))
}

/// What the application says of the request.
///
/// # Errors
/// 400 for a tag that cannot be kept, or that is required and not there.
pub(super) fn said(principal: &Principal, accepted: &Accepted) -> Result<Said, Refusal> {
    let fields = &accepted.fields;
    let text = |name| fields.text(name).map(str::trim).filter(|it| !it.is_empty());
    let bounded = |text: &str| {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].to_owned()
    };
    let user = || {
        let root = accepted.document.root();
        let named = ["safety_identifier", "user"].into_iter();
        let mut named = named.filter_map(|name| root.get(name)?.str());
        named.find(|it| !it.is_empty()).map(|it| bounded(&it))
    };
    let mut said = Said {
        end_user: text(END_USER).map(bounded).or_else(user),
        session: text(SESSION).map(bounded),
        tags: principal.tags.clone(),
        is_tagged: false,
    };
    for one in fields.all(TAGS) {
        let line = std::str::from_utf8(one).map_err(|_| unreadable("it is not UTF-8"))?;
        for pair in line.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            add_tag(&mut said.tags, pair)?;
            said.is_tagged = true;
        }
    }
    for name in &principal.require {
        if !said.tags.iter().any(|(its, _)| **its == **name) {
            let sentence = format!(
                "Requests with this key must carry the tag `{name}`. Send it as `{TAGS}: {name}=…`."
            );
            return Err(Refusal::new(Reason::MissingTag, sentence).at(TAGS));
        }
    }
    Ok(said)
}

fn add_tag(tags: &mut Vec<(Arc<str>, Arc<str>)>, pair: &str) -> Result<(), Refusal> {
    let Some((name, value)) = pair.split_once('=') else {
        return Err(unreadable("write it like `ticket=4711, env=test`"));
    };
    let (name, value) = (name.trim(), value.trim());
    tag(name, value).map_err(|what| unreadable(&what))?;
    tags.retain(|(its, _)| **its != *name);
    if tags.len() >= domain::terms::MOST_TAGS {
        return Err(unreadable("there are too many tags"));
    }
    tags.push((name.into(), value.into()));
    Ok(())
}

fn unreadable(what: &str) -> Refusal {
    let sentence = format!("The header `{TAGS}` cannot be read: {what}.");
    Refusal::new(Reason::BadHeader, sentence).at(TAGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut fields = Fields::default();
        for line in forwarded {
            fields.add("x-forwarded-for", line);
        }
        let trusted: Vec<Network> = trusted.iter().map(|it| it.parse().expect(it)).collect();
        let found = address(peer.parse().ok(), &fields, &trusted);
        found.map(|it| it.to_string()).unwrap_or_default()
    }

    #[test]
    fn only_trusted_proxies_say_where_a_request_came_from() {
        let proxies = &["10.0.0.0/8", "192.0.2.1"];
        assert_eq!(
            from("203.0.113.5", &["198.51.100.1"], proxies),
            "203.0.113.5"
        );
        assert_eq!(from("10.0.0.1", &["198.51.100.1"], &[]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["198.51.100.1"], proxies), "198.51.100.1");
        assert_eq!(
            from("10.0.0.1", &["6.6.6.6, 198.51.100.1", "192.0.2.1"], proxies),
            "198.51.100.1"
        );
        assert_eq!(
            from("10.0.0.1", &["6.6.6.6, unknown, 10.0.0.2"], proxies),
            "10.0.0.2"
        );
        assert_eq!(
            from("::ffff:10.0.0.1", &["2001:db8::7"], proxies),
            "2001:db8::7"
        );
        assert_eq!(from("", &["198.51.100.1"], proxies), "");
    }
}
