//! One page in one headless browser, by WebDriver.

use crate::browser::{Browser, Ready};
use crate::http;
use crate::process::Background;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A browser with one page; it ends, with all its processes, when this is dropped.
pub struct Session {
    address: SocketAddr,
    path: String,
    browser: Browser,
    _driver: Background,
}

impl Session {
    /// Starts the driver and the browser.
    ///
    /// # Errors
    /// When either does not come up.
    pub fn open(ready: &Ready) -> Result<Self, String> {
        Self::open_once(ready).or_else(|why| {
            println!("  {why}: once more");
            Self::open_once(ready)
        })
    }

    fn open_once(ready: &Ready) -> Result<Self, String> {
        let browser = ready.browser;
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?;
        let step = ready
            .driver_step()
            .arg(format!("--port={}", address.port()));
        let mut driver = step.start()?;
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if driver.ended() || start.elapsed() > Duration::from_secs(30) {
                return Err(format!("the driver of {} does not start", browser.name()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut capabilities = ready.capabilities();
        // The caller learns from the page itself that it is there.
        capabilities["pageLoadStrategy"] = json!("none");
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let limit = Duration::from_secs(90);
        let value = call(address, "POST", "/session", &body.to_string(), limit)?;
        let id = value["sessionId"].as_str();
        let id = id.ok_or_else(|| format!("{} gives no session: {value}", browser.name()))?;
        Ok(Self {
            address,
            path: format!("/session/{id}"),
            browser,
            _driver: driver,
        })
    }

    fn call(&self, method: &str, command: &str, body: &Value) -> Result<Value, String> {
        let path = format!("{}/{command}", self.path);
        let body = match method {
            "POST" => body.to_string(),
            _ => String::new(),
        };
        call(self.address, method, &path, &body, Duration::from_secs(60))
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn open_page(&self, url: &str) -> Result<(), String> {
        self.call("POST", "url", &json!({ "url": url })).map(drop)
    }

    /// Sets the window's size.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn resize(&self, width: u32, height: u32) -> Result<(), String> {
        let size = json!({ "width": width, "height": height });
        self.call("POST", "window/rect", &size).map(drop)
    }

    /// What the page looks like, as PNG.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn screenshot(&self) -> Result<Vec<u8>, String> {
        let value = self.call("GET", "screenshot", &Value::Null)?;
        let picture = value.as_str().and_then(base64);
        picture.ok_or("the screenshot is not base64".into())
    }

    /// The console's lines, where the driver gives them (Chromium).
    pub fn console(&self) -> Vec<String> {
        if self.browser != Browser::Chromium {
            return Vec::new();
        }
        let log = self.call("POST", "se/log", &json!({ "type": "browser" }));
        let entries = log.unwrap_or_default();
        let entries = entries.as_array().into_iter().flatten();
        entries
            .filter_map(|entry| entry["message"].as_str())
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The browser shall end in its own way; what does not is ended with the driver.
        let limit = Duration::from_secs(10);
        let _ = http::request(self.address, "DELETE", &self.path, "", limit);
    }
}

fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    limit: Duration,
) -> Result<Value, String> {
    let (status, text) = http::request(address, method, path, body, limit)?;
    let mut answer: Value = serde_json::from_str(&text).unwrap_or_default();
    if status == 200 {
        return Ok(answer["value"].take());
    }
    let message = answer["value"]["message"].as_str().unwrap_or(&text);
    let message = message.lines().next().unwrap_or_default();
    Err(format!("{method} {path}: {status}: {message}"))
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        assert_eq!(base64("aGVsbG8gd29ybGQ="), Some(b"hello world".to_vec()));
        assert_eq!(base64("YWI=\n"), Some(b"ab".to_vec()));
        assert_eq!(base64("?"), None);
    }
}
