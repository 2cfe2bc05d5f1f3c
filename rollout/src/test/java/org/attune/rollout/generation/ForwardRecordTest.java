package org.attune.rollout.generation;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.AdapterConfig;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.ForwardRecord;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Storage;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/// A backward pass that starts from what generation computed gives the gradient of one that starts
/// from a separate forward pass.
@Tag("thorough")
class ForwardRecordTest {
    private static final int GENERATIONS = 3;
    private static final int NEW_TOKENS = 12;

    /// Queries and keys are normed, among other things.
    private static final DecoderConfig NORMED = TinyModels.wideHeadsWithEverything();

    @BeforeAll
    static void requireKernels() {
        Hardware.requireProcessor();
        Hardware.requireVectors(32);
    }

    /// A prompt and its completions.
    private record Group(int[] prompt, List<int[]> completions) {}

    private record Seen(float[] logProbs, float[] gradients) {}

    private static List<int[]> prompts() {
        int[] beginning = IntStream.range(0, 20).map(i -> (i * 7) % 31).toArray();
        int[] longer = IntStream.range(0, 23).map(i -> (i * 7) % 31).toArray();
        var prompts = new ArrayList<int[]>();
        for (int[] prompt : List.of(beginning, new int[] {5}, longer, new int[] {8, 9, 10, 11})) {
            prompts.addAll(Collections.nCopies(GENERATIONS, prompt));
        }
        return prompts;
    }

    private static List<Group> generate(Policy policy, ForwardRecord record, int slots) {
        var generator =
                new Generator(policy.decoder(), policy.adapterInUse(), Optional.empty(), slots)
                        .recording(record);
        // Some of 31 tokens end a sequence, so that lengths differ and slots change hands.
        var config = SamplingConfig.of(Distribution.plain(), NEW_TOKENS, Set.of(1, 2, 3), 11);
        List<int[]> prompts = prompts();
        List<SampledCompletion> all = generator.generate(prompts, config, SequenceListener.NONE);
        var groups = new ArrayList<Group>();
        for (int i = 0; i < prompts.size(); i += GENERATIONS) {
            groups.add(
                    new Group(
                            prompts.get(i),
                            all.subList(i, i + GENERATIONS).stream()
                                    .map(SampledCompletion::ids)
                                    .toList()));
        }
        return groups;
    }

    private static TokenForest forest(List<Group> groups, boolean shares) {
        var builder = TokenForest.builder();
        for (Group group : groups) {
            int root = shares ? builder.root(group.prompt()) : TokenForest.ROOT;
            for (int[] completion : group.completions()) {
                int segment =
                        shares
                                ? builder.child(root, completion)
                                : builder.root(joined(group.prompt(), completion));
                for (int t = 0; t < completion.length; t++) {
                    builder.target(segment, shares ? t : group.prompt().length + t);
                }
            }
        }
        return builder.build();
    }

    private static int[] joined(int[] a, int[] b) {
        return IntStream.concat(IntStream.of(a), IntStream.of(b)).toArray();
    }

