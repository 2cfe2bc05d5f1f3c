package org.attune.trainers.heads;

import org.attune.trainers.heads.HeadTask.Judged;
import org.attune.trainers.loop.MetricKeys;

import java.util.List;
import java.util.Map;

/// What a classifier is taught.
final class ClassifyTask {
    private ClassifyTask() {}

    static HeadTask of(LabelNames names) {
        HeadLoss loss =
                switch (names.problem()) {
                    case SINGLE_LABEL_CLASSIFICATION -> new HeadLoss.CrossEntropy();
                    case MULTI_LABEL_CLASSIFICATION -> new HeadLoss.BinaryCrossEntropy();
                    case REGRESSION -> new HeadLoss.SquaredError();
                };
        return new HeadTask(
                "classify",
                names.size(),
                loss,
                row -> row.labels().stream().map(label -> names.target(label, row)).toList(),
                names.problem() == ProblemType.REGRESSION ? HeadMetrics.MSE : MetricKeys.ACCURACY,
                switch (names.problem()) {
                    case SINGLE_LABEL_CLASSIFICATION -> HeadMetrics::isRight;
                    case MULTI_LABEL_CLASSIFICATION -> HeadMetrics::areRight;
                    case REGRESSION -> HeadMetrics::squared;
                },
                rows -> metrics(names, rows),
                names.problem() == ProblemType.REGRESSION
                        ? HeadMetrics.SPEARMAN
                        : MetricKeys.ACCURACY);
    }

    private static Map<String, Double> metrics(LabelNames names, List<List<Judged>> rows) {
        List<Judged> units = rows.stream().flatMap(List::stream).toList();
        return switch (names.problem()) {
            case SINGLE_LABEL_CLASSIFICATION -> {
                Map<String, Double> metrics = HeadMetrics.classes(units);
                if (Entities.areNamedBy(names.names())) {
                    metrics.putAll(Entities.metrics(names.names(), rows));
                }
                yield metrics;
            }
            case MULTI_LABEL_CLASSIFICATION -> HeadMetrics.severalClasses(units);
            case REGRESSION -> HeadMetrics.numbers(units);
        };
    }
}
