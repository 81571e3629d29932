//! The engine against a model: random operations, right and wrong ones, with time passing, the store closed and opened
//! again, keys disabled and calls of the key service failing in between. Every answer and every error is compared.

#![cfg(test)]

mod model;
mod steps;
mod world;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::model::Wrong;
use crate::steps::{Step, prologue, step};
use crate::world::World;

const STEPS: usize = 120;

/// Runs the steps on both; the first difference, if there is one.
fn difference(mut world: World, steps: &[Step]) -> Option<String> {
    for (index, step) in prologue().iter().chain(steps).enumerate() {
        let (expected, found) = pollster::block_on(world.step(step));
        if expected != found {
            return Some(format!("step {index}, {step:?}:\n  model:  {expected:?}\n  engine: {found:?}"));
        }
    }
    let problems = pollster::block_on(world.verify());
    (!problems.is_empty()).then(|| format!("after all steps verify finds {problems:?}"))
}

fn cases(default: u32) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: cases.unwrap_or(default), failure_persistence: None, ..Config::default() }
}

proptest! {
    // 250 times 120 steps in CI, many more by hand.
    #![proptest_config(cases(250))]

    #[test]
    fn the_engine_does_what_the_model_says(steps in proptest::collection::vec(step(), STEPS)) {
        if let Some(difference) = difference(World::in_memory(Wrong::Nothing), &steps) {
            return Err(TestCaseError::fail(difference));
        }
    }
}

/// The same on a file, with the caches and the change token of the real storage.
#[test]
fn the_engine_does_what_the_model_says_on_a_file() {
    for steps in sequences(8) {
        let directory = tempfile::tempdir().unwrap();
        let world = World::in_file(&directory.path().join("records.sqlite3"), Wrong::Nothing);
        assert_eq!(difference(world, &steps), None);
    }
}

/// The same over storage with no more than the limits that all storage has.
#[test]
fn the_engine_does_what_the_model_says_in_small_storage() {
    for steps in sequences(8) {
        assert_eq!(difference(World::in_small_storage(Wrong::Nothing), &steps), None);
    }
}

/// The same sequences each time.
fn sequences(count: usize) -> Vec<Vec<Step>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[42; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let sequence = proptest::collection::vec(step(), STEPS);
    (0..count).map(|_| sequence.new_tree(&mut runner).unwrap().current()).collect()
}

/// Each rule told wrongly in the model's copy is found.
#[test]
fn a_wrong_rule_in_the_model_is_found() {
    let sequences = sequences(100);
    for wrong in [
        Wrong::PreviousStays,
        Wrong::PendingSurvives,
        Wrong::RepeatStores,
        Wrong::RestoreForgets,
        Wrong::PrunesYoung,
        Wrong::KeyChangeForgets,
        Wrong::ChangeStands,
    ] {
        let found = sequences.iter().position(|steps| difference(World::in_memory(wrong), steps).is_some());
        assert!(found.is_some(), "{wrong:?} is not found");
    }
}

/// The comparison is worth something only if the steps get somewhere: each operation succeeds and fails, and the errors that
/// need a history come about.
#[test]
fn the_steps_reach_every_operation_and_its_errors() {
    let mut reached = BTreeSet::new();
    for steps in sequences(200) {
        let mut world = World::in_memory(Wrong::Nothing);
        for step in prologue().iter().chain(&steps) {
            let (_, found) = pollster::block_on(world.step(step));
            let operation = format!("{step:?}").split([' ', '(']).next().unwrap().to_owned();
            let outcome = found.map_or_else(|(kind, _)| format!("{kind:?}"), |_| "Ok".to_owned());
            reached.insert(format!("{operation} {outcome}"));
        }
    }
    let expected = [
        ("Create", "Ok Exists MarkedForDeletion InvalidParameter Validation EncryptionFailure AccessDenied"),
        ("Put", "Ok Exists NotFound MarkedForDeletion InvalidParameter LimitExceeded EncryptionFailure"),
        ("Update", "Ok Exists NotFound MarkedForDeletion DecryptionFailure EncryptionFailure"),
        (
            "Get",
            "Ok NotFound InvalidRequest MarkedForDeletion DecryptionFailure AccessDenied Throttled Internal",
        ),
        ("Batch", "Ok InvalidParameter Validation"),
        ("BatchMatching", "Ok InvalidParameter"),
        ("Describe", "Ok NotFound Validation"),
        ("Versions", "Ok NotFound Validation"),
        ("List", "Ok Validation InvalidParameter"),
        ("Move", "Ok NotFound MarkedForDeletion InvalidParameter AccessDenied"),
        ("MoveFromHolder", "Ok"),
        ("Delete", "Ok NotFound InvalidRequest MarkedForDeletion InvalidParameter AccessDenied"),
        ("Restore", "Ok NotFound"),
        ("Tag", "Ok NotFound MarkedForDeletion InvalidParameter"),
        ("Untag", "Ok NotFound"),
        ("PutPolicy", "Ok NotFound MalformedPolicy PublicPolicy"),
        ("Policy", "Ok NotFound"),
        ("DeletePolicy", "Ok NotFound"),
    ];
    for (operation, outcomes) in expected {
        for outcome in outcomes.split(' ') {
            assert!(reached.contains(&format!("{operation} {outcome}")), "no {operation} is ever {outcome}");
        }
    }
}
