use super::*;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest body that is fetched here, in bytes.
const MAX_BODY: usize = 1 << 16;

/// A peer that answers each connection with the next of these, and returns the requests.
fn peer(answers: Vec<impl AsRef<[u8]> + Send + 'static>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                let read = stream.read(&mut buffer).unwrap();
                if read == 0 {
                    break;
                }
                request.extend_from_slice(&buffer[..read]);
            }
            requests.push(String::from_utf8_lossy(&request).into_owned());
            let _ = stream.write_all(answer.as_ref());
        }
        requests
    });
    (base, heard)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn to(location: &str, status: u16) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn get(url: &str) -> Outgoing {
    let headers = vec![("Authorization".to_owned(), "secret".to_owned()), ("Accept".to_owned(), "a/b".to_owned())];
    Outgoing {
        method: "GET".into(),
        url: url.into(),
        shown: url.into(),
        headers,
        body: None,
        timeout: Duration::from_secs(5),
    }
}

fn loopback() -> Sender {
    Sender::new(&["127.0.0.1".to_owned()], MAX_BODY).unwrap()
}

#[test]
fn public_addresses() {
    let check = |text: &str, public: bool| assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
    for text in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2002:808:808::1", "64:ff9b::808:808"] {
        check(text, true);
    }
    for text in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2001:db8::1",
        "::7f00:1",
    ] {
        check(text, false);
    }
}

#[test]
fn lists_of_hosts() {
    let check = |entry: &str, host: &str, port, covered: bool| {
        assert_eq!(entry.parse::<Allowed>().unwrap().covers(host, port), covered, "{entry} {host} {port}");
    };
    check("erp.local", "ERP.local", 80, true);
    check("erp.local", "x.erp.local", 80, false);
    check("erp.local:8080", "erp.local", 80, false);
    check("erp.local:8080", "erp.local", 8080, true);
    check("*.erp.local", "a.b.erp.local", 80, true);
    check("*.erp.local", "erp.local", 80, false);
    check("*.erp.local", "evilerp.local", 80, false);
    check("::1", "[::1]", 80, true);
    check("[::1]:90", "::1", 90, true);
    assert!("a b".parse::<Allowed>().is_err() && "".parse::<Allowed>().is_err() && "a:b".parse::<Allowed>().is_err());
}

#[tokio::test]
async fn unlisted_private_targets_are_refused() {
    let sender = Sender::new(&[], MAX_BODY).unwrap();
    for url in [
        "http://127.0.0.1:1/",
        "http://127.0.0.1.:1/",
        "http://[::1]:1/",
        "http://localhost:1/",
        // Where clouds keep credentials, and the other ways to write that address.
        "http://169.254.169.254/latest",
        "http://2852039166/latest",
        "http://0xa9fea9fe/latest",
        "http://0251.0376.0251.0376/latest",
        "http://169.254.43518/latest",
        "http://[fd00:ec2::254]/latest",
        "http://[fe80::a9fe:a9fe]/latest",
        "http://[::ffff:169.254.169.254]/latest",
        "http://[::ffff:a9fe:a9fe]/latest",
        "http://[::169.254.169.254]/latest",
        "http://[64:ff9b::169.254.169.254]/latest",
        "http://[2002:a9fe:a9fe::1]/latest",
    ] {
        let unsent = sender.send(get(url)).await.unwrap_err();
        assert!(unsent.message.contains("is not a public address"), "{url}: {}", unsent.message);
    }
    let odd = sender.send(get("file:///etc/passwd")).await.unwrap_err();
    assert!(odd.message.contains("has no host") || odd.message.contains("is not http"), "{}", odd.message);
}

