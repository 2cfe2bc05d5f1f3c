package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;

/// A prompt with the steps of its solution, each judged at the last token of the separator behind
/// it.
///
/// @param ids token ids of the whole; do not modify
/// @param steps what is learnt, in order; at least one
/// @param origin the row it comes from
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record StepwiseExample(int[] ids, List<JudgedStep> steps, RowOrigin origin)
        implements TrainingRow {
    /// @throws IllegalArgumentException if a step stands outside the tokens
    public StepwiseExample {
        steps = List.copyOf(steps);
        for (JudgedStep step : steps) {
            if (step.end() < 0 || step.end() >= ids.length) {
                throw new IllegalArgumentException(
                        "a step at %d, but there are %d tokens".formatted(step.end(), ids.length));
            }
        }
    }

    /// @param end index of the token at which the step is judged
    /// @param right whether it is a good step
    public record JudgedStep(int end, boolean right) {}

    /// Number of tokens.
    @Override
    public int length() {
        return ids.length;
    }

    @Override
    public List<int[]> sequences() {
        return List.of(ids);
    }

    @Override
    public List<String> origins() {
        return List.of(origin.where());
    }
}
