//! Compressed bodies: gzip, deflate, br, zstd; bounded in size and ratio.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use bytes::{Buf as _, Bytes};
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Bounds;
use flate2::{Decompress, FlushDecompress, Status};
use http1::Fields;

use super::held::Held;
use crate::wire::Pieces;

/// A content encoding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Bytes made between two yields to the other requests of this loop.
const SLICE: usize = 64 << 10;
/// Small bodies may exceed the ratio: JSON of one repeated letter is no bomb.
const RATIO_FREE: usize = 1 << 20;
/// The most that a zstd frame may want to look back: what RFC 8878, 3.1.1.1.2
/// asks of every decoder, and more than any level without `--ultra` uses.
const WIDEST: u64 = 8 << 20;

/// The encoding that the headers name; `None` for identity.
pub(crate) fn encoding(fields: &Fields) -> Result<Option<Encoding>, Refusal> {
    let mut found = None;
    for value in fields.all("content-encoding") {
        for name in std::str::from_utf8(value).unwrap_or("?").split(',') {
            let encoding = match name.trim().to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Encoding::Gzip,
                "deflate" => Encoding::Deflate,
                "br" => Encoding::Brotli,
                "zstd" => Encoding::Zstd,
                _ => return Err(unsupported()),
            };
            if found.replace(encoding).is_some() {
                return Err(unsupported());
            }
        }
    }
    Ok(found)
}

fn unsupported() -> Refusal {
    Refusal::new(
        Reason::UnknownEncoding,
        "This content-encoding is not supported: send gzip, deflate, br or zstd, once, or none.",
    )
}

/// Undoes `encoding`.
pub(crate) async fn inflate(
    encoding: Encoding,
    raw: Bytes,
    bounds: &Bounds,
    held: &mut Held,
) -> Result<Bytes, Refusal> {
    let compressed = raw.len();
    let damaged = |error: io::Error| {
        Refusal::new(Reason::BadEncoding, "The compressed body is damaged.").because(error)
    };
    let taken = Rc::new(Cell::new(0));
    let source = Source {
        raw,
        taken: Rc::clone(&taken),
    };
    let mut reader = reader(encoding, source).map_err(damaged)?;
    let mut out = Pieces::default();
    let mut slice = vec![0; SLICE];
    loop {
        let read = reader.read(&mut slice).map_err(damaged)?;
        if read == 0 {
            return Ok(out.join());
        }
        // By what it took so far, so that a bomb shows at once.
        let by_ratio = taken.get().saturating_mul(bounds.ratio).max(RATIO_FREE);
        let ceiling = bounds.body.min(by_ratio);
        if out.len() + read > ceiling {
            return Err(Refusal::new(
                Reason::BodyTooLarge,
                format!("The body is larger than {ceiling} bytes once decompressed."),
            ));
        }
        held.grow(compressed + out.len() + read).await?;
        out.push(&slice[..read]);
        tokio::task::yield_now().await;
    }
}

/// The compressed bytes, and how many of them were taken.
struct Source {
    raw: Bytes,
    taken: Rc<Cell<usize>>,
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = out.len().min(self.raw.len());
        self.raw.copy_to_slice(&mut out[..length]);
        self.taken.set(self.taken.get() + length);
        Ok(length)
    }
}

fn reader(encoding: Encoding, source: Source) -> io::Result<Box<dyn Read>> {
    Ok(match encoding {
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(source)),
        Encoding::Deflate => Box::new(Zlib::new(source)),
        Encoding::Brotli => Box::new(Brotli(brotli_decompressor::Decompressor::new(source, 4096))),
        Encoding::Zstd => Box::new(Frames(Some(frame(source)?))),
    })
}

/// Something stands behind the end of the compressed stream.
fn rubbish() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "bytes behind the end")
}

/// A zlib stream that must reach its own end, and nothing behind it: the
/// crate's reader takes a stream that breaks off for a whole one.
struct Zlib {
    source: Source,
    state: Decompress,
    is_over: bool,
}

impl Zlib {
    fn new(source: Source) -> Self {
        Self {
            source,
            state: Decompress::new(true),
            is_over: false,
        }
    }
}

