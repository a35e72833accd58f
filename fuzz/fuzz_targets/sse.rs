//! Every byte of a stream comes out again, no cut changes its frames or what
//! the tap sees, nor the tokens that are gleaned of what passes unread, and a frame
//! says the same whatever came before it. The first byte says where the cuts are.

#![no_main]

use bytes::Bytes;
use dialects::openai::Tap;
use dialects::sse::{Frame, Framer};
use dialects::{EventGleaner, Gleaner, Operation};
use domain::canon::Dialect;
use domain::usage::Usage;
use libfuzzer_sys::fuzz_target;

fn told(body: &[u8], step: usize) -> (Vec<Frame>, Option<Bytes>, String) {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    for chunk in body.chunks(step) {
        let chunk = Bytes::copy_from_slice(chunk);
        framer.push(chunk, &mut frames).expect("short");
    }
    let mut tap = Tap::new(Operation::Chat, 1, false);
    let facts: Vec<_> = frames.iter().map(|frame| tap.read(frame)).collect();
    for (frame, facts) in frames.iter().zip(&facts) {
        let alone = Tap::new(Operation::Chat, 1, false).read(frame);
        assert_eq!(&alone, facts);
    }
    (frames, framer.finish(), format!("{facts:?} {tap:?}"))
}

fn gleaned(body: &[u8], step: usize) -> Vec<Option<Usage>> {
    let dialects = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini];
    let gleaned = dialects.map(|dialect| {
        let mut events = EventGleaner::new(dialect);
        let mut whole = Gleaner::new(dialect);
        for chunk in body.chunks(step) {
            events.push(chunk);
            whole.push(chunk);
        }
        [events.usage(), whole.usage()]
    });
    gleaned.concat()
}

fuzz_target!(|input: &[u8]| {
    let Some((step, body)) = input.split_first() else {
        return;
    };
    let (step, length) = (usize::from(*step).max(1), body.len().max(1));
    assert_eq!(gleaned(body, step), gleaned(body, length));
    let (frames, rest, sum) = told(body, step);
    let mut out: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.bytes.to_vec())
        .collect();
    out.extend(rest.iter().flatten());
    assert_eq!(out, body);
    assert_eq!(told(body, length), (frames, rest, sum));
});
