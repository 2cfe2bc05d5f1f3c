package org.attune.cli.rounds;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

final class EpisodeTextTest {
    @Test
    void nothingSteersTheTerminal() {
        String text = "a\tb\u001b[2J\u009b2Jc\u202ed";
        var start = new EpisodeStart(new EpisodeId(0, 0), Map.of(), 1, 0, 0);
        var episode =
                new Episode(
                        start,
                        List.of(Message.of("user", text)),
                        new int[] {1},
                        List.of(),
                        EndReason.FAILED,
                        Map.of(),
                        Map.of());
        var one =
                new RecordedCompletion(
                        0,
                        new int[] {1},
                        SampledCompletion.of(episode, StopReason.MAX_TOKENS),
                        Map.of(),
                        Map.of(),
                        OptionalInt.empty(),
                        true);
        String shown = new EpisodeText(Optional.empty(), false).of(one);
        assertTrue(shown.contains("| user: a\tb\\u001b[2J\\u009b2Jc\\u202ed"), shown);
        assertFalse(shown.contains("\u009b"), shown);
    }
}
