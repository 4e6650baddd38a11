//! Which pages of a run can hold a key. The page index says the smallest and the largest value of each page; for a
//! thousand keys it is searched by hand, because DataFusion's page pruning stops at lists of twenty values.

use std::ops::Range;

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::row::{Row, RowConverter, Rows, SortField};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;

use crate::LakeError;

/// Keys that are looked for: each column encoded so that bytes compare as values do.
#[derive(Debug)]
pub struct Keys {
    columns: Vec<Rows>,
    nulls: Vec<Vec<bool>>,
    count: usize,
}

impl Keys {
    pub fn new(keys: &RecordBatch) -> Result<Self, LakeError> {
        let columns = keys.columns().iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let nulls = keys.columns().iter().map(|column| (0..column.len()).map(|row| column.is_null(row)).collect());
        Ok(Self { columns, nulls: nulls.collect(), count: keys.num_rows() })
    }
}

fn encode(column: &ArrayRef) -> Result<Rows, LakeError> {
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())])?;
    Ok(converter.convert_columns(std::slice::from_ref(column))?)
}

/// Smallest and largest values of some columns on each page of a file.
#[derive(Debug)]
pub struct Bounds {
    columns: Vec<ColumnBounds>,
    /// First row of each page, and one past the last row.
    starts: Vec<usize>,
}

#[derive(Debug)]
struct ColumnBounds {
    smallest: Rows,
    largest: Rows,
    /// Pages that hold nothing but null.
    only_null: Vec<bool>,
    some_null: Vec<bool>,
    /// For each page, the page with the largest value up to here: what is sorted, is searched by halving.
    largest_so_far: Vec<usize>,
    /// For each page, the page with the smallest value from here on.
    smallest_from_here: Vec<usize>,
}

impl Bounds {
    /// Reads them from the page index; none when the index does not say.
    pub fn read(metadata: &ParquetMetaData, schema: &SchemaRef, columns: &[String]) -> Result<Option<Self>, LakeError> {
        let (Some(values), Some(offsets)) = (metadata.column_index(), metadata.offset_index()) else {
            return Ok(None);
        };
        let groups: Vec<usize> = (0..metadata.num_row_groups()).collect();
        let mut starts: Option<Vec<usize>> = None;
        let mut bounds = Vec::with_capacity(columns.len());
        for column in columns {
            let described = metadata.file_metadata().schema_descr();
            let converter = StatisticsConverter::try_new(column, schema, described)?;
            let Some(leaf) = converter.parquet_column_index() else { return Ok(None) };
            let own = page_starts(metadata, leaf);
            // Pages of different columns can end at different rows; then only the first column's are searched.
            if *starts.get_or_insert_with(|| own.clone()) != own {
                break;
            }
            let smallest = converter.data_page_mins(values, offsets, &groups)?;
            let largest = converter.data_page_maxes(values, offsets, &groups)?;
            let nulls = converter.data_page_null_counts(values, offsets, &groups)?;
            let rows = own.windows(2).map(|page| (page[1] - page[0]) as u64);
            let only_null: Vec<bool> = nulls.iter().zip(rows).map(|(nulls, rows)| nulls == Some(rows)).collect();
            let known = |page: usize| smallest.is_valid(page) && largest.is_valid(page);
            if only_null.len() != smallest.len() || (0..only_null.len()).any(|page| !only_null[page] && !known(page)) {
                return Ok(None);
            }
            let some_null = nulls.iter().map(|nulls| nulls != Some(0)).collect();
            bounds.push(ColumnBounds::new(encode(&smallest)?, encode(&largest)?, only_null, some_null));
        }
        Ok(starts.map(|starts| Self { columns: bounds, starts }))
    }

    pub fn size(&self) -> usize {
        let column = |column: &ColumnBounds| {
            let flags = column.only_null.len() * 2 + column.largest_so_far.len() * 2 * size_of::<usize>();
            column.smallest.size() + column.largest.size() + flags
        };
        self.columns.iter().map(column).sum::<usize>() + self.starts.len() * size_of::<usize>()
    }

    /// Rows of the pages that can hold one of the keys, as ranges that ascend and do not touch.
    pub fn rows_of(&self, keys: &Keys) -> Vec<Range<usize>> {
        let mut wanted = vec![false; self.starts.len().saturating_sub(1)];
        for key in 0..keys.count {
            let Some(first) = self.columns.first() else { continue };
            for page in first.pages(keys.columns[0].row(key), keys.nulls[0][key]) {
                wanted[page] = wanted[page] || self.can_hold(page, keys, key);
            }
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for page in (0..wanted.len()).filter(|page| wanted[*page]) {
            let (start, end) = (self.starts[page], self.starts[page + 1]);
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => ranges.push(start..end),
            }
        }
        ranges
    }

    fn can_hold(&self, page: usize, keys: &Keys, key: usize) -> bool {
        let columns = self.columns.iter().zip(&keys.columns).zip(&keys.nulls);
        columns.into_iter().all(|((bounds, values), nulls)| bounds.can_hold(page, values.row(key), nulls[key]))
    }
}

fn page_starts(metadata: &ParquetMetaData, leaf: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut before = 0;
    let count = |rows: i64| usize::try_from(rows).unwrap_or_default();
    for (group, offsets) in metadata.row_groups().iter().zip(metadata.offset_index().into_iter().flatten()) {
        starts.extend(offsets[leaf].page_locations().iter().map(|page| before + count(page.first_row_index)));
        before += count(group.num_rows());
    }
    starts.push(before);
    starts
}

impl ColumnBounds {
    fn new(smallest: Rows, largest: Rows, only_null: Vec<bool>, some_null: Vec<bool>) -> Self {
        let pages = only_null.len();
        let (mut largest_so_far, mut smallest_from_here) = (vec![usize::MAX; pages], vec![usize::MAX; pages]);
        let mut best = usize::MAX;
        for page in 0..pages {
            if !only_null[page] && (best == usize::MAX || largest.row(page) > largest.row(best)) {
                best = page;
            }
            largest_so_far[page] = best;
        }
        best = usize::MAX;
        for page in (0..pages).rev() {
            if !only_null[page] && (best == usize::MAX || smallest.row(page) < smallest.row(best)) {
                best = page;
            }
            smallest_from_here[page] = best;
        }
        Self { smallest, largest, only_null, some_null, largest_so_far, smallest_from_here }
    }

    /// Pages that may hold a value; each has still to be asked.
    fn pages(&self, value: Row<'_>, null: bool) -> Range<usize> {
        if null {
            return 0..self.only_null.len();
        }
        let start = self.largest_so_far.partition_point(|&page| page == usize::MAX || self.largest.row(page) < value);
        let end =
            self.smallest_from_here.partition_point(|&page| page != usize::MAX && self.smallest.row(page) <= value);
        start..end.max(start)
    }

    fn can_hold(&self, page: usize, value: Row<'_>, null: bool) -> bool {
        match null {
            true => self.some_null[page],
            false => !self.only_null[page] && self.smallest.row(page) <= value && value <= self.largest.row(page),
        }
    }
}
