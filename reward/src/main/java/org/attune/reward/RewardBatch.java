package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.episode.Episode;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Completions to be judged, each with its prompt and its row's further columns.
///
/// @param prompts prompt of each completion (completions of one group repeat it), `(n)`
/// @param completions `(n)`
/// @param columns the data set's other columns by name, in a
///     fixed order, each `(n)`; an absent value is null
/// @param log takes metrics and extra columns
@Api(STABLE)
public record RewardBatch(
        List<Prompt> prompts,
        List<Completion> completions,
        Map<String, List<Object>> columns,
        RewardLog log) {
    public RewardBatch {
        prompts = List.copyOf(prompts);
        completions = List.copyOf(completions);
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
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

    /// A batch whose metrics and extra columns nobody wants.
    public RewardBatch(
            List<Prompt> prompts, List<Completion> completions, Map<String, List<Object>> columns) {
        this(prompts, completions, columns, RewardLog.NONE);
    }

    /// Number of completions, `n`.
    public int size() {
        return completions.size();
    }

    /// The episodes that the completions are, `(n)`.
    ///
    /// @throws IllegalStateException if one is a single answer
    public List<Episode> episodes() {
        return completions.stream()
                .map(
                        c ->
                                c.episode()
                                        .orElseThrow(
                                                () ->
                                                        new IllegalStateException(
                                                                "a completion is no episode: its"
                                                                    + " run names neither tools nor"
                                                                    + " environments")))
                .toList();
    }

    /// Logs a number beside the rewards; see [RewardLog#metric].
    public void logMetric(String name, double value) {
        log.metric(name, value);
    }

    /// Adds a column to the table of completions; see [RewardLog#extra].
    public void logExtra(String column, List<?> values) {
        log.extra(column, values);
    }
}
