use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::DataType;

use super::{Function, int32, integers};

/// `similarity(a, b)`: how alike two names are, 0 to 100: twice the shared words over all words, case, order and
/// punctuation aside. For ranking only; nothing is settled by it.
pub(super) fn function() -> Function {
    let arguments = |given: &[DataType]| (given.len() == 2).then(|| vec![DataType::Utf8, DataType::Utf8]);
    super::function(
        "similarity",
        arguments,
        |_| int32(),
        |columns| {
            let [left, right] = [0, 1].map(|index| columns[index].as_string::<i32>());
            Ok(integers(left.iter().zip(right).map(|(left, right)| Some(similarity(left?, right?)))))
        },
    )
}

fn similarity(left: &str, right: &str) -> i32 {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (left, right) = (words(left), words(right));
    let all = left.len() + right.len();
    let alike = (200 * left.intersection(&right).count()).checked_div(all).unwrap_or_default();
    i32::try_from(alike).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::similarity;

    #[test]
    fn order_case_and_punctuation_do_not_count() {
        assert_eq!(similarity("Åsa Öberg", "ÖBERG, ÅSA"), 100);
        assert_eq!(similarity("Åsa Maria Öberg", "Öberg Åsa"), 80);
        assert_eq!(similarity("Olles Färg AB", "Kalles Bygg"), 0);
        assert_eq!(similarity("", "--"), 0);
    }
}
