//! The names of months and days: from the locale data, with corrections where it differs from .NET.

use super::culture::Culture;
use pure_rust_locales::{Locale, locale_match};
use std::borrow::Cow;

/// Whether a month's name is used alone or after a day, if the language distinguishes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Alone,
    BehindDay,
}

/// How long a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Full,
    Short,
}

// The data has the forms used after a day.
const POLISH: [&str; 12] = [
    "styczeń",
    "luty",
    "marzec",
    "kwiecień",
    "maj",
    "czerwiec",
    "lipiec",
    "sierpień",
    "wrzesień",
    "październik",
    "listopad",
    "grudzień",
];
const RUSSIAN: [&str; 12] = [
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
];

impl Culture {
    /// The name of a month, 1 to 12.
    pub(super) fn month(&self, month: u32, width: Width, form: Form) -> &'static str {
        let locale = self.locale;
        let at = (month as usize).saturating_sub(1);
        let names: &'static [&'static str] = match (width, form, locale) {
            (Width::Full, Form::Alone, Locale::pl_PL) => &POLISH,
            (Width::Full, Form::Alone, Locale::ru_RU) => &RUSSIAN,
            (Width::Full, ..) => locale_match!(locale => LC_TIME::MON),
            (Width::Short, ..) => locale_match!(locale => LC_TIME::ABMON),
        };
        // Some names are padded for columns.
        names.get(at).map_or("", |name| name.trim())
    }

    /// The name of a day, counted from 0 for Sunday.
    pub(super) fn day(&self, day: u32, width: Width) -> Cow<'static, str> {
        let locale = self.locale;
        let names: &'static [&'static str] = match width {
            Width::Full => locale_match!(locale => LC_TIME::DAY),
            Width::Short => locale_match!(locale => LC_TIME::ABDAY),
        };
        let name = names.get(day as usize).map_or("", |name| name.trim());
        match (locale, width, day) {
            // The data has capitals, which Russian does not use within a sentence.
            (Locale::ru_RU, Width::Full, _) => name.to_lowercase().into(),
            // The data leaves out `-feira`, as in speech.
            (Locale::pt_BR, Width::Full, 1..=5) => format!("{name}-feira").into(),
            _ => name.into(),
        }
    }

    /// `AM` or `PM` as the culture writes it; many do not.
    pub(super) fn half_day(&self, afternoon: bool) -> &'static str {
        let locale = self.locale;
        let names: &'static [&'static str] = locale_match!(locale => LC_TIME::AM_PM);
        names.get(usize::from(afternoon)).copied().unwrap_or("")
    }
}
