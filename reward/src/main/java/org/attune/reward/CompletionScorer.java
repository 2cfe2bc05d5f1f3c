package org.attune.reward;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Map;
import java.util.function.BiFunction;

/// Judges a round of completions: at its end, or each as soon as it is finished, as [RewardScorer]
/// does.
@Api(EXPERIMENTAL)
@FunctionalInterface
public interface CompletionScorer {
    /// @return one row per completion, in their order
    RewardTable score(RewardBatch batch);

    /// Opens a round. Unless overridden, everything is scored at its end.
    ///
    /// @param completions how many there will be
    default Session begin(int completions) {
        return this::score;
    }

    /// What tells this judge apart from others beyond the run's configuration, by name: a run
    /// resumes only with the same.
    default Map<String, String> identity() {
        return Map.of();
    }

    /// A round of completions under judgement. For one thread.
    @FunctionalInterface
    interface Session {
        /// Hands over a finished completion while others are still being generated; returns at
        /// once. Called once for each.
        ///
        /// @param index its row in the table
        /// @param columns further columns of its row in the data set
        default void submit(
                int index, Prompt prompt, Completion completion, Map<String, Object> columns) {}

        /// Waits for what isn't judged yet.
        ///
        /// @param all the completions that were submitted, in their order
        /// @return one row per completion, in their order
        RewardTable finish(RewardBatch all);

        /// Adds a step that completes this round's table when all is judged.
        ///
        /// @param rest gives the whole table, from this round's and the completions
        default Session with(BiFunction<RewardTable, RewardBatch, RewardTable> rest) {
            Session judged = this;
            return new Session() {
                @Override
                public void submit(
                        int index,
                        Prompt prompt,
                        Completion completion,
                        Map<String, Object> columns) {
                    judged.submit(index, prompt, completion, columns);
                }

                @Override
                public RewardTable finish(RewardBatch all) {
                    return rest.apply(judged.finish(all), all);
                }
            };
        }
    }
}
