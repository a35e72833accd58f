//! One automaton of all words and patterns, and the memory that runs it.

use std::sync::{Mutex, PoisonError};

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::{Input, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Look};

/// The most bytes that the compiled program may have, each way.
const PROGRAM: usize = 32 << 20;
/// Lazily built states are thrown away beyond this many bytes.
const STATES: usize = 8 << 20;
/// Warm memories that are kept for the next text.
const WARM: usize = 32;

/// Finds forwards where a match ends and backwards where it begins.
#[derive(Debug)]
pub(super) struct Automaton {
    pub(super) forward: DFA,
    backward: DFA,
    warm: Mutex<Vec<Memory>>,
}

/// States built so far. `ends` and `begins` are apart because an automaton
/// that clears its memory keeps only the one state it stands in.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) ends: Cache,
    pub(super) begins: Cache,
    backward: Cache,
}

impl Automaton {
    pub(super) fn new(literals: &[&str], patterns: &[&str]) -> Result<Self, String> {
        let mut all = Vec::with_capacity(literals.len() + patterns.len());
        for (at, literal) in literals.iter().enumerate() {
            let field = format!("literals[{at}]");
            if literal.is_empty() {
                return Err(format!(
                    "`{field}` is empty: write a text of one letter or more"
                ));
            }
            let mut parser = ParserBuilder::new();
            parser.case_insensitive(true);
            all.push(parse(&parser, &regex_syntax::escape(literal), &field)?);
        }
        for (at, pattern) in patterns.iter().enumerate() {
            let field = format!("patterns[{at}]");
            all.push(parse(&ParserBuilder::new(), pattern, &field)?);
        }
        let whole = Hir::alternation(all);
        let forward = compile(&whole, &thompson::Config::new())?;
        let backward = compile(&whole, &thompson::Config::new().reverse(true))?;
        Ok(Self {
            forward,
            backward,
            warm: Mutex::default(),
        })
    }

    /// Memory for one text, warm if there is some.
    pub(super) fn lend(&self) -> Memory {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        warm.pop().unwrap_or_else(|| Memory {
            ends: self.forward.create_cache(),
            begins: self.forward.create_cache(),
            backward: self.backward.create_cache(),
        })
    }

    /// Keeps the memory warm for the next text.
    pub(super) fn give_back(&self, memory: Memory) {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        if warm.len() < WARM {
            warm.push(memory);
        }
    }

    /// Where the longest match that ends at `end` begins, not before `from`.
    pub(super) fn begin(&self, memory: &mut Memory, text: &[u8], from: usize, end: usize) -> usize {
        let input = Input::new(text)
            .span(from..end)
            .anchored(regex_automata::Anchored::Yes);
        match self.backward.try_search_rev(&mut memory.backward, &input) {
            Ok(Some(half)) => half.offset(),
            Ok(None) | Err(_) => from,
        }
    }
}

fn parse(parser: &ParserBuilder, pattern: &str, field: &str) -> Result<Hir, String> {
    let hir = parser.clone().build().parse(pattern).map_err(|error| {
        let why = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it cannot be read".to_owned(),
        };
        format!(
            "`{field}` is no regular expression ({why}): correct it, or write it under `literals`"
        )
    })?;
    match hir.properties().minimum_len() {
        Some(0) => Err(format!(
            "`{field}` matches the empty text, so it would match everywhere: require a character"
        )),
        None => Err(format!(
            "`{field}` can never match: correct it or leave it out"
        )),
        // It would silently miss words that begin or end with such a letter.
        Some(_) if !pattern.is_ascii() && hir.properties().look_set().contains_word_unicode() => {
            Err(format!(
                "`{field}` has a word boundary and letters beyond ASCII, which boundaries do not \
                 know: leave the boundary out, or write `(?-u:\\b)` if that is meant"
            ))
        }
        Some(_) => Ok(ascii_words(hir)),
    }
}

/// Word boundaries by ASCII letters: the Unicode ones need a look at whole
/// characters, which an automaton over bytes cannot take.
fn ascii_words(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => other,
        }),
        HirKind::Repetition(mut repetition) => {
            *repetition.sub = ascii_words(*repetition.sub);
            Hir::repetition(repetition)
        }
        // Nobody asks what a group caught.
        HirKind::Capture(capture) => ascii_words(*capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(ascii_words).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(ascii_words).collect())
        }
    }
}

fn compile(whole: &Hir, config: &thompson::Config) -> Result<DFA, String> {
    let large = |_| {
        let most = PROGRAM >> 20;
        format!(
            "`literals` and `patterns` together need more than {most} MiB: \
             write smaller repetitions, or spread them over several guards"
        )
    };
    let config = config
        .clone()
        .which_captures(thompson::WhichCaptures::None)
        .nfa_size_limit(Some(PROGRAM));
    let nfa = thompson::Compiler::new()
        .configure(config)
        .build_from_hir(whole)
        .map_err(large)?;
    DFA::builder()
        .configure(
            DFA::config()
                .match_kind(MatchKind::All)
                .cache_capacity(STATES)
                .skip_cache_capacity_check(true),
        )
        .build_from_nfa(nfa)
        .map_err(|error| format!("`patterns` cannot be compiled ({error}): write them simpler"))
}
