//! The adapter's cost compared with the call of AWS's SDK that it makes, over a connector that answers
//! at once: request built, signed, answer parsed, nothing sent.
//!
//! The two are called in turn: their difference is smaller than what a machine does to two runs of
//! a minute each. The values have 1 KiB.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Instant;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_kms::primitives::Blob;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use strongroom::EncryptionContext;
use strongroom::Kms;
use strongroom::aws::{AwsKms, SecretsManagerStore};
use strongroom::kms::Decrypt;
use strongroom::store::{GetSecretValue, PutSecretValue};
use strongroom::{CallContext, Realm};
use strongroom::{SecretStore, SecretValue};

const SECRET: &str = r#""ARN":"arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf","Name":"db","VersionId":"00000000-0000-4000-8000-000000000001","VersionStages":["AWSCURRENT"]"#;
const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Answers every request with this.
#[derive(Clone, Debug)]
struct Canned(String);

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        black_box(request);
        let status = StatusCode::try_from(200).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.0.as_str()))))
    }
}

fn config(answer: String) -> SdkConfig {
    let credentials = Credentials::from_keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI", None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Canned(answer))
        .build()
}

/// Calls both in turn, so that whatever else the machine does falls on both, and tells the median
/// of each and of their ratio, by parts of the run.
fn beside<A, B>(what: &str, sdk: impl Fn() -> A, ours: impl Fn() -> B)
where
    A: Future,
    B: Future,
{
    const PARTS: usize = 15;
    const ROUNDS: usize = 2000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (mut ratios, mut both) = (Vec::new(), (Vec::new(), Vec::new()));
    runtime.block_on(async {
        for _ in 0..PARTS {
            let (mut theirs, mut own) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
            for round in 0..ROUNDS {
                for first in [round % 2 == 0, round % 2 != 0] {
                    let begun = Instant::now();
                    if first {
                        black_box(sdk().await);
                        theirs.push(begun.elapsed().as_secs_f64() * 1e6);
                    } else {
                        black_box(ours().await);
                        own.push(begun.elapsed().as_secs_f64() * 1e6);
                    }
                }
            }
            let (theirs, own) = (median(theirs), median(own));
            ratios.push(own / theirs);
            both.0.push(theirs);
            both.1.push(own);
        }
    });
    println!(
        "{what:8} sdk {:6.2} µs   strongroom {:6.2} µs   ratio {:.3}",
        median(both.0),
        median(both.1),
        median(ratios)
    );
}

fn main() {
    let cx = &CallContext::owner(&Realm::default());
    let value = "x".repeat(1024);

    let answer = config(format!(r#"{{{SECRET},"SecretString":"{value}","CreatedDate":1700000000.0}}"#));
    let (sdk, store) = (aws_sdk_secretsmanager::Client::new(&answer), SecretsManagerStore::new(&answer));
    beside(
        "get",
        || async { sdk.get_secret_value().secret_id("db").send().await.unwrap() },
        || async { store.get_secret_value(cx, GetSecretValue::new("db")).await.unwrap() },
    );

    let answer = config(format!("{{{SECRET}}}"));
    let (sdk, store) = (aws_sdk_secretsmanager::Client::new(&answer), SecretsManagerStore::new(&answer));
    let held = SecretValue::text(value.as_str());
    beside(
        "put",
        || async {
            sdk.put_secret_value().secret_id("db").secret_string(value.as_str()).send().await.unwrap()
        },
        || async { store.put_secret_value(cx, PutSecretValue::new("db", held.clone())).await.unwrap() },
    );

    let plaintext = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let answer = config(format!(r#"{{"KeyId":"{KEY}","Plaintext":"{plaintext}"}}"#));
    let (sdk, kms) = (aws_sdk_kms::Client::new(&answer), AwsKms::new(&answer));
    let pairs = [("SecretARN", "arn"), ("SecretVersionId", "id")];
    let context = &EncryptionContext::from_pairs(pairs).unwrap();
    beside(
        "decrypt",
        || async {
            let call = sdk.decrypt().ciphertext_blob(Blob::new(vec![7; 184]));
            let call = pairs.iter().fold(call, |call, (key, value)| call.encryption_context(*key, *value));
            call.send().await.unwrap()
        },
        || async { kms.decrypt(cx, Decrypt::new(&[7; 184]).context(context)).await.unwrap() },
    );
}
