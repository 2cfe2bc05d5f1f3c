package org.attune.trainers.onpolicy;

import org.attune.datasets.layout.CompletionForest;
import org.attune.datasets.layout.TargetRange;
import org.attune.error.StopRequest;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.tensor.TensorScope;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.rows.RowGroups;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;

/// Measures completions by frozen models and critics, without gradients. On the engine thread.
///
/// @param method names the scopes
/// @param groups what is computed at once
/// @param clock counts the time
public record CompletionMeasure(String method, RowGroups groups, PhaseClock clock) {
    /// Log-probabilities and statistics of each row's tokens.
    ///
    /// @param phase under which the time is counted
    public List<Measurement> of(
            List<CompletionForest.Row> rows, Scorer scorer, HeadRequest request, String phase) {
        List<Measurement> measured = new ArrayList<>();
        try (var _ = clock.enter(phase)) {
            for (List<CompletionForest.Row> group :
                    groups.of(rows, CompletionForest.Row::sequences)) {
                StopRequest.check();
                try (var _ = TensorScope.open(method + "." + phase)) {
                    CompletionForest forest = CompletionForest.of(group, groups.shares());
                    Measurement all = scorer.measure(forest.forest(), request);
                    forest.completions().forEach(range -> measured.add(part(all, range)));
                }
            }
        }
        return measured;
    }

    /// A critic's estimates.
    ///
    /// @param counts as in [CompletionForest#values]
    /// @param phase under which the time is counted
    public List<float[]> values(
            List<CompletionForest.Row> rows, int[] counts, Scorer critic, String phase) {
        List<float[]> values = new ArrayList<>();
        int done = 0;
        try (var _ = clock.enter(phase)) {
            for (List<CompletionForest.Row> group :
                    groups.of(rows, CompletionForest.Row::sequences)) {
                StopRequest.check();
                try (var _ = TensorScope.open(method + "." + phase)) {
                    int[] own = Arrays.copyOfRange(counts, done, done + group.size());
                    CompletionForest forest = CompletionForest.values(group, own, groups.shares());
                    float[] all = critic.measure(forest.forest(), HeadRequest.of()).tokenLogProbs();
                    forest.completions()
                            .forEach(r -> values.add(Arrays.copyOfRange(all, r.start(), r.end())));
                }
                done += group.size();
            }
        }
        return values;
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
