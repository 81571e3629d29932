//! The stage rules against a naive model: a flat list of (version, label) pairs and the
//! specification's sentences, written down one after the other without any cleverness.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use strongroom_store::{LabelError, Labels, Stage, VersionId};

/// Every pair of version and label, and every version there is.
#[derive(Clone, Debug, Default)]
struct Model {
    versions: BTreeSet<u8>,
    pairs: BTreeSet<(u8, String)>,
    /// Turned on to see that the comparison finds a wrong rule.
    wrong: bool,
}

impl Model {
    fn holder(&self, label: &str) -> Option<u8> {
        self.pairs.iter().find(|(_, held)| held == label).map(|(version, _)| *version)
    }

    fn remove(&mut self, label: &str) {
        self.pairs.retain(|(_, held)| held != label);
    }

    fn attach(&mut self, label: &str, version: u8) {
        self.remove(label);
        self.pairs.insert((version, label.to_owned()));
    }

    /// "remove AWSPREVIOUS from whoever has it; remove AWSCURRENT from old; old += AWSPREVIOUS; new
    /// += AWSCURRENT (new loses AWSPREVIOUS if it had it)"
    fn move_current(&mut self, new: u8) {
        let old = self.holder("AWSCURRENT");
        if old == Some(new) {
            return;
        }
        if let Some(old) = old {
            self.remove("AWSPREVIOUS");
            self.remove("AWSCURRENT");
            if !self.wrong {
                self.attach("AWSPREVIOUS", old);
            }
        } else if self.holder("AWSPREVIOUS") == Some(new) {
            self.remove("AWSPREVIOUS");
        }
        self.attach("AWSCURRENT", new);
    }

    fn put(&mut self, new: u8, labels: Option<&[String]>) -> Result<(), &'static str> {
        let before = self.clone();
        self.versions.insert(new);
        let named: Vec<String> = labels.unwrap_or_default().to_vec();
        let promote = labels.is_none()
            || named.iter().any(|label| label == "AWSCURRENT")
            || self.holder("AWSCURRENT").is_none();
        if promote {
            self.move_current(new);
            if self.holder("AWSPENDING") != Some(new) {
                self.remove("AWSPENDING");
            }
        }
        for label in named {
            if label != "AWSCURRENT" {
                self.attach(&label, new);
            }
        }
        self.bounded(before)
    }

    fn bounded(&mut self, before: Self) -> Result<(), &'static str> {
        if self.pairs.len() > 20 {
            *self = before;
            return Err("too many");
        }
        Ok(())
    }

    fn move_stage(&mut self, label: &str, from: Option<u8>, to: Option<u8>) -> Result<(), &'static str> {
        let before = self.clone();
        if [from, to].into_iter().flatten().any(|version| !self.versions.contains(&version)) {
            return Err("unknown version");
        }
        let holder = self.holder(label);
        match (from, to) {
            (None, None) => return Err("nothing to do"),
            (Some(from), None) => {
                if holder != Some(from) {
                    return Err("not the holder");
                }
                if label == "AWSCURRENT" {
                    return Err("current cannot be removed");
                }
                self.remove(label);
                return Ok(());
            }
            (None, Some(to)) => {
                if holder.is_some_and(|holder| holder != to) {
                    return Err("holder not named");
                }
            }
            (Some(from), Some(_)) => {
                if holder != Some(from) {
                    return Err("not the holder");
                }
            }
        }
        let to = to.unwrap();
        if label == "AWSCURRENT" {
            self.move_current(to)
        } else {
            self.attach(label, to)
        }
        self.bounded(before)
    }
}

fn word(error: &LabelError) -> &'static str {
    match error {
        LabelError::TooMany => "too many",
        LabelError::HolderNotNamed { .. } => "holder not named",
        LabelError::NotTheHolder { .. } => "not the holder",
        LabelError::CurrentCannotBeRemoved => "current cannot be removed",
        LabelError::UnknownVersion(_) => "unknown version",
        LabelError::NothingToDo => "nothing to do",
        other => panic!("a new error: {other:?}"),
    }
}

fn id(version: u8) -> VersionId {
    VersionId::new(format!("v{version:02}"))
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, Option<Vec<String>>),
    Move(String, Option<u8>, Option<u8>),
    /// As callers usually do: from the version that has it.
    MoveFromHolder(String, u8),
}

fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("AWSCURRENT".to_owned()),
        2 => Just("AWSPREVIOUS".to_owned()),
        2 => Just("AWSPENDING".to_owned()),
        3 => (0..25u8).prop_map(|n| format!("custom{n}")),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let version = 0..6u8;
    prop_oneof![
        (version.clone(), proptest::option::of(proptest::collection::vec(label(), 1..6)))
            .prop_map(|(version, labels)| Step::Put(version, labels)),
        (label(), proptest::option::of(version.clone()), proptest::option::of(version.clone()))
            .prop_map(|(label, from, to)| Step::Move(label, from, to)),
        (label(), version).prop_map(|(label, to)| Step::MoveFromHolder(label, to)),
    ]
}

