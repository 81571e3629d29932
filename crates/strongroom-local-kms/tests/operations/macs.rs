//! §5: GenerateMac, VerifyMac, GenerateRandom.

use strongroom_kms::{GenerateMac, GenerateRandom, MacAlgorithm, VerifyMac};

use super::*;

const SPECS: [(KeySpec, MacAlgorithm, usize); 4] = [
    (KeySpec::Hmac224, MacAlgorithm::HmacSha224, 28),
    (KeySpec::Hmac256, MacAlgorithm::HmacSha256, 32),
    (KeySpec::Hmac384, MacAlgorithm::HmacSha384, 48),
    (KeySpec::Hmac512, MacAlgorithm::HmacSha512, 64),
];

impl World {
    async fn mac(
        &self,
        key: &KeyMetadata,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Vec<u8>, Error> {
        Ok(self.kms.generate_mac(&self.cx, GenerateMac::new(&by_id(key), message, algorithm)).await?.mac)
    }

    async fn verify(
        &self,
        key: &KeyMetadata,
        message: &[u8],
        mac: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<(), Error> {
        let good =
            self.kms.verify_mac(&self.cx, VerifyMac::new(&by_id(key), message, mac, algorithm)).await?;
        assert_eq!((good.key_arn, good.algorithm), (key.arn.clone(), algorithm));
        Ok(())
    }
}

#[tokio::test]
async fn every_spec_makes_and_verifies_codes_in_every_process() {
    let world = World::new().await;
    for (spec, algorithm, len) in SPECS {
        let key = world.hmac(spec).await;
        let mac = world.mac(&key, b"message", algorithm).await.unwrap();
        assert_eq!(mac.len(), len);
        world.another().await.verify(&key, b"message", &mac, algorithm).await.unwrap();
        let other = world.hmac(spec).await;
        assert_ne!(world.mac(&other, b"message", algorithm).await.unwrap(), mac, "each key has its own");
    }
}

#[tokio::test]
async fn every_other_code_or_message_is_invalid_without_a_text() {
    let world = World::new().await;
    let key = world.hmac(KeySpec::Hmac256).await;
    let algorithm = MacAlgorithm::HmacSha256;
    let mac = world.mac(&key, b"message", algorithm).await.unwrap();
    let mut other = mac.clone();
    other[0] ^= 1;
    for (message, mac) in [(b"message", &other), (b"Message", &mac)] {
        refused(world.verify(&key, message, mac, algorithm).await, ErrorKind::InvalidMac, "");
    }
    refused(world.verify(&key, b"message", &mac[..31], algorithm).await, ErrorKind::InvalidMac, "");
    refused(world.verify(&key, b"message", &[7; 6144], algorithm).await, ErrorKind::InvalidMac, "");
}

#[tokio::test]
async fn the_algorithm_must_be_the_keys() {
    let world = World::new().await;
    let key = world.hmac(KeySpec::Hmac224).await;
    let message = "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224.";
    refused(world.mac(&key, b"x", MacAlgorithm::HmacSha256).await, ErrorKind::InvalidKeyUsage, message);
    refused(
        world.verify(&key, b"x", b"x", MacAlgorithm::HmacSha256).await,
        ErrorKind::InvalidKeyUsage,
        message,
    );
}

#[tokio::test]
async fn a_symmetric_key_makes_no_codes() {
    let world = World::new().await;
    let key = world.key().await;
    let message = |operation: &str| {
        format!("{} key usage is ENCRYPT_DECRYPT which is not valid for {operation}.", key.arn)
    };
    let algorithm = MacAlgorithm::HmacSha256;
    refused(world.mac(&key, b"x", algorithm).await, ErrorKind::InvalidKeyUsage, &message("GenerateMac"));
    refused(
        world.verify(&key, b"x", b"x", algorithm).await,
        ErrorKind::InvalidKeyUsage,
        &message("VerifyMac"),
    );
}

#[tokio::test]
async fn a_message_has_1_to_4096_bytes_and_a_code_1_to_6144() {
    let world = World::new().await;
    let key = world.hmac(KeySpec::Hmac256).await;
    let algorithm = MacAlgorithm::HmacSha256;
    let violated = |member: &str, bound: &str| {
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length {bound}"
        )
    };
    let validation = ErrorKind::Validation;
    refused(
        world.mac(&key, b"", algorithm).await,
        validation,
        &violated("message", "greater than or equal to 1"),
    );
    let long = vec![0; 4097];
    refused(
        world.mac(&key, &long, algorithm).await,
        validation,
        &violated("message", "less than or equal to 4096"),
    );
    world.mac(&key, &long[..4096], algorithm).await.unwrap();
    refused(
        world.verify(&key, b"x", b"", algorithm).await,
        validation,
        &violated("mac", "greater than or equal to 1"),
    );
    let long = vec![0; 6145];
    refused(
        world.verify(&key, b"x", &long, algorithm).await,
        validation,
        &violated("mac", "less than or equal to 6144"),
    );
}

#[tokio::test]
async fn a_dry_run_does_nothing_and_says_what_would_be() {
    let world = World::new().await;
    let (key, symmetric) = (world.hmac(KeySpec::Hmac256).await, world.key().await);
    let (kms, cx, algorithm) = (&world.kms, &world.cx, MacAlgorithm::HmacSha256);
    let message = "The request would have succeeded, but the DryRun option is set.";
    refused(
        kms.generate_mac(cx, GenerateMac::new(&by_id(&key), b"x", algorithm).dry_run()).await,
        ErrorKind::DryRun,
        message,
    );
    let wrong = kms.generate_mac(cx, GenerateMac::new(&by_id(&symmetric), b"x", algorithm).dry_run()).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidKeyUsage);
    let mac = world.mac(&key, b"x", algorithm).await.unwrap();
    refused(
        kms.verify_mac(cx, VerifyMac::new(&by_id(&key), b"x", &mac, algorithm).dry_run()).await,
        ErrorKind::DryRun,
        message,
    );
    let wrong = kms.verify_mac(cx, VerifyMac::new(&by_id(&key), b"y", &mac, algorithm).dry_run()).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::InvalidMac);
}

