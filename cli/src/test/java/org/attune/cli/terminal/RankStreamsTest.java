package org.attune.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.command.RankOptions;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

final class RankStreamsTest {
    @Test
    void otherRanksHaveTheirNameBeforeEachLine() {
        var bytes = new ByteArrayOutputStream();
        try (PrintStream stream =
                RankStreams.prefixed(new PrintStream(bytes), "[rank 2 on node1] ")) {
            stream.print("attune: a ");
            assertEquals(0, bytes.size());
            stream.print("failure\nhow long " + "a".repeat(1000) + "\n");
            stream.print("half");
        }
        assertEquals(
                "[rank 2 on node1] attune: a failure\n[rank 2 on node1] how long "
                        + "a".repeat(1000)
                        + "\n[rank 2 on node1] half",
                bytes.toString(StandardCharsets.UTF_8));
    }

    @Test
    void rankZeroSpeaksAsOneProcessDoes() {
        Map<String, String> first = Map.of("PMI_RANK", "0", "PMI_SIZE", "2");
        Map<String, String> second = Map.of("PMI_RANK", "1", "PMI_SIZE", "2");
        assertTrue(RankStreams.follower(first).isEmpty());
        assertTrue(RankStreams.follower(second).isPresent());
        assertTrue(RankStreams.follower(Map.of("PMI_RANK", "?", "PMI_SIZE", "2")).isEmpty());
        assertFalse(RankStreams.isRank(Map.of()));
    }

    @Test
    void ranksAreStartedWithoutTheOptionThatStartsThem() {
        assertEquals(
                List.of("sft", "run.yaml", "seed=1"),
                RankOptions.without(
                        List.of("sft", "--ranks", "4", "run.yaml", "--hosts=a:2", "seed=1")));
    }
}
