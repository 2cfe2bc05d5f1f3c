package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A conversation that is written down as text, with the speaker's name before each turn: `Human:`
/// and `Assistant:` at the beginning of lines, or behind `###`.
final class Transcript {
    private static final Pattern SPEAKER =
            Pattern.compile("(?:^|\\R|###)[ \\t]*(\\p{L}{2,12})[ \\t]*:(?=\\s|\\p{L})");

    private Transcript() {}

    /// The text's messages; empty unless it begins with a speaker, and a user and an assistant take
    /// turns.
    static Optional<List<Map<String, Object>>> of(String text) {
        String whole = text.strip();
        List<Map<String, Object>> messages = new ArrayList<>();
        String speaker = "";
        int from = 0;
        Matcher next = SPEAKER.matcher(whole);
        while (next.find()) {
            Optional<String> role = ChatCell.role(next.group(1));
            if (role.isEmpty()) {
                continue; // a line such as "Note: ..."
            }
            if (messages.isEmpty() && speaker.isEmpty() && next.start() > 0) {
                return Optional.empty();
            }
            if (!speaker.isEmpty()) {
                messages.add(
                        ChatCell.message(speaker, whole.substring(from, next.start()).strip()));
            }
            speaker = role.get();
            from = next.end();
        }
        if (!speaker.isEmpty()) {
            messages.add(ChatCell.message(speaker, whole.substring(from).strip()));
        }
        return takeTurns(messages) ? Optional.of(messages) : Optional.empty();
    }

    /// Whether a user and an assistant take turns, the user first, maybe behind a system message.
    static boolean takeTurns(List<Map<String, Object>> messages) {
        int first = !messages.isEmpty() && "system".equals(messages.getFirst().get("role")) ? 1 : 0;
        for (int i = first; i < messages.size(); i++) {
            String expected = (i - first) % 2 == 0 ? "user" : "assistant";
            if (!expected.equals(messages.get(i).get("role"))
                    || String.valueOf(messages.get(i).get("content")).isEmpty()) {
                return false;
            }
        }
        return messages.size() - first >= 2;
    }
}
