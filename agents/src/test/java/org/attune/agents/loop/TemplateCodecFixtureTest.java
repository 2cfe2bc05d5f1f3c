package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Observations in the recorded episodes: TRL's tokens, but for a token that would come twice.
@Tag("fixtures-agents")
final class TemplateCodecFixtureTest {
    @Test
    void everyObservation() {
        Path root = Fixtures.fixture("agents");
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            EpisodeCase.each(root, report, TemplateCodecFixtureTest::check);
        }
    }

    private static void check(EpisodeCase recorded) {
        var codec = new TemplateCodec(recorded.chat(), recorded.variables(), recorded.endIds());
        codec.check();
        for (Map<String, Object> line : recorded.lines) {
            List<Map<String, Object>> turns = EpisodeCase.turns(line);
            for (int t = 0; t < turns.size(); t++) {
                if (turns.get(t).get("suffix_ids") != null) {
                    check(recorded, codec, line, t);
                }
            }
        }
    }

    private static void check(
            EpisodeCase recorded, TemplateCodec codec, Map<String, Object> line, int t) {
        Map<String, Object> turn = EpisodeCase.turns(line).get(t);
        int[] ids = EpisodeCase.ids(turn.get("ids"));
        int last = ids[ids.length - 1];
        List<Message> answers = EpisodeCase.resultMessages(line, t);
        if (!recorded.endIds().contains(last)
                || answers.stream().anyMatch(a -> !(a.fields().get("content") instanceof String))) {
            return;
        }
        List<ToolCall> calls = new ArrayList<>();
        for (Map<String, Object> call :
                EpisodeCase.objects(EpisodeCase.object(turn.get("message")).get("tool_calls"))) {
            Map<String, Object> function = EpisodeCase.object(call.get("function"));
            calls.add(
                    new ToolCall(
                            Optional.empty(),
                            (String) function.get("name"),
                            function.get("arguments"),
                            ""));
        }
        var template = (JinjaChatTemplate) recorded.chat().template();
        boolean namesAnswers = template.source().contains("<|tool_response>");
        if (namesAnswers && calls.stream().map(ToolCall::name).distinct().count() > 1) {
            return; // TRL writes the first name beside all answers
        }
        int[] trl = EpisodeCase.ids(turn.get("suffix_ids"));
        int[] expected = trl[0] == last ? Arrays.copyOfRange(trl, 1, trl.length) : trl;
        int[] made = codec.observation(ids, calls, answers);
        assertArrayEquals(
                expected,
                made,
                () ->
                        "expected %s, but was %s"
                                .formatted(recorded.text(expected), recorded.text(made)));
    }
}
