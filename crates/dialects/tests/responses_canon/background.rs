//! Answers whose clients were told an id before a provider was asked.

use domain::canon::Request;
use serde_json::json;

use crate::support::{answer, chunks, events, fixture, head, read, value, written};
use dialects::responses::canon as responses;

fn asked() -> Request {
    read(&json!({"model":"m","input":"Hi","background":true}))
}

#[test]
fn a_queued_answer_has_its_id_and_nothing_yet() {
    let (id, queued) = responses::write_queued(&head(&asked()));
    let queued = value(&queued);
    assert_eq!(queued["id"], json!(id));
    assert_eq!(
        (&queued["status"], &queued["background"]),
        (&json!("queued"), &json!(true))
    );
    assert_eq!(
        (&queued["output"], &queued["usage"]),
        (&json!([]), &json!(null))
    );
    assert_eq!(queued["created_at"], json!(head(&asked()).created));
}

#[test]
fn an_answer_keeps_id_and_time_that_its_client_was_told() {
    let request = asked();
    let (id, _) = responses::write_queued(&head(&request));
    let theirs = json!({"id":"resp_theirs","object":"response","created_at":1,"model":"m",
        "status":"completed","output":[],"usage":null});
    let written = responses::write_answer(&answer(theirs.to_string().as_bytes()), &head(&request));
    let whole = value(&written);
    assert_eq!(
        (&whole["id"], &whole["background"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(whole["created_at"], json!(head(&request).created));
}

#[test]
fn a_stream_goes_on_behind_what_its_client_was_told() {
    let request = asked();
    let (id, _) = responses::write_queued(&head(&request));
    let events = events(&written(&chunks(&fixture("stream_text.sse")), &request));
    let first = &events[0];
    assert_eq!(first["type"], "response.in_progress");
    for (event, number) in events.iter().zip(2..) {
        assert_eq!(event["sequence_number"], json!(number), "{event}");
        if let Some(response) = event.get("response") {
            assert_eq!(response["id"], json!(id));
        }
    }
}
