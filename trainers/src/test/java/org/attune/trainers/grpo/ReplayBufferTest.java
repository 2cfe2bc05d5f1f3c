package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.reward.GroupedRewards;
import org.attune.reward.RewardTable;
import org.attune.trainers.grpo.ReplayBuffer.Group;
import org.attune.trainers.layout.CompletionForest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

class ReplayBufferTest {
    private static final int[] PROMPT = {1, 2};

    private static RolloutRow row(int token, double advantage) {
        return new RolloutRow(
                0,
                new CompletionForest.Row(PROMPT, new int[] {token, token}),
                new float[] {-0.1f, Float.NaN},
                false,
                false,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                new float[] {1, 1},
                advantage,
                Optional.empty());
    }

    private static Group group(double score, int token) {
        return new Group(score, List.of(row(token, 1), row(token + 1, -1)));
    }

    private static ReplayBuffer filled(int size, double... scores) {
        ReplayBuffer buffer = ReplayBuffer.empty(size);
        for (int i = 0; i < scores.length; i++) {
            if (buffer.keeps(scores[i])) {
                buffer = buffer.with(group(scores[i], 10 * i));
            }
        }
        return buffer;
    }

    private static List<Double> kept(int size, double... scores) {
        return filled(size, scores).groups().stream().map(Group::score).sorted().toList();
    }

    /// Scores as they came, and what TRL's `ReplayBuffer(4)` held afterwards.
    @Test
    void theHighestScoresAreKept() {
        assertEquals(
                List.of(0.742, 0.776, 0.795, 0.868),
                kept(4, 0.742, 0.795, 0.776, 0.249, 0.052, 0.113, 0.868, 0.381, 0.102));
        assertEquals(
                List.of(0.408, 0.797, 0.871, 0.916),
                kept(4, 0.013, 0.408, 0.916, 0.16, 0.797, 0.139, 0.127, 0.002, 0.871));
        assertEquals(
                List.of(0.314, 0.774, 0.872, 0.967),
                kept(4, 0.774, 0.872, 0.314, 0.199, 0.182, 0.967));
        assertFalse(filled(2, 1, 2).keeps(1), "an equal score takes nobody's place");
        assertFalse(ReplayBuffer.empty(0).keeps(9));
    }

    @Test
    void drawsFollowTheScores() {
        ReplayBuffer buffer = filled(3, 1, 2, 5);
        var random = RandomSource.XO_SHI_RO_256_PP.create(7);
        int[] counts = new int[3];
        for (int i = 0; i < 8000; i++) {
            counts[buffer.groups().indexOf(buffer.draw(1, random).getFirst())]++;
        }
        assertEquals(1.0 / 8, counts[0] / 8000.0, 0.02);
        assertEquals(2.0 / 8, counts[1] / 8000.0, 0.02);
        assertEquals(5.0 / 8, counts[2] / 8000.0, 0.02);
        List<Group> all = buffer.draw(3, random);
        assertEquals(3, List.copyOf(new HashSet<>(all)).size(), "each once");
        assertEquals(5, buffer.draw(5, random).size());
        assertTrue(ReplayBuffer.empty(3).draw(2, random).isEmpty());
    }

    @Test
    void groupsComeBackFromACheckpointAsTheyWere(@TempDir Path folder) throws IOException {
        ReplayBuffer buffer = filled(3, 0.1 + 0.2, 2);
        var form = new RolloutLines(_ -> PROMPT);
        buffer.write(folder, form);
        ReplayBuffer read = ReplayBuffer.read(folder, 3, form);
        Path again = Files.createDirectory(folder.resolve("again"));
        read.write(again, form);
        assertEquals(
                Files.readString(folder.resolve("replay.jsonl")),
                Files.readString(again.resolve("replay.jsonl")));
        assertEquals(2, read.groups().size());
        assertEquals(0.1 + 0.2, read.groups().getFirst().score());
        assertEquals(2, read.groups().getFirst().rows().size());
        assertSame(PROMPT, read.groups().getFirst().rows().getFirst().tokens().prompt());
        assertEquals(ReplayBuffer.empty(3), ReplayBuffer.read(again.resolve("none"), 3, form));
    }

    private static GroupedRewards rewards(double... totals) {
        double[][] table = new double[totals.length][];
        for (int i = 0; i < totals.length; i++) {
            table[i] = new double[] {totals[i]};
        }
        return GroupedRewards.of(RewardTable.of(List.of("r"), new double[] {1}, table), 2);
    }

    /// Rewards 0, 1: std √½; advantages ±1: score 2·√½.
    @Test
    void groupsThatDoNotDifferAreReplaced() {
        List<RolloutRow> rows = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            rows.add(row(i, i % 2 == 0 ? -1 : 1));
        }
        Replay replay =
                Replay.of(
                        rows,
                        rewards(1, 1, 0, 1, 0, 0),
                        ReplayBuffer.empty(1),
                        group -> group.stream().map(r -> r.withAdvantage(9)).toList(),
                        1,
                        0);
        assertEquals(1, replay.buffer().groups().size());
        assertEquals(Math.sqrt(2), replay.buffer().groups().getFirst().score(), 1e-12);
        assertSame(rows.get(2), replay.rows().get(2), "a group that differs stays");
        for (int i : new int[] {0, 1, 4, 5}) {
            assertNotSame(rows.get(i), replay.rows().get(i));
            assertEquals(2 + i % 2, replay.rows().get(i).tokens().completion()[0]);
            assertEquals(9, replay.rows().get(i).advantage(), "as it was kept");
        }
        assertEquals(2.0, replay.metrics().get("replay_buffer/replayed"));
    }

    @Test
    void withoutAGroupToTakeTheRoundStaysAsItIs() {
        List<RolloutRow> rows = List.of(row(0, 0), row(1, 0));
        Replay replay = Replay.of(rows, rewards(1, 1), ReplayBuffer.empty(4), group -> group, 1, 0);
        assertEquals(rows, replay.rows());
        assertEquals(0.0, replay.metrics().get("replay_buffer/replayed"));
    }
}
