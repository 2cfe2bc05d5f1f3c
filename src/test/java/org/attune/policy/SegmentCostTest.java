package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.OperatingSystemMXBean;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.AttentionWork;
import org.attune.model.pass.Layout;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.management.ManagementFactory;
import java.util.Arrays;

/// Packing costs nothing: 32 segments of 64 tokens against one of 2048.
@Tag("slow")
class SegmentCostTest {
    private static final DecoderConfig CONFIG = TinyModels.smol(2, 4096);
    private static final int ROUNDS = 25;

    private static TokenForest forest(int segments, int length) {
        var builder = TokenForest.builder();
        for (int i = 0; i < segments; i++) {
            int root = builder.root(TinyModels.tokens("segment " + i, CONFIG, length));
            for (int j = 1; j < length; j++) {
                builder.target(root, j);
            }
        }
        return builder.build();
    }

    /// What a forest costs, in seconds of the processors: other programs hardly show in that.
    private static final class Cost {
        private final TokenForest forest;
        private double step = Double.POSITIVE_INFINITY;
        private double attention = Double.POSITIVE_INFINITY;

        Cost(TokenForest forest) {
            this.forest = forest;
        }

        /// One more round, of which the cheapest counts.
        void measure(Policy policy) {
            step = Math.min(step, seconds(() -> step(policy, forest)));
            Layout layout = Policy.layout(forest);
            Decoder decoder = policy.decoder();
            attention = Math.min(attention, seconds(() -> AttentionWork.run(decoder, layout)));
        }

        double allButAttention() {
            return step - attention;
        }

        @Override
        public String toString() {
            return "%.2f s, %.2f of it attention".formatted(step, attention);
        }
    }

    /// The two take turns, so that what disturbs one disturbs both.
    @Test
    void shortSegmentsCostNoMoreThanALongOne() {
        var packed = new Cost(forest(32, 64));
        var one = new Cost(forest(1, 2048));
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    TinyModels.decoder(CONFIG, Engine.fastestDtype(Device.cpu()));
                            Policy policy =
                                    Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        for (int round = 0; round < ROUNDS; round++) {
                            packed.measure(policy);
                            one.measure(policy);
                        }
                    }
                });
        double ratio = packed.allButAttention() / one.allButAttention();
        String line =
                "32 × 64: %s; 1 × 2048: %s; all but attention: ratio %.2f"
                        .formatted(packed, one, ratio);
        System.out.println(line);
        assertTrue(ratio < 1.2, line);
    }

    private static void step(Policy policy, TokenForest forest) {
        float[] weights = new float[forest.targetCount()];
        Arrays.fill(weights, 1e-3f);
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            e.backward(weights);
        }
    }

    private static double seconds(Runnable work) {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long start = system.getProcessCpuTime();
        work.run();
        return (system.getProcessCpuTime() - start) / 1e9;
    }
}
