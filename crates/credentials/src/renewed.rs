//! The task that keeps a credential fresh, and the latest one for whoever
//! sends requests.
//!
//! A credential is renewed well before its end; the last good one stays until
//! its true end while renewing fails.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::time::UnixMicros;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::credential::Fetched;
use crate::fault::Fault;
use crate::source::{Source, Specified};
use crate::spec::Spec;
use crate::surroundings::Surroundings;
use domain::credential::{Absent, Credential, Renewing};

/// Renewed this long before the end at the latest, if it lives that long.
const MARGIN: Duration = Duration::from_secs(600);
/// However short a credential's life, its issuer is left alone this long.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// One that is younger is not fetched anew because it is refused: what was on
/// its way with the last one is refused as well, and some refuse any.
const YOUNG: Duration = Duration::from_secs(5);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// The wall clock is looked at this often: timers do not count a machine's
/// sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A credential that is kept fresh until this is dropped.
pub struct Renewed {
    shared: Arc<Shared>,
    clock: Clock,
    looked: watch::Receiver<bool>,
    task: AbortHandle,
}

type Clock = Arc<dyn Fn() -> UnixMicros + Send + Sync>;

struct Shared {
    name: String,
    state: ArcSwap<State>,
    /// When the issuer was asked last, in microseconds.
    asked: AtomicI64,
    /// What is current is refused.
    refused: Notify,
}

/// The last good credential, and what went wrong since.
#[derive(Default)]
struct State {
    good: Option<Fetched>,
    fault: Option<Fault>,
}

impl Renewed {
    /// Starts to fetch what `spec` says, on the current runtime. `name` is
    /// what the log calls it.
    #[must_use]
    pub fn start(name: &str, spec: Spec, around: Surroundings) -> Arc<Self> {
        let clock = around.clone();
        Self::over(name, Specified { spec, around }, move || clock.now())
    }

    /// Starts to fetch from any source.
    pub fn over(
        name: &str,
        source: impl Source + 'static,
        clock: impl Fn() -> UnixMicros + Send + Sync + 'static,
    ) -> Arc<Self> {
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            state: ArcSwap::default(),
            asked: AtomicI64::new(0),
            refused: Notify::new(),
        });
        let clock: Clock = Arc::new(clock);
        let (look, looked) = watch::channel(false);
        let keeper = Keeper {
            shared: Arc::clone(&shared),
            source: Box::new(source),
            clock: Arc::clone(&clock),
            look,
        };
        let task = tokio::spawn(keeper.keep()).abort_handle();
        Arc::new(Self {
            shared,
            clock,
            looked,
            task,
        })
    }

    /// The latest credential, if it still holds at `now`. Takes no lock.
    ///
    /// # Errors
    /// There is none, or it ended before a new one came.
    pub fn at(&self, now: UnixMicros) -> Result<Credential, Absent> {
        let state = self.shared.state.load();
        match &state.good {
            Some(good) if good.expires.is_none_or(|end| now < end) => Ok(good.credential.clone()),
            _ => Err(state.absent()),
        }
    }

    /// What the log calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Waits until the first attempt has ended.
    ///
    /// # Errors
    /// It has failed; further ones go on beside.
    pub async fn ready(&self) -> Result<(), Absent> {
        let mut looked = self.looked.clone();
        // An error means that the task is gone: what is there is all there is.
        let _ = looked.wait_for(|looked| *looked).await;
        let state = self.shared.state.load();
        match state.good {
            Some(_) => Ok(()),
            None => Err(state.absent()),
        }
    }
}

impl Renewing for Renewed {
    fn current(&self) -> Result<Credential, Absent> {
        self.at((self.clock)())
    }

    fn renew(&self) {
        let since = (self.clock)().0 - self.shared.asked.load(Ordering::Relaxed);
        if since >= i64::try_from(YOUNG.as_micros()).unwrap_or(i64::MAX) {
            self.shared.refused.notify_one();
        }
    }
}

impl fmt::Debug for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Renewed({})", self.shared.name)
    }
}

impl Drop for Renewed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn absent(&self) -> Absent {
        let reason = match (&self.fault, &self.good) {
            (Some(fault), _) => fault.to_string(),
            (None, Some(_)) => "it has ended and the new one is not there yet".to_owned(),
            (None, None) => "it is being fetched".to_owned(),
        };
        Absent(format!("no credential: {reason}"))
    }
}

