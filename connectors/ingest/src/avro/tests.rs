use std::cell::RefCell;

use arrow::array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, NullArray, StringArray,
    TimestampMillisecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// A stream of arbitrary numbers that a column is made from: proptest shrinks it.
struct Chance<'a>(std::slice::Iter<'a, u64>);

impl Chance<'_> {
    fn next(&mut self) -> u64 {
        self.0.next().copied().unwrap_or_default()
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

fn arbitrary_column(data_type: &DataType, nullable: bool, rows: usize, chance: &mut Chance<'_>) -> ArrayRef {
    let valid: Vec<bool> = (0..rows).map(|_| !nullable || !chance.next().is_multiple_of(3)).collect();
    let is_valid = valid.clone();
    let mut some = |value: &mut dyn FnMut(&mut Chance<'_>) -> i128| -> Vec<Option<i128>> {
        is_valid.iter().map(|valid| valid.then(|| value(chance))).collect()
    };
    match data_type {
        DataType::Utf8 => {
            let texts = some(&mut |chance| i128::from(chance.next()));
            let text = |value: i128| match value % 4 {
                0 => String::new(),
                1 => "åäö €".to_owned(),
                _ => value.to_string(),
            };
            Arc::new(texts.into_iter().map(|value| value.map(text)).collect::<StringArray>())
        }
        DataType::Binary => {
            let bytes = some(&mut |chance| i128::from(chance.next()));
            let bytes: Vec<_> = bytes.into_iter().map(|value| value.map(i128::to_le_bytes)).collect();
            Arc::new(bytes.iter().map(|value| value.as_ref().map(<[u8; 16]>::as_slice)).collect::<BinaryArray>())
        }
        DataType::Boolean => {
            let values = some(&mut |chance| i128::from(chance.next()));
            Arc::new(values.into_iter().map(|value| value.map(|value| value % 2 == 0)).collect::<BooleanArray>())
        }
        DataType::Int32 => {
            let values = some(&mut |chance| i128::from(chance.next() as i32));
            Arc::new(values.into_iter().map(|value| value.map(|value| value as i32)).collect::<Int32Array>())
        }
        DataType::Date32 => {
            let values = some(&mut |chance| i128::from(chance.next() as i32));
            Arc::new(values.into_iter().map(|value| value.map(|value| value as i32)).collect::<Date32Array>())
        }
        DataType::Int64 => {
            let values = some(&mut |chance| i128::from(chance.next() as i64));
            Arc::new(values.into_iter().map(|value| value.map(|value| value as i64)).collect::<Int64Array>())
        }
        DataType::Timestamp(..) => {
            let values = some(&mut |chance| i128::from(chance.next() as i64));
            let values: TimestampMillisecondArray =
                values.into_iter().map(|value| value.map(|value| value as i64)).collect();
            Arc::new(values.with_timezone("+00:00"))
        }
        DataType::Decimal128(precision, scale) => {
            let largest = 10_i128.pow(u32::from(*precision)) - 1;
            let values = some(&mut |chance| match chance.below(4) {
                0 => 0,
                1 => largest,
                2 => -largest,
                _ => i128::from(chance.next() as i64) % largest,
            });
            let values: Decimal128Array = values.into_iter().collect();
            Arc::new(values.with_precision_and_scale(*precision, *scale).unwrap())
        }
        DataType::List(item) => {
            let lengths: Vec<usize> = valid.iter().map(|valid| if *valid { chance.below(4) } else { 0 }).collect();
            let values = arbitrary_column(item.data_type(), item.is_nullable(), lengths.iter().sum(), chance);
            let nulls = nullable.then(|| NullBuffer::from(valid));
            Arc::new(ListArray::new(Arc::clone(item), OffsetBuffer::from_lengths(lengths), values, nulls))
        }
        DataType::Struct(fields) => {
            let members =
                fields.iter().map(|f| arbitrary_column(f.data_type(), f.is_nullable(), rows, chance)).collect();
            let nulls = nullable.then(|| NullBuffer::from(valid));
            Arc::new(StructArray::new(fields.clone(), members, nulls))
        }
        _ => Arc::new(NullArray::new(rows)),
    }
}

fn arbitrary_rows(contract: &Contract, rows: usize, chance: &mut Chance<'_>) -> RecordBatch {
    let fields = contract.schema.fields();
    let columns = fields.iter().map(|f| arbitrary_column(f.data_type(), f.is_nullable(), rows, chance)).collect();
    RecordBatch::try_new(Arc::clone(&contract.schema), columns).unwrap()
}

fn messages(contract: &'static Contract, rows: &RecordBatch) -> Vec<Vec<u8>> {
    Encoder::new(contract, schema_id(&contract.avro))
        .unwrap()
        .encode(rows)
        .unwrap()
        .iter()
        .map(|message| message.to_vec())
        .collect()
}

fn sample(contract: &str, rows: usize) -> (&'static Contract, RecordBatch) {
    let contract = schemas::contract(contract).unwrap();
    let numbers: Vec<u64> = (0..100_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    (contract, arbitrary_rows(contract, rows, &mut Chance(numbers.iter())))
}

/// Rows as text: a null struct's members do not count, so arrays cannot be compared bit by bit.
fn texts(rows: &RecordBatch) -> Vec<String> {
    (0..rows.num_rows()).map(|row| serde_json::to_string(&schemas::json::row(rows, row)).unwrap()).collect()
}

#[test]
fn rows_of_every_contract_come_back_as_they_went_with_the_same_schema() {
    for contract in schemas::contracts().values() {
        let encoder = RefCell::new(Encoder::new(contract, schema_id(&contract.avro)).unwrap());
        let decoder = RefCell::new(Decoder::default());
        let rows = (0_usize..20, vec(any::<u64>(), 0..3000));
        let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
        let result = runner.run(&rows, |(rows, numbers)| {
            let rows = arbitrary_rows(contract, rows, &mut Chance(numbers.iter()));
            let encoded = encoder.borrow_mut().encode(&rows).unwrap();
            prop_assert_eq!(encoded.len(), rows.num_rows());
            let messages: Vec<_> = encoded.iter().collect();
            let decoded = decoder.borrow_mut().decode(&messages, &[&contract.name]).unwrap();
            prop_assert_eq!(&decoded.undecodable, &[]);
            match decoded.rows.get(contract.name.as_str()) {
                Some(back) => {
                    prop_assert_eq!(back.schema(), contract.schema.clone());
                    prop_assert_eq!(texts(back), texts(&rows));
                }
                None => prop_assert_eq!(rows.num_rows(), 0),
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{}: {error}", contract.name));
    }
}

#[test]
fn a_message_is_framed_as_schema_registries_do() {
    let (contract, rows) = sample("reject", 1);
    let message = &messages(contract, &rows)[0];
    assert_eq!(message[0], 0);
    assert_eq!(message[1..5], schema_id(&contract.avro).to_be_bytes());
}

#[test]
fn undecodable_messages_are_told_apart_and_do_not_harm_their_neighbours() {
    let (contract, rows) = sample("payment_in", 3);
    let good = messages(contract, &rows);
    let (other, other_rows) = sample("lease", 1);
    let mut cut = good[0].clone();
    cut.truncate(cut.len() - 1);
    let mut longer = good[0].clone();
    longer.push(0);
    let twice = [good[0].as_slice(), &good[1]].concat();
    let torn = [&good[0][..5], &[0xff; 40]].concat();
    let unknown = [0, 0, 0, 0, 0, 1, 2].to_vec();
    let given = [
        good[0].clone(),
        cut,
        good[1].clone(),
        longer,
        twice,
        torn,
        unknown,
        Vec::new(),
        good[0][..5].to_vec(),
        messages(other, &other_rows)[0].clone(),
        good[2].clone(),
    ];
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&given, &["payment_in", "reject"]).unwrap();
    assert_eq!(texts(&decoded.rows["payment_in"]), texts(&rows));
    let indexes: Vec<usize> = decoded.undecodable.iter().map(|message| message.index).collect();
    assert_eq!(indexes, [1, 3, 4, 5, 6, 7, 8, 9], "{:?}", decoded.undecodable);
    let again = decoder.decode(&good, &["payment_in"]).unwrap();
    assert_eq!(texts(&again.rows["payment_in"]), texts(&rows));
}

/// Records as an earlier version of a contract wrote them.
fn written_earlier(name: &str, number: u32, rows: usize) -> (&'static Contract, RecordBatch) {
    let version = schemas::earlier_versions().iter().find(|v| v.contract == name && v.number == number).unwrap();
    let then: &'static Contract = Box::leak(Box::new(Contract::parse(version.avro).unwrap()));
    let numbers: Vec<u64> = (0..100_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    (then, arbitrary_rows(then, rows, &mut Chance(numbers.iter())))
}

/// The values of `rows` that `known` has too, at every depth.
fn shared(rows: &serde_json::Value, known: &serde_json::Value) -> serde_json::Value {
    match (rows, known) {
        (Value::Object(rows), Value::Object(known)) => {
            let both = rows.iter().filter_map(|(name, value)| Some((name.clone(), shared(value, known.get(name)?))));
            Value::Object(both.collect())
        }
        (Value::Array(rows), Value::Array(known)) => {
            rows.iter().zip(known).map(|(row, known)| shared(row, known)).collect()
        }
        _ => rows.clone(),
    }
}

#[test]
fn what_every_earlier_version_wrote_is_read_with_defaults_for_what_came_later() {
    for version in schemas::earlier_versions() {
        let (then, rows) = written_earlier(version.contract, version.number, 20);
        let now = schemas::contract(version.contract).unwrap();
        let decoded = Decoder::default().decode(&messages(then, &rows), &[version.contract]).unwrap();
        assert_eq!(decoded.undecodable, [], "{} {}", version.contract, version.number);
        let read = &decoded.rows[version.contract];
        assert_eq!(read.schema(), now.schema);
        for row in 0..rows.num_rows() {
            let wrote = Value::Object(schemas::json::row(&rows, row));
            let read = Value::Object(schemas::json::row(read, row));
            assert_eq!(shared(&wrote, &read), shared(&read, &wrote), "{} {}", version.contract, version.number);
        }
        for added in now.schema.fields().iter().filter(|field| then.schema.index_of(field.name()).is_err()) {
            assert_eq!(read.column_by_name(added.name()).unwrap().null_count(), rows.num_rows(), "{added:?}");
        }
    }
}

#[test]
fn records_of_several_versions_stay_in_the_order_of_their_messages() {
    let (then, old_rows) = written_earlier("payment_in", 1, 3);
    let (now, new_rows) = sample("payment_in", 3);
    let (old, new) = (messages(then, &old_rows), messages(now, &new_rows));
    let given = [&new[0], &old[0], &old[1], &new[1], &old[2], &new[2]].map(Clone::clone);
    let decoded = Decoder::default().decode(&given, &["payment_in"]).unwrap();
    let ids = |rows: &RecordBatch| -> Vec<String> {
        rows.column_by_name("payment_id").unwrap().as_string::<i32>().iter().map(|id| id.unwrap().to_owned()).collect()
    };
    let (old, new) = (ids(&old_rows), ids(&new_rows));
    assert_eq!(
        ids(&decoded.rows["payment_in"]),
        [&new[0], &old[0], &old[1], &new[1], &old[2], &new[2]].map(Clone::clone)
    );
}
