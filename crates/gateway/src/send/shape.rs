//! What a provider wants otherwise in every body: members that its path says
//! already, members that it demands, and members that stand for headers.

use bytes::{BufMut as _, Bytes, BytesMut};
use dialects::json::{Document, write_string};
use domain::model::{Shape, stands_for};
use domain::refusal::{Reason, Refusal};
use http1::Fields;

/// Members of a body, and their JSON.
type Members = Vec<(String, String)>;

/// What the client's headers say that stands in the provider's bodies.
pub(super) fn listed(fields: &Fields, shape: &Shape) -> Members {
    let mut out = Vec::new();
    for (member, values) in &shape.lists {
        let all = fields.iter().filter(|(name, _)| stands_for(member, name));
        let mut said: Vec<&str> = Vec::new();
        for value in all.flat_map(|(_, line)| line.split(|byte| *byte == b',')) {
            let value = value.trim_ascii();
            let known = values.iter().find(|known| known.as_bytes() == value);
            said.extend(known.map(String::as_str).filter(|it| !said.contains(it)));
        }
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
            lists: Vec::new(),
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
    #[test]
    fn values_of_headers_become_lists_as_far_as_they_are_known() {
        let known = ["b-1", "b-2", "b-3"].map(str::to_owned).to_vec();
        let shape = Shape {
            lists: vec![("the_beta".to_owned(), known)],
            ..Shape::default()
        };
        let mut fields = Fields::with_room(4, 64);
        fields.add("the-beta", "b-3, b-9 ,b-1");
        fields.add("other", "b-2");
        assert_eq!(
            listed(&fields, &shape),
            [].into_iter()
                .chain([("the_beta".to_owned(), r#"["b-3","b-1"]"#.to_owned())])
                .collect::<Vec<_>>()
        );
        fields.set("the-beta", "b-9");
        assert_eq!(listed(&fields, &shape), []);
        let own = Bytes::from_static(br#"{"the_beta":["own"]}"#);
        let members = [("the_beta".to_owned(), "[]".to_owned())];
        let parts = shaped(vec![own.clone()], &shape, &members).expect("an object");
        assert_eq!(parts.concat(), own);
        let parts = shaped(vec![Bytes::from_static(b"{}")], &shape, &members);
        assert_eq!(parts.expect("an object").concat(), br#"{"the_beta":[]}"#);
    }
}
