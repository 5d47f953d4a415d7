// SPDX-License-Identifier: GPL-2.0-only
//! In which order the candidates of a repetition take their turns.

/// The candidates, by number, in the order of this repetition: rotated, and backwards every other time. Nobody always
/// has the same place or the same neighbour.
pub(crate) fn turns(candidates: usize, repetition: usize) -> impl Iterator<Item = usize> {
    (0..candidates).map(move |turn| {
        let turn = if repetition.is_multiple_of(2) { turn } else { candidates - 1 - turn };
        (repetition / 2 + turn) % candidates
    })
}

#[cfg(test)]
mod tests {
    use super::turns;

    #[test]
    fn each_takes_one_turn_in_a_repetition() {
        for repetition in 0..20 {
            let mut order: Vec<_> = turns(5, repetition).collect();
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn each_is_in_each_place_equally_often() {
        let mut times = [[0; 3]; 3];
        for repetition in 0..6 {
            turns(3, repetition).enumerate().for_each(|(place, candidate)| times[candidate][place] += 1);
        }
        assert_eq!(times, [[2; 3]; 3]);
    }

    #[test]
    fn the_first_two_are_neighbours_both_ways() {
        let first = |repetition| turns(2, repetition).next();
        assert_eq!((first(0), first(1), first(2), first(3)), (Some(0), Some(1), Some(1), Some(0)));
    }
}
