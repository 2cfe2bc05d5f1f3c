package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.model.layer.Decoder;
import org.attune.optim.FlatOptimizer;
import org.attune.optim.Optimizer;
import org.attune.optim.OptimizerKind;
import org.attune.optim.OptimizerOptions;
import org.attune.optim.ParameterGroups;
import org.attune.optim.PartedOptimizer;
import org.attune.optim.RecordedOptimizer;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.ranks.Collective;
import org.attune.ranks.RankParts;
import org.attune.ranks.SingleProcess;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.SilentRanks;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// Gradients of which each process keeps its part.
class GradientPartsTest {
    private static final int SIZE = 1000;
    private static final List<Parameter> PARAMETERS =
            List.of(
                    new Parameter("a", new long[] {30, 10}, 0, true),
                    new Parameter("b", new long[] {400}, 300, true),
                    new Parameter("c", new long[] {300}, 700, true));

    private static FlatParameters inTurn(TensorScope scope) {
        List<List<Parameter>> turns =
                List.of(
                        List.of(PARAMETERS.get(2)),
                        List.of(PARAMETERS.get(0)),
                        List.of(PARAMETERS.get(1)));
        var places = GradientPlaces.inTurn(List.of(PARAMETERS), turns, Set.of(1));
        return new FlatParameters(scope, Device.cpu(), PARAMETERS, places);
    }

