//! §11, GetRandomPassword: its refusals, and that what it makes is uniform.

use strongroom_store::GetRandomPassword;

use super::*;

fn make(request: &GetRandomPassword) -> String {
    request.generate().unwrap().expose().to_owned()
}

fn invalid(request: &GetRandomPassword, message: &str) {
    refused(request.generate().map(|_| ()), ErrorKind::InvalidParameter, message);
}

#[test]
fn length_below_the_number_of_required_types() {
    let message = "Password length is too short based on the required types.";
    invalid(&GetRandomPassword::new().length(3), message);
    make(&GetRandomPassword::new().length(4));
    invalid(&GetRandomPassword::new().length(2).exclude_numbers(), message);
    make(&GetRandomPassword::new().length(3).exclude_numbers().include_space());
    make(&GetRandomPassword::new().length(1).any_types());
}

#[test]
fn an_empty_pool() {
    let message = "All characters have been excluded from selection.";
    let none = GetRandomPassword::new().exclude_lowercase().exclude_uppercase().exclude_punctuation();
    invalid(&none.clone().exclude_numbers(), message);
    invalid(&none.clone().exclude_characters("0123456789"), message);
    invalid(&none.any_types().exclude_characters("0123456789"), message);
}

#[test]
fn a_required_type_emptied_by_excluded_characters() {
    let request = GetRandomPassword::new().exclude_characters("0123456789");
    invalid(&request, "All characters of the desired type have been excluded.");
    assert!(!make(&request.any_types()).contains(|c: char| c.is_ascii_digit()));
}

#[test]
fn members_out_of_bounds() {
    for length in [0, 4097, -1] {
        let error = GetRandomPassword::new().length(length).generate().unwrap_err();
        assert!(error.message().contains("at 'passwordLength'"), "{error}");
    }
    let error = GetRandomPassword::new().exclude_characters("x".repeat(4097)).generate().unwrap_err();
    assert!(error.message().contains("at 'excludeCharacters'"), "{error}");
}

#[test]
fn every_combination_of_types_holds_what_it_should_and_nothing_else() {
    let types: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| c.is_ascii_punctuation(),
    ];
    for combination in 0..64u8 {
        let bit = |n: u8| combination & (1 << n) != 0;
        let mut request = GetRandomPassword::new().length(12).exclude_characters("aZ5~");
        (request.exclude_lowercase, request.exclude_uppercase) = (bit(0), bit(1));
        (request.exclude_numbers, request.exclude_punctuation) = (bit(2), bit(3));
        (request.include_space, request.require_each_included_type) = (bit(4), bit(5));
        if (0..4).all(bit) && !bit(4) {
            request.generate().expect_err("nothing is left");
            continue;
        }
        let password = make(&request);
        assert_eq!(password.len(), 12);
        assert!(!password.contains(['a', 'Z', '5', '~']), "excluded");
        for (n, is) in (0..4).zip(types) {
            assert!(!(bit(n) && password.contains(is)), "{combination} holds an excluded type");
            assert!(bit(n) || !bit(5) || password.contains(is), "{combination} lacks a type");
        }
        assert!(bit(4) || !password.contains(' '));
    }
}

/// Pearson's statistic of counts that should all be the same.
fn chi_square(counts: &[u32], expected: f64) -> f64 {
    counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

/// A bound that a true chi-square variable of so many degrees of freedom passes with a probability below 10⁻⁹, by the
/// Wilson-Hilferty approximation at 6 standard deviations.
fn bound(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + 6.0 * spread.sqrt()).powi(3)
}

/// False alarms of each of these tests: fewer than one in a thousand million runs.
#[test]
fn every_character_is_equally_likely_at_every_place() {
    const ROUNDS: u32 = 20_000;
    const LENGTH: usize = 8;
    // 94 is far from a power of two: a remainder taken carelessly would favour the first characters by half.
    let request = GetRandomPassword::new().length(8).any_types();
    let mut counts = vec![[0u32; 94]; LENGTH];
    for _ in 0..ROUNDS {
        for (place, byte) in make(&request).bytes().enumerate() {
            counts[place][usize::from(byte - b'!')] += 1;
        }
    }
    for place in &counts {
        assert!(chi_square(place, f64::from(ROUNDS) / 94.0) < bound(93.0));
    }
    let all: Vec<u32> = (0..94).map(|c| counts.iter().map(|place| place[c]).sum()).collect();
    assert!(chi_square(&all, f64::from(ROUNDS) * 8.0 / 94.0) < bound(93.0));
}

/// With required types on, every password that has them is equally likely: here there are so few that all can be counted.
#[test]
fn every_password_with_the_required_types_is_equally_likely() {
    const ROUNDS: u32 = 60_000;
    // Left: a, b, A, 0. Of the 64 strings of three, those with a small letter, a capital and a digit: 2 · 3! = 12; of the 256
    // of four: 12 · (choices and places) = 4!/2! · ... counted below.
    let keep = "abA0";
    let all: String = (b' '..=b'~').map(char::from).filter(|c| !keep.contains(*c)).collect();
    let request = GetRandomPassword::new().length(4).exclude_punctuation().exclude_characters(all);
    let mut counts = std::collections::BTreeMap::new();
    let letters: Vec<char> = keep.chars().collect();
    for n in 0..256usize {
        let word: String = (0..4).map(|place| letters[(n >> (2 * place)) & 3]).collect();
        if word.contains(['a', 'b']) && word.contains('A') && word.contains('0') {
            counts.insert(word, 0u32);
        }
    }
    for _ in 0..ROUNDS {
        *counts.get_mut(&make(&request)).expect("one of those") += 1;
    }
    let counts: Vec<u32> = counts.into_values().collect();
    let possible = f64::from(u32::try_from(counts.len()).unwrap());
    assert!(chi_square(&counts, f64::from(ROUNDS) / possible) < bound(possible - 1.0));
}

/// The test itself finds a bias of the size that a careless remainder makes.
#[test]
fn a_careless_remainder_would_be_found() {
    let mut counts = [0u32; 94];
    for byte in (0..=255u8).cycle().take(160_000) {
        counts[usize::from(byte % 94)] += 1;
    }
    assert!(chi_square(&counts, 160_000.0 / 94.0) > bound(93.0));
}
