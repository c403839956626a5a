//! A small HTTP server for the demo and the benchmarks, with the headers that give a page cross-origin isolation, and the
//! request of an HTTP client for WebDriver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// What a page has posted.
pub struct Post {
    /// The path, `/report` for example.
    pub path: String,
    /// The body.
    pub body: String,
}

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What pages post.
    pub posts: Receiver<Post>,
}

/// Serves folders: each URL prefix with its folder, the longest prefix first.
///
/// # Errors
/// When the port is taken.
pub fn serve(port: u16, mounts: Vec<(&'static str, PathBuf)>) -> Result<Server, String> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .map_err(|error| format!("cannot listen on port {port}: {error}; try --port"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (sender, posts) = mpsc::channel();
    let mounts = Arc::new(mounts);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (mounts, sender) = (Arc::clone(&mounts), sender.clone());
            std::thread::spawn(move || {
                // A client that goes away in the middle is its own affair.
                let _ = answer(&stream, &mounts, &sender);
            });
        }
    });
    Ok(Server { address, posts })
}

fn answer(
    stream: &TcpStream,
    mounts: &[(&str, PathBuf)],
    posts: &Sender<Post>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let url = words.next().unwrap_or_default();
    let path = url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let length = content_length(&mut reader)?;
    if method == "POST" {
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        let _ = posts.send(Post { path, body });
        return respond(stream, "204 No Content", "text/plain", &[]);
    }
    if path == "/favicon.ico" {
        return respond(stream, "204 No Content", "text/plain", &[]);
    }
    match locate(&path, mounts).and_then(|file| Some((std::fs::read(&file).ok()?, file))) {
        Some((bytes, file)) => respond(stream, "200 OK", mime(&file), &bytes),
        None => respond(stream, "404 Not Found", "text/plain", b"not found\n"),
    }
}

/// Reads the headers up to the empty line; the value of `Content-Length`.
fn content_length(reader: &mut impl BufRead) -> std::io::Result<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok(length);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}

fn respond(mut stream: &TcpStream, status: &str, mime: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {mime}\r\nContent-Length: {length}\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

/// The file of a URL's path; none when no folder has it or the path climbs out of its folder.
fn locate(path: &str, mounts: &[(&str, PathBuf)]) -> Option<PathBuf> {
    let mounts = mounts.iter();
    let fitting = mounts.filter(|(prefix, _)| path.starts_with(prefix));
    let (prefix, folder) = fitting.max_by_key(|(prefix, _)| prefix.len())?;
    let rest = &path[prefix.len()..];
    let rest = if rest.is_empty() { "index.html" } else { rest };
    let safe = |part: &str| !part.is_empty() && part != ".." && !part.contains(['\\', '%', ':']);
    rest.split('/').all(safe).then(|| folder.join(rest))
}

fn mime(file: &Path) -> &'static str {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension.unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Sends one request and returns the status and the body.
///
/// # Errors
/// When the server can't be reached or does not answer in time.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    limit: Duration,
) -> Result<(u16, String), String> {
    let text = |error: std::io::Error| format!("{method} {path}: {error}");
    let mut stream = TcpStream::connect_timeout(&address, limit).map_err(text)?;
    stream.set_read_timeout(Some(limit)).map_err(text)?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).map_err(text)?;
    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status).map_err(text)?;
    let code = status.split_whitespace().nth(1);
    let code = code.and_then(|code| code.parse().ok());
    let code = code.ok_or_else(|| format!("{method} {path}: no status in `{status}`"))?;
    let length = content_length(&mut reader).map_err(text)?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).map_err(text)?;
    Ok((code, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_their_folders() {
        let mounts = [("/", PathBuf::from("web")), ("/pkg/", PathBuf::from("out"))];
        assert_eq!(locate("/", &mounts), Some("web/index.html".into()));
        assert_eq!(locate("/a/b.js", &mounts), Some("web/a/b.js".into()));
        assert_eq!(locate("/pkg/x.wasm", &mounts), Some("out/x.wasm".into()));
        assert_eq!(locate("/../secret", &mounts), None);
        assert_eq!(locate("/a//b", &mounts), None);
        assert_eq!(locate("/%2e%2e/secret", &mounts), None);
    }

    #[test]
    fn pages_come_with_the_headers_and_posts_arrive() {
        let folder = std::env::temp_dir().join(format!("web-sync-http-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        std::fs::write(folder.join("x.wasm"), b"wasm").expect("a temporary file");
        let server = serve(0, vec![("/", folder.clone())]).expect("a free port");
        let limit = Duration::from_secs(5);
        let get = request(server.address, "GET", "/x.wasm?y", "", limit);
        assert_eq!(get, Ok((200, "wasm".into())));
        let absent = request(server.address, "GET", "/y", "", limit);
        assert!(matches!(absent, Ok((404, _))));
        let post = request(server.address, "POST", "/report", "{}", limit);
        assert!(matches!(post, Ok((204, _))));
        let post = server.posts.recv_timeout(limit).expect("a post");
        assert_eq!((post.path.as_str(), post.body.as_str()), ("/report", "{}"));
        std::fs::remove_dir_all(&folder).expect("removable");
    }
}
