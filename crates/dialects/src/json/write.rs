//! Writing JSON: members in the order of writing, no white space.

use super::text::write_string;

/// An object that is being written.
#[derive(Debug)]
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    has_member: bool,
}

/// An array that is being written.
#[derive(Debug)]
pub struct Array<'a> {
    out: &'a mut Vec<u8>,
    has_item: bool,
}

/// A text that is one object.
pub fn object(write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_object(&mut out, write);
    out
}

/// A text that is one array.
pub fn array(write: impl FnOnce(&mut Array<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_array(&mut out, write);
    out
}

fn put_object(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    write(&mut Object {
        out,
        has_member: false,
    });
    out.push(b'}');
}

fn put_array(out: &mut Vec<u8>, write: impl FnOnce(&mut Array<'_>)) {
    out.push(b'[');
    write(&mut Array {
        out,
        has_item: false,
    });
    out.push(b']');
}

impl Object<'_> {
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if std::mem::replace(&mut self.has_member, true) {
            self.out.push(b',');
        }
        write_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A string.
    pub fn string(&mut self, key: &str, value: &str) -> &mut Self {
        write_string(self.key(key), value);
        self
    }

    /// A number.
    pub fn number(&mut self, key: &str, value: u64) -> &mut Self {
        self.raw(key, &value.to_string())
    }

    /// `true` or `false`.
    #[expect(clippy::fn_params_excessive_bools, reason = "it is the value")]
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, if value { "true" } else { "false" })
    }

    /// `null`.
    pub fn null(&mut self, key: &str) -> &mut Self {
        self.raw(key, "null")
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, key: &str, json: &str) -> &mut Self {
        self.key(key).extend_from_slice(json.as_bytes());
        self
    }

    /// An object.
    pub fn object(&mut self, key: &str, write: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        put_object(self.key(key), write);
        self
    }

    /// An array.
    pub fn array(&mut self, key: &str, write: impl FnOnce(&mut Array<'_>)) -> &mut Self {
        put_array(self.key(key), write);
        self
    }
}

impl Array<'_> {
    fn item(&mut self) -> &mut Vec<u8> {
        if std::mem::replace(&mut self.has_item, true) {
            self.out.push(b',');
        }
        self.out
    }

    /// A string.
    pub fn string(&mut self, value: &str) -> &mut Self {
        write_string(self.item(), value);
        self
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, json: &str) -> &mut Self {
        self.item().extend_from_slice(json.as_bytes());
        self
    }

    /// An object.
    pub fn object(&mut self, write: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        put_object(self.item(), write);
        self
    }

    /// An array.
    pub fn array(&mut self, write: impl FnOnce(&mut Array<'_>)) -> &mut Self {
        put_array(self.item(), write);
        self
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn members_stand_in_the_order_of_writing() {
        let text = super::object(|o| {
            o.string("a\"", "ä\n").number("b", 1).null("c");
            o.array("d", |a| {
                a.raw("1e400").object(|_| {}).array(|a| {
                    a.string("");
                });
            });
            o.object("e", |o| {
                o.bool("f", true).raw("g", "[]");
            });
        });
        let wanted = r#"{"a\"":"ä\n","b":1,"c":null,"d":[1e400,{},[""]],"e":{"f":true,"g":[]}}"#;
        assert_eq!(String::from_utf8(text).expect("text"), wanted);
    }
}
