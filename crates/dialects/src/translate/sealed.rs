//! Thoughts that a provider of Responses has sealed: only the account that thought
//! them can open them, wherever the client carries them.

use domain::canon::{Block, Dialect, Loss, Request, Thinking};

/// The seals in a request, in its order.
pub fn seals(request: &Request) -> impl DoubleEndedIterator<Item = &str> {
    let blocks = request.messages.iter().flat_map(|it| &it.content);
    blocks.filter_map(|block| match block {
        Block::Thinking(thinking) => seal(thinking),
        _ => None,
    })
}

/// What seals a thought, if it is the provider's own.
#[must_use]
pub fn seal(thinking: &Thinking) -> Option<&str> {
    let signature = thinking.signature.as_ref();
    let own = signature.filter(|it| it.family == Dialect::Responses);
    own.map(|it| it.value.as_str())
}

/// Takes the sealed thoughts out, and those that a provider keeps by an id, for a
/// target that cannot open them; what is lost by it. They stay in their places, with what can be read of them.
#[must_use]
pub fn unseal(request: &mut Request) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (at, message) in request.messages.iter_mut().enumerate() {
        for (inner, block) in message.content.iter_mut().enumerate() {
            let Block::Thinking(thinking) = block else {
                continue;
            };
            let is_named = thinking.signature.is_none() && thinking.id.is_some();
            if !is_named && seal(thinking).is_none() {
                continue;
            }
            let why = "the thought is sealed or kept for another account";
            let field = format!("messages[{at}].content[{inner}].signature");
            losses.push(Loss::hint(field, why));
            thinking.signature = None;
            // By its id alone, only that account would know it.
            thinking.id = None;
        }
    }
    losses
}

#[cfg(test)]
mod tests {
    use domain::canon::{Message, Role, Signature};

    use super::*;

    fn thought(family: Dialect) -> Block {
        Block::Thinking(Thinking {
            text: "Hm.".to_owned(),
            signature: Some(Signature {
                family,
                value: format!("of {}", family.as_str()),
            }),
            id: Some("rs_1".to_owned()),
            ..Thinking::default()
        })
    }

    #[test]
    fn what_responses_sealed_is_taken_out_and_all_else_stays() {
        let blocks = vec![
            thought(Dialect::Anthropic),
            thought(Dialect::Responses),
            Block::text("One."),
        ];
        let mut request = Request {
            messages: vec![Message::new(Role::Assistant, blocks)],
            ..Request::default()
        };
        assert_eq!(seals(&request).collect::<Vec<_>>(), ["of responses"]);
        let losses = unseal(&mut request);
        let fields: Vec<_> = losses.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["messages[0].content[1].signature"]);
        assert_eq!(seals(&request).count(), 0);
        let [kept, Block::Thinking(open), _] = &request.messages[0].content[..] else {
            panic!("{request:?}");
        };
        assert_eq!(kept, &thought(Dialect::Anthropic));
        assert!(open.id.is_none() && open.text == "Hm.");
    }
}
