//! What is refused, and what browsers are told.

use std::io::{Read, Write};
use std::net::TcpStream;

use uid2_site::Limits;

use crate::support::World;

#[test]
fn every_page_says_how_it_is_to_be_treated() {
    let world = World::new();
    let mut jane = world.visitor();
    jane.sign_in("jane@example.com");
    for path in [
        "/",
        "/account",
        "/client-side",
        "/identity.json",
        "/nowhere",
        "/opt-out-everywhere",
    ] {
        let page = jane.get(path);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        // The operator may be called by the one page that does.
        let operator = world.site().emulator().unwrap().url();
        let connect = format!("connect-src 'self' {operator};");
        assert_eq!(
            policy.contains(&connect),
            path == "/client-side",
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(page.header("server").is_empty());
    }
}

#[test]
fn no_page_has_anything_inline_or_from_elsewhere() {
    let world = World::new();
    let mut jane = world.visitor();
    let mut pages = vec![jane.see("/")];
    pages.push(jane.sign_in("jane@example.com"));
    pages.push(jane.see("/client-side"));
    pages.push(jane.see("/opt-out-everywhere"));
    pages.push(jane.send("/opt-out", &[]));
    pages.push(jane.see("/nowhere"));
    for page in pages {
        for forbidden in [
            " style=",
            "<style",
            " onclick",
            "javascript:",
            "src=\"http",
            "href=\"http",
        ] {
            assert!(
                !page.body.contains(forbidden),
                "{forbidden} in {}",
                page.title()
            );
        }
        for script in page.body.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/"), "{script}");
        }
        assert!(page.body.contains("<html lang=\"en\">"));
    }
    for (asset, kind) in [
        ("style.css", "text/css"),
        ("live.js", "text/javascript"),
        ("client-side.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let page = jane.get(&format!("/assets/{asset}"));
        assert_eq!(page.status, 200, "{asset}");
        assert!(page.header("content-type").starts_with(kind), "{asset}");
        assert!(
            page.header("cache-control").starts_with("public"),
            "{asset}"
        );
        assert!(
            !page.body.contains("http://") || asset == "icon.svg",
            "{asset}"
        );
    }
}

#[test]
fn forms_of_others_are_refused() {
    let world = World::new();
    let mut jane = world.visitor();
    let token = jane.sign_in("jane@example.com").token().to_owned();
    let good = jane.csrf.clone();
    let mut stranger = world.visitor();
    stranger.see("/");
    let forms = [
        "/sign-in",
        "/sign-out",
        "/refresh",
        "/opt-out",
        "/opt-in",
        "/opt-out-everywhere",
        "/time",
        "/outage",
    ];
    for path in forms {
        for csrf in ["", "x", &stranger.csrf, &good[1..]] {
            let fields = [
                ("csrf", csrf),
                ("dii", "jane@example.com"),
                ("consent", "yes"),
                ("minutes", "16"),
                ("out", "true"),
            ];
            let page = jane.post_raw(path, &fields);
            assert_eq!(
                (page.status, page.title()),
                (403, "That form is out of date"),
                "{path}"
            );
        }
        let fields = [
            ("dii", "jane@example.com"),
            ("minutes", "16"),
            ("out", "true"),
        ];
        assert_eq!(
            jane.post_raw(path, &fields).status,
            403,
            "{path}: without a token"
        );
        for (name, value) in [
            ("origin", "https://elsewhere.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let mut elsewhere = jane.clone().with(name, value);
            elsewhere.csrf.clone_from(&good);
            assert_eq!(elsewhere.post(path, &fields).status, 403, "{path}: {name}");
        }
    }
    // Nothing of it was done.
    let page = jane.see("/account");
    assert_eq!(page.token(), token);
    assert_eq!(page.story(), ["Identity generated", "Signed in"]);
    // As the browser sends it, it is fine.
    let origin = format!("http://{}", world.host());
    let mut own = jane
        .clone()
        .with("origin", origin)
        .with("sec-fetch-site", "same-origin");
    assert_ne!(own.send("/refresh", &[]).token(), token);
}

#[test]
fn other_names_for_this_machine_are_refused() {
    let world = World::new();
    let port = world.port();
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"] {
        let host = format!("{host}:{port}");
        assert_eq!(
            world.visitor().with("host", host.clone()).get("/").status,
            200,
            "{host}"
        );
    }
    for host in [
        "elsewhere.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.elsewhere.example",
    ] {
        let page = world.visitor().with("host", host).get("/");
        assert_eq!(page.status, 421, "{host}");
        assert!(!page.body.contains('<'), "{host}");
        assert!(page.header("set-cookie").is_empty());
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let world = World::new();
    let mut jane = world.visitor();
    jane.see("/");
    let long = "a".repeat(20_000);
    let page = jane.post("/sign-in", &[("dii", long.as_str())]);
    assert_eq!((page.status, page.title()), (413, "That was too much"));
    assert_eq!(page.header("connection"), "close");
    // Also if it is not said beforehand how long it is.
    let mut stream = TcpStream::connect(world.host()).unwrap();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n",
        world.host()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    stream.write_all(chunk.as_bytes()).unwrap();
    assert!(until_the_end(stream).starts_with("HTTP/1.1 413"));
}

/// What comes, before the connection is closed or reset.
fn until_the_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// A client that sends the head of a form, and its body only later, finds its
/// connection as it was.
#[test]
fn what_is_refused_is_read_all_the_same() {
    let world = World::new();
    let mut stream = TcpStream::connect(world.host()).unwrap();
    let head = format!(
        "POST /sign-out HTTP/1.1\r\nHost: {}\r\nOrigin: https://elsewhere.example\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\
         Expect: 100-continue\r\nContent-Length: 6\r\n",
        world.host()
    );
    for last in ["", "Connection: close\r\n"] {
        stream
            .write_all(format!("{head}{last}\r\n").as_bytes())
            .unwrap();
        // It waits for the body, although the head is enough to refuse it.
        let mut asked = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut asked).unwrap();
        assert!(asked.starts_with(b"HTTP/1.1 100 "));
        stream.write_all(b"csrf=x").unwrap();
        if last.is_empty() {
            assert!(one_answer(&mut stream).starts_with("HTTP/1.1 403"));
        }
    }
    assert!(until_the_end(stream).starts_with("HTTP/1.1 403"));
}

fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"</html>") {
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn who_asks_too_fast_is_asked_to_wait() {
    let slow = Limits {
        per_second: 1,
        burst: 8,
        forms_per_minute: 1,
        form_burst: 2,
    };
    let world = World::with(|options| options.limits(slow));
    let mut jane = world.visitor();
    jane.see("/");
    assert_eq!(jane.post("/sign-in", &[("dii", "")]).status, 422);
    assert_eq!(jane.post("/sign-in", &[("dii", "")]).status, 422);
    let page = jane.post("/sign-in", &[("dii", "")]);
    assert_eq!((page.status, page.title()), (429, "That was too fast"));
    let wait: u64 = page.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Pages can still be read, until they too are too many.
    assert_eq!(jane.get("/").status, 200);
    assert!((0..8).any(|_| jane.get("/").status == 429));
}

#[test]
fn what_is_not_there_or_not_so_has_a_page() {
    let world = World::new();
    let mut jane = world.visitor();
    let page = jane.get("/nowhere/%3Cb%3E");
    assert_eq!((page.status, page.title()), (404, "There is no such page"));
    assert!(!page.body.contains("<b>"));
    let page = jane.get("/sign-in");
    assert_eq!((page.status, page.header("allow")), (405, "POST"));
    assert_eq!(page.heading(), "That is not how this page is used");
    jane.see("/");
    assert_eq!(jane.post("/time", &[]).status, 422);
    assert_eq!(jane.get("/assets/../key").status, 404);
    assert_eq!(jane.get("/assets/nothing.js").status, 404);
    assert_eq!(
        jane.get("/favicon.ico").header("content-type"),
        "image/svg+xml"
    );
}
