package org.attune.bench.scale;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.bench.ModelShape;
import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Numbers worked out by hand.
class StepModelTest {
    private static final ModelShape SMOL = new ModelShape(576, 1536, 30, 9, 3, 64, 49152, true);
    private static final Workload FULL = new Workload("full", 0, 8e9, 32);
    private static final Workload LORA = new Workload("lora", 8e9, 40e6, 32);
    private static final double NEAR = 1e-12;

    @TempDir Path folder;

    /// SmolLM2-135M has 134.5 million numbers, norms included, and a LoRA adapter of rank 16 on all
    /// linear layers 4 884 480.
    @Test
    void numbersAreThoseOfTheModel() {
        double layer = 2 * 576 * 576 + 2 * 576 * 192 + 3.0 * 576 * 1536;
        assertEquals(30 * layer + 576.0 * 49152, Workload.numbers(SMOL));
        assertEquals(134_479_872, Workload.numbers(SMOL));
        assertEquals(4_884_480, Workload.lora("", SMOL, 16).trained());
        assertEquals(0, Workload.full("", SMOL).frozen());
    }

    @Test
    void bytesOfAStepFollowTheFormulas() {
        double r = 63.0 / 64;
        assertEquals(2 * r * 4 * 8e9, Sharding.NONE.sent(FULL, 64, 1), 1);
        assertEquals(2 * r * 4 * 8e9, Sharding.STATE.sent(FULL, 64, 4), 1);
        assertEquals(5 * r * 4 * 8e9, Sharding.GRADIENTS.sent(FULL, 64, 4), 1);
        assertEquals(3 * r * 8 * 8e9, Sharding.WEIGHTS.sent(FULL, 64, 3), 1);
        assertEquals(r * (8 * 40e6 + 4 * 8e9), Sharding.WEIGHTS.sent(LORA, 64, 1), 1);
        for (Sharding sharding : Sharding.values()) {
            assertEquals(0, sharding.sent(FULL, 1, 1), "one device sends nothing");
        }
    }

    /// Of 8 billion trained numbers: 2 bytes for products, 4 of gradients, 4 of values, 8 of
    /// moments.
    @Test
    void heldBytesFallWithEachStage() {
        assertEquals(18 * 8e9, Sharding.NONE.held(FULL, 64), 1);
        assertEquals(10 * 8e9 + 8 * 8e9 / 64, Sharding.STATE.held(FULL, 64), 1);
        assertEquals(6 * 8e9 + 12 * 8e9 / 64, Sharding.GRADIENTS.held(FULL, 64), 1);
        assertEquals(18 * 8e9 / 64 + 4 * 8e9 / 32, Sharding.WEIGHTS.held(FULL, 64), 1);
        for (Sharding sharding : new Sharding[] {Sharding.STATE, Sharding.GRADIENTS}) {
            assertEquals(Sharding.NONE.held(FULL, 1), sharding.held(FULL, 1), 1, "on one device");
        }
    }

    @Test
    void largeMessagesGoAroundAndSmallOnesAreHalved() {
        var cluster = new Cluster(1, 100, 10, 8, 0.5, 1, 0.8);
        assertEquals(0, cluster.half(1, 1e9));
        assertEquals(0.75 * 4000 / 100 + 3 * 0.5, cluster.half(4, 4000), NEAR);
        assertEquals(0.01 + 2 * 0.5, cluster.half(4, 1), NEAR);
        assertEquals(15.0 / 16 * 4000 / 10 + 15 * 0.5, cluster.half(16, 4000), 3);
    }

    @Test
    void productsHideMessagesButForTheLastBlock() {
        Cluster beside = Cluster.h100().withHidden(0.8);
        var fast = new StepModel(beside, FULL, Sharding.NONE, 8192, 1, true);
        assertEquals(8192 * 8 * 8e9 / 400e12, fast.products(), NEAR);
        assertEquals(fast.messages(64) / 32, fast.exposed(64), NEAR);
        assertTrue(fast.efficiency(64) > 0.99);
        var after = new StepModel(Cluster.h100(), FULL, Sharding.NONE, 8192, 1, true);
        assertEquals(after.messages(64), after.exposed(64), NEAR);
        Cluster slow = beside.withAcross(1.1e9);
        var waits = new StepModel(slow, FULL, Sharding.NONE, 8192, 1, true);
        assertEquals(waits.messages(64) - 0.8 * waits.products(), waits.exposed(64), NEAR);
        assertTrue(waits.efficiency(64) < 0.05);
        assertTrue(
                new StepModel(slow, LORA, Sharding.NONE, 8192, 1, true).efficiency(64) > 0.9,
                "an adapter goes over an ordinary network");
    }

    @Test
    void aStepLastsAsLongAsTheSlowestDevice() {
        var even = new MeasuredSteps(new double[] {2, 2, 2});
        assertEquals(1, even.efficiency(64, 0, 10, 1), NEAR);
        assertEquals(2 / 2.5, even.efficiency(64, 0.5, 10, 1), NEAR);
        var uneven = new MeasuredSteps(new double[] {1, 1, 1, 3});
        assertEquals(1, uneven.efficiency(1, 0, 1000, 1), NEAR);
        // The mean of two is 1.5; one of them takes 3 with probability 7/16, else both take 1.
        assertEquals(1.5 / (1 + 2 * 7 / 16.0), uneven.efficiency(2, 0, 100_000, 1), 0.005);
        assertEquals(0.5, uneven.efficiency(1024, 0, 100, 1), 0.01);
    }

    @Test
    void stepsAreReadFromARun() throws IOException {
        Path metrics = folder.resolve("metrics.jsonl");
        Files.writeString(
                metrics,
                """
                {"step": 1, "step_time": 9.0}
                {"step": 2, "step_time": 5.0}
                {"step": 3, "step_time": 1.0}
                {"eval_loss": 1.0}
                {"step": 4, "step_time": 3.0}
                """);
        assertEquals(2, MeasuredSteps.of(metrics).mean());
        Files.writeString(metrics, "{\"step\": 1}\n");
        String message =
                assertThrows(ConfigException.class, () -> MeasuredSteps.of(metrics)).getMessage();
        assertTrue(message.contains("0 steps with step_time"), message);
    }
}
