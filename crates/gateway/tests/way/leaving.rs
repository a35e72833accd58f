//! The way out: who is let in still, and what becomes of listeners and idle
//! connections.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway::accept::listen::{self, Held, Phase};
use testkit::openai::chat_request;
use testkit::{FakeProvider, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::stage::{Ask, Stage, play, play_live, usual};

#[test]
fn a_gateway_on_its_way_out_says_so() {
    play(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let ready = || Ask::to("GET", "/readyz", "");
        assert_eq!(stage.ask(ready()).await.status, 200);
        stage.shared.draining.store(true, Ordering::Relaxed);
        stage.phase.send_replace(Phase::Leaving);
        assert_eq!(stage.ask(ready()).await.status, 503);
        assert_eq!(stage.ask(Ask::to("GET", "/livez", "")).await.status, 200);
        fake.always(Reply::chat("still here"));
        let answer = stage.ask(Ask::chat(chat_request("m", "x"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("connection"), "close");
    });
}

#[test]
fn whoever_waits_in_the_queue_is_let_in_before_the_door_closes() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        stage.phase.send_replace(Phase::Paused);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut waiting = Vec::new();
        for _ in 0..20 {
            waiting.push(TcpStream::connect(stage.address).await.expect("queued"));
        }
        stage.phase.send_replace(Phase::Closing(Held::Alone));
        for mut client in waiting {
            let request = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
            client.write_all(request).await.expect("sent");
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("answered");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(answer.contains("connection: close"), "{answer}");
        }
        let refused = TcpStream::connect(stage.address).await;
        assert!(refused.is_err(), "the listener is still there");
    });
}

#[test]
fn a_listener_that_somebody_else_holds_too_still_takes_connections() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let kept = listen::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = kept.local_addr().expect("an address");
        let ours = kept.try_clone().expect("once more");
        let ours = TcpListener::from_std(ours).expect("on this loop");
        let (phase, told) = watch::channel(Phase::Open);
        let running = listen::run(Rc::clone(&stage.plane), ours, None, told);
        let running = tokio::task::spawn_local(running);
        tokio::task::yield_now().await;
        // All at once, as a busy loop sees it.
        phase.send_replace(Phase::HandedOver);
        phase.send_replace(Phase::Closing(Held::Shared));
        running.await.expect("no panic").expect("ends");
        let connecting = TcpStream::connect(address);
        let connected = tokio::time::timeout(Duration::from_millis(500), connecting).await;
        connected
            .expect("it is not held off")
            .expect("it is queued");
    });
}

#[test]
fn a_connection_that_waits_for_nothing_is_closed_and_not_reset() {
    play_live(async || {
        let fake = FakeProvider::start().await;
        let stage = Stage::open(usual(&fake));
        let mut idle = TcpStream::connect(stage.address).await.expect("a gateway");
        let request = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
        idle.write_all(request).await.expect("sent");
        let mut answer = vec![0; 4096];
        let read = idle.read(&mut answer).await.expect("answered");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        stage.phase.send_replace(Phase::Closing(Held::Alone));
        assert_eq!(idle.read(&mut answer).await.expect("a clean end"), 0);
        // What crosses the end meets no reset either.
        idle.write_all(request).await.expect("sent");
        assert_eq!(idle.read(&mut answer).await.expect("a clean end"), 0);
    });
}
