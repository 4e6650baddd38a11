use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::DataType;
use schemas::identity::{OrganisationNumber, PersonNumber};
use schemas::{international, reference};

use super::{Function, dates};

/// `bankgiro(text)` and its like: the number as it is compared, without blanks and hyphens, or null where the text is no
/// such number.
pub(super) fn functions() -> [Function; 8] {
    [
        reader("bankgiro", reference::bankgiro),
        reader("plusgiro", reference::plusgiro),
        reader("iban", international::iban),
        reader("bic", international::bic),
        reader("gln", international::gln),
        reader("creditor_reference", international::creditor_reference),
        reader("organisation_number", |text| Some(OrganisationNumber::parse(text)?.digits().to_owned())),
        person_number(),
    ]
}

fn reader(name: &'static str, read: fn(&str) -> Option<String>) -> Function {
    let arguments = |given: &[DataType]| (given.len() == 1).then(|| vec![DataType::Utf8]);
    super::function(
        name,
        arguments,
        |_| DataType::Utf8,
        move |columns| {
            let texts = columns[0].as_string::<i32>();
            Ok(Arc::new(texts.iter().map(|text| read(text?)).collect::<StringArray>()))
        },
    )
}

/// `person_number(text, date)`: twelve characters. The date settles the century of a year of two digits; it is an
/// argument, so that a job that depends on the business date says so: `person_number(text, as_of())`.
fn person_number() -> Function {
    let arguments = |given: &[DataType]| (given.len() == 2).then(|| vec![DataType::Utf8, DataType::Date32]);
    super::function(
        "person_number",
        arguments,
        |_| DataType::Utf8,
        |columns| {
            let texts = columns[0].as_string::<i32>().iter();
            let read = texts.zip(dates(&columns[1])).map(|(text, date)| PersonNumber::parse(text?, date?));
            Ok(Arc::new(read.map(|person| person.map(|person| person.digits().to_owned())).collect::<StringArray>()))
        },
    )
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Date32Array};
    use arrow::datatypes::Date32Type;
    use chrono::NaiveDate;

    use super::*;

    fn call(name: &str, arguments: &[ArrayRef]) -> Vec<Option<String>> {
        let function = functions().into_iter().find(|function| function.name == name).unwrap();
        let read = (function.body)(arguments).unwrap();
        read.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }

    fn texts(texts: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(texts.to_vec()))
    }

    #[test]
    fn what_is_no_number_is_null() {
        let given = [Some("5050-1055"), Some("5050-1056"), None];
        assert_eq!(call("bankgiro", &[texts(&given)]), [Some("50501055".to_owned()), None, None]);
        let given = [Some("16556016-0680"), Some("556016-0681")];
        assert_eq!(call("organisation_number", &[texts(&given)]), [Some("5560160680".to_owned()), None]);
        let given = [Some("SE45 5000 0000 0583 9825 7466"), Some("SE46 5000 0000 0583 9825 7466")];
        assert_eq!(call("iban", &[texts(&given)]), [Some("SE4550000000058398257466".to_owned()), None]);
    }

    #[test]
    fn the_date_settles_the_century() {
        let days = |year| NaiveDate::from_ymd_opt(year, 3, 31).map(Date32Type::from_naive_date);
        let dates: ArrayRef = Arc::new(Date32Array::from(vec![days(2026), days(2008), None]));
        let read = call("person_number", &[texts(&[Some("090527-1474"); 3]), dates]);
        assert_eq!(read, [Some("200905271474".to_owned()), Some("190905271474".to_owned()), None]);
    }
}
