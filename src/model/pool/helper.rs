//! The helper process of a worker: started, written to, read from, ended.

use pgrx::prelude::*;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use sutra_embedder::protocol::{MESSAGE_LIMIT, Reply, Request, message_length};

/// How long a process that was sent SIGKILL is waited for; one that hangs in the kernel is left behind.
const GRAVE: Duration = Duration::from_secs(1);

/// Bytes of a helper's last words that are kept for the log.
const WORDS: usize = 1000;

/// A running helper. Dropped, it is killed.
pub struct Helper {
    child: Child,
    stream: UnixStream,
    messages: ChildStderr,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Bytes of the output that are written.
    written: usize,
    /// The end of what it has written to standard error.
    words: Vec<u8>,
}

/// What the stream of a helper brings.
pub enum Next {
    /// A message.
    Reply(Reply),
    /// Nothing more for now.
    Nothing,
    /// The end: it died, or says what no helper says.
    End,
}

impl Helper {
    /// Starts the program.
    ///
    /// It gets a socket as standard input and nothing else: no other descriptor of the server, none of its environment,
    /// a session of its own, so that signals for the server's processes do not reach it, and no core file, which would
    /// hold texts. It ends with this process, however that ends.
    pub fn start(program: &Path) -> std::io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        stream.set_nonblocking(true)?;
        let parent = std::process::id();
        let mut command = Command::new(program);
        command.arg("serve").env_clear().current_dir("/");
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::piped());
        // SAFETY: the closure makes system calls only, which is allowed between fork and exec.
        unsafe { command.pre_exec(move || confine(parent)) };
        let mut child = command.spawn()?;
        let messages = child.stderr.take().ok_or(ErrorKind::BrokenPipe)?;
        set_nonblocking(messages.as_raw_fd())?;
        Ok(Self { child, stream, messages, input: Vec::new(), output: Vec::new(), written: 0, words: Vec::new() })
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The descriptor to wait on.
    pub fn descriptor(&self) -> i32 {
        self.stream.as_raw_fd()
    }

    /// Puts a request into the output; [`Helper::write`] sends it.
    pub fn ask(&mut self, request: &Request) {
        self.output.clear();
        self.written = 0;
        request.write(&mut self.output);
    }

    /// Sends as much as the socket takes; false when the helper is gone. Nothing is left when [`Helper::is_sent`].
    pub fn write(&mut self) -> bool {
        while self.written < self.output.len() {
            // MSG_NOSIGNAL: a helper that is gone must not end this process.
            // SAFETY: the descriptor is open and the buffer as long as said.
            let sent = unsafe {
                let rest = &self.output[self.written..];
                libc::send(self.stream.as_raw_fd(), rest.as_ptr().cast(), rest.len(), libc::MSG_NOSIGNAL)
            };
            if sent < 0 {
                let error = std::io::Error::last_os_error();
                match error.kind() {
                    ErrorKind::WouldBlock => return true,
                    ErrorKind::Interrupted => continue,
                    _ => return false,
                }
            }
            self.written += sent as usize;
        }
        true
    }

    /// Whether all of the output is written.
    pub fn is_sent(&self) -> bool {
        self.written == self.output.len()
    }

    /// The next message.
    pub fn next(&mut self) -> Next {
        loop {
            if let Some(length) = message_length(&self.input) {
                if length > MESSAGE_LIMIT {
                    return Next::End;
                }
                if self.input.len() >= 4 + length {
                    let reply = Reply::read(&self.input[4..4 + length]);
                    self.input.drain(..4 + length);
                    return reply.map_or(Next::End, Next::Reply);
                }
            }
            let mut buffer = [0; 64 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Next::End,
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Next::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Next::End,
            }
        }
    }

    /// Ends it, and says how it ended and what it had written to standard error.
    pub fn end(mut self) -> Ended {
        // It may have died by itself: then this is how.
        let before = Instant::now();
        let mut status = None;
        while status.is_none() && before.elapsed() < GRAVE {
            status = self.child.try_wait().ok().flatten();
            if status.is_none() {
                if before.elapsed() > Duration::from_millis(20) {
                    let _ = self.child.kill();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.listen();
        Ended { status, words: String::from_utf8_lossy(&self.words).trim().to_owned() }
    }

    /// Takes what it has written to standard error and keeps the end of it: a pipe that nobody reads fills up.
    pub fn listen(&mut self) {
        let mut buffer = [0; 4096];
        // As much as a pipe holds, and no more, or a helper that never stops talking would be listened to for ever.
        for _ in 0..16 {
            let Ok(count @ 1..) = self.messages.read(&mut buffer) else { break };
            self.words.extend_from_slice(&buffer[..count]);
            let surplus = self.words.len().saturating_sub(WORDS);
            self.words.drain(..surplus);
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        // One that hangs in the kernel is reaped by init after this process.
        let _ = self.child.try_wait();
    }
}

/// How a helper ended.
pub struct Ended {
    /// Its status; none when it could not be ended.
    pub status: Option<ExitStatus>,
    /// The end of what it wrote to standard error.
    pub words: String,
}

impl Ended {
    /// Whether it crashed by itself: neither killed from outside nor ended in order.
    pub fn is_crash(&self) -> bool {
        self.status.is_some_and(|status| match status.signal() {
            Some(signal) => signal != libc::SIGKILL && signal != libc::SIGTERM,
            None => true,
        })
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(formatter, "{status}"),
            None => write!(formatter, "it does not end"),
        }
    }
}

/// Runs in the new process before the program does.
fn confine(parent: u32) -> std::io::Result<()> {
    let check = |result: libc::c_int| if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) };
    let (zero, one): (libc::c_ulong, libc::c_ulong) = (0, 1);
    let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: system calls with constants and a pointer to a local value.
    unsafe {
        check(libc::setsid())?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong))?;
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, zero, zero, zero))?;
        check(libc::setrlimit(libc::RLIMIT_CORE, &no_core))?;
        if libc::getppid() as u32 != parent {
            return Err(ErrorKind::BrokenPipe.into());
        }
    }
    close_on_exec()
}

/// Nothing but standard input, output and error gets through exec.
fn close_on_exec() -> std::io::Result<()> {
    // SAFETY: system calls on descriptors of this process.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) == 0 {
            return Ok(());
        }
        // Kernels before 5.11: one by one, as many as this process may have had.
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) < 0 {
            return Err(std::io::Error::last_os_error());
        }
        for descriptor in 3..limit.rlim_cur.min(1 << 20) as libc::c_int {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
    Ok(())
}

fn set_nonblocking(descriptor: i32) -> std::io::Result<()> {
    // SAFETY: system calls on an open descriptor.
    let result = unsafe {
        let flags = libc::fcntl(descriptor, libc::F_GETFL);
        libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK)
    };
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// Where `make install` puts the program.
pub fn program() -> std::path::PathBuf {
    // SAFETY: pkglib_path is a NUL-terminated array that is set when the server starts.
    let folder = unsafe { std::ffi::CStr::from_ptr((&raw const pg_sys::pkglib_path).cast()) };
    Path::new(&folder.to_string_lossy().into_owned()).join("sutra-embedder")
}
