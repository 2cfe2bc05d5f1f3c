package org.attune.reward.judge;

import org.attune.json.Json;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Prompts and completions as a judge reads them.
final class JudgedText {
    private JudgedText() {}

    /// A prompt: its only message's content, else all messages with their roles.
    public static String of(Prompt prompt) {
        List<Message> messages = prompt.messages();
        if (messages.isEmpty()) {
            return prompt.text();
        }
        return messages.size() == 1 ? messages.getFirst().content() : turns(messages);
    }

    /// All that a completion says and does: an answer alone is its content, several turns have
    /// roles, calls and results.
    public static String transcript(Completion completion) {
        List<Message> messages = completion.messages();
        boolean plain = messages.size() <= 1 && messages.stream().allMatch(JudgedText::isPlain);
        return plain ? completion.text() : turns(messages);
    }

    private static boolean isPlain(Message message) {
        return !(message.fields().get("tool_calls") instanceof List<?>);
    }

    private static String turns(List<Message> messages) {
        var lines = new ArrayList<String>();
        for (Message message : messages) {
            Object name = message.fields().get("name");
            String who = name == null ? message.role() : message.role() + " " + name;
            if (!message.content().isEmpty() || isPlain(message)) {
                lines.add(who + ": " + message.content());
            }
            if (message.fields().get("tool_calls") instanceof List<?> calls) {
                calls.forEach(call -> lines.add(who + " calls " + call(call)));
            }
        }
        return String.join("\n", lines);
    }

    private static String call(Object call) {
        Object function =
                call instanceof Map<?, ?> map && map.get("function") != null
                        ? map.get("function")
                        : call;
        if (function instanceof Map<?, ?> map) {
            Object arguments = map.get("arguments");
            return map.get("name")
                    + "("
                    + (arguments instanceof String text ? text : Json.write(arguments))
                    + ")";
        }
        return Json.write(call);
    }

    /// A column's value as text: a text as it is, else JSON.
    public static String column(Object value) {
        return value instanceof String text ? text : Json.write(value);
    }
}
