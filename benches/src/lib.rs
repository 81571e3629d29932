//! Benchmarks of Strongroom. Run one with `cargo bench -p strongroom-benches --bench <name>`; the
//! figures and what they mean stand in `docs/performance.md`.
