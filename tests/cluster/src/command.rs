//! The programs of an installation, run as the user a server may run as.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Which installation a test uses, where its clusters live, and who runs them.
#[derive(Clone)]
pub struct Setup {
    /// The installation's folder of programs.
    pub programs: PathBuf,
    /// The folder that holds the clusters; whoever runs the servers can enter it.
    pub folder: PathBuf,
    /// User and group of the servers; none when the tests do not run as root.
    user: Option<(u32, u32)>,
}

impl Setup {
    /// Reads SUTRA_PG_CONFIG, SUTRA_TEST_FOLDER and SUTRA_SERVER_USER, which `scripts/test` sets.
    pub fn get() -> Self {
        Self::at(&PathBuf::from(variable("SUTRA_PG_CONFIG")))
    }

    /// The installation of a major version, if `scripts/test` was told to make it: SUTRA_PG_CONFIG_15 and so on.
    pub fn of(major: u32) -> Option<Self> {
        env::var_os(format!("SUTRA_PG_CONFIG_{major}")).map(|path| Self::at(Path::new(&path)))
    }

    fn at(pg_config: &Path) -> Self {
        let programs = pg_config.parent().expect("SUTRA_PG_CONFIG is the path of a program").to_path_buf();
        let name = variable("SUTRA_SERVER_USER");
        let user = (number("id", &["-u"]) == 0).then(|| (number("id", &["-u", &name]), number("id", &["-g", &name])));
        Self { programs, folder: PathBuf::from(variable("SUTRA_TEST_FOLDER")), user }
    }

    /// A copy of the installation that a test may damage, in the folder `name` of the clusters' folder.
    pub fn copy(&self, name: &str) -> Self {
        let is_root =
            |folder: &&Path| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("postgresql-"));
        let root = self.programs.ancestors().find(is_root).expect("scripts/test keeps servers in postgresql-MAJOR");
        let copy = self.folder.join(name);
        // Links to the same files: whoever replaces one in the copy removes it first.
        let status = Command::new("cp").args([OsStr::new("-al"), root.as_os_str(), copy.as_os_str()]).status();
        assert!(status.is_ok_and(|status| status.success()), "{} cannot be copied", root.display());
        let programs = self.programs.strip_prefix(root).expect("it is an ancestor");
        Self { programs: copy.join(programs), ..self.clone() }
    }

    /// Runs a program of the installation and returns its output, or what went wrong.
    pub fn output<S: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String, String> {
        self.output_in(Path::new("/"), program, arguments)
    }

    /// Runs a program of the installation in a folder that it writes to.
    pub fn output_in<S: AsRef<OsStr>>(
        &self,
        folder: &Path,
        program: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String, String> {
        let mut command = self.command(&self.programs.join(program));
        command.current_dir(folder);
        // pg_ctl leaves a server behind that holds what it inherits: a pipe would not end before the server does.
        let scratch = self.folder.join(format!(".output-{:?}-{}", std::thread::current().id(), std::process::id()));
        let file = fs::File::create(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
        let both = file.try_clone().map_err(|error| error.to_string())?;
        let status = command
            .args(arguments)
            .stdout(Stdio::from(file))
            .stderr(Stdio::from(both))
            .status()
            .map_err(|error| format!("{program}: {error}"))?;
        let text = fs::read_to_string(&scratch).map_err(|error| error.to_string())?;
        let _ = fs::remove_file(&scratch);
        if status.success() { Ok(text) } else { Err(format!("{program} ends with {status}: {text}")) }
    }

    /// Runs a program whose last argument is a path, and panics unless it succeeds.
    pub fn run<const N: usize>(&self, program: &str, arguments: [&str; N], last: &Path) {
        let all = arguments.into_iter().map(OsStr::new).chain([last.as_os_str()]);
        if let Err(error) = self.output(program, all) {
            panic!("{error}");
        }
    }

    /// Sends a signal to a server's process.
    pub fn signal(&self, process: u32, name: &str) {
        assert!(self.try_signal(process, name), "signal {name} could not be sent to {process}");
    }

    /// Sends a signal to a server's process; false when it is gone.
    pub fn try_signal(&self, process: u32, name: &str) -> bool {
        self.signal_all(&[process], name)
    }

    /// Sends a signal to some processes of a server, in this order and at one blow; false when one of them is gone.
    pub fn signal_all(&self, processes: &[u32], name: &str) -> bool {
        let mut kill = self.command(Path::new("kill"));
        kill.args(["-s", name])
            .args(processes.iter().map(u32::to_string))
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Sets the limit of a server's process for its address space, in bytes; without a number it is lifted.
    pub fn limit_address_space(&self, process: u32, bytes: Option<u64>) {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let mut prlimit = self.command(Path::new("prlimit"));
        prlimit.args(["--pid".to_owned(), process.to_string(), format!("--as={limit}:")]);
        assert!(prlimit.status().is_ok_and(|status| status.success()), "the limit of {process} could not be set");
    }

    /// Leaves a server's process `more` bytes of address space beyond what it has.
    pub fn leave_address_space(&self, process: u32, more: u64) {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process is there");
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("it has a size");
        let size = size.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") * 1024;
        self.limit_address_space(process, Some(size + more));
    }

    /// Makes a folder that belongs to the user of the servers.
    pub fn make_folder(&self, folder: &Path) {
        fs::create_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("the mode can be set");
        if let Some((user, group)) = self.user {
            std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("root can give a folder away");
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // A server takes no setting from whoever runs the tests.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group).env("HOME", "/");
        }
        command
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these tests with `scripts/test cluster`"))
}

fn number(program: &str, arguments: &[&str]) -> u32 {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("{program} {arguments:?} prints no number: {text}"))
}
