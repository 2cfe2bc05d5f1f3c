package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.tool.ToolResult;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeRow;
import org.junit.jupiter.api.Test;

import java.util.List;

/// What a transcript counts, in one row and over several.
final class TranscriptTest {
    private final ToyChat toy = new ToyChat();

    @Test
    void aRowGrowsAtItsEnd() {
        var transcript = new Transcript(new int[] {1, 2});
        transcript.sampled(new int[] {3, 4, 5});
        transcript.observed(new int[100]);
        transcript.sampled(new int[] {6});
        assertEquals(106, transcript.length());
        assertEquals(4, transcript.sampledTokens());
        assertEquals(104, transcript.drawn());
        assertEquals(6, transcript.ids()[105]);
    }

    @Test
    void countsGoOnInAnotherRow() {
        var transcript = new Transcript(new int[] {1, 2});
        transcript.sampled(new int[] {3, 4, 5});
        transcript.observed(new int[] {6, 7});
        transcript.anew(new int[] {1, 2, 9});
        assertEquals(3, transcript.sampledTokens());
        assertEquals(5, transcript.drawn());
        assertArrayEquals(new int[] {1, 2, 9}, transcript.ids());
        // As many tokens as stood before the others' foreign ones, and more: all of them own.
        transcript.sampled(new int[] {10, 11, 12, 13, 14, 15});
        assertEquals(9, transcript.sampledTokens());
        transcript.observed(new int[] {16});
        assertEquals(9, transcript.sampledTokens());
        assertEquals(12, transcript.drawn());
    }

    @Test
    void whatFollowsIsFoundOnlyBehindTheSameTokens() {
        var transcript = new Transcript(new int[] {1});
        transcript.sampled(new int[] {2});
        assertArrayEquals(new int[] {3}, transcript.behind(new int[] {1, 2, 3}).orElseThrow());
        assertArrayEquals(new int[0], transcript.behind(new int[] {1, 2}).orElseThrow());
        assertTrue(transcript.behind(new int[] {1, 4, 3}).isEmpty());
        assertTrue(transcript.behind(new int[] {1}).isEmpty());
    }

    /// All turns think, so each is followed by another row. The answers to the first stand
    /// where the second and third row have own tokens.
    @Test
    void sampledTokensAreLimitedOverAllRows() {
        toy.config =
                toy.config
                        .withHistory(History.TEMPLATE)
                        .withLimits(EpisodeLimits.none().withMaxSampledTokens(40));
        String turn = "[hm]<call>echo {}</call>";
        int length = toy.tokens.encode(turn + ToyChat.END, false).length;
        Episode episode =
                toy.play(
                                ToyChat.tools(
                                        ToyChat.tool("echo", (_, _) -> new ToolResult.Ok("so"))),
                                List.of(List.of(turn, turn, turn, turn, turn, turn)))
                        .getFirst();
        assertTrue(length < 20, length + " tokens");
        assertEquals(EndReason.MAX_SAMPLED_TOKENS, episode.end());
        assertEquals(40, episode.sampledTokens());
        assertEquals(40, episode.rows().stream().mapToInt(EpisodeRow::ownTokens).sum());
        assertEquals((40 + length - 1) / length, episode.rows().size());
    }
}