#[tokio::test]
async fn redirects_are_followed_and_checked() {
    let (second, heard_second) = peer(vec![ok("there")]);
    let (first, heard_first) = peer(vec![to("/again", 302), to(&second, 307)]);
    let answer = loopback().send(get(&format!("{first}/a"))).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (200, b"there".as_slice()));
    let first = heard_first.join().unwrap();
    assert!(first[1].starts_with("GET /again") && first[1].contains("secret"), "{first:?}");
    let second = heard_second.join().unwrap();
    assert!(!second[0].contains("secret") && second[0].contains("a/b"), "{second:?}");

    let (listed, _heard) = peer(vec![to("http://169.254.169.254/", 302)]);
    let port = listed.rsplit(':').next().unwrap();
    let sender = Sender::new(&[format!("127.0.0.1:{port}")], MAX_BODY).unwrap();
    let unsent = sender.send(get(&listed)).await.unwrap_err();
    assert!(unsent.message.contains("169.254.169.254 is not a public address"), "{}", unsent.message);
}

/// A lookup that gives the next of these each time, and how often it was asked.
fn changing(answers: Vec<Vec<SocketAddr>>) -> (impl Fn(String) -> Looking + Send + Sync + 'static, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let lookup = move |_: String| -> Looking {
        let answer = answers[count.fetch_add(1, Ordering::SeqCst)].clone();
        Box::pin(async move { Ok(answer) })
    };
    (lookup, asked)
}