struct Keeper {
    shared: Arc<Shared>,
    source: Box<dyn Source>,
    clock: Clock,
    look: watch::Sender<bool>,
}

impl Keeper {
    async fn keep(self) {
        let mut failures = 0;
        loop {
            let fetched = self.source.fetch().await.and_then(|f| self.living(f));
            let now = (self.clock)().0;
            self.shared.asked.store(now, Ordering::Relaxed);
            let wait = match fetched {
                Ok(good) => {
                    self.tell_of_success(&good, failures);
                    failures = 0;
                    let wait = self.until_renewal(&good);
                    self.shared.state.store(Arc::new(State {
                        good: Some(good),
                        fault: None,
                    }));
                    wait
                }
                Err(fault) => {
                    let wait = retry(failures);
                    failures += 1;
                    self.keep_with(fault, wait);
                    Some(wait)
                }
            };
            self.look.send_replace(true);
            let Some(wait) = wait else { return };
            self.sleep(wait).await;
        }
    }

    /// Whoever hands out what has ended has nothing.
    fn living(&self, fetched: Fetched) -> Result<Fetched, Fault> {
        let now = (self.clock)();
        match fetched.expires {
            Some(end) if end <= now => Err(Fault::Setup(
                "what came has ended already; is the clock right?".to_owned(),
            )),
            _ => Ok(fetched),
        }
    }

    /// The last good one stays, with what went wrong beside it.
    fn keep_with(&self, fault: Fault, wait: Duration) {
        let name = &self.shared.name;
        let state = self.shared.state.load_full();
        let now = (self.clock)();
        let left = |end: UnixMicros| end.seconds().saturating_sub(now.seconds());
        match state.good.as_ref().map(|good| good.expires.map(left)) {
            None | Some(Some(..=0)) => {
                tracing::error!(credential = %name, retry_in = ?wait, "no credential: {fault}");
            }
            Some(left) => {
                tracing::warn!(credential = %name, retry_in = ?wait, seconds_left = left,
                    "cannot renew the credential: {fault}");
            }
        }
        self.shared.state.store(Arc::new(State {
            good: state.good.clone(),
            fault: Some(fault),
        }));
    }

    fn tell_of_success(&self, good: &Fetched, failures: u32) {
        let name = &self.shared.name;
        let state = self.shared.state.load();
        let is_same = (state.good.as_ref())
            .is_some_and(|last| last.credential == good.credential && last.expires == good.expires);
        if failures > 0 || !is_same {
            let until = good
                .expires
                .and_then(|end| jiff::Timestamp::from_second(end.seconds()).ok());
            let until = until.map_or_else(|| "changed".to_owned(), |until| until.to_string());
            tracing::info!(credential = %name, until, "credential fetched");
        }
    }

    /// How long to leave it; `None` if it never changes.
    fn until_renewal(&self, good: &Fetched) -> Option<Duration> {
        let Some(end) = good.expires else {
            return good.look_again;
        };
        let micros = end.0.saturating_sub((self.clock)().0);
        let life = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let margin = (life / 5).min(MARGIN);
        let wait = (life - margin).saturating_sub(part(life / 10));
        let wait = wait.max(SHORTEST_WAIT);
        Some(good.look_again.map_or(wait, |again| wait.min(again)))
    }

    /// Sleeps so long, or until what is current is refused.
    async fn sleep(&self, wait: Duration) {
        let micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        let due = (self.clock)().0.saturating_add(micros);
        let mut slept = Duration::ZERO;
        while slept < wait && (self.clock)().0 < due {
            let nap = (wait - slept).min(LONGEST_SLEEP);
            let refused = self.shared.refused.notified();
            if tokio::time::timeout(nap, refused).await.is_ok() {
                tracing::info!(credential = %self.shared.name, "refused, it is fetched anew");
                return;
            }
            slept += nap;
        }
    }
}

/// Twice as long each time, up to a minute, some of it by chance.
fn retry(failures: u32) -> Duration {
    let longest = FIRST_RETRY
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(LONGEST_RETRY);
    longest - part(longest / 2)
}

/// Some part of a time, by chance, so that many gateways do not ask at once.
fn part(of: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without randomness nothing is spread, which is no reason to stop.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    of.mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}
