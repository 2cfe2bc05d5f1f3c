package org.attune.trainers.testing;

import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;

import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/// The training of runs over a handful of rows.
public final class ShortRun {
    /// Ways to cut the steps of [#twoByTwo] that give the same where losses are sums over rows or
    /// over all tokens of a step.
    public static final List<UnaryOperator<BatchConfig>> CUTS =
            List.of(
                    b -> b.withPerDeviceTrainBatchSize(4).withGradientAccumulationSteps(1),
                    b -> b.withPerDeviceTrainBatchSize(1).withGradientAccumulationSteps(4));

    private ShortRun() {}

    /// All rows in file order, everything logged.
    public static TrainingConfig of(TrainingConfig t, int steps, double learningRate, Path output) {
        return t.withOptimizer(o -> o.withLearningRate(learningRate))
                .withSchedule(s -> s.withMaxSteps(steps))
                .withBatch(b -> b.withTrainSamplingStrategy(SamplingStrategy.SEQUENTIAL))
                .withLog(l -> l.withLoggingSteps(1))
                .withSave(s -> s.withOutputDir(output));
    }

    /// Two micro-batches of two rows a step, in random order.
    public static TrainingConfig twoByTwo(TrainingConfig t) {
        return t.withBatch(
                b ->
                        b.withPerDeviceTrainBatchSize(2)
                                .withGradientAccumulationSteps(2)
                                .withTrainSamplingStrategy(SamplingStrategy.RANDOM));
    }
}