    private static float[] numbers(int seed) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(seed);
        float[] numbers = new float[SIZE];
        for (int i = 0; i < SIZE; i++) {
            numbers[i] = (random.nextFloat() - 0.5f) * (1 << random.nextInt(12));
        }
        return numbers;
    }

    /// A backward pass that makes these gradients.
    private static void pass(FlatParameters space, float[] numbers) {
        List<List<Parameter>> turns = space.turns();
        for (int turn = 0; turn < turns.size(); turn++) {
            try (var _ = TensorScope.open("pass")) {
                for (Parameter p : turns.get(turn)) {
                    float[] own = new float[(int) p.count()];
                    System.arraycopy(numbers, (int) p.offset(), own, 0, own.length);
                    space.gradient(p).addInPlace(Tensor.of(Device.cpu(), own, p.shape()));
                }
            }
            space.complete(turn);
        }
    }

    private static float[] sum(float[] a, float[] b) {
        float[] sum = new float[SIZE];
        for (int i = 0; i < SIZE; i++) {
            sum[i] = a[i] + b[i];
        }
        return sum;
    }

    /// The tree by which whole gradients of devices are added up.
    private static float[] tree(List<float[]> devices) {
        if (devices.size() == 1) {
            return devices.getFirst();
        }
        int left = Integer.highestOneBit(devices.size() - 1);
        return sum(tree(devices.subList(0, left)), tree(devices.subList(left, devices.size())));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 11})
    void neighboursAreAddedInATreeAndRoundsInTheirOrder(int devices) {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.detached("test")) {
                        FlatParameters space = inTurn(scope);
                        GradientParts parts = space.gradientParts(new SingleProcess());
                        for (int step = 0; step < 2; step++) {
                            parts.begin();
                            float[] expected = new float[SIZE];
                            for (int round = 0; round < 3; round++) {
                                List<float[]> made = new ArrayList<>();
                                for (int device = 0; device < devices; device++) {
                                    made.add(numbers(100 * round + device + step));
                                    parts.beginPass(devices);
                                    pass(space, made.getLast());
                                    parts.endPass(true);
                                }
                                parts.endRound(devices);
                                expected = sum(expected, tree(made));
                            }
                            assertArrayEquals(expected, parts.sum().toFloats(), 0);
                        }
                    }
                });
    }

    /// Devices that have no rows left in a round count as zeros.
    @Test
    void devicesWithoutRowsChangeNothing() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.detached("test")) {
                        FlatParameters space = inTurn(scope);
                        GradientParts parts = space.gradientParts(new SingleProcess());
                        parts.begin();
                        for (int device = 0; device < 4; device++) {
                            parts.beginPass(4);
                            if (device == 1) {
                                pass(space, numbers(1));
                            }
                            parts.endPass(device < 2); // of device 0 others might have had a pass
                        }
                        parts.endRound(4);
                        assertArrayEquals(numbers(1), parts.sum().toFloats(), 0);
                    }
                });
    }

    @Test
    void aSecondPassForOneGroupIsRefused() {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.detached("test")) {
                        FlatParameters space = inTurn(scope);
                        GradientParts parts = space.gradientParts(new SingleProcess());
                        parts.begin();
                        assertThrows(IllegalStateException.class, () -> space.complete(0));
                        parts.beginPass(1);
                        pass(space, numbers(1));
                        var second =
                                assertThrows(
                                        IllegalStateException.class, () -> pass(space, numbers(2)));
                        assertTrue(second.getMessage().contains("second backward pass"));
                    }
                });
    }

    /// One N-th of the gradients and those of a block, beside those of a tied embedding.
    @ParameterizedTest
    @CsvSource({"true, 1", "true, 2", "true, 4", "false, 2", "false, 4"})
    void aRankHoldsItsPartAndABlock(boolean all, int ranks) {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            Policy policy = policy(decoder, all)) {
                        FlatParameters space = policy.parameters();
                        long before = TensorScope.liveBytes();
                        GradientParts parts = space.gradientParts(new SilentRanks(0, ranks));
                        parts.begin();
                        for (int round = 0; round < 3; round++) {
                            parts.beginPass(1);
                            backward(policy);
                            parts.endPass(true);
                            parts.endRound(1);
                        }
                        long part = TensorScope.liveBytes() - before;
                        long piece = RankParts.piece(space.count());
                        assertTrue(part <= 4 * (space.count() / ranks + piece), "part " + part);
                        long[] turns =
                                space.turns().stream()
                                        .mapToLong(
                                                t -> t.stream().mapToLong(Parameter::count).sum())
                                        .sorted()
                                        .toArray();
                        long block = turns[turns.length - 1] + turns[turns.length - 2];
                        assertTrue(space.gradients().size() <= block + 64, "gradients in turn");
                    }
                });
    }

    private static Policy policy(Decoder decoder, boolean all) {
        return all
                ? Policy.withWeights(decoder, _ -> true, Policy.Options.defaults(), true)
                : adapter(decoder, true);
    }

    private static Policy whole(Decoder decoder, boolean all) {
        return all
                ? Policy.withAllWeights(decoder, Policy.Options.defaults())
                : adapter(decoder, false);
    }

    private static Policy adapter(Decoder decoder, boolean inTurn) {
        List<String> targets = List.of("q_proj", "down_proj", "lm_head");
        LoraConfig lora = Adapted.config(targets, List.of("embed_tokens", "norm"), false, 0);
        return Policy.withFreshAdapter(
                decoder,
                lora,
                RandomSource.XO_RO_SHI_RO_128_PP.create(1),
                Policy.Options.defaults(),
                inTurn);
    }

    private static void backward(Policy policy) {
        TokenForest.Builder builder = TokenForest.builder();
        int prompt = builder.root(new int[] {1, 2, 3, 4, 5, 6});
        int child = builder.child(prompt, new int[] {7, 8, 9});
        for (int i = 0; i < 3; i++) {
            builder.target(child, i);
        }
        TokenForest forest = builder.build();
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            float[] slopes = new float[forest.targetCount()];
            Arrays.fill(slopes, 1);
            e.backward(slopes);
        }
    }

    /// With modules that are trained whole beside an adapter.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void gradientsAreThoseThatAreKeptWhole(boolean all) {
        Engine.run(
                () -> {
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            Policy policy = policy(decoder, all);
                            var other = TinyModels.decoder(TinyModels.tiedLlama());
                            Policy whole = whole(other, all)) {
                        GradientParts parts =
                                policy.parameters().gradientParts(new SingleProcess());
                        parts.begin();
                        parts.beginPass(1);
                        backward(policy);
                        parts.endPass(true);
                        parts.endRound(1);
                        backward(whole);
                        float[] expected = whole.parameters().gradients().toFloats();
                        assertArrayEquals(expected, parts.sum().toFloats(), 0);
                    }
                });
    }

    private static OptimizerKind kind(String optim) {
        return new OptimizerOptions(RecordedOptimizer.type(optim), "", 0.9, 0.95, 1e-8, 2).kind();
    }

    /// Values that are trained, as a checkpoint has them, behind those that are shown.
    private static float[] both(ParameterSpace space, Optimizer optimizer) {
        optimizer.showResult();
        float[] both = Arrays.copyOf(space.values().toFloats(), 2 * SIZE);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment saved = optimizer.state().getFirst().data().apply(arena);
            float[] trained = saved.toArray(ValueLayout.JAVA_FLOAT);
            System.arraycopy(trained, 0, both, SIZE, SIZE);
        }
        return both;
    }

    private static float[] updated(String optim) {
        try (var scope = TensorScope.detached("test")) {
            var space = new FlatParameters(scope, Device.cpu(), PARAMETERS, true);
            try (var optimizer = new FlatOptimizer(space, kind(optim), ParameterGroups.of(0.1))) {
                for (int step = 0; step < 3; step++) {
                    optimizer.zeroGradients();
                    try (var _ = TensorScope.open("pass")) {
                        float[] made = numbers(step);
                        space.gradients().addInPlace(Tensor.of(Device.cpu(), made, SIZE));
                    }
                    optimizer.step(0.01, 0.7);
                }
                return both(space, optimizer);
            }
        }
    }

    /// Of two ranks each updates its part as one process does.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "adamw_torch",
                "adam",
                "sgd",
                "rmsprop",
                "adagrad",
                "lion_32bit",
                "ademamix",
                "schedule_free_adamw",
                "schedule_free_sgd"
            })
    void partsAreUpdatedAsAWholeIs(String optim) {
        Engine.run(
                () -> {
                    float[] expected = updated(optim);
                    for (int rank = 0; rank < 2; rank++) {
                        try (var scope = TensorScope.detached("test")) {
                            compare(expected, inTurn(scope), new SilentRanks(rank, 2), optim);
                        }
                    }
                });
    }

    private static void compare(
            float[] expected, FlatParameters space, SilentRanks ranks, String optim) {
        GradientParts parts = space.gradientParts(ranks);
        try (var optimizer =
                new PartedOptimizer(space, kind(optim), ParameterGroups.of(0.1), parts)) {
            for (int step = 0; step < 3; step++) {
                optimizer.zeroGradients();
                parts.begin();
                parts.beginPass(1);
                pass(space, numbers(step));
                parts.endPass(true);
                parts.endRound(1);
                optimizer.step(0.01, 0.7);
            }
            float[] both = both(space, optimizer);
            for (RankParts.Run run : parts.parts().runs()) {
                for (int from : new int[] {(int) run.row(), (int) run.row() + SIZE}) {
                    if (from < SIZE || ranks.writes()) { // who writes has the saved values
                        int to = from + (int) run.length();
                        float[] own = Arrays.copyOfRange(both, from, to);
                        assertArrayEquals(Arrays.copyOfRange(expected, from, to), own, 0);
                    }
                }
            }
        }
    }

    /// `m (N - 1)/N` of the gradients of all ranks.
    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void bytesFollowTheFormula(int size) {
        Engine.run(
                () -> {
                    long all = 0;
                    int passes = 3;
                    for (int rank = 0; rank < size; rank++) {
                        try (var scope = TensorScope.detached("test")) {
                            FlatParameters space = inTurn(scope);
                            var ranks = new SilentRanks(rank, size);
                            all += sent(space, ranks, passes);
                        }
                    }
                    assertEquals((long) passes * (size - 1) * 4 * SIZE, all);
                });
    }

    private static long sent(FlatParameters space, SilentRanks ranks, int passes) {
        Collective collective = ranks;
        GradientParts parts = space.gradientParts(collective);
        parts.begin();
        for (int i = 0; i < passes; i++) {
            parts.beginPass(1);
            if (i != 1) { // a rank without rows takes part too
                pass(space, numbers(i));
            }
            parts.endPass(true);
            parts.endRound(1);
        }
        return ranks.sent();
    }
}
