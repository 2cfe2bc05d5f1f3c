package org.attune.trainers.ppo;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/// Plans how the completions of an update are cut into optimizer steps.
///
/// By default an epoch makes one step of each mini-batch, and a step's loss is the mean over the
/// tokens of its mini-batch; how it is computed changes nothing. With TRL's layout a mini-batch is
/// cut into micro-batches that have their own means, and every `accumulation` micro-batches make
/// a step, wherever mini-batches end; micro-batches that are left at the end of an update make one
/// too.
///
/// @param completions of an update, ≥ 1, a multiple of `miniBatches`
/// @param miniBatches of an epoch, ≥ 1
/// @param microBatchRows completions of a micro-batch in TRL's layout, ≥ 1
/// @param accumulation micro-batches of a step in TRL's layout, ≥ 1
/// @param trlLayout whether to keep it
record UpdatePlan(
        int completions, int miniBatches, int microBatchRows, int accumulation, boolean trlLayout) {

    /// Completions whose loss is a mean over their tokens.
    ///
    /// @param slot where their statistics stand, see [#slots]
    /// @param rows numbers of the completions
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Part(int slot, int[] rows) {}

    /// An optimizer step of an update.
    ///
    /// @param epoch from 0
    /// @param parts their losses are added
    public record Step(int epoch, List<Part> parts) {
        public Step {
            parts = List.copyOf(parts);
        }
    }

    /// All steps of an update.
    ///
    /// @param epochs passes over the completions
    /// @param order of the completions in an epoch, a permutation
    public List<Step> steps(int epochs, IntFunction<int[]> order) {
        List<Step> steps = new ArrayList<>();
        List<Part> pending = new ArrayList<>();
        int size = completions / miniBatches;
        for (int epoch = 0; epoch < epochs; epoch++) {
            int[] permutation = order.apply(epoch);
            for (int b = 0; b < miniBatches; b++) {
                int[] rows = Arrays.copyOfRange(permutation, b * size, (b + 1) * size);
                if (!trlLayout) {
                    Arrays.sort(rows); // neighbours may share a prompt
                    int slot = epoch * miniBatches + b;
                    steps.add(new Step(epoch, List.of(new Part(slot, rows))));
                    continue;
                }
                for (int m = 0; m * microBatchRows < size; m++) {
                    int from = m * microBatchRows;
                    int to = Math.min(size, from + microBatchRows);
                    int slot = (epoch * miniBatches + b) * accumulation + m;
                    pending.add(new Part(slot, Arrays.copyOfRange(rows, from, to)));
                    if (pending.size() == accumulation) {
                        steps.add(new Step(epoch, pending));
                        pending.clear();
                    }
                }
            }
        }
        if (!pending.isEmpty()) {
            steps.add(new Step(epochs - 1, pending));
        }
        return steps;
    }

    /// Weight of a part's mean in the loss of its step.
    public double partWeight() {
        return trlLayout ? 1.0 / accumulation : 1;
    }

    /// Places for statistics of an update. In TRL's layout more than are filled, where mini-batches
    /// have fewer micro-batches than a step; those count as 0.
    public int slots(int epochs) {
        return epochs * miniBatches * (trlLayout ? accumulation : 1);
    }
}
