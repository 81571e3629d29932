"""Makes the vectors in this folder: an implementation of docs/format.md that shares no code with the Rust one.

    python3 -m pip install cryptography && python3 generate.py

Everything is derived from fixed strings, so that running it again gives the same files. Once a release is tagged the
files are frozen: new ones may be added, none may change.
"""

import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent
U16, U32 = (lambda n: n.to_bytes(2, "big")), (lambda n: n.to_bytes(4, "big"))


def fixed(what, n):
    """n bytes that anybody can make again."""
    out = b""
    while len(out) < n:
        out += hashlib.sha256(what.encode() + U32(len(out))).digest()
    return out[:n]


def derive(key, index, label, salt, bits=512):
    return hmac.new(key, U32(index) + label + b"\0" + salt + U32(bits), "sha256").digest()


def context_bytes(pairs):
    out = U16(len(pairs))
    for key, value in sorted((k.encode(), v.encode()) for k, v in pairs):
        out += U32(len(key)) + key + U32(len(value)) + value
    return out


def header(key_id, wrapped, plaintext_len, salt, commitment, magic=b"SR", version=1, suite=1):
    return (magic + bytes([version, suite]) + U16(len(key_id)) + key_id + U16(len(wrapped)) + wrapped
            + U32(plaintext_len) + salt + commitment)


def seal(key, key_id, wrapped, pairs, plaintext, salt, label=b"strongroom-env", nonce=bytes(12), commit=None, aad=None):
    commitment = derive(key, 2, label, salt) if commit is None else commit
    head = header(key_id, wrapped, len(plaintext), salt, commitment)
    aad = head + context_bytes(pairs) if aad is None else aad
    return head + AESGCM(derive(key, 1, label, salt)).encrypt(nonce, plaintext, aad)


def write(name, comment, envelope, key, pairs, expect, plaintext=None, message=None):
    vector = {"comment": comment, "data_key": key.hex(), "context": pairs, "envelope": envelope.hex(), "expect": expect}
    if plaintext is not None:
        vector["plaintext"] = plaintext.hex()
    if message is not None:
        vector["message"] = message
    (HERE / f"{name}.json").write_text(json.dumps(vector, indent=1, ensure_ascii=False) + "\n")


KEY, SALT = fixed("data key", 32), fixed("salt", 32)
ID = b"arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WRAPPED = fixed("wrapped", 136)
PAIRS = [["SecretARN", "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-a1B2c3"],
         ["SecretVersionId", "9a1b2c3d-1111-4222-8333-abcdefabcdef"]]
GOOD = seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT)


