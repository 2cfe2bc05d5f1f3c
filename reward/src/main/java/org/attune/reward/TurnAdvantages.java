package org.attune.reward;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Advantages of turns. What a turn earns is what comes from there on:
/// ```
/// G_{i,t} = Σ_{k ≥ t} γ^{k−t} r_{i,k},   0 where the episode has ended before t
/// A_{i,t} = G_{i,t} − mean_j G_{j,t}     over all episodes of the group
/// ```
/// An episode that has ended counts as 0 at later turns, so the baseline of a turn does not depend
/// on when episode i ends. A mean over those alone that reached a turn does, and so does a sum of
/// such means up to the own end: both reward an early end where what follows is worth something.
/// Without the own episode in the mean (leave one out) the gradient has the right expectation; with
/// it, `(n − 1)/n` of that.
///
/// Advantages are divided by the deviation (n − 1) of what episodes earn, plus 1e-4: of the whole
/// episode or of a later turn, whichever is largest. So a group whose episodes are worth the same
/// and differ in when isn't divided by almost 0. Computed in double precision.
final class TurnAdvantages {
    private final GroupedRewards round;
    private final double[][] earned; // G of each completion and turn; empty without a reward

    private TurnAdvantages(GroupedRewards round, double gamma) {
        this.round = round;
        earned = new double[round.table().size()][];
        for (int i = 0; i < earned.length; i++) {
            earned[i] = earned(i, gamma);
        }
    }

    /// @param gamma γ, in [0, 1]
    /// @param scale by what advantages are divided
    /// @param leaveOut whether an episode's baseline is the mean of the others
    static Advantages of(
            GroupedRewards round, double gamma, Advantages.Scale scale, boolean leaveOut) {
        return new TurnAdvantages(round, gamma).advantages(scale, leaveOut);
    }

    private double[] earned(int completion, double gamma) {
        if (Double.isNaN(round.table().total(completion))) {
            return new double[0];
        }
        double[] earned = round.table().ofTurns(completion, round.turns(completion));
        for (int t = earned.length - 2; t >= 0; t--) {
            earned[t] += gamma * earned[t + 1];
        }
        return earned;
    }

    private Advantages advantages(Advantages.Scale scale, boolean leaveOut) {
        int groups = earned.length / round.generations();
        double[] values = new double[earned.length];
        double[][] tokens = new double[earned.length][];
        double ofRound = scale == Advantages.Scale.BATCH ? deviation(present(0, earned.length)) : 0;
        for (int g = 0; g < groups; g++) {
            int from = g * round.generations();
            List<Integer> members = present(from, from + round.generations());
            double divisor =
                    switch (scale) {
                        case GROUP -> deviation(members) + Advantages.EPSILON;
                        case BATCH -> ofRound + Advantages.EPSILON;
                        case NONE -> 1;
                    };
            for (int i = from; i < from + round.generations(); i++) {
                double[] ofTurns = ofTurns(i, members, leaveOut);
                tokens[i] = new double[round.masks()[i].length];
                for (int t = 0; t < tokens[i].length && ofTurns.length > 0; t++) {
                    tokens[i][t] = ofTurns[round.turn(i, t)] / divisor;
                }
                values[i] = ofTurns.length == 0 ? 0 : ofTurns[0] / divisor;
            }
        }
        return new Advantages(
                values,
                Optional.of(tokens),
                Advantages.statistics(round.table(), round.generations()));
    }

    /// Completions that have a reward.
    private List<Integer> present(int from, int to) {
        List<Integer> present = new ArrayList<>();
        for (int i = from; i < to; i++) {
            if (earned[i].length > 0) {
                present.add(i);
            }
        }
        return present;
    }

    private double at(int completion, int turn) {
        return turn < earned[completion].length ? earned[completion][turn] : 0;
    }

    private double[] ofTurns(int completion, List<Integer> members, boolean leaveOut) {
        double[] advantages = new double[earned[completion].length];
        if (leaveOut && members.size() < 2) {
            return advantages; // nothing to compare with
        }
        for (int t = 0; t < advantages.length; t++) {
            double sum = 0;
            for (int j : members) {
                sum += at(j, t);
            }
            double own = earned[completion][t];
            advantages[t] =
                    leaveOut
                            ? own - (sum - own) / (members.size() - 1)
                            : own - sum / members.size();
        }
        return advantages;
    }

    /// The largest deviation of any turn's returns; 0 of fewer than two episodes.
    private double deviation(List<Integer> members) {
        int turns = members.stream().mapToInt(i -> earned[i].length).max().orElse(0);
        double largest = 0;
        for (int t = 0; t < turns && members.size() > 1; t++) {
            int turn = t;
            double[] returns = members.stream().mapToDouble(i -> at(i, turn)).toArray();
            double mean = Arrays.stream(returns).average().orElseThrow();
            double squares = Arrays.stream(returns).map(r -> (r - mean) * (r - mean)).sum();
            largest = Math.max(largest, Math.sqrt(squares / (returns.length - 1)));
        }
        return largest;
    }
}
