//! All bundles, in order: the tree above them, and its root at every
//! checkpoint.

use super::chunk::{Bundle, Chunk};
use super::diagnosis::{self, Read};
use super::{Case, Finding, Kind, Report};
use crate::error::AuditError;
use crate::levels::{Full, Levels};
use crate::tile::{TILE_WIDTH, Tile, partial_tiles};
use crate::tree::{Edge, Hash};

/// The tree, as far as it has grown.
struct Merge<'a> {
    case: &'a Case<'a>,
    edge: Edge,
    levels: Levels,
    /// The largest size at which a checkpoint's root is right.
    good: u64,
    /// Places of checkpoints whose roots are not, by size.
    bad: Vec<usize>,
    /// Bundles of which the tile above says something else.
    doubted: Vec<u64>,
    /// From here on nobody can say what the root should be.
    is_blind: bool,
}

pub(super) fn merge(
    case: &Case<'_>,
    chunks: Vec<Chunk>,
    report: &mut Report,
) -> Result<(), AuditError> {
    let mut merge = Merge {
        case,
        edge: Edge::new(),
        levels: Levels::default(),
        good: 0,
        bad: Vec::new(),
        doubted: Vec::new(),
        is_blind: false,
    };
    merge.at_border();
    let mut last = Vec::new();
    let mut number = 0;
    for chunk in chunks {
        report.expired += chunk.expired;
        chunk
            .findings
            .into_iter()
            .for_each(|found| report.add(found));
        for mut bundle in chunk.bundles {
            merge.within(&mut bundle);
            std::mem::take(&mut bundle.findings)
                .into_iter()
                .for_each(|found| report.add(found));
            if case.history.size >= (number + 1) * TILE_WIDTH {
                merge.full(number, &bundle, report)?;
            }
            last = bundle.leaves;
            number += 1;
        }
    }
    merge.partial(report)?;
    merge.conclude(report);
    tail(case, &last, report)
}

