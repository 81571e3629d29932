//! The cost of many secrets: opening, a read by name, a page of a list, memory, each next to the same
//! with 1,000 secrets.
//!
//! 100,000 secrets; `STRONGROOM_SCALE=1000000` takes another large number.

#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "a benchmark")]

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, criterion_group};
use pollster::block_on;
use strongroom::{RootKey, SortBy, SortOrder, Strongroom};

/// Secrets created at the same time share commits, and so syncs.
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

/// The names of twenty secrets begin so, however many there are.
const NARROW: &str = "team-07/service-0000";
/// The names of a fiftieth of all secrets begin so.
const WIDE: &str = "team-07/";
/// Set in the process that measures its own memory.
const PROBE: &str = "STRONGROOM_SCALE_PROBE";

/// The most memory this process ever had, in KiB, after reads and listings all over the store.
fn probe(directory: &Path, count: usize) {
    let room = block_on(open(directory));
    for n in 0..2000 {
        block_on(room.get(name(n * 7919 % count)).send()).unwrap();
    }
    let mut token = None;
    for _ in 0..20 {
        let mut list = room.list().max_results(100);
        if let Some(token) = token {
            list = list.next_token(token);
        }
        token = block_on(list.send()).unwrap().next_token;
        if token.is_none() {
            break;
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    eprintln!("{count} secrets: peak memory {}", peak.trim());
}

fn scale(criterion: &mut Criterion) {
    let large =
        std::env::var("STRONGROOM_SCALE").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let temporary = tempfile::tempdir().unwrap();
    let sizes = [1000, large];
    let directory = |count: usize| temporary.path().join(count.to_string());
    for count in sizes {
        fill(&directory(count), count);
        let this = std::env::current_exe().unwrap();
        let place = format!("{count} {}", directory(count).display());
        assert!(Command::new(this).env(PROBE, place).status().unwrap().success());
    }
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
    for count in sizes {
        let room = block_on(open(&directory(count)));
        let cases = [
            ("list_prefix_by_name", WIDE, SortBy::Name),
            ("list_prefix_narrow", NARROW, SortBy::CreatedDate),
            ("list_prefix_wide", WIDE, SortBy::CreatedDate),
        ];
        for (id, prefix, by) in cases {
            group.bench_function(BenchmarkId::new(id, count), |bencher| {
                bencher.iter(|| {
                    let list = room.list().name_prefix(prefix).max_results(20).sort(by, SortOrder::Ascending);
                    assert_eq!(block_on(list.send()).unwrap().secrets.len(), 20);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, scale);

fn main() {
    if let Some((count, directory)) =
        std::env::var(PROBE).ok().as_deref().and_then(|place| place.split_once(' '))
    {
        return probe(Path::new(directory), count.parse().unwrap());
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
