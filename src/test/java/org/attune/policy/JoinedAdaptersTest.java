package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.ExpertsConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.InputScale;
import org.attune.model.layer.LayerUpdate;
import org.attune.model.layer.LowRank;
import org.attune.model.layer.Magnitude;
import org.attune.model.layer.OutputScale;
import org.attune.model.layer.Storage;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// Sequences of several adapters that are read in one pass: each gets what it gets alone.
class JoinedAdaptersTest {
    private static final int STEPS = 5;

    /// Adapters of the sequences, by slot: neighbours differ, some begin alike.
    private static final List<Adapter> READERS =
            List.of(
                    Adapter.frozen(0),
                    Adapter.OFF,
                    Adapter.frozen(2),
                    Adapter.frozen(0),
                    Adapter.frozen(1),
                    Adapter.frozen(3),
                    Adapter.OFF);

    private static Tensor random(UniformRandomProvider random, DType dtype, long rows, long width) {
        float[] numbers = new float[Math.toIntExact(rows * width)];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = random.nextFloat() / 2 - 0.25f;
        }
        return Tensor.of(Device.cpu(), numbers, rows, width).to(dtype);
    }

    /// Attaches a low-rank adapter of random numbers, which live in the current scope.
    private static void attach(Decoder decoder, int number, int rank, Predicate<String> modules) {
        attach(decoder, number, rank, modules, _ -> false);
    }

    /// @param decomposed whose rows have lengths too (DoRA)
    private static void attach(
            Decoder decoder,
            int number,
            int rank,
            Predicate<String> modules,
            Predicate<String> decomposed) {
        UniformRandomProvider random = TinyModels.random("adapter " + number);
        for (FusedLinear linear : decoder.linears()) {
            List<LayerUpdate> own = new ArrayList<>();
            for (int part = 0; part < linear.parts().size(); part++) {
                FusedLinear.Part p = linear.parts().get(part);
                if (modules.test(p.path())) {
                    own.add(
                            new LowRank(
                                    part,
                                    rank,
                                    1,
                                    random(random, decoder.dtype(), rank, linear.in()),
                                    random(random, decoder.dtype(), p.out(), rank),
                                    null,
                                    null));
                }
                if (modules.test(p.path()) && decomposed.test(p.path())) {
                    own.add(lengths(part, p.out(), random));
                }
            }
            linear.attachFrozen(Adapter.frozen(number), own);
        }
    }

    private static Magnitude lengths(int part, int out, UniformRandomProvider random) {
        Tensor factor = random(random, DType.FLOAT32, 1, out).reshape(out).add(1);
        return new Magnitude(part, factor, factor, factor, null);
    }

    /// All that adapters do to linear layers, beside LoRA: DoRA, (IA)³ on both sides, biases,
    /// changes of whole matrices.
    private static void attachEveryKind(Decoder decoder) {
        attach(decoder, 0, 4, _ -> true, p -> !p.endsWith("k_proj"));
        attach(decoder, 1, 3, p -> p.endsWith("v_proj"));
        UniformRandomProvider random = TinyModels.random("kinds");
        for (FusedLinear linear : decoder.linears()) {
            List<LayerUpdate> scales = new ArrayList<>();
            List<LayerUpdate> others = new ArrayList<>();
            for (int part = 0; part < linear.parts().size(); part++) {
                FusedLinear.Part p = linear.parts().get(part);
                Tensor out = random(random, DType.FLOAT32, 1, p.out()).reshape(p.out()).add(1);
                if (p.path().contains("mlp")) {
                    Tensor in = random(random, DType.FLOAT32, 1, linear.in());
                    scales.add(new InputScale(part, in.reshape(linear.in()).add(1), null));
                } else {
                    scales.add(new OutputScale(part, out, null));
                }
                boolean replaces = p.hasBias();
                others.add(new LayerUpdate.Bias(part, replaces, out.to(decoder.dtype()), null));
            }
            linear.attachFrozen(frozen(2), scales);
            linear.attachFrozen(frozen(3), others);
        }
    }

    private static void attachAll(Decoder decoder, Predicate<String> may) {
        attach(decoder, 0, 4, may);
        attach(decoder, 1, 3, p -> may.test(p) && p.endsWith("v_proj"));
        attach(decoder, 2, 2, p -> may.test(p) && !p.endsWith("k_proj"));
        attach(decoder, 3, 6, p -> may.test(p) && (p.endsWith("q_proj") || p.contains("down")));
    }

    private static int[] prompt(int slot) {
        return slot == 4
                ? new int[] {7}
                : IntStream.range(0, slot < 3 ? 6 : 4 + slot).map(i -> (i * 5 + 3) % 29).toArray();
    }

    /// Logits behind the prompts and of each step, by sequence.
    ///
    /// @param slots of the sequences that are read together
    private static List<List<float[]>> read(Decoder decoder, int... slots) {
        return read(decoder, false, slots);
    }

    /// @param oneByOne whether prompts are read alone, as other rows of theirs round otherwise
    private static List<List<float[]>> read(Decoder decoder, boolean oneByOne, int... slots) {
        List<List<float[]>> logits = new ArrayList<>();
        IntStream.range(0, slots.length).forEach(_ -> logits.add(new ArrayList<>()));
        try (var cache = new KvCache(decoder, slots.length, 30);
                var _ = TensorScope.open("read")) {
            CachedDecoder reader = CachedDecoder.joined(decoder);
            List<NewTokens> prompts = new ArrayList<>();
            for (int i = 0; i < slots.length; i++) {
                cache.assign(i, READERS.get(slots[i]));
                prompts.add(new NewTokens(i, prompt(slots[i])));
            }
            if (oneByOne) {
                prompts.forEach(p -> reader.read(cache, List.of(p), false));
            } else {
                keep(reader.read(cache, prompts, false), logits);
            }
            for (int step = 0; step < STEPS; step++) {
                int t = step;
                int[] ids = IntStream.of(slots).map(s -> (s / 3 * 5 + t) % 29).toArray();
                keep(reader.decode(cache, ids), logits);
            }
        }
        return logits;
    }

    private static void keep(Tensor rows, List<List<float[]>> logits) {
        float[] all = rows.toFloats();
        int width = all.length / logits.size();
        for (int i = 0; i < logits.size(); i++) {
            float[] own = new float[width];
            System.arraycopy(all, i * width, own, 0, width);
            logits.get(i).add(own);
        }
    }

    /// Logits of a sequence that is read by its adapter as decoders of one adapter do.
    private static List<float[]> apart(Decoder decoder, int slot) {
        List<List<float[]>> logits = List.of(new ArrayList<>());
        try (var cache = new KvCache(decoder, 1, 30);
                var _ = TensorScope.open("read")) {
            var reader = new CachedDecoder(decoder, READERS.get(slot));
            keep(reader.prefill(cache, 0, prompt(slot)), logits);
            for (int t = 0; t < STEPS; t++) {
                keep(reader.decode(cache, new int[] {(slot / 3 * 5 + t) % 29}), logits);
            }
        }
        return logits.getFirst();
    }

    private static void with(
            DecoderConfig config, DType dtype, Storage storage, Consumer<Decoder> use) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder =
                                    Decoder.load(
                                            config,
                                            TinyModels.weights(config),
                                            Device.cpu(),
                                            dtype,
                                            storage)) {
                        use.accept(decoder);
                    }
                });
    }

    private static int[] all() {
        return IntStream.range(0, READERS.size()).toArray();
    }

    private static void assertEachIsItself(Decoder decoder) {
        READERS.forEach(adapter -> assertTrue(decoder.joins(adapter), adapter.toString()));
        List<List<float[]>> together = read(decoder, all());
        for (int slot = 0; slot < READERS.size(); slot++) {
            List<float[]> expected = apart(decoder, slot);
            for (int step = 0; step <= STEPS; step++) {
                String what = "sequence %d, step %d".formatted(slot, step);
                assertClose(what, expected.get(step), together.get(slot).get(step), 1e-4, 1e-4);
            }
        }
        assertFalse(
                Arrays.equals(together.get(0).get(0), together.get(1).get(0)),
                "alike adapters prove nothing");
    }

    @Test
    void eachSequenceGetsTheLogitsOfItsAdapter() {
        Hardware.requireProcessor();
        for (DecoderConfig config :
                List.of(
                        TinyModels.llama(),
                        TinyModels.everything(),
                        TinyModels.wideHeadsWithEverything())) {
            with(
                    config,
                    DType.FLOAT32,
                    Storage.NONE,
                    decoder -> {
                        attachAll(decoder, _ -> true);
                        assertEachIsItself(decoder);
                    });
        }
    }

    @Test
    void soDoThoseOfABaseInFewBits() {
        Hardware.requireProcessor();
        with(
                TinyModels.sized(
                        "llama",
                        64,
                        128,
                        31,
                        2,
                        new AttentionConfig(4, 2, 16, false, false, false, List.of(0, 0)),
                        false,
                        true),
                DType.FLOAT32,
                Storage.NF4,
                decoder -> {
                    attachAll(decoder, _ -> true);
                    assertEachIsItself(decoder);
                });
    }

    @Test
    void soDoThoseOfOtherKindsThanLora() {
        Hardware.requireProcessor();
        for (DecoderConfig config : List.of(TinyModels.llama(), TinyModels.everything())) {
            with(
                    config,
                    DType.FLOAT32,
                    Storage.NONE,
                    decoder -> {
                        attachEveryKind(decoder);
                        assertEachIsItself(decoder);
                    });
        }
    }

    /// An expert reads the rows that choose it, of whichever adapters they are.
    @Test
    void soDoThoseWithUpdatesOfExperts() {
        Hardware.requireProcessor();
        with(
                TinyModels.mixture(),
                DType.FLOAT32,
                Storage.NONE,
                decoder -> {
                    attachAll(decoder, path -> path.contains("self_attn"));
                    attach(decoder, 1, 2, path -> path.contains("experts"));
                    attach(decoder, 2, 3, _ -> true, path -> path.contains("experts"));
                    assertEachIsItself(decoder);
                });
    }

    @Test
    void oneKernelTakesAllAndNeighboursChangeNoBit() {
        var attention = new AttentionConfig(6, 2, 32, true, true, true, List.of(13, 0));
        oneKernelTakesAll(TinyModels.sized("qwen3", 96, 160, 31, 2, attention, true, true));
    }

    /// A router's choice may change by a bit of the products.
    @Test
    void oneKernelTakesExpertsWithUpdates() {
        var attention = new AttentionConfig(6, 2, 32, false, false, false, List.of(13, 0));
        DecoderConfig plain = TinyModels.sized("qwen2_moe", 96, 160, 31, 2, attention, false, true);
        var router = ExpertsConfig.RouterConfig.softmax(true);
        oneKernelTakesAll(
                TinyModels.mixture(
                        "qwen2_moe",
                        plain,
                        160,
                        new ExpertsConfig(
                                16,
                                3,
                                64,
                                router,
                                false,
                                Optional.empty(),
                                96,
                                Set.of(),
                                ExpertsConfig.RouterLoss.NONE,
                                false)));
    }

    private static void oneKernelTakesAll(DecoderConfig config) {
        Hardware.requireProcessor();
        Hardware.requireBfloat16Products();
        with(
                config,
                DType.BFLOAT16,
                Storage.NONE,
                decoder -> {
                    attachAll(decoder, path -> !path.endsWith("shared_expert_gate"));
                    attach(
                            decoder,
                            2,
                            2,
                            path -> !path.endsWith("shared_expert_gate"),
                            path -> !path.contains("up_proj"));
                    List<List<float[]>> plain = read(decoder, true, all());
                    decoder.packDecoding();
                    READERS.forEach(adapter -> assertTrue(decoder.joins(adapter)));
                    OperatorTimes.start();
                    List<List<float[]>> together = read(decoder, true, all());
                    String used = OperatorTimes.stop().toString();
                    assertTrue(used.contains("attune::tokens"), used);
                    assertTrue(distance(together.get(0).get(1), together.get(1).get(1)) > 0.2);
                    for (int slot = 0; slot < READERS.size(); slot++) {
                        List<float[]> alone = read(decoder, true, slot).getFirst();
                        for (int step = 0; step < STEPS; step++) {
                            float[] own = together.get(slot).get(step);
                            assertArrayEquals(alone.get(step), own);
                            double d = distance(plain.get(slot).get(step), own);
                            assertTrue(d < 0.06, "wrong by " + d + " of the largest");
                        }
                    }
                });
    }

    private static double distance(float[] expected, float[] actual) {
        double largest = 0;
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            worst = Math.max(worst, Math.abs(expected[i] - actual[i]));
        }
        return worst / largest;
    }

    @Test
    void whatChangesMoreThanLinearLayersStaysApart() {
        Hardware.requireProcessor();
        with(
                TinyModels.llama(),
                DType.FLOAT32,
                Storage.NONE,
                decoder -> {
                    attach(decoder, 0, 2, _ -> true);
                    assertTrue(decoder.joins(Adapter.frozen(0)));
                    assertTrue(decoder.joins(Adapter.frozen(9))); // changes nothing
                    assertFalse(decoder.joins(Adapter.TRAINED), "one that is trained");
                    Tensor vector = Tensor.zeros(Device.cpu(), DType.FLOAT32, 32);
                    decoder.finalNorm().weights().getFirst().attachFrozen(frozen(1), vector);
                    assertFalse(decoder.joins(frozen(1)), "a norm");
                    decoder.embedding().attachFrozen(frozen(2), vector);
                    assertFalse(decoder.joins(frozen(2)), "an embedding");
                    Tensor one = Tensor.zeros(Device.cpu(), DType.FLOAT32, 1, 32);
                    Tensor rows = Tensor.zeros(Device.cpu(), DType.FLOAT32, 31, 1);
                    decoder.output()
                            .attachFrozen(
                                    frozen(4),
                                    Optional.of(new LowRank(0, 1, 1, one, rows, null, null)));
                    assertFalse(decoder.joins(frozen(4)), "an output layer");
                });
    }

    /// One that the kernel can't have would keep the others from it.
    @Test
    void whatTheKernelCannotHaveStaysApart() {
        Hardware.requireProcessor();
        Hardware.requireBfloat16Products();
        var attention = new AttentionConfig(6, 2, 32, true, true, true, List.of(13, 0));
        with(
                TinyModels.sized("qwen3", 96, 160, 31, 2, attention, true, true),
                DType.BFLOAT16,
                Storage.NONE,
                decoder -> {
                    attachEveryKind(decoder);
                    READERS.forEach(adapter -> assertTrue(decoder.joins(adapter)));
                    decoder.packDecoding();
                    assertEquals(
                            List.of(true, true, false, false),
                            IntStream.range(0, 4)
                                    .mapToObj(number -> decoder.joins(frozen(number)))
                                    .toList());
                });
    }

    private static Adapter frozen(int number) {
        return Adapter.frozen(number);
    }

    /// Keys and values of two adapters are different, whatever the tokens.
    @Test
    void aSlotsBeginningBelongsToItsAdapter() {
        Hardware.requireProcessor();
        with(
                TinyModels.llama(),
                DType.FLOAT32,
                Storage.NONE,
                decoder -> {
                    try (var cache = new KvCache(decoder, 3, 8)) {
                        cache.assign(1, frozen(1));
                        assertEquals(Adapter.OFF, cache.adapter(0));
                        assertEquals(frozen(1), cache.adapter(1));
                        cache.copy(1, 2, 0);
                        assertEquals(frozen(1), cache.adapter(2));
                    }
                });
    }
}
