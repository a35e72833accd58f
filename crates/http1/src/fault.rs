//! What is wrong with a message: one variant a rule.

use std::fmt;

use http::StatusCode;

/// A rule that a message breaks. The connection it came on cannot be read any
/// further and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The head is longer than [`crate::Bounds::head_bytes`].
    HeadTooLarge,
    /// More fields than [`crate::Bounds::fields`].
    TooManyFields,
    /// A request target of more than 16 KiB.
    TargetTooLong,
    /// A line that does not end in CRLF, or a CR within a line.
    LineEnd,
    /// Blank lines before a request.
    BlankLines,
    /// A request line that is not `METHOD target HTTP/1.1`.
    RequestLine,
    /// A version other than 1.0 and 1.1.
    Version,
    /// `CONNECT`: this is no tunnel.
    Connect,
    /// A target that is not a path, nor an absolute URL, nor `OPTIONS *`.
    TargetForm,
    /// A target with bytes that no URL has.
    TargetBytes,
    /// An absolute URL of a host other than the field `Host`.
    TargetHost,
    /// A field whose name is not a token right before the colon.
    FieldName,
    /// A field value with a control byte.
    FieldValue,
    /// A field line that begins with white space.
    Folded,
    /// HTTP/1.1 without `Host`.
    HostMissing,
    /// `Host` more than once.
    HostRepeated,
    /// `Host` that is not `host[:port]`.
    HostForm,
    /// A content length that is not a plain number.
    ContentLength,
    /// `Content-Length` more than once (in an answer: with two values).
    ContentLengthRepeated,
    /// A transfer coding other than `chunked`, or written otherwise.
    TransferEncoding,
    /// `Transfer-Encoding` more than once.
    TransferEncodingRepeated,
    /// `Transfer-Encoding` in HTTP/1.0.
    TransferEncodingVersion,
    /// `Content-Length` beside `Transfer-Encoding`.
    TwoLengths,
    /// A name that a careless parser takes for one of the two.
    Lookalike,
    /// A `Connection` that is not a list of tokens, or names a field that
    /// frames the message.
    Connection,
    /// An `Expect` other than `100-continue`.
    Expect,
    /// A status line that is not `HTTP/1.1 200 …`.
    StatusLine,
    /// An answer that switches protocols; nobody asked for it.
    Switched,
    /// An interim answer that announces a body.
    InterimBody,
    /// A chunk size that is not 1–16 hexadecimal digits.
    ChunkSize,
    /// Chunk extensions of another form, or more than 1 KiB of them.
    ChunkExtension,
    /// A chunk's data that is not followed by CRLF.
    ChunkEnd,
    /// A trailer that is no field, that frames the message, or more than
    /// 8 KiB of them.
    Trailer,
    /// The connection ended in the midst of a body.
    Truncated,
}

impl Fault {
    /// What is wrong and what to do; never a byte of what was sent.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        self.row().1
    }

    /// The status that a client gets for it. (An upstream's fault is not the
    /// client's: there the caller answers 502.)
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.row().0
    }

    #[rustfmt::skip]
    fn row(self) -> (StatusCode, &'static str) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        const LARGE: StatusCode = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        match self {
            Self::HeadTooLarge => (LARGE, "The head is too large; send fewer or shorter header fields."),
            Self::TooManyFields => (LARGE, "There are too many header fields; send fewer."),
            Self::TargetTooLong => (StatusCode::URI_TOO_LONG, "The request target is too long; keep it under 16 KiB."),
            Self::LineEnd => (BAD, "A line does not end in CRLF; end every line with CR LF and put neither elsewhere."),
            Self::BlankLines => (BAD, "There are blank lines before the message; begin with its first line."),
            Self::RequestLine => (BAD, "The request line is malformed; write a method, a target and HTTP/1.1 with one space between them."),
            Self::Version => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "This version of HTTP is not spoken here; use HTTP/1.1."),
            Self::Connect => (BAD, "CONNECT is not served here; send the request itself."),
            Self::TargetForm => (BAD, "The request target has a form that is not served here; send a path that begins with a slash."),
            Self::TargetBytes => (BAD, "The request target holds characters that a URL may not; percent-encode them."),
            Self::TargetHost => (BAD, "The request target and the header Host name different hosts; send a path, or the same host in both."),
            Self::FieldName => (BAD, "A header's name is malformed; use letters, digits and hyphens, followed at once by a colon."),
            Self::FieldValue => (BAD, "A header's value holds a control character; remove it."),
            Self::Folded => (BAD, "A header line begins with white space; write each header in one line."),
            Self::HostMissing => (BAD, "The header Host is missing; send it."),
            Self::HostRepeated => (BAD, "The header Host stands more than once; send it once."),
            Self::HostForm => (BAD, "The header Host is malformed; send a host name or address and, if need be, a port."),
            Self::ContentLength => (BAD, "The header Content-Length is not a plain number; send decimal digits only."),
            Self::ContentLengthRepeated => (BAD, "The header Content-Length stands more than once; send it once."),
            Self::TransferEncoding => (BAD, "The transfer coding is not understood; send chunked, alone, or a Content-Length."),
            Self::TransferEncodingRepeated => (BAD, "The header Transfer-Encoding stands more than once; send it once."),
            Self::TransferEncodingVersion => (BAD, "HTTP/1.0 has no Transfer-Encoding; send a Content-Length or use HTTP/1.1."),
            Self::TwoLengths => (BAD, "Content-Length and Transfer-Encoding stand side by side; send one of them."),
            Self::Lookalike => (BAD, "A header's name looks like one that gives the body's length; rename or remove it."),
            Self::Connection => (BAD, "The header Connection is malformed; send close, keep-alive or nothing."),
            Self::Expect => (StatusCode::EXPECTATION_FAILED, "The expectation cannot be met; send 100-continue or nothing."),
            Self::StatusLine => (BAD, "The status line is malformed; it must be a version, a status of three digits and a reason."),
            Self::Switched => (BAD, "The answer switches protocols, which was not asked for."),
            Self::InterimBody => (BAD, "An interim answer announces a body; it cannot have one."),
            Self::ChunkSize => (BAD, "A chunk's size is malformed; write 1 to 16 hexadecimal digits and nothing else."),
            Self::ChunkExtension => (BAD, "A chunk's extensions are malformed or too long; send none."),
            Self::ChunkEnd => (BAD, "A chunk is not as long as announced; follow its data with CR LF."),
            Self::Trailer => (BAD, "A trailer is malformed, not allowed or too long; send none."),
            Self::Truncated => (BAD, "The body ended before its announced length; send all of it."),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for Fault {}
