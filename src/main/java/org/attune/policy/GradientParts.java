package org.attune.policy;

import org.attune.policy.ParameterSpace.Parameter;
import org.attune.ranks.Collective;
import org.attune.ranks.RankParts;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// The sums of a space's gradients over several processes, of which each keeps its part: the second
/// stage of ZeRO ([Rajbhandari et al. 2020](https://arxiv.org/abs/1910.02054), Sec. 5.2). As soon
/// as a backward pass has finished some gradients, they are added up over the processes, and the
/// memory in which they stood is used again.
///
/// A step has rounds. In a round each logical device has one pass at most, and a process has its
/// devices' passes one after the other, each in a place that says which passes of the other
/// processes it belongs with: of N processes the first place has devices 0 … N − 1, the next one
/// devices N … 2N − 1. A round's sum is a binary tree of neighbouring devices. Rounds are added in
/// their order. So bits don't depend on the number of processes where it is a power of 2, and with
/// one round they are those of gradients that each device has whole.
///
/// All processes make the same calls. On the engine thread.
public final class GradientParts {
    private static final String WHAT = "gradients";

    private final ParameterSpace space;
    private final RankParts parts;
    private final TensorScope owner;
    private final List<List<RankParts.Stretch>> turns;
    private final List<Tensor> sums = new ArrayList<>(); // the step's, then those on the way
    private final BitSet added = new BitSet(); // turns, in the running pass
    private int open; // sums that count
    private int rounds;
    private int passes; // of the round
    private boolean passing;

    /// @param owner of what is allocated; borrowed
    /// @param space whose gradients take turns, or are added up when a pass is over
    GradientParts(TensorScope owner, ParameterSpace space, Collective ranks) {
        this.owner = owner;
        this.space = space;
        parts = new RankParts(ranks, space.count());
        sums.add(zeros());
        if (space.sharesGradients()) {
            turns = space.turns().stream().map(this::stretches).toList();
            space.whenComplete(this::add);
        } else {
            turns = List.of(stretches(space.parameters()));
        }
    }

    private Tensor zeros() {
        try (var _ = owner.enter()) {
            return Tensor.zeros(space.values().device(), DType.FLOAT32, parts.own());
        }
    }

    /// Where a turn's numbers stand, neighbours together.
    private List<RankParts.Stretch> stretches(List<Parameter> turn) {
        return RankParts.Stretch.joined(
                turn.stream()
                        .map(
                                p ->
                                        new RankParts.Stretch(
                                                p.offset(), space.gradientOffset(p), p.count()))
                        .toList());
    }

    Collective ranks() {
        return parts.ranks();
    }

    /// How the numbers are cut.
    public RankParts parts() {
        return parts;
    }

    /// This process's part of the sum, `(own)`; of a step after its last round.
    public Tensor sum() {
        return sums.getFirst();
    }

    /// Begins a step, whose sum is 0.
    public void begin() {
        sum().zeroInPlace();
        space.gradients().zeroInPlace(); // of a pass that was stopped
        open = 0;
        rounds = 0;
        passes = 0;
        passing = false;
    }

    /// Begins a pass, in the next place of the round.
    ///
    /// @param places of the round, ≥ 1
    public void beginPass(int places) {
        boolean addsToRight = passes % 2 == 1; // of two neighbours the second one
        boolean addsToStep = places == 1 && rounds > 0;
        if (!addsToRight && !addsToStep) {
            if (open == sums.size()) {
                sums.add(zeros());
            } else {
                sums.get(open).zeroInPlace();
            }
            open++;
        }
        added.clear();
        passing = true;
    }

    private void add(int turn) {
        if (!passing) {
            throw new IllegalStateException("a backward pass outside of a step");
        }
        if (added.get(turn)) {
            throw new IllegalStateException(
                    "a second backward pass for one group of rows, whose gradients have been added"
                            + " up over the processes already");
        }
        added.set(turn);
        List<RankParts.Stretch> stretches = turns.get(turn);
        parts.addSum(WHAT, space.gradients(), stretches, sums.get(open - 1));
        try (var _ = TensorScope.open("gradients")) {
            for (RankParts.Stretch s : stretches) {
                space.gradients().narrow(0, s.at(), s.length()).zeroInPlace();
            }
        }
    }

    /// Ends a pass.
    ///
    /// @param any whether a process had a pass in this place. What this one's pass, if it had one,
    ///     has not finished is added up now
    public void endPass(boolean any) {
        for (int turn = 0; turn < turns.size() && any; turn++) {
            if (!added.get(turn)) {
                add(turn);
            }
        }
        passing = false;
        passes++;
        if (passes % 2 == 0) {
            for (int pairs = passes / 2; pairs % 2 == 0; pairs /= 2) {
                join();
            }
        }
    }

    /// Ends a round.
    ///
    /// @param places as of its passes
    public void endRound(int places) {
        int first = rounds == 0 || places == 1 ? 0 : 1;
        while (open - 1 > first) {
            join();
        }
        if (first == 1) {
            join(); // with the rounds before
        }
        rounds++;
        passes = 0;
    }

    private void join() {
        open--;
        sums.get(open - 1).addInPlace(sums.get(open));
    }
}
