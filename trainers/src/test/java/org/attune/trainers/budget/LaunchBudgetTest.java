package org.attune.trainers.budget;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.Policy;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.Ticket;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.DType;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.SystemProperty;
import org.attune.testing.TinyModels;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;

/// What a GPU is asked for by a token and by a step, counted on the simulated GPU. The numbers are
/// exact, and may only fall: a change that needs fewer lowers them here.
///
/// With `L` blocks a token or step makes `fixed + L · block` calls of operators. Calls that
/// autograd makes are not seen.
class LaunchBudgetTest {
    private static final int VOCABULARY = 32;

    @TempDir private Path folder;

    /// Calls, uploads and waits.
    ///
    /// @param fixed calls whatever the depth
    /// @param block calls of each block
    /// @param uploads copies to the device
    /// @param waits copies from it
    private record Budget(long fixed, long block, long uploads, long waits) {
        /// That of libtorch 2.10 and newer, where most additions in place are two calls.
        Budget orNewer(long newerFixed, long newerBlock) {
            return Engine.libtorch().version().startsWith("2.7.")
                    ? this
                    : new Budget(newerFixed, newerBlock, uploads, waits);
        }
    }

    private static DecoderConfig model(int layers) {
        var attention =
                new AttentionConfig(4, 2, 8, false, false, false, Collections.nCopies(layers, 0));
        return TinyModels.sized("llama", 32, 48, VOCABULARY, layers, attention, false, true);
    }

    private static void assertBudget(
            String what, Budget budget, IntFunction<DeviceTraffic.Counts> measure) {
        DeviceTraffic.Counts two = measure.apply(2);
        DeviceTraffic.Counts four = measure.apply(4);
        long block = (four.launches() - two.launches()) / 2;
        var measured = new Budget(two.launches() - 2 * block, block, two.uploads(), two.waits());
        assertEquals(two.uploads(), four.uploads(), what + ": uploads depend on the depth");
        assertEquals(two.waits(), four.waits(), what + ": waits depend on the depth");
        assertEquals(
                budget,
                measured,
                () ->
                        what
                                + ": lower what fell, and mend what rose; of two blocks: "
                                + two.byOperator());
    }

    private static DeviceTraffic.Counts onDecoder(
            int layers, Function<Decoder, DeviceTraffic.Counts> body) {
        return onDecoder(DType.FLOAT32, layers, body);
    }

    private static DeviceTraffic.Counts onDecoder(
            DType dtype, int layers, Function<Decoder, DeviceTraffic.Counts> body) {
        return Engine.call(
                () -> {
                    try (var decoder =
                            TinyModels.decoder(model(layers), dtype, Devices.simulated())) {
                        return body.apply(decoder);
                    }
                });
    }

    private static LoraConfig lora(double dropout) {
        return LoraConfig.of(8, 16, dropout, ModuleSelection.of("all-linear"));
    }

    private static Policy policy(Decoder decoder, double dropout) {
        return Policy.withFreshAdapter(
                decoder,
                lora(dropout),
                RandomSource.XO_SHI_RO_256_PP.create(1L),
                Policy.Options.defaults());
    }

