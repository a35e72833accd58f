//! Tools that `OpenAI` runs, for those that another provider would have run.

use domain::canon::{Loss, Unknown};

use super::item::is_own;
use crate::json::object;
use crate::translate::hosted::{Hosted, hosted};

/// What a built-in tool is called here, if there is such a one.
pub(super) fn name_of(tool: &Unknown) -> Option<&str> {
    match is_own(tool) {
        true => Some(&tool.name),
        false => kind_of(&hosted(tool)?),
    }
}

fn kind_of(kin: &Hosted) -> Option<&'static str> {
    match kin {
        Hosted::Search(_) => Some("web_search"),
        Hosted::Run => Some("code_interpreter"),
        Hosted::Fetch => None,
    }
}

/// The declaration of `OpenAI`'s own tool of the same kind as another's.
pub(super) fn own_of(foreign: &Unknown) -> Option<String> {
    let kin = hosted(foreign)?;
    let kind = kind_of(&kin)?;
    let written = object(|o| {
        o.string("type", kind);
        match &kin {
            Hosted::Search(search) => {
                if let Some(allowed) = &search.allowed {
                    o.object("filters", |o| {
                        o.raw("allowed_domains", allowed.as_str());
                    });
                }
                search.put_place(o);
            }
            Hosted::Run => {
                o.object("container", |o| {
                    o.string("type", "auto");
                });
            }
            Hosted::Fetch => {}
        }
    });
    String::from_utf8(written).ok()
}

/// What is not said of another provider's tool, whose field this is.
pub(super) fn losses(foreign: &Unknown, field: String, out: &mut Vec<Loss>) {
    match hosted(foreign) {
        Some(Hosted::Search(search)) => {
            let said = ["allowed_domains", "user_location"];
            search.losses(&field, "OpenAI", &said, out);
        }
        Some(Hosted::Run) => {}
        Some(Hosted::Fetch) | None => {
            let whose = foreign.dialect.as_str();
            let why = format!("{} is a tool of {whose} alone", foreign.name);
            out.push(Loss::hint(field, why));
        }
    }
}
