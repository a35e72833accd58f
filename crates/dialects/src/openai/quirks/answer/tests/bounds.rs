//! What an upstream cannot make the gateway do.

use super::*;

fn count(bytes: &[u8], what: &str) -> usize {
    memchr::memmem::find_iter(bytes, what.as_bytes()).count()
}

/// What leaves for one event of this data.
fn event(mut mender: Mender, data: &Value) -> Bytes {
    let mut frames = Vec::new();
    let mut framer = Framer::new(1 << 24);
    let text = format!("data: {data}\n\n");
    framer.push(text.into(), &mut frames).expect("frames");
    let mut out = Vec::new();
    mender.frame(frames.remove(0), &mut out);
    out.remove(0).data.expect("data")
}

#[test]
fn choices_that_no_server_gives_stay_as_they_came() {
    let quirks = || thoughts(Shown::Member("reasoning".into()));
    for place in ["delta", "message"] {
        let choice = json!({"index": 0, place: {"reasoning": "t"}});
        let body = json!({"choices": vec![choice; MOST_CHOICES + 7]});
        let told = match place {
            "delta" => event(mender(quirks()), &body),
            _ => mender(quirks()).whole(body.to_string().into()),
        };
        assert_eq!(count(&told, "\"reasoning_content\""), MOST_CHOICES);
        assert_eq!(count(&told, "\"reasoning\""), 7);
    }
}

#[test]
fn calls_that_no_server_gives_stay_as_they_came() {
    let long = "mcp__weather__get_forecast";
    let names = Names::within(20, [long].into_iter());
    let mender = || Mender::of(&Arc::default(), names.clone()).expect("names");
    let short = names.outward(long);
    let call = json!({"function": {"name": short}});
    let calls = |count: usize| json!({"index": 0, "delta": {"tool_calls": vec![&call; count]}});
    let told = event(mender(), &json!({"choices": [calls(MOST_CALLS + 7)]}));
    assert_eq!(count(&told, long), MOST_CALLS);
    // Nor can many choices add up.
    let told = event(mender(), &json!({"choices": vec![calls(1000); 30]}));
    assert_eq!(count(&told, long), MOST_CHANGES.div_ceil(1000) * 1000);
    assert!(count(&told, short) > 0);
}
