//! Tools of Anthropic's that the client runs itself.
//!
//! Claude knows them without a schema. For everybody else they are functions of
//! the same name with the documented input, which is what `tool_use` calls them
//! with; what the client declared stays beside, for the way back.
//! Source: <https://docs.anthropic.com/en/docs/agents-and-tools/tool-use>, its pages of the
//! bash, text editor, memory and computer use tools.

use domain::canon::{Json, Tool, ToolKind};

use super::fields::{Read, cache, flag, string, unknown};
use crate::json::Node;

/// One of them: how its types begin, what it is for, its input. Words in capitals stand
/// for what differs between its versions.
struct Emulated {
    stem: &'static str,
    description: &'static str,
    schema: &'static str,
}

/// The last editor that can undo. A newer one's type is the greater word.
const LAST_TO_UNDO: &str = "text_editor_20250124";

/// The first one that inserts `insert_text`, as others insert `new_str`.
const FIRST_TO_INSERT: &str = "text_editor_20250728";

/// What every version does to a computer, and what some do beside it.
const ACTIONS: [&str; 10] = [
    "key",
    "type",
    "mouse_move",
    "left_click",
    "left_click_drag",
    "right_click",
    "middle_click",
    "double_click",
    "screenshot",
    "cursor_position",
];
const ACTIONS_OF_2025: [&str; 6] = [
    "hold_key",
    "left_mouse_down",
    "left_mouse_up",
    "triple_click",
    "scroll",
    "wait",
];

const ALL: [Emulated; 4] = [
    Emulated {
        stem: "bash_",
        description: "Runs a command in a bash session on the user's machine, which goes on \
            between calls. `restart` begins a new session; it needs no command.",
        schema: r#"{"type":"object","properties":{"command":{"type":"string","description":"The command to run."},"restart":{"type":"boolean"}}}"#,
    },
    Emulated {
        stem: "text_editor_",
        description: "Views, creates and edits text files on the user's machine. `view` shows a \
            file or lists a folder; `create` writes `file_text`; `str_replace` puts `new_str` in \
            the place of `old_str`, which must stand exactly once in the file;",
        schema: r#"{"type":"object","properties":{"command":{"type":"string","enum":[COMMANDS]},"path":{"type":"string","description":"Path of a file or a folder."},"view_range":{"type":"array","items":{"type":"integer"},"description":"The first and the last line to view, from 1; -1 is the end."},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer","description":"The line behind which to insert; 0 is the beginning."}INSERTED},"required":["command","path"]}"#,
    },
    Emulated {
        stem: "memory_",
        description: "Keeps notes in files below `/memories`, from one conversation to the next: \
            look there before you begin. `view` shows a file or lists a folder; `create` writes \
            `file_text`; `str_replace` puts `new_str` in the place of `old_str`; `insert` puts \
            `insert_text` behind line `insert_line`; `delete` deletes `path`; `rename` moves \
            `old_path` to `new_path`.",
        schema: r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},"path":{"type":"string"},"view_range":{"type":"array","items":{"type":"integer"}},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"insert_text":{"type":"string"},"old_path":{"type":"string"},"new_path":{"type":"string"}},"required":["command"]}"#,
    },
    Emulated {
        stem: "computer_",
        description: "Uses the mouse and the keyboard of the user's machine and looks at its \
            screen; a screenshot comes back. Look before you click. `key` takes names like \
            `ctrl+s` in `text`, `type` the text to type; `scroll`, `wait`, `hold_key` and `zoom` \
            have members of their own.",
        schema: r#"{"type":"object","properties":{"action":{"type":"string","enum":[ACTIONS]},"coordinate":{"type":"array","items":{"type":"integer"},"description":"x and y in pixels, from the upper left corner."},"start_coordinate":{"type":"array","items":{"type":"integer"}},"text":{"type":"string"},"duration":{"type":"number","description":"Seconds."},"scroll_amount":{"type":"integer"},"scroll_direction":{"type":"string","enum":["up","down","left","right"]},"region":{"type":"array","items":{"type":"integer"},"description":"Corners of what to zoom into: x0, y0, x1, y1."}},"required":["action"]}"#,
    },
];

/// Reads a tool of this type, if it is one that the client runs.
pub(super) fn tool(node: Node<'_>, kind: &str, at: &str) -> Read<Option<Tool>> {
    let Some(it) = ALL.iter().find(|it| kind.starts_with(it.stem)) else {
        return Ok(None);
    };
    let Some(name) = string(node, "name", at)? else {
        return Ok(None);
    };
    let (description, schema) = it.told(kind, node);
    Ok(Some(Tool {
        name,
        description: Some(description),
        kind: ToolKind::Function {
            schema: Some(Json::trusted(schema)),
        },
        strict: flag(node, "strict", at)?,
        cache: cache(node, at)?,
        declared: Some(unknown(kind, node)),
        rest: Vec::new(),
    }))
}

impl Emulated {
    /// What it is for and its input, in this version of it.
    fn told(&self, kind: &str, node: Node<'_>) -> (String, String) {
        match self.stem {
            "text_editor_" => self.editor(kind),
            "computer_" => self.computer(kind, node),
            _ => (self.description.to_owned(), self.schema.to_owned()),
        }
    }

    fn editor(&self, version: &str) -> (String, String) {
        let (inserted, member) = if version >= FIRST_TO_INSERT {
            ("insert_text", r#","insert_text":{"type":"string"}"#)
        } else {
            ("new_str", "")
        };
        let undo = if version <= LAST_TO_UNDO {
            r#","undo_edit""#
        } else {
            ""
        };
        let commands = format!(r#""view","create","str_replace","insert"{undo}"#);
        let inserts = format!("`insert` puts `{inserted}` behind line `insert_line`.");
        let schema = self.schema.replace("COMMANDS", &commands);
        (
            format!("{} {inserts}", self.description),
            schema.replace("INSERTED", member),
        )
    }

    fn computer(&self, version: &str, node: Node<'_>) -> (String, String) {
        let mut actions = ACTIONS.to_vec();
        if version >= "computer_20250124" {
            actions.extend(ACTIONS_OF_2025);
        }
        let zooms = node.get("enable_zoom").and_then(Node::bool) == Some(true);
        if version >= "computer_20251124" && zooms {
            actions.push("zoom");
        }
        let actions: Vec<String> = actions.iter().map(|it| format!("\"{it}\"")).collect();
        let side = |key| node.get(key).and_then(Node::u64);
        let size = match (side("display_width_px"), side("display_height_px")) {
            (Some(width), Some(height)) => format!(" The screen is {width}x{height} pixels."),
            _ => String::new(),
        };
        (
            format!("{}{size}", self.description),
            self.schema.replace("ACTIONS", &actions.join(",")),
        )
    }
}
