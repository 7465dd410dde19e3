//! Redis servers of the tests' own: on free loopback ports, with folders of
//! their own, gone when they are dropped.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Whether there is a server to test with. Where there is none, says so; on a
/// continuous integration machine that is a failure.
pub(crate) fn is_installed(test: &str) -> bool {
    let found = Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no redis-server for {test}: install Debian's package redis-server"
        );
        println!("SKIPPED {test}: redis-server is not installed");
    }
    found
}

pub(crate) struct Server {
    pub(crate) port: u16,
    folder: TempDir,
    options: Vec<String>,
    child: Child,
}

/// A certificate of the server's own, and the folder that it is in.
pub(crate) struct Tls {
    folder: TempDir,
    pub(crate) pem: String,
}

impl Tls {
    pub(crate) fn new() -> Self {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certified = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = TempDir::new().unwrap();
        let pem = certified.cert.pem();
        std::fs::write(folder.path().join("cert.pem"), &pem).unwrap();
        let key = certified.signing_key.serialize_pem();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        Self { folder, pem }
    }

    /// With these, a server speaks TLS on its port and nothing else.
    pub(crate) fn options(&self) -> Vec<String> {
        let path = |name| self.folder.path().join(name).display().to_string();
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        let options = [
            "--tls-cert-file",
            &cert,
            "--tls-key-file",
            &key,
            "--tls-auth-clients",
            "no",
        ];
        options.map(str::to_owned).to_vec()
    }
}

impl Server {
    /// `options` as on the command line, beside those that every server here has.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        // Another process may take a port that was just found free.
        for _ in 0..20 {
            let folder = TempDir::new().unwrap();
            let port = free_port();
            let mut server = Self {
                port,
                child: spawn(port, folder.path(), &options),
                folder,
                options: options.clone(),
            };
            if server.is_up().await {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// As a crash: nothing is written any more.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// On the same port, with what is in the folder.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.port, self.folder.path(), &self.options);
        assert!(self.is_up().await, "redis-server does not start again");
    }

    async fn is_up(&mut self) -> bool {
        for _ in 0..500 {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .is_ok()
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Also free is its neighbour for the cluster bus, 10,000 above.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

fn spawn(port: u16, folder: &Path, options: &[String]) -> Child {
    let port = port.to_string();
    let is_tls = options.iter().any(|option| option == "--tls-cert-file");
    let (plain, tls) = if is_tls { ("0", &*port) } else { (&*port, "0") };
    Command::new("redis-server")
        .args(["--port", plain, "--tls-port", tls, "--bind", "127.0.0.1"])
        .args(["--save", "", "--loglevel", "warning", "--dir"])
        .arg(folder)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
