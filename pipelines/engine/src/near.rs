//! Names that were perhaps meant.

/// `; did you mean …?` when a known name is near; nothing otherwise.
pub fn did_you_mean<S: AsRef<str>>(unknown: &str, known: impl IntoIterator<Item = S>) -> String {
    let unknown = unknown.to_lowercase();
    let near = known.into_iter().map(|name| (distance(&unknown, &name.as_ref().to_lowercase()), name));
    match near.min_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.as_ref().cmp(y.as_ref()))) {
        Some((distance, name)) if distance <= 1 + unknown.chars().count() / 4 => {
            format!("; did you mean {}?", name.as_ref())
        }
        _ => String::new(),
    }
}

/// How many characters to insert, remove, replace or swap with their neighbour, to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("paymnet_in", ["file", "payment_in"]), "; did you mean payment_in?");
        assert_eq!(did_you_mean("Gross", ["net", "gross"]), "; did you mean gross?");
        assert_eq!(did_you_mean("zzz", ["file", "payment_in"]), "");
    }
}
