//! Logins in addresses: they go into a header, so that no message that names an address tells them.

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
    // Addresses without a host have none of either, so these cannot fail.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(format!("Basic {}", BASE64_STANDARD.encode(login)))
}

/// An address for people, without its login.
pub(crate) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            take(&mut url);
            url.to_string()
        }
        Err(_) => url.to_owned(),
    }
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
    }
}
