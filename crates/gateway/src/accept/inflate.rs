//! Compressed bodies: gzip, deflate, br, zstd; bounded in size and ratio.

use std::io::{self, Cursor, Read};

use bytes::Bytes;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Bounds;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;

use super::held::Held;

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

/// The encoding that the headers name; `None` for identity.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Refusal> {
    let mut found = None;
    for value in headers.get_all(http::header::CONTENT_ENCODING) {
        for name in value.to_str().unwrap_or("?").split(',') {
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
    let ceiling = bounds
        .body
        .min(raw.len().saturating_mul(bounds.ratio).max(RATIO_FREE));
    let damaged = |error: io::Error| {
        Refusal::new(Reason::BadEncoding, "The compressed body is damaged.").because(error)
    };
    let mut reader = reader(encoding, raw).map_err(damaged)?;
    let mut out = Vec::new();
    let mut slice = vec![0; SLICE];
    loop {
        let read = reader.read(&mut slice).map_err(damaged)?;
        if read == 0 {
            return Ok(out.into());
        }
        if out.len() + read > ceiling {
            return Err(Refusal::new(
                Reason::BodyTooLarge,
                format!("The body is larger than {ceiling} bytes once decompressed."),
            ));
        }
        held.grow(compressed + out.len() + read).await?;
        out.extend_from_slice(&slice[..read]);
        tokio::task::yield_now().await;
    }
}

fn reader(encoding: Encoding, raw: Bytes) -> io::Result<Box<dyn Read>> {
    let source = Cursor::new(raw);
    Ok(match encoding {
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(source)),
        Encoding::Deflate => Box::new(Zlib::new(source.into_inner())),
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
    raw: Bytes,
    at: usize,
    state: Decompress,
    is_over: bool,
}

impl Zlib {
    fn new(raw: Bytes) -> Self {
        Self {
            raw,
            at: 0,
            state: Decompress::new(true),
            is_over: false,
        }
    }
}

impl Read for Zlib {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let rest = &self.raw[self.at..];
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
            self.at += taken;
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
struct Brotli(brotli_decompressor::Decompressor<Cursor<Bytes>>);

impl Read for Brotli {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(out)?;
        if read > 0 || out.is_empty() {
            return Ok(read);
        }
        // Asked again behind its end, it looks at what it has buffered; what
        // it did not even buffer is still in the source.
        let again = self.0.read(out)?;
        let source = self.0.get_ref();
        if again > 0 || source.position() < source.get_ref().len() as u64 {
            return Err(rubbish());
        }
        Ok(0)
    }
}

type Frame = ruzstd::decoding::StreamingDecoder<Cursor<Bytes>, ruzstd::decoding::FrameDecoder>;

fn frame(source: Cursor<Bytes>) -> io::Result<Frame> {
    Frame::new(source).map_err(io::Error::other)
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
            let rest = rest.filter(|rest| rest.position() < rest.get_ref().len() as u64);
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
    fn damage_is_a_400_and_an_unknown_encoding_a_415() {
        let refusal = undo(Encoding::Zstd, Bytes::from_static(b"nonsense"));
        assert_eq!(refusal.expect_err("damage").reason, Reason::BadEncoding);
        let mut headers = HeaderMap::new();
        headers.insert(
            "content-encoding",
            http::HeaderValue::from_static("compress"),
        );
        assert_eq!(
            encoding(&headers).expect_err("unknown").reason,
            Reason::UnknownEncoding
        );
    }
}
