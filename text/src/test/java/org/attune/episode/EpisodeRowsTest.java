package org.attune.episode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Rows of an episode.
final class EpisodeRowsTest {
    @Test
    void rowsOfAnEpisodeAreItsTurns() {
        var first =
                new Turn(
                        new int[] {4, 5},
                        new float[] {-1, -2},
                        true,
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        new int[] {6},
                        0);
        var second =
                new Turn(
                        new int[] {7},
                        new float[] {-3},
                        true,
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        new int[0],
                        0);
        var forked =
                new Turn(
                        new int[] {9},
                        new float[] {-4},
                        true,
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        new int[0],
                        0,
                        Optional.of(new int[] {1, 2, 5, 6}));
        List<EpisodeRow> one = episode(first, second).rows();
        assertEquals(1, one.size());
        assertArrayEquals(new int[] {1, 2, 3}, one.getFirst().promptIds());
        assertArrayEquals(new int[] {4, 5, 6, 7}, one.getFirst().ids());
        assertArrayEquals(new float[] {-1, -2, 0, -3}, one.getFirst().logProbs());
        assertEquals(BitSet.valueOf(new long[] {0b100}), one.getFirst().foreign());
        List<EpisodeRow> two = episode(first, forked).rows();
        assertEquals(2, two.size());
        assertArrayEquals(new int[] {4, 5}, two.get(0).ids());
        assertArrayEquals(new int[] {1, 2, 5, 6}, two.get(1).promptIds());
        assertArrayEquals(new int[] {9}, two.get(1).ids());
    }

    private static Episode episode(Turn... turns) {
        return new Episode(
                new EpisodeStart(new EpisodeId(0, 0), Map.of(), 0, 0, 0),
                List.of(),
                new int[] {1, 2, 3},
                List.of(turns),
                EndReason.ANSWERED,
                Map.of(),
                Map.of());
    }
}
