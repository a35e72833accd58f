//! The tree against the known vectors of RFC 6962's reference implementation,
//! and against the RFC's own recursion.

use std::convert::Infallible;

use audit::Hash;
use audit::tree::{
    Edge, consistency, empty, inclusion, leaf, node, root, root_of_inclusion, verify_consistency,
    verify_inclusion,
};
use proptest::prelude::*;

/// The inputs of certificate-transparency's `merkle_tree_test`.
const INPUTS: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// Its roots of the first 1 to 8 of them.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hex(hash: Hash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// MTH, word for word.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(naive_root(left), naive_root(right))
        }
    }
}

/// PATH, word for word.
fn naive_path(at: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, beside) = if at < left.len() {
        (naive_path(at, left), naive_root(right))
    } else {
        (naive_path(at - left.len(), right), naive_root(left))
    };
    path.push(beside);
    path
}

/// SUBPROOF, word for word; its third argument is true as long as the leaves
/// begin where all do.
fn naive_consistency(old: usize, leaves: &[Hash], from: usize) -> Vec<Hash> {
    if old == leaves.len() {
        return if from == 0 {
            Vec::new()
        } else {
            vec![naive_root(leaves)]
        };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, beside) = if old <= left.len() {
        (naive_consistency(old, left, from), naive_root(right))
    } else {
        (
            naive_consistency(old - left.len(), right, from + left.len()),
            naive_root(left),
        )
    };
    path.push(beside);
    path
}

fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|number| leaf(&number.to_be_bytes()))
        .collect()
}

fn nodes(leaves: &[Hash]) -> impl FnMut(u32, u64) -> Result<Hash, Infallible> {
    |height, n| {
        let from = (n as usize) << height;
        Ok(naive_root(&leaves[from..from + (1 << height)]))
    }
}

#[test]
fn roots_are_those_of_the_reference_implementation() {
    assert_eq!(
        hex(empty()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let mut edge = Edge::new();
    for (input, expected) in INPUTS.iter().zip(ROOTS) {
        edge.push(leaf(input));
        assert_eq!(hex(edge.root()), expected);
    }
}

#[test]
fn proofs_are_those_of_the_reference_implementation() {
    let leaves: Vec<Hash> = INPUTS.iter().map(|input| leaf(input)).collect();
    let path = inclusion(5, 8, &mut nodes(&leaves)).unwrap();
    assert_eq!(
        path.into_iter().map(hex).collect::<Vec<_>>(),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    let path = consistency(2, 5, &mut nodes(&leaves)).unwrap();
    assert_eq!(
        path.into_iter().map(hex).collect::<Vec<_>>(),
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ]
    );
}

#[test]
fn a_path_at_ten_million_records_is_shorter_than_a_kilobyte() {
    let any = leaf(b"any");
    for index in [0, 1, 4_999_999, 9_999_999] {
        let path = inclusion(index, 10_000_000, &mut |_, _| Ok::<_, Infallible>(any)).unwrap();
        assert!(path.len() <= 24 && path.len() * 32 < 1024, "{}", path.len());
    }
}

#[test]
fn every_leaf_of_small_trees_is_proved_at_its_own_place_only() {
    for size in 1..40 {
        let leaves = leaves(size);
        let top = root(&leaves);
        for at in 0..size {
            let (index, count) = (at as u64, size as u64);
            let path = inclusion(index, count, &mut nodes(&leaves)).unwrap();
            assert_eq!(path, naive_path(at, &leaves));
            assert!(verify_inclusion(leaves[at], index, count, &path, top));
            for other in (0..count + 2).filter(|other| *other != index) {
                assert!(!verify_inclusion(leaves[at], other, count, &path, top));
            }
            let longer = [&path[..], &[top]].concat();
            assert_eq!(root_of_inclusion(leaves[at], index, count, &longer), None);
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(root_of_inclusion(leaves[at], index, count, shorter), None);
            }
        }
    }
}

#[test]
fn every_small_tree_is_proved_to_be_the_beginning_of_every_larger_one() {
    let all = leaves(40);
    for new in 1..40 {
        for old in 1..=new {
            let path = consistency(old as u64, new as u64, &mut nodes(&all)).unwrap();
            assert_eq!(path, naive_consistency(old, &all[..new], 0));
            let older = (old as u64, root(&all[..old]));
            let newer = (new as u64, root(&all[..new]));
            assert!(verify_consistency(older, newer, &path));
            assert!(!verify_consistency((older.0, all[39]), newer, &path));
            assert!(!verify_consistency(older, (newer.0, all[39]), &path));
            if old < new {
                assert!(!verify_consistency(newer, older, &path));
            }
        }
    }
    assert!(verify_consistency((0, empty()), (3, root(&all[..3])), &[]));
    assert!(!verify_consistency((0, all[0]), (3, root(&all[..3])), &[]));
}

proptest! {
    #[test]
    fn larger_trees_follow_the_recursion(size in 1_usize..2000, at: prop::sample::Index) {
        let leaves = leaves(size);
        let top = naive_root(&leaves);
        prop_assert_eq!(root(&leaves), top);
        let at = at.index(size);
        let path = inclusion(at as u64, size as u64, &mut nodes(&leaves)).unwrap();
        prop_assert_eq!(&path, &naive_path(at, &leaves));
        prop_assert!(verify_inclusion(leaves[at], at as u64, size as u64, &path, top));
        let path = consistency(at as u64 + 1, size as u64, &mut nodes(&leaves)).unwrap();
        prop_assert_eq!(&path, &naive_consistency(at + 1, &leaves, 0));
    }
}
