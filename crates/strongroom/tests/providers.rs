//! The provider of the primitives is chosen in the builder; what one sealed the other opens.
#![cfg(feature = "aws-lc-rs")]
#![cfg(test)]

use std::sync::Arc;

use strongroom::MemoryRecords;
use strongroom::envelope::{AwsLc, Provider, RustCrypto};
use strongroom::{RootKey, Strongroom};

const ROOT: [u8; 32] = [7; 32];

async fn open<P: Provider>(records: &Arc<MemoryRecords>) -> Strongroom {
    let records = Arc::clone(records);
    let builder = Strongroom::builder().records(records).root_key(RootKey::from_bytes(ROOT));
    builder.provider::<P>().open().await.unwrap()
}

async fn crossed<A: Provider, B: Provider>() {
    let records = Arc::new(MemoryRecords::new());
    let (one, other) = (open::<A>(&records).await, open::<B>(&records).await);
    one.create("db").text("first").send().await.unwrap();
    assert_eq!(other.get("db").send().await.unwrap().expose_text().unwrap(), "first");
    other.put("db").text("second").send().await.unwrap();
    assert_eq!(one.get("db").send().await.unwrap().expose_text().unwrap(), "second");
    assert!(one.verify().await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn one_opens_what_the_other_sealed() {
    crossed::<RustCrypto, AwsLc>().await;
    crossed::<AwsLc, RustCrypto>().await;
}

#[test]
fn the_feature_alone_changes_nothing() {
    let shown = format!("{:?}", strongroom::envelope::AnySealer::default());
    assert_eq!(shown, "AnySealer<RustCrypto>");
}
