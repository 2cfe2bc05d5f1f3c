package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;
import org.attune.testing.SystemProperty;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// Kernels for GPUs, by their stand-ins, against operators there and against the processor.
class DeviceKernelPathsTest {
    private static final String SWITCH = "attune.gpu.kernels";

    private static final Policy.Options DROPPING =
            new Policy.Options(Recomputation.NONE, true, 5, false);

    /// Of all numbers together: those in bfloat16 have 8 bits.
    private static final double ROUNDING = 0.02;

    private static DecoderConfig sized(String type, AttentionConfig attention) {
        return TinyModels.sized(type, 32, 48, 31, 2, attention, false, true);
    }

    private static AttentionConfig heads(int heads, int kvHeads, int size, boolean norms) {
        boolean biases = kvHeads == 1;
        return new AttentionConfig(heads, kvHeads, size, biases, false, norms, List.of(0, 0));
    }

    private static List<DecoderConfig> models() {
        var window = new AttentionConfig(4, 4, 8, false, false, false, List.of(4, 0));
        return List.of(
                sized("llama", heads(4, 2, 8, false)),
                sized("qwen2", heads(4, 1, 8, false)),
                sized("qwen3", heads(6, 2, 16, true)),
                sized("mistral", window));
    }

    /// Numbers, and what was called.
    private record Result(float[] numbers, Map<String, Long> calls) {}

    private static Result off(Supplier<Result> body) {
        try (var _ = SystemProperty.set(SWITCH, "off")) {
            return body.get();
        }
    }

    /// Logits of prompts of several lengths, of more tokens behind some, and of single ones.
    private static Result decoded(DecoderConfig config, Device device, double dropout) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config, DType.BFLOAT16, device);
                            Policy _ =
                                    Outcome.lora(
                                            decoder, Outcome.allLinear(dropout), Outcome.DEFAULT);
                            var cache = new KvCache(decoder, 4, 24)) {
                        var reader = new CachedDecoder(decoder, Adapter.TRAINED);
                        List<Float> numbers = new ArrayList<>();
                        DeviceTraffic.start();
                        add(numbers, reader.read(cache, tokens(config, 0, 5, 9, 2)).toFloats());
                        add(numbers, reader.read(cache, tokens(config, 1, 3, 4)).toFloats());
                        add(numbers, reader.read(cache, tokens(config, 3, 7)).toFloats());
                        for (int step = 0; step < 3; step++) {
                            int[] slots = {0, 3, 1};
                            int[] ids = TinyModels.tokens("step " + step, config, 3);
                            add(numbers, reader.decode(cache, slots, ids).toFloats());
                        }
                        float[] all = new float[numbers.size()];
                        for (int i = 0; i < all.length; i++) {
                            all[i] = numbers.get(i);
                        }
                        return new Result(all, DeviceTraffic.stop().byOperator());
                    }
                });
    }

    private static List<NewTokens> tokens(DecoderConfig config, int firstSlot, int... counts) {
        List<NewTokens> all = new ArrayList<>();
        for (int i = 0; i < counts.length; i++) {
            int slot = firstSlot + i;
            int[] ids = TinyModels.tokens(slot + " " + counts[i], config, counts[i]);
            all.add(new NewTokens(slot, ids));
        }
        return all;
    }

    private static void add(List<Float> numbers, float[] more) {
        for (float number : more) {
            numbers.add(number);
        }
    }

    private static void assertNear(String what, float[] expected, float[] got) {
        double squares = 0;
        double difference = 0;
        assertEquals(expected.length, got.length);
        for (int i = 0; i < expected.length; i++) {
            squares += (double) expected[i] * expected[i];
            difference += Math.pow(got[i] - expected[i], 2);
        }
        double share = Math.sqrt(difference / squares);
        assertTrue(share < ROUNDING, what + " differ by " + share + " of their size");
    }

    @Test
    void decodingEqualsOperatorsAndTheProcessor() {
        for (DecoderConfig config : models()) {
            Result kernels = decoded(config, Devices.simulated(), 0);
            Result operators = off(() -> decoded(config, Devices.simulated(), 0));
            Result processor = decoded(config, Device.cpu(), 0);
            assertEquals(
                    6, kernels.calls().get("aten::_flash_attention_forward"), "three of prompts");
            assertEquals(4, kernels.calls().get("attune_attend"), "two tokens of two blocks");
            assertEquals(10, kernels.calls().get("attune_append"));
            assertEquals(2, kernels.calls().get("cuGraphLaunch"), "from the second token on");
            assertFalse(operators.calls().keySet().stream().anyMatch(n -> n.contains("attune")));
            String what = config.modelType();
            assertNear(what + ", operators", operators.numbers(), kernels.numbers());
            assertNear(what + ", processor", processor.numbers(), kernels.numbers());
        }
    }

    /// A step's numbers: log-probabilities, then gradients.
    private static Result trained(DecoderConfig config, Device device, int rank, double dropout) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(config, DType.BFLOAT16, device);
                            Policy policy =
                                    Outcome.lora(
                                            decoder, Outcome.allLinear(rank, dropout), DROPPING)) {
                        var tree = new Tree();
                        int prompt = tree.root(TinyModels.tokens("prompt", config, 11));
                        int a = tree.child(prompt, TinyModels.tokens("a", config, 7));
                        int b = tree.child(prompt, TinyModels.tokens("b", config, 5));
                        DeviceTraffic.start();
                        Outcome outcome = Outcome.of(policy, List.of(tree.shared(prompt, a, b)));
                        Map<String, Long> calls = DeviceTraffic.stop().byOperator();
                        List<Float> numbers = new ArrayList<>();
                        add(numbers, outcome.values());
                        add(numbers, outcome.gradients());
                        float[] all = new float[numbers.size()];
                        for (int i = 0; i < all.length; i++) {
                            all[i] = numbers.get(i);
                        }
                        return new Result(all, calls);
                    }
                });
    }

    @Test
    void trainingEqualsOperatorsAndTheProcessor() {
        for (DecoderConfig config : models()) {
            for (int rank : new int[] {3, 8}) { // of 3 some rows aren't aligned
                compareTraining(config, rank, rank == 3 ? 0 : 0.25);
            }
        }
    }

    private static void compareTraining(DecoderConfig config, int rank, double dropout) {
        Result kernels = trained(config, Devices.simulated(), rank, dropout);
        Result operators = off(() -> trained(config, Devices.simulated(), rank, dropout));
        Result processor = trained(config, Device.cpu(), rank, dropout);
        assertTrue(kernels.calls().get("attune_add_norm") >= 5);
        assertTrue(kernels.calls().containsKey("attune_swiglu"));
        assertTrue(kernels.calls().containsKey("attune_swiglu_back"));
        assertEquals(dropout > 0, kernels.calls().containsKey("attune_dropout"));
        assertFalse(operators.calls().keySet().stream().anyMatch(n -> n.contains("attune")));
        String what = "%s with rank %d".formatted(config.modelType(), rank);
        assertNear(what + ", operators", operators.numbers(), kernels.numbers());
        assertNear(what + ", processor", processor.numbers(), kernels.numbers());
    }
}
