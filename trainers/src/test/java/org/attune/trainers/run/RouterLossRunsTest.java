package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.RecordingListener;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/// The loss that balances experts, in every kind of step: the same however a step is computed.
class RouterLossRunsTest {
    private static final double FACTOR = 0.5;
    private static final int STEPS = 2;

    @TempDir private Path folder;

    /// @param losses of the steps
    /// @param balance of the steps, or empty
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record End(float[] weights, List<Double> losses, List<Double> balance) {}

    private End train(
            String name, TinyRun method, double factor, UnaryOperator<TrainingConfig> changed) {
        TrainingConfig training =
                changed.apply(
                        ShortRun.of(SftConfig.defaults().training(), STEPS, 2, folder.resolve(name))
                                .withOptimizer(o -> o.withAdamEpsilon(1)) // steps like gradients
                                .withBatch(
                                        b ->
                                                b.withPerDeviceTrainBatchSize(2)
                                                        .withGradientAccumulationSteps(2)));
        Policy.Options options = Policy.Options.defaults().withRouterLoss(factor);
        return Engine.call(
                () -> {
                    var listener = new RecordingListener();
                    try (var decoder = TinyModels.decoder(TinyModels.mixture());
                            Policy policy = Policy.withAllWeights(decoder, options)) {
                        RunContext context =
                                RunContext.of(
                                                path ->
                                                        SafeTensorsWriter.write(
                                                                path.resolve("model.safetensors"),
                                                                policy.weights(DType.FLOAT32)))
                                        .withSharePrompts(false)
                                        .withListeners(listener);
                        method.train(training, policy, context);
                        ParameterSpace trained = policy.parameters();
                        return new End(
                                trained.values().toFloats(),
                                logged(listener, "loss"),
                                logged(listener, "aux_loss"));
                    }
                });
    }

    private static List<Double> logged(RecordingListener listener, String key) {
        return listener.logs.stream()
                .filter(log -> log.containsKey(key))
                .map(log -> ((Number) log.get(key)).doubleValue())
                .toList();
    }

    private static final List<UnaryOperator<TrainingConfig>> WAYS =
            List.of(
                    t -> t.withBatch(b -> b.withTokensPerMicroBatch(1)),
                    t -> t.withBatch(b -> b.withGradientAccumulationSteps(1).withLogicalDevices(2)),
                    t -> t.withBatch(b -> b.withTokensPerMicroBatch(30)));

    private void assertIndependentOfGroups(String name, TinyRun method, int ways) {
        End together = train(name, method, FACTOR, t -> t);
        End quiet = train(name + "-quiet", method, 0, t -> t);
        assertEquals(List.of(), quiet.balance());
        double without = together.losses().getFirst() - FACTOR * together.balance().getFirst();
        assertEquals(quiet.losses().getFirst(), without, 1e-5, name);
        assertNotEquals(quiet.losses().get(1), together.losses().get(1), 1e-3, name);
        for (int i = 0; i < ways; i++) {
            End other = train(name + i, method, FACTOR, WAYS.get(i));
            assertArrayEquals(together.weights(), other.weights(), 2e-5f, name + i);
            for (int step = 0; step < STEPS; step++) {
                assertEquals(
                        together.balance().get(step), other.balance().get(step), 1e-5, name + i);
                assertEquals(together.losses().get(step), other.losses().get(step), 1e-5, name + i);
            }
        }
    }

    @Test
    void whatIsComputedAtOnceChangesNothing() {
        assertIndependentOfGroups("sft", TinyRun.packedSft(), 1);
    }

    @Tag("thorough")
    @Test
    void everyMethodGivesTheSameNumbersWhateverIsComputedAtOnce() {
        assertIndependentOfGroups("sft", TinyRun.packedSft(), 3);
        assertIndependentOfGroups("dpo", TinyRun.DPO, 3);
        assertIndependentOfGroups("kto", TinyRun.KTO, 3);
        assertIndependentOfGroups("cpo", TinyRun.CPO, 3);
        assertIndependentOfGroups("orpo", TinyRun.ORPO, 3);
        assertIndependentOfGroups("tpo", TinyRun.TPO, 3);
    }

    @Tag("thorough")
    @Test
    void completionsAreBalancedToo() {
        End all = train("grpo", TinyRun.GRPO, FACTOR, t -> t);
        End alone =
                train(
                        "grpo-alone",
                        TinyRun.GRPO,
                        FACTOR,
                        t -> t.withBatch(b -> b.withTokensPerMicroBatch(1)));
        assertEquals(STEPS, all.balance().size());
        assertArrayEquals(all.weights(), alone.weights(), 2e-5f);
        assertEquals(all.balance().get(1), alone.balance().get(1), 1e-5);
    }
}
