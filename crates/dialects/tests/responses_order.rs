//! Items of a stream that is written for a client of Responses.

use bytes::Bytes;
use dialects::responses::canon::StreamWriter;
use dialects::translate::Head;
use domain::canon::{Chunk, Delta, Opened, Request, Stop};

fn call(block: u32) -> Chunk {
    Chunk::Open {
        choice: 0,
        block,
        opened: Opened::ToolCall {
            id: format!("call_{block}"),
            name: format!("tool_{block}"),
            custom: false,
            signature: None,
        },
    }
}

fn more(block: u32, text: &str) -> Chunk {
    Chunk::Grow {
        choice: 0,
        block,
        delta: Delta::Arguments(text.to_owned()),
    }
}

/// The kind and the item's place of every event that has one.
fn places(chunks: &[Chunk]) -> Vec<(String, u64)> {
    let request = Request::default();
    let mut writer = StreamWriter::new(&Head {
        request: &request,
        created: 1,
        id: "x",
        request_id: "",
    });
    let mut out: Vec<Bytes> = Vec::new();
    for chunk in chunks {
        writer.push(chunk, &mut out);
    }
    let events = out.iter().filter_map(|frame| {
        let text = std::str::from_utf8(frame).expect("text");
        let data = text.lines().find_map(|line| line.strip_prefix("data: "))?;
        serde_json::from_str::<serde_json::Value>(data).ok()
    });
    events
        .filter_map(|event| {
            let place = event["output_index"].as_u64()?;
            Some((event["type"].as_str()?.to_owned(), place))
        })
        .collect()
}

#[test]
fn calls_that_grow_side_by_side_are_written_one_after_the_other() {
    let close = |block| Chunk::Close { choice: 0, block };
    let stop = Chunk::Stop {
        choice: 0,
        stop: Stop::ToolCalls,
    };
    let grown = [
        call(0),
        call(1),
        call(2),
        more(0, "{\"a\""),
        more(2, "{"),
        more(1, "{\"b\""),
        more(0, ":1}"),
        more(2, "}"),
        more(1, ":2}"),
    ];
    // Closed by the provider, or only by the end.
    for ends in [vec![close(0), close(1), close(2), stop.clone()], vec![stop]] {
        let chunks: Vec<Chunk> = grown
            .iter()
            .cloned()
            .chain(ends)
            .chain([Chunk::End])
            .collect();
        let places = places(&chunks);
        assert!(places.is_sorted_by_key(|(_, place)| *place), "{places:?}");
        for place in 0..3 {
            let of: Vec<&str> = places
                .iter()
                .filter(|(_, at)| *at == place)
                .map(|(kind, _)| kind.as_str())
                .collect();
            assert_eq!(of.first(), Some(&"response.output_item.added"), "{of:?}");
            assert_eq!(of.last(), Some(&"response.output_item.done"), "{of:?}");
            let deltas = of.iter().filter(|kind| kind.ends_with("arguments.delta"));
            assert_eq!(deltas.count(), 2, "{of:?}");
        }
    }
}
