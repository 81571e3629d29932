//! What the documentation promises of the facade: every item of the crates behind it has one path, and
//! the tables of features are those of the manifest.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

/// The crates behind the facade, with what they export to each other and not to programs.
const CRATES: [(&str, &[&str]); 15] = [
    ("aws", &[]),
    ("cache", &[]),
    ("client-encryption", &[]),
    // Explanations are the facade's: `Identities::explain`.
    ("engine", &["KeyNeed", "SecretAccess", "SecretPrincipals"]),
    ("envelope", &[]),
    ("iam", &[]),
    ("kms", &[]),
    ("local-kms", &["KeyAccess", "KeyPrincipals"]),
    ("migrate", &[]),
    // The types' own.
    ("policy", &["Arn"]),
    ("records", &[]),
    ("root", &[]),
    ("secret-records", &[]),
    ("store", &[]),
    ("types", &["ErrorClass", "Failure", "Fault", "Frame", "OperationName", "from_hex", "hex"]),
];

fn read(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{}: {error}", whole.display()));
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The names in `first, Second as Third, module::Fourth`.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// What a crate exports at its root.
fn exports(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in source.split(';') {
        let line = line.lines().filter(|line| !line.starts_with("#[")).collect::<Vec<_>>().join(" ");
        let line = line.trim();
        if let Some(module) = line.strip_prefix("pub mod ") {
            found.insert(module.split([' ', '{']).next().unwrap_or_default().to_owned());
        }
        let Some(path) = line.strip_prefix("pub use ") else { continue };
        let list = match path.split_once('{') {
            Some((_, list)) => list.trim_end_matches('}'),
            None => path.rsplit("::").next().unwrap_or_default(),
        };
        for name in names(list) {
            let name = name.rsplit(" as ").next().unwrap_or_default();
            found.insert(name.rsplit("::").next().unwrap_or_default().to_owned());
        }
    }
    found
}

/// How often the facade re-exports each item of a crate.
fn shown(facade: &str, name: &str) -> Vec<String> {
    let prefix = format!("strongroom_{}::", name.replace('-', "_"));
    let mut found = Vec::new();
    for (at, _) in facade.match_indices(&prefix) {
        let rest = &facade[at + prefix.len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => rest.split([';', ',', '}']).next().unwrap_or_default(),
        };
        found.extend(names(list).map(|name| name.split(" as ").next().unwrap_or_default().to_owned()));
    }
    found
}

#[test]
fn every_item_of_the_crates_behind_the_facade_has_one_path() {
    let facade = read("src/lib.rs") + &read("src/modules.rs");
    for (name, own) in CRATES {
        let exported = exports(&read(&format!("../strongroom-{name}/src/lib.rs")));
        let shown = shown(&facade, name);
        let once: BTreeSet<_> = shown.iter().cloned().collect();
        assert_eq!(shown.len(), once.len(), "strongroom-{name}: something has two paths: {shown:?}");
        let own: BTreeSet<_> = own.iter().map(|&name| name.to_owned()).collect();
        let expected: BTreeSet<_> = exported.difference(&own).cloned().collect();
        assert_eq!(once, expected, "strongroom-{name}");
    }
}

#[test]
fn the_tables_of_features_are_those_of_the_manifest() {
    let manifest = read("Cargo.toml");
    let features = manifest.split("[features]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
    let features: BTreeSet<_> =
        features.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.trim()).collect();
    let features: BTreeSet<_> = features.into_iter().filter(|name| !["default"].contains(name)).collect();
    let whole =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    for page in ["src/lib.rs", "../../README.md"] {
        let text = whole(page);
        let rows = text.lines().map(|line| line.trim_start_matches("//! "));
        let table = rows.skip_while(|line| !line.starts_with("| feature")).skip(2);
        let listed: BTreeSet<_> = table
            .take_while(|line| line.starts_with("| `"))
            .filter_map(|line| line.split('`').nth(1).map(str::to_owned))
            .collect();
        let listed: BTreeSet<_> = listed.iter().map(String::as_str).collect();
        assert_eq!(listed, features, "{page}");
    }
}
