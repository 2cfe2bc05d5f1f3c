package org.attune.trainers.batch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class RowTokensTest {
    @Test
    void aStepMayGetTheLongestRows() {
        assertEquals(new RowTokens(9, 9 + 7 + 7), RowTokens.of(new int[] {7, 2, 9, 7, 1}, 3));
    }

    @Test
    void aStepHasNoMoreRowsThanThereAre() {
        assertEquals(new RowTokens(5, 8), RowTokens.of(new int[] {3, 5}, 4));
        assertEquals(new RowTokens(0, 0), RowTokens.of(new int[0], 4));
    }

    @Test
    void rowsThatAreStillToComeAreAllTakenForTheLongest() {
        assertEquals(new RowTokens(100, 3_000_000_000L), RowTokens.atMost(100, 30_000_000));
    }
}
