use super::*;

fn landing(ranges: &[(i32, i64, i64)]) -> Landing {
    Landing::of(ranges.iter().map(|&(partition, from, to)| (partition, Range { from, to })))
}

fn permit(ranges: &[(i32, i64, i64)], heads: &Heads) -> Permit {
    match landing(ranges).next(heads) {
        Next::Commit(permit) => permit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_permit_carries_the_heads_that_follow() {
    let permit = permit(&[(0, 5, 9), (1, 0, 2)], &Heads::from([(0, 5)]));
    assert_eq!(permit.positions().collect::<Vec<_>>(), [(0, 9), (1, 2)]);
}

#[test]
fn rows_of_two_partitions_are_landed_together_or_not_at_all() {
    let offered = [(0, 0, 5), (1, 0, 2)];
    assert_eq!(landing(&offered).next(&Heads::from([(0, 5), (1, 2)])), Next::Landed);
    let half = landing(&offered).next(&Heads::from([(0, 5)]));
    assert!(matches!(half, Next::Refuse(Refusal::Stale { partition: 0, head: 5, .. })), "{half:?}");
}

#[test]
fn rows_without_positions_are_refused() {
    assert_eq!(landing(&[]).next(&Heads::new()), Next::Refuse(Refusal::Nothing));
}

#[test]
fn whoever_comes_second_looks_again_and_gives_up_in_the_end() {
    let mut looks = 0;
    let mut permit = permit(&[(0, 0, 1)], &Heads::new());
    loop {
        permit = match permit.answered(Answer::Taken) {
            After::LookAgain(landing) => match landing.next(&Heads::new()) {
                Next::Commit(permit) => permit,
                other => panic!("{other:?}"),
            },
            after => break assert_eq!(after, After::GiveUp),
        };
        looks += 1;
    }
    assert_eq!(looks, TRIES - 1);
}

#[test]
fn whoever_does_not_know_begins_anew() {
    assert_eq!(permit(&[(0, 0, 1)], &Heads::new()).answered(Answer::Unknown), After::BeginAnew);
}

#[test]
fn two_who_decide_to_go_on_past_a_gap_do_it_once() {
    let decided = || landing(&[(0, 5, 40)]);
    let Next::Commit(first) = decided().next(&Heads::from([(0, 5)])) else { panic!("it follows the head") };
    assert_eq!(first.positions().collect::<Vec<_>>(), [(0, 40)]);
    assert_eq!(decided().next(&Heads::from([(0, 40)])), Next::Landed);
}
