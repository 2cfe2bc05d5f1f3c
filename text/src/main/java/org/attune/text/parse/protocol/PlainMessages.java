package org.attune.text.parse.protocol;

import org.attune.text.Conversation;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Writes tools, calls and results into ordinary messages.
///
/// @param notes what the model is told of the tools, in the system message
/// @param call a call in the assistant's text
/// @param results what tools answered, as a user's message
/// @param hasSystem whether there may be a system message; else the first user's message holds it
record PlainMessages(
        Function<List<Object>, String> notes,
        Function<Map<?, ?>, String> call,
        Function<List<Message>, String> results,
        boolean hasSystem) {

    Conversation of(Conversation conversation) {
        var messages = new ArrayList<Message>();
        var answers = new ArrayList<Message>();
        for (Message message : conversation.messages()) {
            if (message.role().equals("tool")) {
                answers.add(message);
                continue;
            }
            flush(answers, messages);
            messages.add(
                    message.fields().get("tool_calls") instanceof List<?> c && !c.isEmpty()
                            ? said(message, c)
                            : message);
        }
        flush(answers, messages);
        if (!conversation.tools().isEmpty()) {
            addNotes(messages, notes.apply(conversation.tools()));
        }
        var variables = new LinkedHashMap<>(conversation.variables());
        variables.remove("tools");
        return new Conversation(messages, List.of(), variables);
    }

    private void flush(List<Message> answers, List<Message> messages) {
        if (!answers.isEmpty()) {
            messages.add(Message.of("user", results.apply(List.copyOf(answers))));
            answers.clear();
        }
    }

    private Message said(Message message, List<?> calls) {
        var text = new StringBuilder(message.content());
        for (Object entry : calls) {
            Map<?, ?> map = (Map<?, ?>) entry;
            Map<?, ?> function = map.get("function") instanceof Map<?, ?> f ? f : map;
            text.append(text.isEmpty() ? "" : "\n").append(call.apply(function));
        }
        var fields = new LinkedHashMap<>(message.fields());
        fields.remove("tool_calls");
        fields.put("content", text.toString());
        return new Message(fields);
    }

    private void addNotes(List<Message> messages, String notes) {
        String role = hasSystem ? "system" : "user";
        boolean joins = !messages.isEmpty() && messages.getFirst().role().equals(role);
        if (joins) {
            Message first = messages.getFirst();
            var fields = new LinkedHashMap<>(first.fields());
            fields.put(
                    "content",
                    hasSystem
                            ? first.content() + "\n\n" + notes
                            : notes + "\n\n" + first.content());
            messages.set(0, new Message(fields));
        } else {
            messages.addFirst(Message.of(role, notes));
        }
    }
}
