use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, Int64Type};

use super::{Function, list_of_positions, positions};

/// More items than this are not searched: the answer would rarely be the only one, and time grows as their power.
const MOST_ITEMS: usize = 40;

/// `subset_sum(amounts, target, most)`: 1-based positions of the only subset of two to `most` amounts that adds up
/// to `target`; null when there is none or more than one.
pub(super) fn function() -> Function {
    let arguments = |given: &[DataType]| {
        let list = DataType::List(Arc::new(Field::new("item", DataType::Decimal128(18, 2), true)));
        (given.len() == 3).then(|| vec![list, DataType::Decimal128(18, 2), DataType::Int64])
    };
    super::function(
        "subset_sum",
        arguments,
        |_| list_of_positions(),
        |columns| {
            let lists = columns[0].as_list::<i32>();
            let targets = columns[1].as_primitive::<Decimal128Type>();
            let most = columns[2].as_primitive::<Int64Type>();
            Ok(positions((0..lists.len()).map(|row| {
                if lists.is_null(row) || targets.is_null(row) || most.is_null(row) {
                    return None;
                }
                let items = lists.value(row);
                let items = items.as_primitive::<Decimal128Type>();
                if items.null_count() > 0 {
                    return None;
                }
                let chosen = only_subset(items.values(), targets.value(row), usize::try_from(most.value(row)).ok()?)?;
                chosen.into_iter().map(|index| i64::try_from(index + 1).ok()).collect()
            })))
        },
    )
}

/// Indices of the only subset of two to `most` amounts that adds up to `target`.
///
/// Amounts of mixed sign are allowed. Nothing is returned when no subset or more than one fits, or when there are
/// more amounts than can be searched in bounded time.
#[must_use]
pub fn only_subset(amounts: &[i128], target: i128, most: usize) -> Option<Vec<usize>> {
    if amounts.len() > MOST_ITEMS {
        return None;
    }
    let mut search = Search {
        amounts,
        most,
        chosen: Vec::new(),
        found: None,
        count: 0,
        steps: 0,
        lowest: vec![0; amounts.len() + 1],
        highest: vec![0; amounts.len() + 1],
    };
    for index in (0..amounts.len()).rev() {
        search.lowest[index] = search.lowest[index + 1] + amounts[index].min(0);
        search.highest[index] = search.highest[index + 1] + amounts[index].max(0);
    }
    search.visit(0, target);
    if search.count == 1 && search.steps < MOST_STEPS { search.found } else { None }
}

const MOST_STEPS: u32 = 2_000_000;

struct Search<'a> {
    amounts: &'a [i128],
    most: usize,
    chosen: Vec<usize>,
    found: Option<Vec<usize>>,
    count: u32,
    steps: u32,
    /// The least and the greatest sum that the amounts from an index on can give.
    lowest: Vec<i128>,
    highest: Vec<i128>,
}

impl Search<'_> {
    fn visit(&mut self, from: usize, left: i128) {
        self.steps += 1;
        if self.count > 1 || self.steps >= MOST_STEPS {
            return;
        }
        if left == 0 && self.chosen.len() >= 2 {
            self.count += 1;
            self.found = Some(self.chosen.clone());
        }
        if self.chosen.len() == self.most {
            return;
        }
        for index in from..self.amounts.len() {
            if left < self.lowest[index] || left > self.highest[index] {
                return;
            }
            self.chosen.push(index);
            self.visit(index + 1, left - self.amounts[index]);
            self.chosen.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_subset_is_found() {
        assert_eq!(only_subset(&[100, 250, 400], 500, 6), Some(vec![0, 2]));
        assert_eq!(only_subset(&[100, 250, -50], 50, 6), Some(vec![0, 2]), "a credit is set off");
    }

    #[test]
    fn two_subsets_are_no_answer() {
        assert_eq!(only_subset(&[100, 100, 400], 500, 6), None);
        assert_eq!(only_subset(&[1, 2, 3, 4], 5, 6), None);
    }

    #[test]
    fn one_item_is_no_subset_and_the_limit_holds() {
        assert_eq!(only_subset(&[500, 7], 500, 6), None);
        assert_eq!(only_subset(&[1, 2, 4, 8], 15, 3), None);
        assert_eq!(only_subset(&[1, 2, 4, 8], 15, 4), Some(vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_long_list_of_equal_amounts_ends() {
        assert_eq!(only_subset(&[7; 40], 1_000, 6), None);
        assert_eq!(only_subset(&[7; 41], 14, 6), None);
    }
}