#[tokio::test]
async fn names_that_change_their_mind_lead_nowhere() {
    let inside = TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let port = inside.local_addr().unwrap().port();
    let url = format!("http://changes.example:{port}/");
    let quick = || Outgoing { timeout: Duration::from_millis(500), ..get(&url) };
    // A public address that is not assigned.
    let public: SocketAddr = "[2000::1]:0".parse().unwrap();
    let private: Vec<SocketAddr> =
        ["127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"].map(|text| text.parse().unwrap()).to_vec();
    let both = [private.clone(), vec![public]].concat();
    let (lookup, asked) = changing(vec![vec![public], private, both]);
    let sender = Sender::with_lookup(&["127.0.0.1:1".to_owned()], MAX_BODY, lookup).unwrap();
    // The address that was checked is the one connected to: the next lookup would have given a private one.
    let unsent = sender.send(quick()).await.unwrap_err();
    assert!(!unsent.message.contains("is not a public address"), "{}", unsent.message);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let unsent = sender.send(quick()).await.unwrap_err();
    assert!(unsent.message.contains("changes.example is not a public address"), "{}", unsent.message);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // Of a name with both, only the public address is tried.
    assert!(!sender.send(quick()).await.unwrap_err().message.contains("is not a public address"));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert_eq!(inside.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn redirects_are_checked_by_address_too() {
    let inside = TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let target = format!("http://changes.example:{}/", inside.local_addr().unwrap().port());
    for hidden in ["127.0.0.1:0", "10.0.0.1:0", "169.254.169.254:0", "[::ffff:169.254.169.254]:0", "[::1]:0"] {
        let (listed, _heard) = peer(vec![to(&target, 302)]);
        let (lookup, asked) = changing(vec![vec![hidden.parse().unwrap()]]);
        let allow = [listed.trim_start_matches("http://").to_owned()];
        let sender = Sender::with_lookup(&allow, MAX_BODY, lookup).unwrap();
        let unsent = sender.send(get(&listed)).await.unwrap_err();
        assert!(unsent.message.contains("changes.example is not a public address"), "{}", unsent.message);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    assert_eq!(inside.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn limits() {
    let (big, _heard) = peer(vec![format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1)]);
    assert!(loopback().send(get(&big)).await.unwrap_err().message.contains("larger than"));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow =
        Outgoing { timeout: Duration::from_millis(100), ..get(&format!("http://{}/", silent.local_addr().unwrap())) };
    let late = loopback().send(slow).await.unwrap_err();
    assert!(late.timed_out && late.message.contains("within 100ms"), "{late:?}");
    let loops = vec![to("/", 302); MAX_REDIRECTS + 1];
    let (circle, _heard) = peer(loops);
    assert!(loopback().send(get(&circle)).await.unwrap_err().message.contains("more than 10 times"));
    let broken = Outgoing { headers: vec![("X-A".into(), "a\nb".into())], ..get("http://127.0.0.1:1/") };
    assert!(loopback().send(broken).await.unwrap_err().message.contains("line break"));
}

fn encoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn encoded_answers_are_decoded() {
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let (base, heard) = peer(vec![
        encoded("gzip", &gzip(b"hello")),
        encoded("zstd", &zstd::stream::encode_all(&b"hello"[..], 3).unwrap()),
        encoded("gzip", &gzip(&vec![0; MAX_BODY + 1])),
        encoded("secret", b"hello"),
        encoded("gzip", b""),
    ]);
    for _ in 0..2 {
        let answer = loopback().send(get(&base)).await.unwrap();
        assert_eq!(answer.body.as_ref(), b"hello");
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("content-")), "{:?}", answer.headers);
    }
    assert!(
        loopback().send(get(&base)).await.unwrap_err().message.contains("larger than 65536 bytes once it is decoded")
    );
    assert!(loopback().send(get(&base)).await.unwrap_err().message.contains("`secret`, which is not known"));
    assert!(loopback().send(get(&base)).await.unwrap().body.is_empty());
    assert!(heard.join().unwrap().iter().all(|request| request.contains("accept-encoding: gzip, deflate, br, zstd")));
}

#[test]
fn connections_and_their_secrets() {
    let project = tempfile::tempdir().unwrap();
    std::fs::write(project.path().join("token"), "from-file\n").unwrap();
    let text =
        "erp:\n  http: { url: 'http://10.0.0.5:8080/api', headers: { Authorization: 'Bearer ${file:token}' } }\n";
    let (connections, problems) =
        read_connections(text, project.path(), &project.path().join("data/flowscript.db"), &Connections::default());
    assert!(problems.is_empty(), "{problems:?}");
    let erp = connections.http(&ConnectionName::of_test("erp")).unwrap();
    assert_eq!(erp.headers, [("Authorization".to_owned(), "Bearer from-file".to_owned())]);
    let asked = |headers: &[(&str, &str)]| Outgoing {
        method: "GET".to_owned(),
        url: "/items?id=1".to_owned(),
        shown: "/items?id=1".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: None,
        timeout: Duration::from_secs(1),
    };
    let request = erp.request(asked(&[])).unwrap();
    assert_eq!((request.url.as_str(), &request.headers), ("http://10.0.0.5:8080/api/items?id=1", &erp.headers));
    let request = erp.request(asked(&[("authorization", "own")])).unwrap();
    assert_eq!(request.headers, [("authorization".to_owned(), "own".to_owned())], "a step's own header wins");
    let error = connections.database(&ConnectionName::of_test("erp")).unwrap_err();
    assert_eq!(error.message, "connections.yaml has no database `erp` that works.");
    assert!(erp.covers("10.0.0.5", 8080) && !erp.covers("10.0.0.5", 80));
    assert!(!format!("{connections:?}").contains("from-file"));
    let fails = |text: &str, place: &str, part: &str| {
        let (_, problems) =
            read_connections(text, project.path(), &project.path().join("data/flowscript.db"), &Connections::default());
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(format!("{}:{}", problem.place.line, problem.place.column), place);
        assert!(problem.message.contains(part), "{}", problem.message);
    };
    fails("a: { http: { url: 'http://${env:NO_SUCH_NAME}/' } }", "1:27", "NO_SUCH_NAME");
    fails("a: { http: { url: '${file:none}' } }", "1:20", "`none` cannot be read");
    fails("a: { http: { url: '${what}' } }", "1:20", "neither");
    fails("a: { http: { url: ftp://x } }", "1:12", "http://");
    fails("a: { sql: { url: x } }", "1:11", "must begin with sqlite:");
    fails("a: { sql: { url: 'sqlite:data/x.db' } }", "1:11", "engine's own data/");
    fails("a: { smtp: { url: 'http://x' } }", "1:12", "smtp://host:port");
    fails("a: { folder: { path: data/x } }", "1:14", "engine's own data/");
    fails("a: { ftp: { url: x } }", "1:6", "kind `ftp`");
    fails("a: { http: { uri: x } }", "1:14", "`uri`");
    fails("- a", "1:1", "must be a map");
    assert!(read_connections("# nothing\n", project.path(), Path::new("x"), &Connections::default()).1.len() <= 1);
}
