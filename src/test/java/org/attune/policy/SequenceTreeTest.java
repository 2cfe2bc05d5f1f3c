package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

class SequenceTreeTest {
    private static int[] ids(int from, int to, int... more) {
        int[] ids = Arrays.copyOf(IntStream.range(from, to).toArray(), to - from + more.length);
        System.arraycopy(more, 0, ids, to - from, more.length);
        return ids;
    }

    private static TokenForest laidOut(List<int[]> sequences) {
        TokenForest.Builder builder = TokenForest.builder();
        SequenceTree.add(builder, sequences, true);
        return builder.build();
    }

    /// A system prompt, two prompts behind it, one of which has two completions, and a row that has
    /// nothing in common with them.
    @Test
    void whatSequencesBeginWithStandsOnce() {
        TokenForest forest =
                laidOut(
                        List.of(
                                ids(100, 120, 1, 2, 3, 4, 5, 6, 7, 8, 9, 21),
                                ids(100, 120, 1, 2, 3, 4, 5, 6, 7, 8, 9, 22, 23),
                                ids(200, 203),
                                ids(100, 120, 31, 32)));
        List<Integer> lengths = forest.segments().stream().map(s -> s.length()).toList();
        assertEquals(List.of(20, 9, 1, 2, 2, 3), lengths);
        List<Integer> parents = forest.segments().stream().map(s -> s.parent()).toList();
        assertEquals(List.of(-1, 0, 1, 1, 0, -1), parents);
    }

    /// A segment costs more than a few rows.
    @Test
    void shortBeginningsAreNotShared() {
        assertEquals(2, laidOut(List.of(ids(0, 7, 50), ids(0, 7, 60))).segments().size());
        assertEquals(3, laidOut(List.of(ids(0, 8, 50), ids(0, 8, 60))).segments().size());
        var three = List.of(ids(0, 4, 50), ids(0, 4, 60), ids(0, 4, 70));
        assertEquals(4, laidOut(three).segments().size());
    }

    @Test
    void equalSequencesAreOne() {
        assertEquals(12, laidOut(List.of(ids(0, 12), ids(0, 12), ids(0, 12))).size());
        assertEquals(14, laidOut(List.of(ids(0, 12), ids(0, 12, 80, 81))).size());
    }

    @Test
    void withoutSharingEachSequenceIsARoot() {
        TokenForest.Builder builder = TokenForest.builder();
        SequenceTree.add(builder, List.of(ids(0, 12), ids(0, 12)), false);
        TokenForest forest = builder.build();
        assertEquals(24, forest.size());
        assertTrue(forest.segments().stream().allMatch(s -> s.parent() == TokenForest.ROOT));
    }

    /// Whatever is shared: each token stands behind those of its sequence, is predicted from the
    /// one before it, and no group takes more tokens than was said.
    @Test
    void everySequenceIsAPath() {
        var random = new Random(5);
        for (int round = 0; round < 300; round++) {
            List<int[]> sequences = sequences(random);
            TokenForest.Builder builder = TokenForest.builder();
            List<SequenceTree.Path> paths = SequenceTree.add(builder, sequences, true);
            int said = 0;
            for (int i = 0; i < sequences.size(); i++) {
                said += SequenceTree.added(sequences.subList(0, i), sequences.get(i));
                SequenceTree.Path path = paths.get(i);
                assertEquals(sequences.get(i).length, path.length());
                for (int t = 0; t < path.length(); t++) {
                    assertEquals(builder.targetCount(), path.score(t, 0));
                    if (t > 0) {
                        assertEquals(builder.targetCount(), path.target(t));
                    }
                }
            }
            TokenForest forest = builder.build();
            assertTrue(forest.size() <= said, forest.size() + " tokens, " + said + " said");
            check(forest, sequences);
        }
    }

    private static void check(TokenForest forest, List<int[]> sequences) {
        int target = 0;
        for (int[] ids : sequences) {
            int before = -1;
            for (int t = 0; t < ids.length; t++) {
                int row = forest.targetSources()[target++];
                assertEquals(t, forest.positions()[row]);
                assertArrayEquals(Arrays.copyOf(ids, t + 1), path(forest, row));
                if (t > 0) {
                    assertEquals(ids[t], forest.targetTokens()[target]);
                    assertEquals(before, forest.targetSources()[target++]);
                }
                before = row;
            }
        }
    }

    /// Tokens from a root up to a row.
    private static int[] path(TokenForest forest, int row) {
        List<Integer> ids = new ArrayList<>();
        int segment = 0;
        while (forest.segments().get(segment).end() <= row) {
            segment++;
        }
        for (int r = row, s = segment; s != TokenForest.ROOT; ) {
            TokenForest.Segment own = forest.segments().get(s);
            for (int i = r; i >= own.start(); i--) {
                ids.addFirst(forest.tokens()[i]);
            }
            s = own.parent();
            r = s == TokenForest.ROOT ? -1 : forest.segments().get(s).end() - 1;
        }
        return ids.stream().mapToInt(i -> i).toArray();
    }

    /// Continuations of each other, some of no token.
    private static List<int[]> sequences(Random random) {
        List<int[]> all = new ArrayList<>();
        int count = 1 + random.nextInt(9);
        for (int i = 0; i < count; i++) {
            int[] other = all.isEmpty() ? new int[0] : all.get(random.nextInt(all.size()));
            int kept = random.nextInt(other.length + 1);
            int[] ids = Arrays.copyOf(other, kept + random.nextInt(random.nextBoolean() ? 4 : 30));
            for (int t = kept; t < ids.length; t++) {
                ids[t] = random.nextInt(3);
            }
            all.add(ids);
        }
        return all;
    }

    @Test
    void aTokenThatIsNotThereIsAnError() {
        TokenForest.Builder builder = TokenForest.builder();
        SequenceTree.Path path = SequenceTree.add(builder, List.of(ids(0, 3)), true).getFirst();
        assertThrows(IndexOutOfBoundsException.class, () -> path.target(3));
        assertThrows(IllegalArgumentException.class, () -> path.target(0));
    }
}
