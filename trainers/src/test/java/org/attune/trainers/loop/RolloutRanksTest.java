package org.attune.trainers.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.attune.error.ConfigException;
import org.attune.ranks.Collective;
import org.attune.ranks.ServingCollective;
import org.junit.jupiter.api.Test;

import java.util.Optional;

class RolloutRanksTest {
    private static Collective ranks(int size) {
        Collective ranks = mock(Collective.class);
        when(ranks.size()).thenReturn(size);
        return ranks;
    }

    /// They would wait for each other.
    @Test
    void ranksThatHoldWeightsInPartsAllTrain() {
        var inParts = new ServingCollective(ranks(3));
        var refused = assertThrows(ConfigException.class, () -> RolloutRanks.of(inParts, 1));
        assertTrue(
                refused.getMessage().contains("0 to 2 with rollout_ranks"), refused.getMessage());
        assertThrows(UnsupportedOperationException.class, () -> inParts.part(0));
        assertEquals(Optional.empty(), RolloutRanks.of(inParts, 0));
    }

    @Test
    void oneHasToTrain() {
        Collective two = ranks(2);
        assertThrows(ConfigException.class, () -> RolloutRanks.of(two, 2));
    }
}
