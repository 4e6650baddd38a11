use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use object_store::path::Path;

use crate::{DataFile, Lake, LakeError};

/// A table over the data files of one version, or over files that are staged and not yet committed.
///
/// # Errors
/// When a file's address cannot be built.
pub fn provider(
    lake: &Lake,
    table: &Path,
    schema: SchemaRef,
    files: &[DataFile],
) -> Result<Arc<dyn TableProvider>, LakeError> {
    if files.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let base = lake.table_url(table)?;
    let urls = files.iter().map(|file| {
        let url = base
            .join(&file.path)
            .map_err(|error| LakeError::Address { url: file.path.clone(), reason: error.to_string() })?;
        Ok(ListingTableUrl::parse(url.as_str())?)
    });
    let urls = urls.collect::<Result<Vec<_>, LakeError>>()?;
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}
