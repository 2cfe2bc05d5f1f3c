package org.attune.trainers;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.reward.Advantages;
import org.attune.reward.Advantages.Aggregation;
import org.attune.reward.Advantages.Scale;
import org.attune.reward.RewardTable;
import org.attune.tensor.Engine;
import org.junit.jupiter.api.Test;

import java.util.List;

/// ND4J and libtorch share OpenMP: advantages, computed from the engine thread, must not take its
/// other cores away.
final class AdvantagesOnEngineTest {
    @Test
    void libtorchKeepsItsThreads() {
        var table = RewardTable.of(List.of("right"), new double[] {1}, new double[][] {{1}, {0}});
        Engine.run(
                () -> {
                    int before = Engine.threads();
                    Advantages.grpo(table, 2, Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE);
                    assertEquals(before, Engine.threads());
                });
    }
}
