package org.attune.trainers.distillation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.attune.rollout.source.ServerScores;
import org.attune.rollout.source.ServerScores.Asked;
import org.attune.rollout.source.ServerScores.Told;
import org.attune.trainers.layout.CompletionForest;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// What a teacher on a server is asked.
class ServerTeacherTest {
    /// A turn behind other tokens than those before it is asked about behind these.
    @Test
    void eachSequenceOfAForkedEpisodeIsAsked() {
        List<Asked> asked = new ArrayList<>();
        ServerScores scores = mock();
        when(scores.of(any()))
                .thenAnswer(
                        call -> {
                            List<Asked> sequences = call.getArgument(0);
                            asked.addAll(sequences);
                            return sequences.stream().map(ServerTeacherTest::told).toList();
                        });
        var rows =
                List.of(
                        new CompletionForest.Row(
                                new int[] {1, 2},
                                new int[] {3, 4, 5},
                                List.of(new CompletionForest.Fork(2, new int[] {1, 6, 7}))),
                        new CompletionForest.Row(new int[] {1}, new int[] {8}));
        var teacher =
                new ServerTeacher(scores, ServerTeacher.Told.LIKELIEST, 1, true, 10, Map.of());
        teacher.read(CompletionForest.of(rows, true), rows);
        assertArrayEquals(new int[] {1, 2, 3, 4}, asked.get(0).ids());
        assertArrayEquals(new int[] {1, 6, 7, 5}, asked.get(1).ids());
        assertArrayEquals(new int[] {1, 8}, asked.get(2).ids());
        assertEquals(List.of(2, 3, 1), asked.stream().map(Asked::from).toList());
    }

    private static Told told(Asked asked) {
        int[] ids =
                IntStream.range(asked.from(), asked.ids().length)
                        .map(i -> asked.ids()[i])
                        .toArray();
        return new Told(ids, new float[ids.length], new float[ids.length]);
    }
}
