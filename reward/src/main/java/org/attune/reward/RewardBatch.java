package org.attune.reward;

import java.util.List;
import java.util.Map;

/// Completions to be judged, each with its prompt and its row's further columns.
///
/// @param prompts prompt of each completion (completions of one group repeat it), `(n)`
/// @param completions `(n)`
/// @param columns the data set's other columns by name, each `(n)`; an absent value is null
public record RewardBatch(
        List<Prompt> prompts, List<Completion> completions, Map<String, List<Object>> columns) {
    public RewardBatch {
        prompts = List.copyOf(prompts);
        completions = List.copyOf(completions);
        columns = Map.copyOf(columns);
        if (prompts.size() != completions.size()) {
            throw new IllegalArgumentException(
                    "prompts and completions must be as many, got %d and %d"
                            .formatted(prompts.size(), completions.size()));
        }
        for (Map.Entry<String, List<Object>> column : columns.entrySet()) {
            if (column.getValue().size() != completions.size()) {
                throw new IllegalArgumentException(
                        "column \"%s\" has %d values for %d completions"
                                .formatted(
                                        column.getKey(),
                                        column.getValue().size(),
                                        completions.size()));
            }
        }
    }

    /// Number of completions, `n`.
    public int size() {
        return completions.size();
    }
}
