//! Logins in addresses: they are moved to a header, so that no message that names an address shows them.

use crate::secret::{learn, masked};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// Takes the login out of an address; gives it as the value of `Authorization`.
pub(super) fn take(url: &mut Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut login: Vec<u8> = percent_decode_str(url.username()).collect();
    login.push(b':');
    login.extend(percent_decode_str(url.password().unwrap_or_default()));
    // Only addresses without a host have neither, so these cannot fail.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let login = BASE64_STANDARD.encode(login);
    learn(&login);
    Some(format!("Basic {login}"))
}

/// An address for messages, without its login and without secrets.
pub fn shown(url: &str) -> String {
    let plain = match Url::parse(url) {
        Ok(parsed) if parsed.username().is_empty() && parsed.password().is_none() => parsed.to_string(),
        Ok(mut parsed) => {
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.to_string()
        }
        Err(_) => without_login(url),
    };
    masked(&plain)
}

/// Removes what looks like a login from a text that is not an address.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let host = rest.get(..end).and_then(|authority| authority.rfind('@')).map_or(0, |at| at + 1);
    format!("{scheme}://{}", rest.get(host..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leaves_its_address() {
        let mut url = Url::parse("https://me:p%40ss@example.com/a?b=c").unwrap();
        assert_eq!(take(&mut url).unwrap(), format!("Basic {}", BASE64_STANDARD.encode("me:p@ss")));
        assert_eq!(url.as_str(), "https://example.com/a?b=c");
        assert_eq!(take(&mut url), None);
        assert_eq!(shown("https://me@example.com"), "https://example.com/");
        assert_eq!(shown("no address"), "no address");
        assert_eq!(shown("http://me:pass@bad host/x@y"), "http://bad host/x@y");
    }
}
