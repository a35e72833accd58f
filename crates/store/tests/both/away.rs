//! A server that goes away and comes back.

use std::time::{Duration, Instant};

use domain::record::Record;
use domain::turns::{Turns as _, Unkept};
use store::keeper::Keeper;
use store::{Server, Store};

use crate::ledger::{batch, opened, settled};
use crate::server::Postgres;
use crate::turns::{turn, wanted};

const QUICK: Duration = Duration::from_millis(500);

fn quick(server: Server) -> Server {
    Server {
        connect_timeout: QUICK,
        statement_timeout: QUICK,
        ..server
    }
}

#[tokio::test]
async fn what_could_not_be_written_is_written_once_the_server_is_back() {
    let mut postgres = Postgres::start();
    let database = postgres.database().await;
    let server = quick(database.server());
    let store = Store::open_server(&server, "a").await.expect("opens");
    let (keeper, keeping) = Keeper::new(store.clone());
    let running = tokio::spawn(keeping.run());
    let one = opened(7, 1);
    let begin = batch(vec![Record::Opened(one.clone())], 1);
    store.carry(&begin).await.expect("carries");
    postgres.tell("stop");
    let end = batch(vec![settled(&one)], 2);
    for _ in 0..3 {
        let error = store.carry(&end).await.expect_err("nobody is there");
        assert!(error.is_away(), "{error:?}");
    }
    let kept = keeper.keep(turn("a", None, 10)).get().await;
    assert!(matches!(kept, Err(Unkept::Failed(_))), "{kept:?}");
    let start = Store::open_server(&server, "a").await;
    assert!(start.expect_err("nobody is there").is_away());
    postgres.tell("start");
    store.carry(&end).await.expect("carries");
    store.carry(&end).await.expect("carries");
    let ended = database.pool().await;
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM requests")
        .fetch_one(&ended)
        .await
        .expect("reads");
    assert_eq!((rows, store.conflicts()), (1, 0));
    keeper.keep(turn("a", None, 10)).get().await.expect("kept");
    let found = keeper.turn(wanted("a", 5)).get().await.expect("read");
    assert!(found.is_some());
    running.abort();
}

/// Somebody else holds a row for ever: whoever wants it is told in time, and
/// the connection that waited serves nobody else.
#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error_in_time() {
    let database = crate::server::Database::new().await;
    let server = quick(database.server());
    let store = Store::open_server(&server, "a").await.expect("opens");
    let first = batch(Vec::new(), 1);
    store.carry(&first).await.expect("carries");
    let other = database.pool().await;
    let mut lock = other.begin().await.expect("begins");
    sqlx::query("SELECT * FROM marks FOR UPDATE")
        .fetch_all(&mut *lock)
        .await
        .expect("locks");
    let begun = Instant::now();
    let second = batch(Vec::new(), 2);
    for _ in 0..5 {
        store.carry(&second).await.expect_err("somebody has it");
    }
    assert!(begun.elapsed() < 12 * QUICK, "{:?}", begun.elapsed());
    lock.rollback().await.expect("lets go");
    store.carry(&second).await.expect("carries");
    let marks = store.marks().await.expect("marks");
    assert_eq!(marks.into_values().collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_show_it() {
    let database = crate::server::Database::new().await;
    let mut server = database.server();
    server.password = Some(domain::secret::Secret::new("hunter2"));
    server.url = domain::secret::Secret::new(
        database
            .url
            .replace("postgres@", "nobody:hunter2@")
            .as_str(),
    );
    let error = Store::open_server(&server, "a").await;
    let error = error.expect_err("nobody is nobody");
    let said = format!("{error} {error:?}");
    assert!(
        said.contains("nobody") && !said.contains("hunter2"),
        "{said}"
    );
}

/// Twenty questions of half a second each would hold the next one up for ten.
#[tokio::test]
async fn who_gives_up_waiting_for_a_conversation_holds_nobody_up() {
    let database = crate::server::Database::new().await;
    let server = quick(database.server());
    let store = Store::open_server(&server, "a").await.expect("opens");
    let (keeper, keeping) = Keeper::new(store);
    let running = tokio::spawn(keeping.run());
    let other = database.pool().await;
    let mut lock = other.begin().await.expect("begins");
    sqlx::query("LOCK TABLE turns")
        .execute(&mut *lock)
        .await
        .expect("locks");
    for _ in 0..20 {
        let asked = keeper.turn(wanted("a", 5)).get();
        let answered = tokio::time::timeout(QUICK / 50, asked).await;
        answered.expect_err("somebody has it");
    }
    lock.rollback().await.expect("lets go");
    let asked = keeper.turn(wanted("a", 5)).get();
    let found = tokio::time::timeout(4 * QUICK, asked).await;
    assert_eq!(found.expect("in time"), Ok(None));
    running.abort();
}

/// More often than there are connections: none of them may be waited for for
/// ever, nor may their places be taken.
#[tokio::test]
async fn a_server_that_falls_silent_is_an_error_in_time_however_often_it_is_asked() {
    let mut postgres = Postgres::start();
    let database = postgres.database().await;
    let server = quick(database.server());
    let store = Store::open_server(&server, "a").await.expect("opens");
    store.carry(&batch(Vec::new(), 1)).await.expect("carries");
    let all = [(), (), ()].map(|()| store.marks());
    let [first, second, third] = all;
    let _ = tokio::join!(first, second, third);
    postgres.tell("freeze");
    let begun = Instant::now();
    for _ in 0..6 {
        let carried = store.carry(&batch(Vec::new(), 2)).await;
        carried.expect_err("nobody answers");
        store.marks().await.expect_err("nobody answers");
    }
    let took = begun.elapsed();
    postgres.tell("thaw");
    assert!(took < 12 * 3 * QUICK, "{took:?}");
    let begun = Instant::now();
    while store.carry(&batch(Vec::new(), 2)).await.is_err() {
        assert!(begun.elapsed() < 10 * QUICK, "it is back");
    }
    let marks = store.marks().await.expect("marks");
    assert_eq!(marks.into_values().collect::<Vec<_>>(), [2]);
}
