//! The fields of a head: names and values, in the order of the wire.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::lines;

/// The fields of a head, in one piece of memory: as the lines that they are on
/// the wire, with names in lower case. Whoever asks for one asks in lower case.
/// A head has a dozen, so looking through all of them is the quickest way.
#[derive(Clone, Default)]
pub struct Fields {
    lines: Vec<u8>,
    places: Vec<Place>,
    lengths: Lengths,
}

/// Where a field stands: the name up to the colon, the value up to its end.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: u32,
    colon: u32,
    value: u32,
    end: u32,
}

/// Which lengths names have: most names that are asked for are not there, and
/// nearly always no other is as long.
#[derive(Clone, Copy, Default)]
struct Lengths(u64);

impl Lengths {
    fn note(&mut self, length: usize) {
        self.0 |= 1 << (length & 63);
    }

    fn may_have(self, length: usize) -> bool {
        self.0 >> (length & 63) & 1 == 1
    }
}

/// A head has bounds that are far below this.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Fields {
    /// No fields, and room for so many, of so many bytes in all.
    #[must_use]
    pub fn with_room(fields: usize, bytes: usize) -> Self {
        Self {
            lines: Vec::with_capacity(bytes),
            places: Vec::with_capacity(fields),
            lengths: Lengths::default(),
        }
    }

    /// Takes lines over; [`Self::lines_mut`] and [`Self::place`] say what is
    /// in them.
    pub(crate) fn of(lines: Vec<u8>, fields: usize) -> Self {
        Self {
            lines,
            places: Vec::with_capacity(fields),
            lengths: Lengths::default(),
        }
    }

    pub(crate) fn lines_mut(&mut self) -> &mut [u8] {
        &mut self.lines
    }

    /// There is a field whose name begins at `name`, and so on.
    pub(crate) fn place(&mut self, [name, colon, value, end]: [usize; 4]) {
        self.lengths.note(colon - name);
        self.places.push(Place {
            name: place(name),
            colon: place(colon),
            value: place(value),
            end: place(end),
        });
    }

    /// The lines, each with its end.
    pub(crate) fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Adds a field behind the others; `name` is a token in lower case. Bytes that no value may hold, line ends
    /// above all, are left out.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.add_with(name, |text| text.extend_from_slice(value.as_ref()));
    }

    /// Adds a field whose value is a number.
    pub fn add_number(&mut self, name: &str, number: u64) {
        self.add(name, itoa::Buffer::new().format(number));
    }

    /// Adds a field whose value `write` appends to what it is given.
    pub fn add_with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        debug_assert!(lines::is_lower_token(name.as_bytes()), "{name}");
        let start = self.lines.len();
        self.lines.extend_from_slice(name.as_bytes());
        self.lines.extend_from_slice(b": ");
        let value = self.lines.len();
        write(&mut self.lines);
        if !lines::is_value(&self.lines[value..]) {
            let raw = self.lines.split_off(value).into_iter();
            let clean = raw.filter(|byte| lines::is_value_byte(*byte));
            self.lines.extend(clean);
        }
        let end = self.lines.len();
        self.lines.extend_from_slice(b"\r\n");
        self.place([start, start + name.len(), value, end]);
    }

    /// Leaves one field of this name, with this value.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.remove(name);
        self.add(name, value);
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &str) {
        if !self.has(name) {
            return;
        }
        let all = std::mem::take(self);
        for field in all
            .places
            .iter()
            .filter(|field| all.name(field) != name.as_bytes())
        {
            let start = self.lines.len();
            let from = field.name as usize;
            self.lines
                .extend_from_slice(&all.lines[from..field.end as usize]);
            let at = |place: u32| place as usize - from + start;
            self.place([start, at(field.colon), at(field.value), at(field.end)]);
            self.lines.extend_from_slice(b"\r\n");
        }
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The first value of this name, if it is plain ASCII.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(plain)
    }

    /// Whether there is a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every value of this name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let places = match self.lengths.may_have(name.len()) {
            true => self.places.as_slice(),
            false => &[],
        };
        let named = places
            .iter()
            .filter(move |field| self.name(field) == name.as_bytes());
        named.map(|field| self.value(field))
    }

    /// Every value of this name that is plain ASCII.
    pub fn texts<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all(name).filter_map(plain)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let places = self.places.iter();
        places.map(|field| (self.name(field), self.value(field)))
    }

    fn name(&self, field: &Place) -> &[u8] {
        &self.lines[field.name as usize..field.colon as usize]
    }

    fn value(&self, field: &Place) -> &[u8] {
        &self.lines[field.value as usize..field.end as usize]
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The same as the crate `http` has it, for HTTP/2.
    #[must_use]
    pub fn to_map(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.len());
        for (name, value) in self.iter() {
            // What stands here was read, or written by `add`: it has both forms.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        map
    }
}

/// Names only: values hold keys.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.iter().map(|(name, _)| String::from_utf8_lossy(name));
        f.debug_list().entries(names).finish()
    }
}

impl From<&HeaderMap> for Fields {
    fn from(map: &HeaderMap) -> Self {
        let bytes = map
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len());
        let mut fields = Self::with_room(map.len(), bytes.sum::<usize>() + 4 * map.len());
        for (name, value) in map {
            fields.add(name.as_str(), value);
        }
        fields
    }
}

/// A value of printable ASCII, as all are that the way looks into.
fn plain(value: &[u8]) -> Option<&str> {
    let is_plain = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    std::str::from_utf8(value).ok().filter(|_| is_plain)
}
