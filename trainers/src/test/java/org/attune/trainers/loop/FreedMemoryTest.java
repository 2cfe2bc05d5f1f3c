package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.util.ArrayList;
import java.util.List;

class FreedMemoryTest {
    private static final long MIB = 1 << 20;

    private long resident;

    /// Memory after each step, and after which steps some was given back.
    @Test
    void growthByMoreThanATenthIsGivenBack() {
        List<Integer> after = new ArrayList<>();
        long[] steps = {1000, 1050, 1100, 1101, 1000, 1200, 1250, 1215, 1400};
        int[] step = {0};
        var memory = new FreedMemory(1, () -> steps[step[0]], () -> after.add(step[0]));
        for (; step[0] < steps.length; step[0]++) {
            memory.afterStep();
        }
        // 1000 is what a step needs, until the step after the second time shows that it is 1250.
        assertEquals(List.of(3, 5, 8), after);
    }

    @Test
    void severalStepsShowWhatIsNeeded() {
        List<Integer> after = new ArrayList<>();
        long[] steps = {1000, 1300, 1100, 1400, 1431, 1000, 1350, 1200, 1500, 1550, 1574, 1600};
        int[] step = {0};
        var memory = new FreedMemory(3, () -> steps[step[0]], () -> after.add(step[0]));
        for (; step[0] < steps.length; step[0]++) {
            memory.afterStep();
        }
        // 1300 at most in the first three, 1350 in the three after the first time.
        assertEquals(List.of(4, 8), after);
    }

    @Test
    void whatOtherWorkTookIsGivenBackAndNotTakenForAStepsNeed() {
        resident = 3000;
        var memory = new FreedMemory(1, () -> resident, () -> resident = 500);
        memory.giveBack();
        assertEquals(500, resident);
        resident = 1000;
        memory.afterStep();
        resident = 1101;
        memory.afterStep();
        assertEquals(500, resident);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void pagesOfFreedTensorsGoBackToTheSystem() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("freed")) {
                        Tensor large = filled();
                        Tensor after = filled();
                        large.close(); // a hole, not the heap's end
                        long before = ProcessMemory.residentBytes();
                        new FreedMemory(1).giveBack();
                        long less = before - ProcessMemory.residentBytes();
                        assertTrue(less > 200 * MIB, "only " + less + " bytes went back");
                        assertEquals(0, after.narrow(0, 5, 1).item());
                    }
                });
    }

    private static Tensor filled() {
        return Tensor.zeros(Device.cpu(), DType.FLOAT32, 64 * MIB);
    }
}
