//! Which regions are served, and that nothing is made or kept open in one before whoever asks for
//! it is permitted.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::path::PathBuf;

use support::process::{Server, command, kept_key, start};
use support::{Answer, Signer, call, exchange};

/// The regions of the default list that are not the home.
const ALLOWED: [&str; 39] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

const INVALID: &str = "Credential should be scoped to a valid region.";

struct World {
    directory: tempfile::TempDir,
    server: Option<Server>,
}

/// What a process holds: open descriptors, threads, resident KiB, and realms on the disk.
#[derive(Debug)]
struct Holdings {
    files: usize,
    threads: usize,
    memory: usize,
    realms: Vec<String>,
}

impl World {
    fn new(more: &[&str]) -> Self {
        let mut world = Self { directory: tempfile::tempdir().unwrap(), server: None };
        world.start(more);
        world
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn start(&mut self, more: &[&str]) {
        let data = self.data();
        let given = ["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap(), "--core-dumps"];
        self.server = Some(start(&mut command(&[&given, more].concat())));
    }

    fn restart(&mut self, more: &[&str]) {
        let mut server = self.server.take().unwrap();
        server.signal("-TERM");
        assert!(server.child.wait().unwrap().success());
        self.start(more);
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn owner(&self) -> Signer {
        kept_key(&self.data().join("access-key"))
    }

    /// The answer to a signed form to IAM.
    fn iam(&self, signer: &Signer, form: &str) -> String {
        let mut request = "POST / HTTP/1.1\r\n".to_owned();
        for (name, value) in signer.form_headers(&self.server().address, "iam", form.as_bytes()) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ));
        let answer = exchange(&mut self.server().connect(), request.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// A user with these actions allowed on everything.
    fn user(&self, name: &str, actions: &[&str]) -> Signer {
        let owner = self.owner();
        let user = format!("&Version=2010-05-08&UserName={name}");
        self.iam(&owner, &format!("Action=CreateUser{user}"));
        if !actions.is_empty() {
            let actions: Vec<String> = actions.iter().map(|action| format!("\"{action}\"")).collect();
            let document = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{}],"Resource":"*"}}]}}"#,
                actions.join(",")
            );
            let document: String = form_urlencoded::byte_serialize(document.as_bytes()).collect();
            let form = format!("Action=PutUserPolicy{user}&PolicyName=p&PolicyDocument={document}");
            self.iam(&owner, &form);
        }
        let made = self.iam(&owner, &format!("Action=CreateAccessKey{user}"));
        let part = |name: &str| {
            let (_, rest) = made.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        Signer::new(&part("AccessKeyId"), &part("SecretAccessKey"))
    }

    fn holdings(&self) -> Holdings {
        let process = format!("/proc/{}", self.server().child.id());
        let count = |what: &str| fs::read_dir(format!("{process}/{what}")).unwrap().count();
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Holdings {
            files: count("fd"),
            threads: count("task"),
            memory: resident.split_whitespace().next().unwrap().parse().unwrap(),
            realms: self.realms(),
        }
    }

    fn realms(&self) -> Vec<String> {
        let mut found = Vec::new();
        for account in fs::read_dir(self.data()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            for region in fs::read_dir(account.path()).unwrap().flatten() {
                let names = [account.file_name(), region.file_name()].map(|name| name.into_string().unwrap());
                found.push(names.join("/"));
            }
        }
        found.sort();
        found
    }

    fn manifest(&self) -> String {
        fs::read_to_string(self.data().join("strongroom.json")).unwrap()
    }

    fn call(&self, signer: &Signer, region: &str, target: &str, body: &str) -> Answer {
        let signer = Signer { region: region.to_owned(), ..signer.clone() };
        call(&mut self.server().connect(), &signer, target, body)
    }

    fn create(&self, signer: &Signer, region: &str) -> Answer {
        let body =
            r#"{"Name":"s","SecretString":"v","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#;
        self.call(signer, region, "secretsmanager.CreateSecret", body)
    }

    fn get(&self, signer: &Signer, region: &str) -> Answer {
        self.call(signer, region, "secretsmanager.GetSecretValue", r#"{"SecretId":"s"}"#)
    }

    /// Asks for everything that could make a strongroom, and for nothing that is none.
    fn provoke(&self, signer: &Signer, region: &str) -> Vec<Answer> {
        let elsewhere = format!("arn:aws:kms:{region}:111122223333:key/00000000-0000-0000-0000-000000000000");
        let re_encrypt = format!(
            r#"{{"CiphertextBlob":"AAAA","SourceKeyId":"{elsewhere}","DestinationKeyId":"alias/aws/ssm"}}"#
        );
        vec![
            self.create(signer, region),
            self.get(signer, region),
            self.call(signer, region, "TrentService.CreateKey", "{}"),
            // The managed key of a service is made when it is first used.
            self.call(
                signer,
                region,
                "TrentService.GenerateDataKey",
                r#"{"KeyId":"alias/aws/secretsmanager","KeySpec":"AES_256"}"#,
            ),
            // Nor by a key of another account, which would be encrypted again under one of this.
            self.call(signer, region, "TrentService.ReEncrypt", &re_encrypt),
            // Nor by what is no request at all.
            self.call(signer, region, "secretsmanager.CreateSecret", "{}"),
        ]
    }
}

