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
    /// Whether the first column rises from page to page.
    sorted: bool,
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
        let sorted = bounds.first().is_some_and(ColumnBounds::ascend);
        Ok(starts.map(|starts| Self { columns: bounds, starts, sorted }))
    }

    pub fn size(&self) -> usize {
        let column = |column: &ColumnBounds| {
            let flags = column.only_null.len() * 2 + column.largest_so_far.len() * 2 * size_of::<usize>();
            column.smallest.size() + column.largest.size() + flags
        };
        self.columns.iter().map(column).sum::<usize>() + self.starts.len() * size_of::<usize>()
    }

    /// True when the rows are sorted by the first column, as far as the pages tell.
    pub const fn are_sorted(&self) -> bool {
        self.sorted
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

    fn ascend(&self) -> bool {
        let pages: Vec<usize> = (0..self.only_null.len()).filter(|page| !self.only_null[*page]).collect();
        pages.windows(2).all(|pair| self.largest.row(pair[0]) <= self.smallest.row(pair[1]))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    use super::*;

    type KeyOf = (Option<&'static str>, i64);

    fn rows(keys: &[KeyOf]) -> RecordBatch {
        let fields = vec![Field::new("queue", DataType::Utf8, true), Field::new("id", DataType::Int64, true)];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter(keys.iter().map(|key| key.0))),
            Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| key.1))),
        ];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    /// Bounds of a file with so many rows a page.
    fn bounds(keys: &[KeyOf], page: usize, statistics: EnabledStatistics) -> Option<Bounds> {
        let batch = rows(keys);
        let properties = WriterProperties::builder()
            .set_data_page_row_count_limit(page)
            .set_write_batch_size(page)
            .set_statistics_enabled(statistics)
            .build();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&Bytes::from(file))
            .unwrap();
        Bounds::read(&metadata, &batch.schema(), &["queue".to_owned(), "id".to_owned()]).unwrap()
    }

    /// First row, and one past the last row, of each range that is looked at.
    fn found(bounds: &Bounds, keys: &[KeyOf]) -> Vec<(usize, usize)> {
        let ranges = bounds.rows_of(&Keys::new(&rows(keys)).unwrap());
        ranges.into_iter().map(|range| (range.start, range.end)).collect()
    }

    /// Ten rows of no queue, then ten each of `a`, `b` and `c`, with ids in steps of ten.
    fn sorted() -> Vec<KeyOf> {
        let queues = [None, Some("a"), Some("b"), Some("c")];
        queues.into_iter().flat_map(|queue| (0..10).map(move |id| (queue, id * 10))).collect()
    }

    #[test]
    fn a_key_is_looked_for_in_one_page_of_a_sorted_run() {
        let bounds = bounds(&sorted(), 5, EnabledStatistics::Page).unwrap();
        assert_eq!(found(&bounds, &[(Some("b"), 70)]), [(25, 30)]);
        assert_eq!(found(&bounds, &[(Some("a"), 0), (Some("a"), 90)]), [(10, 20)], "pages side by side are one range");
        assert_eq!(found(&bounds, &[(Some("a"), 0), (Some("c"), 90)]), [(10, 15), (35, 40)]);
        assert!(found(&bounds, &[(Some("aa"), 70), (Some("c"), 91), (Some("d"), 0)]).is_empty());
        assert!(found(&bounds, &[]).is_empty());
    }

    #[test]
    fn null_is_looked_for_where_there_are_nulls() {
        let bounds = bounds(&sorted(), 4, EnabledStatistics::Page).unwrap();
        assert_eq!(found(&bounds, &[(None, 80)]), [(8, 12)], "a page with nulls and values");
        assert_eq!(found(&bounds, &[(None, 30)]), [(0, 4), (8, 12)], "a page of nothing but nulls, and one of both");
        assert_eq!(found(&bounds, &[(Some("a"), 0)]), [(8, 12)]);
    }

    #[test]
    fn more_than_twenty_keys_still_leave_pages_out() {
        let keys: Vec<KeyOf> = (0..10_000).map(|id| (Some("a"), id)).collect();
        let bounds = bounds(&keys, 100, EnabledStatistics::Page).unwrap();
        let asked: Vec<KeyOf> = (0..50).map(|number| (Some("a"), number * 200)).collect();
        let ranges = found(&bounds, &asked);
        assert_eq!(ranges.len(), 50);
        assert!(
            ranges.iter().zip(&asked).all(|(range, key)| (range.0..range.1).contains(&usize::try_from(key.1).unwrap()))
        );
        assert_eq!(ranges.iter().map(|range| range.1 - range.0).sum::<usize>(), 5_000);
    }

    #[test]
    fn no_row_of_an_unsorted_run_is_missed() {
        let keys: Vec<KeyOf> =
            (0..500).map(|row| ([Some("b"), None, Some("a")][row % 3], (row as i64 * 37) % 101)).collect();
        let bounds = bounds(&keys, 7, EnabledStatistics::Page).unwrap();
        for (row, key) in keys.iter().enumerate() {
            assert!(found(&bounds, &[*key]).iter().any(|range| (range.0..range.1).contains(&row)), "row {row}");
        }
    }

    #[test]
    fn long_values_are_cut_in_the_index_and_still_found() {
        const LONG: &str =
            "en mycket lång referens som är längre än vad ett sidindex sparar av varje värde, så att det kapas";
        let keys: Vec<KeyOf> = (0..40).map(|id| (Some(LONG), id)).collect();
        let bounds = bounds(&keys, 10, EnabledStatistics::Page).unwrap();
        assert_eq!(found(&bounds, &[(Some(LONG), 25)]), [(20, 30)]);
    }

    #[test]
    fn a_file_without_page_statistics_has_no_bounds() {
        assert!(bounds(&sorted(), 5, EnabledStatistics::Chunk).is_none());
    }
}
