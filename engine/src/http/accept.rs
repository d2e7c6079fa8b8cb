//! `Accept`: which formats a caller accepts, and whether it gets JSON or XML.

use axum::http::{HeaderMap, header};

const XML: [&str; 2] = ["application/xml", "text/xml"];
const JSON: &str = "application/json";

/// The formats that a caller accepts. Without any range it accepts all.
#[derive(Clone, Debug, Default)]
pub struct Accept(Vec<(String, f32)>);

impl Accept {
    /// What the headers of a request say.
    pub fn of(headers: &HeaderMap) -> Self {
        let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let range = |text: &str| {
            let mut parts = text.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            (!media.is_empty()).then(|| (media, quality.and_then(|text| text.parse().ok()).unwrap_or(1.0)))
        };
        Self(texts.flat_map(|text| text.split(',')).filter_map(range).collect())
    }

    /// Does the caller accept this type?
    pub fn takes(&self, media: &str) -> bool {
        match self.quality(media) {
            Some(quality) => quality > 0.0,
            // A caller that only excludes types accepts all others.
            None => self.0.iter().all(|(_, quality)| *quality <= 0.0),
        }
    }

    /// Does the caller accept JSON?
    pub fn takes_json(&self) -> bool {
        self.takes(JSON)
    }

    /// The type of XML that the caller gets instead of JSON: if it does not accept JSON, or names XML and prefers it to
    /// everything else. Browsers name XML too, but prefer HTML to it.
    pub fn xml(&self) -> Option<&'static str> {
        let xml = XML.into_iter().find(|media| self.takes(media))?;
        let is_xml = |media: &str| XML.contains(&media);
        let most = |wanted: bool| {
            let found = self.0.iter().filter(|(media, _)| is_xml(media) == wanted);
            found.map(|(_, quality)| *quality).fold(0.0, f32::max)
        };
        (!self.takes_json() || most(true) > most(false)).then_some(xml)
    }

    /// The quality of the closest range that covers the type.
    fn quality(&self, media: &str) -> Option<f32> {
        let of = |range: &str| self.0.iter().find(|(known, _)| known == range).map(|(_, quality)| *quality);
        let group = media.split('/').next().unwrap_or_default();
        of(media).or_else(|| of(&format!("{group}/*"))).or_else(|| of("*/*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn accept(text: &'static str) -> Accept {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(text));
        Accept::of(&headers)
    }

    #[test]
    fn xml_only_where_it_is_preferred_to_everything_else() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for json in ["", "*/*", browser, "application/xml, application/json", "application/xml;q=0", "application/*"] {
            assert_eq!(accept(json).xml(), None, "{json}");
            assert!(accept(json).takes_json(), "{json}");
        }
        for xml in [
            "application/xml",
            "Application/XML;q=0.2",
            "application/xml, */*;q=0.9",
            "text/html, application/xml;q=0.9",
        ] {
            assert_eq!(accept(xml).xml(), Some("application/xml"), "{xml}");
        }
        assert_eq!(accept("text/xml").xml(), Some("text/xml"));
        assert_eq!(accept("application/json;q=0, */*").xml(), Some("application/xml"));
        assert_eq!(Accept::default().xml(), None);
    }

    #[test]
    fn what_is_not_named_is_not_taken() {
        for none in ["text/csv", "image/*", "application/json;q=0, text/csv"] {
            assert!(!accept(none).takes_json() && accept(none).xml().is_none(), "{none}");
        }
        assert!(accept("text/*").takes("text/plain"));
    }
}
