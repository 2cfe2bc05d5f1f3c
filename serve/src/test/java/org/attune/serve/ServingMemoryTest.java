package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

class ServingMemoryTest {
    private static int fitting(long free, int asked) {
        return new ServingMemory(answers -> 100 + 10L * answers, free, 4096).fitting(asked);
    }

    @Test
    void answersAreHalvedUntilTheyFit() {
        assertEquals(16, fitting(260, 16));
        assertEquals(8, fitting(259, 16));
        assertEquals(1, fitting(110, 16));
        assertEquals(3, fitting(130, 7));
    }

    @Test
    void whereNoneFitsTheLengthIsAskedFor() {
        ConfigException problem = assertThrows(ConfigException.class, () -> fitting(109, 16));
        assertTrue(problem.getMessage().contains("--max-model-len"), problem.getMessage());
        assertTrue(problem.getMessage().contains("4096"), problem.getMessage());
    }
}
