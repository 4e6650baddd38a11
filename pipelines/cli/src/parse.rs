//! `reskontra parse`: one file as JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use formats::{FileInfo, Finding, ParseError, Position, Reject, Sink, SinkError, Summary, Verdict};
use schemas::{Contract, money};
use serde_json::{Map, Value, json};

/// Exit code of a command that was called wrongly.
const USAGE: u8 = 2;

/// Reads `file` as `format` and prints its rows.
pub fn parse(format: &str, file: &Path, name: Option<&str>) -> Result<ExitCode> {
    if !formats::formats().contains(&format) {
        crate::print::error(&format!("there is no format {format}; there are: {}", formats::formats().join(", ")));
        return Ok(ExitCode::from(USAGE));
    }
    let mut input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        match File::open(file) {
            Ok(open) => Box::new(open),
            Err(error) => {
                crate::print::error(&format!("{}: {error}", file.display()));
                return Ok(ExitCode::from(USAGE));
            }
        }
    };
    let own_name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let seal_keys = crate::seal::keys()?;
    let info = FileInfo { name: name.unwrap_or(&own_name), seal_keys: &seal_keys };
    let mut lines = Lines { out: BufWriter::new(io::stdout().lock()) };
    let summary = match formats::parse(format, info, &mut input, &mut lines) {
        Ok(summary) => summary,
        // Whoever reads our output has gone away.
        Err(ParseError::Sink(error)) if is_broken_pipe(error.as_ref()) => return Ok(ExitCode::SUCCESS),
        Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
    };
    lines
        .file(format, info.name, &summary)
        .and_then(|()| lines.out.flush())
        .or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })?;
    Ok(match summary.verdict {
        Verdict::Accepted => ExitCode::SUCCESS,
        Verdict::Refused(_) => ExitCode::FAILURE,
    })
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

struct Lines<W: Write> {
    out: W,
}

impl<W: Write> Lines<W> {
    fn line(&mut self, value: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    fn file(&mut self, format: &str, name: &str, summary: &Summary) -> io::Result<()> {
        let (status, reason) = match &summary.verdict {
            Verdict::Accepted => ("accepted", Value::Null),
            Verdict::Refused(why) => ("refused", finding(why)),
        };
        let amount = |ore: i128| money::plain(ore, 2);
        let totals = summary.totals.iter().map(|total| {
            json!({
                "currency": total.currency,
                "declared": total.declared.map(amount),
                "read": amount(total.read),
                "rejected": amount(total.rejected),
            })
        });
        self.line(&json!({
            "kind": "file",
            "format": format,
            "name": name,
            "status": status,
            "reason": reason,
            "test": summary.test,
            "declared_records": summary.declared_records,
            "read_records": summary.read_records,
            "rejected_records": summary.rejected_records,
            "totals": totals.collect::<Vec<_>>(),
            "extracted_on": summary.extracted_on.map(|date| date.to_string()),
            "remarks": summary.remarks.iter().map(finding).collect::<Vec<_>>(),
        }))
    }
}

impl<W: Write> Sink for Lines<W> {
    fn rows(&mut self, contract: &'static Contract, rows: RecordBatch) -> Result<(), SinkError> {
        let [ordinals, starts, ends] = [0, 1, 2].map(|column| rows.column(column).as_primitive::<Int64Type>());
        let values = rows.project(&(3..rows.num_columns()).collect::<Vec<_>>())?;
        for row in 0..rows.num_rows() {
            self.line(&json!({
                "kind": "record",
                "contract": contract.name,
                "ordinal": ordinals.value(row),
                "start": starts.value(row),
                "end": ends.value(row),
                "value": Value::Object(schemas::json::row(&values, row)),
            }))?;
        }
        debug_assert_eq!(ordinals.null_count(), 0);
        Ok(())
    }

    fn reject(&mut self, contract: &'static Contract, reject: Reject) -> Result<(), SinkError> {
        let mut line = json!({
            "kind": "reject",
            "contract": contract.name,
            "ordinal": reject.ordinal,
            "start": reject.start,
            "end": reject.end,
            "amount": reject.amount.map(|ore| money::plain(ore, 2)),
            "currency": reject.currency,
        });
        if let (Value::Object(line), Value::Object(why)) = (&mut line, finding(&reject.finding)) {
            line.extend(why);
        }
        Ok(self.line(&line)?)
    }
}

fn finding(finding: &Finding) -> Value {
    let mut object = Map::new();
    object.insert("code".to_owned(), finding.code.into());
    object.insert("message".to_owned(), finding.message.clone().into());
    object.insert("message_sv".to_owned(), finding.message_sv.clone().into());
    object.insert("position".to_owned(), position(&finding.position));
    Value::Object(object)
}

fn position(position: &Position) -> Value {
    json!({ "line": position.line, "column": position.column, "path": position.path, "byte": position.byte })
}
