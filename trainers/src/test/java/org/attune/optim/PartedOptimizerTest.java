package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.policy.ParameterSpace.Parameter;
import org.attune.ranks.RankParts;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.SilentRanks;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.List;

/// A rank's part of an optimizer, seen from that rank.
class PartedOptimizerTest {
    private static final int SIZE = 64 << 10;
    private static final List<Parameter> PARAMETERS =
            List.of(
                    new Parameter("q_proj.weight", new long[] {300, 100}, 0, true),
                    new Parameter("norm", new long[] {(64 << 10) - 30_000}, 30_000, false));
    private static final int RANKS = 4;

    private static float[] numbers(int seed) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(seed);
        float[] numbers = new float[SIZE];
        for (int i = 0; i < SIZE; i++) {
            numbers[i] = random.nextFloat() - 0.5f;
        }
        return numbers;
    }

    private static OptimizerKind kind(String optim) {
        return new OptimizerOptions(RecordedOptimizer.type(optim), "", 0.9, 0.95, 1e-8, 2).kind();
    }

    private static float[] whole(String optim) {
        try (var space = new FlatParameters(PARAMETERS, numbers(1));
                var optimizer = new FlatOptimizer(space, kind(optim), ParameterGroups.of(0.1))) {
            for (int step = 0; step < 3; step++) {
                space.setGradients(numbers(100 + step));
                optimizer.step(0.01, 0.7);
            }
            return space.values().toFloats();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"adamw_torch", "lion_32bit", "sgd", "schedule_free_adamw"})
    void eachRankUpdatesItsPartAsOneProcessDoes(String optim) {
        Engine.run(
                () -> {
                    float[] expected = whole(optim);
                    for (int rank = 0; rank < RANKS; rank++) {
                        try (var space = new FlatParameters(PARAMETERS, numbers(1))) {
                            compare(expected, space, optim, rank);
                        }
                    }
                });
    }

    private static void compare(float[] expected, FlatParameters space, String optim, int rank) {
        var ranks = new SilentRanks(rank, RANKS);
        var parts = new RankParts(ranks, SIZE);
        long before = TensorScope.liveBytes();
        try (var optimizer =
                new PartedOptimizer(space, kind(optim), ParameterGroups.of(0.1), ranks)) {
            long state = // views take none
                    TensorScope.liveBytes() - before - FlatParameters.bytesOfClipping(kind(optim));
            assertEquals(kind(optim).state(PARAMETERS).size() * 4.0 * SIZE / RANKS, state, "bytes");
            for (int step = 0; step < 3; step++) {
                space.setGradients(numbers(100 + step));
                long sent = ranks.sent();
                parts.sum("gradients", space.gradients());
                optimizer.step(0.01, 0.7);
                // reduced and gathered: 2 (N - 1) / N of the numbers, as data parallel sums
                assertEquals(2L * (RANKS - 1) * SIZE * 4 / RANKS, ranks.sent() - sent);
            }
            float[] values = space.values().toFloats();
            for (RankParts.Run run : parts.runs()) {
                int from = (int) run.row();
                int to = from + (int) run.length();
                float[] own = Arrays.copyOfRange(values, from, to);
                assertArrayEquals(Arrays.copyOfRange(expected, from, to), own, 0);
            }
        }
        assertEquals(before, TensorScope.liveBytes());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 255, 257, 4_884_480, 134_515_008, 8_030_261_248L})
    void partsAreAlike(long count) {
        for (int size : new int[] {1, 2, 3, 4, 8}) {
            long sum = 0;
            for (int rank = 0; rank < size; rank++) {
                var parts = new RankParts(new SilentRanks(rank, size), count);
                sum += parts.own();
                for (RankParts.Run run : parts.runs()) {
                    assertEquals(0, run.row() % RankParts.piece(count));
                }
                if (count > 1 << 20) {
                    assertTrue(parts.own() <= (1.0 / size + 0.03) * count, size + " " + count);
                }
            }
            assertEquals(count, sum);
        }
    }

    @Test
    void wholeMatricesAreRefused() {
        Engine.run(
                () -> {
                    try (var space = new FlatParameters(PARAMETERS, numbers(1))) {
                        for (String optim : List.of("muon", "adafactor", "adamw_8bit")) {
                            var ranks = new SilentRanks(0, 2);
                            var error =
                                    assertThrows(
                                            ConfigException.class,
                                            () ->
                                                    new PartedOptimizer(
                                                            space,
                                                            kind(optim),
                                                            ParameterGroups.of(0),
                                                            ranks));
                            assertTrue(error.getMessage().contains("adamw_torch"), optim);
                        }
                    }
                });
    }
}
