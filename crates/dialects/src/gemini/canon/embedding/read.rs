//! Reading what a client wants embedded, and saying it in `OpenAI`'s words.

use domain::canon::{Loss, Written};
use domain::refusal::Refusal;

use super::super::fields::{Fields, member, missing};
use super::Form;
use crate::json::{Document, Node, object};

/// What stands between the parts of a content: `OpenAI` knows no parts.
const BETWEEN: &str = "\n";

/// What a client of Gemini's wants embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embeds {
    /// How it asked, and so how it is answered.
    pub form: Form,
    pub(super) inputs: Vec<Input>,
}

/// One content, and what its vector is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    path: String,
    text: String,
    pub(super) task: Option<String>,
    pub(super) title: Option<String>,
    dimensions: Option<u64>,
    /// Where something stands that is no text.
    others: Vec<String>,
}

impl Embeds {
    /// Reads a request.
    ///
    /// # Errors
    /// A member is missing or has a wrong type.
    pub fn read(document: &Document, form: Form) -> Result<Self, Refusal> {
        let mut top = Fields::of(document.root(), "")?;
        let inputs = match form {
            Form::One => vec![input(top)?],
            Form::Many => {
                let nodes = top.list("requests")?;
                if nodes.is_empty() {
                    return Err(missing("requests", "send an array of requests"));
                }
                let nodes = nodes.into_iter().enumerate();
                let inputs =
                    nodes.map(|(at, node)| input(Fields::of(node, format!("requests[{at}]"))?));
                inputs.collect::<Result<_, _>>()?
            }
        };
        Ok(Self { form, inputs })
    }

    /// What each content's vector is for, in Google's word.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = Option<&str>> {
        self.inputs.iter().map(|input| input.task.as_deref())
    }

    /// What the vector of this one of the contents is for.
    pub(crate) fn task(&self, at: usize) -> Option<&str> {
        self.inputs.get(at)?.task.as_deref()
    }

    /// Its title.
    pub(crate) fn title(&self, at: usize) -> Option<&str> {
        self.inputs.get(at)?.title.as_deref()
    }

    /// Whether one of the contents has a title.
    pub(crate) fn has_titles(&self) -> bool {
        self.inputs.iter().any(|input| input.title.is_some())
    }

    /// The same for `model` in `OpenAI`'s dialect, and what that cannot say.
    #[must_use]
    pub fn pivot(&self, model: &str) -> Written<Vec<u8>> {
        let first = self.inputs.first().and_then(|input| input.dimensions);
        let mut losses = Vec::new();
        for input in &self.inputs {
            input.losses(first, &mut losses);
        }
        let value = object(|out| {
            out.string("model", model);
            match self.inputs.as_slice() {
                [one] if self.form == Form::One => {
                    out.string("input", &one.text);
                }
                many => {
                    out.array("input", |list| {
                        for input in many {
                            list.string(&input.text);
                        }
                    });
                }
            }
            if let Some(dimensions) = first {
                out.number("dimensions", dimensions);
            }
        });
        Written { value, losses }
    }
}

impl Input {
    fn at(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// What others are not told of it. `dimensions` are the first content's.
    fn losses(&self, dimensions: Option<u64>, losses: &mut Vec<Loss>) {
        // Vectors for a task are nearer to what is sought, but vectors of the
        // same texts all the same.
        if self.task.is_some() {
            losses.push(Loss::hint(
                self.at("taskType"),
                "OpenAI's vectors are for any task",
            ));
        }
        if self.title.is_some() {
            losses.push(Loss::hint(
                self.at("title"),
                "OpenAI's texts have no titles",
            ));
        }
        if self.dimensions != dimensions {
            let why = "OpenAI's vectors of one request are all of one length";
            losses.push(Loss::meaning(self.at("outputDimensionality"), why));
        }
        for other in &self.others {
            losses.push(Loss::meaning(other, "OpenAI embeds only texts"));
        }
    }
}

fn input(mut request: Fields<'_>) -> Result<Input, Refusal> {
    let mut input = Input {
        path: request.at("").trim_end_matches('.').to_owned(),
        ..Input::default()
    };
    // The model of the URL is the one that counts.
    request.take("model");
    settings(&mut request, &mut input)?;
    if let Some(mut config) = request.object("embedContentConfig")? {
        settings(&mut config, &mut input)?;
        rest(config, &mut input);
    }
    let content = request.object("content")?;
    let mut content =
        content.ok_or_else(|| missing(&request.at("content"), "send what is to be embedded"))?;
    content.take("role");
    let path = content.at("parts");
    let mut texts: Vec<String> = Vec::new();
    for (at, part) in content.list("parts")?.into_iter().enumerate() {
        match text(part) {
            Some(text) => texts.push(text),
            None => input.others.push(format!("{path}[{at}]")),
        }
    }
    input.text = texts.join(BETWEEN);
    rest(content, &mut input);
    rest(request, &mut input);
    Ok(input)
}

fn settings(from: &mut Fields<'_>, input: &mut Input) -> Result<(), Refusal> {
    let task = from.string("taskType")?;
    input.task = task.or(input.task.take());
    let title = from.string("title")?;
    input.title = title.or(input.title.take());
    let dimensions = from.whole("outputDimensionality")?;
    input.dimensions = dimensions.or(input.dimensions);
    Ok(())
}

fn rest(fields: Fields<'_>, input: &mut Input) {
    let path = fields.at("");
    input
        .others
        .extend(fields.rest().map(|(name, _)| format!("{path}{name}")));
}

fn text(part: Node<'_>) -> Option<String> {
    Some(member(part, "text")?.str()?.into_owned())
}
