package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.List;

/// Rows are those on which a target depends.
class TokenForestTest {
    private final TokenForest.Builder builder = TokenForest.builder();

    private static List<Integer> lengths(TokenForest forest) {
        return forest.segments().stream().map(TokenForest.Segment::length).toList();
    }

    private static List<Integer> leftOut(TokenForest forest) {
        return forest.segments().stream().map(TokenForest.Segment::leftOut).toList();
    }

    @Test
    void lastTokensPredictNothing() {
        int prompt = builder.root(new int[] {1, 2, 3});
        int one = builder.child(prompt, new int[] {4, 5});
        int other = builder.child(prompt, new int[] {6});
        int row = builder.root(new int[] {7, 8, 9});
        builder.target(one, 0);
        builder.target(one, 1);
        builder.target(other, 0);
        builder.target(row, 1);
        TokenForest forest = builder.build();
        assertEquals(List.of(3, 1, 0, 1), lengths(forest));
        assertEquals(List.of(0, 1, 1, 2), leftOut(forest));
        assertArrayEquals(new int[] {1, 2, 3, 4, 7}, forest.tokens());
        assertArrayEquals(new int[] {0, 1, 2, 3, 0}, forest.positions());
        assertArrayEquals(new int[] {2, 3, 2, 4}, forest.targetSources());
        assertArrayEquals(new int[] {4, 5, 6, 8}, forest.targetTokens());
    }

    @Test
    void whatTargetsContinueStands() {
        int start = builder.root(new int[] {1, 2});
        int middle = builder.child(start, new int[] {3, 4});
        int empty = builder.child(middle, new int[0]);
        builder.target(builder.child(empty, new int[] {5}), 0);
        builder.child(start, new int[] {6, 7}); // which nothing asks for
        TokenForest forest = builder.build();
        assertEquals(List.of(2, 2, 0, 0, 0), lengths(forest));
        assertArrayEquals(new int[] {3}, forest.targetSources());
    }

    @Test
    void scoresAreReadAtTheirTokens() {
        int row = builder.root(new int[] {1, 2, 3, 4});
        builder.score(row, 1, 0);
        int looked = builder.root(new int[] {5, 6});
        builder.score(builder.onlooker(looked, 9, 0), 0);
        TokenForest forest = builder.build();
        assertEquals(List.of(2, 2, 1), lengths(forest));
        assertArrayEquals(new int[] {1, 4}, forest.targetSources());
        assertArrayEquals(new int[] {0, 1, 0, 1, 2}, forest.positions());
    }

    @Test
    void buildingLeavesTheBuilderAsItIs() {
        int row = builder.root(new int[] {1, 2, 3});
        builder.target(row, 1);
        builder.target(builder.root(new int[] {4, 5, 6}), 1);
        assertArrayEquals(new int[] {1, 4}, builder.build().tokens());
        builder.target(row, 2);
        assertArrayEquals(new int[] {1, 2, 4}, builder.build().tokens());
    }

    @Test
    void withoutTargetsEverythingStands() {
        builder.root(new int[] {1, 2, 3});
        assertEquals(3, builder.build().size());
    }
}
