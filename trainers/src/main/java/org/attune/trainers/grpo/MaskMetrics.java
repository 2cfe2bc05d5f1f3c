package org.attune.trainers.grpo;

import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Map;

/// How many tokens a round's tokens were drawn from, where sampling left tokens out and the loss
/// keeps to them.
final class MaskMetrics {
    private MaskMetrics() {}

    /// @return empty if no row says it
    static Map<String, Double> of(List<RolloutRow> rows) {
        IntSummaryStatistics kept =
                rows.stream()
                        .flatMap(row -> row.tokens().drawable().stream())
                        .mapToInt(ids -> ids.length)
                        .summaryStatistics();
        return kept.getCount() == 0
                ? Map.of()
                : Map.of(
                        "sampling/mask_tokens/mean",
                        kept.getAverage(),
                        "sampling/mask_tokens/max",
                        (double) kept.getMax());
    }
}
