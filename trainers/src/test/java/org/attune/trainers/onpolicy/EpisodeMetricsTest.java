package org.attune.trainers.onpolicy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.episode.EndReason;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.trainers.testing.Episodes;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

class EpisodeMetricsTest {
    private static final int[] PROMPT = {5, 6, 7};

    private static SampledCompletion ended(Episodes episode, EndReason reason) {
        return SampledCompletion.of(episode.ended(reason), StopReason.STOP_TOKEN);
    }

    @Test
    void completionsOfOneAnswerHaveNone() {
        var plain = new SampledCompletion(new int[] {1}, new float[1], StopReason.STOP_TOKEN);
        assertEquals(Map.of(), EpisodeMetrics.of(List.of(plain)));
    }

    @Test
    void failedEpisodesCountAsAnEndAlone() {
        Map<String, Double> metrics =
                EpisodeMetrics.of(
                        List.of(
                                ended(
                                        Episodes.of(PROMPT)
                                                .turn(new int[] {1, 2}, new int[] {3}, "f", "x")
                                                .turn(new int[] {1}, new int[] {3, 4}, "f", "x")
                                                .turn(new int[] {4}, "done"),
                                        EndReason.ANSWERED),
                                ended(
                                        Episodes.of(PROMPT).turn(new int[] {4}, "done"),
                                        EndReason.MAX_TURNS),
                                ended(
                                        Episodes.of(PROMPT)
                                                .turn(new int[] {1}, new int[] {3}, "f", "x"),
                                        EndReason.FAILED),
                                ended(Episodes.of(PROMPT), EndReason.FAILED)));
        assertEquals(1.0, metrics.get("tools/call_frequency"));
        assertEquals(0.0, metrics.get("tools/failure_frequency"));
        assertEquals(0.5, metrics.get("episodes/end/failed"));
        assertEquals(0.25, metrics.get("episodes/end/answered"));
        assertEquals(0.0, metrics.get("episodes/end/timeout"));
        assertEquals(2.0, metrics.get("episodes/turns/mean"));
        assertEquals(3.0, metrics.get("episodes/turns/max"));
        assertEquals(3.0, metrics.get("episodes/tokens/prompt"));
        assertEquals(2.5, metrics.get("episodes/tokens/own"));
        assertEquals(1.5, metrics.get("episodes/tokens/foreign"));
        assertEquals(0.001, metrics.get("episodes/call_seconds/p95"));
    }
}
