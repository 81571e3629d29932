//! Durable commits of 1 KiB: one writer, eight writers on one handle, and the floor, a bare write
//! and sync of a file.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pollster::block_on;
use strongroom_records::{Batch, Expect, Key, Records};
use strongroom_sqlite::SqliteRecords;

fn commits(records: &SqliteRecords, writers: u64, count: u64, next: &AtomicU64) -> Duration {
    let started = Instant::now();
    thread::scope(|scope| {
        for writer in 0..writers {
            scope.spawn(move || {
                // The remainder goes to the first ones.
                for _ in 0..count / writers + u64::from(writer < count % writers) {
                    let key = Key::of(["bench"]).then_number(next.fetch_add(1, Ordering::Relaxed) % 10_000);
                    block_on(records.commit(Batch::new().put(&key, vec![7; 1024], Expect::Any))).unwrap();
                }
            });
        }
    });
    started.elapsed()
}

fn group_commit(criterion: &mut Criterion) {
    let temporary = tempfile::tempdir().unwrap();
    let records = block_on(SqliteRecords::open(temporary.path().join("bench.sqlite3"))).unwrap();
    let next = AtomicU64::new(0);
    commits(&records, 8, 10_000, &next);
    let mut group = criterion.benchmark_group("commit_1k");
    group.throughput(Throughput::Elements(1));
    for writers in [1, 2, 8] {
        group.bench_function(format!("writers_{writers}"), |bencher| {
            bencher.iter_custom(|count| commits(&records, writers, count, &next));
        });
    }
    let mut file = std::fs::File::create(temporary.path().join("floor")).unwrap();
    group.bench_function("floor_write_sync", |bencher| {
        bencher.iter(|| {
            file.write_all(&[7; 1024]).unwrap();
            file.sync_data().unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, group_commit);
criterion_main!(benches);
