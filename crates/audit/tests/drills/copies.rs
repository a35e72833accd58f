//! A copy of a log that is written meanwhile is a log.

use std::sync::atomic::{AtomicBool, Ordering};

use audit::{Durability, Log, Work, copy, verify};
use domain::time::UnixMicros;

use crate::scene::{ORIGIN, Scene};

#[test]
fn a_copy_is_sound_whatever_is_written_meanwhile() {
    let scene = Scene::new();
    let copies = scene.folder.with_extension("copies");
    let path = scene.path();
    let mut log = scene.open();
    let is_over = AtomicBool::new(false);
    let mut sizes = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut first = 0_u64;
            while !is_over.load(Ordering::Relaxed) && first < 4_000 {
                let batch: Vec<_> = (first..first + 37).map(|it| it.to_string()).collect();
                log.append(&batch, Some(&first.to_be_bytes())).unwrap();
                log.seal(&scene.key, UnixMicros(0)).unwrap();
                first += 37;
            }
        });
        for round in 0..12 {
            let to = copies.join(round.to_string());
            std::thread::yield_now();
            sizes.push((copy(&path, &to).unwrap(), to));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    for (size, to) in &sizes {
        let work = Work {
            key: scene.verifier(),
            anchor: None,
            threads: 1,
        };
        let report = verify(to, work).unwrap();
        assert!(report.is_sound(), "{:?}", report.findings);
        assert_eq!(report.records + report.unsealed, *size);
        // And it can be written on.
        let mut log = Log::open(to, ORIGIN, Durability::System).unwrap();
        log.append(&["more"], None).unwrap();
        log.seal(&scene.key, UnixMicros(0)).unwrap();
        let report = verify(to, work).unwrap();
        assert!(
            report.is_sound() && report.records == size + 1,
            "{report:?}"
        );
    }
    assert!(sizes.last().is_some_and(|(size, _)| *size > 0));
    std::fs::remove_dir_all(copies).unwrap();
}

#[test]
fn a_log_that_is_not_sealed_for_long_is_copied_too() {
    let scene = Scene::new();
    let to = scene.folder.with_extension("copy");
    let mut log = scene.open();
    let batch = |from: u32, to: u32| (from..to).map(|it| it.to_string()).collect::<Vec<_>>();
    log.append(&batch(0, 300), None).unwrap();
    log.seal(&scene.key, UnixMicros(0)).unwrap();
    // Behind the checkpoint of 300 a tile becomes full, and its part is gone.
    log.append(&batch(300, 700), None).unwrap();
    assert_eq!(copy(&scene.path(), &to).unwrap(), 700);
    let work = Work {
        key: scene.verifier(),
        anchor: None,
        threads: 1,
    };
    let report = verify(&to, work).unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!((report.records, report.unsealed), (300, 400));
    std::fs::remove_dir_all(to).unwrap();
}
