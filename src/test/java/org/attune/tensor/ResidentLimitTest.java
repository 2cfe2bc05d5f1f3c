package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ResidentLimitTest {
    private long resident;
    private int givenBack;

    /// Gives back all but `alive` bytes.
    private ResidentLimit limit(long alive) {
        return new ResidentLimit(
                1600,
                () -> resident,
                () -> {
                    givenBack++;
                    resident = alive;
                });
    }

    private void pass(ResidentLimit limit, long found, int expected) {
        resident = found;
        limit.check();
        assertEquals(expected, givenBack, "found " + found);
    }

    @Test
    void whatIsFreedIsGivenBackAboveTheLimitOnly() {
        ResidentLimit limit = limit(1000);
        pass(limit, 1600, 0);
        pass(limit, 1601, 1);
        pass(limit, 1500, 1);
        pass(limit, 1700, 2);
    }

    @Test
    void itIsNotTriedAgainAndAgainWhereNothingIsFreed() {
        ResidentLimit limit = limit(1900);
        pass(limit, 1950, 1);
        pass(limit, 1950, 1);
        pass(limit, 2000, 1);
        pass(limit, 2001, 2);
    }
}
