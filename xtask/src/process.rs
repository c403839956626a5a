//! Child processes: every one has a time limit, none outlives its step, long silence is broken by a heartbeat.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long a step may be silent before a heartbeat line says that it still runs.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The environment variable by which the descendants of a step are found again, those in sessions of their own included
/// (a browser that its driver has detached, for example).
const MARK: &str = "WEB_SYNC_XTASK_STEP";

/// What becomes of a child's output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    /// Shown as it comes, and kept.
    Shown,
    /// Kept only.
    Kept,
    /// stdout is kept, stderr goes to the terminal: for programs that print data on one and progress on the other.
    DataKept,
}

/// A program to run, its environment and its limits.
pub struct Step {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    dir: Option<PathBuf>,
    limit: Duration,
    output: Output,
}

/// How a step ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status; none when the time limit ended the step.
    pub status: Option<ExitStatus>,
    /// stdout and stderr as they came, interleaved by line (stdout alone after [`Step::data`]).
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

impl Ended {
    /// Did the program say that it succeeded?
    pub fn ok(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Why it failed, for a summary line.
    pub fn why(&self) -> String {
        match self.status {
            None => format!("ended after its time limit ({} s)", self.took.as_secs()),
            Some(status) => match status.code() {
                Some(code) => format!("exit code {code}"),
                None => format!("{status}"),
            },
        }
    }
}

impl Step {
    /// A step that runs `program`; it may take ten minutes unless [`limit`](Self::limit) says otherwise.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            limit: Duration::from_secs(600),
            output: Output::Shown,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let value = Some(value.as_ref().to_owned());
        self.env.push((name.as_ref().to_owned(), value));
        self
    }

    /// Keeps an environment variable from the child.
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Sets the working directory.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets the time limit.
    pub fn limit(mut self, seconds: u64) -> Self {
        self.limit = Duration::from_secs(seconds);
        self
    }

    /// Keeps the output instead of showing it.
    pub fn quiet(mut self) -> Self {
        self.output = Output::Kept;
        self
    }

    /// Keeps stdout and lets stderr through: for `cargo --message-format=json` and its like.
    pub fn data(mut self) -> Self {
        self.output = Output::DataKept;
        self
    }

    fn command(&self, mark: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env(MARK, mark)
            .stdin(Stdio::null());
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }

    /// Runs the step to its end.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn run(self) -> Result<Ended, String> {
        let start = Instant::now();
        let mark = new_mark();
        let mut command = self.command(&mark);
        // One pipe for both streams keeps their lines in order.
        let (reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
        if self.output != Output::DataKept {
            command.stderr(writer.try_clone().map_err(|error| error.to_string())?);
        }
        command.stdout(writer);
        let mut child = command
            .spawn()
            .map_err(|error| format!("cannot run {self}: {error}"))?;
        // It holds the pipe's other end.
        drop(command);
        let (lines, received) = mpsc::channel();
        let show = self.output == Output::Shown;
        forward(reader, lines, show);
        let mut output = String::new();
        let mut beat = Instant::now();
        let status = loop {
            match received.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => {
                    output.push_str(&line);
                    if show {
                        beat = Instant::now();
                    }
                    if start.elapsed() <= self.limit {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(5)),
            }
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                break Some(status);
            }
            if start.elapsed() > self.limit {
                eprintln!("  time limit of {} s: {self}", self.limit.as_secs());
                break None;
            }
            if beat.elapsed() > HEARTBEAT {
                beat = Instant::now();
                eprintln!("  … {self}: {} s", start.elapsed().as_secs());
            }
        };
        end(&mut child, &mark);
        // What the readers still hold; they end when the last writer of the pipe is gone.
        while let Ok(line) = received.recv_timeout(Duration::from_secs(2)) {
            output.push_str(&line);
        }
        Ok(Ended {
            status,
            output,
            took: start.elapsed(),
        })
    }

    /// Starts the step and leaves it running until the handle is dropped; its output is dropped.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(self) -> Result<Background, String> {
        let mark = new_mark();
        let child = self
            .command(&mark)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot run {self}: {error}"))?;
        Ok(Background { child, mark })
    }
}

impl fmt::Display for Step {
    /// The program's name and its first arguments.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = PathBuf::from(&self.program);
        let name = program.file_name().unwrap_or(&self.program);
        write!(out, "{}", name.to_string_lossy())?;
        for arg in self.args.iter().take(6) {
            let arg = arg.to_string_lossy();
            let short = arg.rsplit('/').next().unwrap_or(&arg);
            write!(out, " {short}")?;
        }
        Ok(())
    }
}

/// A running program that ends, with all its descendants, when this is dropped.
pub struct Background {
    child: Child,
    mark: String,
}

impl Background {
    /// Has it ended by itself?
    pub fn ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        end(&mut self.child, &self.mark);
    }
}

fn new_mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Relaxed: only the uniqueness of the number matters.
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}", std::process::id())
}

fn forward(stream: impl Read + Send + 'static, lines: mpsc::Sender<String>, show: bool) {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if show {
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(text.as_bytes());
                let _ = out.flush();
            }
            if lines.send(text).is_err() {
                break;
            }
            line.clear();
        }
    });
}

/// Ends a child and everything that it started.
fn end(child: &mut Child, mark: &str) {
    for id in marked(mark) {
        // The shell's own: there need not be another.
        let _ = Command::new("sh")
            .args(["-c", "kill -KILL \"$0\"", &id])
            .stderr(Stdio::null())
            .status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The ids of the live processes whose environment carries `mark` (Linux only: elsewhere none are found, and a child that
/// leaves children of its own behind is the driver's to clean up).
fn marked(mark: &str) -> Vec<String> {
    let wanted = format!("{MARK}={mark}");
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|id| {
            std::fs::read(format!("/proc/{id}/environ")).is_ok_and(|environ| {
                environ
                    .split(|&byte| byte == 0)
                    .any(|variable| variable == wanted.as_bytes())
            })
        })
        .collect()
}

/// The first directory of `PATH` that holds `program`.
pub fn find(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(&name))
        .find(|path| path.is_file())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_hangs_is_ended_with_its_descendants() {
        let ended = Step::new("sh")
            .args(["-c", "setsid sleep 987654 & sleep 987653"])
            .limit(1)
            .quiet()
            .run()
            .expect("sh runs");
        assert!(ended.status.is_none());
        assert!(!ended.ok());
        assert!(ended.took < Duration::from_secs(10));
    }

    #[test]
    fn output_and_exit_code_come_back() {
        let step = Step::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]);
        let ended = step.quiet().run().expect("sh runs");
        assert!(ended.output.contains("out") && ended.output.contains("err"));
        assert_eq!(ended.why(), "exit code 3");
    }
}