def main():
    for old in HERE.glob("*.json"):
        old.unlink()
    # What must open.
    for n in [0, 1, 15, 16, 17, 31, 32, 33, 64, 255, 256, 1000, 4096]:
        value = fixed(f"plaintext {n}", n)
        salt = fixed(f"salt {n}", 32)
        write(f"ok-length-{n:04}", f"a plaintext of {n} bytes", seal(KEY, ID, WRAPPED, PAIRS, value, salt), KEY, PAIRS,
              "ok", value)
    contexts = {
        "empty": [], "one-pair": [["k", "v"]], "empty-value": [["k", ""]], "empty-key": [["", "v"]],
        "unicode": [["schlüssel", "wert 😀"]], "byte-order": [["é", "1"], ["z", "2"], ["Z", "3"]],
        "zero-byte": [["a\0b", "c\0"]], "many": [[f"key{n:03}", f"value {n}"] for n in range(40)],
    }
    for name, pairs in contexts.items():
        write(f"ok-context-{name}", "a context of its own kind", seal(KEY, ID, WRAPPED, pairs, b"v", SALT), KEY, pairs,
              "ok", b"v")
    for name, key_id, wrapped in [("empty-parts", b"", b""), ("longest-parts", b"k" * 2048, fixed("long", 6144))]:
        write(f"ok-{name}", "key id and wrapped key at their bounds", seal(KEY, key_id, wrapped, PAIRS, b"v", SALT), KEY,
              PAIRS, "ok", b"v")

    # What must not parse, each saying why.
    def bad(name, comment, envelope, expect, message):
        write(f"bad-{name}", comment, envelope, KEY, PAIRS, expect, message=message)

    at_id, at_wrapped = 4, 6 + len(ID)
    at_len = at_wrapped + 2 + len(WRAPPED)
    at_salt = at_len + 4
    at_commitment, at_text = at_salt + 32, at_salt + 64
    early = "the envelope ends too early"
    for name, cut, message in [
        ("cut-nothing-left", 0, early), ("cut-in-magic", 1, early), ("cut-after-magic", 2, early),
        ("cut-in-version", 3, early), ("cut-before-key-id", 4, early), ("cut-in-key-id-length", 5, early),
        ("cut-in-key-id", 20, early), ("cut-before-wrapped-key", at_wrapped, early),
        ("cut-in-wrapped-key", at_wrapped + 9, early), ("cut-in-length", at_len + 3, early),
        ("cut-in-salt", at_salt + 31, early), ("cut-in-commitment", at_commitment + 31, early),
        ("cut-in-ciphertext", at_text + 3, "the envelope ends inside the ciphertext"),
        ("cut-in-tag", len(GOOD) - 1, early), ("cut-before-tag", len(GOOD) - 16, early),
    ]:
        bad(name, "bytes are missing", GOOD[:cut], "malformed", message)
    bad("trailing-byte", "a byte too many", GOOD + b"\0", "malformed", "bytes after the envelope")
    bad("trailing-envelope", "two envelopes", GOOD + GOOD, "malformed", "bytes after the envelope")
    for name, magic in [("magic-first", b"XR"), ("magic-second", b"SX"), ("magic-lower", b"sr"), ("magic-swapped", b"RS")]:
        bad(name, "not an envelope at all", magic + GOOD[2:], "malformed", "the bytes are not a Strongroom envelope")
    for version in [0, 2, 255]:
        bad(f"version-{version}", "a version nobody knows", GOOD[:2] + bytes([version]) + GOOD[3:],
            "unsupported_version", f"envelope version {version} is unknown")
    for suite in [0, 2, 255]:
        bad(f"suite-{suite}", "a suite nobody knows", GOOD[:3] + bytes([suite]) + GOOD[4:], "unsupported_suite",
            f"envelope suite {suite} is unknown")
    bad("key-id-too-long", "2049 bytes of key id", seal(KEY, b"k" * 2049, WRAPPED, PAIRS, b"v", SALT), "too_large",
        "a part of the envelope is too long")
    bad("wrapped-key-too-long", "6145 bytes of wrapped key", seal(KEY, ID, fixed("long", 6145), PAIRS, b"v", SALT),
        "too_large", "a part of the envelope is too long")
    bad("plaintext-too-long", "a length of 64 MiB and one byte, without the bytes",
        GOOD[:at_len] + U32(64 * 1024 * 1024 + 1) + GOOD[at_salt:], "too_large", "the plaintext is longer than 64 MiB")
    bad("plaintext-length-max", "the largest length there is, without the bytes",
        GOOD[:at_len] + b"\xff" * 4 + GOOD[at_salt:], "too_large", "the plaintext is longer than 64 MiB")
    bad("key-id-not-utf8", "a key id that is no text", GOOD[:at_id + 2] + b"\xff" + GOOD[at_id + 3:], "malformed",
        "the key id is not UTF-8")

    # What parses and must not open. All say the same.
    closed = "the ciphertext does not open with this key and context"

    def shut(name, comment, envelope, key=KEY, pairs=PAIRS):
        write(f"shut-{name}", comment, envelope, key, pairs, "decryption", message=closed)

    def flip(at, bit=1):
        return GOOD[:at] + bytes([GOOD[at] ^ bit]) + GOOD[at + 1:]

    shut("other-key", "another data key", GOOD, key=fixed("other", 32))
    shut("key-one-bit", "a data key that differs in one bit", GOOD, key=bytes([KEY[0] ^ 1]) + KEY[1:])
    for name, pairs in {
        "missing": [], "one-less": PAIRS[:1], "one-more": PAIRS + [["x", "y"]],
        "other-value": [PAIRS[0], ["SecretVersionId", "other"]], "other-case": [["secretARN", PAIRS[0][1]], PAIRS[1]],
        "shifted": [["SecretARNa", PAIRS[0][1][1:]], PAIRS[1]], "values-swapped":
            [[PAIRS[0][0], PAIRS[1][1]], [PAIRS[1][0], PAIRS[0][1]]],
    }.items():
        shut(f"context-{name}", "another encryption context", GOOD, pairs=pairs)
    for name, at in [("key-id", at_id + 10), ("wrapped-first", at_wrapped + 2), ("wrapped-last", at_len - 1),
                     ("salt-first", at_salt), ("salt-last", at_commitment - 1), ("commitment-first", at_commitment),
                     ("commitment-last", at_text - 1), ("ciphertext-first", at_text), ("ciphertext-last", len(GOOD) - 17),
                     ("tag-first", len(GOOD) - 16), ("tag-last", len(GOOD) - 1)]:
        shut(f"flip-{name}", "one bit is changed", flip(at))
    shut("commitment-zero", "no commitment", seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, commit=bytes(32)))
    shut("commitment-of-other-key", "committed to another key, everything else right",
         seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, commit=derive(fixed("other", 32), 2, b"strongroom-env", SALT)))
    shut("commitment-is-message-key", "the first block where the second belongs",
         seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, commit=derive(KEY, 1, b"strongroom-env", SALT)))
    shut("other-label", "derived for another purpose",
         seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, label=b"strongroom-kms"))
    shut("other-nonce", "a nonce that is not zero", seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, nonce=fixed("n", 12)))
    shut("no-aad", "nothing authenticated with it", seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, aad=b""))
    shut("context-only-aad", "the header is not authenticated",
         seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, aad=context_bytes(PAIRS)))
    shut("unsorted-context-aad", "the pairs in another order",
         seal(KEY, ID, WRAPPED, PAIRS, b"s3cret", SALT, aad=GOOD[:at_text] + U16(2)
              + b"".join(U32(len(x.encode())) + x.encode() for pair in reversed(PAIRS) for x in pair)))
    shut("key-used-bare", "sealed under the data key itself",
         GOOD[:at_text] + AESGCM(KEY).encrypt(bytes(12), b"s3cret", GOOD[:at_text] + context_bytes(PAIRS)))
    boundary = len(ID) - 1
    moved = GOOD[:at_id] + U16(boundary) + ID[:boundary] + U16(len(WRAPPED)) + GOOD[at_wrapped + 2:]
    shut("key-id-shorter", "the last character of the key id is gone", moved)


main()
print(len(list(HERE.glob("*.json"))), "vectors;", len(list(HERE.glob("ok-*.json"))), "open")
