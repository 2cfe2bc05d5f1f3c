package org.attune.cli.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.cli.terminal.VisibleText;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.reward.Completion;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;

class ShownCompletionTest {
    private static Turn turn(ParsedTurn parsed, List<Message> answers) {
        return new Turn(
                new int[] {1},
                new float[1],
                true,
                Optional.of(parsed),
                List.of(),
                answers,
                new int[0],
                0);
    }

    @Test
    void episodesAreShownTurnByTurn() {
        var call = new ToolCall(Optional.empty(), "add", Map.of("a", 1L), "");
        var episode =
                new Episode(
                        new EpisodeStart(new EpisodeId(0, 0), Map.of(), 0, 0, 0),
                        List.of(),
                        new int[] {1},
                        List.of(
                                turn(
                                        new ParsedTurn(
                                                Message.of("assistant", "Let me see."),
                                                List.of(call),
                                                List.of(),
                                                false),
                                        List.of(Message.of("tool", "3\n4"))),
                                turn(
                                        new ParsedTurn(
                                                Message.of("assistant", "34"),
                                                List.of(),
                                                List.of(),
                                                false),
                                        List.of())),
                        EndReason.TURN_CUT,
                        Map.of(),
                        Map.of());
        assertEquals(
                "Let me see. add({\"a\": 1}) → 3" + VisibleText.of("\n") + "4 34 [turn_cut]",
                ShownCompletion.of(
                        new Completion("34", new int[] {1}, List.of(), Optional.of(episode))));
        assertEquals("plain", ShownCompletion.of(new Completion("plain", new int[0], List.of())));
    }
}
