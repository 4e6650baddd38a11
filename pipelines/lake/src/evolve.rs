//! How a table's columns grow: what a newer contract adds is added, and nothing is ever dropped or retyped.
//!
//! Columns have no order for readers: they are found by name, and new ones come last. Rows that were written before
//! have null there; programs of an older version go on reading and landing what they know.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

/// The columns of `table`, and after them those that only `wanted` has, at every depth; or the column whose type
/// differs.
pub fn grown(table: &SchemaRef, wanted: &SchemaRef) -> Result<SchemaRef, String> {
    Ok(Arc::new(Schema::new(fields(table.fields(), wanted.fields(), "")?)))
}

fn fields(old: &Fields, new: &Fields, parent: &str) -> Result<Fields, String> {
    let find = |of: &Fields, name: &str| of.iter().find(|field| field.name() == name).cloned();
    let kept = old.iter().map(|field| match find(new, field.name()) {
        Some(wanted) => grown_field(field, &wanted, parent),
        None => Ok(field.clone()),
    });
    let added = new.iter().filter(|field| find(old, field.name()).is_none()).cloned().map(Ok);
    kept.chain(added).collect()
}

fn grown_field(old: &FieldRef, new: &FieldRef, parent: &str) -> Result<FieldRef, String> {
    let path = if parent.is_empty() { old.name().clone() } else { format!("{parent}.{}", old.name()) };
    let data_type = match (old.data_type(), new.data_type()) {
        (old, new) if old == new => old.clone(),
        (DataType::Struct(old), DataType::Struct(new)) => DataType::Struct(fields(old, new, &path)?),
        (DataType::List(old), DataType::List(new)) => DataType::List(grown_field(old, new, &path)?),
        (old, new) => return Err(format!("column {path} is {old}, and the contract now says {new}")),
    };
    Ok(Arc::new(Field::new(old.name(), data_type, true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: Vec<Field>) -> SchemaRef {
        Arc::new(Schema::new(fields))
    }

    fn text(name: &str) -> Field {
        Field::new(name, DataType::Utf8, true)
    }

    fn list(item: Vec<Field>) -> Field {
        let item = Field::new("item", DataType::Struct(item.into()), true);
        Field::new("list", DataType::List(Arc::new(item)), true)
    }

    #[test]
    fn new_columns_come_last_at_every_depth_and_none_is_dropped() {
        let table = schema(vec![text("a"), list(vec![text("x"), text("gone")]), text("gone")]);
        let wanted = schema(vec![text("new"), list(vec![text("new"), text("x")]), text("a")]);
        let expected =
            schema(vec![text("a"), list(vec![text("x"), text("gone"), text("new")]), text("gone"), text("new")]);
        assert_eq!(grown(&table, &wanted), Ok(expected.clone()));
        assert_eq!(grown(&expected, &wanted), Ok(expected.clone()), "once is enough");
        assert_eq!(grown(&expected, &table), Ok(expected), "an older contract takes nothing away");
    }

    #[test]
    fn a_column_that_changes_its_type_is_named() {
        let table = schema(vec![list(vec![text("x")])]);
        let wanted = schema(vec![list(vec![Field::new("x", DataType::Int64, true)])]);
        let refused = grown(&table, &wanted).unwrap_err();
        assert_eq!(refused, "column list.item.x is Utf8, and the contract now says Int64");
    }
}
