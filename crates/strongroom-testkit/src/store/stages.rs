//! Labels: what moves with what.

use super::{Fixture, stages, token};
use strongroom_store::{
    ErrorKind, GetSecretValue, PutSecretValue, SecretValue, Stage, UpdateSecretVersionStage,
};

/// The version that was current becomes the previous one; the one before loses its last label.
pub async fn a_put_moves_current_and_previous(subject: &Fixture) {
    let name = subject.create("moves", "1").await;
    subject.put(&name, 2, "2").await;
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSPREVIOUS"])), (token(2), stages(&["AWSCURRENT"]))]
    );
    subject.put(&name, 3, "3").await;
    assert_eq!(
        subject.labels(&name).await,
        [(token(2), stages(&["AWSPREVIOUS"])), (token(3), stages(&["AWSCURRENT"]))]
    );
    assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), "3");
    assert_eq!(subject.get(GetSecretValue::new(&name).stage(Stage::PREVIOUS)).await.unwrap(), "2");
    // Deprecated, hidden, still there.
    assert_eq!(subject.get(GetSecretValue::new(&name).version_id(token(1))).await.unwrap(), "1");
}

/// Without `AWSCURRENT` among the labels of a put, current and previous stay; a label has one
/// holder.
pub async fn labels_named_in_a_put_move_alone(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("labels", "1").await;
    let pending = |n: u32| {
        PutSecretValue::new(&name, SecretValue::text(n.to_string())).token(token(n)).stage(Stage::PENDING)
    };
    store.put_secret_value(cx, pending(2)).await.unwrap();
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSCURRENT"])), (token(2), stages(&["AWSPENDING"]))]
    );
    store.put_secret_value(cx, pending(3)).await.unwrap();
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSCURRENT"])), (token(3), stages(&["AWSPENDING"]))]
    );
    // A plain put abandons what was pending.
    subject.put(&name, 4, "4").await;
    assert_eq!(
        subject.labels(&name).await,
        [(token(1), stages(&["AWSPREVIOUS"])), (token(4), stages(&["AWSCURRENT"]))]
    );
}

/// Moving `AWSCURRENT` back takes `AWSPREVIOUS` along; custom labels stay.
pub async fn a_rollback_swaps_the_two_labels(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    let name = subject.create("rollback", "1").await;
    subject.put(&name, 2, "2").await;
    if store.capabilities().custom_stages {
        let mine = UpdateSecretVersionStage::new(&name, "mine").move_to(token(2));
        store.update_secret_version_stage(cx, mine).await.unwrap();
    }
    for (from, to, value) in [(2, 1, "1"), (1, 2, "2")] {
        let back =
            UpdateSecretVersionStage::new(&name, Stage::CURRENT).remove_from(token(from)).move_to(token(to));
        store.update_secret_version_stage(cx, back).await.unwrap();
        assert_eq!(subject.get(GetSecretValue::new(&name)).await.unwrap(), value);
        let previous = GetSecretValue::new(&name).stage(Stage::PREVIOUS).version_id(token(from));
        subject.get(previous).await.expect("the two have changed places");
    }
    if store.capabilities().custom_stages {
        assert_eq!(subject.get(GetSecretValue::new(&name).stage("mine")).await.unwrap(), "2");
    }
}

/// Each wrong move with its error, and the labels as before.
pub async fn refused_moves_change_nothing(subject: &Fixture) {
    let name = subject.create("refused", "1").await;
    subject.put(&name, 2, "2").await;
    let before = subject.labels(&name).await;
    let current = || UpdateSecretVersionStage::new(&name, Stage::CURRENT);
    let text = subject.refuse(current().move_to(token(1)), ErrorKind::InvalidParameter).await;
    assert_eq!(
        text,
        format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
            token(2)
        )
    );
    let text = subject.refuse(current().remove_from(token(2)), ErrorKind::InvalidParameter).await;
    assert_eq!(
        text,
        "You can only move staging label AWSCURRENT to a different secret version. It can\u{2019}t be completely removed."
    );
    subject.refuse(current().remove_from(token(1)).move_to(token(1)), ErrorKind::InvalidParameter).await;
    subject.refuse(current(), ErrorKind::InvalidParameter).await;
    assert_eq!(subject.labels(&name).await, before);
}

/// Twenty labels in all, not one more; none of the twenty is lost by asking.
pub async fn twenty_labels_are_the_most(subject: &Fixture) {
    let (store, cx) = (&subject.store, &subject.cx);
    if !store.capabilities().custom_stages {
        return;
    }
    let name = subject.create("twenty", "1").await;
    let put = |n: u32, count: usize| {
        let value = SecretValue::text(n.to_string());
        (0..count).fold(PutSecretValue::new(&name, value).token(token(n)), |put, label| {
            put.stage(format!("l{label}"))
        })
    };
    store.put_secret_value(cx, put(2, 19)).await.expect("AWSCURRENT and nineteen");
    let before = subject.labels(&name).await;
    let more = UpdateSecretVersionStage::new(&name, "one-more").move_to(token(2));
    subject.refuse(more, ErrorKind::LimitExceeded).await;
    let error = store.put_secret_value(cx, put(3, 20)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(subject.labels(&name).await, before);
    let error = store.put_secret_value(cx, put(3, 21)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    // A label that is there already may move.
    store.put_secret_value(cx, put(3, 19)).await.unwrap();
    assert_eq!(subject.labels(&name).await.len(), 2, "the second version has lost its labels");
}