impl Holdings {
    fn grew_no_further_than(&self, before: &Self) {
        assert_eq!(self.realms, before.realms);
        assert!(self.files <= before.files + 8, "{self:?}\n{before:?}");
        assert!(self.threads <= before.threads + 8, "{self:?}\n{before:?}");
        assert!(self.memory <= before.memory + 24 * 1024, "{self:?}\n{before:?}");
    }
}

/// Once through what follows, so that what the process keeps in any case is there: connections to
/// the home's database, threads of the runtime, caches.
fn settled(world: &World, signer: &Signer) -> Holdings {
    for region in ["us-east-1", "eu-west-1", "xa-north-1"] {
        for _ in 0..20 {
            world.get(signer, region);
        }
    }
    world.holdings()
}

#[test]
fn nobody_without_permission_makes_a_strongroom_by_naming_a_region() {
    let world = World::new(&[]);
    let eve = world.user("eve", &[]);
    let before = settled(&world, &eve);
    // Regions that nobody has.
    for n in 0..400 {
        let region = format!("{}-north-{n}", ["xa", "xb", "xc"][n % 3]);
        let answers = if n % 20 == 0 {
            world.provoke(&eve, &region)
        } else {
            vec![world.create(&eve, &region), world.get(&eve, &region)]
        };
        for answer in answers {
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(answer.body.contains("InvalidSignatureException"), "{answer:?}");
            assert!(answer.body.contains(INVALID), "{answer:?}");
        }
    }
    // Regions that AWS has, again and again.
    for n in 0..400 {
        let region = ALLOWED[n % ALLOWED.len()];
        let answers = if n < ALLOWED.len() {
            world.provoke(&eve, region)
        } else {
            vec![world.create(&eve, region), world.get(&eve, region)]
        };
        for answer in answers {
            assert_eq!(answer.status, 400, "{region}: {answer:?}");
        }
    }
    world.holdings().grew_no_further_than(&before);
    assert_eq!(world.realms(), ["000000000000/us-east-1"], "only the home");
    assert!(!world.manifest().contains("eu-west-1"));
    // And the owner is answered.
    assert_eq!(world.create(&world.owner(), "us-east-1").status, 200);
}

