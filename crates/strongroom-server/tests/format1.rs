//! A data directory that an earlier version left.

#![cfg(test)]
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::process::{Server, command, kept_key, start};
use support::{Signer, call};

/// Git keeps no modes: files are their owner's alone, as they were.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let source = entry.unwrap().path();
        let target = to.join(source.file_name().unwrap());
        if source.is_dir() {
            copy_all(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn ask(server: &Server, signer: &Signer, region: &str, operation: &str, body: &str) -> String {
    let signer = Signer { region: region.to_owned(), ..signer.clone() };
    let answer = call(&mut server.connect(), &signer, &format!("secretsmanager.{operation}"), body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[test]
fn a_directory_of_an_earlier_version_is_served_and_what_its_manifest_says_besides_stays() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../strongroom/tests/fixtures/format1");
    copy_all(&fixtures.join("server"), &data);
    // As a newer version might have written it.
    let manifest = data.join("strongroom.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.trim_end().trim_end_matches('}').trim_end().to_owned() + ",\n  \"colour\": [1]\n}",
    )
    .unwrap();

    let signer = kept_key(&data.join("access-key"));
    for _ in 0..2 {
        let server =
            start(&mut command(&["--listen", "127.0.0.1:0", "--existing", "--data", data.to_str().unwrap()]));
        for (region, name) in [("us-east-1", "home/db"), ("eu-central-1", "away/db")] {
            let read =
                ask(&server, &signer, region, "GetSecretValue", &format!(r#"{{"SecretId":"{name}"}}"#));
            assert!(read.contains("kept by the server"), "{read}");
            let tag = format!(r#"{{"SecretId":"{name}","Tags":[{{"Key":"a","Value":"b"}}]}}"#);
            ask(&server, &signer, region, "TagResource", &tag);
        }
        // A region that is new to it.
        let token = "22222222-2222-2222-2222-222222222222";
        let made = format!(r#"{{"Name":"far","SecretString":"v","ClientRequestToken":"{token}"}}"#);
        ask(&server, &signer, "ap-southeast-2", "CreateSecret", &made);
    }
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("ap-southeast-2") && text.contains("\"colour\": [\n    1\n  ]"), "{text}");
}
