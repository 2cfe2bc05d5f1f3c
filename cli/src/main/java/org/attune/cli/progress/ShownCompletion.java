package org.attune.cli.progress;

import org.attune.cli.terminal.VisibleText;
import org.attune.episode.Episode;
import org.attune.episode.Turn;
import org.attune.json.Json;
import org.attune.reward.Completion;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;

import java.util.ArrayList;
import java.util.List;

/// A completion in one line of a table. Of an episode all turns: what the model says, its calls as
/// `name({"a": 1})`, what it was answered behind `→`, and in brackets why it ended, unless by an
/// answer.
final class ShownCompletion {
    private ShownCompletion() {}

    static String of(Completion completion) {
        return VisibleText.of(
                completion.episode().map(ShownCompletion::text).orElse(completion.text()));
    }

    private static String text(Episode episode) {
        List<String> parts = new ArrayList<>();
        for (Turn turn : episode.turns()) {
            turn.parsed().ifPresent(parsed -> say(parsed, parts));
            for (Message answer : turn.answers()) {
                parts.add("→ " + answer.content());
            }
        }
        switch (episode.end()) {
            case ANSWERED, ENVIRONMENT_DONE -> {}
            default -> parts.add("[" + episode.end().key() + "]");
        }
        return String.join(" ", parts);
    }

    private static void say(ParsedTurn turn, List<String> parts) {
        if (!turn.message().content().isEmpty()) {
            parts.add(turn.message().content());
        }
        for (ToolCall call : turn.calls()) {
            parts.add(call.name() + "(" + Json.write(call.arguments()) + ")");
        }
    }
}
