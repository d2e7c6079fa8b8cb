use super::*;
use crate::room::Full;
use bytes::Bytes;
use flowscript_lang::budget::Unlimited;
use flowscript_lang::value::{Record, Value};
use std::io::Write;

fn request(content_type: &str, body: &str) -> Result<Request, String> {
    let query = Record::from_fields([("q".into(), Value::text("query")), ("both".into(), Value::text("query"))]);
    let parts = RequestParts {
        method: "POST",
        headers: vec![
            ("content-type", content_type),
            ("x-one", "a"),
            ("x-one", "b"),
            ("authorization", "Bearer secret"),
            ("cookie", "secret"),
            ("x-api-key", "secret"),
        ],
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    Request::new(query, parts, &mut Unlimited)
}

fn body_of(content_type: &str, body: &str) -> String {
    let Value::Record(all) = request(content_type, body).unwrap().to_value() else { panic!("no record") };
    all.get("body").unwrap().to_literal(200)
}

#[test]
fn bodies_by_type() {
    let check = |content_type: &str, body: &str, expected: &str| {
        assert_eq!(body_of(content_type, body), expected, "{content_type} {body}");
    };
    check("application/json", r#"{"a": [1, 2.50]}"#, "{a: [1, 2.5]}");
    check("application/problem+json; charset=utf-8", r#"{"a": 1}"#, "{a: 1}");
    check("application/x-www-form-urlencoded", "a=1&b=x%20y+z&a=2", "{a: ['1', '2'], b: 'x y z'}");
    check("text/plain", "hej", "'hej'");
    check("", r#"{"a": 1}"#, "{a: 1}");
    check("application/json", "", "null");
    assert!(body_of("text/csv", "a,b\n1,2").contains("'1'"));
    assert!(!body_of("application/octet-stream", "abc").contains("abc"));
    assert!(!body_of("", "not json").contains("not json"));
}

#[test]
fn broken_bodies_are_told() {
    let check = |content_type: &str, body: &str, part: &str| {
        let error = request(content_type, body).unwrap_err();
        assert!(error.contains(part), "{error}");
    };
    check("application/json", "{", "not JSON");
    check("text/plain; charset=klingon", "x", "`klingon`");
    check("application/x-www-form-urlencoded", "{\"a\": 1}", "send `Content-Type: application/json`");
    check("application/x-www-form-urlencoded", "a=%ff", "percent-encoded");
    assert_eq!(body_of("text/plain; charset=iso-8859-1", "x"), "'x'");
}

#[test]
fn the_body_wins_and_secrets_are_gone() {
    let request = request("application/json", r#"{"both": "body", "n": 1}"#).unwrap();
    let fields = Value::Record(request.plain_fields()).to_literal(200);
    assert_eq!(fields, "{q: 'query', both: 'body', n: 1}");
    let kept = request.encode();
    assert!(!String::from_utf8_lossy(&kept).contains("secret"));
    let again = Request::decode(&kept).unwrap();
    assert_eq!(again.to_value().to_literal(500), request.to_value().to_literal(500));
    assert!(request.to_value().to_literal(500).contains("a, b"));
}

#[test]
fn gzip_is_expanded_up_to_the_limit() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'x'; 10_000]).unwrap();
    let packed = Bytes::from(encoder.finish().unwrap());
    let expand = |packed: &Bytes, encoding, limit| expand(packed.clone(), encoding, limit, |_| Ok(()));
    assert_eq!(expand(&packed, Some("gzip"), 10_000).unwrap().len(), 10_000);
    assert_eq!(expand(&packed, Some("GZIP"), 9_999), Err(BodyProblem::TooLarge { limit: 9_999 }));
    assert_eq!(expand(&packed, Some("br"), 9), Err(BodyProblem::UnknownEncoding("br".into())));
    assert!(matches!(expand(&packed.slice(..20), Some("gzip"), 10_000), Err(BodyProblem::Undecodable(_))));
    assert!(matches!(expand(&packed, None, 5), Err(BodyProblem::TooLarge { .. })));
    assert_eq!(expand(&packed, Some("gzip"), 0), Err(BodyProblem::TooLarge { limit: 0 }));
}

#[test]
fn room_is_asked_for_before_gzip_is_expanded() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'x'; 1 << 20]).unwrap();
    let packed = Bytes::from(encoder.finish().unwrap());
    let mut taken = 0;
    let refused = expand(packed, Some("gzip"), 1 << 20, |more| {
        if taken + more > 100_000 {
            return Err(Full::Now);
        }
        taken += more;
        Ok(())
    });
    assert_eq!(refused, Err(BodyProblem::NoRoom(Full::Now)));
    assert!((50_000..100_000).contains(&taken), "{taken}");
}

#[test]
fn forms_of_many_names_take_no_time() {
    let names = |count: usize| (0..count).map(|n| format!("n{n}=1")).collect::<Vec<_>>().join("&");
    let form = "application/x-www-form-urlencoded";
    let largest = request(form, &names(10_000)).unwrap();
    assert_eq!(largest.body_record().unwrap().shape().len(), 10_000);
    let repeated = request(form, &"a=1&".repeat(10_000)).unwrap();
    assert_eq!(repeated.body_record().unwrap().shape().len(), 1);
    for many in [names(10_001), "a&".repeat(100_000)] {
        assert!(request(form, &many).unwrap_err().contains("the limit is 10000"));
    }
}

#[test]
fn credentials() {
    let key = Credential::of_key("abc");
    assert_eq!(credential(Some("abc"), None), Some(key.clone()));
    assert_eq!(credential(None, Some("Bearer abc")), Some(key.clone()));
    assert_eq!(credential(None, Some("bearer  abc ")), Some(key.clone()));
    assert_eq!(credential(Some("abc"), Some("Bearer other")), Some(key));
    assert_eq!(credential(None, Some("Basic abc")), None);
    assert_eq!(credential(Some(""), None), None);
    assert_eq!(credential(None, None), None);
}
