//! The key service against a model: random operations, right and wrong ones, with time passing, housekeeping, and the store opened
//! again. Every answer and every error is compared, and every ciphertext that was ever made opens exactly as long as its key may
//! be used. Somebody who is not the account decrypts as far as a policy or a grant lets; some keys have imported material.

#![cfg(test)]

mod model;
mod steps;
mod world;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::model::Wrong;
use crate::steps::{Step, step};
use crate::world::World;

const STEPS: usize = 100;

/// Runs the steps on both; the first difference, if there is one.
fn difference(wrong: Wrong, steps: &[Step]) -> Option<String> {
    let mut world = World::new(wrong);
    for (index, step) in steps.iter().enumerate() {
        let (expected, found) = pollster::block_on(world.step(step));
        if expected != found {
            return Some(format!("step {index}, {step:?}:\n  model:   {expected:?}\n  service: {found:?}"));
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
    // 250 times 100 steps in CI, many more by hand.
    #![proptest_config(cases(250))]

    #[test]
    fn the_service_does_what_the_model_says(steps in proptest::collection::vec(step(), STEPS)) {
        if let Some(difference) = difference(Wrong::Nothing, &steps) {
            return Err(TestCaseError::fail(difference));
        }
    }
}

/// Each rule told wrongly in the model's copy is found.
#[test]
fn a_wrong_rule_in_the_model_is_found() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[42; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let sequence = proptest::collection::vec(step(), STEPS);
    let sequences: Vec<Vec<Step>> =
        (0..400).map(|_| sequence.new_tree(&mut runner).unwrap().current()).collect();
    for wrong in [
        Wrong::CancelEnables,
        Wrong::DisabledDecrypts,
        Wrong::RotationForgets,
        Wrong::ScheduleStands,
        Wrong::AliasStays,
        Wrong::NothingExpires,
        Wrong::GrantStays,
        Wrong::ConstraintKnowsCase,
    ] {
        assert!(sequences.iter().any(|steps| difference(wrong, steps).is_some()), "{wrong:?} is not found");
    }
}
