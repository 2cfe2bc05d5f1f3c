package org.attune.reward.external;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.json.Json;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.RewardTable;
import org.attune.reward.WeightedReward;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A program that rewards the turns of episodes.
@Timeout(300)
class ProcessTurnRewardTest {
    @TempDir Path folder;

    private static Completion episode(int count) {
        Message said = Message.of("assistant", "hm");
        var turn =
                new Turn(
                        new int[] {1},
                        new float[1],
                        true,
                        Optional.of(new ParsedTurn(said, List.of(), List.of(), false)),
                        List.of(),
                        List.of(Message.of("user", "more")),
                        new int[0],
                        0.5);
        var episode =
                new Episode(
                        new EpisodeStart(new EpisodeId(0, 0), Map.of(), 0, 0, 0),
                        List.of(),
                        new int[] {1},
                        Collections.nCopies(count, turn),
                        EndReason.MAX_TURNS,
                        Map.of(),
                        Map.of("left", 3L));
        return new Completion("hm", new int[] {1}, List.of(said), Optional.of(episode));
    }

    private ProcessReward answering(String answer) throws IOException {
        Path script =
                Files.writeString(
                        folder.resolve("reward.sh"),
                        """
                        while read -r line; do
                          echo "$line" > asked
                          echo '%s'
                        done
                        """
                                .formatted(answer));
        return new ProcessReward(
                "script",
                List.of("sh", script.toString()),
                folder,
                Map.of(),
                RewardLimits.defaults().withTimeout(Duration.ofSeconds(90)));
    }

    private static RewardBatch batch(Completion... completions) {
        var prompts = Collections.nCopies(completions.length, new Prompt("", List.of()));
        return new RewardBatch(prompts, List.of(completions), Map.of());
    }

    @Test
    void aListRewardsEachTurn() throws IOException {
        Completion plain = new Completion("x", new int[] {1}, List.of());
        try (var reward = answering("{\"rewards\": [[1, -0.25, true], 2, null, [3]]}");
                var scorer =
                        new RewardScorer(
                                List.of(WeightedReward.of(reward)), RewardLimits.defaults())) {
            RewardTable table = scorer.score(batch(episode(3), episode(2), episode(1), plain));
            assertEquals(1.75, table.values()[0][0]);
            assertEquals(2, table.values()[1][0]);
            assertTrue(Double.isNaN(table.values()[2][0]));
            assertEquals(3, table.values()[3][0]);
            List<Optional<double[]>> turns = table.turns().get("script");
            assertArrayEquals(new double[] {1, -0.25, 1}, turns.get(0).orElseThrow());
            assertTrue(turns.get(1).isEmpty());
        }
        assertEquals(
                Json.parse(
                        """
                        {"end": "max_turns", "state": {"left": 3}, "turns": [{"message":
                         {"role": "assistant", "content": "hm"}, "outcomes": [], "answers":
                         [{"role": "user", "content": "more"}], "reward": 0.5}]}
                        """),
                list(map(Json.parse(Files.readString(folder.resolve("asked")))).get("episodes"))
                        .get(2));
    }

    @Test
    void aListOfAnotherLengthIsAnError() throws IOException {
        try (var reward = answering("{\"rewards\": [[1, 2]]}")) {
            var e =
                    assertThrows(
                            IllegalStateException.class, () -> reward.score(batch(episode(3))));
            assertTrue(e.getMessage().contains("2 rewards for the 3 turns"), e.getMessage());
        }
        try (var reward = answering("{\"rewards\": [[1, null]]}")) {
            var e =
                    assertThrows(
                            IllegalStateException.class, () -> reward.score(batch(episode(2))));
            assertTrue(e.getMessage().contains("got null"), e.getMessage());
        }
    }

    private static Map<?, ?> map(Object value) {
        return (Map<?, ?>) value;
    }

    private static List<?> list(Object value) {
        return (List<?>) value;
    }
}
