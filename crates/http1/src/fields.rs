//! The fields of a head: names and values, in the order of the wire.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::lines;

/// The fields of a head, in one piece of memory. Names are in lower case, on
/// both sides: whoever asks for one asks in lower case. A head has a dozen, so
/// looking through all of them is the quickest way to one.
#[derive(Clone, Default)]
pub struct Fields {
    text: Vec<u8>,
    places: Vec<Place>,
}

/// Where a field stands: the name up to the colon, the value up to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) name: u32,
    pub(crate) colon: u32,
    pub(crate) value: u32,
    pub(crate) end: u32,
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
            text: Vec::with_capacity(bytes),
            places: Vec::with_capacity(fields),
        }
    }

    /// What was read; the places lie in `text`.
    pub(crate) fn of(text: Vec<u8>, places: Vec<Place>) -> Self {
        Self { text, places }
    }

    /// Adds a field behind the others. Bytes that no value may hold, line ends
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
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        let value = self.text.len();
        write(&mut self.text);
        if !lines::is_value(&self.text[value..]) {
            let clean = self.text.split_off(value).into_iter();
            self.text
                .extend(clean.filter(|byte| lines::is_value_byte(*byte)));
        }
        self.places.push(Place {
            name: place(start),
            colon: place(value),
            value: place(value),
            end: place(self.text.len()),
        });
    }

    /// Leaves one field of this name, with this value.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.remove(name);
        self.add(name, value);
    }

    /// Removes every field of this name.
    pub fn remove(&mut self, name: &str) {
        let text = &self.text;
        self.places
            .retain(|place| name_of(text, place) != name.as_bytes());
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let place = self.places.iter();
        let mut places = place.filter(|place| name_of(&self.text, place) == name.as_bytes());
        places.next().map(|place| value_of(&self.text, place))
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
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let places = self.places.iter();
        places
            .filter(move |place| name_of(&self.text, place) == name.as_bytes())
            .map(|place| value_of(&self.text, place))
    }

    /// Every value of this name that is plain ASCII.
    pub fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).filter_map(plain)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let places = self.places.iter();
        places.map(|place| (name_of(&self.text, place), value_of(&self.text, place)))
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

    /// What names and values take.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
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
        let mut fields = Self::with_room(map.len(), bytes.sum());
        for (name, value) in map {
            fields.add(name.as_str(), value);
        }
        fields
    }
}

fn name_of<'a>(text: &'a [u8], place: &Place) -> &'a [u8] {
    &text[place.name as usize..place.colon as usize]
}

fn value_of<'a>(text: &'a [u8], place: &Place) -> &'a [u8] {
    &text[place.value as usize..place.end as usize]
}

/// A value of printable ASCII, as all are that the way looks into.
fn plain(value: &[u8]) -> Option<&str> {
    let is_plain = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    std::str::from_utf8(value).ok().filter(|_| is_plain)
}
