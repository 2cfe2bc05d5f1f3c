package org.attune.trainers.heads;

import org.attune.trainers.loop.MetricKeys;

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
                switch (names.problem()) {
                    case SINGLE_LABEL_CLASSIFICATION -> HeadMetrics::classes;
                    case MULTI_LABEL_CLASSIFICATION -> HeadMetrics::severalClasses;
                    case REGRESSION -> HeadMetrics::numbers;
                },
                names.problem() == ProblemType.REGRESSION
                        ? HeadMetrics.SPEARMAN
                        : MetricKeys.ACCURACY);
    }
}
