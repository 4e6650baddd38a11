//! Lints of what is installed: Compose file, Helm chart, alert rules.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::run::{must, root};
use crate::tools::cache;

/// A tool that Go installs into the user's cache folder.
struct GoTool {
    name: &'static str,
    module: &'static str,
    version: &'static str,
}

/// Reads a Compose file as Docker does, and checks it against the specification's schema.
const COMPOSE: GoTool = GoTool { name: "cmd", module: "github.com/compose-spec/compose-go/v2/cmd", version: "v2.6.0" };
/// Renders and lints charts.
const HELM: GoTool = GoTool { name: "helm", module: "helm.sh/helm/v3/cmd/helm", version: "v3.22.0" };

impl GoTool {
    fn path(&self) -> PathBuf {
        cache().join("tools").join(format!("{}-{}", self.module.replace('/', "_"), self.version)).join(self.name)
    }

    /// The tool, installed if it is missing.
    fn command(&self) -> Result<Command> {
        let program = self.path();
        if !program.exists() {
            println!("   installing {} {}", self.module, self.version);
            let home = program.parent().context("a tool lies in a folder")?;
            std::fs::create_dir_all(home)?;
            let module = format!("{}@{}", self.module, self.version);
            let mut install = Command::new("go");
            must(install.args(["install", "-trimpath", "-ldflags=-s -w", &module]).env("GOBIN", home))?;
        }
        Ok(Command::new(program))
    }
}

/// Lints the Compose file and the chart; the alert rules where Prometheus' own tool is on the machine.
pub fn lint() -> Result<()> {
    let compose = root().join("infra/compose");
    let read = COMPOSE.command()?.args(["-no-interpolation", "compose.yaml"]).current_dir(&compose).output()?;
    if !read.status.success() {
        bail!("infra/compose/compose.yaml: {}", String::from_utf8_lossy(&read.stderr).trim());
    }
    let chart = root().join("infra/helm/reskontra");
    must(HELM.command()?.args(["lint", "--strict", "--quiet"]).arg(&chart).stdout(Stdio::null()))?;
    let rendered = HELM.command()?.args(["template", "test", "--kube-version", "1.31.0"]).arg(&chart).output()?;
    if !rendered.status.success() {
        bail!("infra/helm/reskontra: {}", String::from_utf8_lossy(&rendered.stderr).trim());
    }
    let rendered = String::from_utf8_lossy(&rendered.stdout).into_owned();
    settings(&rendered)?;
    let alerts = Path::new("infra/observe/alerts.yaml");
    match Command::new("promtool").args(["check", "rules"]).arg(alerts).current_dir(root()).output() {
        Ok(checked) if checked.status.success() => Ok(()),
        Ok(checked) => bail!("{}: {}", alerts.display(), String::from_utf8_lossy(&checked.stderr).trim()),
        Err(_) => {
            println!("   alert rules SKIPPED: there is no promtool (Debian: package prometheus)");
            Ok(())
        }
    }
}

/// What every container of the chart must have.
fn settings(rendered: &str) -> Result<()> {
    let count = |text: &str| rendered.matches(text).count();
    let containers = count("readOnlyRootFilesystem: true");
    for must_have in
        ["runAsNonRoot: true", "path: /readyz", "path: /healthz", "drop: [ALL]", "allowPrivilegeEscalation: false"]
    {
        if containers == 0 || count(must_have) < containers {
            bail!("infra/helm/reskontra: a container lacks `{must_have}`");
        }
    }
    Ok(())
}
