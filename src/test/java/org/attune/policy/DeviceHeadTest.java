package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.SystemProperty;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The output head's kernel for GPUs, by its stand-in, against operators there.
final class DeviceHeadTest {
    private static final Set<HeadStatistic> ALL =
            EnumSet.of(
                    HeadStatistic.ENTROPY,
                    HeadStatistic.MEAN_LOGIT,
                    HeadStatistic.SUM_LOGIT,
                    HeadStatistic.ARGMAX_HIT,
                    HeadStatistic.LOG_SUM_SQUARED_PROBS);

    private static final String KERNEL = "attune_vocabulary";
    private static final int WIDTH = 32;

    /// @param logProbs of the targets
    /// @param statistics in the order of [#ALL]
    /// @param gradient of the hidden states
    /// @param head gradient of its weight, or empty
    private record Numbers(
            float[] logProbs,
            List<float[]> statistics,
            float[] gradient,
            float[] head,
            Map<String, Long> calls) {}

    private static DecoderConfig model(int vocabulary) {
        var attention = new AttentionConfig(2, 1, 16, false, false, false, List.of(0));
        return TinyModels.sized("llama", WIDTH, 48, vocabulary, 1, attention, false, true);
    }

    private static TokenForest forest(DecoderConfig config) {
        var builder = TokenForest.builder();
        int length = 40;
        int root = builder.root(TinyModels.tokens("root", config, length));
        for (int i = 1; i < length; i++) {
            builder.target(root, i);
        }
        return builder.build();
    }

    private static Numbers numbers(
            DecoderConfig config, HeadRequest request, boolean kernels, boolean trained) {
        try (var _ = SystemProperty.set("attune.gpu.kernels", kernels ? "on" : "off")) {
            return Engine.call(() -> numbers(config, request, trained));
        }
    }

    private static Numbers numbers(DecoderConfig config, HeadRequest request, boolean trained) {
        TokenForest forest = forest(config);
        Device device = Devices.simulated();
        try (var _ = TensorScope.open("head");
                Decoder decoder = TinyModels.decoder(config, DType.BFLOAT16, device);
                Policy policy =
                        trained
                                ? Policy.withAllWeights(decoder, Policy.Options.defaults())
                                : Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
            float[] states = new float[forest.size() * WIDTH];
            var random = TinyModels.random("states");
            for (int i = 0; i < states.length; i++) {
                states[i] = 4 * random.nextFloat() - 2;
            }
            Tensor x = Tensor.of(device, states, forest.size(), WIDTH).to(DType.BFLOAT16); // (N, D)
            policy.parameters().gradients().zeroInPlace();
            DeviceTraffic.start();
            try (var head =
                    new OutputHead(
                            decoder,
                            x,
                            forest,
                            request,
                            OutputHead.Use.training(policy.adapterInUse()))) {
                float[] weights = new float[forest.targetCount()];
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = Outcome.weight(i);
                }
                Tensor gradient = head.backward(weights, Map.of());
                Map<String, Long> calls = DeviceTraffic.stop().byOperator();
                List<float[]> statistics = new ArrayList<>();
                request.statistics().forEach(s -> statistics.add(head.measurement().statistic(s)));
                return new Numbers(
                        head.measurement().tokenLogProbs(),
                        statistics,
                        gradient.toFloats(),
                        trained ? policy.parameters().gradients().toFloats() : new float[0],
                        calls);
            }
        }
    }

    private static void compare(String what, float[] expected, float[] got, double tolerance) {
        assertEquals(expected.length, got.length, what);
        double size = 0;
        for (float number : expected) {
            size = Math.max(size, Math.abs(number));
        }
        for (int i = 0; i < expected.length; i++) {
            assertClose(what + " " + i, expected[i], got[i], tolerance * size, 0);
        }
    }

    private static void compare(HeadRequest request, boolean trained) {
        Numbers kernel = numbers(model(56), request, true, trained);
        Numbers operators = numbers(model(56), request, false, trained);
        assertEquals(trained ? 2 : 1, kernel.calls().get(KERNEL));
        assertFalse(operators.calls().containsKey(KERNEL));
        assertFalse(kernel.calls().containsKey("aten::_log_softmax"), "float32 logits");
        compare("log-probability", operators.logProbs(), kernel.logProbs(), 1e-5);
        for (int i = 0; i < operators.statistics().size(); i++) {
            String what = "statistic " + i;
            compare(what, operators.statistics().get(i), kernel.statistics().get(i), 2e-5);
        }
        // bfloat16 gradients of logits
        compare("gradient", operators.gradient(), kernel.gradient(), 0.02);
        compare("head's gradient", operators.head(), kernel.head(), 0.02);
    }

    @Test
    void frozenHeadEqualsOperators() {
        for (double temperature : new double[] {1, 0.7}) {
            compare(new HeadRequest(ALL, temperature), false);
            compare(new HeadRequest(ALL, temperature).withLabelSmoothing(0.3), false);
        }
    }

    @Test
    void trainedHeadEqualsOperatorsInItsSecondPass() {
        compare(new HeadRequest(ALL, 0.7), true);
        compare(new HeadRequest(ALL, 1).withLabelSmoothing(0.1), true);
    }

    @Test
    void rowsThatNoLoadTakesAtOnceGoThroughOperators() {
        Numbers odd = numbers(model(57), new HeadRequest(ALL, 1), true, false);
        assertFalse(odd.calls().containsKey(KERNEL));
        assertTrue(odd.calls().containsKey("attune_add_norm"));
    }
}
