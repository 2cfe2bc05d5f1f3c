package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.episode.Episode;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.Message;
import org.attune.text.parse.template.ParseFixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/// Episodes of TRL's trainer, by their recorded turns and results: tokens, masks and messages.
@Tag("fixtures-agents")
final class EpisodeFixturesTest {
    @Test
    void everyCase() {
        Path root = Fixtures.fixture("agents");
        int[] episodes = {0};
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            EpisodeCase.each(
                    root,
                    report,
                    recorded -> {
                        check(recorded);
                        episodes[0] += recorded.lines.size();
                    });
        }
        System.out.println("fixtures-agents: " + episodes[0] + " episodes");
    }

    private static void check(EpisodeCase recorded) {
        List<Episode> played = List.of();
        if (!needsRecordedAnswers(recorded)) {
            played = recorded.play(recorded.lines, AnswerForm.PLAIN);
        }
        for (int i = 0; i < recorded.lines.size(); i++) {
            Map<String, Object> line = recorded.lines.get(i);
            compare(
                    recorded,
                    line,
                    played.isEmpty() || played.stream().anyMatch(EpisodeFixturesTest::misfits)
                            ? recorded.play(List.of(line), recorded.recordedAnswers(line))
                                    .getFirst()
                            : played.get(i));
        }
    }

    /// Whether a call's arguments had the wrong types, which Python's functions take all the same.
    private static boolean misfits(Episode episode) {
        return episode.turns().stream()
                .flatMap(turn -> turn.outcomes().stream())
                .anyMatch(outcome -> outcome.kind() == ToolOutcome.Kind.BAD_ARGUMENTS);
    }

    /// Java has no coroutines, whose results TRL moves to the end, and results are texts.
    private static boolean needsRecordedAnswers(EpisodeCase recorded) {
        for (Map<String, Object> line : recorded.lines) {
            for (int turn = 0; turn < EpisodeCase.turns(line).size(); turn++) {
                List<String> names = new ArrayList<>();
                Object message = EpisodeCase.turns(line).get(turn).get("message");
                if (message != null) {
                    EpisodeCase.objects(EpisodeCase.object(message).get("tool_calls"))
                            .forEach(
                                    call ->
                                            names.add(
                                                    (String)
                                                            EpisodeCase.object(call.get("function"))
                                                                    .get("name")));
                }
                List<Map<String, Object>> results = EpisodeCase.results(line, turn);
                for (int i = 0; i < results.size(); i++) {
                    if (!results.get(i).get("name").equals(names.get(i))
                            || !(results.get(i).get("content") instanceof String text)
                            || text.startsWith("{'error'") && !text.endsWith(" not found.'}")) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private static void compare(EpisodeCase recorded, Map<String, Object> line, Episode episode) {
        String where = "row %s of round %s".formatted(line.get("row"), line.get("generation"));
        assertArrayEquals(recorded.promptIds(line), episode.promptIds(), "prompt, " + where);
        List<Map<String, Object>> turns = EpisodeCase.turns(line);
        List<Message> messages = new ArrayList<>();
        for (int t = 0; t < turns.size(); t++) {
            Map<String, Object> turn = turns.get(t);
            if (turn.get("message") == null) {
                assertEquals(t, episode.turns().size(), "turns, " + where);
                continue;
            }
            Turn played = episode.turns().get(t);
            int[] ids = EpisodeCase.ids(turn.get("ids"));
            int kept =
                    turn.get("kept") == null ? ids.length : ((Number) turn.get("kept")).intValue();
            assertArrayEquals(Arrays.copyOf(ids, kept), played.ids(), "turn " + t + ", " + where);
            boolean dropped = Boolean.TRUE.equals(turn.get("dropped"));
            assertArrayEquals(
                    dropped ? new int[0] : EpisodeCase.ids(turn.get("suffix_ids")),
                    played.observation(),
                    "observation of turn " + t + ", " + where);
            messages.add(new Message(EpisodeCase.object(turn.get("message"))));
            if (!dropped) {
                messages.addAll(EpisodeCase.resultMessages(line, t));
            }
        }
        assertEquals(canonical(messages), canonical(episode.messages()), where);
        assertArrayEquals(EpisodeCase.ids(line.get("completion_ids")), episode.completionIds());
        assertArrayEquals(EpisodeCase.ids(line.get("mask_runs")), runs(episode));
    }

    private static String canonical(List<Message> messages) {
        return ParseFixtures.canonical(messages.stream().map(Message::fields).toList());
    }

    /// Lengths of runs, the policy's own tokens first.
    private static int[] runs(Episode episode) {
        BitSet foreign = episode.foreign();
        List<Integer> runs = new ArrayList<>();
        for (int at = 0; at < episode.length(); ) {
            int end = runs.size() % 2 == 0 ? foreign.nextSetBit(at) : foreign.nextClearBit(at);
            end = end < 0 ? episode.length() : Math.min(end, episode.length());
            runs.add(end - at);
            at = end;
        }
        return runs.stream().mapToInt(i -> i).toArray();
    }
}