/// Runs the steps on both; the first difference, if there is one.
fn difference(steps: &[Step], wrong: bool) -> Option<String> {
    let (mut labels, mut model) = (Labels::new(), Model { wrong, ..Model::default() });
    for step in steps {
        let before = labels.clone();
        let (ours, theirs) = match step {
            Step::Put(version, named) => {
                let stages: Option<Vec<Stage>> =
                    named.as_ref().map(|named| named.iter().map(|label| Stage::new(label.clone())).collect());
                (before.put(&id(*version), stages.as_deref()), model.put(*version, named.as_deref()))
            }
            Step::Move(label, from, to) => {
                let (from_id, to_id) = (from.map(id), to.map(id));
                let stage = Stage::new(label.clone());
                (
                    before.move_stage(&stage, from_id.as_ref(), to_id.as_ref()),
                    model.move_stage(label, *from, *to),
                )
            }
            Step::MoveFromHolder(label, to) => {
                let stage = Stage::new(label.clone());
                let from = before.holder(&stage).cloned();
                let model_from = model.holder(label);
                (
                    before.move_stage(&stage, from.as_ref(), Some(&id(*to))),
                    model.move_stage(label, model_from, Some(*to)),
                )
            }
        };
        match (&ours, theirs) {
            (Ok(after), Ok(())) => labels = after.clone(),
            (Err(ours), Err(theirs)) if word(ours) == theirs => {}
            (ours, theirs) => return Some(format!("{step:?}: {ours:?} but the model says {theirs:?}")),
        }
        let expected: BTreeMap<VersionId, BTreeSet<Stage>> = model
            .versions
            .iter()
            .map(|version| {
                let held = model.pairs.iter().filter(|(holder, _)| holder == version);
                (id(*version), held.map(|(_, label)| Stage::new(label.clone())).collect())
            })
            .collect();
        if labels != Labels::from_versions(expected) {
            return Some(format!("{step:?}: {labels:?} but the model has {model:?}"));
        }
        invariants(&before, &labels, step);
    }
    None
}

/// Invariants that must hold independently of the model.
fn invariants(before: &Labels, after: &Labels, step: &Step) {
    let mut seen = BTreeSet::new();
    for (_, stages) in after.iter() {
        for stage in stages {
            assert!(seen.insert(stage.clone()), "{stage} has two holders");
        }
    }
    assert!(after.count() <= Labels::MAX);
    let valued = after.iter().next().is_some();
    assert_eq!(
        after.holder(&Stage::CURRENT).is_some(),
        valued,
        "exactly one version is current once there is one"
    );
    // AWSPREVIOUS moves by itself only when AWSCURRENT does.
    let asked_for = match step {
        Step::Put(_, named) => named.iter().flatten().any(|label| label == "AWSPREVIOUS"),
        Step::Move(label, ..) | Step::MoveFromHolder(label, _) => label == "AWSPREVIOUS",
    };
    if before.holder(&Stage::CURRENT) == after.holder(&Stage::CURRENT) && !asked_for {
        assert_eq!(before.holder(&Stage::PREVIOUS), after.holder(&Stage::PREVIOUS));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_rules_agree_with_the_model(steps in proptest::collection::vec(step(), 1..40)) {
        if let Some(difference) = difference(&steps, false) {
            return Err(TestCaseError::fail(difference));
        }
    }
}

#[test]
fn a_wrong_rule_in_the_model_is_found() {
    let steps = [Step::Put(1, None), Step::Put(2, None)];
    assert_eq!(difference(&steps, false), None);
    let found = difference(&steps, true).expect("AWSPREVIOUS does not follow in the wrong model");
    assert!(found.contains("AWSPREVIOUS"), "{found}");
}

#[test]
fn the_rows_of_the_specification() {
    let stages = |labels: &Labels, version: u8| -> Vec<String> {
        labels.of(&id(version)).unwrap().iter().map(|stage| stage.as_str().to_owned()).collect()
    };
    let custom = [Stage::new("mine")];
    // PutSecretValue without AWSCURRENT: only those labels are attached.
    let one = Labels::new().put(&id(1), None).unwrap();
    let two = one.put(&id(2), Some(&custom)).unwrap();
    assert_eq!((stages(&two, 1), stages(&two, 2)), (vec!["AWSCURRENT".into()], vec!["mine".into()]));
    // Losing the last label makes a version deprecated; it can come back.
    let three = two.put(&id(3), Some(&custom)).unwrap();
    assert!(stages(&three, 2).is_empty());
    let back = three.move_stage(&custom[0], Some(&id(3)), Some(&id(2))).unwrap();
    assert_eq!(stages(&back, 2), ["mine"]);
    // [AWSCURRENT, AWSPENDING] becomes [AWSPREVIOUS] when a plain put promotes another.
    let both = one.move_stage(&Stage::PENDING, None, Some(&id(1))).unwrap();
    let after = both.put(&id(2), None).unwrap();
    assert_eq!(
        (stages(&after, 1), stages(&after, 2)),
        (vec!["AWSPREVIOUS".into()], vec!["AWSCURRENT".into()])
    );
    // UpdateSecretVersionStage AWSCURRENT: AWSPENDING stays where it is.
    let pending = one.put(&id(2), Some(&[Stage::PENDING])).unwrap();
    let finished = pending.move_stage(&Stage::CURRENT, Some(&id(1)), Some(&id(2))).unwrap();
    assert_eq!(
        (stages(&finished, 1), stages(&finished, 2)),
        (vec!["AWSPREVIOUS".into()], vec!["AWSCURRENT".into(), "AWSPENDING".into()])
    );
    // Twenty labels, not one more.
    let many: Vec<Stage> = (0..19).map(|n| Stage::new(format!("l{n}"))).collect();
    let full = one.put(&id(2), Some(&many)).unwrap();
    assert_eq!(full.count(), Labels::MAX);
    assert_eq!(full.put(&id(3), Some(&[Stage::new("one too many")])).unwrap_err(), LabelError::TooMany);
    assert_eq!(full.move_stage(&Stage::PENDING, None, Some(&id(1))).unwrap_err(), LabelError::TooMany);
}
