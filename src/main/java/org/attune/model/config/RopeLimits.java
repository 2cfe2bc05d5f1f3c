package org.attune.model.config;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;

import java.util.Arrays;
import java.util.List;

/// Refuses rotary embeddings that no decoder can compute.
final class RopeLimits {
    private RopeLimits() {}

    /// @throws ModelException naming what is impossible
    static void require(RopeConfig rope, int headDim, int maxPositions) {
        int rotary = rope.rotaryDim(headDim);
        if (rotary < 2 || rotary % 2 != 0) {
            throw new ModelException(
                    ("rotary embedding of %d features (head_dim %d × %s) is impossible; it must "
                                    + "be even")
                            .formatted(rotary, headDim, rope.partialRotaryFactor()));
        }
        switch (rope.scaling()) {
            case RopeScaling.Divisors d -> requireDivisors(d.divisors(), rotary);
            case RopeScaling.LongRope l -> {
                requireDivisors(l.shortDivisors(), rotary);
                requireDivisors(l.longDivisors(), rotary);
            }
            default -> {}
        }
        RopeTable table = RopeTable.of(rope, headDim, maxPositions);
        if (!Double.isFinite(table.attentionScaling())
                || !Arrays.stream(table.inverseFrequencies()).allMatch(Double::isFinite)) {
            throw new ModelException(
                    "%s gives rotary frequencies that aren't finite numbers"
                            .formatted(Excerpt.of(rope)));
        }
    }

    private static void requireDivisors(List<Double> divisors, int rotary) {
        if (divisors.size() != rotary / 2) {
            throw new ModelException(
                    "%d divisors of rotary frequencies, expected %d (half of what is rotated of a head)"
                            .formatted(divisors.size(), rotary / 2));
        }
    }
}
