package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.trainers.layout.CompletionForest;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

/// Completions in checkpoints.
final class RolloutLinesTest {
    @Test
    void forksComeBack() {
        int[] prompt = {1, 2};
        var row =
                new RolloutRow(
                        0,
                        new CompletionForest.Row(
                                prompt,
                                new int[] {3, 4},
                                List.of(new CompletionForest.Fork(1, new int[] {1, 9}))),
                        new float[] {-0.1f, -0.2f},
                        false,
                        false,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        new float[] {1, 1},
                        0.5,
                        Optional.empty());
        ObjectNode line = new ObjectMapper().createObjectNode();
        new RolloutLines(_ -> prompt).write(row, line);
        List<int[]> sequences = new RolloutLines(_ -> prompt).read(line).tokens().sequences();
        assertEquals(2, sequences.size());
        assertArrayEquals(new int[] {1, 2, 3}, sequences.get(0));
        assertArrayEquals(new int[] {1, 9, 4}, sequences.get(1));
    }
}