impl Read for Zlib {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let rest = &self.source.raw[..];
            if self.is_over {
                return if rest.is_empty() {
                    Ok(0)
                } else {
                    Err(rubbish())
                };
            }
            let (taken, made) = (self.state.total_in(), self.state.total_out());
            let status = self
                .state
                .decompress(rest, out, FlushDecompress::None)
                .map_err(io::Error::other)?;
            let taken = usize::try_from(self.state.total_in() - taken).unwrap_or(rest.len());
            let made = usize::try_from(self.state.total_out() - made).unwrap_or(out.len());
            self.source.raw.advance(taken);
            let all = &self.source.taken;
            all.set(all.get() + taken);
            self.is_over = status == Status::StreamEnd;
            if made > 0 {
                return Ok(made);
            }
            if taken == 0 && !self.is_over {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// A brotli stream and nothing behind it.
struct Brotli(brotli_decompressor::Decompressor<Source>);

impl Read for Brotli {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(out)?;
        if read > 0 || out.is_empty() {
            return Ok(read);
        }
        // Asked again behind its end, it looks at what it has buffered; what
        // it did not even buffer is still in the source.
        let again = self.0.read(out)?;
        if again > 0 || !self.0.get_ref().raw.is_empty() {
            return Err(rubbish());
        }
        Ok(0)
    }
}

type Frame = ruzstd::decoding::StreamingDecoder<Source, ruzstd::decoding::FrameDecoder>;

fn frame(source: Source) -> io::Result<Frame> {
    if window(&source.raw).is_some_and(|window| window > WIDEST) {
        return Err(io::Error::other("a window of more than 8 MiB"));
    }
    Frame::new(source).map_err(io::Error::other)
}

/// How far a frame wants to look back (RFC 8878, 3.1.1.1): the decoder would
/// make room for it at once.
fn window(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    if descriptor & 0x20 == 0 {
        let window = *frame.get(5)?;
        let base = 1_u64 << (10 + u32::from(window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // A single segment is its own window.
    let at = 5 + [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let mut size = [0; 8];
    size[..length].copy_from_slice(frame.get(at..at + length)?);
    Some(u64::from_le_bytes(size))
}

/// All frames of a zstd body, one behind the other; the decoder stops after
/// the first.
struct Frames(Option<Frame>);

impl Read for Frames {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(current) = &mut self.0 {
            let read = current.read(out)?;
            if read > 0 {
                return Ok(read);
            }
            let rest = self.0.take().map(Frame::into_inner);
            let rest = rest.filter(|rest| !rest.raw.is_empty());
            self.0 = rest.map(frame).transpose()?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(data: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).expect("memory");
        encoder.finish().expect("memory").into()
    }

    fn undo(encoding: Encoding, raw: impl Into<Bytes>) -> Result<Bytes, Refusal> {
        let bounds = Bounds::default();
        run(async { inflate(encoding, raw.into(), &bounds, &mut Held::nothing()).await })
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn what_stands_behind_a_compressed_stream_is_damage() {
        // A stored brotli block that says `{}`.
        let brotli = [0x10, 0x00, 0x10, b'{', b'}', 0x03];
        let all = [
            (Encoding::Gzip, gzip(b"{}").to_vec()),
            (Encoding::Deflate, zlib(b"{}")),
            (Encoding::Brotli, brotli.to_vec()),
        ];
        for (encoding, whole) in all {
            assert_eq!(undo(encoding, whole.clone()).expect("plain"), &b"{}"[..]);
            for behind in [1, 10, 10_000] {
                let more = [whole.clone(), vec![b'x'; behind]].concat();
                let refusal = undo(encoding, more).expect_err("damage");
                assert_eq!(refusal.reason, Reason::BadEncoding, "{encoding:?} {behind}");
            }
        }
    }

    #[test]
    fn a_compressed_stream_that_breaks_off_is_damage() {
        let text: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
        for (encoding, whole) in [
            (Encoding::Gzip, gzip(&text).to_vec()),
            (Encoding::Deflate, zlib(&text)),
        ] {
            for end in [1, 2, 10, whole.len() / 2, whole.len() - 1] {
                let refusal = undo(encoding, whole[..end].to_vec()).expect_err("damage");
                assert_eq!(refusal.reason, Reason::BadEncoding, "{encoding:?} {end}");
            }
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("runtime")
            .block_on(future)
    }

    #[test]
    fn a_gzip_body_comes_out_as_it_went_in() {
        let out = undo(Encoding::Gzip, gzip(b"{\"a\":1}"));
        assert_eq!(out.expect("plain"), &b"{\"a\":1}"[..]);
    }

    #[test]
    fn a_bomb_is_refused_at_the_ratio() {
        let bomb = gzip(&vec![b' '; 20 << 20]);
        let refusal = undo(Encoding::Gzip, bomb).expect_err("a bomb");
        assert_eq!(refusal.reason, Reason::BodyTooLarge);
    }

    #[test]
    fn every_frame_of_a_zstd_body_counts_and_rubbish_behind_it_is_damage() {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let pack = |data: &[u8]| ruzstd::encoding::compress_to_vec(data, level);
        let two = [pack(b"{\"a\":"), pack(b"1}")].concat();
        let out = undo(Encoding::Zstd, two);
        assert_eq!(out.expect("plain"), &b"{\"a\":1}"[..]);
        let rubbish = [pack(b"{}"), b"rubbish!".to_vec()].concat();
        let out = undo(Encoding::Zstd, rubbish);
        assert_eq!(out.expect_err("damage").reason, Reason::BadEncoding);
    }

    #[test]
    fn a_zstd_frame_that_wants_to_look_back_too_far_is_refused() {
        // 128 MiB, by its window; 1 GiB, by its one segment.
        let wide = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 1, 0, 0];
        let single = [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 1, 0, 0];
        for frame in [&wide[..], &single[..]] {
            let refusal = undo(Encoding::Zstd, frame.to_vec()).expect_err("too wide");
            assert_eq!(refusal.reason, Reason::BadEncoding);
        }
        assert_eq!(window(&wide), Some(128 << 20));
        assert_eq!(window(&single), Some(1 << 30));
    }

    #[test]
    fn damage_is_a_400_and_an_unknown_encoding_a_415() {
        let refusal = undo(Encoding::Zstd, Bytes::from_static(b"nonsense"));
        assert_eq!(refusal.expect_err("damage").reason, Reason::BadEncoding);
        let mut fields = Fields::default();
        fields.add("content-encoding", "compress");
        assert_eq!(
            encoding(&fields).expect_err("unknown").reason,
            Reason::UnknownEncoding
        );
    }
}
