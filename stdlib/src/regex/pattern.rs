//! A compiled pattern: linear where possible, backtracking under a step limit where not.

use super::dialect::translate;
use flowscript_lang::error::RunError;

/// So many steps a backtracking match may take.
const STEPS: usize = 1_000_000;

/// Start and end of a match in bytes.
pub(super) type Span = (usize, usize);

/// A compiled regular expression.
pub(super) enum Pattern {
    /// Runs in linear time.
    Linear(regex::Regex),
    /// Has look-around or back-references.
    Backtracking(fancy_regex::Regex),
}

/// Why a match ended without a result.
pub(super) enum MatchError {
    /// Too many steps.
    Steps,
    /// What was done with a match failed.
    Run(Box<RunError>),
}

impl From<Box<RunError>> for MatchError {
    fn from(error: Box<RunError>) -> Self {
        Self::Run(error)
    }
}

impl Pattern {
    /// Compiles a pattern. The error says what is wrong with it.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let source = translate(source)?;
        let error = match regex::Regex::new(&source) {
            Ok(pattern) => return Ok(Self::Linear(pattern)),
            Err(regex::Error::Syntax(error)) => error,
            Err(regex::Error::CompiledTooBig(_)) => return Err("it is too large".into()),
            Err(error) => return Err(error.to_string()),
        };
        fancy_regex::RegexBuilder::new(&source).backtrack_limit(STEPS).build().map(Self::Backtracking).map_err(
            |fancy| {
                // The first engine refuses all look-around; of what the second has as well, it tells more.
                let last_line = error.lines().last().unwrap_or(&error);
                let plain = last_line.strip_prefix("error: ").unwrap_or(last_line);
                if plain.contains("not supported") { fancy.to_string() } else { plain.to_owned() }
            },
        )
    }

    /// The first match.
    pub(super) fn first(&self, text: &str) -> Result<Option<Span>, MatchError> {
        match self {
            Self::Linear(pattern) => Ok(pattern.find(text).map(|found| (found.start(), found.end()))),
            Self::Backtracking(pattern) => match pattern.find(text) {
                Ok(found) => Ok(found.map(|found| (found.start(), found.end()))),
                Err(_) => Err(MatchError::Steps),
            },
        }
    }

    /// Calls `f` with the groups of each match, the whole match first.
    pub(super) fn each(
        &self,
        text: &str,
        mut f: impl FnMut(&[Option<Span>]) -> Result<(), Box<RunError>>,
    ) -> Result<(), MatchError> {
        let mut groups = Vec::new();
        match self {
            Self::Linear(pattern) => {
                for found in pattern.captures_iter(text) {
                    groups.clear();
                    groups.extend(found.iter().map(|group| group.map(|group| (group.start(), group.end()))));
                    f(&groups)?;
                }
            }
            Self::Backtracking(pattern) => {
                for found in pattern.captures_iter(text) {
                    let found = found.map_err(|_| MatchError::Steps)?;
                    groups.clear();
                    groups.extend(found.iter().map(|group| group.map(|group| (group.start(), group.end()))));
                    f(&groups)?;
                }
            }
        }
        Ok(())
    }

    /// The number of groups, the whole match counted.
    pub(super) fn group_count(&self) -> usize {
        match self {
            Self::Linear(pattern) => pattern.captures_len(),
            Self::Backtracking(pattern) => pattern.captures_len(),
        }
    }

    /// The groups with names, by their number.
    pub(super) fn named_groups(&self) -> Box<dyn Iterator<Item = (usize, &str)> + '_> {
        match self {
            Self::Linear(pattern) => {
                Box::new(pattern.capture_names().enumerate().filter_map(|(at, name)| Some((at, name?))))
            }
            Self::Backtracking(pattern) => {
                Box::new(pattern.capture_names().enumerate().filter_map(|(at, name)| Some((at, name?))))
            }
        }
    }
}
