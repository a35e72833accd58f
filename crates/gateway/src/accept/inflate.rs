//! Compressed bodies: gzip, deflate, br, zstd; bounded in size and ratio.

use std::io::{Cursor, Read};

use bytes::Bytes;
use domain::refusal::{Reason, Refusal};
use domain::snapshot::Bounds;
use http::HeaderMap;

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
) -> Result<Bytes, Refusal> {
    let ceiling = bounds
        .body
        .min(raw.len().saturating_mul(bounds.ratio).max(RATIO_FREE));
    let damaged = |error: std::io::Error| {
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
        out.extend_from_slice(&slice[..read]);
        tokio::task::yield_now().await;
    }
}

fn reader(encoding: Encoding, raw: Bytes) -> std::io::Result<Box<dyn Read>> {
    let source = Cursor::new(raw);
    Ok(match encoding {
        Encoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(source)),
        Encoding::Deflate => Box::new(flate2::read::ZlibDecoder::new(source)),
        Encoding::Brotli => Box::new(brotli_decompressor::Decompressor::new(source, 4096)),
        Encoding::Zstd => Box::new(Frames(Some(frame(source)?))),
    })
}

type Frame = ruzstd::decoding::StreamingDecoder<Cursor<Bytes>, ruzstd::decoding::FrameDecoder>;

fn frame(source: Cursor<Bytes>) -> std::io::Result<Frame> {
    Frame::new(source).map_err(std::io::Error::other)
}

/// All frames of a zstd body, one behind the other; the decoder stops after
/// the first.
struct Frames(Option<Frame>);

impl Read for Frames {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
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

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("runtime")
            .block_on(future)
    }

    #[test]
    fn a_gzip_body_comes_out_as_it_went_in() {
        let out = run(inflate(
            Encoding::Gzip,
            gzip(b"{\"a\":1}"),
            &Bounds::default(),
        ));
        assert_eq!(out.expect("plain"), &b"{\"a\":1}"[..]);
    }

    #[test]
    fn a_bomb_is_refused_at_the_ratio() {
        let bomb = gzip(&vec![b' '; 20 << 20]);
        let refusal = run(inflate(Encoding::Gzip, bomb, &Bounds::default())).expect_err("a bomb");
        assert_eq!(refusal.reason, Reason::BodyTooLarge);
    }

    #[test]
    fn every_frame_of_a_zstd_body_counts_and_rubbish_behind_it_is_damage() {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let pack = |data: &[u8]| ruzstd::encoding::compress_to_vec(data, level);
        let two = [pack(b"{\"a\":"), pack(b"1}")].concat();
        let out = run(inflate(Encoding::Zstd, two.into(), &Bounds::default()));
        assert_eq!(out.expect("plain"), &b"{\"a\":1}"[..]);
        let rubbish = [pack(b"{}"), b"rubbish!".to_vec()].concat();
        let out = run(inflate(Encoding::Zstd, rubbish.into(), &Bounds::default()));
        assert_eq!(out.expect_err("damage").reason, Reason::BadEncoding);
    }

    #[test]
    fn damage_is_a_400_and_an_unknown_encoding_a_415() {
        let refusal = run(inflate(
            Encoding::Zstd,
            Bytes::from_static(b"nonsense"),
            &Bounds::default(),
        ));
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
