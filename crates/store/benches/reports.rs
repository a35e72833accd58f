//! How long reports take over a ledger of so many rows, and what it costs to keep its
//! sums.
//!
//! `cargo bench -p portcullis-store --bench reports [-- ROWS]`
//!
//! Rows are of ninety days, 5 tenants, 40 teams, 200 keys, 12 models of 4 providers,
//! a hundred thousand end users, a million sessions, two hundred cost centres. They are
//! put into the file by its own SQL: how records get there is `--bench carry`.

use std::path::Path;
use std::time::{Duration, Instant};

use domain::calendar::Period;
use domain::time::UnixMicros;
use sqlx::{AssertSqlSafe, SqlitePool};
use store::{Dimension, Store};

/// Rows in one statement.
const PART: u64 = 100_000;
const DAY: i64 = 86_400_000_000;
const DAYS: i64 = 90;
/// When the first came.
const FIRST: i64 = 20_000 * DAY;

const GROUPINGS: [&str; 11] = [
    "tenant",
    "team",
    "app",
    "user",
    "key",
    "model",
    "deployment",
    "key,model",
    "tag:cost_center",
    "end_user",
    "session",
];

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let rows = numbers.first().copied().unwrap_or(1_000_000);
    let folder = std::env::temp_dir().join(format!("portcullis-reports-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(&folder.join("portcullis.db"), rows));
    std::fs::remove_dir_all(&folder).expect("removed");
}

async fn measure(file: &Path, rows: u64) {
    Store::open(file).await.expect("opens").close().await;
    fill(file, rows).await;
    let size = || std::fs::metadata(file).map_or(0, |it| it.len() >> 20);
    eprintln!("{rows} rows, {} MB", size());
    let store = Store::open(file).await.expect("opens");
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    loop {
        let heap = Instant::now();
        let more = store.roll_up().await.expect("rolls up");
        longest = longest.max(heap.elapsed());
        if !more {
            break;
        }
    }
    let wall = begun.elapsed();
    eprintln!(
        "summed up: {:.2} µs a row, longest transaction {longest:?}, {} MB",
        wall.as_secs_f64() * 1e6 / rows as f64,
        size(),
    );
    let month = Period {
        start: UnixMicros(FIRST + 31 * DAY - DAY / 24),
        end: UnixMicros(FIRST + 61 * DAY - DAY / 24),
    };
    let all = Period {
        start: UnixMicros(FIRST + 1),
        end: UnixMicros(FIRST + DAYS * DAY - 1),
    };
    for names in GROUPINGS {
        let by: Vec<Dimension> = names.split(',').map(|it| it.parse().expect(it)).collect();
        let mut took = Vec::new();
        let mut groups = 0;
        for period in [month, all] {
            let begun = Instant::now();
            groups = store.report(period, &by).await.expect("reads").rows.len();
            took.push(begun.elapsed());
        }
        eprintln!(
            "by {names}: a month {:?}, all {:?} ({groups} groups)",
            took[0], took[1]
        );
    }
    store.close().await;
}

/// Fills the ledger. A multiplication by an odd number stands for chance.
async fn fill(file: &Path, rows: u64) {
    let url = format!("sqlite://{}", file.display());
    let pool = SqlitePool::connect(&url).await.expect("opens");
    let run = async |sql: String| {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&pool).await;
        done.expect("runs");
    };
    run("PRAGMA synchronous = OFF".to_owned()).await;
    let step = DAYS * DAY / i64::try_from(rows).expect("not so many");
    let mut first = 0;
    while first < rows {
        let last = (first + PART).min(rows);
        run(format!(
            "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {last}), \
             c AS (SELECT i, (i * 2654435761) % 4294967296 AS x, (i * 40503) % 65536 AS y FROM n) \
             INSERT INTO requests (ticket, opened_at, duration_us, tenant, key_id, operation, \
             streamed, model, provider, deployment, attempts, outcome, status, input, \
             cached_input, cache_write, audio_input, output, reasoning, audio_output, \
             usage_source, cost, price_missing, cache_hit, findings, team, app, user_id, \
             end_user, session, tags) \
             SELECT CAST(printf('%032x', i) AS BLOB), {FIRST} + i * {step}, 900000, \
             'tenant_' || (x % 200 % 5), 'key_' || (x % 200), 'chat', y % 2, \
             'model-' || (y % 12), 'provider-' || (y % 4), 'deployment-' || (y % 12), 1, \
             CASE WHEN y % 50 = 0 THEN 'refused' ELSE 'complete' END, 200, x % 3000, x % 7 * 100, \
             0, 0, y % 700, 0, 0, CASE WHEN y % 20 = 0 THEN 'estimated' ELSE 'provider' END, \
             x % 1000000, 0, 0, '[]', 'team_' || (x % 40), 'app_' || (x % 80), \
             'user_' || (x % 200), 'end user ' || (x % 100000), 'session ' || (i / 10), \
             '{{\"cost_center\":\"' || (x % 200) || '\"}}' FROM c"
        ))
        .await;
        first = last;
    }
    pool.close().await;
}
