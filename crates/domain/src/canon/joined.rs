//! Log probabilities that came in pieces, put together.

use super::Json;

/// These objects as one: lists under the same name are one list, in their
/// order; of anything else the last counts that is not null.
pub(super) fn joined(pieces: &[Json]) -> Option<Json> {
    let [first, others @ ..] = pieces else {
        return None;
    };
    if others.is_empty() {
        return Some(first.clone());
    }
    let mut all: Vec<(&str, String)> = Vec::new();
    for (name, value) in pieces.iter().flat_map(members) {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) => add(before, value),
            None => all.push((name, value.to_owned())),
        }
    }
    let all: Vec<String> = all
        .iter()
        .map(|(name, value)| format!("{name}:{value}"))
        .collect();
    Some(Json::trusted(format!("{{{}}}", all.join(","))))
}

fn add(before: &mut String, more: &str) {
    let within = |list: &str| -> Option<String> {
        let inner = list.strip_prefix('[')?.strip_suffix(']')?;
        Some(inner.trim().to_owned())
    };
    match (within(before), within(more)) {
        (Some(_), Some(new)) if new.is_empty() => {}
        (Some(old), Some(new)) if old.is_empty() => *before = format!("[{new}]"),
        (Some(_), Some(new)) => {
            before.pop();
            before.push(',');
            before.push_str(&new);
            before.push(']');
        }
        _ if more == "null" => {}
        _ => more.clone_into(before),
    }
}

/// The members of an object: names with their quotes, and values as they are.
/// None of anything else.
fn members(object: &Json) -> Vec<(&str, &str)> {
    let text = object.as_str().trim();
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    let Some(inner) = inner else {
        return Vec::new();
    };
    let pair = |(start, end): (usize, usize)| {
        let member = inner.get(start..end)?;
        let colon = marks(member, b':').next()?;
        let (name, value) = member.split_at_checked(colon)?;
        Some((name.trim(), value.get(1..)?.trim()))
    };
    let ends = marks(inner, b',').chain([inner.len()]);
    let mut start = 0;
    let spans = ends.map(|end| (std::mem::replace(&mut start, end + 1), end));
    spans.filter_map(pair).collect()
}

/// Where this mark stands outside of strings and of inner values.
fn marks(text: &str, mark: u8) -> impl Iterator<Item = usize> + '_ {
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            return None;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (byte == mark && depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&str]) -> Option<String> {
        let pieces: Vec<Json> = pieces.iter().map(|piece| Json::trusted(*piece)).collect();
        joined(&pieces).map(|json| json.as_str().to_owned())
    }

    #[test]
    fn lists_of_the_same_name_become_one() {
        let all = of(&[
            r#"{"content":[{"token":"a,\"]}"}],"refusal":null}"#,
            r#"{"content": [ ], "refusal": null}"#,
            r#"{ "content": [{"token":"b","top_logprobs":[1,{"x":2}]}] , "refusal":[3]}"#,
        ]);
        let expected = r#"{"content":[{"token":"a,\"]}"},{"token":"b","top_logprobs":[1,{"x":2}]}],"refusal":[3]}"#;
        assert_eq!(all.as_deref(), Some(expected));
    }

    #[test]
    fn one_piece_stays_as_it_was() {
        let piece = r#"{ "content" : null }"#;
        assert_eq!(of(&[piece]).as_deref(), Some(piece));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn what_is_no_object_adds_nothing() {
        assert_eq!(
            of(&["null", r#"{"content":[1]}"#]).as_deref(),
            Some(r#"{"content":[1]}"#)
        );
        assert_eq!(of(&["{}", "{}"]).as_deref(), Some("{}"));
    }
}