#[tokio::test]
async fn key_states_hold_for_codes() {
    let world = World::new().await;
    let key = world.hmac(KeySpec::Hmac256).await;
    let algorithm = MacAlgorithm::HmacSha256;
    world.kms.disable_key(&world.cx, &by_id(&key)).await.unwrap();
    let message = format!("{} is disabled.", key.arn);
    refused(world.mac(&key, b"x", algorithm).await, ErrorKind::Disabled, &message);
    refused(world.verify(&key, b"x", b"x", algorithm).await, ErrorKind::Disabled, &message);
    world.kms.schedule_key_deletion(&world.cx, &by_id(&key), None).await.unwrap();
    let message = format!("{} is pending deletion.", key.arn);
    refused(world.mac(&key, b"x", algorithm).await, ErrorKind::InvalidState, &message);
}

#[tokio::test]
async fn random_bytes_are_1_to_1024() {
    let world = World::new().await;
    let random = |bytes| world.kms.generate_random(&world.cx, GenerateRandom::new(bytes));
    assert_eq!(random(1024).await.unwrap().len(), 1024);
    assert_ne!(random(32).await.unwrap(), random(32).await.unwrap());
    let violated = |value: u16, bound: &str| {
        format!(
            "1 validation error detected: Value '{value}' at 'numberOfBytes' failed to satisfy constraint: Member must have value {bound}"
        )
    };
    let (low, high) =
        (violated(0, "greater than or equal to 1"), violated(1025, "less than or equal to 1024"));
    refused(random(0).await, ErrorKind::Validation, &low);
    refused(random(1025).await, ErrorKind::Validation, &high);
}
