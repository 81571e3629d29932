//! What the tests share.

#![allow(dead_code, reason = "each test takes what it needs")]

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use strongroom_server::TestServer;
use strongroom_types::{AccountId, CallContext, Caller};

pub(crate) fn config(server: &TestServer, secret: &str, region: &'static str) -> SdkConfig {
    config_at(&server.endpoint_url(), server.access_key_id(), secret, region)
}

pub(crate) fn config_at(url: &str, id: &str, secret: &str, region: &'static str) -> SdkConfig {
    let credentials = Credentials::from_keys(id, secret, None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(region))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

pub(crate) fn owner() -> CallContext {
    CallContext::new(Caller::Owner(AccountId::DEFAULT))
}
