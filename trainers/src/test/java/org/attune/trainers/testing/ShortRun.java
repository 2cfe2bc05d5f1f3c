package org.attune.trainers.testing;

import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;

import java.nio.file.Path;

/// The training of runs over a handful of rows.
public final class ShortRun {
    private ShortRun() {}

    /// All rows in file order, everything logged.
    public static TrainingConfig of(TrainingConfig t, int steps, double learningRate, Path output) {
        return t.withOptimizer(o -> o.withLearningRate(learningRate))
                .withSchedule(s -> s.withMaxSteps(steps))
                .withBatch(b -> b.withTrainSamplingStrategy(SamplingStrategy.SEQUENTIAL))
                .withLog(l -> l.withLoggingSteps(1))
                .withSave(s -> s.withOutputDir(output));
    }
}