    /// The last token of completions of prompts of `lengths`.
    private static DeviceTraffic.Counts token(
            Decoder decoder, SamplingConfig.Distribution distribution, int... lengths) {
        var generator = new Generator(decoder, Adapter.TRAINED, Optional.empty(), lengths.length);
        List<int[]> prompts =
                Arrays.stream(lengths)
                        .mapToObj(n -> TinyModels.tokens("prompt " + n, decoder.config(), n))
                        .toList();
        int added = 4;
        var sampling = SamplingConfig.of(distribution, added, Set.of(), 1);
        int[] left = {lengths.length * (added - 1)};
        generator.generate(
                prompts,
                sampling,
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        if (--left[0] == 0) {
                            DeviceTraffic.start();
                        }
                        return Next.GO_ON;
                    }
                });
        return DeviceTraffic.stop();
    }

    /// The second of three steps, of which the last is logged.
    private DeviceTraffic.Counts step(Policy policy) {
        return step(policy, 2);
    }

    private DeviceTraffic.Counts step(Policy policy, int counted) {
        Path output = folder.resolve("run" + System.nanoTime());
        TrainingConfig training =
                ShortRun.of(SftConfig.defaults().training(), 3, 1e-3, output)
                        .withLog(l -> l.withLoggingSteps(3));
        var counts = new DeviceTraffic.Counts[1];
        var counting =
                new TrainingListener() {
                    @Override
                    public void onStep(int step, long tokens, PhaseClock clock) {
                        DeviceTraffic.Counts made = DeviceTraffic.stop();
                        counts[0] = step == counted ? made : counts[0];
                        DeviceTraffic.start();
                    }
                };
        TinyRun.SFT.train(training, policy, RunContext.of(_ -> {}).withListeners(counting));
        DeviceTraffic.stop();
        return counts[0];
    }

    @Test
    void aTokenThatIsDrawn() {
        assertBudget(
                "a token of three sequences",
                new Budget(44, 38, 1, 1).orNewer(47, 43),
                layers ->
                        onDecoder(
                                layers,
                                d -> {
                                    try (var _ = policy(d, 0)) {
                                        return token(
                                                d, SamplingConfig.Distribution.plain(), 5, 6, 7);
                                    }
                                }));
    }

    /// A graph, a copy of its inputs before it, and drawing behind it.
    @Test
    void aTokenThatIsDrawnInBfloat16() {
        assertBudget(
                "a token of three sequences in bfloat16",
                new Budget(3, 0, 1, 1),
                LaunchBudgetTest::drawnInBfloat16);
    }

    /// With kernels of Attune's own.
    @Test
    void aTokenThatIsDrawnInBfloat16WithoutAGraph() {
        try (var _ = SystemProperty.set("attune.gpu.graphs", "off")) {
            assertBudget(
                    "a token of three sequences in bfloat16 without a graph",
                    new Budget(5, 14, 1, 1),
                    LaunchBudgetTest::drawnInBfloat16);
        }
    }

    private static DeviceTraffic.Counts drawnInBfloat16(int layers) {
        return onDecoder(
                DType.BFLOAT16,
                layers,
                d -> {
                    try (var _ = policy(d, 0)) {
                        return token(d, SamplingConfig.Distribution.plain(), 5, 6, 7);
                    }
                });
    }

    @Test
    void aStepOfAnAdapter() {
        assertBudget(
                "a LoRA step",
                new Budget(45, 274, 2, 1).orNewer(46, 320),
                layers ->
                        onDecoder(
                                layers,
                                d -> {
                                    try (Policy policy = policy(d, 0)) {
                                        return step(policy);
                                    }
                                }));
    }

    /// In which attention is one call.
    @Test
    void aStepOfAnAdapterInBfloat16() {
        assertBudget(
                "a LoRA step in bfloat16",
                new Budget(30, 92, 2, 1).orNewer(31, 94),
                layers ->
                        onDecoder(
                                DType.BFLOAT16,
                                layers,
                                d -> {
                                    try (Policy policy = policy(d, 0)) {
                                        return step(policy);
                                    }
                                }));
    }

    @Test
    void aStepWithDropoutInBfloat16() {
        assertBudget(
                "a LoRA step with dropout in bfloat16",
                new Budget(30, 134, 2, 1).orNewer(31, 143),
                layers ->
                        onDecoder(
                                DType.BFLOAT16,
                                layers,
                                d -> {
                                    try (Policy policy = policy(d, 0.05)) {
                                        return step(policy);
                                    }
                                }));
    }

    @Test
    void aStepWithDropout() {
        assertBudget(
                "a LoRA step with dropout",
                new Budget(45, 754, 2, 1).orNewer(46, 807),
                layers ->
                        onDecoder(
                                layers,
                                d -> {
                                    try (Policy policy = policy(d, 0.05)) {
                                        return step(policy);
                                    }
                                }));
    }

    @Test
    void aStepOfAllWeights() {
        assertBudget(
                "a step of all weights",
                new Budget(56, 237, 3, 1).orNewer(58, 285),
                layers ->
                        onDecoder(
                                layers,
                                d -> {
                                    try (Policy policy =
                                            Policy.withAllWeights(d, Policy.Options.defaults())) {
                                        return step(policy);
                                    }
                                }));
    }

    /// So that the times of its phases are true; its launches are those of others.
    @Test
    void aLoggedStepWaitsAtTheEndsOfItsPhases() {
        onDecoder(
                1,
                d -> {
                    try (Policy policy = policy(d, 0)) {
                        DeviceTraffic.Counts other = step(policy, 2);
                        DeviceTraffic.Counts logged = step(policy, 3);
                        assertEquals(other.byOperator(), logged.byOperator());
                        assertEquals(other.uploads(), logged.uploads());
                        assertEquals(1, other.waits());
                        assertTrue(logged.waits() > 8, logged.waits() + " waits");
                        return logged;
                    }
                });
    }
}
