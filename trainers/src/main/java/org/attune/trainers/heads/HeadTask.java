package org.attune.trainers.heads;

import org.attune.trainers.examples.LabelledExample;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/// What a score head is taught.
///
/// @param method the method's name
/// @param labels scores of each place that is judged
/// @param loss of a unit: a text, a word, or a query with all its documents
/// @param targets of a row's units, in order
/// @param unitMetric name of `each`
/// @param each metric of a unit, whose mean training shows
/// @param metrics of rows with their judged units, for an evaluation
/// @param quality the metric by which held-out quality is compared
record HeadTask(
        String method,
        int labels,
        HeadLoss loss,
        Function<LabelledExample, List<double[]>> targets,
        String unitMetric,
        ToDoubleFunction<Judged> each,
        Function<List<List<Judged>>, Map<String, Double>> metrics,
        String quality) {
    /// The mean of `each` over units.
    double mean(List<Judged> units) {
        return units.stream().mapToDouble(each).average().orElse(0);
    }

    /// Metrics of units, whichever rows they belong to.
    static Function<List<List<Judged>>, Map<String, Double>> ofUnits(
            Function<List<Judged>, Map<String, Double>> metrics) {
        return rows -> metrics.apply(rows.stream().flatMap(List::stream).toList());
    }

    /// A unit with what the model said.
    ///
    /// @param scores `z`
    /// @param target `y`
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Judged(double[] scores, double[] target) {}
}