    private static Seen pass(Policy policy, TokenForest forest) {
        parameters(policy).gradients().zeroInPlace();
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            float[] slopes = new float[forest.targetCount()];
            for (int i = 0; i < slopes.length; i++) {
                slopes[i] = (i * 5 % 7 - 3) / 4f;
            }
            float[] logProbs = e.measurement().tokenLogProbs();
            e.backward(slopes);
            return new Seen(logProbs, parameters(policy).gradients().toFloats());
        }
    }

    private static Policy lora(Decoder decoder) {
        return lora(decoder, 3);
    }

    /// Generates by the kernel that does all blocks at once.
    private static Policy loraWithPanels(Decoder decoder) {
        Policy policy = lora(decoder, 4);
        decoder.packDecoding();
        return policy;
    }

    private static Policy lora(Decoder decoder, int rank) {
        var random = RandomSource.XO_SHI_RO_256_PP.create(3L);
        var config = LoraConfig.of(rank, 2.0 * rank, 0, ModuleSelection.of("all-linear"));
        Policy policy = Policy.withFreshAdapter(decoder, config, random, Policy.Options.defaults());
        try (var _ = TensorScope.open("shift")) {
            Tensor values = parameters(policy).values();
            float[] noise = new float[Math.toIntExact(values.size(0))];
            for (int i = 0; i < noise.length; i++) {
                noise[i] = random.nextFloat() / 4 - 0.125f;
            }
            values.addInPlace(Tensor.of(Device.cpu(), noise, noise.length));
        }
        parameters(policy).valuesChanged();
        return policy;
    }

    private static Policy whole(Decoder decoder) {
        return Policy.withAllWeights(decoder, Policy.Options.defaults());
    }

    /// Biases and a window.
    private static DecoderConfig qwen() {
        return qwen(31); // no whole vectors: its logits aren't kept
    }

    private static DecoderConfig qwen(int vocabulary) {
        var attention = new AttentionConfig(6, 2, 32, true, true, false, List.of(9, 0));
        return TinyModels.sized("qwen2", 32, 44, vocabulary, 2, attention, true, false);
    }

    private static void compare(
            DecoderConfig shape,
            DType dtype,
            Function<Decoder, Policy> policies,
            int slots,
            double tolerance) {
        compare(() -> TinyModels.decoder(shape, dtype), policies, slots, tolerance);
    }

    private static void compare(
            Supplier<Decoder> decoders,
            Function<Decoder, Policy> policies,
            int slots,
            double tolerance) {
        Engine.run(
                () -> {
                    try (Decoder decoder = decoders.get();
                            Policy policy = policies.apply(decoder);
                            var record = new ForwardRecord(decoder, policy.adapterInUse())) {
                        policy.reuse(record);
                        List<Group> groups = generate(policy, record, slots);
                        TokenForest shared = forest(groups, true);
                        TokenForest apart = forest(groups.subList(1, 3), false);
                        assertTrue(reuses(policy, shared));
                        assertTrue(reuses(policy, apart));
                        Seen reused = pass(policy, shared);
                        Seen reusedApart = pass(policy, apart);

                        record.forget();
                        assertFalse(reuses(policy, shared));
                        assertSame(pass(policy, shared), reused, tolerance);
                        assertSame(pass(policy, apart), reusedApart, tolerance);
                    }
                });
    }

    private static boolean reuses(Policy policy, TokenForest forest) {
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            return e.reusesForward();
        }
    }

    private static boolean isRecorded(ForwardRecord record, TokenForest forest) {
        return record.rows(Policy.layout(forest)).isPresent();
    }

    private static void assertSame(Seen expected, Seen seen, double tolerance) {
        assertClose("log-probs", expected.logProbs(), seen.logProbs(), tolerance, tolerance);
        double norm = norm(expected.gradients());
        assertTrue(norm > 0.1, "a gradient of " + norm);
        assertClose("gradient", expected.gradients(), seen.gradients(), tolerance * norm, 0);
    }

    private static ParameterSpace parameters(CausalPolicy policy) {
        return policy.parameters();
    }

    private static double norm(float[] x) {
        double sum = 0;
        for (float v : x) {
            sum += (double) v * v;
        }
        return Math.sqrt(sum);
    }

    @Test
    void gradientOfAnAdapterIsThatOfAForwardPass() {
        for (int slots : new int[] {12, 5, 1}) {
            compare(TinyModels.wideHeads(), DType.FLOAT32, ForwardRecordTest::lora, slots, 1e-5);
        }
        compare(qwen(), DType.FLOAT32, ForwardRecordTest::lora, 7, 1e-5);
        compare(NORMED, DType.FLOAT32, ForwardRecordTest::lora, 7, 1e-5);
    }

    /// Weights of bytes are multiplied by activations in two digits, where the processor can:
    /// generating, reading and learning compute the same products. What attention rounds otherwise
    /// may move a digit.
    @ParameterizedTest
    @EnumSource(
            value = Storage.class,
            names = {"INT8", "NF4"})
    void gradientOfAnAdapterOnWeightsInFewBitsIsThatOfAForwardPass(Storage storage) {
        var attention = new AttentionConfig(2, 1, 32, false, false, false, List.of(0, 9));
        DecoderConfig shape = TinyModels.sized("llama", 64, 96, 32, 2, attention, false, false);
        for (int slots : new int[] {12, 5, 1}) {
            compare(
                    () ->
                            Decoder.load(
                                    shape,
                                    TinyModels.weights(shape),
                                    Device.cpu(),
                                    DType.FLOAT32,
                                    storage),
                    ForwardRecordTest::lora,
                    slots,
                    storage == Storage.INT8 ? 5e-4 : 1e-5);
        }
    }

    @Test
    void gradientOfVirtualTokensIsThatOfAForwardPass() {
        compare(TinyModels.wideHeads(), DType.FLOAT32, ForwardRecordTest::prompt, 5, 1e-5);
    }

    /// Virtual tokens before every sequence.
    private static Policy prompt(Decoder decoder) {
        DecoderConfig c = decoder.config();
        Map<String, Object> fields =
                Map.of(
                        "peft_type",
                        "PROMPT_TUNING",
                        "num_virtual_tokens",
                        4,
                        "token_dim",
                        c.hiddenSize(),
                        "num_layers",
                        c.layers(),
                        "num_attention_heads",
                        c.heads());
        AdapterConfig config = AdapterConfig.ofPrompt("test", fields, List.of());
        var random = RandomSource.XO_SHI_RO_256_PP.create(3L);
        return Policy.withFreshAdapter(decoder, config, random, Policy.Options.defaults());
    }

    @Test
    void gradientOfAllWeightsIsThatOfAForwardPass() {
        compare(TinyModels.wideHeads(), DType.FLOAT32, ForwardRecordTest::whole, 7, 1e-5);
        compare(qwen(), DType.FLOAT32, ForwardRecordTest::whole, 12, 1e-5);
        compare(NORMED, DType.FLOAT32, ForwardRecordTest::whole, 12, 1e-5);
    }

    @Tag("thorough")
    @Test
    void inBfloat16TheyDifferByRounding() {
        compare(TinyModels.wideHeads(), DType.BFLOAT16, ForwardRecordTest::lora, 12, 0.05);
        compare(NORMED, DType.BFLOAT16, ForwardRecordTest::lora, 12, 0.05);
    }

    @Tag("thorough")
    @Test
    void logitsAreThoseOfAForwardPass() {
        for (int slots : new int[] {12, 5, 1}) {
            compare(qwen(32), DType.FLOAT32, ForwardRecordTest::lora, slots, 1e-5);
            compare(qwen(32), DType.FLOAT32, ForwardRecordTest::whole, slots, 1e-5);
            compare(qwen(32), DType.BFLOAT16, ForwardRecordTest::lora, slots, 0.05);
        }
    }

    @Test
    void logitsAreTakenFromTheRecord() {
        Engine.run(
                () -> {
                    assertEquals(1, gathers(qwen(31))); // the last block's output
                    assertEquals(2, gathers(qwen(32)));
                });
    }

    /// How often rows are taken from a record by an evaluation.
    private static long gathers(DecoderConfig shape) {
        try (Decoder decoder = TinyModels.decoder(shape);
                Policy policy = lora(decoder);
                var record = new ForwardRecord(decoder, policy.adapterInUse())) {
            policy.reuse(record);
            TokenForest forest = forest(generate(policy, record, 5), true);
            OperatorTimes.start();
            policy.evaluate(forest, HeadRequest.of()).close();
            return OperatorTimes.stop().stream()
                    .filter(line -> line.operator().equals("attune::gather_rows"))
                    .mapToLong(OperatorTimes.Line::calls)
                    .sum();
        }
    }

    @Tag("thorough")
    @Test
    void allBlocksAtOnceRecordTheSame() {
        Hardware.requireBfloat16Products();
        for (boolean normed : new boolean[] {false, true}) {
            var attention = new AttentionConfig(4, 2, 32, true, false, normed, List.of(0, 9));
            DecoderConfig shape = TinyModels.sized("qwen3", 64, 96, 31, 2, attention, false, false);
            for (int slots : new int[] {12, 5, 1}) {
                compare(shape, DType.BFLOAT16, ForwardRecordTest::loraWithPanels, slots, 0.05);
            }
        }
    }

    @Tag("thorough")
    @Test
    void whatIsNotRecordedIsComputed() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.wideHeads());
                            Policy policy = lora(decoder);
                            var record = new ForwardRecord(decoder, policy.adapterInUse())) {
                        policy.reuse(record);
                        List<Group> groups = generate(policy, record, 12);
                        assertTrue(isRecorded(record, forest(groups, true)));
                        Group first = groups.getFirst();
                        int[] other = first.completions().getFirst().clone();
                        other[0] = (other[0] + 1) % 31;
                        var changed =
                                new Group(
                                        first.prompt(),
                                        List.of(joined(other, new int[] {4}), other));
                        assertFalse(isRecorded(record, forest(List.of(changed), true)), "others");

                        var builder = TokenForest.builder();
                        int root = builder.root(first.prompt());
                        int child = builder.child(root, first.completions().getFirst());
                        builder.target(child, 0);
                        assertTrue(isRecorded(record, builder.build()), "a beginning");
                        builder.score(child, 0);
                        assertFalse(isRecorded(record, builder.build()), "the last token's output");

                        parameters(policy).valuesChanged();
                        assertFalse(isRecorded(record, forest(groups, true)), "other weights");
                    }
                });
    }

    @Test
    void aRecordThatIsFullKeepsNoFurtherSequence() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.wideHeads());
                            Policy policy = lora(decoder);
                            var record = new ForwardRecord(decoder, policy.adapterInUse())) {
                        record.begin(10, 10);
                        var cached =
                                new CachedDecoder(decoder, policy.adapterInUse()).recording(record);
                        try (var cache = new KvCache(decoder, 2, 20);
                                var _ = TensorScope.open("test")) {
                            int[] fits = IntStream.range(0, 8).toArray();
                            cached.prefill(cache, 0, fits);
                            cached.finished(cache, 0);
                            cached.prefill(cache, 1, new int[] {9, 8, 7});
                            cached.finished(cache, 1);
                            assertTrue(isRecorded(record, sequence(fits, 30)));
                            assertFalse(isRecorded(record, sequence(new int[] {9, 8, 7}, 30)));
                        }
                    }
                });
    }

    private static TokenForest sequence(int[] read, int last) {
        var builder = TokenForest.builder();
        builder.target(builder.root(joined(read, new int[] {last})), read.length);
        return builder.build();
    }

    @Test
    void roomIsWhatIsRead() {
        assertEquals(4L * NEW_TOKENS + 5, Generator.tokensRead(fourOfTwo(), NEW_TOKENS));
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        Engine.run(
                                () -> {
                                    try (Decoder decoder = TinyModels.decoder(TinyModels.qwen3())) {
                                        new ForwardRecord(decoder, Adapter.OFF).close();
                                    }
                                }));
    }

    private static List<int[]> fourOfTwo() {
        int[] two = {1, 2};
        int[] three = {1, 2, 3};
        return List.of(two, two, three, three);
    }
}
