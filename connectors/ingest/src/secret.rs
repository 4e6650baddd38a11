//! Secrets stay out of the configuration file: a setting says where one is, and it is read when a client is made.

use crate::{Error, Result};

/// The value of a setting: `env:NAME` is that of an environment variable, `file:PATH` what a file holds, without the
/// end of its last line; anything else is the value itself, unless the setting is a secret.
pub fn resolve(setting: &str, written: &str, is_secret: bool) -> Result<String> {
    let missing = |reason: String| Error::Configuration(format!("{setting} = {written:?}: {reason}"));
    if let Some(name) = written.strip_prefix("env:") {
        return std::env::var(name).map_err(|_| missing("the environment has no such variable".to_owned()));
    }
    if let Some(path) = written.strip_prefix("file:") {
        let text = std::fs::read_to_string(path).map_err(|error| missing(error.to_string()))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    if is_secret {
        let reason = "is a secret and must not stand in the configuration: write \"env:NAME\" or \"file:PATH\"";
        return Err(Error::Configuration(format!("{setting} {reason}")));
    }
    Ok(written.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_the_environment_or_a_file_and_refused_in_clear_text() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "hemligt \n").unwrap();
        let from_file = resolve("sasl.password", &format!("file:{}", file.path().display()), true).unwrap();
        assert_eq!(from_file, "hemligt ");
        let (name, value) = std::env::vars().find(|(_, value)| !value.is_empty()).unwrap();
        assert_eq!(resolve("sasl.password", &format!("env:{name}"), true).unwrap(), value);
        assert_eq!(resolve("sasl.username", "land", false).unwrap(), "land");
        let refused = resolve("sasl.password", "hemligt", true).unwrap_err().to_string();
        assert!(refused.contains("sasl.password") && !refused.contains("hemligt"), "{refused}");
        let refused = resolve("ssl.key.password", "env:RESKONTRA_NO_SUCH_VARIABLE", true).unwrap_err().to_string();
        assert!(refused.contains("RESKONTRA_NO_SUCH_VARIABLE"), "{refused}");
    }
}
