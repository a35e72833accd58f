//! A separate verifier for proofs of inclusion. It shares no code with the
//! audit log, so that a mistake there does not hide here: it hashes, reads
//! and decodes by itself, and takes from elsewhere only SHA-256 and Ed25519.
//!
//! ```sh
//! cargo run -p portcullis-audit --example verify_proof -- KEY PROOF RECORD
//! ```
//!
//! `KEY` is the log's public key, `name+id+base64`; `PROOF` the file that
//! `audit prove` wrote (C2SP tlog-proof); `RECORD` a file with the record's
//! bytes.

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

type Hash = [u8; 32];

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let read = |path: &str| std::fs::read(path).map_err(|error| format!("{path}: {error}"));
    let proved = match arguments.as_slice() {
        [key, proof, record] => read(proof)
            .and_then(|proof| verify(key, &String::from_utf8_lossy(&proof), &read(record)?)),
        _ => Err("give KEY PROOF RECORD".to_owned()),
    };
    match &proved {
        Ok(what) => println!("{what}"),
        Err(why) => println!("not proved: {why}"),
    }
    ExitCode::from(u8::from(proved.is_err()))
}

/// Says what was proved, or why it was not.
pub(crate) fn verify(key: &str, proof: &str, record: &[u8]) -> Result<String, String> {
    // The proof: title, perhaps extra data, index, hashes, an empty line.
    let (head, note) = proof
        .split_once("\n\n")
        .ok_or("the proof has no checkpoint")?;
    let lines = head
        .strip_prefix("c2sp.org/tlog-proof@v1\n")
        .ok_or("this is no proof")?;
    let lines: Vec<&str> = lines
        .lines()
        .filter(|line| !line.starts_with("extra "))
        .collect();
    let (index, path) = lines.split_first().ok_or("the proof has no index")?;
    let index = index
        .strip_prefix("index ")
        .ok_or("the proof has no index")?;
    let index: u64 = index.parse().map_err(|_| "the index is no number")?;
    let path: Option<Vec<Hash>> = path.iter().map(|line| hash_of(line)).collect();
    let path = path.ok_or("a line of the path is no hash")?;

    // The checkpoint: origin, size, root, an empty line, signatures.
    let (text, signatures) = note
        .split_once("\n\n")
        .ok_or("the checkpoint is not signed")?;
    let text = format!("{text}\n");
    let [origin, size, root] = text.lines().take(3).collect::<Vec<_>>()[..] else {
        return Err("the checkpoint has not three lines".to_owned());
    };
    let size: u64 = size.parse().map_err(|_| "the size is no number")?;
    let root = hash_of(root).ok_or("the root is no hash")?;
    check_signature(key, origin, &text, signatures)?;

    let leaf = sha256(&[&[0], record]);
    if root_from(leaf, index, size, &path) != Some(root) {
        return Err("the record does not lead to the signed root".to_owned());
    }
    Ok(format!(
        "record {index} stands among the {size} that {origin} has signed"
    ))
}

fn check_signature(key: &str, origin: &str, text: &str, lines: &str) -> Result<(), String> {
    let parts: Vec<&str> = key.splitn(3, '+').collect();
    let [name, _, encoded] = parts[..] else {
        return Err("the key has not three parts".to_owned());
    };
    let bytes = base64(encoded).ok_or("the key is no base64")?;
    if bytes.len() != 33 || bytes[0] != 1 {
        return Err("the key is no Ed25519 key".to_owned());
    }
    if name != origin {
        return Err(format!("the key is of {name}, the checkpoint of {origin}"));
    }
    let named = sha256(&[name.as_bytes(), b"\n", &bytes]);
    let start = format!("— {name} ");
    let key = UnparsedPublicKey::new(&ED25519, &bytes[1..]);
    let signed = lines
        .lines()
        .filter_map(|line| base64(line.strip_prefix(&start)?))
        .filter(|signature| signature.starts_with(&named[..4]))
        .find(|signature| key.verify(text.as_bytes(), &signature[4..]).is_ok());
    signed
        .map(|_| ())
        .ok_or("the checkpoint is not signed with the key".to_owned())
}

/// Goes up from the leaf by halves: the larger power of two stands left
/// (RFC 6962, 2.1.1), so the path, read from its end, comes down from the root.
fn root_from(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    match (size, path.split_last()) {
        (1, None) => (index == 0).then_some(leaf),
        (2.., Some((beside, path))) => {
            let mut left = 1;
            while size - left > left {
                left *= 2;
            }
            if index < left {
                let inner = root_from(leaf, index, left, path)?;
                Some(sha256(&[&[1], &inner, beside]))
            } else {
                let inner = root_from(leaf, index - left, size - left, path)?;
                Some(sha256(&[&[1], beside, &inner]))
            }
        }
        _ => None,
    }
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &parts.concat()).as_ref());
    hash
}

fn hash_of(line: &str) -> Option<Hash> {
    base64(line)?.try_into().ok()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = alphabet.iter().position(|letter| *letter == digit)?;
        bits = (bits << 6 | value as u32) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}
