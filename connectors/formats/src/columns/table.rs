//! Rows of one contract on their way to the sink.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use arrow::array::RecordBatch;
use schemas::Contract;

use super::{Columns, DOCUMENT, GroupId, Layout, Target};
use crate::{BATCH_ROWS, ParseError, Sink};

/// Bytes held behind a batch, at most: keeps 32-bit offsets of text columns far from their end.
const BATCH_HELD: usize = 32 << 20;

/// Rows of a contract, given to the sink a batch at a time.
#[derive(Debug)]
pub(crate) struct Table {
    pub contract: &'static Contract,
    pub columns: Columns,
}

impl Table {
    /// An empty table for the contract with this name.
    pub fn of(contract: &str) -> Result<Self, ParseError> {
        static LAYOUTS: OnceLock<BTreeMap<&'static str, Layout>> = OnceLock::new();
        let layouts = LAYOUTS.get_or_init(|| {
            let layout = |contract: &'static Contract| Layout::new(contract.body_schema()).ok();
            schemas::contracts().values().filter_map(|of| Some((of.name.as_str(), layout(of)?))).collect()
        });
        let layout = layouts.get(contract);
        let layout = layout.ok_or_else(|| ParseError::Configuration(format!("no layout for contract {contract}")))?;
        let contract = schemas::contract(contract).map_err(|error| ParseError::Configuration(error.to_string()))?;
        Ok(Self { contract, columns: Columns::new(layout) })
    }

    /// True when the rows must go before another one comes.
    pub fn is_full(&self) -> bool {
        self.columns.rows() >= BATCH_ROWS || self.columns.held() >= BATCH_HELD
    }

    /// The rows so far; the table begins anew.
    pub fn take(&mut self) -> Result<RecordBatch, ParseError> {
        let empty = Columns::new(self.columns.layout());
        Ok(std::mem::replace(&mut self.columns, empty).finish()?)
    }

    /// Gives the rows so far to the sink.
    pub fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), ParseError> {
        if self.columns.rows() == 0 {
            return Ok(());
        }
        let rows = self.take()?;
        sink.rows(self.contract, rows).map_err(ParseError::Sink)
    }

    /// Ends a row and gives the rows to the sink when there are enough.
    pub fn end_row(&mut self, sink: &mut dyn Sink) -> Result<(), ParseError> {
        self.columns.close(DOCUMENT);
        if self.is_full() { self.flush(sink) } else { Ok(()) }
    }

    /// A column of a group.
    pub fn target(&self, group: GroupId, name: &str) -> Result<Target, ParseError> {
        let target = self.columns.layout().target(group, name);
        target.ok_or_else(|| ParseError::Configuration(format!("{} has no column {name}", self.contract.name)))
    }

    /// The group of a list or record column of a group.
    pub fn group(&self, group: GroupId, name: &str) -> Result<GroupId, ParseError> {
        let inner = self.columns.layout().group_in(self.target(group, name)?);
        inner.ok_or_else(|| ParseError::Configuration(format!("{}.{name} holds no records", self.contract.name)))
    }
}

/// Columns of a group by name, looked up once.
macro_rules! targets {
    ($(#[$doc:meta])* $name:ident { $($column:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        struct $name { $($column: crate::columns::Target),* }

        impl $name {
            fn of(table: &crate::columns::Table, group: crate::columns::GroupId) -> Result<Self, crate::ParseError> {
                Ok(Self { $($column: table.target(group, stringify!($column))?),* })
            }
        }
    };
}
pub(crate) use targets;
