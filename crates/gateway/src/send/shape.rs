//! What a provider wants otherwise in every body: members that its path says
//! already, and members that it demands.

use bytes::{BufMut as _, Bytes, BytesMut};
use dialects::json::{Document, write_string};
use domain::model::Shape;
use domain::refusal::{Reason, Refusal};

/// The body as the provider wants it.
///
/// # Errors
/// It is no object: a bug of whoever wrote it.
pub(super) fn shaped(parts: Vec<Bytes>, shape: &Shape) -> Result<Vec<Bytes>, Refusal> {
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
    for (name, value) in &shape.set {
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
        };
        let parts = shaped(vec![Bytes::from_static(body.as_bytes())], &shape);
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
}
