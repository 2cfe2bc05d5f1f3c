package org.attune.rollout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Hears of every completion as soon as it has ended, while others are still being generated, on
/// the thread that generates. What it does should be cheap.
@Api(EXPERIMENTAL)
@FunctionalInterface
public interface FinishedListener {
    /// Hears nothing.
    FinishedListener NONE = (_, _) -> {};

    /// Called once for a completion, in the order in which they end.
    ///
    /// @param index of its prompt
    void finished(int index, SampledCompletion completion);
}