#[test]
fn who_may_only_read_reads_empty_regions_and_makes_none() {
    let world = World::new(&[]);
    let reader = world.user(
        "reader",
        &["secretsmanager:GetSecretValue", "secretsmanager:List*", "secretsmanager:Describe*", "kms:List*"],
    );
    let before = settled(&world, &reader);
    for n in 0..400 {
        let region = ALLOWED[n % ALLOWED.len()];
        let got = world.get(&reader, region);
        assert!(got.body.contains("ResourceNotFoundException"), "{region}: {got:?}");
        let listed = world.call(&reader, region, "secretsmanager.ListSecrets", "{}");
        assert_eq!((listed.status, listed.body.as_str()), (200, r#"{"SecretList":[]}"#), "{region}");
        let keys = world.call(&reader, region, "TrentService.ListKeys", "{}");
        assert!(keys.status == 200 && keys.body.contains(r#""Keys":[]"#), "{region}: {keys:?}");
        let create = world.create(&reader, region);
        assert!(create.body.contains("AccessDeniedException"), "{region}: {create:?}");
    }
    world.holdings().grew_no_further_than(&before);
    assert_eq!(world.realms(), ["000000000000/us-east-1"]);
    // Nor does the owner make one by looking.
    let owner = world.owner();
    for region in ALLOWED {
        assert!(world.get(&owner, region).body.contains("ResourceNotFoundException"));
        assert_eq!(world.call(&owner, region, "secretsmanager.ListSecrets", "{}").status, 200);
        let random = world.call(&owner, region, "secretsmanager.GetRandomPassword", "{}");
        assert_eq!(random.status, 200, "{random:?}");
    }
    assert_eq!(world.realms(), ["000000000000/us-east-1"]);
}

#[test]
fn who_may_create_makes_a_strongroom_in_a_region_that_is_served_and_in_no_other() {
    let mut world = World::new(&[]);
    let writer = world.user("writer", &["secretsmanager:*", "kms:*"]);
    let invented = world.create(&writer, "xa-north-1");
    assert!(invented.status == 400 && invented.body.contains(INVALID), "{invented:?}");
    let owner = world.owner();
    assert!(world.create(&owner, "xa-north-1").body.contains(INVALID));
    // One by a secret, one by a key, one by a managed key.
    assert_eq!(world.create(&writer, "eu-west-1").status, 200);
    assert_eq!(world.call(&writer, "eu-north-1", "TrentService.CreateKey", "{}").status, 200);
    let alias = r#"{"KeyId":"alias/aws/secretsmanager"}"#;
    let managed = world.call(&writer, "eu-central-1", "TrentService.DescribeKey", alias);
    assert_eq!(managed.status, 200, "{managed:?}");
    let again = world.call(&writer, "eu-central-1", "TrentService.DescribeKey", alias);
    let id = |answer: &Answer| {
        let (_, rest) = answer.body.split_once(r#""KeyId":""#).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    assert_eq!(id(&managed), id(&again), "what was answered exists");
    let made = ["eu-central-1", "eu-north-1", "eu-west-1", "us-east-1"];
    assert_eq!(world.realms(), made.map(|region| format!("000000000000/{region}")));
    assert!(made.iter().all(|region| world.manifest().contains(region)));
    world.restart(&[]);
    assert_eq!(world.get(&writer, "eu-west-1").status, 200);
}

#[test]
fn the_list_of_regions_is_an_option() {
    let mut world = World::new(&["--regions", "eu-west-1, local-test-1"]);
    let owner = world.owner();
    // Where the identities are is always served.
    for region in ["us-east-1", "eu-west-1", "local-test-1"] {
        assert_eq!(world.create(&owner, region).status, 200, "{region}");
    }
    assert!(world.create(&owner, "eu-central-1").body.contains(INVALID));
    // Users and roles belong to no region; clients sign for one of their own choice.
    for region in ["us-east-1", "eu-central-1"] {
        let signer = Signer { region: region.to_owned(), ..owner.clone() };
        world.iam(&signer, "Action=ListUsers&Version=2010-05-08");
    }
    // By default AWS's regions are served, and those that are there.
    world.restart(&[]);
    assert_eq!(world.get(&owner, "local-test-1").status, 200);
    assert_eq!(world.create(&owner, "eu-central-1").status, 200);
    assert!(world.create(&owner, "local-test-2").body.contains(INVALID));
    // A list means that list.
    world.restart(&["--regions", "aws"]);
    assert!(world.get(&owner, "local-test-1").body.contains(INVALID));
    assert_eq!(world.get(&owner, "eu-central-1").status, 200);
    world.restart(&["--regions", "all"]);
    assert_eq!(world.get(&owner, "local-test-1").status, 200);
    assert_eq!(world.create(&owner, "xa-north-1").status, 200);
    // What is no list is an error that names the option.
    let output = command(&["--memory", "--regions", "EU"]).output().unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && report.contains("--regions"), "{report}");
}

#[tokio::test]
async fn a_store_of_ones_own_is_served_and_users_are_kept_beside_it() {
    use serde_json::json;
    use strongroom::strongrooms::Strongrooms;
    use strongroom::{Realm, RootKey, Strongroom};
    use support::direct;

    let root = RootKey::from_bytes([1; 32]);
    let other = Strongroom::builder().memory().root_key(root).open().await.unwrap();
    other.create("theirs").text("v").send().await.unwrap();
    let own = Strongroom::over(other.store(), Realm::default());
    let rooms = Strongrooms::builder().memory().room(own).open().await.unwrap();
    let builder = strongroom_server::Server::builder().strongrooms(rooms).housekeeping(None);
    let server = builder.accept_any_credentials().open().await.unwrap();
    let read = json!({"SecretId": "theirs"});
    let report = direct::call(&server, "secretsmanager", "GetSecretValue", &read).await.unwrap();
    assert_eq!(report["SecretString"], "v");
    // Its keys are nobody's business here.
    let (code, _) = direct::kms(&server, "ListKeys", json!({})).await.unwrap_err();
    assert_eq!(code, "UnknownOperationException");
    let (status, report) = direct::query(&server, "iam", "Action=CreateUser&UserName=alice").await;
    assert!(status == 200 && report.contains("user/alice"), "{report}");
    let other = strongroom::AccountId::parse("111122223333").unwrap();
    let rooms = server.strongrooms().clone();
    let refused = strongroom_server::Server::builder().strongrooms(rooms).account(other).open().await;
    assert!(refused.unwrap_err().to_string().contains("000000000000"));
}
