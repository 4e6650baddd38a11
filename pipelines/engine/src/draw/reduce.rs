//! Fewer of something, as long as something else stays true.

/// The items that are left when none of them can go: with each removed alone, `holds` is no longer true. Larger parts
/// are tried first (Zeller and Hildebrandt, *Simplifying and isolating failure-inducing input*, 2002: `ddmin`).
///
/// `holds` answers false, too, when no more is to be tried; what is left then is right, but not the least.
pub async fn reduced<T: Clone, E>(
    mut items: Vec<T>,
    holds: &mut impl AsyncFnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut parts = 2;
    while !items.is_empty() {
        let size = items.len().div_ceil(parts);
        let mut smaller = None;
        for start in (0..items.len()).step_by(size) {
            let end = (start + size).min(items.len());
            let rest: Vec<T> = items[..start].iter().chain(&items[end..]).cloned().collect();
            if holds(&rest).await? {
                smaller = Some(rest);
                break;
            }
        }
        match smaller {
            Some(rest) => {
                items = rest;
                parts = (parts - 1).max(2);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(items.len()),
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_what_is_needed_is_left() {
        let mut tries = 0;
        let needed = [3, 57, 90];
        let left = futures::executor::block_on(reduced((0..100).collect(), &mut async |items: &[u32]| {
            tries += 1;
            Ok::<_, ()>(needed.iter().all(|item| items.contains(item)))
        }));
        assert_eq!(left, Ok(needed.to_vec()));
        assert!(tries < 100, "{tries}");
    }

    #[test]
    fn nothing_is_left_when_nothing_is_needed() {
        let left = futures::executor::block_on(reduced(vec![1, 2, 3], &mut async |_: &[u32]| Ok::<_, ()>(true)));
        assert_eq!(left, Ok(vec![]));
    }
}