impl Merge<'_> {
    /// Checkpoints within a bundle. If one knows the entries and not the tile,
    /// the entries were right all along.
    fn within(&mut self, bundle: &mut Bundle) {
        for (place, rest) in &bundle.at {
            if self.at(*place, self.edge.root_before(*rest)) {
                continue;
            }
            let mut others = bundle.at_by_entries.iter();
            let other = others.find(|(other, _)| other == place);
            if other.is_some_and(|(_, rest)| self.at(*place, self.edge.root_before(*rest))) {
                self.bad.retain(|bad| bad != place);
                bundle.leaves.clone_from(&bundle.by_entries);
                for found in &mut bundle.findings {
                    found.kind = Kind::Tile;
                }
            }
        }
    }

    /// Checkpoints at the end of what there is.
    fn at_border(&mut self) {
        let size = self.edge.size();
        let places: Vec<usize> = self
            .case
            .history
            .within(size, size + 1)
            .map(|(place, _)| place)
            .collect();
        for place in places {
            self.at(place, self.edge.root());
        }
    }

    fn at(&mut self, place: usize, root: Hash) -> bool {
        let checkpoint = &self.case.history.checkpoints[place].checkpoint;
        let is_right = checkpoint.root == root;
        if is_right {
            self.good = self.good.max(checkpoint.size);
        } else if !self.is_blind && self.bad.last() != Some(&place) {
            self.bad.push(place);
        }
        is_right
    }

    fn full(
        &mut self,
        number: u64,
        bundle: &Bundle,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        if let (Some(root), Some(above)) = (bundle.root, bundle.above)
            && root != above
        {
            self.doubted.push(number);
        }
        let Some(root) = bundle.root.or(bundle.above) else {
            self.is_blind = true;
            self.push(crate::tree::empty(), report)?;
            return Ok(());
        };
        self.push(root, report)?;
        self.at_border();
        Ok(())
    }

    fn push(&mut self, root: Hash, report: &mut Report) -> Result<(), AuditError> {
        self.edge.push_subtree(8, root);
        let mut full = Vec::new();
        self.levels.push_bundle(root, &mut full);
        for full in full {
            self.compare(&full, report)?;
        }
        Ok(())
    }

    /// Tiles from level 2 up; those of level 1 were compared by bundle.
    fn compare(&self, (tile, hashes): &Full, report: &mut Report) -> Result<(), AuditError> {
        if tile.level < 2 || self.is_blind {
            return Ok(());
        }
        let why = match self.case.hashes(*tile)? {
            Ok(stored) if stored == *hashes => return Ok(()),
            Ok(_) => format!("{} is not what the tiles below hash to", tile.path()),
            Err(why) => why,
        };
        report.find(None, Kind::Tile, why);
        Ok(())
    }

    fn partial(&self, report: &mut Report) -> Result<(), AuditError> {
        for tile in partial_tiles(self.case.history.size) {
            let hashes = self.levels.open(tile.level).to_vec();
            self.compare(&(tile, hashes), report)?;
        }
        Ok(())
    }

    fn conclude(&self, report: &mut Report) {
        for number in &self.doubted {
            let tile = Tile::full(0, *number);
            let above = Tile::full(1, number / TILE_WIDTH).path();
            let first = number * TILE_WIDTH;
            let disagree = format!("{} and {above} disagree", tile.path());
            if self.good >= first + TILE_WIDTH {
                let why = format!("{disagree}; the records are as they were sealed");
                report.find(Some(first), Kind::Tile, why);
            } else {
                let why = format!("{disagree}; it is one of this bundle's");
                report.find(Some(first.max(self.good)), Kind::Rewritten, why);
            }
        }
        let mut is_first = true;
        for place in &self.bad {
            let signed = &self.case.history.checkpoints[*place];
            let size = signed.checkpoint.size;
            let of = format!("the checkpoint over {size} records {}", signed.whose);
            if size < self.good {
                let why = format!("{of} is signed, but of another tree: a later one is right");
                report.find(Some(size), Kind::Checkpoint, why);
            } else if std::mem::take(&mut is_first) && !explains(report, self.good, size) {
                let why = format!(
                    "{of} has another root; it is one of the records {} to {}",
                    self.good,
                    size.max(1) - 1
                );
                report.find(Some(self.good), Kind::Rewritten, why);
            }
        }
    }
}

/// Whether a bad record was named already among those that a wrong root may
/// come from.
fn explains(report: &Report, from: u64, to: u64) -> bool {
    let is_within = |found: &Finding| found.record.is_some_and(|at| (from..to).contains(&at));
    let is_of_record =
        |found: &Finding| !matches!(found.kind, Kind::Checkpoint | Kind::Missing | Kind::Tile);
    let mut findings = report.findings.iter();
    findings.any(|found| is_within(found) && is_of_record(found))
}

/// The tail says how large the log is, and holds the last bundle once more.
fn tail(case: &Case<'_>, last: &[Hash], report: &mut Report) -> Result<(), AuditError> {
    let size = case.history.size;
    let tail = match case.folder.tail() {
        Ok(Some(tail)) => tail,
        Ok(None) if size == 0 => return Ok(()),
        Ok(None) => {
            report.find(
                Some(size),
                Kind::Truncated,
                "`tail` is not there".to_owned(),
            );
            return Ok(());
        }
        Err(AuditError::Damaged { why, .. }) => {
            report.find(Some(size), Kind::Truncated, format!("`tail`: {why}"));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    report.unsealed = tail.size.saturating_sub(size);
    if tail.size < size {
        let why = format!("`tail` ends at {} records, sealed are {size}", tail.size);
        report.find(Some(tail.size), Kind::Truncated, why);
    } else if tail.size / TILE_WIDTH == size / TILE_WIDTH && !tail.leaves.starts_with(last) {
        let read = Read {
            leaves: tail.leaves,
            is_torn: false,
        };
        let found = diagnosis::of(last, &read);
        let record = size / TILE_WIDTH * TILE_WIDTH + found.place as u64;
        report.find(Some(record), found.kind, format!("`tail`: {}", found.why));
    }
    Ok(())
}
