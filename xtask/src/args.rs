//! The command line of one verb: names, flags, flags with a value; anything else is one clear message.

/// What a verb was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// The words that are not flags.
    pub names: Vec<String>,
    flags: Vec<(String, Option<String>)>,
}

impl Args {
    /// Reads `args`; `switches` take no value, `options` take one (`--port 80` or `--port=80`).
    ///
    /// # Errors
    /// An unknown flag, or a missing or needless value.
    pub fn read(args: &[String], switches: &[&str], options: &[&str]) -> Result<Self, String> {
        let mut read = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(flag) = arg.strip_prefix("--") else {
                read.names.push(arg.clone());
                continue;
            };
            let (flag, value) = match flag.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (flag, None),
            };
            let value = if switches.contains(&flag) {
                match value {
                    None => None,
                    Some(_) => return Err(format!("--{flag} takes no value")),
                }
            } else if options.contains(&flag) {
                let next = || args.next().cloned();
                let value = value.or_else(next);
                Some(value.ok_or_else(|| format!("--{flag} needs a value"))?)
            } else {
                let known: Vec<_> = switches.iter().chain(options).collect();
                let known: Vec<_> = known.iter().map(|flag| format!("--{flag}")).collect();
                return Err(match known.is_empty() {
                    true => format!("unknown flag {arg}; this command takes none"),
                    false => format!("unknown flag {arg}; known: {}", known.join(", ")),
                });
            };
            read.flags.push((flag.to_owned(), value));
        }
        Ok(read)
    }

    /// Was the switch given?
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|(name, _)| name == flag)
    }

    /// The option's value.
    pub fn value(&self, flag: &str) -> Option<&str> {
        let found = self.flags.iter().rev().find(|(name, _)| name == flag);
        found.and_then(|(_, value)| value.as_deref())
    }

    /// The option's value as a number.
    ///
    /// # Errors
    /// When it is not one.
    pub fn number(&self, flag: &str) -> Result<Option<u32>, String> {
        let Some(value) = self.value(flag) else {
            return Ok(None);
        };
        let number = value.parse();
        Ok(Some(number.map_err(|_| {
            format!("--{flag} needs a number, not `{value}`")
        })?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Args, String> {
        let args: Vec<_> = args.iter().map(|arg| arg.to_string()).collect();
        Args::read(&args, &["check"], &["port"])
    }

    #[test]
    fn names_switches_and_options() {
        let args = read(&["a", "--port", "80", "--check", "b"]).expect("valid");
        assert_eq!(args.names, ["a", "b"]);
        assert!(args.has("check"));
        assert_eq!(args.number("port"), Ok(Some(80)));
        assert_eq!(
            read(&["--port=81"]).expect("valid").value("port"),
            Some("81")
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert!(read(&["--chekc"]).expect_err("unknown").contains("--chekc"));
        assert!(
            read(&["--port"])
                .expect_err("no value")
                .contains("needs a value")
        );
        assert!(
            read(&["--check=1"])
                .expect_err("value")
                .contains("takes no value")
        );
        let args = read(&["--port", "x"]).expect("read");
        assert!(args.number("port").expect_err("no number").contains("`x`"));
    }
}
