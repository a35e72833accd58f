//! What a provider wants otherwise in every body: members that its path says
//! already, members that it demands, and members that stand for headers.

use bytes::{BufMut as _, Bytes, BytesMut};
use dialects::json::{Document, write_string};
use domain::model::{Known, Shape, stands_for};
use domain::refusal::{Reason, Refusal};
use http1::Fields;

/// Members of a body, and their JSON.
type Members = Vec<(String, String)>;

/// Those of a header's values that this model of the provider knows, in the
/// provider's words.
fn known<'a>(
    fields: &Fields,
    is_it: impl Fn(&[u8]) -> bool,
    (known, model): (&'a [Known], &str),
) -> Vec<&'a str> {
    let lines = fields.iter().filter(|(name, _)| is_it(name));
    let mut said: Vec<&str> = Vec::new();
    for value in lines.flat_map(|(_, line)| line.split(|byte| *byte == b',')) {
        let value = value.trim_ascii();
        let told = known.iter().find_map(|known| known.told(value, model));
        said.extend(told.filter(|it| !said.contains(it)));
    }
    said
}

/// The client's headers of which only some values may go to this model.
pub(super) fn headers(fields: &Fields, shape: &Shape, model: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (header, values) in &shape.headers {
        let said = known(fields, |name| name == header.as_bytes(), (values, model));
        if !said.is_empty() {
            out.push((header.clone(), said.join(",")));
        }
    }
    out
}

/// What the client's headers say that stands in the bodies for this model.
pub(super) fn listed(fields: &Fields, shape: &Shape, model: &str) -> Members {
    let mut out = Vec::new();
    for (member, values) in &shape.lists {
        let said = known(fields, |name| stands_for(member, name), (values, model));
        if said.is_empty() {
            continue;
        }
        let mut json = Vec::new();
        for value in said {
            json.push(if json.is_empty() { b'[' } else { b',' });
            write_string(&mut json, value);
        }
        json.push(b']');
        let text = String::from_utf8(json).unwrap_or_default();
        out.push((member.clone(), text));
    }
    out
}

/// The body as the provider wants it; `listed` are members that it has if it
/// does not say them itself.
///
/// # Errors
/// It is no object: a bug of whoever wrote it.
pub(super) fn shaped(
    parts: Vec<Bytes>,
    shape: &Shape,
    listed: &[(String, String)],
) -> Result<Vec<Bytes>, Refusal> {
    if shape.is_usual() {
        return Ok(parts);
    }
    let internal = || {
        let sentence = "The gateway failed to build the upstream request.";
        Refusal::new(Reason::Internal, sentence)
    };
    let document = Document::parse(parts.concat().into(), usize::MAX);
    let document = document.map_err(|error| internal().because(error))?;
    let (root, body) = (document.root(), document.bytes());
    let mut out = vec![Bytes::from_static(b"{")];
    for (name, key, value) in root.entries() {
        if shape.omit.iter().any(|omitted| *omitted == name) {
            continue;
        }
        if out.len() > 1 {
            out.push(Bytes::from_static(b","));
        }
        let (start, end) = (key.start as usize, value.span().end as usize);
        out.push(body.slice(start..end));
    }
    for (name, value) in shape.set.iter().chain(listed) {
        if root.get(name).is_some() {
            continue;
        }
        let mut member = Vec::new();
        write_string(&mut member, name);
        let mut text = BytesMut::with_capacity(member.len() + value.len() + 2);
        if out.len() > 1 {
            text.put_u8(b',');
        }
        text.put_slice(&member);
        text.put_u8(b':');
        text.put_slice(value.as_bytes());
        out.push(text.freeze());
    }
    out.push(Bytes::from_static(b"}"));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &'static str, omit: &[&str], set: &[(&str, &str)]) -> String {
        let shape = Shape {
            omit: omit.iter().map(|name| (*name).to_owned()).collect(),
            set: set
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Shape::default()
        };
        let parts = shaped(vec![Bytes::from_static(body.as_bytes())], &shape, &[]);
        String::from_utf8(parts.expect("an object").concat()).expect("text")
    }

    #[test]
    fn members_go_and_come_and_all_others_are_the_same_bytes() {
        let body = r#"{"model":"m", "max_tokens" : 5 ,"stream":true,"x":{"model":1}}"#;
        assert_eq!(
            told(body, &["model", "stream"], &[("version", r#""1""#)]),
            r#"{"max_tokens" : 5,"x":{"model":1},"version":"1"}"#
        );
        assert_eq!(told(r#"{"a":1}"#, &["a"], &[("b", "2")]), r#"{"b":2}"#);
        assert_eq!(told(r#"{"b":1}"#, &[], &[("b", "2")]), r#"{"b":1}"#);
        assert_eq!(told("{}", &["a"], &[]), "{}");
    }

    fn only_some() -> [Known; 2] {
        [
            Known {
                value: "search-all".to_owned(),
                told: Some("search".to_owned()),
                models: testkit::scene::models(&["*-4*", "*-5*"]),
            },
            Known {
                value: "search".to_owned(),
                ..Known::default()
            },
        ]
    }

    #[test]
    fn a_header_keeps_the_values_that_the_model_knows_in_the_providers_words() {
        let shape = Shape {
            headers: vec![("a-beta".to_owned(), only_some().to_vec())],
            ..Shape::default()
        };
        let mut fields = Fields::with_room(4, 64);
        fields.add("a-beta", "search-all,other");
        let told = |fields: &Fields, model: &str| {
            let headers = headers(fields, &shape, model);
            headers.into_iter().next().map(|(_, value)| value)
        };
        assert_eq!(told(&fields, "eu.m-4-1"), Some("search".to_owned()));
        assert_eq!(told(&fields, "m-3"), None);
        fields.add("a-beta", "search");
        assert_eq!(told(&fields, "m-5"), Some("search".to_owned()));
        assert!(shape.says(b"a-beta") && shape.is_usual());
    }

    #[test]
    fn values_of_headers_become_lists_as_far_as_they_are_known() {
        let known = ["b-1", "b-2", "b-3"].map(|value| Known {
            value: value.to_owned(),
            ..Known::default()
        });
        let shape = Shape {
            lists: vec![("the_beta".to_owned(), known.to_vec())],
            ..Shape::default()
        };
        let mut fields = Fields::with_room(4, 64);
        fields.add("the-beta", "b-3, b-9 ,b-1");
        fields.add("other", "b-2");
        assert_eq!(
            listed(&fields, &shape, "m"),
            [].into_iter()
                .chain([("the_beta".to_owned(), r#"["b-3","b-1"]"#.to_owned())])
                .collect::<Vec<_>>()
        );
        fields.set("the-beta", "b-9");
        assert_eq!(listed(&fields, &shape, "m"), []);
        let own = Bytes::from_static(br#"{"the_beta":["own"]}"#);
        let members = [("the_beta".to_owned(), "[]".to_owned())];
        let parts = shaped(vec![own.clone()], &shape, &members).expect("an object");
        assert_eq!(parts.concat(), own);
        let parts = shaped(vec![Bytes::from_static(b"{}")], &shape, &members);
        assert_eq!(parts.expect("an object").concat(), br#"{"the_beta":[]}"#);
    }
}
