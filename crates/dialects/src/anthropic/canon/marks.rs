//! Where the prompt cache may end: at four places and no more.

use std::borrow::Cow;

use domain::canon::{Block, CacheMark, Dialect, Loss, Request};

/// More are refused.
const MOST: usize = 4;

/// Takes out the earliest marks beyond four; what lies before a later mark is
/// in the cache with it.
pub(crate) fn limited<'a>(request: &'a Request, losses: &mut Vec<Loss>) -> Cow<'a, Request> {
    let is_mark = |member: &domain::canon::Unknown| {
        member.dialect == Dialect::Anthropic && member.name == "cache_control"
    };
    let most = MOST - usize::from(request.rest.iter().any(is_mark));
    let mut limited = Cow::Borrowed(request);
    let count = count(request);
    if count > most {
        losses.push(Loss::hint("cache_control", "four at most are taken"));
        let mut surplus = count - most;
        each(limited.to_mut(), &mut |mark| {
            if surplus > 0 && mark.take().is_some() {
                surplus -= 1;
            }
        });
    }
    limited
}

fn count(request: &Request) -> usize {
    let tools = request
        .tools
        .iter()
        .map(|tool| usize::from(tool.cache.is_some()));
    let blocks = request.messages.iter().flat_map(|message| &message.content);
    tools.chain(blocks.map(of_block)).sum()
}

fn of_block(block: &Block) -> usize {
    let own = match block {
        Block::Text { cache, .. } => cache,
        Block::Media(media) => &media.cache,
        Block::ToolCall(call) => &call.cache,
        Block::ToolResult(result) => &result.cache,
        Block::Thinking(_) | Block::Refusal(_) | Block::Unknown(_) => &None,
    };
    let inner = match block {
        Block::ToolResult(result) => result.content.iter().map(of_block).sum(),
        _ => 0,
    };
    inner + usize::from(own.is_some())
}

fn each(request: &mut Request, with: &mut impl FnMut(&mut Option<CacheMark>)) {
    for tool in &mut request.tools {
        with(&mut tool.cache);
    }
    for message in &mut request.messages {
        for block in &mut message.content {
            each_of(block, with);
        }
    }
}

fn each_of(block: &mut Block, with: &mut impl FnMut(&mut Option<CacheMark>)) {
    match block {
        Block::Text { cache, .. } => with(cache),
        Block::Media(media) => with(&mut media.cache),
        Block::ToolCall(call) => with(&mut call.cache),
        Block::ToolResult(result) => {
            for inner in &mut result.content {
                each_of(inner, with);
            }
            with(&mut result.cache);
        }
        Block::Thinking(_) | Block::Refusal(_) | Block::Unknown(_) => {}
    }
}
