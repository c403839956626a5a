//! Where things are: the workspace, its packages, the target directory, the user's cache.

use crate::process::Step;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The workspace as cargo sees it.
pub struct Project {
    /// The workspace's root.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    packages: Vec<(String, PathBuf)>,
}

impl Project {
    /// Asks cargo.
    ///
    /// # Errors
    /// When `cargo metadata` does.
    pub fn load() -> Result<Self, String> {
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let ended = Step::new("cargo")
            .args(["metadata", "--format-version=1", "--no-deps"])
            .dir(here)
            .limit(120)
            .data()
            .run()?;
        if !ended.ok() {
            return Err(format!("cargo metadata: {}", ended.why()));
        }
        let data: Value = serde_json::from_str(&ended.output)
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let path = |name: &str| PathBuf::from(data[name].as_str().unwrap_or_default());
        let packages = data["packages"].as_array().into_iter().flatten();
        Ok(Self {
            root: path("workspace_root"),
            target: path("target_directory"),
            packages: packages
                .filter_map(|package| {
                    let manifest = Path::new(package["manifest_path"].as_str()?);
                    let name = package["name"].as_str()?.to_owned();
                    Some((name, manifest.parent()?.to_owned()))
                })
                .collect(),
        })
    }

    /// The folder of a workspace package.
    pub fn package(&self, name: &str) -> Option<&Path> {
        let found = self.packages.iter().find(|(package, _)| package == name);
        found.map(|(_, dir)| dir.as_path())
    }

    /// The name of the package in a folder.
    pub fn name_at(&self, folder: &Path) -> &str {
        let found = self.packages.iter().find(|(_, dir)| dir == folder);
        found.map_or("", |(name, _)| name)
    }

    /// The folder of a workspace package.
    ///
    /// # Errors
    /// When the workspace has no such package.
    pub fn need(&self, name: &str) -> Result<&Path, String> {
        self.package(name)
            .ok_or_else(|| format!("the workspace has no package `{name}`"))
    }

    /// Cargo on the default toolchain, in the workspace's root.
    pub fn cargo(&self) -> Step {
        Step::new("cargo").dir(&self.root)
    }

    /// The version of a dependency in `Cargo.lock`.
    ///
    /// # Errors
    /// When the lock file cannot be read or does not have it.
    pub fn locked(&self, name: &str) -> Result<String, String> {
        let path = self.root.join("Cargo.lock");
        let lock = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        locked_version(&lock, name).ok_or_else(|| format!("Cargo.lock has no `{name}`"))
    }
}

fn locked_version(lock: &str, name: &str) -> Option<String> {
    let wanted = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != wanted);
    lines.next()?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.trim_end_matches('"').to_owned())
}

/// Where the project keeps tools that it has installed: `web-sync` under the user's cache directory.
pub fn cache() -> PathBuf {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = var("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| {
        let home = var("HOME").or_else(|| var("USERPROFILE"))?;
        Some(PathBuf::from(home).join(".cache"))
    });
    base.unwrap_or_else(std::env::temp_dir).join("web-sync")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_the_named_package_s() {
        let lock = "[[package]]\nname = \"a-b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.1\"\n";
        assert_eq!(locked_version(lock, "a").as_deref(), Some("2.0.1"));
        assert_eq!(locked_version(lock, "c"), None);
    }
}
