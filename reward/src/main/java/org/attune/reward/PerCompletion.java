package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/// A reward that judges each completion by itself.
/// ```
/// RewardFunction polite =
///         new PerCompletion("polite", row -> row.text().contains("please") ? 1 : 0);
/// ```
///
/// @param name in metrics
/// @param requiredColumns columns that must be there
/// @param judge called once per completion, from several threads
@Api(STABLE)
public record PerCompletion(String name, Set<String> requiredColumns, Judge judge)
        implements RewardFunction {
    public PerCompletion {
        requiredColumns = Set.copyOf(requiredColumns);
    }

    /// A reward that always applies and needs no column.
    public PerCompletion(String name, Score score) {
        this(name, Set.of(), row -> OptionalDouble.of(score.score(row)));
    }

    /// Judges one completion; empty where the reward doesn't apply.
    @FunctionalInterface
    public interface Judge {
        OptionalDouble judge(Row row);
    }

    /// Scores one completion.
    @FunctionalInterface
    public interface Score {
        double score(Row row);
    }

    /// A completion with what belongs to it.
    ///
    /// @param columns further columns of the whole batch; see [#column]
    /// @param index the completion's place in them
    public record Row(
            Prompt prompt, Completion completion, Map<String, List<Object>> columns, int index) {
        /// The completion's text.
        public String text() {
            return completion.text();
        }

        /// The value of a column; null if it is absent or null.
        public Object column(String column) {
            List<Object> values = columns.get(column);
            return values == null ? null : values.get(index);
        }
    }

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        var rewards = new ArrayList<OptionalDouble>();
        for (int i = 0; i < batch.size(); i++) {
            rewards.add(
                    judge.judge(
                            new Row(
                                    batch.prompts().get(i),
                                    batch.completions().get(i),
                                    batch.columns(),
                                    i)));
        }
        return rewards;
    }
}
