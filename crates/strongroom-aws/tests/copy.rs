//! Secrets moved to AWS and back: an embedded strongroom, our server by AWS's SDK, another strongroom.

#![cfg(test)]

mod support;

use std::collections::BTreeMap;

use strongroom::{Migration, RootKey, Stage, Strongroom};
use strongroom_server::test_server;

async fn room(byte: u8) -> Strongroom {
    Strongroom::builder().memory().root_key(RootKey::from_bytes([byte; 32])).open().await.unwrap()
}

async fn told(room: &Strongroom, name: &str) -> BTreeMap<String, (Vec<Stage>, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for version in room.versions(name).include_deprecated().all().await.unwrap() {
        let read = room.get(name).version(&version.version_id).send().await.unwrap();
        let stages = version.stages.into_iter().collect();
        all.insert(version.version_id.to_string(), (stages, read.expose_bytes().to_vec()));
    }
    all
}

async fn copy(from: &Strongroom, to: &Strongroom) {
    let (source, target) = (from.store(), to.store());
    let run = Migration::new((&*source, from.context()), (&*target, to.context()));
    let report = run.run(|_| ()).await.unwrap();
    assert!(report.complete(), "{report}");
    let again = run.run(|_| ()).await.unwrap();
    assert!(again.to_string().contains("0 copied, 3 there already"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back() {
    let (from, back, server) = (room(1).await, room(2).await, test_server().await.unwrap());
    let aws = Strongroom::aws().region("us-east-1").endpoint(server.endpoint_url());
    let aws = aws.credentials(server.access_key_id(), server.secret_access_key().expose().to_owned());
    let aws = aws.send().await.unwrap();
    for name in ["a", "b/c", "d"] {
        from.create(name).description("told").tag("k", name).text("1").send().await.unwrap();
        for n in 2..=4 {
            from.put(name).binary(vec![n, 255]).send().await.unwrap();
        }
    }
    from.put("d").text("next").stage(Stage::PENDING).stage("mine").send().await.unwrap();
    copy(&from, &aws).await;
    copy(&aws, &back).await;
    for name in ["a", "b/c", "d"] {
        let wanted = told(&from, name).await;
        assert_eq!(told(&aws, name).await, wanted);
        assert_eq!(told(&back, name).await, wanted);
        let (one, other) = (from.describe(name).await.unwrap(), back.describe(name).await.unwrap());
        assert_eq!((one.description, one.tags), (other.description, other.tags));
    }
}
