package org.attune.trainers.onpolicy;

import org.attune.error.StopRequest;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.tensor.TensorScope;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.step.GroupNumbers;
import org.attune.trainers.step.LastLayout;
import org.attune.trainers.step.RowGroups;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Measures completions by frozen models and critics, without gradients. On the engine thread.
///
/// @param method names the scopes
/// @param groups what is computed at once
/// @param devices among which rows are dealt; borrowed
/// @param clock counts the time
public record CompletionMeasure(
        String method, RowGroups groups, LogicalDevices devices, PhaseClock clock) {
    /// Log-probabilities and statistics of each row's tokens.
    ///
    /// @param phase under which the time is counted
    public List<Measurement> of(
            List<CompletionForest.Row> rows, Scorer scorer, HeadRequest request, String phase) {
        var measured = new Measurement[rows.size()];
        measure(
                rows,
                own -> CompletionForest.of(rows(rows, own), groups.shares()),
                (own, forest) ->
                        scorer.measure(
                                forest.forest(),
                                request.within(CompletionForest.drawable(rows(rows, own)))),
                phase,
                (row, range, all) -> measured[row] = part(all, range));
        return List.of(measured);
    }

    /// A critic's estimates.
    ///
    /// @param counts as in [CompletionForest#values]
    /// @param phase under which the time is counted
    public List<float[]> values(
            List<CompletionForest.Row> rows, int[] counts, Scorer critic, String phase) {
        var values = new float[rows.size()][];
        measure(
                rows,
                own ->
                        CompletionForest.values(
                                rows(rows, own),
                                own.stream().mapToInt(row -> counts[row]).toArray(),
                                groups.shares()),
                (_, forest) -> critic.measure(forest.forest(), HeadRequest.of()),
                phase,
                (row, range, all) ->
                        values[row] =
                                Arrays.copyOfRange(
                                        all.tokenLogProbs(), range.start(), range.end()));
        return List.of(values);
    }

    private static List<CompletionForest.Row> rows(
            List<CompletionForest.Row> rows, List<Integer> own) {
        return own.stream().map(rows::get).toList();
    }

    private interface Sink {
        void take(int row, TargetRange range, Measurement all);
    }

    private void measure(
            List<CompletionForest.Row> rows,
            Function<List<Integer>, CompletionForest> layout,
            BiFunction<List<Integer>, CompletionForest, Measurement> scorer,
            String phase,
            Sink sink) {
        var layouts = new LastLayout<>(layout);
        List<Integer> numbers = IntStream.range(0, rows.size()).boxed().toList();
        try (var _ = clock.enter(phase)) {
            groups.dealt(devices, numbers, row -> rows.get(row).sequences())
                    .measure(
                            phase,
                            group -> {
                                StopRequest.check();
                                try (var _ = TensorScope.open(method + "." + phase)) {
                                    return GroupNumbers.of(scorer.apply(group, layouts.of(group)));
                                }
                            },
                            (group, said) -> {
                                List<TargetRange> ranges = layouts.of(group).completions();
                                for (int i = 0; i < group.size(); i++) {
                                    sink.take(group.get(i), ranges.get(i), said.policy());
                                }
                            });
        }
    }

    private static Measurement part(Measurement all, TargetRange range) {
        var statistics = new EnumMap<HeadStatistic, float[]>(HeadStatistic.class);
        all.statistics()
                .forEach(
                        (key, v) ->
                                statistics.put(
                                        key, Arrays.copyOfRange(v, range.start(), range.end())));
        return new Measurement(
                Arrays.copyOfRange(all.tokenLogProbs(), range.start(), range.end()), statistics);
    }
}
