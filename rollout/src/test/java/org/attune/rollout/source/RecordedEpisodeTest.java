package org.attune.rollout.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.error.RolloutException;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/// Episodes in a file of rounds.
class RecordedEpisodeTest {
    private static final Map<String, Object> ROW = Map.of("answer", "7", "start", 3L);

    @TempDir private Path folder;

    private static Episode episode() {
        var call =
                new ToolCall(
                        Optional.of("call-1"),
                        "add",
                        Map.of("a", 0.1, "b", Double.NaN),
                        "<tool_call>é</tool_call>");
        var asks =
                new Turn(
                        new int[] {4, 5},
                        new float[] {-0.25f, -1.1f},
                        true,
                        Optional.of(
                                new ParsedTurn(
                                        Message.of("assistant", ""),
                                        List.of(call),
                                        List.of("the second call can't be read"),
                                        true)),
                        List.of(new ToolOutcome(call, ToolOutcome.Kind.REFUSED, "no", 17)),
                        List.of(Message.of("tool", "no")),
                        new int[] {6},
                        0.5);
        var cut =
                new Turn(
                        new int[] {7},
                        new float[] {-2f},
                        false,
                        Optional.empty(),
                        List.of(),
                        List.of(),
                        new int[0],
                        0,
                        Optional.of(new int[] {1, 2, 9}));
        return new Episode(
                new EpisodeStart(new EpisodeId(0, 1), ROW, 123456789012L, 1, 2),
                List.of(Message.of("user", "3 + 4")),
                new int[] {1, 2, 3},
                List.of(asks, cut),
                EndReason.TURN_CUT,
                Map.of("Counter", OptionalDouble.of(0.75), "Lock", OptionalDouble.empty()),
                Map.of("count", 3L));
    }

    @Test
    void bytesTellAnotherProcessEverything() {
        SampledCompletion plain =
                new SampledCompletion(
                        new int[] {3, 1},
                        new float[] {Float.NaN, -0.1f},
                        StopReason.STOP_TOKEN,
                        List.of(),
                        BitSet.valueOf(new long[] {2}));
        SampledCompletion told = SampledCompletion.of(episode(), StopReason.MAX_TOKENS);
        Episode failed = ended(episode(), EndReason.FAILED);
        List<SampledCompletion> read =
                CompletionBytes.read(
                        CompletionBytes.of(
                                List.of(
                                        plain,
                                        told,
                                        SampledCompletion.of(failed, StopReason.MAX_TOKENS))));
        assertArrayEquals(plain.ids(), read.get(0).ids());
        assertArrayEquals(plain.logProbs(), read.get(0).logProbs());
        assertEquals(plain.foreign(), read.get(0).foreign());
        assertEquals(StopReason.STOP_TOKEN, read.get(0).reason());
        for (int i = 1; i < 3; i++) {
            Episode one = read.get(i).episode().orElseThrow();
            Episode sent = i == 1 ? episode() : failed;
            assertEquals(RecordedEpisode.json(sent), RecordedEpisode.json(one));
            assertArrayEquals(sent.promptIds(), one.promptIds());
            assertArrayEquals(sent.logProbs(), one.logProbs());
            assertEquals(17, one.turns().getFirst().outcomes().getFirst().nanos());
        }
        assertArrayEquals(told.ids(), read.get(1).ids());
        assertTrue(read.get(2).isFailed());
    }

    private static Episode ended(Episode episode, EndReason end) {
        return new Episode(
                episode.start(),
                episode.prompt(),
                episode.promptIds(),
                episode.turns(),
                end,
                episode.rewards(),
                episode.state());
    }

    private static String line(Episode episode) {
        return new RecordedCompletion(
                        0,
                        episode.promptIds(),
                        SampledCompletion.of(episode, StopReason.MAX_TOKENS),
                        Map.of("r", 1.0),
                        Map.of("r", 1.0),
                        OptionalInt.of(0),
                        true)
                .line();
    }

    @Test
    void comeBackAsTheyWereAndTheTimeOfCallsIsNotKept() {
        String line = line(episode());
        RecordedCompletion back = RecordedCompletion.parse(line, Set.of());
        Episode read = back.sampled().episode().orElseThrow();
        assertEquals(line, back.line());
        assertArrayEquals(episode().completionIds(), back.sampled().ids());
        assertArrayEquals(episode().logProbs(), read.logProbs());
        assertEquals(episode().foreign(), back.sampled().foreign());
        assertEquals(episode().start(), read.start());
        assertEquals(episode().prompt(), read.prompt());
        assertEquals(episode().messages(), read.messages());
        assertEquals(EndReason.TURN_CUT, read.end());
        assertEquals(episode().rewards(), read.rewards());
        assertEquals(episode().state(), read.state());
        Turn first = read.turns().getFirst();
        assertEquals(0.5, first.reward());
        assertEquals(ToolOutcome.Kind.REFUSED, first.outcomes().getFirst().kind());
        assertEquals(0, first.outcomes().getFirst().nanos());
        assertEquals(
                Map.of("a", 0.1, "b", "NaN"),
                first.parsed().orElseThrow().calls().getFirst().named());
        assertTrue(first.parsed().orElseThrow().isFallback());
        assertEquals(1, first.parsed().orElseThrow().problems().size());
        assertTrue(read.turns().getLast().parsed().isEmpty());
        assertArrayEquals(new int[] {1, 2, 9}, read.turns().getLast().context().orElseThrow());
    }

    @Test
    void replayTheirOwnPromptsAndAskForTheSameRow() throws IOException {
        Path file = Files.writeString(folder.resolve("rounds.jsonl"), line(episode()) + "\n");
        var recorded = new RecordedRollouts(file, 10, Set.of());
        var same = new RolloutPrompt(0, new int[] {1}, List.of(), ROW);
        SampledCompletion replayed = recorded.complete(List.of(same), 0).getFirst();
        assertArrayEquals(new int[] {1, 2, 3}, replayed.episode().orElseThrow().promptIds());
        var other = new RolloutPrompt(0, new int[] {1, 2, 3}, List.of(), Map.of("answer", "8"));
        assertTrue(
                assertThrows(RolloutException.class, () -> recorded.complete(List.of(other), 0))
                        .getMessage()
                        .contains("rounds.jsonl:1: "));
    }

    @Test
    void damagedOnesAreRefused() {
        String line = line(episode()).replace("\"turn_cut\"", "\"tired\"");
        assertTrue(
                assertThrows(RolloutException.class, () -> RecordedCompletion.parse(line, Set.of()))
                        .getMessage()
                        .contains("episode can't be read"));
    }
}
