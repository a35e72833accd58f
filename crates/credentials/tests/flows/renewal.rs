//! Renewing under paused time: early, apart from each other, until the end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credentials::source::{Fetching, Source};
use credentials::{Fault, Fetched, Renewed};
use domain::credential::{Credential, Renewing as _};
use domain::secret::Secret;
use domain::time::UnixMicros;
use tokio::time::Instant;

use crate::scene::{later, token};

/// What the next fetches come to: a token and its end, or a failure. When the
/// script is over, all fail.
struct Script {
    next: Mutex<VecDeque<Option<(&'static str, UnixMicros)>>>,
    asked: Mutex<Vec<Duration>>,
    began: Instant,
}

struct Played(Arc<Script>);

impl Source for Played {
    fn fetch(&self) -> Fetching<'_> {
        self.0.asked.lock().unwrap().push(self.0.began.elapsed());
        let next = self.0.next.lock().unwrap().pop_front().flatten();
        Box::pin(async move {
            let (token, expires) = next.ok_or_else(|| Fault::Setup("out of order".to_owned()))?;
            Ok(Fetched {
                credential: Credential::Key(Secret::new(token)),
                expires: Some(expires),
                look_again: None,
            })
        })
    }
}

fn now(began: Instant) -> UnixMicros {
    later(i64::try_from(began.elapsed().as_secs()).unwrap())
}

fn play(script: &[Option<(&'static str, UnixMicros)>]) -> (Arc<Script>, Arc<Renewed>) {
    let began = Instant::now();
    let script = Arc::new(Script {
        next: Mutex::new(script.iter().copied().collect()),
        asked: Mutex::default(),
        began,
    });
    let played = Played(Arc::clone(&script));
    let renewed = Renewed::over("test", played, move || now(began));
    (script, renewed)
}

impl Script {
    fn asked(&self) -> Vec<u64> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(Duration::as_secs)
            .collect()
    }

    fn now(&self) -> UnixMicros {
        now(self.began)
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_credential_is_renewed_well_before_its_end() {
    let (script, renewed) = play(&[Some(("one", later(3600))), Some(("two", later(7200)))]);
    renewed.ready().await.unwrap();
    pass(2600).await;
    assert_eq!(token(&renewed.at(script.now()).unwrap()), "one");
    pass(420).await;
    assert_eq!(token(&renewed.at(script.now()).unwrap()), "two");
    let asked = script.asked();
    assert!((2640..=3000).contains(&asked[1]), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_is_renewed_at_once_but_not_again_while_it_is_young() {
    let (script, renewed) = play(&[
        Some(("one", later(3600))),
        Some(("two", later(3700))),
        Some(("three", later(3800))),
    ]);
    renewed.ready().await.unwrap();
    pass(60).await;
    renewed.renew();
    pass(1).await;
    assert_eq!(token(&renewed.at(script.now()).unwrap()), "two");
    renewed.renew();
    pass(60).await;
    assert_eq!(
        script.asked(),
        [0, 60],
        "what was on its way was refused too"
    );
    renewed.renew();
    pass(1).await;
    assert_eq!(token(&renewed.at(script.now()).unwrap()), "three");
}

#[tokio::test(start_paused = true)]
async fn renewals_of_many_do_not_fall_together() {
    let mut moments = Vec::new();
    for _ in 0..8 {
        let (script, _renewed) = play(&[Some(("one", later(3600))), Some(("two", later(7200)))]);
        pass(3001).await;
        moments.push(script.asked()[1]);
    }
    moments.dedup();
    assert!(moments.len() > 2, "{moments:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_good_one_stays_to_its_true_end_and_no_longer() {
    let (script, renewed) = play(&[Some(("one", later(3600)))]);
    pass(3599).await;
    assert_eq!(token(&renewed.at(script.now()).unwrap()), "one");
    renewed.ready().await.unwrap();
    pass(1).await;
    let absent = renewed.at(script.now()).unwrap_err();
    assert_eq!(absent.to_string(), "no credential: out of order");
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_ever_more_slowly_and_then_forgotten() {
    let mut script = vec![None; 9];
    script.push(Some(("one", later(36_000))));
    let (script, renewed) = play(&script);
    assert!(renewed.ready().await.is_err());
    pass(400).await;
    let asked = script.asked();
    assert_eq!(asked.len(), 10, "{asked:?}");
    assert!(asked[3] <= 7 && asked[9] <= 243, "{asked:?}");
    assert!(
        asked.windows(2).all(|two| two[1] - two[0] <= 60),
        "{asked:?}"
    );
    assert_eq!(token(&renewed.at(script.now()).unwrap()), "one");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_repeats_itself_is_not_flooded() {
    let same = vec![Some(("one", later(3600))); 100];
    let (script, _renewed) = play(&same);
    pass(3590).await;
    let asked = script.asked();
    assert!(asked.len() < 10, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_asks_no_more() {
    let (script, renewed) = play(&[]);
    pass(5).await;
    drop(renewed);
    let before = script.asked().len();
    pass(500).await;
    assert_eq!(script.asked().len(), before);
}

#[tokio::test(start_paused = true)]
async fn before_the_first_answer_that_is_what_is_said() {
    let (_script, renewed) = play(&[]);
    let absent = renewed.at(later(0)).unwrap_err();
    assert_eq!(absent.to_string(), "no credential: it is being fetched");
}
