//! A cache hit compared with a bare hash map, `moka`, and AWS's own caching client, on one thread
//! and on two.
//!
//! Ids: `hit/strongroom` (the handle), `hit/strongroom_read` (by name), `hit/strongroom_store`
//! (through the boxed trait), `hit/aws_secretsmanager_caching`, `hit/moka`, `hit/hashmap`,
//! `hit2/...` the same on two threads at once (time for each thread's own), `watch/strongroom`. The
//! hash map holds an `Arc` under the secret's name and is asked for it, without a time; the value
//! is looked at in place.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_secretsmanager_caching::SecretsManagerCachingClient;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use criterion::{Criterion, criterion_group, criterion_main};
use pollster::block_on;
use strongroom::WatchOptions;
use strongroom::cache::Cached;
use strongroom::cache::{Handle, Watch};
use strongroom::store::GetSecretValue;
use strongroom::{CachePolicy, CallContext, RootKey, Strongroom};
use strongroom::{SecretAdmin, SecretStore, SecretValue};

const NAME: &str = "prod/orders/db";
const ANSWER: &str = r#"{"ARN":"arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/orders/db-AbCdEf","Name":"prod/orders/db","VersionId":"00000000-0000-4000-8000-000000000001","VersionStages":["AWSCURRENT"],"SecretString":"s3cret","CreatedDate":1700000000.0}"#;

/// Answers every request with the same secret.
#[derive(Clone, Debug)]
struct Canned;

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(200).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(ANSWER))))
    }
}

async fn official() -> SecretsManagerCachingClient {
    let credentials = Credentials::from_keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI", None);
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Canned);
    let size = NonZeroUsize::new(100).unwrap();
    SecretsManagerCachingClient::from_builder(config, size, Duration::from_secs(3600), false).await.unwrap()
}

struct Ours {
    cached: Cached<Arc<dyn SecretAdmin>>,
    cx: CallContext,
    handle: Handle<Arc<dyn SecretAdmin>>,
    watch: Watch,
}

async fn ours() -> Ours {
    let room = Strongroom::builder().memory().root_key(RootKey::from_bytes([1; 32])).open().await.unwrap();
    room.create(NAME).text("s3cret").send().await.unwrap();
    let policy = CachePolicy::ttl(Duration::from_secs(3600));
    let runtime = tokio::runtime::Handle::current();
    let spawn = Arc::new(move |task| drop(runtime.spawn(task)));
    let cached = Cached::spawning(room.store(), policy, spawn).unwrap();
    let cx = room.context().clone();
    let handle = cached.handle(&cx, NAME);
    handle.get().await.unwrap();
    let sleep = Arc::new(|time| -> strongroom::cache::Task { Box::pin(tokio::time::sleep(time)) });
    let watch =
        cached.watch(&cx, NAME, WatchOptions::every_with(Duration::from_secs(60), sleep)).await.unwrap();
    Ours { cached, cx, handle, watch }
}

/// The time that each of two threads takes for as many calls, both at once.
fn on_two(rounds: u64, call: impl Fn() + Sync) -> Duration {
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| {
            scope.spawn(|| {
                barrier.wait();
                let begun = Instant::now();
                (0..rounds).for_each(|_| call());
                begun.elapsed()
            })
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<Duration>() / 2
    })
}

fn both(criterion: &mut Criterion, id: &str, call: impl Fn() + Sync) {
    criterion.bench_function(&format!("hit/{id}"), |b| b.iter(&call));
    criterion.bench_function(&format!("hit2/{id}"), |b| b.iter_custom(|rounds| on_two(rounds, &call)));
}

fn hits(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _within = runtime.enter();
    let (ours, official) = runtime.block_on(async { (ours().await, official().await) });

    let map: HashMap<String, Arc<SecretValue>> = (0..100)
        .map(|n| (format!("other/{n}"), Arc::new(SecretValue::text("x"))))
        .chain([(NAME.to_owned(), Arc::new(SecretValue::text("s3cret")))])
        .collect();
    both(criterion, "hashmap", || {
        black_box(map.get(black_box(NAME)).unwrap().expose_bytes().len());
    });
    both(criterion, "strongroom", || {
        black_box(ours.handle.peek().unwrap().expose_bytes().len());
    });
    both(criterion, "strongroom_read", || {
        let held = block_on(ours.cached.read(&ours.cx, GetSecretValue::new(NAME))).unwrap();
        black_box(held.expose_bytes().len());
    });
    let store: Arc<dyn SecretStore> = Arc::new(ours.cached.clone());
    both(criterion, "strongroom_store", || {
        let read = block_on(store.get_secret_value(&ours.cx, GetSecretValue::new(NAME))).unwrap();
        black_box(read.expose_bytes().len());
    });
    let moka =
        moka::sync::Cache::builder().max_capacity(1_000).time_to_live(Duration::from_secs(3600)).build();
    moka.insert(NAME.to_owned(), Arc::new(SecretValue::text("s3cret")));
    both(criterion, "moka", || {
        black_box(moka.get(black_box(NAME)).unwrap().expose_bytes().len());
    });
    both(criterion, "aws_secretsmanager_caching", || {
        let read = block_on(official.get_secret_value(NAME, None, None, false)).unwrap();
        black_box(read.secret_string.unwrap().len());
    });
    criterion.bench_function("watch/strongroom", |b| {
        b.iter(|| black_box(ours.watch.current().unwrap().expose_bytes().len()));
    });
}

criterion_group!(benches, hits);
criterion_main!(benches);
