//! What 100,000 secrets cost: opening, a read by name, a page of a list, each beside the same with 100 secrets.
//!
//! `STRONGROOM_SCALE=1000000` takes another large number.

#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "a benchmark")]

use std::path::Path;
use std::thread;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use pollster::block_on;
use strongroom::{RootKey, SortBy, SortOrder, Strongroom};

/// Secrets that are made at the same time share commits, and so syncs.
const WRITERS: usize = 64;

async fn open(directory: &Path) -> Strongroom {
    Strongroom::builder().directory(directory).root_key(RootKey::from_bytes([7; 32])).open().await.unwrap()
}

fn name(n: usize) -> String {
    // Spread over the key space, as names in life are.
    format!("team-{:02}/service-{n:07}/password", n % 50)
}

fn fill(directory: &Path, count: usize) {
    let started = Instant::now();
    let room = block_on(open(directory));
    block_on(room.create("warm-up").text("v").send()).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let room = &room;
            scope.spawn(move || {
                for n in (writer..count).step_by(WRITERS) {
                    block_on(room.create(name(n)).text("a password of ordinary length").send()).unwrap();
                }
            });
        }
    });
    eprintln!("{count} secrets made in {:.1} s", started.elapsed().as_secs_f64());
}

fn scale(criterion: &mut Criterion) {
    let large =
        std::env::var("STRONGROOM_SCALE").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let temporary = tempfile::tempdir().unwrap();
    let sizes = [100, large];
    for count in sizes {
        fill(&temporary.path().join(count.to_string()), count);
    }
    let directory = |count: usize| temporary.path().join(count.to_string());
    let mut group = criterion.benchmark_group("scale");
    for count in sizes {
        group.bench_function(BenchmarkId::new("open", count), |bencher| {
            bencher.iter(|| block_on(open(&directory(count))));
        });
    }
    for count in sizes {
        let room = block_on(open(&directory(count)));
        let mut n = 0;
        group.bench_function(BenchmarkId::new("get", count), |bencher| {
            bencher.iter(|| {
                n = (n + 7919) % count;
                block_on(room.get(name(n)).send()).unwrap()
            });
        });
        for (id, by) in [("list_created", SortBy::CreatedDate), ("list_name", SortBy::Name)] {
            group.bench_function(BenchmarkId::new(id, count), |bencher| {
                bencher.iter(|| {
                    let page =
                        block_on(room.list().max_results(50).sort(by, SortOrder::Descending).send()).unwrap();
                    assert_eq!(page.secrets.len(), 50);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, scale);
criterion_main!(benches);
