package org.attune.datasets.formats;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A conversation that is written down as text, with the speaker's name before each turn: `Human:`
/// and `Assistant:` at the beginning of lines, or behind `###`, as in Anthropic's HH. The first
/// name of each side is its name in the whole text: another one at the beginning of a line is said.
public final class Transcript {
    private static final Pattern SPEAKER =
            Pattern.compile("(?:^|\\R|###)[ \\t]*(\\p{L}{2,12})[ \\t]*:(?=\\s|\\p{L}|\\z)");

    private static final Map<String, String> ROLES =
            Map.ofEntries(
                    Map.entry("user", "user"),
                    Map.entry("human", "user"),
                    Map.entry("customer", "user"),
                    Map.entry("kunde", "user"),
                    Map.entry("nutzer", "user"),
                    Map.entry("client", "user"),
                    Map.entry("prompter", "user"),
                    Map.entry("usuario", "user"),
                    Map.entry("utilisateur", "user"),
                    Map.entry("assistant", "assistant"),
                    Map.entry("gpt", "assistant"),
                    Map.entry("chatgpt", "assistant"),
                    Map.entry("bot", "assistant"),
                    Map.entry("model", "assistant"),
                    Map.entry("ai", "assistant"),
                    Map.entry("agent", "assistant"),
                    Map.entry("assistent", "assistant"),
                    Map.entry("asistente", "assistant"),
                    Map.entry("system", "system"));

    private Transcript() {}

    /// `user`, `assistant` or `system` for a speaker's name.
    public static Optional<String> role(Object value) {
        return Optional.ofNullable(
                ROLES.get(String.valueOf(value).strip().toLowerCase(Locale.ROOT)));
    }

    /// A message with `role` and `content`.
    public static Map<String, Object> message(String role, String content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    /// The text's messages; empty unless it begins with a speaker, and a user and an assistant take
    /// turns. The assistant's name at the end, with nothing behind it, is no message.
    public static Optional<List<Map<String, Object>>> of(String text) {
        return Optional.of(unfinished(turns(text))).filter(Transcript::takeTurns);
    }

    /// The messages of a prompt, which ends with what the user says, maybe with the assistant's
    /// name behind it; empty if the text is none.
    static Optional<List<Map<String, Object>>> asked(String text) {
        List<Map<String, Object>> turns = unfinished(turns(text));
        List<Map<String, Object>> answered = new ArrayList<>(turns);
        answered.add(message("assistant", "."));
        return takeTurns(answered) ? Optional.of(turns) : Optional.empty();
    }

    private static List<Map<String, Object>> unfinished(List<Map<String, Object>> turns) {
        boolean open = !turns.isEmpty() && turns.getLast().equals(message("assistant", ""));
        return open ? turns.subList(0, turns.size() - 1) : turns;
    }

    /// All turns of a text, in any order of roles; empty unless it begins with a speaker.
    private static List<Map<String, Object>> turns(String text) {
        String whole = text.strip();
        List<Map<String, Object>> messages = new ArrayList<>();
        Map<String, String> names = new HashMap<>(); // by role
        String speaker = "";
        int from = 0;
        Matcher next = SPEAKER.matcher(whole);
        while (next.find()) {
            Optional<String> role = role(next.group(1));
            if (role.isEmpty()) {
                continue; // a line such as "Note: ..."
            }
            String name = next.group(1).toLowerCase(Locale.ROOT);
            if (!names.computeIfAbsent(role.get(), _ -> name).equals(name)) {
                continue;
            }
            if (messages.isEmpty() && speaker.isEmpty() && next.start() > 0) {
                return List.of();
            }
            if (!speaker.isEmpty()) {
                messages.add(message(speaker, whole.substring(from, next.start()).strip()));
            }
            speaker = role.get();
            from = next.end();
        }
        if (!speaker.isEmpty()) {
            messages.add(message(speaker, whole.substring(from).strip()));
        }
        return messages;
    }

    /// Whether a user and an assistant take turns, the user first, maybe behind a system message.
    public static boolean takeTurns(List<Map<String, Object>> messages) {
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
