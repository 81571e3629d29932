//! What the tests share.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use strongroom_server::TestServer;
use strongroom_types::{AccountId, CallContext, Caller};

pub(crate) fn config(server: &TestServer, secret: &str, region: &'static str) -> SdkConfig {
    let credentials = Credentials::from_keys(server.access_key_id(), secret, None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(region))
        .endpoint_url(server.endpoint_url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

pub(crate) fn owner() -> CallContext {
    CallContext::new(Caller::Owner(AccountId::DEFAULT))
}
